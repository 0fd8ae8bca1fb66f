"""The frame of one drawing: where a chart's values lie among the cells.

Shared by what draws the lines (`linechart.py`) and what writes the labels (`chart_labels.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from console.tui.ink import Ink
from console.tui.widgets.canvas import Canvas, Grid
from console.tui.widgets.chart import Chart, Limit, Points, Series
from console.tui.widgets.scale import RowScale


@dataclass(slots=True)
class Plot:
    """The frame of one drawing."""

    chart: Chart
    grid: Grid
    canvas: Canvas
    left: int
    """Column where the plot begins."""
    width: int
    rows: int
    x_low: float
    x_high: float
    scale: RowScale
    has_bands: bool

    def column(self, x: float) -> int:
        """Cell column of an x, from the left of the plot."""
        return round((x - self.x_low) / (self.x_high - self.x_low) * (self.width - 1))

    def dot(self, value: float) -> int:
        """Dot row of a value; beyond the plot it is outside of the canvas."""
        down = self.canvas.dots_down
        row = min(max(self.scale.row(value), -2.0), self.rows + 2.0)
        return round((row + 0.5) * down - 0.5)

    def is_inside(self, x: float) -> bool:
        return self.x_low <= x <= self.x_high


def is_number(value: float | None) -> bool:
    return value is not None and value == value and abs(value) != float("inf")


def x_range_of(chart: Chart) -> tuple[float, float] | None:
    """First and last x; None when there is nothing."""
    ends = [points[i][0] for points in (s.points for s in chart.series) if points for i in (0, -1)]
    ends += [points[i][0] for points in (b.points for b in chart.bands) if points for i in (0, -1)]
    low = chart.x.low if chart.x.low is not None else min(ends, default=None)
    high = chart.x.high if chart.x.high is not None else max(ends, default=None)
    if low is None or high is None:
        return None
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def y_range_of(chart: Chart, x_range: tuple[float, float] | None) -> tuple[float, float] | None:
    """Least and greatest value of lines, bands and limits within the x shown."""
    if x_range is None:
        return None
    first, last = x_range
    values = [
        y
        for series in chart.series
        for x, y in series.points
        if y is not None and first <= x <= last and is_number(y) and (y > 0 or not chart.y.is_log)
    ]
    if not values:
        return None
    bands = chain.from_iterable(band.points for band in chart.bands)
    values.extend(y for x, low, high in bands if first <= x <= last for y in (low, high))
    values.extend(limit.value for limit in chart.limits)
    low = chart.y.low if chart.y.low is not None else min(values)
    high = chart.y.high if chart.y.high is not None else max(values)
    return min(low, high), max(low, high)


def in_drawing_order(chart: Chart) -> list[tuple[Series, str]]:
    """Series with the sign that stands for each in ASCII, the judged ones last."""
    others = [series for series in chart.series if not series.is_judged]
    signs = {id(series): "." for series in others[:-1]} | {
        id(series): "+" for series in others[-1:]
    }
    ordered = sorted(chart.series, key=lambda series: series.is_judged)
    return [(series, signs.get(id(series), "*")) for series in ordered]


def judged_ink(ink: Ink, limits: Iterable[Limit], low: float, high: float) -> Ink:
    """The ink of the worst limit that values from `low` to `high` pass, else `ink`."""
    worst = ink
    for limit in limits:
        if limit.is_passed_by(low if limit.is_floor else high) and worst != "fail":
            worst = limit.ink
    return worst


def value_at(points: Points, x: float) -> float | None:
    """The value of a line at `x`, between two points in proportion; None in a gap."""
    before: tuple[float, float] | None = None
    for at, value in points:
        if at == x:
            return value
        if at > x:
            if before is None or value is None:
                return None
            share = (x - before[0]) / (at - before[0])
            return before[1] + (value - before[1]) * share
        before = None if value is None else (at, value)
    return None
