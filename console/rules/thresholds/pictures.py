"""What the inspector draws from a grid besides curves: score heaps and how calibrated they are."""

from __future__ import annotations

from dataclasses import dataclass

from console.rules.intervals import wilson
from console.rules.thresholds.grid import threshold_of
from storage.records.thresholds import GRID_BINS, ScoreGrid


@dataclass(frozen=True, slots=True)
class SeenShare:
    """Rows of similar score: what was said and what was seen."""

    score: float
    """Mean score, by the middles of the grid's bins."""
    seen: float
    low: float
    high: float
    n: int


def heaps(grid: ScoreGrid, bins: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows by score in `bins` of equal width on the grid's scale: positives, negatives."""
    sums = []
    for counts in (grid.positives, grid.negatives):
        heap = [0] * bins
        for line, count in enumerate(counts):
            heap[min(bins - 1, line * bins // GRID_BINS)] += count
        sums.append(tuple(heap))
    return sums[0], sums[1]


def seen_shares(grid: ScoreGrid, bins: int = 10) -> tuple[SeenShare, ...]:
    """Reliability curve over `bins` of about equal count, with Wilson's intervals."""
    total = sum(grid.positives) + sum(grid.negatives)
    result: list[SeenShare] = []
    n = hits = reached = 0
    weighted = 0.0
    for line, (pos, neg) in enumerate(zip(grid.positives, grid.negatives, strict=True)):
        rows = pos + neg
        middle = 0.5 * (threshold_of(line, grid.scale) + threshold_of(line + 1, grid.scale))
        n, hits, weighted = n + rows, hits + pos, weighted + rows * min(1.0, middle)
        if n and (reached + n) * bins >= total * (len(result) + 1):
            low, high = wilson(hits, n)
            result.append(SeenShare(weighted / n, hits / n, low, high, n))
            reached += n
            n = hits = 0
            weighted = 0.0
    return tuple(result)
