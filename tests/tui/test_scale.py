"""Ticks are round and stand on row centres; labels make room for each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from console.tui.widgets.scale import nudge, number_ticks, place_labels, row_scale, time_ticks

FINITE = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


@given(FINITE, st.floats(min_value=1e-3, max_value=1e6), st.integers(min_value=3, max_value=40))
def test_every_value_has_a_row_and_every_tick_is_a_row_centre(
    low: float, span: float, rows: int
) -> None:
    high = low + span
    assume(span > abs(low) * 1e-6)
    scale = row_scale(low, high, rows)
    assert scale.row(high) >= -0.5 and scale.row(low) <= rows - 0.5
    tick_rows = [row for row, _ in scale.ticks]
    assert 2 <= len(tick_rows) <= 5
    assert tick_rows == sorted(tick_rows)
    assert all(0 <= row < rows for row in tick_rows)
    gaps = {after - before for before, after in pairwise(tick_rows)}
    assert len(gaps) == 1
    for row, value in scale.ticks:
        assert abs(scale.row(value) - row) < 1e-6


def test_ticks_are_round_numbers() -> None:
    scale = row_scale(12.0, 186.0, 17, floor=0)
    assert [label for _, label in scale.labels()] == ["200", "150", "100", "50", "0"]
    shares = row_scale(0.02, 0.99, 17, floor=0)
    assert [label for _, label in shares.labels()] == ["1.00", "0.75", "0.50", "0.25", "0.00"]


def test_labels_do_not_jump_while_the_last_value_moves() -> None:
    shown = {tuple(row_scale(18, 170 + i, 12, floor=0).labels()) for i in range(15)}
    assert len(shown) == 1


def test_a_flat_line_has_a_scale() -> None:
    scale = row_scale(5.0, 5.0, 8)
    assert 0 <= scale.row(5.0) <= 7


def test_a_logarithmic_scale_has_powers_of_ten() -> None:
    scale = row_scale(0.9, 950.0, 10, is_log=True)
    assert [label for _, label in scale.labels()] == ["1 000", "100", "10", "1"]


def test_time_ticks_are_round_in_the_zone_that_is_shown() -> None:
    start = datetime(2013, 11, 23, 9, 11, tzinfo=UTC).timestamp()
    assert [text for _, text in time_ticks(start, start + 1800, 40)] == ["09:20", "09:30", "09:40"]
    india = timezone(timedelta(hours=5, minutes=30))
    day = [text for _, text in time_ticks(start, start + 5 * 86400, 60, india)]
    assert day == ["24 Nov", "25 Nov", "26 Nov", "27 Nov", "28 Nov"]


def test_number_ticks_fit_the_width() -> None:
    assert [text for _, text in number_ticks(0, 1, 80)] == [
        "0.0",
        "0.2",
        "0.4",
        "0.6",
        "0.8",
        "1.0",
    ]
    assert [text for _, text in number_ticks(0, 1, 20)] == ["0.0", "0.5", "1.0"]


def test_tick_labels_stay_inside_and_apart() -> None:
    placed = place_labels([(0, "0.0"), (0.02, "0.02"), (1, "1.0")], 0, 1, 30)
    assert placed == [(0, "0.0"), (27, "1.0")]


@given(st.lists(st.floats(min_value=0, max_value=9), max_size=14), st.integers(1, 10))
def test_nudged_labels_have_a_row_each_and_keep_their_order(wanted: list[float], rows: int) -> None:
    placed = nudge(wanted, rows)
    given_rows = [row for row in placed if row is not None]
    assert len(set(given_rows)) == len(given_rows) == min(rows, len(wanted))
    assert all(0 <= row < rows for row in given_rows)
    pairs = [(want, row) for want, row in zip(wanted, placed, strict=True) if row is not None]
    assert sorted(pairs, key=lambda pair: pair[1]) == sorted(pairs)


def test_labels_that_have_room_stay_where_their_lines_end() -> None:
    assert nudge([1, 5, 3], 8) == [1, 5, 3]
    assert nudge([2, 2.2], 8, [4, 1]) == [2, 3]
