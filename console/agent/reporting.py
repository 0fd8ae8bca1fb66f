"""Which function applies which report; the one list a new kind of report is added to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.agent.applying import datasets, endpoints, models, runs
from console.agent.comparing import diff_ended
from console.agent.ingest import Applier, Ender, Source, Starter
from console.agent.training import start_evaluate, start_search, start_train
from storage.records.jobs import Progress
from storage.records.reports import JobEnd
from storage.tables import jobs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def apply_progress(
    connection: DuckDBPyConnection, source: Source, progress: Progress
) -> tuple[str, ...]:
    if source.job is not None:
        jobs.set_job_progress(connection, source.job.id, progress)
    return ("jobs",)


def apply_end(connection: DuckDBPyConnection, source: Source, end: JobEnd) -> tuple[str, ...]:
    if source.job is not None:
        reason = "" if end.ok else f"{end.reason} {end.hint}".strip()
        jobs.set_job_result(connection, source.job.id, result=end.result, reason=reason)
    return ("jobs",)


APPLIERS: dict[str, Applier] = {
    "progress": apply_progress,
    "end": apply_end,
    "version": datasets.apply_version,
    "run": runs.apply_run,
    "results": runs.apply_results,
    "points": runs.apply_points_many,
    "artifact": runs.apply_artifact,
    "model": models.apply_model,
    "gates": models.apply_gates,
    "request": endpoints.apply_requests_many,
    "label": endpoints.apply_labels_many,
    "window": endpoints.apply_windows_many,
    "status": endpoints.apply_status,
    "gauge": endpoints.apply_gauge,
}
ENDERS: tuple[Ender, ...] = (
    datasets.ingest_ended,
    datasets.check_ended,
    diff_ended,
    runs.training_ended,
)
STARTERS: dict[str, Starter] = {
    "ingest": datasets.start_ingest,
    "check": datasets.start_check,
    "train": start_train,
    "search": start_search,
    "evaluate": start_evaluate,
}
