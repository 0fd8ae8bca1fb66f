"""How a measured metric becomes a record; the label, unit and direction come from the catalog."""

from __future__ import annotations

import math

from console.rules import metrics
from console.rules.intervals import clopper_pearson, wilson
from console.rules.verdicts import ROWS, TOO_FEW
from storage.records.results import Result

MIN_CLASS_ROWS = 30
"""A class with fewer rows says nothing firm about itself."""


def measured(
    name: str,
    estimate: tuple[float, float, float, str],
    n: int,
    *,
    confidence: float = 0.95,
    scope: str = "",
    seed: int | None = None,
    detail: tuple[tuple[str, str], ...] = (),
    noise: float | None = None,
    p_value: float | None = None,
) -> Result:
    """A metric with its interval, not judged yet. A value that is not finite is an error."""
    value, low, high, method = estimate
    if not math.isfinite(value):
        return not_measured(name, "it is not defined on these rows", scope=scope, n=n)
    has_interval = math.isfinite(low) and math.isfinite(high)
    return Result(
        name=name,
        scope=scope,
        value=value,
        n=n,
        ci_low=min(low, value) if has_interval else None,
        ci_high=max(high, value) if has_interval else None,
        confidence=confidence,
        ci_method=method if has_interval else "",
        direction=metrics.direction_of(name),
        unit=metrics.unit_of(name),
        seed=seed if method.startswith("bootstrap") else None,
        detail=detail,
        noise=noise,
        p_value=p_value,
    )


def proportion(
    name: str,
    k: float,
    n: float,
    *,
    rows: int,
    confidence: float = 0.95,
    scope: str = "",
    is_exact: bool = False,
    detail: tuple[tuple[str, str], ...] = (),
    nothing: str = "no row to count",
) -> Result:
    """k of n with Wilson's interval, or the exact one. `rows` judged in all; n = 0 is an error."""
    if n <= 0:
        return not_measured(name, nothing, scope=scope)
    low, high = (clopper_pearson if is_exact else wilson)(k, n, confidence)
    method = "clopper-pearson" if is_exact else "wilson"
    if rows != n:
        detail = (*detail, (ROWS, str(rows)))
    return measured(
        name, (k / n, low, high, method), round(n), confidence=confidence, scope=scope,
        detail=detail,
    )  # fmt: skip


def not_measured(name: str, reason: str, *, scope: str = "", n: int = 0) -> Result:
    """A metric that has no value here, with the reason."""
    return Result(
        name=name,
        scope=scope,
        n=n,
        direction=metrics.direction_of(name),
        unit=metrics.unit_of(name),
        verdict="error",
        reason=reason,
    )


def small_class(rows: int) -> tuple[tuple[str, str], ...]:
    """The note that keeps a metric of a tiny class from being judged; empty when large enough."""
    if rows >= MIN_CLASS_ROWS:
        return ()
    return ((TOO_FEW, f"the smaller class has {rows} rows, {MIN_CLASS_ROWS} are needed"),)
