"""From the bins of a stored profile to the bars a person sees.

A profile's edges are quantiles, so its bins all hold about the same count; a picture needs bins of
equal width. Pure and light: standard library only, for commands and screens.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from storage.records.profiles import QUANTILES, ColumnProfile

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_BARS = " ▁▂▃▄▅▆▇█"
_FAR = 0.5
"""When 98 % of the values lie in less than this share of the range, the rest is far away."""


def shape(column: ColumnProfile, width: int = 12) -> tuple[float, ...]:
    """Return the shares of the finite values in `width` bins of equal width.

    The bins go from min to max, or from the 1st to the 99th percentile when a few far values
    would press all others into one bar; these then count into the first and last bar.

    Empty for a column without numbers. Values are taken as spread evenly over their stored bin,
    which ends at min and max where it is open. Whole numbers with a smaller range have fewer
    bins, and where every value has a bin of its own, it sits at the bin's right end.
    """
    low, high, total = column.min, column.max, sum(column.counts)
    if not column.counts or total == 0 or low is None or high is None:
        return ()
    if high <= low:
        return (1.0,)
    low, high = shown_range(column)
    shift = 0.0
    ends: tuple[float, ...] = (column.min or 0, *column.edges, column.max or 0)
    if column.type.lstrip("U").startswith(_WHOLE):
        # The whole number v covers v − ½ … v + ½.
        width, shift = int(min(width, high - low + 1)), 0.5
        ends = ((column.min or 0) - 1, *column.edges, column.max or 0)
        low, high = low - 0.5, high + 0.5
    bins = [0.0] * width
    scale = width / (high - low)
    has_bin_per_value = shift > 0 and 0 < column.distinct_count <= len(column.counts)
    for (start, end), count in zip(pairwise(ends), column.counts, strict=True):
        if has_bin_per_value:
            start = end - 1
        first, last = start + shift, end + shift
        _spread(bins, (first - low) * scale, (last - low) * scale, count)
    return tuple(each / total for each in bins)


def shown_range(column: ColumnProfile) -> tuple[float, float]:
    """The values between which `shape` draws; (0, 0) without numbers."""
    low, high = column.min or 0.0, column.max or 0.0
    if len(column.quantiles) == len(QUANTILES):
        usual = column.quantiles[0], column.quantiles[-1]
        if 0 < usual[1] - usual[0] < (high - low) * _FAR:
            return usual
    return low, high


def _spread(bins: list[float], start: float, end: float, count: int) -> None:
    """Add `count` evenly over start … end, in units of bins; what lies outside goes to the ends."""
    last = len(bins)
    if not count:
        return
    if end - start < 1e-9:
        bins[min(max(int(end - 1e-9), 0), last - 1)] += count
        return
    density = count / (end - start)
    bins[0] += density * max(min(end, 0.0) - start, 0.0)
    bins[-1] += density * max(end - max(start, last), 0.0)
    for number in range(max(int(start), 0), min(int(end) + 1, last)):
        bins[number] += density * max(min(end, number + 1) - max(start, number), 0.0)


def bars(values: Sequence[float]) -> str:
    """Draw values as one row of block characters; anything above nothing is at least a line.

    >>> bars([0, 0.1, 2, 4])
    ' ▁▄█'
    """
    top = max(values, default=0.0)
    if top <= 0:
        return " " * len(values)
    return "".join(
        _BARS[max(1, round(value / top * 8))] if value > 0 else _BARS[0] for value in values
    )
