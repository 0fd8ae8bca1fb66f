"""What children report becomes rows: every tag has one function, applied in one transaction.

An applier gets the connection, whom the report is from and the typed record. It returns the topics
that changed. It runs again only if the transaction that moved the journal's offset did not commit,
so it needs no protection against doubles.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from storage.records.jobs import Job, JobState
from storage.records.reports import REPORTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger("console.agent")


@dataclass(frozen=True, slots=True)
class Source:
    """Whose journal is read."""

    at: datetime
    """Time of the ingest."""
    job: Job | None = None
    endpoint: str = ""


Applier = Callable[["DuckDBPyConnection", Source, Any], tuple[str, ...]]
Ender = Callable[["DuckDBPyConnection", Job, JobState, str, datetime], tuple[str, ...]]
"""Told once when a job has ended, in the transaction that says so: job, state, reason, when."""
Starter = Callable[["DuckDBPyConnection", Job], dict[str, Any]]
"""Gives the spec of a job that starts now, with what can only be known then."""


class Ingest:
    """Turns journal documents into changes of the store."""

    def __init__(self, appliers: dict[str, Applier], enders: tuple[Ender, ...] = ()) -> None:
        unknown = set(appliers) - set(REPORTS)
        missing = set(REPORTS) - set(appliers)
        if unknown or missing:
            raise LookupError(
                f"reports without applier: {missing}; appliers for nothing: {unknown}"
            )
        self._appliers = appliers
        self._enders = enders

    def job_ended(
        self,
        connection: DuckDBPyConnection,
        job: Job,
        state: JobState,
        reason: str,
        at: datetime,
    ) -> tuple[str, ...]:
        """Let every row know that a job has ended; returns the topics that changed."""
        topics: set[str] = set()
        for ender in self._enders:
            topics.update(ender(connection, job, state, reason, at))
        return tuple(sorted(topics))

    def apply(
        self, connection: DuckDBPyConnection, source: Source, documents: list[dict[str, Any]]
    ) -> tuple[str, ...]:
        """Apply documents in order; returns the topics that changed.

        Neighbours with the same tag are handed over together when the applier's name ends in
        `_many`: thousands of request events are one statement, not thousands.
        """
        topics: set[str] = set()
        for tag, group in _runs_of_one_tag(documents):
            applier = self._appliers.get(tag)
            records = [record for each in group if (record := _typed(tag, each)) is not None]
            if applier is None or not records:
                continue
            if applier.__name__.endswith("_many"):
                topics.update(applier(connection, source, records))
            else:
                for record in records:
                    topics.update(applier(connection, source, record))
        return tuple(sorted(topics))


def _runs_of_one_tag(documents: list[dict[str, Any]]) -> list[tuple[str, list[Any]]]:
    found: list[tuple[str, list[Any]]] = []
    for document in documents:
        tag = document.get("t", "")
        if not found or found[-1][0] != tag:
            found.append((tag, []))
        found[-1][1].append(document.get("d"))
    return found


def _typed(tag: str, payload: Any) -> Any | None:
    cls = REPORTS.get(tag)
    if cls is None:
        log.warning("a journal holds a report of unknown kind %r; it is skipped", tag)
        return None
    try:
        return msgspec.convert(payload, cls)
    except msgspec.ValidationError as error:
        log.warning("a journal holds a %s report that does not fit (%s); it is skipped", tag, error)
        return None
