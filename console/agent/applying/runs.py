"""A worker tells how a training goes: its run, what it measured, its files, and its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from console.agent.ingest import Source
from storage.records.jobs import Job, JobState
from storage.records.reports import RunArtifact, RunPoints, RunReport, RunResults
from storage.records.runs import RunState
from storage.tables import jobs, runs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STATES: dict[str, RunState] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "lost": "lost",
}


def apply_run(connection: DuckDBPyConnection, source: Source, report: RunReport) -> tuple[str, ...]:
    """Create the run or bring it up to date; the number is given here, not by the worker."""
    job_id = _job_id(source)
    run_id = runs.run_of_trial(connection, job_id, report.trial)
    parent_id = job_id if report.trial else report.run.parent_id
    runs.record_run(connection, replace(report.run, id=run_id, job_id=job_id, parent_id=parent_id))
    return ("runs", "pipelines")


def apply_results(
    connection: DuckDBPyConnection, source: Source, report: RunResults
) -> tuple[str, ...]:
    run_id = runs.run_of_trial(connection, _job_id(source), report.trial)
    runs.record_run_results(connection, run_id, report.kind, report.results)
    return ("runs",)


def apply_points_many(
    connection: DuckDBPyConnection, source: Source, reports: list[RunPoints]
) -> tuple[str, ...]:
    job_id = _job_id(source)
    numbers = {t: runs.run_of_trial(connection, job_id, t) for t in {r.trial for r in reports}}
    found = [(numbers[report.trial], point) for report in reports for point in report.points]
    runs.record_run_points(connection, found)
    return ("runs",)


def apply_artifact(
    connection: DuckDBPyConnection, source: Source, report: RunArtifact
) -> tuple[str, ...]:
    run_id = runs.run_of_trial(connection, _job_id(source), report.trial)
    runs.record_run_artifact(connection, run_id, report.artifact)
    return ("runs",)


def training_ended(
    connection: DuckDBPyConnection, job: Job, state: JobState, reason: str, at: datetime
) -> tuple[str, ...]:
    """A run never outlives its job: what still says running ends as the job did."""
    if job.kind not in ("train", "search", "command"):
        return ()
    runs.end_unfinished_runs(
        connection, job.id, state=_STATES.get(state, "failed"), error=reason, at=at
    )
    ended, run = jobs.get_job(connection, job.id), runs.get_run(connection, job.id)
    if ended is None or run is None:
        return ("runs", "pipelines")
    if ended.peak_rss_bytes:
        runs.set_run_peak(connection, run.id, ended.peak_rss_bytes)
    if run.model and "model" in ended.result:
        # The worker did not know the number its version would get.
        result = ended.result | {"model": run.model}
        jobs.set_job_result(connection, job.id, result=result, reason=ended.reason)
    return ("runs", "pipelines")


def _job_id(source: Source) -> int:
    """Only jobs report runs; a journal of an endpoint that does so is foreign."""
    return source.job.id if source.job else 0
