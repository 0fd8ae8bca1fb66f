"""Incomplete beta and gamma functions in plain Python.

Light processes judge proportions and rates every few seconds; loading scipy for that would cost
them a quarter of a second and tens of megabytes. Accuracy: about 1e-10 relative for shapes up to
1e5, 1e-7 at 1e7 (tests compare with scipy). Source: continued fractions by the modified Lentz
method, Press et al., Numerical Recipes, 3rd ed., §6.2 and §6.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable

_TINY = 1e-300
_EPS = 1e-15


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(X ≤ x) for X ~ Beta(a, b), a and b > 0. 0 below the support, 1 above."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    front = math.exp(log_front)
    # The fraction converges fast on one side of the mean; the other side is its mirror image.
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(x, a, b) / a
    return 1.0 - front * _beta_fraction(1.0 - x, b, a) / b


def beta_sf(x: float, a: float, b: float) -> float:
    """P(X > x) for X ~ Beta(a, b), accurate where it is tiny."""
    return beta_cdf(1.0 - x, b, a)


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with `beta_cdf(x, a, b) == p`, p in 0..1."""
    if p <= 0.0:
        return 0.0
    if p >= 1.0:
        return 1.0
    return _invert(lambda x: beta_cdf(x, a, b), p, 0.0, 1.0)


def gamma_cdf(x: float, a: float) -> float:
    """P(X ≤ x) for X ~ Gamma(shape a, scale 1); chi² with k degrees of freedom is 2·Gamma(k/2)."""
    if x <= 0.0:
        return 0.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        return min(1.0, front * _gamma_series(x, a))
    return max(0.0, 1.0 - front * _gamma_fraction(x, a))


def gamma_sf(x: float, a: float) -> float:
    """P(X > x) for X ~ Gamma(shape a, scale 1), accurate where it is tiny."""
    if x <= 0.0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        return max(0.0, 1.0 - front * _gamma_series(x, a))
    return min(1.0, front * _gamma_fraction(x, a))


def gamma_quantile(p: float, a: float) -> float:
    """The x with `gamma_cdf(x, a) == p`, p in 0..1; infinite at 1."""
    if p <= 0.0:
        return 0.0
    if p >= 1.0:
        return math.inf
    high = a + 10.0 * math.sqrt(a) + 10.0
    while gamma_cdf(high, a) < p:
        high *= 2.0
    return _invert(lambda x: gamma_cdf(x, a), p, 0.0, high)


def chi2_quantile(p: float, dof: float) -> float:
    """The p-quantile of chi² with `dof` degrees of freedom."""
    return 2.0 * gamma_quantile(p, dof / 2.0)


def chi2_sf(x: float, dof: float) -> float:
    """P(X > x) for chi² with `dof` degrees of freedom."""
    return gamma_sf(x / 2.0, dof / 2.0)


def _beta_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    total = d
    for m in range(1, 100_000):
        m2 = 2 * m
        for numerator in (
            m * (b - m) * x / ((a + m2 - 1.0) * (a + m2)),
            -(a + m) * (a + b + m) * x / ((a + m2) * (a + m2 + 1.0)),
        ):
            d = 1.0 + numerator * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + numerator / c
            c = c if abs(c) > _TINY else _TINY
            step = d * c
            total *= step
        if abs(step - 1.0) < _EPS:
            break
    return total


def _gamma_series(x: float, a: float) -> float:
    term = total = 1.0 / a
    n = a
    while abs(term) > abs(total) * _EPS:
        n += 1.0
        term *= x / n
        total += term
    return total


def _gamma_fraction(x: float, a: float) -> float:
    b = x + 1.0 - a
    c = 1.0 / _TINY
    d = 1.0 / b
    total = d
    for i in range(1, 100_000):
        numerator = -i * (i - a)
        b += 2.0
        d = numerator * d + b
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = b + numerator / c
        c = c if abs(c) > _TINY else _TINY
        step = d * c
        total *= step
        if abs(step - 1.0) < _EPS:
            break
    return total


def _invert(cdf: Callable[[float], float], p: float, low: float, high: float) -> float:
    """Bisection: slower than Newton's method and right for every shape."""
    for _ in range(200):
        middle = 0.5 * (low + high)
        if cdf(middle) < p:
            low = middle
        else:
            high = middle
        if high - low <= 1e-14 * high:
            break
    return 0.5 * (low + high)
