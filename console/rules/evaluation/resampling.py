"""Intervals by resampling, for statistics without a closed form.

Used by the evaluation of models (worker). Every function takes a generator, so that a stored seed
gives the stored interval again.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from console.rules.intervals import z_value

Floats = NDArray[np.float64]
Estimate = tuple[float, float, float, str]
"""value, low, high, method"""

TABLE_DRAWS = 2000
NORMAL_ROWS = 1000
"""From here on the mean of per-row losses is normal enough."""


def generator(seed: int, name: str) -> np.random.Generator:
    """An own stream per metric, so that leaving one out does not change the others."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def percentile(draws: Floats, confidence: float) -> tuple[float, float]:
    """Central interval of the finite draws; NaN when there are none."""
    finite = draws[np.isfinite(draws)]
    if finite.size == 0:
        return float("nan"), float("nan")
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(finite, [tail, 100.0 - tail])
    return float(low), float(high)


def mean(losses: Floats, confidence: float, rng: np.random.Generator) -> Estimate:
    """Mean of per-row values, shape (n_rows,), n ≥ 1: normal from 1 000 rows on, else BCa."""
    n = losses.size
    value = float(losses.mean())
    if n >= NORMAL_ROWS:
        half = z_value(confidence) * float(losses.std(ddof=1)) / n**0.5
        return value, value - half, value + half, "normal"
    low, high, method = bca((losses,), np.mean, confidence, rng)
    return value, low, high, method


def bca(
    columns: tuple[Floats, ...],
    statistic: Callable[..., object],
    confidence: float,
    rng: np.random.Generator,
    *,
    draws: int = 9999,
) -> tuple[float, float, str]:
    """Bias-corrected and accelerated interval; rows of `columns` (n_rows,) are drawn together.

    `statistic(*columns, axis=-1)` must be vectorised. Where the correction is not defined (all
    draws equal) the percentile interval is given, and the method says so. Up to some thousand
    rows: the jackknife inside grows with n². Source: Efron 1987, by scipy.stats.bootstrap.
    """
    value = float(statistic(*columns, axis=-1))  # type: ignore[arg-type]  # a number for 1-d input
    if columns[0].size < 2 or all(np.ptp(column) == 0 for column in columns):
        return value, value, "bootstrap percentile"
    from scipy.stats import bootstrap  # three quarters of a second to load

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # degenerate draws are handled right below
        result = bootstrap(
            columns,
            statistic,
            paired=True,
            vectorized=True,
            n_resamples=draws,
            batch=max(1, 4_000_000 // columns[0].size),
            confidence_level=confidence,
            method="BCa",
            rng=rng,
        )
    low, high = result.confidence_interval
    if np.isfinite(low) and np.isfinite(high):
        return float(low), float(high), "bootstrap BCa"
    low, high = percentile(np.asarray(result.bootstrap_distribution), confidence)
    return low, high, "bootstrap percentile"


def table_draws(cells: NDArray[np.int64], rng: np.random.Generator, draws: int) -> Floats:
    """Multinomial draws of a contingency table: cells (k,) with sum n → (draws, k)."""
    total = int(cells.sum())
    drawn = rng.multinomial(total, cells / total, size=draws)
    return np.asarray(drawn, dtype=np.float64)


def group_draws(
    groups: NDArray[np.generic], values: Floats, rng: np.random.Generator, draws: int = 2000
) -> Floats:
    """Means of `values` (n_rows,) when whole groups of rows are drawn: (draws,).

    For rows that belong together (same customer, same aircraft), where single rows would
    pretend to more information than there is.
    """
    _, codes = np.unique(groups, return_inverse=True)
    sums = np.bincount(codes, weights=values)
    sizes = np.bincount(codes).astype(np.float64)
    weights = rng.multinomial(sums.size, np.full(sums.size, 1.0 / sums.size), size=draws)
    return np.asarray(weights @ sums / np.maximum(weights @ sizes, 1.0))
