"""Intervals against yardsticks: `━━◆━━` with straight verticals through every row.

`interval_line` draws one in a table cell, `IntervalRows` and `draw_intervals` a whole pane with an
axis. Gates of different units share an axis by `Yardstick.between`: 0 is *must*, 1 is *want*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.text import cells, pad
from console.tui.ink import Ink, Line
from console.tui.look import Look
from console.tui.signs import state
from console.tui.widgets.canvas import Grid
from console.tui.widgets.painted import Drawing
from console.tui.widgets.scale import number_ticks, place_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value with its limits of confidence, already on the axis of its chart."""

    value: float
    low: float | None = None
    high: float | None = None
    """None when exact: only the value is drawn."""
    verdict: str = ""
    """A state of `signs.py`: gives the value's sign, and the ink when it needs a person."""
    ink: Ink = ""
    """Overrides the ink, for charts without verdicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertical:
    """A line down through all rows."""

    at: float
    label: str = ""
    is_dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What all rows of one chart share."""

    low: float
    high: float
    verticals: tuple[Vertical, ...] = ()

    @classmethod
    def between(cls, must: str = "must", want: str = "want") -> Yardstick:
        """The axis of gates: 0 is what must be met, 1 is what is wanted."""
        verticals = (Vertical(at=0.0, label=must), Vertical(at=1.0, label=want, is_dashed=True))
        return cls(low=-1.0, high=2.2, verticals=verticals)

    def column(self, value: float, width: int) -> int:
        return round((value - self.low) / (self.high - self.low) * (width - 1))


def relative_to(must: float, want: float | None, value: float) -> float:
    """`value` on the axis of gates; without a `want` the distance is a tenth of `must`."""
    span = (want - must) if want is not None and want != must else (abs(must) * 0.1 or 1.0)
    return (value - must) / span


def interval_line(interval: Interval | None, yardstick: Yardstick, width: int) -> Line:
    """One row; None draws the verticals alone, for the blank rows between."""
    grid = Grid(width, 1)
    _draw(grid, 0, 0, width, interval, yardstick)
    return grid.lines()[0]


def verticals_line(yardstick: Yardstick, width: int) -> Line:
    """The names of the verticals, centred over them, for a column's head."""
    grid = Grid(width, 1)
    ticks = [(vertical.at, vertical.label) for vertical in yardstick.verticals]
    for x, label in place_labels(ticks, yardstick.low, yardstick.high, width):
        grid.write(x, 0, label, "quiet")
    return grid.lines()[0]


def _draw(
    grid: Grid, left: int, row: int, width: int, interval: Interval | None, yardstick: Yardstick
) -> None:
    columns = {}
    for vertical in yardstick.verticals:
        x = yardstick.column(vertical.at, width)
        if 0 <= x < width:
            columns[x] = "┊" if vertical.is_dashed else "│"
            grid.put(left + x, row, columns[x], "faint")
    if interval is None:
        return
    known = state(interval.verdict) if interval.verdict else None
    ink = interval.ink or ("quiet" if known is None or known.is_quiet else known.token)
    low = interval.value if interval.low is None else interval.low
    high = interval.value if interval.high is None else interval.high
    first, last = yardstick.column(low, width), yardstick.column(high, width)
    for x in range(max(first, 0), min(last, width - 1) + 1):
        grid.put(left + x, row, "┿" if columns.get(x) == "│" else "━", ink)
    # Off scale: the arrow keeps the last cell, the value stands beside it.
    lower, upper = int(first < 0), width - 1 - int(last > width - 1)
    if first < 0:
        grid.put(left, row, "‹", ink)
    if last > width - 1:
        grid.put(left + width - 1, row, "›", ink)
    at = min(max(yardstick.column(interval.value, width), lower), upper)
    sign = "●" if known is None else {"◇": "◆"}.get(known.sign, known.sign)
    grid.put(left + at, row, sign, ink if known is None else known.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """One row of an interval chart."""

    label: str
    interval: Interval
    text: str = ""
    """At the right: the value."""
    label_ink: Ink = "ink"
    verdict: str = ""
    """A sign after the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRows:
    """A pane of intervals by fold, version or slice."""

    rows: Sequence[IntervalRow]
    yardstick: Yardstick
    has_axis: bool = True
    label_width: int = 0


def draw_intervals(chart: IntervalRows, width: int, height: int) -> list[Line]:
    """As many rows as fit, then the axis; what does not fit is counted in the last row."""
    grid = Grid(width, height)
    left = 1 + max([chart.label_width, *(cells(row.label) for row in chart.rows)]) + 2
    text = max((cells(row.text) for row in chart.rows), default=0)
    has_verdicts = any(row.verdict for row in chart.rows)
    right = (text + 2 if text else 0) + (3 if has_verdicts else 0)
    plot = width - left - right
    if plot < 4:
        left, plot = 1, max(1, width - 1 - right)
    room = height - (1 if chart.has_axis else 0)
    shown = list(chart.rows[:room])
    if len(shown) < len(chart.rows) and room > 1:
        shown.pop()
        grid.write(1, len(shown), f"{len(chart.rows) - len(shown)} more", "quiet")
    for y, row in enumerate(shown):
        if left > 1:
            grid.write(1, y, row.label, row.label_ink)
        _draw(grid, left, y, plot, row.interval, chart.yardstick)
        ink = "quiet" if row.interval.ink in ("quiet", "faint") else "ink"
        grid.write(left + plot + 2, y, pad(row.text, text, "right"), ink)
        if row.verdict:
            known = state(row.verdict)
            grid.write(width - 1, y, known.sign, known.token)
    if chart.has_axis and len(shown) < height:
        yardstick = chart.yardstick
        ticks = number_ticks(yardstick.low, yardstick.high, plot)
        for x, label in place_labels(ticks, yardstick.low, yardstick.high, plot):
            grid.write(left + x, min(len(chart.rows), height - 1), label, "quiet")
    return grid.lines()


class IntervalChart(Drawing[IntervalRows]):
    """Intervals with their axis."""

    DEFAULT_CSS = """
    IntervalChart { padding: 0 1; }
    """

    def draw(self, data: IntervalRows, width: int, height: int, look: Look) -> Sequence[Line]:
        return draw_intervals(data, width, height)

    def measure(self, data: IntervalRows, width: int) -> int:
        return len(data.rows) + (1 if data.has_axis else 0)
