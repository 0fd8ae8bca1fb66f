"""What the terminal can do is found out before anything is drawn on it."""

from __future__ import annotations

import os
import pty
import select
import threading
from dataclasses import replace

import pytest

from console.tui import terminal
from console.tui.host import PLAIN_TERMINAL
from console.tui.terminal import parse_background, survey

UTF8 = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}


def test_no_color_is_read_and_taken_away() -> None:
    environ = UTF8 | {"NO_COLOR": "1"}
    found = survey(environ, ask=False)
    assert not found.has_colour
    assert "NO_COLOR" not in environ
    assert found.theme() == "plain"
    assert found.theme("light") == "plain"


def test_an_empty_no_color_does_not_count() -> None:
    assert survey(UTF8 | {"NO_COLOR": ""}, ask=False).has_colour


@pytest.mark.parametrize(
    ("environ", "is_utf8"),
    [
        ({"LANG": "de_DE.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, False),
        ({"LC_CTYPE": "POSIX", "LANG": "en_US.UTF-8"}, False),
    ],
)
def test_the_locale_decides_about_signs_and_charts(environ: dict[str, str], is_utf8: bool) -> None:
    found = survey({"TERM": "xterm"} | environ, ask=False)
    assert found.is_utf8 == is_utf8
    assert found.charts == ("braille" if is_utf8 else "ascii")


def test_the_linux_console_gets_blocks_and_sixteen_colours() -> None:
    found = survey({"LANG": "C.UTF-8", "TERM": "linux"}, ask=False)
    assert found.charts == "block"
    assert found.theme() == "ansi-dark"


def test_charts_set_by_hand_win_except_over_the_locale() -> None:
    assert survey(UTF8, wanted_charts="block", ask=False).charts == "block"
    assert (
        survey({"LANG": "C", "TERM": "xterm"}, wanted_charts="braille", ask=False).charts == "ascii"
    )


def test_a_dumb_terminal_is_not_drawn_on() -> None:
    assert not survey(UTF8 | {"TERM": "dumb"}, ask=False).is_interactive


@pytest.mark.parametrize(
    ("colorfgbg", "theme"),
    [("15;0", "dark"), ("0;15", "light"), ("0;default;7", "light"), ("", "dark")],
)
def test_colorfgbg_tells_light_from_dark(colorfgbg: str, theme: str) -> None:
    assert survey(UTF8 | {"COLORFGBG": colorfgbg}, ask=False).theme() == theme


def test_a_theme_set_by_hand_wins() -> None:
    found = survey(UTF8 | {"COLORFGBG": "0;15"}, wanted_theme="contrast", ask=False)
    assert found.theme("contrast") == "contrast-light"
    assert found.theme("ansi-dark") == "ansi-dark"
    assert replace(PLAIN_TERMINAL, is_light=True).theme("auto") == "light"


@pytest.mark.parametrize(
    ("answer", "colour"),
    [
        (b"\x1b]11;rgb:1212/1616/1c1c\x1b\\\x1b[?62c", (0x12 / 255, 0x16 / 255, 0x1C / 255)),
        (b"\x1b]11;rgb:ff/ff/ff\x07", (1.0, 1.0, 1.0)),
        (b"\x1b]11;rgba:fbfb/fafa/f7f7/ffff\x1b\\", (0xFB / 255, 0xFA / 255, 0xF7 / 255)),
        (b"\x1b[?62c", None),
        (b"", None),
    ],
)
def test_the_answer_of_a_terminal_is_read(
    answer: bytes, colour: tuple[float, float, float] | None
) -> None:
    found = parse_background(answer)
    assert found is None if colour is None else found == pytest.approx(colour)


@pytest.mark.parametrize(
    ("answer", "is_light"),
    [
        (b"\x1b]11;rgb:fbfb/fafa/f7f7\x1b\\\x1b[?62c", True),
        (b"\x1b]11;rgb:1212/1616/1c1c\x1b\\\x1b[?62c", False),
        (b"\x1b[?62c", None),
    ],
)
def test_a_real_terminal_is_asked_and_its_answer_is_eaten(
    answer: bytes, is_light: bool | None
) -> None:
    """A child on a pseudo terminal asks; we answer as a terminal would."""
    child, master = pty.fork()
    if child == 0:
        try:
            found = terminal.ask_background(5.0)
            light = None if found is None else sum(found) > 1.5
            # Whatever is left in the input would be taken for keys.
            left = os.read(0, 100) if select.select([0], [], [], 0)[0] else b""
            os.write(1, f"<{light} {left!r}>".encode())
        finally:
            os._exit(0)
    seen = b""
    watchdog = threading.Timer(10, os.close, [master])
    watchdog.start()
    try:
        while b"\x1b[c" not in seen:
            seen += os.read(master, 1024)
        os.write(master, answer)
        while b">" not in seen.rpartition(b"\x1b[c")[2]:
            seen += os.read(master, 1024)
    finally:
        watchdog.cancel()
        os.waitpid(child, 0)
        os.close(master)
    assert f"<{is_light} b''>".encode() in seen
