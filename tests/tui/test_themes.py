"""Every theme has every token; words can be read on every ground; no colour means none."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from textual.color import Color

from console.tui.host import PLAIN_TERMINAL
from console.tui.ink import Line
from console.tui.look import Greying, Look
from console.tui.signs import STATES, ascii_cells, ascii_words, said, sign, value_ink
from console.tui.themes import TOKENS, Tokens, palette, textual_theme
from tests.tui.demo.app import Demo
from tests.tui.reading import opened, strips_of, text_of, until, write

WORDS = ("quiet", "ink", "bright", "accent", "ok", "warn", "fail", "info", "other")
GROUNDS = ("ground", "raised", "band", "tint_ok", "tint_warn", "tint_fail")
COLOURED = [name for name, tokens in TOKENS.items() if not tokens.is_native]


def contrast(first: str, second: str) -> float:
    def light(colour: str) -> float:
        parts = [part / 255 for part in Color.parse(colour).rgb]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(first), light(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", COLOURED)
@pytest.mark.parametrize("ground", GROUNDS)
def test_words_can_be_read_on_every_ground(theme: str, ground: str) -> None:
    tokens = TOKENS[theme]
    ratios = {word: contrast(getattr(tokens, word), getattr(tokens, ground)) for word in WORDS}
    assert min(ratios.values()) >= 4.4, ratios


@pytest.mark.parametrize("theme", COLOURED)
def test_words_on_the_background_meet_the_accessibility_ratio(theme: str) -> None:
    tokens = TOKENS[theme]
    assert all(contrast(getattr(tokens, word), tokens.ground) >= 4.5 for word in WORDS)


@pytest.mark.parametrize("theme", list(TOKENS))
def test_every_theme_is_complete_and_known_to_textual(theme: str) -> None:
    tokens = palette(theme)
    made = textual_theme(theme)
    assert made.dark == tokens.is_dark and made.ansi == tokens.is_native
    for field in fields(Tokens):
        if field.type == "str":
            assert made.variables[field.name.replace("_", "-")] == getattr(tokens, field.name)


def test_the_cursor_row_is_reversed_where_there_are_only_sixteen_colours() -> None:
    look = Look.of("ansi-dark")
    assert look.style("fail bold on raised").reverse
    assert look.style("bright").bold
    assert not Look.of("dark").style("fail on raised").reverse


def test_grey_keeps_underlines_and_loses_hues() -> None:
    look = Look.of("dark")
    grey = look.grey()
    assert grey.style("fail bold").color == look.style("quiet").color
    assert not grey.style("fail bold").bold
    assert grey.style("bright bold underline").underline
    assert Greying(look).style(look.style("fail bold")) == Greying(look).style(look.style("ok"))


@pytest.mark.parametrize("state", list(STATES))
def test_every_state_has_a_sign_of_one_cell_an_ascii_twin_and_a_word(state: str) -> None:
    known = STATES[state]
    assert sign(state).width == 1
    assert ascii_cells(known.sign).isascii() and len(ascii_cells(known.sign)) == 1
    assert known.word and known.word in said(state).plain
    assert known.token in {field.name for field in fields(Tokens)}


def test_a_good_state_is_quiet_and_a_bad_one_colours_its_word() -> None:
    assert said("pass").spans[1] == (" pass", "quiet")
    assert said("failed").spans[1] == (" failed", "fail")
    assert value_ink("pass") == "ink" and value_ink("warn") == "warn bold"


def test_an_unknown_state_is_shown_as_it_is_called() -> None:
    assert said("hibernating").plain == "? hibernating"


def test_ascii_keeps_every_column_in_its_place() -> None:
    shown = "● ▲ ✗ ◇ ► ━━╸── ▁▂▃▄▅▆▇ ≥ 0.6 … 漢字 é"
    assert len(ascii_cells(shown)) == Line(shown).width
    assert ascii_cells(shown).isascii()
    assert ascii_words(Line("recall ≥ 0.600 ± 0.010")).plain == "recall >= 0.600 +- 0.010"


@pytest.mark.parametrize("area", ["overview", "serving", "models", "pipelines"])
async def test_no_colour_is_truly_none(area: str) -> None:
    app = Demo(replace(PLAIN_TERMINAL, has_colour=False))
    app.first = area
    async with opened(app, (160, 45)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        for strip in strips_of(app):
            for segment in strip:
                style = segment.style
                for colour in (style.color, style.bgcolor) if style else ():
                    assert colour is None or colour.is_default, (segment, colour)


@pytest.mark.parametrize("area", ["overview", "serving", "models", "pipelines"])
async def test_a_terminal_without_utf8_gets_ascii_only(area: str) -> None:
    app = Demo(replace(PLAIN_TERMINAL, is_utf8=False, charts="ascii"))
    app.first = area
    async with opened(app, (80, 24)) as pilot:
        await until(pilot, lambda: text_of(app).isascii())
        for key in ("question_mark", "escape", "colon"):
            await pilot.press(key)
            await pilot.pause()
            assert text_of(app).isascii(), [c for c in text_of(app) if not c.isascii()]


async def test_the_theme_can_be_changed_from_the_palette() -> None:
    app = Demo()
    async with opened(app, (80, 24)) as pilot:
        await pilot.press("colon")
        await write(pilot, "theme light")
        await pilot.press("enter")
        await pilot.pause()
        assert app.theme == "light"
        style = strips_of(app)[3]._segments[1].style
        assert style is not None and style.bgcolor is not None
        assert style.bgcolor.name == TOKENS["light"].ground
