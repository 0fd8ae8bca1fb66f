"""Accuracy without labels, and how long labels take: what a chart may say before the truth is in.

The estimate weighs the scores that were served with the calibration the model was trained with; it
holds as long as the relationship of training still holds, and cannot see that change.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from console.agent.model_lookup import read_manifest
from console.rules import estimates
from console.rules.estimates import Estimated, ScoredRows
from storage.errors import StorageError
from storage.records.thresholds import GRID_BINS
from storage.tables import traffic

if TYPE_CHECKING:
    from console.agent.context import Agent
    from storage.records.endpoints import Endpoint
    from storage.records.traffic import ScoreCount

KEPT_S: Final = 2.0
"""Estimates are dearer than counts and change slowly."""
DELAYS_EVERY_S: Final = 5.0
DELAY_SAMPLE: Final = 3000
MIN_LABELS: Final = 30
KEPT_CALIBRATIONS: Final = 8
PLACES: Final = GRID_BINS + 1


@dataclass(slots=True)
class _Kept:
    at: float
    key: tuple[str, float, datetime]
    found: dict[datetime, Estimated]


async def by_bucket(
    agent: Agent,
    endpoint: Endpoint,
    metric: str,
    *,
    since: datetime,
    until: datetime,
    width_s: float,
) -> dict[datetime, Estimated]:
    """Bucket of time -> the metric its predictions are expected to have."""
    kept: dict[str, _Kept] = agent.caches.setdefault("estimates", {})
    key = (metric, width_s, since)
    known = kept.get(endpoint.name)
    moment = agent.clock.monotonic()
    if known is not None and known.key == key and moment - known.at < KEPT_S:
        return known.found
    scores = await agent.read(
        lambda c: traffic.list_scores(c, endpoint.name, since=since, until=until, width_s=width_s)
    )
    curves = {
        version: curve
        for version in {each.version for each in scores}
        if (curve := _calibration(agent, endpoint, version))
    }
    found = await asyncio.to_thread(_estimates, metric, scores, curves)
    kept[endpoint.name] = _Kept(moment, key, found)
    return found


def _estimates(
    metric: str, scores: list[ScoreCount], curves: dict[int, list[float]]
) -> dict[datetime, Estimated]:
    """Each version's scores count by its own calibration: their places stand one after another."""
    if metric not in estimates.OF_COUNTS or not curves:
        return {}
    offsets = {version: number * PLACES for number, version in enumerate(curves)}
    calibrated = [value for curve in curves.values() for value in curve]
    buckets: dict[datetime, list[ScoredRows]] = defaultdict(list)
    for each in scores:
        if each.version in offsets:
            place = offsets[each.version] + each.k
            buckets[each.at].append(ScoredRows(place, each.decision, each.n))
    found = {}
    for at, rows in buckets.items():
        estimated = estimates.estimate(metric, rows, calibrated)
        if estimated is not None:
            found[at] = estimated
    return found


def _calibration(agent: Agent, endpoint: Endpoint, version: int) -> list[float]:
    """Score bin -> probability, as the version was trained; empty when it has none."""
    route = next((each for each in endpoint.routes if each.version == version), None)
    if route is None:
        return []
    kept: dict[str, list[float]] = agent.caches.setdefault("calibrations", {})
    if route.digest not in kept:
        while len(kept) >= KEPT_CALIBRATIONS:
            kept.pop(next(iter(kept)))
        kept[route.digest] = _read(agent, route.digest)
    return kept[route.digest]


def _read(agent: Agent, digest: str) -> list[float]:
    try:
        calibration = read_manifest(agent, digest).calibration
        curve = msgspec.convert(agent.objects.read_json(calibration), list[float])
    except (StorageError, msgspec.ValidationError):
        return []  # A foreign model brings none; its chart has no estimate then.
    return curve if len(curve) == PLACES else []


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
    found = None
    if sum(each.is_labelled for each in delays) >= MIN_LABELS:
        curve = estimates.arrival((each.age_s, each.is_labelled) for each in delays)
        found = estimates.mature_age_s(curve)
    kept[endpoint.name] = (moment, found)
    return found
