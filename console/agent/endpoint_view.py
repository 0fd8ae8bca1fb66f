"""What the serving screen draws: an endpoint's signals, load, accuracy and marks over a window.

Everything comes from counts, so a window of any length and age costs a few milliseconds; nothing
here reads single requests. Invariant: buckets without traffic have rate 0 and no latency, buckets
from before the endpoint existed are left out, and the newest point is a whole bucket.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from console.agent import live_estimates
from console.agent.context import Agent
from console.agent.live_accuracy import metric_for, realised
from console.agent.model_lookup import read_manifest
from console.rules.latency import value_ms
from console.rules.slo import budget
from console.wire.endpoints import EndpointWindow
from storage.records.declared import DeclaredEndpoint
from storage.records.endpoints import (
    AccuracyPoint,
    Endpoint,
    EndpointMark,
    EndpointView,
    Route,
    Saturation,
    SignalPoint,
    VersionTraffic,
)
from storage.records.models import ModelManifest
from storage.records.traffic import AccuracyCounts, SignalCounts, SloCounts, VersionCounts
from storage.tables import endpoints, models, traffic

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from storage.records.people import LedgerEntry

WIDTHS_S = (10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
FINE_AGE_S = 2 * 3600.0
"""Younger counts are kept by 10 s, older ones by minutes."""
MINUTE_AGE_S = 86400.0
"""Older counts are kept by hours."""
LONGEST_S = 366 * 86400.0
ACCURACY_POINTS = 40
SETTLING_S = 1.5
"""A bucket counts as whole so long after its end: journals are read twice a second."""
GAUGE_AGE_S = 30.0
SLO_WINDOW = timedelta(days=30)
BURN_WINDOW = timedelta(hours=1)
SLO_EVERY_S = 5.0
KEPT_S = 0.5


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one look at the store found."""

    signals: list[SignalCounts]
    versions: list[VersionCounts]
    accuracy: list[AccuracyCounts]
    gauge: Saturation | None
    changes: list[LedgerEntry]
    total_requests: int
    reference: dict[str, float]
    """Holdout metrics of the version that answers most."""
    last: list[SignalCounts]
    """By 10 s, the last minute."""


async def view(agent: Agent, endpoint: Endpoint, window: EndpointWindow) -> EndpointView:
    """One endpoint over the last `window_s` seconds; several screens share one look."""
    kept: dict[tuple[str, float, int], tuple[float, EndpointView]]
    kept = agent.caches.setdefault("views", {})
    key = (endpoint.name, window.window_s, window.points)
    moment = agent.clock.monotonic()
    known = kept.get(key)
    if known is not None and moment - known[0] < KEPT_S:
        return replace(known[1], endpoint=endpoint)
    for old in [each for each, (at, _) in kept.items() if moment - at >= KEPT_S]:
        del kept[old]
    found = await _view(agent, endpoint, window)
    kept[key] = (moment, found)
    return found


async def _view(agent: Agent, endpoint: Endpoint, window: EndpointWindow) -> EndpointView:
    now = agent.clock.now()
    declared = declared_for(agent, endpoint)
    span_s = min(max(window.window_s, 60.0), LONGEST_S)
    width_s = bucket_width(span_s, max(1, min(window.points, 1000)))
    wide_s = max(width_s, bucket_width(span_s, ACCURACY_POINTS))
    since = _floor(now - timedelta(seconds=span_s), width_s)
    facts = await agent.read(lambda c: _look(c, endpoint, since, now, width_s, wide_s))
    manifest = main_manifest(agent, endpoint)
    metric = metric_for(declared.accuracy_metric, manifest.task if manifest else "binary")
    accuracy = await _accuracy(agent, endpoint, facts, metric, now, since, wide_s)
    predictions = sum(each.n for each in facts.accuracy)
    labelled = sum(each.labelled for each in facts.accuracy)
    left, burn = await _slo(agent, endpoint, declared, now)
    return EndpointView(
        endpoint=endpoint,
        window_s=span_s,
        now=_now(facts.last, endpoint, now),
        points=_points(facts.signals, endpoint, since, now, width_s),
        saturation=facts.gauge,
        versions=_versions(facts.versions, endpoint.routes),
        accuracy_metric=metric,
        accuracy=accuracy,
        accuracy_reference=facts.reference.get(metric),
        accuracy_must=declared.accuracy_must,
        label_coverage=labelled / predictions if predictions else None,
        latency_limit_ms=declared.latency_limit_ms,
        error_limit_ratio=1.0 - declared.error_slo,
        slo_budget_left=left,
        slo_burn=burn,
        marks=tuple(_mark(each) for each in facts.changes),
        sampled_at=facts.gauge.at if facts.gauge else None,
        total_requests=facts.total_requests,
    )


def declared_for(agent: Agent, endpoint: Endpoint) -> DeclaredEndpoint:
    """What mlops.toml says about an endpoint, else the defaults."""
    declaration = agent.declaration_file.last_good
    known = declaration.endpoints.get(endpoint.name) if declaration else None
    return known or DeclaredEndpoint(name=endpoint.name, model=endpoint.model)


def main_route(endpoint: Endpoint) -> Route | None:
    """The route that answers most."""
    answering = [route for route in endpoint.routes if not route.is_shadow]
    return max(answering, key=lambda route: route.weight, default=None)


def main_manifest(agent: Agent, endpoint: Endpoint) -> ModelManifest | None:
    route = main_route(endpoint)
    return manifest_of(agent, route.digest) if route else None


def manifest_of(agent: Agent, digest: str) -> ModelManifest:
    """A model's manifest; the last few are kept, they never change."""
    kept: dict[str, ModelManifest] = agent.caches.setdefault("manifests", {})
    if digest not in kept:
        while len(kept) >= 16:
            kept.pop(next(iter(kept)))
        kept[digest] = read_manifest(agent, digest)
    return kept[digest]


def bucket_width(span_s: float, points: int) -> float:
    """The narrowest width with at most `points` buckets that the counts of that age still have.

    >>> bucket_width(1800.0, 120), bucket_width(86400.0, 120), bucket_width(7 * 86400.0, 500)
    (20.0, 1200.0, 3600.0)
    """
    least = 10.0 if span_s <= FINE_AGE_S else 60.0 if span_s <= MINUTE_AGE_S else 3600.0
    fitting = (width for width in WIDTHS_S if width >= least and span_s / width <= points)
    return float(next(fitting, WIDTHS_S[-1]))


def signal_point(counts: SignalCounts, width_s: float) -> SignalPoint:
    """Golden signals of one bucket."""
    asked = counts.requests - counts.invalid
    return SignalPoint(
        at=counts.at,
        width_s=width_s,
        rate=counts.requests / width_s,
        error_ratio=counts.failed / asked if asked > 0 else None,
        invalid_ratio=counts.invalid / counts.requests,
        p50_ms=_ms(counts.p50_k),
        p95_ms=_ms(counts.p95_k),
        p99_ms=_ms(counts.p99_k),
        queue_p95_ms=_ms(counts.queue_p95_k),
        positive_ratio=counts.positive / counts.decided if counts.decided > 0 else None,
    )


def _look(
    connection: DuckDBPyConnection,
    endpoint: Endpoint,
    since: datetime,
    now: datetime,
    width_s: float,
    wide_s: float,
) -> _Facts:
    name = endpoint.name
    route = main_route(endpoint)
    versions = models.list_model_versions(connection, endpoint.model) if route else []
    serving = next((v for v in versions if route and v.version == route.version), None)
    return _Facts(
        signals=traffic.list_signals(connection, name, since=since, until=now, width_s=width_s),
        versions=traffic.list_version_traffic(connection, name, since=since, until=now),
        accuracy=traffic.list_accuracy(connection, name, since=since, until=now, width_s=wide_s),
        gauge=endpoints.get_last_gauge(
            connection, name, since=now - timedelta(seconds=GAUGE_AGE_S)
        ),
        changes=endpoints.list_endpoint_changes(
            connection, endpoint=name, model=endpoint.model, since=since
        ),
        total_requests=traffic.count_requests(connection, name),
        reference=serving.metrics if serving else {},
        last=traffic.list_signals(
            connection,
            name,
            since=_floor(now, 10.0) - timedelta(seconds=60),
            until=now,
            width_s=10.0,
        ),
    )


def _points(
    signals: list[SignalCounts], endpoint: Endpoint, since: datetime, now: datetime, width_s: float
) -> tuple[SignalPoint, ...]:
    known = {each.at: each for each in signals}
    first = max(since, _floor(endpoint.created_at, width_s))
    if signals:
        first = min(first, signals[0].at)
    points = []
    at = first
    while at < now:
        counts = known.get(at)
        if counts is not None:
            length_s = min(width_s, max(1.0, (now - at).total_seconds()))
            points.append(replace(signal_point(counts, length_s), width_s=width_s))
        else:
            points.append(SignalPoint(at=at, width_s=width_s, rate=0.0))
        at += timedelta(seconds=width_s)
    return tuple(points)


def _now(last: list[SignalCounts], endpoint: Endpoint, now: datetime) -> SignalPoint | None:
    """The newest bucket of 10 s that is whole."""
    end = _floor(now - timedelta(seconds=SETTLING_S), 10.0)
    at = end - timedelta(seconds=10)
    if at + timedelta(seconds=10) <= endpoint.created_at:
        return None
    counts = next((each for each in last if each.at == at), None)
    return signal_point(counts, 10.0) if counts else SignalPoint(at=at, width_s=10.0, rate=0.0)


def _versions(
    versions: list[VersionCounts], routes: tuple[Route, ...]
) -> tuple[VersionTraffic, ...]:
    names = {(route.version, route.is_shadow): route.name for route in routes}
    found = []
    for each in versions:
        asked = each.requests - each.invalid
        name = names.get((each.version, each.is_shadow), "")
        found.append(
            VersionTraffic(
                version=each.version,
                name=name or ("shadow before" if each.is_shadow else "before"),
                requests=each.requests,
                p50_ms=_ms(each.p50_k),
                p99_ms=_ms(each.p99_k),
                error_ratio=each.failed / asked if asked > 0 else None,
                positive_ratio=each.positive / each.decided if each.decided > 0 else None,
            )
        )
    return tuple(found)


async def _accuracy(
    agent: Agent,
    endpoint: Endpoint,
    facts: _Facts,
    metric: str,
    now: datetime,
    since: datetime,
    width_s: float,
) -> tuple[AccuracyPoint, ...]:
    if not facts.accuracy:
        return ()
    estimated = await live_estimates.by_bucket(
        agent, endpoint, metric, since=since, until=now, width_s=width_s
    )
    mature_s = await live_estimates.mature_after_s(agent, endpoint, now)
    points = []
    for counts in facts.accuracy:
        found = realised(metric, counts)
        guess = estimated.get(counts.at)
        youngest_s = (now - counts.at).total_seconds() - width_s
        points.append(
            AccuracyPoint(
                at=counts.at,
                width_s=width_s,
                n=counts.n,
                labelled=counts.labelled,
                realised=found.value if found else None,
                realised_low=found.low if found else None,
                realised_high=found.high if found else None,
                estimated=guess.value if guess else None,
                estimated_low=guess.low if guess else None,
                estimated_high=guess.high if guess else None,
                is_mature=mature_s is not None and youngest_s >= mature_s,
            )
        )
    return tuple(points)


async def _slo(
    agent: Agent, endpoint: Endpoint, declared: DeclaredEndpoint, now: datetime
) -> tuple[float | None, float | None]:
    """Share of the 30-day budget left and how fast it burns, of the promise that is worse off."""
    kept: dict[str, tuple[float, float | None, float | None]]
    kept = agent.caches.setdefault("slo", {})
    moment = agent.clock.monotonic()
    known = kept.get(endpoint.name)
    if known is not None and moment - known[0] < SLO_EVERY_S:
        return known[1], known[2]
    since = [now - SLO_WINDOW, now - BURN_WINDOW]
    month, hour = await agent.read(lambda c: traffic.list_slo_counts(c, endpoint.name, since))
    left: list[float] = []
    burns: list[float] = []
    for objective, bad in (
        (declared.latency_slo, _late),
        (declared.error_slo, _unanswered),
    ):
        if month.asked and objective < 1.0:
            left.append(budget(bad(month), month.asked, objective))
        if hour.asked and objective < 1.0:
            burns.append(bad(hour) / hour.asked / (1.0 - objective))
    found = (moment, min(left, default=None), max(burns, default=None))
    kept[endpoint.name] = found
    return found[1], found[2]


def _late(counts: SloCounts) -> int:
    """Not answered within the limit; what was not answered at all is late too."""
    return counts.asked - counts.within


def _unanswered(counts: SloCounts) -> int:
    return counts.asked - counts.answered


def _mark(entry: LedgerEntry) -> EndpointMark:
    version = entry.subject.rpartition("@")[2]
    words = {
        "model.promote": f"{version} {_alias(entry)}",
        "model.rollback": f"rollback to {version}",
        "threshold.set": f"{version} threshold",
        "endpoint.restart": "restart",
    }
    return EndpointMark(
        at=entry.at, text=entry.detail.get("mark") or words.get(entry.action, entry.action)
    )


def _alias(entry: LedgerEntry) -> str:
    return entry.command.rpartition("--alias ")[2].split(" ")[0] or "champion"


def _floor(at: datetime, width_s: float) -> datetime:
    """The start of the bucket a moment lies in, as the store cuts them."""
    origin = datetime(2000, 1, 3, tzinfo=UTC)
    return origin + timedelta(seconds=(at - origin).total_seconds() // width_s * width_s)


def _ms(k: int | None) -> float | None:
    return None if k is None else value_ms(k)
