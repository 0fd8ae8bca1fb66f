"""Intervals of proportions, rates and quantiles, and the rows a question needs.

Standard library only, so that every process can judge. Invariant of every interval: it is clipped
to the range of what it describes and contains the estimate. An empty sample (n = 0) knows nothing:
its interval is the whole range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from statistics import NormalDist

from console.rules.special import beta_quantile, beta_sf, gamma_quantile

_NORMAL = NormalDist()

Interval = tuple[float, float]


@cache
def z_value(confidence: float = 0.95) -> float:
    """Two-sided normal quantile: 1.959964 for 0.95."""
    return _NORMAL.inv_cdf(0.5 + confidence / 2.0)


def normal_cdf(z: float) -> float:
    return _NORMAL.cdf(z)


# --------------------------------------------------------------------------- proportions


def wilson(k: float, n: float, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion, k of n, 0 ≤ k ≤ n. Source: Wilson 1927.

    k and n may be sums of weights. Coverage stays near nominal for rare events, where the
    textbook interval fails (n = 100, p = 0.99: 0.92 against 0.63).
    """
    if n <= 0:
        return 0.0, 1.0
    z = z_value(confidence)
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if k <= 0 else max(0.0, middle - half)
    high = 1.0 if k >= n else min(1.0, middle + half)
    return low, high


def clopper_pearson(k: float, n: float, confidence: float = 0.95) -> Interval:
    """Exact interval of a proportion: never covers less than promised, so wider than Wilson's.

    For rules where a mistake is expensive. Source: Clopper and Pearson 1934.
    """
    if n <= 0:
        return 0.0, 1.0
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if k <= 0 else beta_quantile(tail, k, n - k + 1)
    high = 1.0 if k >= n else beta_quantile(1.0 - tail, k + 1, n - k)
    return low, high


def jeffreys(k: float, n: float, confidence: float = 0.95) -> Interval:
    """Equal-tailed posterior interval under the prior Beta(½, ½), ends not pinned at k = 0 or n.

    Source: Brown, Cai and DasGupta 2001.
    """
    tail = (1.0 - confidence) / 2.0
    a, b = k + 0.5, n - k + 0.5
    return beta_quantile(tail, a, b), beta_quantile(1.0 - tail, a, b)


def probability_at_least(k: float, n: float, threshold: float) -> float:
    """P(true proportion ≥ threshold) after k of n, prior Beta(½, ½); falls as threshold rises."""
    if threshold <= 0.0:
        return 1.0
    if threshold >= 1.0:
        return 0.0
    return beta_sf(threshold, k + 0.5, n - k + 0.5)


def newcombe(
    k1: float, n1: float, k2: float, n2: float, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Difference k1/n1 − k2/n2 of independent proportions: (difference, low, high).

    Source: Newcombe 1998, method 10 (hybrid of two Wilson intervals). With an empty side the
    difference is NaN and the interval −1..1.
    """
    if n1 <= 0 or n2 <= 0:
        return math.nan, -1.0, 1.0
    p1, p2 = k1 / n1, k2 / n2
    low1, high1 = wilson(k1, n1, confidence)
    low2, high2 = wilson(k2, n2, confidence)
    difference = p1 - p2
    low = difference - math.hypot(p1 - low1, high2 - p2)
    high = difference + math.hypot(high1 - p1, p2 - low2)
    return difference, max(-1.0, low), min(1.0, high)


def non_inferiority(
    k_new: float, n_new: float, k_old: float, n_old: float, margin: float
) -> tuple[float, float]:
    """Score test of "new is at most `margin` (0..1) worse than old": (z, one-sided p).

    Small p = not inferior. The variance is taken at the most likely proportions under the border
    case. Source: Miettinen and Nurminen 1985 (with their n/(n−1) factor).
    """
    total = n_new + n_old
    p_new, p_old = k_new / n_new, k_old / n_old
    border_new, border_old = _restricted_proportions(k_new, n_new, k_old, n_old, -margin)
    variance = border_new * (1 - border_new) / n_new + border_old * (1 - border_old) / n_old
    variance *= total / (total - 1)
    if variance <= 0:
        return math.nan, math.nan
    z = (p_new - p_old + margin) / math.sqrt(variance)
    return z, 0.5 * math.erfc(z / math.sqrt(2))


def _restricted_proportions(
    k1: float, n1: float, k2: float, n2: float, difference: float
) -> tuple[float, float]:
    """Maximum-likelihood p1, p2 with p1 − p2 = difference (closed root of the cubic)."""
    total = n1 + n2
    cubic = total
    square = (n1 + 2 * n2) * difference - total - (k1 + k2)
    linear = (n2 * difference - total - 2 * k2) * difference + k1 + k2
    constant = k2 * difference * (1 - difference)
    shift = square / (3 * cubic)
    v = shift**3 - square * linear / (6 * cubic**2) + constant / (2 * cubic)
    u = math.copysign(math.sqrt(max(0.0, shift**2 - linear / (3 * cubic))), v)
    if u == 0.0:
        p2 = -shift
    else:
        angle = (math.pi + math.acos(max(-1.0, min(1.0, v / u**3)))) / 3
        p2 = 2 * u * math.cos(angle) - shift
    p2 = max(0.0, min(1.0, p2))
    return max(0.0, min(1.0, p2 + difference)), p2


# --------------------------------------------------------------------------- counts over time


def poisson_rate(count: int, exposure: float, confidence: float = 0.95) -> Interval:
    """Exact interval of a rate: `count` events in `exposure` > 0 (seconds, rows …).

    Source: Garwood 1936.
    """
    tail = (1.0 - confidence) / 2.0
    low = gamma_quantile(tail, count) / exposure if count > 0 else 0.0
    return low, gamma_quantile(1.0 - tail, count + 1.0) / exposure


def poisson_two_sample(count1: int, exposure1: float, count2: int, exposure2: float) -> float:
    """Two-sided p that two event rates are equal (E-test; more power than the conditional test).

    Sums over both counts under the pooled rate; above 2 000 events in all the normal limit of
    the same statistic is used. Source: Krishnamoorthy and Thomson 2004.
    """
    total = count1 + count2
    if total == 0:
        return 1.0
    pooled = total / (exposure1 + exposure2)
    observed = _rate_statistic(count1, exposure1, count2, exposure2)
    if total > 2_000:
        return math.erfc(abs(observed) / math.sqrt(2))
    weights1 = _poisson_weights(pooled * exposure1)
    weights2 = _poisson_weights(pooled * exposure2)
    p = 0.0
    for x1, w1 in weights1:
        tail = sum(
            w2
            for x2, w2 in weights2
            if abs(_rate_statistic(x1, exposure1, x2, exposure2)) >= abs(observed) - 1e-12
        )
        p += w1 * tail
    return min(1.0, p)


def _rate_statistic(count1: int, exposure1: float, count2: int, exposure2: float) -> float:
    variance = count1 / exposure1**2 + count2 / exposure2**2
    if variance == 0:
        return 0.0
    return (count1 / exposure1 - count2 / exposure2) / math.sqrt(variance)


def _poisson_weights(mean: float) -> list[tuple[int, float]]:
    """(count, probability) where all but about 1e-13 of the mass lies."""
    spread = 8 * math.sqrt(mean) + 12
    first = max(0, math.floor(mean - spread))
    last = math.ceil(mean + spread)
    if mean == 0:
        return [(0, 1.0)]
    return [
        (x, math.exp(x * math.log(mean) - mean - math.lgamma(x + 1)))
        for x in range(first, last + 1)
    ]


# --------------------------------------------------------------------------- quantiles


def quantile_ranks(n: int, q: float, confidence: float = 0.95) -> tuple[int, int]:
    """Ranks (0-based, into the sorted sample) whose values enclose the q-quantile.

    Distribution-free: the number of values under the quantile is binomial. Too few rows for the
    upper rank give the last one. Source: Conover, Practical Nonparametric Statistics, §3.2.
    """
    if n <= 0:
        return 0, 0
    tail = (1.0 - confidence) / 2.0
    low = _binomial_quantile(tail, n, q)
    high = _binomial_quantile(1.0 - tail, n, q)
    return max(0, min(n - 1, low - 1)), max(0, min(n - 1, high))


def quantile_interval(ordered: Sequence[float], q: float, confidence: float = 0.95) -> Interval:
    """Interval of the q-quantile of a sorted, non-empty sample."""
    low, high = quantile_ranks(len(ordered), q, confidence)
    return ordered[low], ordered[high]


def _binomial_quantile(p: float, n: int, q: float) -> int:
    """Smallest k with P(X ≤ k) ≥ p for X ~ Binomial(n, q)."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        # P(X ≤ k) = P(Beta(k + 1, n − k) > q)
        reached = 1.0 if middle >= n else beta_sf(q, middle + 1, n - middle)
        if reached >= p:
            high = middle
        else:
            low = middle + 1
    return low


# --------------------------------------------------------------------------- trend of a rate


def laney_limits(violations: Sequence[int], rows: Sequence[int], n: int) -> Interval:
    """3σ limits of a rate in `n` rows, from what earlier versions had (p′ chart); rows > 0.

    Ordinary limits of a proportion shrink to nothing with millions of rows; these widen them by
    how much neighbouring versions really differ. Clipped to 0..1; fewer than two versions, or none
    with any violation, give the rate itself. Source: Laney 2002.
    """
    centre = sum(violations) / sum(rows)
    if len(rows) < 2 or centre in (0.0, 1.0):
        return centre, centre
    sigma = math.sqrt(centre * (1 - centre))
    scores = [
        (k / m - centre) * math.sqrt(m) / sigma for k, m in zip(violations, rows, strict=True)
    ]
    moves = [abs(after - before) for before, after in pairwise(scores)]
    half = 3 * sum(moves) / len(moves) / 1.128 * sigma / math.sqrt(n)
    return max(0.0, centre - half), min(1.0, centre + half)


# --------------------------------------------------------------------------- rows needed


def rows_for_half_width(p: float, half_width: float, confidence: float = 0.95) -> float:
    """Rows until a proportion near p is known to ± half_width (normal approximation, unrounded)."""
    return p * (1 - p) * (z_value(confidence) / half_width) ** 2


def rows_for_two_proportions(
    p1: float, p2: float, confidence: float = 0.95, power: float = 0.8
) -> float:
    """Rows per side until a test of p1 against p2 has the power, unrounded; infinite when equal.

    Source: Cohen 1988, effect size h = 2·asin√p1 − 2·asin√p2.
    """
    h = 2 * math.asin(math.sqrt(p1)) - 2 * math.asin(math.sqrt(p2))
    if h == 0:
        return math.inf
    z, reach = z_value(confidence), _NORMAL.inv_cdf(power)
    # The far tail adds power only when the effect is tiny; one Newton-free bisection covers both.
    low, high = 0.0, 4 * ((z + reach) / h) ** 2
    for _ in range(200):
        n = 0.5 * (low + high)
        shift = abs(h) * math.sqrt(n / 2)
        if _NORMAL.cdf(shift - z) + _NORMAL.cdf(-shift - z) < power:
            low = n
        else:
            high = n
    return 0.5 * (low + high)
