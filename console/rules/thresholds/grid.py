"""Scores on a fine grid by class, and the cumulative counts that answer for every threshold.

`score_grid` (worker, numpy) makes the record; everything else here is standard library, so that a
screen moves its cursor without loading anything. Invariant: at a threshold on a grid line the
counts equal those of `score >= threshold` over the rows, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from storage.records.thresholds import GRID_BINS, GridPart, GridScale, ScoreGrid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

RARE: Final = 0.01
"""Below this share of positives the log-odds grid tells small scores apart."""
LOG_ODDS_LOW: Final = -16.0
LOG_ODDS_STEPS: Final = 128
"""Bins per unit of log-odds; −16 to 16 in 4 096."""


def threshold_of(line: int, scale: GridScale = "probability") -> float:
    """The score at grid line `line` (0 … 4 096): rows of the bins from it on say yes there."""
    if scale == "probability":
        return line / GRID_BINS
    if line <= 0:
        return 0.0
    return 1.0 / (1.0 + math.exp(-(line / LOG_ODDS_STEPS + LOG_ODDS_LOW)))


def line_of(threshold: float, scale: GridScale = "probability") -> int:
    """The first grid line at or above a threshold; beyond the grid 0 or 4 097 (nobody says yes).

    >>> line_of(0.5), line_of(0.0), line_of(1.0), line_of(1.5)
    (2048, 0, 4096, 4097)
    """
    if threshold > 1.0:
        return GRID_BINS + 1
    if threshold <= 0.0:
        return 0
    if scale == "probability":
        return math.ceil(threshold * GRID_BINS)
    if threshold >= 1.0:
        return GRID_BINS
    log_odds = math.log(threshold) - math.log1p(-threshold)
    line = math.ceil((log_odds - LOG_ODDS_LOW) * LOG_ODDS_STEPS - 1e-6)
    return max(0, min(GRID_BINS, line))


@dataclass(frozen=True, slots=True)
class Curves:
    """Rows at or above every grid line; index 0 = everybody says yes, the last = nobody does."""

    scale: GridScale
    tp: tuple[int, ...]
    """(4 098,), falling from all positives to 0."""
    fp: tuple[int, ...]
    """(4 098,), falling from all negatives to 0."""

    @property
    def positives(self) -> int:
        return self.tp[0]

    @property
    def negatives(self) -> int:
        return self.fp[0]

    @property
    def n(self) -> int:
        return self.tp[0] + self.fp[0]

    def threshold(self, line: int) -> float:
        return threshold_of(line, self.scale)

    def line(self, threshold: float) -> int:
        return line_of(threshold, self.scale)


def curves_of(grid: ScoreGrid, part: GridPart | None = None) -> Curves:
    """Cumulative counts of a grid, or of one of its slices or folds (half a millisecond)."""
    counts = grid if part is None else part
    return Curves(grid.scale, _reached(counts.positives), _reached(counts.negatives))


def without(grid: ScoreGrid, part: GridPart) -> Curves:
    """Cumulative counts of all rows but those of a fold."""
    positives = [a - b for a, b in zip(grid.positives, part.positives, strict=True)]
    negatives = [a - b for a, b in zip(grid.negatives, part.negatives, strict=True)]
    return Curves(grid.scale, _reached(positives), _reached(negatives))


def auc(curves: Curves) -> tuple[float, float]:
    """AUC from the grid and the most it can differ from that of the rows; NaN for one class."""
    pairs = curves.positives * curves.negatives
    if pairs == 0:
        return math.nan, math.nan
    above = ties = 0
    for line in range(GRID_BINS + 1):
        pos = curves.tp[line] - curves.tp[line + 1]
        neg = curves.fp[line] - curves.fp[line + 1]
        above += neg * curves.tp[line + 1]
        ties += pos * neg
    return (above + ties / 2) / pairs, ties / 2 / pairs


def score_grid(
    y: ArrayLike,
    score: ArrayLike,
    *,
    scale: GridScale | None = None,
    slices: Mapping[str, NDArray[Any]] | None = None,
    folds: Mapping[str, NDArray[Any]] | None = None,
) -> ScoreGrid:
    """Count rows by class and grid bin. `y` (n_rows,) of 0/1, `score` (n_rows,) in 0..1.

    `scale` None = log-odds when less than 1 % are positive. `slices` and `folds` are masks
    (n_rows,) by name. Rows without a usable score or label are skipped and counted.
    """
    import numpy as np

    labels = np.asarray(y, dtype=np.float64).ravel()
    scores = np.asarray(score, dtype=np.float64).ravel()
    with np.errstate(invalid="ignore"):
        usable = np.isin(labels, (0.0, 1.0)) & (scores >= 0.0) & (scores <= 1.0)
    is_positive = usable & (labels == 1.0)
    if scale is None:
        share = is_positive.sum() / max(1, int(usable.sum()))
        scale = "log_odds" if 0 < share < RARE else "probability"
    bins = np.zeros(scores.size, dtype=np.int64)
    kept = scores[usable]
    if scale == "probability":
        bins[usable] = np.floor(kept * GRID_BINS).astype(np.int64)
    else:
        with np.errstate(divide="ignore"):
            log_odds = np.log(kept) - np.log1p(-kept)
        steps = np.floor((log_odds - LOG_ODDS_LOW) * LOG_ODDS_STEPS)
        bins[usable] = np.clip(steps, 0, GRID_BINS).astype(np.int64)

    def counts(rows: NDArray[Any]) -> tuple[int, ...]:
        return tuple(np.bincount(bins[rows], minlength=GRID_BINS + 1).tolist())

    def parts(masks: Mapping[str, NDArray[Any]] | None) -> tuple[GridPart, ...]:
        return tuple(
            GridPart(
                name=name,
                positives=counts(is_positive & mask),
                negatives=counts(usable & ~is_positive & mask),
            )
            for name, mask in (masks or {}).items()
        )

    return ScoreGrid(
        scale=scale,
        positives=counts(is_positive),
        negatives=counts(usable & ~is_positive),
        slices=parts(slices),
        folds=parts(folds),
        skipped_count=int(labels.size - usable.sum()),
    )


def _reached(counts: list[int] | tuple[int, ...]) -> tuple[int, ...]:
    return (*list(accumulate(reversed(counts)))[::-1], 0)
