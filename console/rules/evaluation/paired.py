"""Two models on the same rows: is the difference more than chance, and is it worth anything?

Called by the worker for gates, comparisons and shadows. A difference is always new − old, in the
unit of the metric. Invariant: swapping the two models turns the sign and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from console.rules.evaluation import ranking, resampling
from console.rules.evaluation.resampling import Estimate, Floats
from console.rules.intervals import z_value
from console.rules.special import beta_cdf

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AucPair:
    """DeLong's comparison of two scores."""

    new: float
    old: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    z: float
    p_value: float
    """Two-sided."""
    low: float
    high: float
    """Interval of new − old."""


def delong(y: Labels, new: Floats, old: Floats, confidence: float = 0.95) -> AucPair:
    """AUCs of two scores on the same rows (n_rows,), both classes present.

    Source: DeLong, DeLong and Clarke-Pearson 1988. Equal scores: z = 0, p = 1, no width.
    """
    a, b = ranking.placements(y, new), ranking.placements(y, old)
    covariance = _covariance(a.positives, b.positives) + _covariance(a.negatives, b.negatives)
    variance = max(0.0, float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    difference = a.auc - b.auc
    # Below rounding there is no difference left that could be tested.
    error = math.sqrt(variance) if variance > 1e-20 else 0.0
    z = difference / error if error else 0.0
    half = z_value(confidence) * error
    return AucPair(
        new=a.auc,
        old=b.auc,
        covariance=(
            (float(covariance[0, 0]), float(covariance[0, 1])),
            (float(covariance[1, 0]), float(covariance[1, 1])),
        ),
        z=z,
        p_value=math.erfc(abs(z) / math.sqrt(2)),
        low=difference - half,
        high=difference + half,
    )


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two classifiers that disagree about some rows."""

    only_new: int
    """Rows that only the new one gets right."""
    only_old: int
    difference: float
    """Accuracy new − old."""
    low: float
    high: float
    p_value: float
    """Two-sided: exact below 25 disagreements, else mid-p."""
    is_exact: bool


def mcnemar(only_new: int, only_old: int, n: int, confidence: float = 0.95) -> McNemar:
    """From the counts of rows that exactly one of two models gets right, of n.

    Sources: McNemar 1947; mid-p: Fagerland, Lydersen and Laake 2013; interval: Bonett and Price
    2012. Without disagreement p = 1.
    """
    total = only_new + only_old
    smaller = min(only_new, only_old)
    is_exact = total < 25
    p_value = 1.0
    if total:
        # P(X ≤ k) for a fair coin; the distribution of disagreements when neither is better.
        tail = beta_cdf(0.5, total - smaller, smaller + 1)
        point = math.exp(
            math.lgamma(total + 1)
            - math.lgamma(smaller + 1)
            - math.lgamma(total - smaller + 1)
            - total * math.log(2)
        )
        p_value = min(1.0, 2 * tail if is_exact else 2 * tail - point)
    new, old = (only_new + 1) / (n + 2), (only_old + 1) / (n + 2)
    half = z_value(confidence) * math.sqrt((new + old - (new - old) ** 2) / (n + 2))
    difference = (only_new - only_old) / n if n else math.nan
    middle = new - old
    return McNemar(
        only_new=only_new,
        only_old=only_old,
        difference=difference,
        low=max(-1.0, min(difference, middle - half)),
        high=min(1.0, max(difference, middle + half)),
        p_value=p_value,
        is_exact=is_exact,
    )


@dataclass(frozen=True, slots=True)
class Correlated:
    """Differences of cross-validation scores, with the overlap of training sets allowed for."""

    mean: float
    variance: float
    """Of the mean, corrected."""
    degrees: int
    t: float
    p_value: float
    """Two-sided."""
    p_worse: float
    """P(difference < −rope)."""
    p_equal: float
    """P(|difference| ≤ rope): practically equal."""
    p_better: float
    """P(difference > rope)."""


def nadeau_bengio(
    differences: ArrayLike, test_train_ratio: float, rope: float = 0.005
) -> Correlated:
    """Corrected resampled t-test of score differences (n_folds · n_repeats,), at least 2.

    `test_train_ratio` = rows tested / rows trained in one fold, 1/(k − 1) for k-fold. The plain
    t-test takes overlapping folds for independent and finds differences that are not there.
    Sources: Nadeau and Bengio 2003; region of practical equivalence: Benavoli et al. 2017.
    """
    d = np.asarray(differences, dtype=np.float64)
    n = d.size
    mean = float(d.mean())
    variance = float(d.var(ddof=1)) * (1.0 / n + test_train_ratio)
    degrees = n - 1
    if variance == 0.0:
        inside = abs(mean) <= rope
        return Correlated(
            mean, 0.0, degrees, 0.0 if mean == 0 else math.copysign(math.inf, mean),
            1.0 if mean == 0 else 0.0,
            float(mean < -rope), float(inside), float(mean > rope),
        )  # fmt: skip
    error = math.sqrt(variance)
    t = mean / error
    p_worse = student_cdf((-rope - mean) / error, degrees)
    p_better = student_cdf((mean - rope) / error, degrees)
    return Correlated(
        mean=mean,
        variance=variance,
        degrees=degrees,
        t=t,
        p_value=2.0 * student_cdf(-abs(t), degrees),
        p_worse=p_worse,
        p_equal=max(0.0, 1.0 - p_worse - p_better),
        p_better=p_better,
    )


def mean_difference(
    new: Floats,
    old: Floats,
    confidence: float = 0.95,
    *,
    seed: int = 0,
    groups: Sequence[object] | None = None,
) -> Estimate:
    """Mean of new − old for per-row losses (n_rows,) of two models, with its interval.

    Normal from 1 000 rows on, BCa below. `groups` (n_rows,) names rows that belong together; then
    whole groups are drawn.
    """
    differences = np.asarray(new, dtype=np.float64) - np.asarray(old, dtype=np.float64)
    rng = resampling.generator(seed, "mean_difference")
    if groups is None:
        return resampling.mean(differences, confidence, rng)
    draws = resampling.group_draws(np.asarray(groups), differences, rng)
    low, high = resampling.percentile(draws, confidence)
    return float(differences.mean()), low, high, "bootstrap of groups"


def student_cdf(t: float, degrees: int) -> float:
    """P(T ≤ t) for Student's t."""
    tail = 0.5 * beta_cdf(degrees / (degrees + t * t), degrees / 2, 0.5)
    return tail if t < 0 else 1.0 - tail


def _covariance(a: Floats, b: Floats) -> Floats:
    if a.size < 2:
        return np.zeros((2, 2))
    return np.asarray(np.cov(a, b) / a.size)
