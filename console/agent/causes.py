"""Why an alert fires: the chain from the alert to the column, the data and the versions behind it.

Each step follows from the one above by what is recorded, never by guessing; a chain ends where
nothing more is known.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from console import text
from console.agent import endpoint_drift, remedies
from console.agent.comparing import read_profile
from console.agent.endpoint_view import main_route, manifest_of
from console.rules import metrics
from console.rules.latency import value_ms
from storage.records.alerts import Alert, CauseStep, Remedy
from storage.records.drift import ColumnDrift, DriftReport
from storage.tables import datasets, endpoints, models, runs, traffic

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.context import Agent
    from storage.objects import Objects
    from storage.records.datasets import DatasetVersion
    from storage.records.endpoints import Endpoint
    from storage.records.models import ModelManifest, ModelVersion
    from storage.records.people import LedgerEntry
    from storage.records.runs import DataUse, Run
    from storage.records.traffic import VersionCounts

WINDOW_S: Final = 3600.0
SHOWN_COLUMNS: Final = 3
BARS: Final = 24
OF_DATA: Final = ("drift", "accuracy")
"""Kinds whose cause is looked for in the data; the others' in what was deployed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What the store knows about the version an alert is about."""

    endpoint: Endpoint
    version: ModelVersion | None
    versions: list[ModelVersion]
    """All of the model, newest first."""
    manifest: ModelManifest | None
    run: Run | None
    data: tuple[tuple[DataUse, DatasetVersion | None, DatasetVersion | None], ...]
    """What it was trained on, that version and the latest one."""
    traffic: list[VersionCounts]
    changes: list[LedgerEntry]


async def explain(agent: Agent, alert: Alert) -> tuple[tuple[CauseStep, ...], tuple[Remedy, ...]]:
    """The chain to the cause, and what would help."""
    now = agent.clock.now()
    known = await agent.read(lambda c: _look(c, agent, alert, now))
    steps = [_of_alert(alert)]
    if known is None:
        return tuple(steps), ()
    drift: DriftReport | None = None
    if alert.kind in OF_DATA:
        drift = await endpoint_drift.report(
            agent, known.endpoint, window_s=WINDOW_S, version=alert.version
        )
        columns = _moved(alert, drift)
        steps += [_of_column(each, known, drift) for each in columns]
        steps += await _of_data(agent, known, [each.column for each in columns])
    else:
        steps += _of_deployment(known)
    steps += _of_versions(known)
    return tuple(steps), await remedies.remedies(agent, alert, known, now)


def _look(
    connection: DuckDBPyConnection, agent: Agent, alert: Alert, now: datetime
) -> Background | None:
    endpoint = endpoints.get_endpoint(connection, alert.endpoint)
    if endpoint is None:
        return None
    route = main_route(endpoint)
    number = alert.version or (route.version if route else None)
    versions = models.list_model_versions(connection, endpoint.model)
    version = next((each for each in versions if each.version == number), None)
    run = runs.get_run(connection, version.run_id) if version and version.run_id else None
    used = []
    for use in version.data if version else ():
        trained = datasets.get_dataset_version(connection, use.dataset, use.version)
        listed = datasets.list_dataset_versions(connection, use.dataset)
        used.append((use, trained, listed[0] if listed else None))
    since = alert.opened_at - timedelta(seconds=WINDOW_S)
    return Background(
        endpoint=endpoint,
        version=version,
        versions=versions,
        manifest=manifest_of(agent, version.digest) if version else None,
        run=run,
        data=tuple(used),
        traffic=traffic.list_version_traffic(connection, endpoint.name, since=since, until=now),
        changes=endpoints.list_endpoint_changes(
            connection, endpoint=endpoint.name, model=endpoint.model, since=since
        ),
    )


def _of_alert(alert: Alert) -> CauseStep:
    result = alert.result
    parts = [result.reason] if result.reason else []
    if not parts and result.ci_low is not None and result.ci_high is not None:
        low, high = (metrics.show(each, result.name) for each in (result.ci_low, result.ci_high))
        parts.append(f"95 % {low} to {high}")
    if result.n:
        parts.append(f"n = {text.count(result.n)}")
    is_over = alert.state == "resolved"
    return CauseStep(
        kind="alert",
        title=alert.title,
        detail=", ".join(parts),
        target=f"alert:{alert.id}",
        verdict="pass" if is_over else "fail" if alert.severity == "fail" else "warn",
    )


def _moved(alert: Alert, drift: DriftReport) -> list[ColumnDrift]:
    """The columns behind the alert: those it names, else the heaviest that drifted."""
    named = {alert.column} if alert.column else set()
    named |= set(dict(alert.result.detail).get("columns", "").split(", ")) - {""}
    features = [each for each in drift.columns if each.column != endpoint_drift.SCORE]
    chosen = [each for each in features if each.column in named]
    if not chosen:
        chosen = [each for each in features if each.is_drifted]
        chosen.sort(key=lambda each: -each.weight)
    return chosen[:SHOWN_COLUMNS]


def _of_column(column: ColumnDrift, known: Background, drift: DriftReport) -> CauseStep:
    result = column.primary
    shown = metrics.show(result.value, result.name)
    parts = [text.interval(result.ci_low, result.ci_high, 2)]
    whole = sum(each.weight for each in drift.columns)
    if known.version is not None and whole > 0 and any(e.weight != 1.0 for e in drift.columns):
        share = text.percent(column.weight / whole, 0)
        parts.append(f"{share} of the weight in v{known.version.version}")
    if column.median_before is not None and column.median_after is not None:
        before, after = text.general(column.median_before), text.general(column.median_after)
        parts.append(f"median {before} → {after}")
    if column.new_values:
        parts.append(f"new: {text.listed(name for name, _ in column.new_values[:3])}")
    return CauseStep(
        kind="column",
        title=f"{column.column} moved, {metrics.label_of(result.name)} {shown}",
        detail=", ".join(parts),
        target=f"drift:{known.endpoint.name}/{column.column}",
        verdict=_verdict(column.verdict),
        before=column.before[:BARS],
        after=column.after[:BARS],
    )


async def _of_data(agent: Agent, known: Background, columns: list[str]) -> list[CauseStep]:
    """What came into the data since the version was trained, for the dataset the columns are of."""
    ordered = sorted(
        known.data, key=lambda each: (not _holds(each[2], columns), each[0].role != "input")
    )
    steps = []
    for use, trained, latest in ordered:
        looked_up = [name for name in columns if _holds(latest, [name])]
        if looked_up and use.role == "reference" and latest and latest.version == use.version:
            steps.append(
                CauseStep(
                    kind="data",
                    title=f"{latest.name} is unchanged; {text.listed(looked_up)} "
                    f"{'is' if len(looked_up) == 1 else 'are'} looked up in it",
                    detail="what is asked now looks up other rows than training did",
                    target=f"data:{latest.name}",
                    verdict="pass",
                )
            )
        if latest is None or latest.version == use.version or trained is None:
            continue
        drift = await asyncio.to_thread(_between, agent.objects, trained, latest)
        if drift is None:
            continue
        moved = [each for each in drift.columns if each.verdict in ("warn", "fail")]
        shown = next((each for each in drift.columns if each.column in columns), None)
        more = latest.rows - trained.rows
        change = f"{text.counted(abs(more), 'row')} {'added' if more >= 0 else 'removed'}"
        detail = drift.words
        if shown is not None:
            value = metrics.show(shown.primary.value, shown.primary.name)
            detail = f"{shown.column}: {metrics.label_of(shown.primary.name)} {value}"
        steps.append(
            CauseStep(
                kind="data",
                title=f"{use.dataset} v{trained.version} → v{latest.version}: {change}, "
                f"{len(moved)} of {len(drift.columns)} columns moved",
                detail=detail,
                target=f"data:{latest.name}",
                verdict=_verdict(drift.verdict),
                before=shown.before[:BARS] if shown else (),
                after=shown.after[:BARS] if shown else (),
            )
        )
    if not steps and known.data:
        names = text.listed(f"{use.dataset}@v{use.version}" for use, _, _ in known.data)
        steps.append(
            CauseStep(
                kind="data",
                title=f"{names}: nothing newer was added",
                detail="what is served lies outside of it; newer data would tell since when",
                target=f"data:{known.data[0][0].dataset}@v{known.data[0][0].version}",
            )
        )
    return steps[:2]


def _of_deployment(known: Background) -> list[CauseStep]:
    """Which version is worse than the others, and what was changed last."""
    steps = []
    answering = [each for each in known.traffic if not each.is_shadow]
    if len(answering) > 1:
        slowest = max(answering, key=lambda each: each.p99_k or -9999)
        words = ", ".join(
            f"v{each.version} p99 {text.latency(value_ms(each.p99_k))} ms"
            for each in answering
            if each.p99_k is not None
        )
        steps.append(
            CauseStep(
                kind="version",
                title=f"v{slowest.version} is the slowest of those that answer",
                detail=words,
                target=f"model:{known.endpoint.model}@v{slowest.version}",
                verdict="warn",
            )
        )
    if known.changes:
        last = known.changes[-1]
        steps.append(
            CauseStep(
                kind="version",
                title=f"last change: {last.actor} {last.summary}",
                detail=f"{last.at:%Y-%m-%d %H:%M:%S} UTC; {last.command}",
                target=f"ledger:{last.seq}",
            )
        )
    return steps


def _of_versions(known: Background) -> list[CauseStep]:
    version, run = known.version, known.run
    if version is None:
        return []
    data = text.listed(f"{use.dataset}@v{use.version}" for use in version.data)
    arrivals = [
        f"{latest.name} came {latest.created_at:%Y-%m-%d %H:%M} from {latest.created_by}"
        for use, _, latest in known.data
        if latest is not None and latest.version != use.version
    ]
    steps = [
        CauseStep(
            kind="version",
            title=f"{version.name} was trained on {data or 'unknown data'}",
            detail="; ".join(arrivals[:2]),
            target=f"model:{version.name}",
        )
    ]
    if run is not None:
        judged = f"judged on {run.holdout}" if run.holdout else ""
        steps.append(
            CauseStep(
                kind="run",
                title=f"run {run.id} of {run.pipeline}, {text.counted(run.rows_train, 'row')}",
                detail=judged,
                target=f"run:{run.id}",
            )
        )
    return steps


def _holds(version: DatasetVersion | None, columns: list[str]) -> bool:
    return version is not None and any(each.name in columns for each in version.columns)


def _between(objects: Objects, before: DatasetVersion, after: DatasetVersion) -> DriftReport | None:
    if not before.profile or not after.profile:
        return None
    from console.rules import drift  # numpy: only when somebody asks

    found = drift.profile_drift(
        read_profile(objects, before.profile), read_profile(objects, after.profile)
    )
    return replace(found, before=before.name, after=after.name)


def _verdict(verdict: str) -> remedies.ShownVerdict:
    return remedies.shown_verdict(verdict)
