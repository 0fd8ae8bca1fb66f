"""Which function applies which report; the one list a new kind of report is added to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.agent.ingest import Applier, Ender, Source, Starter
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
}
ENDERS: tuple[Ender, ...] = ()
STARTERS: dict[str, Starter] = {}
