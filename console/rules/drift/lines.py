"""Where drift begins to matter: the warn and fail line of every statistic.

All lines mean the same move of a normal column, 0.316 and 0.5 standard deviations, so that columns
judged by different statistics agree. Pure; builds judged records.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from console.rules import metrics
from console.rules.drift.distances import harmonic_size
from console.rules.intervals import newcombe, z_value
from console.rules.special import chi2_sf
from console.rules.verdicts import CENSUS, TOO_FEW, judge
from storage.records.results import Result

LINES: Final[dict[str, tuple[float, float]]] = {
    "psi": (0.10, 0.25),
    "js_distance": (0.133, 0.209),
    "ks": (0.126, 0.197),
    "wasserstein": (0.316, 0.5),
    "missing_difference": (0.01, 0.05),
    "new_share": (0.001, 0.01),
    "outside_share": (0.1, 0.5),
}
"""Statistic → warn line, fail line. `rate_difference` depends on the share it starts from."""
HALF_ANGLES: Final = (0.1581, 0.25)
"""Half of Cohen's h at both lines: for shares, PSI is close to h², and √0.10 / 2 = 0.158."""
MIN_ROWS: Final = 30
Q_LIMIT: Final = 0.05
"""False discovery rate over the columns of one report."""


def judged(result: Result, n: int, n_ref: int) -> Result:
    """The record against its lines; below 30 rows on a side it is never judged."""
    warn, fail = LINES.get(result.name, (None, None))
    detail = result.detail
    if min(n, n_ref) < MIN_ROWS:
        which = "now" if n < n_ref else "in the reference"
        reason = f"{min(n, n_ref)} rows {which}, {MIN_ROWS} are needed"
        detail = (*detail, (TOO_FEW, reason))
    return judge(
        replace(
            result,
            n=n,
            n_ref=n_ref,
            threshold=fail if result.threshold is None else result.threshold,
            target=warn if result.target is None else result.target,
            direction="le",
            unit=metrics.unit_of(result.name),
            detail=detail,
        )
    )


def rate_difference(
    column: str, k: float, n: float, k_ref: float, n_ref: float, *, what: str
) -> Result:
    """How far one share moved, absolutely; `what` says of which rows. Lines by Cohen's h."""
    difference, low, high = newcombe(k, n, k_ref, n_ref)
    if math.isnan(difference):
        return judged(Result(name="rate_difference", scope=f"column:{column}"), 0, 0)
    before, now = k_ref / n_ref, k / n
    warn, fail = (_moved_by(before, angle, difference < 0) for angle in HALF_ANGLES)
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    pooled = (k + k_ref) / (n + n_ref)
    spread = pooled * (1 - pooled) / harmonic_size(n, n_ref)
    return judged(
        Result(
            name="rate_difference",
            scope=f"column:{column}",
            value=abs(difference),
            ci_low=nearest,
            ci_high=max(abs(low), abs(high)),
            ci_method="Newcombe",
            threshold=fail,
            target=warn,
            p_value=chi2_sf(difference**2 / spread, 1) if spread > 0 else 1.0,
            noise=z_value() * math.sqrt(spread),
            detail=(
                ("share of", what),
                ("before", metrics.show(before, "rate_difference")),
                ("now", metrics.show(now, "rate_difference")),
            ),
        ),
        round(n),
        round(n_ref),
    )


def missing_difference(column: str, k: int, n: int, k_ref: int, n_ref: int) -> Result:
    """How much larger the missing share became (negative = smaller), Newcombe's interval.

    With nothing missing now there is nothing left to doubt, however few the rows.
    """
    difference, low, high = newcombe(k, n, k_ref, n_ref)
    pooled = (k + k_ref) / max(1, n + n_ref)
    spread = pooled * (1 - pooled) / (harmonic_size(n, n_ref) or 1.0)
    return judged(
        Result(
            name="missing_difference",
            scope=f"column:{column}",
            value=None if math.isnan(difference) else difference,
            ci_low=low,
            ci_high=high,
            ci_method="Newcombe",
            p_value=chi2_sf(difference**2 / spread, 1) if spread > 0 else 1.0,
            detail=(CENSUS,) if k == 0 and n > 0 else (),
        ),
        n,
        n_ref,
    )


def _moved_by(share: float, half_angle: float, is_down: bool) -> float:
    """The absolute move of a share that is `half_angle` on the arcsine scale, cut at 0 and 1."""
    angle = math.asin(math.sqrt(share)) + (-half_angle if is_down else half_angle)
    angle = max(0.0, min(math.pi / 2, angle))
    return abs(math.sin(angle) ** 2 - share)
