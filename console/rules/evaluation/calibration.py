"""Whether a score of 0.3 means three in ten: reliability bins, ECE, slope and intercept.

`y` is (n_rows,) of 0 and 1, `score` (n_rows,) in 0..1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from console.rules.evaluation.resampling import Estimate, Floats, percentile, table_draws
from console.rules.intervals import wilson, z_value

Labels = NDArray[np.int64]

ECE_BINS = 15
CLIP = 1e-6
"""Scores are kept this far from 0 and 1 before their logit is taken."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows of similar score."""

    n: int
    mean_score: float
    seen: float
    """Share of positives."""
    low: float
    high: float
    """Wilson interval of `seen`."""


def reliability(
    y: Labels,
    score: Floats,
    *,
    bins: int = ECE_BINS,
    strategy: Literal["quantile", "uniform"] = "quantile",
    confidence: float = 0.95,
) -> tuple[ReliabilityBin, ...]:
    """Non-empty bins in rising order of score; right-closed, so equal scores stay together."""
    codes, size = _bins(score, bins, strategy)
    n = np.bincount(codes, minlength=size)
    positives = np.bincount(codes, weights=y, minlength=size)
    sums = np.bincount(codes, weights=score, minlength=size)
    result = []
    for rows, hits, total in zip(n.tolist(), positives.tolist(), sums.tolist(), strict=True):
        if rows:
            low, high = wilson(hits, rows, confidence)
            result.append(ReliabilityBin(rows, total / rows, hits / rows, low, high))
    return tuple(result)


def ece(curve: tuple[ReliabilityBin, ...]) -> float:
    """Expected calibration error: mean over rows of the bins' |seen − mean score|."""
    rows = sum(bin_.n for bin_ in curve)
    return sum(bin_.n * abs(bin_.seen - bin_.mean_score) for bin_ in curve) / rows


def largest_gap(curve: tuple[ReliabilityBin, ...]) -> float:
    """The worst bin's |seen − mean score|."""
    return max(abs(bin_.seen - bin_.mean_score) for bin_ in curve)


def ece_by_chance(curve: tuple[ReliabilityBin, ...]) -> float:
    """The ECE that a perfectly calibrated model would show on so many rows (ECE is biased up)."""
    rows = sum(bin_.n for bin_ in curve)
    return sum(
        bin_.n / rows * math.sqrt(2 * bin_.mean_score * (1 - bin_.mean_score) / math.pi / bin_.n)
        for bin_ in curve
    )


def ece_interval(
    y: Labels, score: Floats, confidence: float, rng: np.random.Generator, draws: int = 1000
) -> tuple[Estimate, float]:
    """ECE over 15 bins of equal count with a bootstrap interval, and the ECE by chance.

    Bins and their mean scores stay, the rows in them are drawn again. A draw adds chance to what
    chance has done already, so the draws are moved back by their mean excess.
    """
    curve = reliability(y, score, confidence=confidence)
    value = ece(curve)
    cells = np.array(
        [(round(b.seen * b.n), b.n - round(b.seen * b.n)) for b in curve], dtype=np.int64
    )
    drawn = table_draws(cells.ravel(), rng, draws).reshape(draws, -1, 2)
    rows = drawn.sum(axis=2)
    mean_scores = np.array([b.mean_score for b in curve])
    gaps = np.abs(drawn[:, :, 0] - rows * mean_scores).sum(axis=1) / rows.sum(axis=1)
    low, high = percentile(np.maximum(0.0, gaps - gaps.mean() + value), confidence)
    return (value, low, high, "bootstrap, bias removed"), ece_by_chance(curve)


def slope(y: Labels, score: Floats, confidence: float = 0.95) -> Estimate:
    """Slope of a logistic regression of y on logit(score): 1 = right spread, < 1 = overconfident.

    NaN when the classes are separated or the score is constant. Source: Cox 1958.
    """
    x = _logit(score)
    if np.ptp(x) == 0:
        return math.nan, math.nan, math.nan, ""
    fitted = _logistic(np.column_stack((np.ones_like(x), x)), y, np.zeros_like(x))
    if fitted is None:
        return math.nan, math.nan, math.nan, ""
    coefficients, covariance = fitted
    half = z_value(confidence) * math.sqrt(covariance[1, 1])
    value = float(coefficients[1])
    return value, value - half, value + half, "normal"


def logistic_influence(
    y: Labels, score: Floats, *, in_the_large: bool = False
) -> tuple[float, Floats]:
    """Slope, or intercept in the large, and how far each row pulls it: (n_rows,), mean 0.

    The variance of the pulls over n is the robust variance of the value (Huber 1967), so the pulls
    of two scores subtract to that of their difference. NaN and zeros where there is no solution.
    """
    x = _logit(score)
    design = np.ones((y.size, 1)) if in_the_large else np.column_stack((np.ones_like(x), x))
    offset = x if in_the_large else np.zeros_like(x)
    fitted = _logistic(design, y, offset) if in_the_large or np.ptp(x) > 0 else None
    if fitted is None:
        return math.nan, np.zeros(y.size)
    coefficients, covariance = fitted
    p = 1.0 / (1.0 + np.exp(-np.clip(design @ coefficients + offset, -35.0, 35.0)))
    pulls = (design * (y - p)[:, None]) @ covariance * y.size
    return float(coefficients[-1]), np.asarray(pulls[:, -1])


def ece_draws(
    y: Labels, scores: tuple[Floats, ...], rng: np.random.Generator, draws: int = 500
) -> Floats:
    """ECE of several scores on the same rows, drawn again: (draws, k). Bins stay.

    Rows of equal bins and truth are drawn as one cell with its mean scores, so the cost does not
    grow with the rows: what the scores within a cell vary adds next to nothing.
    """
    codes = np.zeros(y.size, dtype=np.int64)
    binned = [_bins(score, ECE_BINS, "quantile") for score in scores]
    for code, size in binned:
        codes = codes * size + code
    _, cells, counts = np.unique(codes * 2 + y, return_inverse=True, return_counts=True)
    weights = table_draws(counts, rng, draws)
    result = np.empty((draws, len(scores)))
    for column, (score, (code, size)) in enumerate(zip(scores, binned, strict=True)):
        gap = np.bincount(cells, weights=y - score) / counts
        member = np.zeros((counts.size, size))
        member[cells, code] = 1.0
        result[:, column] = np.abs((weights * gap) @ member).sum(axis=1) / y.size
    return result


def intercept(y: Labels, score: Floats, confidence: float = 0.95) -> Estimate:
    """Calibration in the large: log-odds to add so that the mean score is right; best 0."""
    fitted = _logistic(np.ones((y.size, 1)), y, _logit(score))
    if fitted is None:
        return math.nan, math.nan, math.nan, ""
    coefficients, covariance = fitted
    half = z_value(confidence) * math.sqrt(covariance[0, 0])
    value = float(coefficients[0])
    return value, value - half, value + half, "normal"


def _bins(score: Floats, bins: int, strategy: str) -> tuple[NDArray[np.int64], int]:
    steps = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    edges = np.unique(np.quantile(score, steps)) if strategy == "quantile" else steps
    return np.searchsorted(edges, score, side="left"), edges.size + 1


def _logit(score: Floats) -> Floats:
    clipped = np.clip(score, CLIP, 1.0 - CLIP)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _logistic(design: Floats, y: Labels, offset: Floats) -> tuple[Floats, Floats] | None:
    """Maximum likelihood by Newton's method: coefficients and their covariance; None = no end."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(50):
        linear = np.clip(design @ coefficients + offset, -35.0, 35.0)
        p = 1.0 / (1.0 + np.exp(-linear))
        weight = p * (1.0 - p)
        information = design.T @ (design * weight[:, None])
        if np.linalg.cond(information) > 1e14:
            return None
        step = np.linalg.solve(information, design.T @ (y - p))
        coefficients = np.asarray(coefficients + step)
        if np.abs(coefficients).max() > 100.0:
            return None
        if np.abs(step).max() < 1e-10:
            return coefficients, np.asarray(np.linalg.inv(information), dtype=np.float64)
    return None
