"""Runs, their results, histories and files: one typed function per named query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from storage import queries
from storage.records.results import Result
from storage.records.runs import (
    Artifact,
    History,
    MetricPoint,
    Run,
    RunDetail,
    RunState,
    SavedView,
)
from storage.tables import jobs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultList:
    kind: str
    """`holdout`, `slice` or `fold`."""
    results: tuple[Result, ...]


def has_run(connection: DuckDBPyConnection, run_id: int) -> bool:
    return bool(queries.row(connection, "has_run", {"id": run_id}, into=int))


def record_run(connection: DuckDBPyConnection, run: Run) -> None:
    """Create the run, or bring it up to date; note, tags and model of a known one stay."""
    params = queries.params_of(run)
    if not has_run(connection, run.id):
        queries.run(connection, "create_run", params)
        return
    kept = ("job_id", "parent_id", "pipeline", "started_at", "created_by", "model", "note", "tags")
    queries.run(connection, "set_run", {k: v for k, v in params.items() if k not in kept})


def end_unfinished_runs(
    connection: DuckDBPyConnection, job_id: int, *, state: RunState, error: str, at: datetime
) -> int:
    """End what a job left running; returns how many runs that were."""
    params = {"job_id": job_id, "state": state, "error": error, "at": at}
    return queries.run(connection, "end_unfinished_runs", params)


def set_run_peak(connection: DuckDBPyConnection, run_id: int, peak_rss_bytes: int) -> None:
    queries.run(connection, "set_run_peak", {"id": run_id, "peak_rss_bytes": peak_rss_bytes})


def set_run_model(connection: DuckDBPyConnection, run_id: int, model: str) -> None:
    queries.run(connection, "set_run_model", {"id": run_id, "model": model})


def set_run_note(
    connection: DuckDBPyConnection, run_id: int, *, note: str, tags: tuple[str, ...]
) -> None:
    queries.run(connection, "set_run_note", {"id": run_id, "note": note, "tags": tags})


def get_run(connection: DuckDBPyConnection, run_id: int) -> Run | None:
    return queries.row(connection, "get_run", {"id": run_id}, into=Run)


def list_runs(
    connection: DuckDBPyConnection, *, pipeline: str = "", before: int = 0, limit: int = 500
) -> list[Run]:
    params = {"pipeline": pipeline, "before": before, "limit": limit}
    return queries.rows(connection, "list_runs", params, into=Run)


def list_changed_runs(connection: DuckDBPyConnection, revision: int) -> list[Run]:
    return queries.rows(connection, "list_changed_runs", {"revision": revision}, into=Run)


def list_child_runs(connection: DuckDBPyConnection, parent_id: int) -> list[Run]:
    """Candidates of a search in the order they were tried."""
    return queries.rows(connection, "list_child_runs", {"parent_id": parent_id}, into=Run)


def last_run_revision(connection: DuckDBPyConnection) -> int:
    return queries.row(connection, "last_run_revision", into=int) or 0


def run_of_trial(connection: DuckDBPyConnection, job_id: int, trial: int) -> int:
    """The run of a job's n-th candidate, created with the next number when it is new."""
    if trial == 0:
        return job_id
    params = {"job_id": job_id, "trial": trial}
    known = queries.row(connection, "get_trial", params, into=int)
    if known is not None:
        return known
    run_id = jobs.next_job_id(connection)
    queries.run(connection, "create_trial", {**params, "run_id": run_id})
    return run_id


def record_run_results(
    connection: DuckDBPyConnection, run_id: int, kind: str, results: tuple[Result, ...]
) -> None:
    """Replace the run's list of this kind."""
    queries.run(connection, "remove_run_results", {"run_id": run_id, "kind": kind})
    params = {"run_id": run_id, "kind": kind, "results": results}
    queries.run(connection, "record_run_results", params)


def record_run_points(
    connection: DuckDBPyConnection, points: Sequence[tuple[int, MetricPoint]]
) -> None:
    """Add points, each with the run it belongs to, in one statement."""
    if not points:
        return
    columns = {
        "run_ids": [run_id for run_id, _ in points],
        "metrics": [point.metric for _, point in points],
        "steps": [point.step for _, point in points],
        "values": [point.value for _, point in points],
        "ats_us": [(point.at - _EPOCH) // _MICROSECOND for _, point in points],
    }
    queries.run(connection, "record_run_points", {"points": columns})


def record_run_artifact(connection: DuckDBPyConnection, run_id: int, artifact: Artifact) -> None:
    """Replace the run's file of this name."""
    queries.run(connection, "remove_run_artifact", {"run_id": run_id, "name": artifact.name})
    queries.run(connection, "record_run_artifact", queries.params_of(artifact, run_id=run_id))


def list_run_points(connection: DuckDBPyConnection, run_id: int) -> list[MetricPoint]:
    return queries.rows(connection, "list_run_points", {"run_id": run_id}, into=MetricPoint)


def list_run_histories(connection: DuckDBPyConnection, run_ids: Sequence[int]) -> list[History]:
    params = {"run_ids": list(run_ids)}
    return queries.rows(connection, "list_run_histories", params, into=History)


def list_run_artifacts(connection: DuckDBPyConnection, run_id: int) -> list[Artifact]:
    return queries.rows(connection, "list_run_artifacts", {"run_id": run_id}, into=Artifact)


def get_run_detail(connection: DuckDBPyConnection, run_id: int) -> RunDetail | None:
    """The run with results, histories and files. Importance stands in the file of that name."""
    run = get_run(connection, run_id)
    if run is None:
        return None
    lists = queries.rows(connection, "list_run_results", {"run_id": run_id}, into=ResultList)
    by_kind = {each.kind: each.results for each in lists}
    return RunDetail(
        run=run,
        results=by_kind.get("holdout", ()) + by_kind.get("slice", ()),
        folds=by_kind.get("fold", ()),
        points=tuple(list_run_points(connection, run_id)),
        artifacts=tuple(list_run_artifacts(connection, run_id)),
        candidates=queries.row(connection, "count_child_runs", {"id": run_id}, into=int) or 0,
    )


def list_run_views(connection: DuckDBPyConnection) -> list[SavedView]:
    return queries.rows(connection, "list_run_views", into=SavedView)


def set_run_view(connection: DuckDBPyConnection, view: SavedView) -> None:
    queries.run(connection, "set_run_view", queries.params_of(view))


def remove_run_view(connection: DuckDBPyConnection, name: str) -> bool:
    """Whether there was such a view."""
    return queries.run(connection, "remove_run_view", {"name": name}) > 0
