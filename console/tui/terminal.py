"""What the terminal can do, asked before the console starts.

Call `survey()` once, before anything of Textual is created: Textual takes NO_COLOR out of the
environment itself and then paints greys, so it is read and removed here. Standard library only,
so that a pipe or a dumb terminal is told so without loading an interface it cannot show.
"""

from __future__ import annotations

import locale
import os
import re
import select
import sys
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Literal

Charts = Literal["braille", "block", "ascii"]

BACKGROUND_LIMIT_S = 0.1
_ASK_BACKGROUND = b"\x1b]11;?\x1b\\"
_ASK_NAME = b"\x1b[c"
"""Every terminal answers this one, so a terminal that ignores the first costs no waiting."""
_NAME = re.compile(rb"\x1b\[\?[\d;]*c")
_COLOUR = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """What was found out about the terminal."""

    is_interactive: bool
    """Both ends are a terminal that can place a cursor; otherwise print text and leave."""
    is_utf8: bool
    has_colour: bool
    """False when NO_COLOR is set."""
    has_few_colours: bool
    """16 colours at most: use the ANSI themes."""
    is_light: bool
    is_remote: bool
    """Over SSH: no animation, and the clipboard is at the other end."""
    is_in_tmux: bool
    charts: Charts

    def theme(self, wanted: str = "") -> str:
        """The theme to start with: the one set by hand, else one that fits the terminal."""
        shade = "light" if self.is_light else "dark"
        if not self.has_colour:
            return "plain"
        if wanted in ("ansi", "contrast"):
            return f"{wanted}-{shade}"
        if wanted and wanted != "auto":
            return wanted
        return f"ansi-{shade}" if self.has_few_colours else shade


def survey(
    environ: MutableMapping[str, str] | None = None,
    *,
    wanted_theme: str = "",
    wanted_charts: str = "auto",
    ask: bool = True,
) -> Terminal:
    """Look at the environment and ask the terminal for its background.

    `wanted_theme` set by hand spares the question. NO_COLOR is removed from `environ` (only a
    non-empty value counts, as no-color.org has it).
    """
    env = os.environ if environ is None else environ
    has_colour = not env.pop("NO_COLOR", "")
    term = env.get("TERM", "")
    is_interactive = term not in ("", "dumb", "unknown") and _is_tty(0) and _is_tty(1)
    is_utf8 = _speaks_utf8(env)
    is_light = wanted_theme.endswith("light")
    if wanted_theme in ("", "auto", "ansi", "contrast"):
        may_ask = ask and is_interactive and has_colour
        background = ask_background() if may_ask else None
        is_light = _is_light(background, env.get("COLORFGBG", ""))
    few = term in ("linux", "cons25", "vt100", "vt220", "ansi") or term.endswith("-16color")
    return Terminal(
        is_interactive=is_interactive,
        is_utf8=is_utf8,
        has_colour=has_colour,
        has_few_colours=few and not env.get("COLORTERM", ""),
        is_light=is_light,
        is_remote=bool(env.get("SSH_CONNECTION") or env.get("SSH_TTY")),
        is_in_tmux=bool(env.get("TMUX")),
        charts=_charts(wanted_charts, is_utf8, term),
    )


def _charts(wanted: str, is_utf8: bool, term: str) -> Charts:
    if not is_utf8 or wanted == "ascii":
        return "ascii"
    if wanted == "block" or (wanted != "braille" and term == "linux"):
        return "block"
    return "braille"


def _is_tty(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _speaks_utf8(env: MutableMapping[str, str]) -> bool:
    """The locale decides, as for every other program; Python's own coercion only hides it."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = env.get(name, "")
        if value:
            return re.search(r"utf-?8", value, re.IGNORECASE) is not None
    return "utf" in locale.getpreferredencoding(False).lower()


def _is_light(background: tuple[float, float, float] | None, colorfgbg: str) -> bool:
    if background is not None:
        red, green, blue = background
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5
    last = colorfgbg.rpartition(";")[2]
    return last in ("7", "15")


def ask_background(limit_s: float = BACKGROUND_LIMIT_S) -> tuple[float, float, float] | None:
    """The terminal's background as red, green and blue from 0 to 1, or None within the limit.

    Talks to the controlling terminal directly and eats every answer, so that none of it is taken
    for a key press later.
    """
    try:
        import termios
        import tty
    except ImportError:
        return None
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    try:
        before = termios.tcgetattr(descriptor)
        try:
            tty.setcbreak(descriptor, termios.TCSANOW)
            os.write(descriptor, _ASK_BACKGROUND + _ASK_NAME)
            answer = _read_until(descriptor, _NAME, time.monotonic() + limit_s)
        finally:
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
    except (OSError, termios.error):
        return None
    finally:
        os.close(descriptor)
    return parse_background(answer)


def _read_until(descriptor: int, end: re.Pattern[bytes], deadline: float) -> bytes:
    answer = b""
    while not end.search(answer):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            break
        piece = os.read(descriptor, 1024)
        if not piece:
            break
        answer += piece
    return answer


def parse_background(answer: bytes) -> tuple[float, float, float] | None:
    """Read `rgb:1212/1616/1c1c` out of a terminal's answer; the digits may be 1 to 4."""
    found = _COLOUR.search(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return red, green, blue


def no_terminal_message(program: str) -> str:
    """What to print instead of the console when there is no terminal to show it on."""
    return f"No terminal to draw on. The same as text: {program} status; as JSON: --json."


def stdout_speaks_utf8() -> bool:
    """Whether what is printed to stdout may hold more than ASCII."""
    return "utf" in (sys.stdout.encoding or "").lower()
