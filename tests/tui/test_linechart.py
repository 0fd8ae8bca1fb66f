"""A chart draws the quantity that is judged, its limit, its gaps and its events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.tui.ink import Line
from console.tui.terminal import Charts
from console.tui.widgets.chart import Axis, Band, Chart, Crosshair, Event, Limit, Range, Series
from console.tui.widgets.linechart import draw_chart
from console.tui.widgets.plot import value_at

RISING = Series(
    points=[(i, 100 + i) for i in range(101)], label="p99 200", ink="accent", is_judged=True
)
CALM = Series(points=[(i, 20.0) for i in range(101)], label="p50  20", ink="faint")
CHART = Chart(
    series=(CALM, RISING),
    limits=(Limit(value=150, label="limit 150"),),
    events=(Event(x=30, label="v5 10 %"),),
    y=Axis(floor=0),
)


def plain(lines: list[Line]) -> list[str]:
    return [line.plain.rstrip() for line in lines]


def inks(lines: list[Line], wanted: str) -> list[tuple[int, str]]:
    """Row and text of every span in one ink."""
    return [(y, text) for y, line in enumerate(lines) for text, ink in line.spans if ink == wanted]


def test_the_chart_is_exactly_as_large_as_it_is_asked_to_be() -> None:
    for width, height in ((8, 1), (20, 4), (78, 8), (280, 40), (3, 3)):
        lines = draw_chart(CHART, width, height)
        assert len(lines) == height
        assert all(line.width == width for line in lines)


def test_labels_stand_at_the_line_ends_with_the_limit_between() -> None:
    ends = [
        row.split()[-2:] for row in plain(draw_chart(CHART, 60, 12)) if "p" in row or "lim" in row
    ]
    assert ["p99", "200"] in ends and ["limit", "150"] in ends and ["p50", "20"] in ends
    assert ends.index(["p99", "200"]) < ends.index(["limit", "150"]) < ends.index(["p50", "20"])


def test_the_judged_line_turns_only_beyond_the_limit() -> None:
    lines = draw_chart(CHART, 60, 12)
    limit_row = next(y for y, row in enumerate(plain(lines)) if row.endswith("limit 150"))
    warned = [y for y, text in inks(lines, "warn") if text.strip()]
    calm = [y for y, text in inks(lines, "accent") if text.strip()]
    assert warned and max(warned) <= limit_row
    assert calm and min(calm) >= limit_row
    assert inks(lines, "warn bold")  # and so does its label


def test_a_line_that_is_not_judged_never_turns() -> None:
    chart = replace(CHART, series=(replace(RISING, is_judged=False, ink="quiet"),))
    assert not inks(draw_chart(chart, 60, 12), "warn")


def test_a_floor_is_passed_from_above() -> None:
    limit = Limit(value=0.6, ink="fail", is_floor=True)
    falling = Series(points=[(0, 0.7), (10, 0.5)], ink="accent", is_judged=True)
    lines = draw_chart(Chart(series=(falling,), limits=(limit,)), 40, 9)
    assert min(y for y, _ in inks(lines, "accent")) < min(y for y, _ in inks(lines, "fail"))


def test_a_gap_stays_a_gap() -> None:
    known = [(i, 5.0) for i in range(101)]
    points = [(x, None if 40 <= x <= 60 else y) for x, y in known]
    lines = plain(draw_chart(Chart(series=(Series(points=points),)), 60, 5))
    dotted = {x for row in lines for x, char in enumerate(row) if 0x2800 <= ord(char) < 0x2900}
    holes = set(range(min(dotted), max(dotted))) - dotted
    assert 8 <= len(holes) <= 12 and max(holes) - min(holes) + 1 == len(holes)


def test_a_spike_of_one_point_is_seen() -> None:
    points = [(i, 1.0) for i in range(1000)]
    points[500] = (500, 50.0)
    lines = plain(draw_chart(Chart(series=(Series(points=points),)), 30, 9))
    assert any(0x2800 <= ord(char) < 0x2900 for char in lines[0] + lines[1])


def test_events_have_their_name_at_the_top_left() -> None:
    rows = plain(draw_chart(CHART, 60, 12))
    assert "v5 10 % ┊" in rows[0] or "v5 10 %┈┊" in rows[0]


def test_the_crosshair_has_a_tag_and_a_dot_on_every_series() -> None:
    chart = replace(CHART, crosshair=Crosshair(x=50, tag="50"), events=())
    lines = draw_chart(chart, 60, 12)
    assert any("50" in text for _, text in inks(lines, "ground bold on accent"))
    assert "".join(plain(lines)).count("●") == 2


def test_a_band_has_edges_in_eighths_and_a_range_its_words() -> None:
    chart = Chart(
        series=(Series(points=[(i, 0.6) for i in range(50)], ink="accent"),),
        bands=(Band(points=[(i, 0.55, 0.65 + i / 2000) for i in range(50)]),),
        ranges=(Range(low=10, high=20, label="choose freely"),),
    )
    lines = draw_chart(chart, 60, 12)
    assert any(ink.endswith("on band") for line in lines for _, ink in line.spans)
    assert any(char in "▁▂▃▄▅▆▇" for row in plain(lines) for char in row)
    assert any("choose freely" in row for row in plain(lines))


@pytest.mark.parametrize("charts", ["ascii", "block"])
def test_poorer_terminals_draw_with_what_they_have(charts: Charts) -> None:
    middle = Series(points=[(i, 60.0) for i in range(101)])
    chart = replace(CHART, series=(CALM, middle, RISING))
    rows = "".join(plain(draw_chart(chart, 60, 12, charts)))
    assert not any(0x2800 <= ord(char) < 0x2900 for char in rows)
    assert all(c in rows for c in "*+.") if charts == "ascii" else any(c in rows for c in "▀▄█")


def test_nothing_to_draw_is_said_in_words() -> None:
    for series in ((), (Series(points=[]),), (Series(points=[(1, None)]),)):
        assert any("no points yet" in row for row in plain(draw_chart(Chart(series=series), 40, 6)))


def test_values_that_are_no_numbers_do_no_harm() -> None:
    points = [(0, 1.0), (1, float("nan")), (2, float("inf")), (3, 2.0)]
    assert len(draw_chart(Chart(series=(Series(points=points),)), 40, 6)) == 6


def test_the_value_at_a_place_is_between_its_neighbours() -> None:
    assert value_at([(0, 1.0), (10, 2.0)], 5) == 1.5
    assert value_at([(0, 1.0), (5, None), (10, 2.0)], 6) is None
    assert value_at([(0, 1.0)], 3) is None
