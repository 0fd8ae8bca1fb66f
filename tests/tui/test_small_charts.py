"""Bars, gauges, intervals and the matrix keep to their cells and say what they stand for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.tui.widgets.bars import (
    Gauge,
    gauge,
    gauge_gap,
    histogram,
    histogram_rows,
    progress,
    sparkline,
    strip_of_states,
)
from console.tui.widgets.intervals import (
    Interval,
    IntervalRow,
    IntervalRows,
    Vertical,
    Yardstick,
    draw_intervals,
    interval_line,
    relative_to,
    verticals_line,
)
from console.tui.widgets.matrix import MatrixCell, MatrixData, draw_matrix

VALUES = st.lists(st.none() | st.floats(min_value=0, max_value=1e6), max_size=60)


@given(VALUES, st.integers(min_value=1, max_value=40))
def test_bars_are_as_wide_as_their_cell(values: list[float | None], width: int) -> None:
    assert sparkline(values, width).width == width
    assert histogram(values, width).width == width
    assert all(line.width == width for line in histogram_rows(values, width, 3))


@given(st.floats(), st.integers(min_value=1, max_value=40))
def test_progress_and_gauges_are_as_wide_as_their_cell(ratio: float, width: int) -> None:
    assert progress(ratio, width).width == width
    if ratio == ratio and abs(ratio) < 1e9:
        assert gauge(Gauge(value=ratio, limits=(0.7, 0.9)), width).width == width


def test_a_sparkline_never_fills_its_cell_and_keeps_holes() -> None:
    line = sparkline([0, 5, None, 10], 4, last_ink="warn")
    assert line.plain == "▁▄ ▇"
    assert line.spans[-1] == ("▇", "warn")


def test_more_values_than_cells_keep_their_peaks() -> None:
    values = [0.0] * 100
    values[37] = 9.0
    assert "▇" in sparkline(values, 10).plain


def test_progress_goes_by_half_cells() -> None:
    assert progress(0.5, 4).plain == "━━──"
    assert progress(0.375, 4).plain == "━╸──"
    assert progress(1.7, 4).plain == "━━━━"


def test_limits_of_gauges_are_straight_verticals() -> None:
    rows = [gauge(Gauge(value=v, limits=(0.5,)), 10) for v in (0.2, 0.9)]
    columns = {row.plain.index("│" if "│" in row.plain else "┿") for row in rows}
    assert columns == {gauge_gap(Gauge(value=0, limits=(0.5,)), 10).plain.index("│")}


def test_states_are_one_sign_each() -> None:
    assert strip_of_states(["pass", "warn", "inconclusive", "fail"]).plain == "●▲◇✗"
    assert strip_of_states(["pass"] * 5, 3).plain == "●●●"


def test_every_interval_of_one_yardstick_crosses_the_same_verticals() -> None:
    yardstick = Yardstick.between()
    must = yardstick.column(0, 24)
    passed = interval_line(Interval(value=1.4, low=1.2, high=1.6, verdict="pass"), yardstick, 24)
    torn = interval_line(
        Interval(value=0.1, low=-0.2, high=0.4, verdict="inconclusive"), yardstick, 24
    )
    assert passed.plain[must] == "│"
    assert torn.plain[must] in "┿◆"
    assert interval_line(None, yardstick, 24).plain[must] == "│"
    assert "must" in verticals_line(yardstick, 24).plain


def test_what_is_off_the_scale_ends_in_an_arrow() -> None:
    yardstick = Yardstick(low=0, high=1)
    assert interval_line(Interval(value=0.9, low=0.8, high=3), yardstick, 20).plain.endswith("›")
    assert interval_line(Interval(value=-4, low=-5, high=0.5), yardstick, 20).plain.startswith("‹●")


def test_gates_in_any_unit_and_direction_share_one_axis() -> None:
    assert relative_to(0.600, 0.650, 0.600) == 0
    assert relative_to(0.600, 0.650, 0.650) == 1
    assert relative_to(20.0, 10.0, 6.4) > 1  # lower is better: 6.4 ms is past what is wanted
    assert relative_to(5.0, None, 5.5) == 1


def test_interval_rows_count_what_does_not_fit() -> None:
    rows = [
        IntervalRow(label=f"v{i}", interval=Interval(value=i / 10), text="0.7") for i in range(8)
    ]
    chart = IntervalRows(
        rows=rows, yardstick=Yardstick(low=0, high=1, verticals=(Vertical(at=0.5),))
    )
    drawn = [line.plain for line in draw_intervals(chart, 40, 6)]
    assert len(drawn) == 6
    assert any("4 more" in row for row in drawn)


def test_the_matrix_names_its_mistakes_where_there_is_room() -> None:
    cell = MatrixCell(count=2709, share=0.096, word="missed", tint="fail")
    matrix = MatrixData(
        columns=("said late", "said on time"), rows=("was late",), cells=((cell, cell),)
    )
    tall = "\n".join(line.plain for line in draw_matrix(matrix, 60, 6))
    flat = "\n".join(line.plain for line in draw_matrix(matrix, 36, 2))
    assert "missed" in tall and "2 709" in tall and "9.6 %" in tall
    assert "missed" not in flat and "2 709" in flat
