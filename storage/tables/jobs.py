"""Jobs: one typed function per named query."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from storage import queries
from storage.records.jobs import Job, JobState, Progress

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def next_job_id(connection: DuckDBPyConnection) -> int:
    """Take the next number. Jobs and runs share the sequence."""
    number = queries.row(connection, "next_job_id", into=int)
    assert number is not None  # a sequence always has a next value
    return number


def create_job(connection: DuckDBPyConnection, job: Job) -> None:
    queries.run(connection, "create_job", queries.params_of(job))


def get_job(connection: DuckDBPyConnection, job_id: int) -> Job | None:
    return queries.row(connection, "get_job", {"id": job_id}, into=Job)


def list_jobs(
    connection: DuckDBPyConnection,
    *,
    state: str = "",
    kind: str = "",
    before: int = 0,
    limit: int = 200,
) -> list[Job]:
    params = {"state": state, "kind": kind, "before": before, "limit": limit}
    return queries.rows(connection, "list_jobs", params, into=Job)


def list_unfinished_jobs(connection: DuckDBPyConnection) -> list[Job]:
    return queries.rows(connection, "list_unfinished_jobs", into=Job)


def set_job_starting(connection: DuckDBPyConnection, job_id: int, at: datetime) -> bool:
    """True when the job was still queued."""
    return queries.run(connection, "set_job_starting", {"id": job_id, "at": at}) == 1


def set_job_process(
    connection: DuckDBPyConnection,
    job_id: int,
    *,
    pid: int,
    pid_started_at: float,
    boot_id: str,
) -> None:
    queries.run(
        connection,
        "set_job_process",
        {"id": job_id, "pid": pid, "pid_started_at": pid_started_at, "boot_id": boot_id},
    )


def set_job_progress(connection: DuckDBPyConnection, job_id: int, progress: Progress) -> None:
    queries.run(connection, "set_job_progress", {"id": job_id, "progress": progress})


def set_job_usage(
    connection: DuckDBPyConnection, job_id: int, *, cpu_ratio: float, rss_bytes: int
) -> None:
    queries.run(
        connection, "set_job_usage", {"id": job_id, "cpu_ratio": cpu_ratio, "rss_bytes": rss_bytes}
    )


def set_job_cancel_requested(connection: DuckDBPyConnection, job_id: int, by: str) -> None:
    queries.run(connection, "set_job_cancel_requested", {"id": job_id, "by": by})


def set_job_place(
    connection: DuckDBPyConnection, job_id: int, *, priority: int, after: tuple[int, ...]
) -> bool:
    """True when the job still waited in the queue."""
    params = {"id": job_id, "priority": priority, "after": after}
    return queries.run(connection, "set_job_place", params) == 1


def list_job_retries(connection: DuckDBPyConnection, job_id: int) -> list[Job]:
    return queries.rows(connection, "list_job_retries", {"id": job_id}, into=Job)


def set_job_result(
    connection: DuckDBPyConnection, job_id: int, *, result: dict[str, Any], reason: str
) -> None:
    queries.run(connection, "set_job_result", {"id": job_id, "result": result, "reason": reason})


def set_job_ended(
    connection: DuckDBPyConnection,
    job_id: int,
    *,
    state: JobState,
    at: datetime,
    reason: str = "",
    exit_code: int | None = None,
    signal: int | None = None,
    peak_rss_bytes: int = 0,
) -> bool:
    """True when the job had not ended before."""
    return (
        queries.run(
            connection,
            "set_job_ended",
            {
                "id": job_id,
                "state": state,
                "at": at,
                "reason": reason,
                "exit_code": exit_code,
                "signal": signal,
                "peak_rss_bytes": peak_rss_bytes,
            },
        )
        == 1
    )


def count_jobs(connection: DuckDBPyConnection, state: str) -> int:
    return queries.row(connection, "count_jobs", {"state": state}, into=int) or 0
