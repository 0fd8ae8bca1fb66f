"""The words of a chart: tag, events, line ends and ticks.

Labels stand where they cover no line; those at the line ends make room for each other.
"""

from __future__ import annotations

from console.text import cells
from console.tui.ink import Ink
from console.tui.widgets.chart import Chart
from console.tui.widgets.plot import Plot, in_drawing_order, is_number, judged_ink, value_at
from console.tui.widgets.scale import RowScale, Ticks, nudge, number_ticks, place_labels, time_ticks

EndLabel = tuple[float, str, Ink, float]
"""Wanted row, text, ink, and how little it may be moved."""


def draw_crosshair(plot: Plot) -> None:
    """The reader's line, with a dot on every series."""
    cross = plot.chart.crosshair
    if cross is None or not plot.is_inside(cross.x):
        return
    column = plot.column(cross.x)
    for y in range(plot.rows):
        plot.grid.put(plot.left + column, y, "│", "accent")
    for series, _ in in_drawing_order(plot.chart):
        value = value_at(series.points, cross.x)
        if value is not None:
            row = round(plot.scale.row(value))
            if 0 <= row < plot.rows:
                plot.grid.put(plot.left + column, row, "●", series.ink)


def draw_top_labels(plot: Plot) -> None:
    """The tag and the names of events and ranges: as high as they find a free place."""
    cross = plot.chart.crosshair
    taken: list[tuple[int, int, int]] = []
    if cross is not None and cross.tag and plot.is_inside(cross.x):
        tag = f" {cross.tag} "
        x = plot.column(cross.x)
        start = x - len(tag) if x >= len(tag) else x + 1
        plot.grid.write(plot.left + start, 0, tag, "ground bold on accent")
        taken.append((0, start, start + len(tag)))
    for event in plot.chart.events:
        if event.label and plot.is_inside(event.x):
            x = plot.column(event.x)
            before, after = x - len(event.label) - 1, x + 1
            _place(
                plot,
                event.label,
                [after, before] if event.side == "right" else [before, after],
                taken,
            )
    for span in plot.chart.ranges:
        if span.label:
            ends = [
                plot.column(min(span.high, plot.x_high)) + 2,
                plot.column(span.low) - len(span.label) - 1,
            ]
            _place(plot, span.label, ends, taken)


def _place(plot: Plot, label: str, starts: list[int], taken: list[tuple[int, int, int]]) -> None:
    size = cells(label)
    for row in range(min(3, plot.rows)):
        for start in starts:
            end = start + size
            is_free = start >= 0 and end <= plot.width
            for other, first, last in taken:
                is_free = is_free and not (row == other and start < last + 1 and end > first - 1)
            if is_free and not any(plot.canvas.has(x, row) for x in range(start, end)):
                plot.grid.write(plot.left + start, row, label, "quiet")
                taken.append((row, start, end))
                return


def end_labels(chart: Chart, scale: RowScale) -> list[EndLabel]:
    """What is said at the line ends, the judged line first."""
    if not chart.has_end_labels:
        return []
    found: list[EndLabel] = []
    for series, _ in reversed(in_drawing_order(chart)):
        last = next((y for _, y in reversed(series.points) if is_number(y)), None)
        if series.label and last is not None:
            limits = chart.limits if series.is_judged else ()
            ink = judged_ink(series.ink, limits, last, last)
            loud = series.is_judged or ink == "accent"
            ink = f"{ink} bold" if loud else "quiet" if ink == "faint" else ink
            found.append((scale.row(last), series.label, ink, 4.0 if series.is_judged else 1.0))
    limits = [limit for limit in chart.limits if limit.label]
    return found + [(scale.row(limit.value), limit.label, "quiet", 2.0) for limit in limits]


def draw_end_labels(plot: Plot, ends: list[EndLabel]) -> None:
    """Each beside its line's last value, or as near as the others let it."""
    wanted = [min(max(int(row + 0.5), 0), plot.rows - 1) for row, *_ in ends]
    rows = nudge(wanted, plot.rows, [weight for *_, weight in ends])
    for row, (_, text, ink, _) in zip(rows, ends, strict=True):
        if row is not None:
            plot.grid.write(plot.left + plot.width + 1, row, text, ink)


def draw_x_labels(plot: Plot, row: int) -> None:
    """Round numbers, round times or given names under the plot."""
    axis = plot.chart.x
    ticks: Ticks
    if axis.ticks is not None:
        ticks = list(axis.ticks)
    elif axis.is_time:
        ticks = time_ticks(plot.x_low, plot.x_high, plot.width, axis.zone)
    else:
        ticks = number_ticks(plot.x_low, plot.x_high, plot.width)
        if axis.write is not None:
            ticks = [(value, axis.write(value)) for value, _ in ticks]
    if axis.unit and ticks:
        value, label = ticks[-1]
        ticks[-1] = (value, f"{label} {axis.unit}")
    for x, label in place_labels(ticks, plot.x_low, plot.x_high, plot.width):
        plot.grid.write(plot.left + x, row, label, "quiet")
