"""MLflow's tracking API 2.0, as much of it as a training script needs: runs, metrics, params, tags.

Used by the listener. The names of the wire (run_uuid, key, status …) are MLflow's. An experiment is
the name runs are listed under, so its id is its name. Invariant: a job sees and changes its own
runs only; every report is one transaction and answered when it is on the disk.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from console import errors
from storage.database import Database
from storage.records.jobs import Job
from storage.records.runs import MetricPoint, Run, RunState
from storage.tables import runs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DEFAULT_EXPERIMENT = "0"
NAME_AT_MOST = 250
_STATES: dict[str, RunState] = {
    "RUNNING": "running",
    "SCHEDULED": "running",
    "FINISHED": "succeeded",
    "FAILED": "failed",
    "KILLED": "cancelled",
}
_STATUSES = {state: status for status, state in reversed(_STATES.items())} | {"lost": "FAILED"}


@dataclass(frozen=True, slots=True)
class Tracked:
    """Who reports, and when."""

    database: Database
    job: Job
    now: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """What was sent; every reading of it refuses what cannot be meant."""

    values: dict[str, Any]

    @classmethod
    def of_json(cls, raw: bytes) -> Given:
        try:
            found = msgspec.json.decode(raw or b"{}")
        except (msgspec.DecodeError, UnicodeError) as error:
            raise errors.InvalidError(f"the report is not JSON: {error}.") from error
        if not isinstance(found, dict):
            raise errors.InvalidError("the report is not a JSON object.")
        return cls(found)

    def text(self, *names: str, default: str | None = None) -> str:
        for name in names:
            value = self.values.get(name)
            if value not in (None, ""):
                return str(value)[:NAME_AT_MOST]
        if default is None:
            raise errors.InvalidError(f"the report has no {names[0]!r}.")
        return default

    def number(self, name: str, default: float | None = None) -> float:
        value = self.values.get(name, default)
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise errors.InvalidError(f"{name} is {value!r}, which is no number.") from None

    def each(self, name: str) -> list[Given]:
        found = self.values.get(name) or []
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise errors.InvalidError(f"{name} is not a list of objects.")
        return [Given(each) for each in found]

    def moment(self, name: str, default: datetime) -> datetime:
        """A time sent in milliseconds since 1970."""
        if not self.values.get(name):
            return default
        try:
            return datetime.fromtimestamp(self.number(name) / 1000, UTC)
        except (OverflowError, OSError, ValueError):
            raise errors.InvalidError(f"{name} is no time: {self.values[name]!r}.") from None


Body = tuple[dict[str, Any], tuple[str, ...]]
"""The answer, and the topics that changed."""
Answer = Callable[[Tracked, Given], Awaitable[Body]]
Endpoint = Callable[[Request], Awaitable[Response]]


async def create_run(by: Tracked, given: Given) -> Body:
    """The job's first run has the number of the job; further ones stand below it."""
    experiment = given.text("experiment_id", default=DEFAULT_EXPERIMENT)
    tags = {each.text("key"): each.text("value", default="") for each in given.each("tags")}
    name = given.text("run_name", default=tags.get("mlflow.runName", ""))

    def create(connection: DuckDBPyConnection) -> Run:
        is_first = not runs.has_run(connection, by.job.id)
        trial = 0 if is_first else len(runs.list_child_runs(connection, by.job.id)) + 1
        run = Run(
            id=runs.run_of_trial(connection, by.job.id, trial),
            job_id=by.job.id,
            parent_id=None if is_first else by.job.id,
            pipeline=by.job.title if experiment == DEFAULT_EXPERIMENT else experiment,
            state="running",
            params={},
            code={"command": " ".join(by.job.spec["command"]), **_code(tags)},
            environment={},
            started_at=given.moment("start_time", by.now),
            metrics={},
            note=name,
            created_by=by.job.created_by,
        )
        runs.record_run(connection, run)
        return run

    run = await by.database.awrite(create)
    return {"run": _shown(run)}, ("runs", "pipelines")


async def update_run(by: Tracked, given: Given) -> Body:
    status = given.text("status", default="RUNNING")
    state = _STATES.get(status)
    if state is None:
        raise errors.InvalidError(f"{status!r} is no status of a run.")
    ended = given.moment("end_time", by.now)

    def update(run: Run) -> Run:
        if state == "running":
            return replace(run, state=state, ended_at=None, duration_s=None)
        took = (ended - run.started_at).total_seconds()
        return replace(run, state=state, ended_at=ended, duration_s=max(0.0, took))

    run = await _change(by, given, update)
    return {"run_info": _shown(run)["info"]}, ("runs",)


async def get_run(by: Tracked, given: Given) -> Body:
    run = await by.database.aread(lambda c: _own(c, by.job, given))
    return {"run": _shown(run)}, ()


async def log_metric(by: Tracked, given: Given) -> Body:
    await _change(by, given, lambda run: run, metrics=[given])
    return {}, ("runs",)


async def log_param(by: Tracked, given: Given) -> Body:
    await _change(by, given, lambda run: _with_params(run, [given]))
    return {}, ("runs",)


async def set_tag(by: Tracked, given: Given) -> Body:
    await _change(by, given, lambda run: _with_tags(run, [given]), tags=[given])
    return {}, ("runs",)


async def log_batch(by: Tracked, given: Given) -> Body:
    tags, params = given.each("tags"), given.each("params")
    await _change(
        by,
        given,
        lambda run: _with_tags(_with_params(run, params), tags),
        metrics=given.each("metrics"),
        tags=tags,
    )
    return {}, ("runs",)


async def get_history(by: Tracked, given: Given) -> Body:
    key = given.text("metric_key")

    def look(connection: DuckDBPyConnection) -> list[MetricPoint]:
        return runs.list_run_points(connection, _own(connection, by.job, given).id)

    points = await by.database.aread(look)
    return {
        "metrics": [
            {"key": key, "value": p.value, "step": p.step, "timestamp": _ms(p.at)}
            for p in points
            if p.metric == key
        ]
    }, ()


async def get_experiment(_by: Tracked, given: Given) -> Body:
    return {"experiment": _experiment(given.text("experiment_id", "experiment_name"))}, ()


async def create_experiment(_by: Tracked, given: Given) -> Body:
    return {"experiment_id": given.text("name")}, ()


async def accept(_by: Tracked, _given: Given) -> Body:
    """What is noted elsewhere here, or means nothing: it must not stop a script."""
    return {}, ()


ROUTES: dict[tuple[str, str], Answer] = {
    ("GET", "experiments/get"): get_experiment,
    ("GET", "experiments/get-by-name"): get_experiment,
    ("POST", "experiments/create"): create_experiment,
    ("POST", "runs/create"): create_run,
    ("POST", "runs/update"): update_run,
    ("GET", "runs/get"): get_run,
    ("POST", "runs/log-metric"): log_metric,
    ("POST", "runs/log-parameter"): log_param,
    ("POST", "runs/log-batch"): log_batch,
    ("POST", "runs/set-tag"): set_tag,
    ("POST", "runs/delete-tag"): accept,
    ("POST", "runs/log-inputs"): accept,
    ("POST", "experiments/set-experiment-tag"): accept,
    ("GET", "metrics/get-history"): get_history,
}


async def _change(
    by: Tracked,
    given: Given,
    change: Callable[[Run], Run],
    *,
    metrics: list[Given] | None = None,
    tags: list[Given] | None = None,
) -> Run:
    """Change one of the job's runs and add the points of `metrics`, in one transaction."""
    points = [_point(each, by.now) for each in metrics or ()]
    name = next((t.text("value", default="") for t in tags or () if _is_name(t)), "")

    def work(connection: DuckDBPyConnection) -> Run:
        run = change(_own(connection, by.job, given))
        if points:
            runs.record_run_points(connection, [(run.id, point) for point in points])
            latest = {point.metric: point.value for point in points}
            run = replace(run, metrics=run.metrics | latest)
        runs.record_run(connection, run)
        if name:
            runs.set_run_note(connection, run.id, note=name, tags=run.tags)
        return run

    return await by.database.awrite(work)


def _own(connection: DuckDBPyConnection, job: Job, given: Given) -> Run:
    """The run that is meant; raises for one of another job as if there were none."""
    said = given.text("run_id", "run_uuid")
    run = runs.get_run(connection, int(said)) if said.isascii() and said.isdigit() else None
    if run is None or run.job_id != job.id:
        raise errors.NotFoundError(f"job {job.id} has no run {said}.")
    return run


def _point(given: Given, now: datetime) -> MetricPoint:
    name, value = given.text("key"), given.number("value")
    if not math.isfinite(value):
        raise errors.InvalidError(f"metric {name} is {value}, which is no number.")
    step = int(given.number("step", 0.0))
    return MetricPoint(metric=name, step=step, value=value, at=given.moment("timestamp", now))


def _with_params(run: Run, params: list[Given]) -> Run:
    found = {each.text("key"): _as_value(each.text("value", default="")) for each in params}
    return replace(run, params=run.params | found)


def _with_tags(run: Run, tags: list[Given]) -> Run:
    found = {each.text("key"): each.text("value", default="") for each in tags}
    return replace(run, code=run.code | _code(found))


def _is_name(tag: Given) -> bool:
    return tag.text("key") in ("mlflow.runName", "mlflow.note.content")


def _code(tags: dict[str, str]) -> dict[str, str]:
    """What MLflow found out about the program; tags of people stand beside it."""
    known = {"mlflow.source.git.commit": "commit", "mlflow.source.git.branch": "branch"}
    found = {known[key]: value for key, value in tags.items() if key in known}
    own = {key: value for key, value in tags.items() if not key.startswith("mlflow.")}
    return own | found


def _as_value(text: str) -> Any:
    """Parameters are sent as text; a number among them is compared as one."""
    if text in ("True", "False"):
        return text == "True"
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return value if isinstance(value, (int, float, bool)) else text


def _experiment(name: str) -> dict[str, Any]:
    shown = "Default" if name == DEFAULT_EXPERIMENT else name
    known = DEFAULT_EXPERIMENT if name == "Default" else name
    return {"experiment_id": known, "name": shown, "lifecycle_stage": "active"}


def _shown(run: Run) -> dict[str, Any]:
    info = {
        "run_id": str(run.id),
        "run_uuid": str(run.id),
        "run_name": run.note or str(run.id),
        "experiment_id": run.pipeline,
        "status": _STATUSES[run.state],
        "start_time": _ms(run.started_at),
        "end_time": _ms(run.ended_at) if run.ended_at else None,
        "lifecycle_stage": "active",
        "user_id": run.created_by,
    }
    return {
        "info": {key: value for key, value in info.items() if value is not None},
        "data": {
            "metrics": [
                {"key": key, "value": value, "step": 0, "timestamp": _ms(run.started_at)}
                for key, value in run.metrics.items()
            ],
            "params": [{"key": key, "value": str(value)} for key, value in run.params.items()],
            "tags": [{"key": "mlflow.runName", "value": run.note}] if run.note else [],
        },
    }


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
