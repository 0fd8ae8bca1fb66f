"""Two column profiles on common cells: as they were stored when the edges agree, else read between
the lines.

Inside a stored bin (a, b] with mean μ the rows are taken to lie with one density left and another
right of μ, such that the mean comes out: a value that fills its bin's right end stays there, a
spread-out bin is spread out. At edges everything is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from console.errors import InvalidError
from storage.records.profiles import QUANTILES, ColumnProfile

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Side:
    """The finite values of a numeric column as bins with ends."""

    edges: Floats
    counts: Floats
    """(n_edges + 1,)"""
    starts: Floats
    """(n_edges + 1,) smallest value a bin's rows can have, exclusive unless start == end."""
    ends: Floats
    means: Floats
    n: float

    def below(self, at: ArrayLike) -> Floats:
        """Rows ≤ each of `at` (k,), any real numbers, in any order."""
        x = np.asarray(at, dtype=np.float64)
        position = np.searchsorted(self.edges, x, side="left")  # right-closed: x = edge is inside
        before = np.concatenate(([0.0], np.cumsum(self.counts)))[position]
        return np.asarray(before + self.counts[position] * self._inside(position, x))

    def between(self, edges: ArrayLike) -> Floats:
        """Rows per cell of right-closed cells with open ends: (n_edges + 1,)."""
        reached = self.below(edges)
        return np.diff(np.concatenate(([0.0], reached, [self.n])))

    def quantile(self, p: float) -> float | None:
        """The value below which a share p of the rows lies; None without rows."""
        if self.n <= 0:
            return None
        reached = np.cumsum(self.counts)
        place = min(int(np.searchsorted(reached, p * self.n, side="left")), reached.size - 1)
        count, start, end = (float(each[place]) for each in (self.counts, self.starts, self.ends))
        mean = float(self.means[place])
        if count <= 0 or end <= start:
            return end
        share = 1.0 - (float(reached[place]) - p * self.n) / count
        left = (end - mean) / (end - start)  # share of the bin's rows up to its mean
        if share < left:
            return start + share / left * (mean - start)
        return mean + (share - left) / (1.0 - left) * (end - mean) if left < 1.0 else mean

    def _inside(self, position: NDArray[np.int64], x: Floats) -> Floats:
        """Share of a bin's rows that are ≤ x."""
        start, end, mean = self.starts[position], self.ends[position], self.means[position]
        width = end - start
        with np.errstate(invalid="ignore", divide="ignore"):
            left = np.where(width > 0, (end - mean) / width, 0.0)
            rising = np.where(mean > start, left * (x - start) / (mean - start), left)
            rest = np.where(end > mean, (1 - left) * (x - mean) / (end - mean), 1 - left)
        share = np.where(x < mean, rising, left + rest)
        return np.asarray(np.where(x >= end, 1.0, np.where(x <= start, 0.0, share)))


def side_of(column: ColumnProfile, reference: ColumnProfile | None = None) -> Side:
    """A numeric or timestamp profile as bins with ends.

    A live window has counts but neither ends nor sums; those of the `reference` on the same edges
    then stand in for them.
    """
    edges = np.asarray(column.edges, dtype=np.float64)
    counts = np.asarray(column.counts, dtype=np.float64)
    if counts.size != edges.size + 1:
        raise InvalidError(
            f"cannot read the profile of {column.name}: {edges.size} edges need {edges.size + 1} "
            f"counts, it has {counts.size}.",
            hint="Profile the data again.",
        )
    lowest, highest = column.min, column.max
    model = reference if reference is not None and reference.edges == column.edges else None
    if lowest is None or highest is None:
        lowest = model.min if model is not None else None
        highest = model.max if model is not None else None
    first = float(edges[0]) if edges.size else 0.0
    last = float(edges[-1]) if edges.size else 0.0
    low = min(first, lowest if lowest is not None else first)
    high = max(last, highest if highest is not None else last)
    starts = np.concatenate(([low], edges))
    ends = np.concatenate((edges, [high]))
    starts[0] = min(low, ends[0])
    means = _means(column, counts, starts, ends)
    if model is not None and not column.sums:
        known = np.asarray(model.counts, dtype=np.float64) > 0
        means = np.where(known, _means(model, np.asarray(model.counts, float), starts, ends), means)
    return Side(edges, counts, starts, ends, means, float(counts.sum()))


def ten_cells(reference: Side, cells: int = 10) -> Floats:
    """Edges that cut the reference into about `cells` equal parts, taken from its own edges.

    Values that hold much of the mass make fewer, uneven cells. (k,), k ≤ cells − 1, rising.
    """
    if reference.n <= 0 or reference.edges.size == 0:
        return reference.edges[:0]
    reached = np.cumsum(reference.counts)[:-1] / reference.n
    goals = np.arange(1, cells) / cells
    picks = np.searchsorted(reached, goals - 1e-12, side="left")
    picks = np.unique(picks[picks < reference.edges.size])
    return reference.edges[picks]


def common_edges(reference: ColumnProfile, current: ColumnProfile) -> Floats:
    """All edges of both."""
    return np.union1d(np.asarray(reference.edges, float), np.asarray(current.edges, float))


def scale_of(column: ColumnProfile) -> tuple[float, str]:
    """What one σ is for a distance of this column, robustly, and where it comes from.

    IQR / 1.349, else the standard deviation, else (p99 − p1) / 4.652; 0 for a constant.
    """
    quantiles = dict(zip(QUANTILES, column.quantiles, strict=False))
    if 0.25 in quantiles and 0.75 in quantiles and quantiles[0.75] > quantiles[0.25]:
        return (quantiles[0.75] - quantiles[0.25]) / 1.349, "IQR / 1.349"
    n = sum(column.counts)
    if n > 1:
        variance = (column.sum_squares - column.sum**2 / n) / (n - 1)
        if variance > 1e-18 * max(1.0, column.sum_squares / n):
            return math.sqrt(variance), "standard deviation"
    if 0.01 in quantiles and 0.99 in quantiles and quantiles[0.99] > quantiles[0.01]:
        return (quantiles[0.99] - quantiles[0.01]) / 4.652, "(p99 − p1) / 4.652"
    return 0.0, "constant"


_STEPS = (1.0, 2.0, 5.0, 2.5, 1.5, 3.0, 4.0, 6.0, 7.5, 8.0)
"""Widths of display bins times a power of ten, the ones that read best first."""


def display_edges(reference: Side, current: Side, *, is_whole: bool = False) -> Floats:
    """Ends of 14 to 24 bins of one round width that show both sides; fewer for few whole values.

    The outer bins also hold what lies beyond the 1st and 99th percentile of both, so that a few
    far values do not flatten the picture. Empty without rows.
    """
    sides = [side for side in (reference, current) if side.n > 0]
    if not sides:
        return reference.edges[:0]
    low, high = _shown_range(sides)
    if high <= low:
        return np.array([low - 0.5, low + 0.5], dtype=np.float64)
    if is_whole and high - low <= 23:
        return np.asarray(np.arange(math.floor(low), math.floor(high) + 2) - 0.5)
    power = 10.0 ** math.floor(math.log10((high - low) / 14))
    for factor in (power, power * 10):
        for step in _STEPS:
            width = step * factor
            if is_whole and (width < 1 or width != round(width)):
                continue
            first, last = math.floor(low / width), math.ceil(high / width)
            if 14 <= last - first <= 24:
                return np.asarray(np.arange(first, last + 1) * width)
    return np.asarray(np.linspace(low, high, 21))


def shown_shares(side: Side, edges: Floats) -> tuple[float, ...]:
    """Shares of the rows per display bin, sum 1; what lies outside is in the outer bins."""
    if side.n <= 0 or edges.size < 2:
        return (0.0,) * max(0, edges.size - 1)
    return tuple((side.between(edges[1:-1]) / side.n).tolist())


def _means(column: ColumnProfile, counts: Floats, starts: Floats, ends: Floats) -> Floats:
    middle = 0.5 * (starts + ends)
    if len(column.sums) != counts.size:
        return middle
    sums = np.asarray(column.sums, dtype=np.float64)
    means = np.where(counts > 0, sums / np.maximum(counts, 1.0), middle)
    return np.clip(means, starts, ends)


def _shown_range(sides: list[Side]) -> tuple[float, float]:
    """From the 1st to the 99th percentile of both, or to the ends when those are near."""
    lows = [float(side.starts[np.flatnonzero(side.counts)[0]]) for side in sides]
    highs = [float(side.ends[np.flatnonzero(side.counts)[-1]]) for side in sides]
    low = min(side.quantile(0.01) or 0.0 for side in sides)
    high = max(side.quantile(0.99) or 0.0 for side in sides)
    reach = 0.15 * (high - low)
    low = min(lows) if min(lows) >= low - reach else low
    high = max(highs) if max(highs) <= high + reach else high
    return low, high
