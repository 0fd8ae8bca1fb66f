"""Small charts of one line: sparklines, histograms, progress, gauges, strips of states.

Pure functions from values and a width to a line, for table cells and headings alike. Heights stop
at `▇`: with `█` the bars of two rows would touch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from console.tui.ink import EMPTY, Ink, Line, Span
from console.tui.signs import state

_HEIGHTS: Final = "▁▂▃▄▅▆▇"
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"

Values = Sequence[float | None]


def fit_columns(values: Values, width: int) -> list[float | None]:
    """`values` in exactly `width` columns: the greatest of each share, the newest ones kept."""
    if len(values) <= width:
        return [None] * (width - len(values)) + list(values)
    columns: list[float | None] = []
    for index in range(width):
        part = values[index * len(values) // width : (index + 1) * len(values) // width]
        columns.append(max((value for value in part if value is not None), default=None))
    return columns


def _height(value: float, low: float, high: float) -> int:
    share = (value - low) / (high - low) if high > low else 0.0
    return min(max(round(share * 6), 0), 6)


def sparkline(
    values: Values,
    width: int,
    *,
    low: float = 0.0,
    high: float | None = None,
    last_ink: Ink = "ink",
) -> Line:
    """The last values as bars, the newest in `last_ink` (or the ink of its state).

    0-based unless `low` says otherwise; `high` is the greatest value when not given. Missing
    values leave a hole.
    """
    if width <= 0:
        return EMPTY
    columns = fit_columns(values, width)
    known = [value for value in columns if value is not None]
    top = high if high is not None else max(known, default=1.0)
    bars = [" " if v is None else _HEIGHTS[_height(v, low, top)] for v in columns]
    return Line.drawn((("".join(bars[:-1]), "faint"), (bars[-1], last_ink)))


def histogram(shares: Values, width: int = 14, *, ink: Ink = "faint") -> Line:
    """A distribution in `width` bins, to its own height; an empty bin is blank."""
    bins = _rebinned([value or 0.0 for value in shares], width)
    top = max(bins, default=0.0) or 1.0
    bars = [_HEIGHTS[_height(value, 0.0, top)] if value > 0 else " " for value in bins]
    return Line.drawn((("".join(bars), ink),))


def _rebinned(values: Sequence[float], width: int) -> list[float]:
    """The same mass in `width` bins; a bin that straddles two gives each its part."""
    size = len(values)
    if size == width or not size:
        return list(values) or [0.0] * width
    bins = [0.0] * width
    for index, value in enumerate(values):
        start, end = index * width / size, (index + 1) * width / size
        place = int(start)
        while place < end - 1e-9 and place < width:
            covered = min(end, place + 1) - max(start, place)
            bins[place] += value * covered / (end - start)
            place += 1
    return bins


def histogram_rows(
    shares: Values, width: int, rows: int, *, ink: Ink = "faint", cursor: int | None = None
) -> list[Line]:
    """A tall histogram in eighths of a row; the column `cursor` is bright."""
    bins = _rebinned([value or 0.0 for value in shares], width)
    top = max(bins, default=0.0) or 1.0
    # A little air above, so that two histograms under each other do not touch.
    heights = [round(value / top * (rows * 8 - 1)) for value in bins]
    heights = [max(height, 1) if bins[x] > 0 else 0 for x, height in enumerate(heights)]
    lines = []
    for row in range(rows):
        under = (rows - 1 - row) * 8
        chars = [_EIGHTHS[min(max(height - under, 0), 8)] for height in heights]
        spans: list[Span] = [("".join(chars), ink)]
        if cursor is not None and 0 <= cursor < width:
            before, here, after = chars[:cursor], chars[cursor], chars[cursor + 1 :]
            spans = [("".join(before), ink), (here, "bright"), ("".join(after), ink)]
        lines.append(Line.drawn(spans))
    return lines


def progress(ratio: float, width: int, *, ink: Ink = "accent", rest: Ink = "line") -> Line:
    """A bar filled to `ratio`, to half a cell."""
    halves = round(min(max(ratio, 0.0), 1.0) * width * 2) if ratio == ratio else 0
    bar = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return Line.drawn(((bar, ink), ("─" * (width - len(bar)), rest)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A value on a line from 0 to `high` with limits as verticals."""

    value: float
    high: float = 1.0
    limits: tuple[float, ...] = ()
    ink: Ink = "faint"
    """The leading one of several is accent; one beyond a limit has that limit's ink."""


def gauge(given: Gauge, width: int) -> Line:
    """One gauge; drawn in every row with the same limits, they are straight lines down."""
    spans: list[Span] = []
    bar = progress(given.value / given.high if given.high else 0.0, width).plain
    columns = {limit_column(limit, given.high, width) for limit in given.limits}
    for x, char in enumerate(bar):
        is_filled = char != "─"
        if x in columns:
            spans.append(("┿" if is_filled else "│", given.ink if is_filled else "faint"))
        else:
            spans.append((char, given.ink if is_filled else "line"))
    return Line.drawn(_merged(spans))


def gauge_gap(given: Gauge, width: int) -> Line:
    """The verticals alone, for blank rows between gauges."""
    columns = {limit_column(limit, given.high, width) for limit in given.limits}
    return Line.drawn(_merged([("│" if x in columns else " ", "faint") for x in range(width)]))


def limit_column(value: float, high: float, width: int) -> int:
    """The cell in which a limit stands."""
    return min(max(int(value / high * width), 0), width - 1) if high else 0


def strip_of_states(states: Iterable[str], width: int = 0) -> Line:
    """One sign per state, as they come: `●●●▲◇◇`; the last `width` of them."""
    found = [(state(name).sign, state(name).token) for name in states]
    return Line.drawn(_merged(found[-width:] if width else found))


def _merged(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for text, ink in spans:
        if merged and merged[-1][1] == ink:
            merged[-1] = (merged[-1][0] + text, ink)
        else:
            merged.append((text, ink))
    return merged
