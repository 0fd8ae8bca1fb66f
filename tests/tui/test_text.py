"""Foreign text is harmless, widths are the terminal's, every number is written one way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console import text

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x9b31m c1",
    "title\x1b]0;owned\x07",
    "abc\u202egpj.exe",
    "two\nlines\rback",
    "nul\x00 del\x7f",
    "zero\u200bwidth\u200djoin\ufeff",
    "private\ue0a0use",
    "lone\ud800surrogate",
]


@pytest.mark.parametrize("foreign", HOSTILE)
def test_cleaned_text_has_nothing_a_terminal_acts_upon(foreign: str) -> None:
    shown = text.clean(foreign)
    assert shown.isprintable()
    assert "�" in shown or "↵" in shown
    assert shown.encode("utf-8")


@given(st.text())
def test_cleaning_is_idempotent_and_always_printable(foreign: str) -> None:
    shown = text.clean(foreign)
    assert shown.isprintable()
    assert text.clean(shown) == shown


@given(st.text())
def test_width_is_what_textual_measures(foreign: str) -> None:
    shown = text.clean(foreign)
    assert sum(cell_len(char) for char in shown) == text.cells(shown)


def test_width_of_every_printable_character_is_what_textual_measures() -> None:
    wrong = []
    for code in (*range(0x20, 0x10000), *range(0x10000, 0x20000, 3), *range(0xE0000, 0xE0200)):
        shown = text.clean(chr(code)) if not 0xD800 <= code < 0xE000 else ""
        if shown and cell_len(shown) != text.cells(shown):
            wrong.append(hex(code))
    assert not wrong


def test_markup_is_left_alone_because_it_is_only_text() -> None:
    assert text.clean("[@click=app.quit]x[/nope]") == "[@click=app.quit]x[/nope]"


def test_plain_text_is_not_copied() -> None:
    name = "flights@v7"
    assert text.clean(name) is name


def test_accents_stay_but_do_not_pile_up() -> None:
    assert text.clean("e\u0301") == "e\u0301"
    assert len(text.clean("z" + "\u0335" * 40)) == 4


@given(st.text(), st.integers(min_value=0, max_value=30))
def test_padded_text_has_exactly_its_width(foreign: str, width: int) -> None:
    for align in ("left", "right", "center"):
        padded = text.pad(text.clean(foreign), width, align)
        # A wide character that would straddle the edge is left out: the space takes its place.
        assert text.cells(padded) == width


def test_a_cut_name_ends_in_an_ellipsis() -> None:
    assert text.cut("wind_speed_of_gusts", 8) == "wind_sp…"
    assert text.cut("wind", 8) == "wind"
    assert text.cut("漢字漢字", 4) == "漢…"
    assert text.cut("abc", 0) == ""


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (text.fixed(0.6061), "0.606"),
        (text.fixed(-0.0104), "−0.010"),
        (text.fixed(-0.0001), "0.000"),
        (text.fixed(1018.25, 1), "1 018.2"),
        (text.fixed(None), "–"),
        (text.fixed(float("nan")), "–"),
        (text.count(195583), "195 583"),
        (text.count(1_204_999), "1.20 M"),
        (text.count(0), "0"),
        (text.percent(0.029), "2.9 %"),
        (text.percent(0.0004), "0.04 %"),
        (text.percent(0), "0.0 %"),
        (text.delta(0.012), "+0.012"),
        (text.delta(-0.019), "−0.019"),
        (text.delta(0), "0"),
        (text.delta(None), "–"),
        (text.latency(186.4), "186"),
        (text.latency(6.44), "6.4"),
        (text.latency(9.97), "10"),
        (text.interval(0.596, 0.616), "0.596 to 0.616"),
        (text.plus_minus(0.0103), "± 0.010"),
        (text.byte_size(3_120_000), "3.1 MB"),
        (text.byte_size(512), "512 B"),
        (text.byte_size(999_999), "1.0 MB"),
        (text.general(1e-6), "1e−06"),
        (text.general(0.1), "0.1"),
        (text.counted(1, "warning"), "1 warning"),
        (text.counted(28293, "row"), "28 293 rows"),
        (text.listed(["a", "b", "c"]), "a, b and c"),
        (text.for_copy("−1 018.2"), "-1018.2"),
    ],
)
def test_numbers_are_written_one_way(shown: str, wanted: str) -> None:
    assert shown == wanted


def test_zero_false_empty_missing_and_absent_are_five_different_things() -> None:
    shown = {text.plain_value(value) for value in (0, False, "", None)} | {text.ABSENT}
    assert shown == {"0", "false", '""', "–", "absent"}


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [(1, "1 s", "1 s"), (720, "12 min", "12 m"), (7300, "2 h", "2 h"), (8 * 86400, "8 d", "8 d")],
)
def test_age_has_one_unit(seconds: float, long: str, short: str) -> None:
    assert text.age(seconds) == long
    assert text.age(seconds, short=True) == short


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (0.32, "320 ms"),
        (4.24, "4.2 s"),
        (9.96, "10 s"),
        (59.6, "1 m 00 s"),
        (175, "2 m 55 s"),
        (22320, "6 h 12 m"),
        (90000, "1 d 01 h"),
        (None, "–"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float | None, wanted: str) -> None:
    assert text.duration(seconds) == wanted


def test_a_time_is_as_short_as_it_stays_clear() -> None:
    now = datetime(2013, 11, 23, 9, 41, 7, tzinfo=UTC)
    assert text.clock(now, now) == "09:41:07"
    assert text.clock(now, now, seconds=False) == "09:41"
    assert text.clock(datetime(2013, 11, 22, 17, 40, tzinfo=UTC), now) == "Fri 17:40"
    assert text.clock(datetime(2013, 11, 2, 17, 40, tzinfo=UTC), now) == "02 Nov"
    assert text.clock(datetime(2012, 11, 2, 17, 40, tzinfo=UTC), now) == "02 Nov 2012"
    assert text.clock(None, now) == "–"
