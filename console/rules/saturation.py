"""How full an endpoint is: what leads, whether it lasts, when it will be full, and whether the
instruments can be believed.

Standard library only, for the agent. Shares are of a limit, 1 = full.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from console.rules.special import beta_quantile
from console.rules.verdicts import TOO_FEW, judge
from storage.records.endpoints import Saturation
from storage.records.results import Result

WARN: Final = 0.7
FAIL: Final = 0.9
SLOTS: Final = 3
SLOT: Final = timedelta(minutes=1)
CERTAIN: Final = 0.99
"""A forecast is asked for all the time; one look in twenty may not see a leak in noise."""
LITTLE: Final = (0.8, 1.25)
"""In flight / (rate × latency): outside this the instruments are wrong."""


def judge_saturation(gauges: Sequence[Saturation], limit: float = FAIL) -> Result:
    """Full when two of the last three minutes were: value = the second highest minute's mean.

    `gauges` oldest first, any spacing; a single busy second never counts. Fewer than two minutes
    of readings are inconclusive.
    """
    if not gauges:
        reason = "no reading"
        return Result(
            name="saturation", threshold=limit, direction="le", verdict="error", reason=reason
        )
    last = gauges[-1].at
    slots: list[list[Saturation]] = [[] for _ in range(SLOTS)]
    for gauge in gauges:
        slot = int((last - gauge.at) / SLOT)
        if 0 <= slot < SLOTS:
            slots[slot].append(gauge)
    means = sorted(
        (sum(g.leader[1] for g in slot) / len(slot) for slot in slots if slot), reverse=True
    )
    recent = [gauge for slot in slots for gauge in slot]
    leader = max(recent, key=lambda gauge: gauge.leader[1]).leader[0]
    detail: tuple[tuple[str, str], ...] = (("leads", leader),)
    if len(means) < 2:
        detail = (*detail, (TOO_FEW, "less than two minutes of readings"))
    return judge(
        Result(
            name="saturation",
            n=len(recent),
            value=means[min(1, len(means) - 1)],
            threshold=limit,
            target=min(WARN, limit),
            direction="le",
            detail=detail,
        )
    )


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a share reaches 1 if it goes on rising as it does, seconds after the last point."""

    in_s: float
    soonest_s: float
    latest_s: float


def forecast(points: Sequence[tuple[float, float]], confidence: float = 0.95) -> Forecast | None:
    """Line through (seconds, share) points; None unless the rise is surely (99 %) no chance.

    At least 8 points over some time. Neighbouring readings hang together, so the error of the
    slope is widened by the lag-1 autocorrelation of the residuals. Least squares; interval of the
    crossing from the interval of the slope.
    """
    n = len(points)
    if n < 8:
        return None
    mean_t = sum(t for t, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    spread = sum((t - mean_t) ** 2 for t, _ in points)
    if spread == 0:
        return None
    slope = sum((t - mean_t) * (y - mean_y) for t, y in points) / spread
    residuals = [y - mean_y - slope * (t - mean_t) for t, y in points]
    squares = sum(r * r for r in residuals)
    correlation = 0.0
    if squares > 0:
        products = sum(a * b for a, b in pairwise(residuals))
        correlation = max(0.0, min(0.95, products / squares))
    inflation = (1 + correlation) / (1 - correlation)
    error = math.sqrt(squares / (n - 2) / spread * inflation)
    degrees = max(2.0, n / inflation - 2)
    if slope <= _student_quantile(CERTAIN, degrees) * error:
        return None
    half = _student_quantile(confidence, degrees) * error
    low, high = slope - half, slope + half
    last = max(t for t, _ in points)
    left = 1.0 - (mean_y + slope * (last - mean_t))
    if left <= 0:
        return Forecast(0.0, 0.0, 0.0)
    return Forecast(left / slope, left / high, left / low)


def littles_law(in_flight: float, rate: float, latency_s: float) -> tuple[float, bool] | None:
    """(ratio, is believable): requests in flight against rate × mean latency, long-run means.

    None without traffic. Source: Little 1961.
    """
    expected = rate * latency_s
    if expected <= 0:
        return None
    ratio = in_flight / expected
    return ratio, LITTLE[0] <= ratio <= LITTLE[1]


def _student_quantile(confidence: float, degrees: float) -> float:
    """Two-sided quantile of Student's t, through the beta distribution."""
    x = beta_quantile(1.0 - confidence, degrees / 2, 0.5)
    return math.sqrt(degrees * (1 - x) / x)
