"""Draws a line chart into cells: a pure function from values and a size to lines.

The order of drawing is the order of importance: bands and ranges lie under everything, then grid,
limit lines and events, then the lines with the judged one last, then crosshair and labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.text import cells
from console.tui.ink import Line
from console.tui.look import Look
from console.tui.terminal import Charts
from console.tui.widgets.canvas import Canvas, Grid
from console.tui.widgets.chart import Band, Chart, Series
from console.tui.widgets.chart_labels import (
    draw_crosshair,
    draw_end_labels,
    draw_top_labels,
    draw_x_labels,
    end_labels,
)
from console.tui.widgets.painted import Drawing
from console.tui.widgets.plot import (
    Plot,
    in_drawing_order,
    is_number,
    judged_ink,
    x_range_of,
    y_range_of,
)
from console.tui.widgets.scale import row_scale

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LEAST_PLOT = 8


def draw_chart(chart: Chart, width: int, height: int, charts: Charts = "braille") -> list[Line]:
    """The chart in exactly `height` lines of `width` cells."""
    rows = height - (1 if chart.has_x_labels and height > 2 else 0)
    if width < _LEAST_PLOT or rows < 1:
        return [Line.drawn(((" " * max(0, width), "ink"),)) for _ in range(height)]
    grid = Grid(width, height)
    x_range = x_range_of(chart)
    y_range = y_range_of(chart, x_range)
    if x_range is None or y_range is None:
        grid.write(1, (height - 1) // 2, chart.empty, "quiet")
        return grid.lines()
    axis = chart.y
    scale = row_scale(*y_range, rows, floor=axis.floor, is_log=axis.is_log)
    labels = scale.labels(axis.write)
    left = max(chart.label_width, max(cells(label) for _, label in labels)) + 1
    ends = end_labels(chart, scale)
    right = max([chart.end_width, *(cells(text) + 1 for _, text, _, _ in ends)], default=0)
    if width - left - right < _LEAST_PLOT:
        right, ends = 0, []
    if width - left - right < _LEAST_PLOT:
        left, labels = 0, []
    plot_width = width - left - right
    canvas = Canvas(plot_width, rows, charts)
    plot = Plot(chart, grid, canvas, left, plot_width, rows, *x_range, scale, charts != "ascii")
    for row, label in labels:
        grid.write(left - 1 - cells(label), row, label, "quiet")
    _draw_lines(plot)
    _draw_under(plot)
    canvas.paint(grid, left)
    draw_crosshair(plot)
    draw_top_labels(plot)
    draw_end_labels(plot, ends)
    if rows < height:
        draw_x_labels(plot, rows)
    return grid.lines()


@dataclass(frozen=True, slots=True)
class _Column:
    """What one column of dots shows of a series."""

    low: float
    high: float
    last: float
    is_joined: bool
    """Continues the column before it."""


def _columns(series: Series, plot: Plot) -> dict[int, _Column]:
    """Least and greatest value of each dot column; between two points a straight line."""
    last_dot = plot.canvas.dot_width - 1
    factor = last_dot / (plot.x_high - plot.x_low)
    found: dict[int, _Column] = {}
    before: tuple[float, float] | None = None
    for x, y in series.points:
        if y is None or not is_number(y):
            before = None
            continue
        if before and series.max_gap is not None and x - before[0] > series.max_gap:
            before = None
        here = round((x - plot.x_low) * factor)
        there = here if before is None else round((before[0] - plot.x_low) * factor)
        if before is not None:
            for column in range(max(there + 1, 0), min(here, last_dot + 1)):
                share = (column - there) / (here - there)
                value = before[1] + (y - before[1]) * share
                found[column] = _Column(value, value, value, True)
        if 0 <= here <= last_dot:
            known = found.get(here)
            if known is None:
                found[here] = _Column(y, y, y, before is not None)
            else:
                found[here] = _Column(min(known.low, y), max(known.high, y), y, known.is_joined)
        before = (x, y)
    return found


def _draw_lines(plot: Plot) -> None:
    canvas = plot.canvas
    for series, mark in in_drawing_order(plot.chart):
        limits = plot.chart.limits if series.is_judged else ()
        before: tuple[int, int] | None = None
        for x, column in sorted(_columns(series, plot).items()):
            top, bottom = plot.dot(column.high), plot.dot(column.low)
            ink = judged_ink(series.ink, limits, column.low, column.high)
            shown = not series.is_dashed or (x // (2 * canvas.dots_across)) % 2 == 0
            if before is not None and column.is_joined and shown:
                # Halfway from the column before, so that a steep line stays one line.
                upper, lower = before
                if top > lower + 1:
                    middle = (lower + top) // 2
                    canvas.column(x - 1, lower + 1, middle, ink, mark)
                    canvas.column(x, middle + 1, top, ink, mark)
                elif bottom < upper - 1:
                    middle = (upper + bottom + 1) // 2
                    canvas.column(x - 1, middle, upper - 1, ink, mark)
                    canvas.column(x, bottom, middle - 1, ink, mark)
            if shown:
                canvas.column(x, top, bottom, ink, mark)
            before = (top, bottom)


# --------------------------------------------------------------------------- what lies under


def _draw_under(plot: Plot) -> None:
    grid, left, width = plot.grid, plot.left, plot.width
    for row, _ in plot.scale.ticks:
        for x in range(width):
            grid.put(left + x, row, "┈", "line")
    for limit in plot.chart.limits:
        row = int(plot.scale.row(limit.value) + 0.5)
        for x in range(width):
            if 0 <= row < plot.rows:
                grid.put(left + x, row, "╌", "faint")
    for span in plot.chart.ranges:
        _draw_range(plot, span.low, span.high)
    for band in plot.chart.bands:
        _draw_band(plot, band)
    for event in plot.chart.events:
        if plot.is_inside(event.x):
            column = left + plot.column(event.x)
            for y in range(plot.rows):
                if grid.char(column, y) not in _EIGHTHS[1:]:  # the edge of a band goes on
                    grid.put(column, y, "┊", "faint")


def _draw_range(plot: Plot, low: float, high: float) -> None:
    first = plot.column(max(low, plot.x_low))
    last = plot.column(min(high, plot.x_high))
    for y in range(plot.rows):
        for x in range(first, last + 1):
            if plot.has_bands:
                plot.grid.ground(plot.left + x, y, "band")
            elif x in (first, last):
                plot.grid.put(plot.left + x, y, "┊", "faint")


def _draw_band(plot: Plot, band: Band) -> None:
    for x, low, high in _band_columns(plot, band):
        # Edges in rows from the top of the plot, where a row is from its upper to its lower edge.
        upper = min(max(plot.scale.row(high) + 0.5, 0.0), plot.rows)
        lower = min(max(plot.scale.row(low) + 0.5, 0.0), plot.rows)
        if not plot.has_bands:
            for edge in (upper, lower):
                plot.grid.put(plot.left + x, min(int(edge), plot.rows - 1), "┊", "faint")
            continue
        for y in range(int(upper), min(int(lower) + 1, plot.rows)):
            _draw_band_cell(plot, x, y, max(0.0, upper - y), min(1.0, lower - y))


def _draw_band_cell(plot: Plot, x: int, y: int, start: float, end: float) -> None:
    """One cell of a band that covers it from `start` to `end`, 0 its top and 1 its bottom."""
    column = plot.left + x
    covered = end - start
    if covered >= 0.94 or (plot.canvas.has(x, y) and covered >= 0.5):
        plot.grid.ground(column, y, "band")
    elif plot.canvas.has(x, y) or covered <= 0.06:
        return
    elif end >= 0.94 or start > 0.06:
        plot.grid.put(column, y, _EIGHTHS[max(1, round((1 - start) * 8))], "band")
    else:
        plot.grid.put(column, y, _EIGHTHS[min(7, round((1 - end) * 8))], "ground on band")


def _band_columns(plot: Plot, band: Band) -> Iterator[tuple[int, float, float]]:
    """Low and high at the middle of each cell column that the band covers."""
    points = list(band.points)
    index = 0
    step = (plot.x_high - plot.x_low) / max(1, plot.width - 1)
    for column in range(plot.width):
        x = plot.x_low + column * step
        while index + 1 < len(points) and points[index + 1][0] <= x:
            index += 1
        if not points or not points[0][0] - step / 2 <= x <= points[-1][0] + step / 2:
            continue
        here = points[index]
        after = points[min(index + 1, len(points) - 1)]
        share = (x - here[0]) / (after[0] - here[0]) if after[0] > here[0] else 0.0
        share = min(max(share, 0.0), 1.0)
        low = here[1] + (after[1] - here[1]) * share
        high = here[2] + (after[2] - here[2]) * share
        yield column, low, high


class LineChart(Drawing[Chart]):
    """A line chart that fills its widget."""

    DEFAULT_CSS = """
    LineChart { height: 1fr; min-height: 4; padding: 0 1 0 2; }
    """

    def draw(self, data: Chart, width: int, height: int, look: Look) -> Sequence[Line]:
        return draw_chart(data, width, height, look.charts)

    def measure(self, data: Chart, width: int) -> int:
        return 8
