"""What the jobs area shows: the queue, the runs, one run, runs side by side, a job's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from console.client.client import Client
from console.rules.lifecycle import FINAL
from console.rules.metrics import DEFAULTS
from console.wire import jobs as job_wire
from console.wire import pipelines as pipeline_wire
from console.wire import runs as run_wire
from console.wire.jobs import GetLog, ListJobs
from console.wire.routes import Nothing
from console.wire.runs import CompareRuns, ListRuns, RunId, RunPair
from storage.records.jobs import Job, LogChunk
from storage.records.pipelines import Pipeline
from storage.records.results import Result
from storage.records.runs import Run, RunComparison, RunDetail, RunDiff, SavedView

JOBS_AT_MOST = 200
RUNS_AT_MOST = 10_000
NEWEST_RUNS = 500
METRICS_OF_OLDER = 40
"""Older runs come with so many metrics and those in use: 300 of each were 80 MB to read."""
OLDER_EVERY_S = 10.0
"""Older runs than the newest seldom change, and 10 000 take a third of a second to read: while a
training tells its progress they are read again only this often."""

_kept: dict[Path, RunComparison] = {}
"""The last comparison of each workspace."""


@dataclass(frozen=True, slots=True)
class _Older:
    """Runs before one, and when they were read."""

    before: int
    metrics: str
    read_at: float
    runs: tuple[Run, ...]


_older: dict[Path, _Older] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading."""

    jobs: tuple[Job, ...]
    """What runs, what waits in the order it will start, then what ended, newest first."""
    runs: tuple[Run, ...]
    """Newest first."""
    champions: tuple[str, ...]
    """`delays@v4`: versions that runs are measured against until the reader pins another."""
    metrics: tuple[str, ...] = ()
    """What the pipelines declare to be judged by, the leading one first."""
    views: tuple[SavedView, ...] = ()
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run, and the one it is held against."""

    detail: RunDetail
    base: RunDetail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Runs side by side, and the first two of them fold by fold."""

    comparison: RunComparison
    folds: tuple[tuple[Result, ...], ...]
    """Of the baseline and of the run after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLog:
    """A stretch of one job's log."""

    id: int
    chunk: LogChunk


def load(client: Client, *, metrics: tuple[str, ...] = ()) -> Snapshot:
    """The lists; `metrics` are those that older runs shall carry besides their first ones."""
    jobs = client.call(job_wire.list_jobs, ListJobs(limit=JOBS_AT_MOST))
    runs = _list_runs(client, ",".join(metrics))
    pipelines = client.call(pipeline_wire.list_pipelines, Nothing())
    views = client.call(run_wire.list_run_views, Nothing())
    return Snapshot(
        jobs=tuple(sorted(jobs, key=_queue_place)),
        runs=runs,
        champions=tuple(each.champion for each in pipelines if each.champion),
        metrics=_declared_metrics([each.pipeline for each in pipelines]),
        views=tuple(views),
        at=datetime.now(UTC),
    )


def _list_runs(client: Client, metrics: str) -> tuple[Run, ...]:
    newest = client.call(run_wire.list_runs, ListRuns(limit=NEWEST_RUNS))
    if len(newest) < NEWEST_RUNS:
        return tuple(newest)
    root, before = client.workspace.root, newest[-1].id
    kept = _older.get(root)
    is_old = kept is None or monotonic() - kept.read_at > OLDER_EVERY_S
    if kept is None or is_old or (kept.before, kept.metrics) != (before, metrics):
        request = ListRuns(
            limit=RUNS_AT_MOST - NEWEST_RUNS,
            before=before,
            metrics_at_most=METRICS_OF_OLDER,
            metrics=metrics,
        )
        older = client.call(run_wire.list_runs, request)
        kept = _Older(before=before, metrics=metrics, read_at=monotonic(), runs=tuple(older))
        _older[root] = kept
    return (*newest, *kept.runs)


def load_run(client: Client, *, id: int, base: int = 0) -> RunView:
    """A run; `base` is the run beside whose numbers it stands, 0 = none."""
    detail = client.call(run_wire.get_run, RunId(id=id))
    against = client.call(run_wire.get_run, RunId(id=base)) if base and base != id else None
    return RunView(detail=detail, base=against)


def load_curve(client: Client, *, id: int) -> RunDetail:
    """A run that is being trained, for its curve."""
    return client.call(run_wire.get_run, RunId(id=id))


def load_compare(client: Client, *, ids: tuple[int, ...]) -> Comparison:
    """Runs side by side, the baseline first.

    Measuring the differences takes the agent a while: what was measured is kept until one of the
    runs is another.
    """
    details = [client.call(run_wire.get_run, RunId(id=id)) for id in ids]
    runs = tuple(each.run for each in details)
    compared = _kept.get(client.workspace.root)
    if compared is None or compared.runs != runs:
        compared = client.call(run_wire.compare_runs, CompareRuns(ids=ids))
        _kept[client.workspace.root] = compared
    return Comparison(comparison=compared, folds=tuple(each.folds for each in details[:2]))


def load_diff(client: Client, *, before: int, after: int) -> RunDiff:
    """What two runs were made with."""
    return client.call(run_wire.diff_runs, RunPair(before=before, after=after))


def load_log(client: Client, *, id: int, start: int = -65536) -> JobLog:
    """What a job printed, from a byte on; negative = so many bytes from the end."""
    return JobLog(id=id, chunk=client.call(job_wire.get_log, GetLog(id=id, start=start)))


def _declared_metrics(pipelines: Sequence[Pipeline]) -> tuple[str, ...]:
    names = [name for each in pipelines for name in each.metrics or DEFAULTS[each.task]]
    return tuple(dict.fromkeys(names))


def _queue_place(job: Job) -> tuple[int, int, int]:
    """Running, waiting in the order of starting, ended."""
    if job.state in FINAL:
        return 2, 0, -job.id
    if job.state == "queued":
        return 1, -job.priority, job.id
    return 0, 0, job.id
