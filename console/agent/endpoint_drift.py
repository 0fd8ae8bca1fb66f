"""How far what an endpoint is asked has moved from what its model was trained on.

From counts on the bins of the training profile: no request and no training row is read again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.agent.comparing import read_profile
from console.agent.endpoint_view import main_route, manifest_of
from console.agent.rows.runs import with_importance
from console.rules import binning
from storage.records.drift import DriftReport
from storage.records.profiles import Profile
from storage.tables import models, runs, traffic

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.context import Agent
    from storage.records.endpoints import Endpoint
    from storage.records.runs import RunDetail
    from storage.records.traffic import WindowColumn

KEPT_PROFILES = 4
KEPT_REPORTS = 16
SCORE = "score"


async def report(
    agent: Agent, endpoint: Endpoint, *, window_s: float, version: int | None = None
) -> DriftReport:
    """All columns the model takes and its score, worst first; the main version unless told."""
    now = agent.clock.now()
    routes = {route.version: route for route in endpoint.routes}
    route = routes.get(version) if version is not None else main_route(endpoint)
    if route is None:
        return _nothing(endpoint, "no version answers")
    since = now - timedelta(seconds=window_s)
    columns, run = await agent.read(
        lambda c: _look(c, endpoint, route.version, since=since, until=now)
    )
    before, after = f"training of {endpoint.model}@v{route.version}", f"served by {endpoint.name}"
    if not columns:
        return replace(_nothing(endpoint, "nothing was asked in this window"), before=before)
    profile = _profile(agent, manifest_of(agent, route.digest).profile)
    window = {each.column: each.counts for each in columns}
    known = with_importance(agent, run).importance if run else ()
    weights = {name: max(0.0, value) for name, value in known}
    found = await asyncio.to_thread(_compare, profile, window, weights)
    return replace(found, before=before, after=after)


def _look(
    connection: DuckDBPyConnection,
    endpoint: Endpoint,
    version: int,
    *,
    since: datetime,
    until: datetime,
) -> tuple[list[WindowColumn], RunDetail | None]:
    found = traffic.sum_feature_windows(
        connection, endpoint.name, version, since=since, until=until
    )
    known = models.list_model_versions(connection, endpoint.model) if found else []
    run_id = next((each.run_id for each in known if each.version == version), None)
    return found, runs.get_run_detail(connection, run_id) if run_id else None


def _compare(
    profile: Profile, window: dict[str, tuple[int, ...]], weights: dict[str, float]
) -> DriftReport:
    from console.rules import drift  # numpy and scipy: only when there is something to compare

    # The score is what all features move together; it weighs nothing by itself.
    importance = weights | {SCORE: 0.0} if weights else None
    return drift.profile_drift(profile, binning.profile_of(profile, window), weights=importance)


def _profile(agent: Agent, digest: str) -> Profile:
    kept: dict[str, Profile] = agent.caches.setdefault("training profiles", {})
    if digest not in kept:
        while len(kept) >= KEPT_PROFILES:
            kept.pop(next(iter(kept)))
        kept[digest] = read_profile(agent.objects, digest)
    return kept[digest]


def _nothing(endpoint: Endpoint, words: str) -> DriftReport:
    return DriftReport(
        after=f"served by {endpoint.name}",
        rows_before=0,
        rows_after=0,
        columns=(),
        verdict="skipped",
        words=words,
    )
