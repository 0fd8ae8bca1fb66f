"""Accuracy without labels, and how long labels take: what a chart may say before the truth is in.

The estimate weighs the scores that were served with the calibration the model was trained with; it
holds as long as the relationship of training still holds, and cannot see that change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from storage.tables import traffic

if TYPE_CHECKING:
    from console.agent.context import Agent
    from storage.records.endpoints import Endpoint
    from storage.records.traffic import LabelDelay

MATURE_RATIO: Final = 0.95
DELAYS_EVERY_S: Final = 5.0
DELAY_SAMPLE: Final = 3000
MIN_LABELS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    value: float
    low: float | None
    high: float | None


async def by_bucket(
    agent: Agent,
    endpoint: Endpoint,
    metric: str,
    *,
    since: datetime,
    until: datetime,
    width_s: float,
) -> dict[datetime, Estimate]:
    """Bucket of time -> the metric its predictions are expected to have."""
    return {}


async def mature_after_s(agent: Agent, endpoint: Endpoint, now: datetime) -> float | None:
    """Age from which on 95 % of the labels that will come have come; None while unknown."""
    kept: dict[str, tuple[float, float | None]] = agent.caches.setdefault("label delays", {})
    moment = agent.clock.monotonic()
    known = kept.get(endpoint.name)
    if known is not None and moment - known[0] < DELAYS_EVERY_S:
        return known[1]
    delays = await agent.read(
        lambda c: traffic.list_label_delays(
            c, endpoint.name, since=now - timedelta(days=30), now=now, limit=DELAY_SAMPLE
        )
    )
    found = mature_age_s(delays)
    kept[endpoint.name] = (moment, found)
    return found


def mature_age_s(delays: list[LabelDelay]) -> float | None:
    """The delay that 95 % of all arriving labels keep, by Kaplan and Meier.

    Predictions that still wait are censored at their age. Some never get a label; the curve is
    taken relative to where it ends.

    >>> from storage.records.traffic import LabelDelay
    >>> mature_age_s([LabelDelay(age_s=float(i), is_labelled=True) for i in range(1, 101)])
    95.0
    """
    labelled = sum(each.is_labelled for each in delays)
    if labelled < MIN_LABELS:
        return None
    at_risk, waiting = len(delays), 1.0
    curve: list[tuple[float, float]] = []
    for each in sorted(delays, key=lambda d: (d.age_s, not d.is_labelled)):
        if each.is_labelled:
            waiting *= 1.0 - 1.0 / at_risk
            curve.append((each.age_s, 1.0 - waiting))
        at_risk -= 1
    end = curve[-1][1]
    return next((age for age, arrived in curve if arrived >= MATURE_RATIO * end - 1e-9), None)
