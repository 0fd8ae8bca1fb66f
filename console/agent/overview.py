"""How the whole workspace stands: what needs a person, worst first, and every stage in work order.

One look for the first screen and for `mlops-console` without a terminal. Everything comes from what
other rows keep; nothing is computed from data here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from console.agent import endpoint_view
from console.agent.context import Call
from console.agent.model_lookup import read_gates
from console.agent.needs import needs_of
from console.agent.stages import stages_of
from console.rules.declared_table import FILE
from console.wire.agent import AgentStatus, DataTrend, FirstStep, Overview
from console.wire.endpoints import EndpointWindow
from storage.records.alerts import Alert
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.endpoints import Endpoint, EndpointView
from storage.records.jobs import Job
from storage.records.models import GateReport, Model, ModelVersion
from storage.records.people import Approval, LedgerEntry, Person
from storage.records.runs import Run
from storage.tables import alerts, datasets, endpoints, jobs, ledger, models, people, runs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from storage.records.declared import Declaration

ACTIONS: Final = 12
RECENT_JOBS: Final = 60
RECENT_RUNS: Final = 12
TREND_VERSIONS: Final = 8
WINDOW_S: Final = 1800.0
SEEN_S: Final = 600.0
"""People count as here so long after their last call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The newest version of a model and its gates."""

    version: ModelVersion
    gates: GateReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one look at the store found; the same moment for every part of the screen."""

    datasets: list[Dataset]
    data_versions: list[DatasetVersion]
    """Of the dataset that changed last, newest first."""
    jobs: list[Job]
    """Newest first."""
    runs: list[Run]
    models: list[Model]
    judged: list[Judged]
    endpoints: list[Endpoint]
    alerts: list[Alert]
    """Not resolved."""
    approvals: list[Approval]
    actions: list[LedgerEntry]
    people: list[Person]


async def overview(call: Call, status: AgentStatus) -> Overview:
    agent = call.agent
    now = agent.clock.now()
    facts = await call.read(look)
    served = [each for each in facts.endpoints if each.desired == "started"]
    busiest: EndpointView | None = None
    for endpoint in served:
        window = EndpointWindow(endpoint=endpoint.name, window_s=WINDOW_S, points=120)
        found = await endpoint_view.view(agent, endpoint, window)
        if busiest is None or found.total_requests > busiest.total_requests:
            busiest = found
    running = [job for job in facts.jobs if job.state in ("starting", "running")]
    is_empty = not (facts.datasets or facts.runs or facts.models or facts.endpoints)
    return Overview(
        status=status,
        actor=call.actor,
        needs=needs_of(facts, now),
        stages=() if is_empty else stages_of(facts, busiest, agent.declaration_file.last_good),
        endpoint=busiest,
        running=tuple(running),
        queued_count=sum(job.state == "queued" for job in facts.jobs),
        actions=tuple(facts.actions),
        people=tuple(each for each in facts.people if _is_here(each, now)),
        approvals=tuple(each for each in facts.approvals if each.state == "waiting"),
        alerts=tuple(each for each in facts.alerts if each.state != "silenced"),
        data=_trend(facts.data_versions),
        first_steps=_first_steps(facts, agent.declaration_file.last_good),
        is_empty=is_empty,
    )


def look(connection: DuckDBPyConnection) -> Facts:
    known = datasets.list_datasets(connection)
    newest = max(
        (each for each in known if each.latest_at), key=lambda d: d.latest_at or d.created_at,
        default=None,
    )  # fmt: skip
    registered = models.list_models(connection)
    judged = []
    for model in registered:
        versions = models.list_model_versions(connection, model.name)
        if versions:
            judged.append(Judged(version=versions[0], gates=read_gates(connection, versions[0])))
    return Facts(
        datasets=known,
        data_versions=datasets.list_dataset_versions(connection, newest.name) if newest else [],
        jobs=jobs.list_jobs(connection, limit=RECENT_JOBS),
        runs=runs.list_runs(connection, limit=RECENT_RUNS),
        models=registered,
        judged=judged,
        endpoints=endpoints.list_endpoints(connection),
        alerts=alerts.list_alerts(connection, state="open"),
        approvals=people.list_approvals(connection),
        actions=ledger.list_ledger(connection, limit=ACTIONS),
        people=people.list_people(connection),
    )


def _is_here(person: Person, now: datetime) -> bool:
    return person.last_seen_at is not None and now - person.last_seen_at < timedelta(seconds=SEEN_S)


def _trend(versions: list[DatasetVersion]) -> tuple[DataTrend, ...]:
    """Rows each version added, oldest first."""
    shown = list(reversed(versions[:TREND_VERSIONS]))
    rows = {each.version: each.rows for each in versions}
    added = [each.rows - rows.get(each.parent or 0, 0) for each in shown]
    largest = max(added, default=0)
    return tuple(
        DataTrend(
            name=each.name,
            rows=each.rows,
            note=each.note,
            share=max(0.0, more / largest) if largest > 0 else None,
        )
        for each, more in zip(shown, added, strict=True)
    )


def _first_steps(facts: Facts, declaration: Declaration | None) -> tuple[FirstStep, ...]:
    """The way from a data file to its traffic; a step ticks itself."""
    pipelines = declaration.pipelines if declaration else {}
    pipeline = next(iter(pipelines.values()), None)
    data = pipeline.input if pipeline else "NAME"
    name = pipeline.name if pipeline else "PIPELINE"
    declared = declaration.datasets.get(data) if declaration else None
    files = declared.source if declared and declared.source else "FILE…"
    train = (
        f"fits {pipeline.estimator.rpartition('.')[2]}, judged on rows it has not seen"
        if pipeline
        else f"needs a [pipelines.…] table in {FILE}"
    )
    is_judged = any(each.gates.results for each in facts.judged)
    served = next((each for each in facts.endpoints if each.state == "ready"), None)
    where = f"http {served.host}:{served.port}" if served else "http on this machine, any free port"
    return (
        FirstStep(
            name="add data",
            command=f"mlops-console data add {data} {files}",
            detail="checked, profiled and kept as a version",
            is_done=any(each.version_count for each in facts.datasets),
        ),
        FirstStep(
            name="train",
            command=f"mlops-console train {name}",
            detail=train,
            is_done=any(run.state == "succeeded" for run in facts.runs),
        ),
        FirstStep(
            name="check",
            command=f"mlops-console gate show {name}@latest",
            detail="thresholds, with intervals",
            is_done=is_judged,
        ),
        FirstStep(
            name="serve",
            command=f"mlops-console endpoint start {name}",
            detail=where,
            is_done=served is not None or bool(facts.endpoints),
        ),
    )
