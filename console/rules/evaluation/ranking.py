"""How well scores order two classes: AUC with DeLong's interval, average precision.

`y` is (n_rows,) of 0 and 1, `score` (n_rows,) finite, larger = more positive; both classes present
unless said otherwise. Ties count half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from console.rules.evaluation.resampling import Estimate, Floats, percentile, table_draws
from console.rules.intervals import clopper_pearson, z_value

Labels = NDArray[np.int64]

AP_BINS = 1024
AP_DRAWS = 1000
AP_EXACT_ROWS = 5_000
AP_PAIR_BINS = 64


@dataclass(frozen=True, slots=True)
class Placements:
    """Share of the other class that each row beats: what DeLong's variance is made of."""

    auc: float
    positives: Floats
    """(n_positives,), in row order."""
    negatives: Floats
    """(n_negatives,), in row order."""

    @property
    def variance(self) -> float:
        return _variance(self.positives) + _variance(self.negatives)


def midranks(values: Floats) -> Floats:
    """Ranks 1…n, equal values share their mean rank."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    sizes = np.diff(np.append(starts, values.size))
    ranks = np.empty(values.size)
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks


def placements(y: Labels, score: Floats) -> Placements:
    """Source: DeLong, DeLong and Clarke-Pearson 1988; by ranks, Sun and Xu 2014."""
    is_positive = y == 1
    n_pos = int(is_positive.sum())
    n_neg = y.size - n_pos
    overall = midranks(score)
    above = (overall[is_positive] - midranks(score[is_positive])) / n_neg
    below = 1.0 - (overall[~is_positive] - midranks(score[~is_positive])) / n_pos
    return Placements(auc=float(above.mean()), positives=above, negatives=below)


def auc(y: Labels, score: Floats, confidence: float = 0.95) -> Estimate:
    """Area under the ROC curve; the interval is built on the logit scale above 0.95.

    With perfectly separated classes DeLong's variance is 0; then the exact interval of "all of
    the smaller class" stands in.
    """
    found = placements(y, score)
    value, variance = found.auc, found.variance
    z = z_value(confidence)
    if variance <= 0.0:
        smaller = min(found.positives.size, found.negatives.size)
        if value in (0.0, 1.0):
            low, high = clopper_pearson(smaller * value, smaller, confidence)
            return value, low, high, "exact, separated"
        return value, value, value, "DeLong"
    if value > 0.95:
        logit = math.log(value / (1 - value))
        half = z * math.sqrt(variance) / (value * (1 - value))
        return value, _expit(logit - half), _expit(logit + half), "DeLong, logit"
    half = z * math.sqrt(variance)
    return value, max(0.0, value - half), min(1.0, value + half), "DeLong"


def average_precision(y: Labels, score: Floats) -> float:
    """Σ (recall step) · precision over falling thresholds; NaN without positives."""
    positives, totals = _by_falling_score(y, score)
    return float(_average_precision(positives[None, :], totals[None, :])[0])


def average_precision_interval(
    y: Labels, score: Floats, confidence: float, rng: np.random.Generator
) -> Estimate:
    """Average precision with a stratified bootstrap over 1 024 bins of equal count.

    Binning moves the value by less than a thousandth; the draws are shifted by exactly that.
    """
    value = average_precision(y, score)
    is_positive = y == 1
    edges = np.unique(np.quantile(score, np.linspace(0, 1, AP_BINS + 1)[1:-1]))
    bins = edges.size + 1
    codes = (bins - 1) - np.searchsorted(edges, score, side="left")  # highest scores first
    pos = np.bincount(codes[is_positive], minlength=bins)
    neg = np.bincount(codes[~is_positive], minlength=bins)
    binned = float(_average_precision(pos[None, :], (pos + neg)[None, :])[0])
    drawn_pos = rng.multinomial(pos.sum(), pos / pos.sum(), size=AP_DRAWS)
    drawn_neg = rng.multinomial(neg.sum(), neg / max(1, neg.sum()), size=AP_DRAWS)
    draws = _average_precision(drawn_pos, drawn_pos + drawn_neg) + value - binned
    low, high = percentile(np.clip(draws, 0.0, 1.0), confidence)
    return value, low, high, "bootstrap, stratified"


def average_precision_draws(
    y: Labels, scores: tuple[Floats, ...], rng: np.random.Generator, draws: int = 200
) -> Floats:
    """Average precision of several scores on the same rows, drawn again: (draws, k).

    Many rows are drawn as cells of equal bins and truth, as in `average_precision_interval`.
    """
    if y.size > AP_EXACT_ROWS:
        return _average_precision_of_cells(y, scores, rng, draws)
    orders = [np.argsort(-score, kind="stable") for score in scores]
    lasts = [
        np.append(np.flatnonzero(np.diff(score[order])), y.size - 1)
        for score, order in zip(scores, orders, strict=True)
    ]
    result = np.empty((draws, len(scores)))
    for row in range(draws):
        weight = rng.poisson(1.0, y.size)
        for column, (order, last) in enumerate(zip(orders, lasts, strict=True)):
            drawn = weight[order]
            totals = np.cumsum(drawn)[last]
            hits = np.cumsum(drawn * y[order])[last]
            gains = np.diff(hits, prepend=0)
            with np.errstate(invalid="ignore", divide="ignore"):
                result[row, column] = np.nansum(gains * hits / totals) / hits[-1]
    return result


def _average_precision_of_cells(
    y: Labels, scores: tuple[Floats, ...], rng: np.random.Generator, draws: int
) -> Floats:
    """The same from counts: bins of falling score, cells of rows with equal bins and truth."""
    binned = []
    codes = y.astype(np.int64)
    for score in scores:
        edges = np.unique(np.quantile(score, np.linspace(0, 1, AP_PAIR_BINS + 1)[1:-1]))
        bins = edges.size - np.searchsorted(edges, score, side="left")
        binned.append(bins)
        codes = codes * (edges.size + 1) + bins
    _, firsts, counts = np.unique(codes, return_index=True, return_counts=True)
    weights = table_draws(counts, rng, draws)
    result = np.empty((draws, len(scores)))
    for column, (score, bins) in enumerate(zip(scores, binned, strict=True)):
        order = np.argsort(bins[firsts], kind="stable")
        falling = bins[firsts][order]
        starts = np.flatnonzero(np.concatenate(([True], falling[1:] != falling[:-1])))
        truth = y[firsts][order]

        def of(tables: Floats, order: Labels = order, starts: Labels = starts,
               truth: Labels = truth) -> Floats:  # fmt: skip
            ordered = tables[:, order]
            totals = np.add.reduceat(ordered, starts, axis=1)
            return _average_precision(np.add.reduceat(ordered * truth, starts, axis=1), totals)

        exact = average_precision(y, score)
        result[:, column] = of(weights) + exact - of(counts[None, :].astype(np.float64))[0]
    return result


def _by_falling_score(y: Labels, score: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positives and rows per distinct score, highest score first."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    positives = np.add.reduceat(y[order], starts)
    return positives, np.diff(np.append(starts, y.size))


def _average_precision(positives: NDArray[Any], totals: NDArray[Any]) -> Floats:
    """Rows of (draws, bins), highest scores first → (draws,)."""
    hits = np.cumsum(positives, axis=1)
    rows = np.cumsum(totals, axis=1)
    precision = hits / np.maximum(rows, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((positives * precision).sum(axis=1) / hits[:, -1])


def _variance(placement: Floats) -> float:
    """Of the mean; one row alone has none that could be known."""
    return float(placement.var(ddof=1)) / placement.size if placement.size > 1 else 0.0


def _expit(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))
