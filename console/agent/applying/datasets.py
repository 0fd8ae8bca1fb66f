"""A worker has made a dataset version: it gets its number and becomes visible, all at once.

Ingests of one dataset take turns (see `Supervisor`), so the parent that was told at the start is
still the latest when the report arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from console import text
from console.agent.ingest import Source
from storage.records.datasets import DatasetVersion
from storage.records.jobs import Job, JobState
from storage.records.reports import VersionReport
from storage.records.results import Result
from storage.tables import datasets, jobs, ledger

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HISTORY = 24
"""So many earlier versions a contract may look back to."""


def start_ingest(connection: DuckDBPyConnection, job: Job) -> dict[str, Any]:
    """The spec of an ingest with what is there before it."""
    versions = datasets.list_dataset_versions(connection, job.spec["dataset"])
    dataset = datasets.get_dataset(connection, job.spec["dataset"])
    return job.spec | {
        "history": _history(connection, versions),
        "manifests": [each.manifest for each in versions],
        "known_key": list(dataset.key_columns if dataset else ()),
        "known": {each.digest: each.version for each in reversed(versions)},
        "appended": _files_in_latest(versions),
        "tables": _tables(connection, job.spec["sql"]),
    }


def start_check(connection: DuckDBPyConnection, job: Job) -> dict[str, Any]:
    """The spec of a contract check with the versions before what is checked."""
    versions = datasets.list_dataset_versions(connection, job.spec["dataset"])
    checked = job.spec["version"]
    if checked:
        versions = [each for each in versions if each.version < checked["version"]]
    dataset = datasets.get_dataset(connection, job.spec["dataset"])
    return job.spec | {
        "history": _history(connection, versions),
        "tables": _tables(connection, ""),
        "key": job.spec["key"] or list(dataset.key_columns if dataset else ()),
    }


def _files_in_latest(versions: list[DatasetVersion]) -> dict[str, int]:
    """sha256 -> version for the files whose rows, one after another, are the latest version."""
    found: dict[str, int] = {}
    by_number = {each.version: each for each in versions}
    version = versions[0] if versions else None
    while version is not None:
        if digest := version.source_facts.get("sha256"):
            found[digest] = version.version
        is_appended = version.source_facts.get("added") == "appended"
        version = by_number.get(version.parent or 0) if is_appended else None
    return found


def _tables(connection: DuckDBPyConnection, query: str) -> dict[str, str]:
    """View -> manifest for what a query may mean: `flights` is the latest, `"flights@v3"` that."""
    tables: dict[str, str] = {}
    for each in datasets.list_manifests(connection):
        tables[each.dataset] = each.manifest
        if (name := f"{each.dataset}@v{each.version}") in query:
            tables[name] = each.manifest
    return tables


def _history(
    connection: DuckDBPyConnection, versions: Sequence[DatasetVersion]
) -> list[dict[str, Any]]:
    """Earlier versions for baselines and trends, newest first; of their results the rates, and
    all of the newest one's."""
    results = (
        datasets.list_dataset_results(connection, versions[0].dataset, versions[0].version, HISTORY)
        if versions
        else {}
    )
    return [
        {
            "version": each.version,
            "name": each.name,
            "manifest": each.manifest,
            "profile": each.profile,
            "rows": each.rows,
            "delivered": delivered_rows(each),
            "created_at": each.created_at.isoformat(),
            "results": [] if number else msgspec.to_builtins(results.get(each.version, ())),
            "rates": _rates(results.get(each.version, ())),
        }
        for number, each in enumerate(versions[:HISTORY])
    ]


def _rates(results: Sequence[Result]) -> dict[str, tuple[int, int]]:
    """Rule id -> (violations, rows) of the results that are rates."""
    return {
        dict(each.detail).get("rule", ""): (round(each.value * each.n), each.n)
        for each in results
        if each.unit == "%" and each.value is not None and each.n
    }


def delivered_rows(version: DatasetVersion) -> int:
    """The rows that came with a version: all of it, or what was appended."""
    is_appended = version.source_facts.get("added") == "appended"
    return int(version.source_facts.get("rows", version.rows)) if is_appended else version.rows


def apply_version(
    connection: DuckDBPyConnection, source: Source, report: VersionReport
) -> tuple[str, ...]:
    """Give the version its number, its tag and its ledger entry."""
    version = report.version
    spec = source.job.spec if source.job else {}
    if report.has_changed:
        number = datasets.next_dataset_version(connection, version.dataset)
        version = replace(version, version=number)
        datasets.create_dataset(
            connection,
            name=version.dataset,
            note=spec.get("dataset_note", ""),
            at=version.created_at,
            by=version.created_by,
        )
        datasets.create_dataset_version(connection, version, report.results)
        _record(connection, source, "data.add", version, _summary(version), spec.get("shell", ""))
    if report.has_changed or report.key:
        datasets.set_dataset_key(connection, version.dataset, report.key)
    if tag := spec.get("tag"):
        datasets.set_dataset_tag(
            connection,
            version.dataset,
            tag,
            version.version,
            at=source.at,
            by=version.created_by,
        )
        command = f"mlops-console data tag {version.name} {tag}"
        _record(connection, source, "data.tag", version, f"tags {version.name} as {tag}", command)
    return "datasets", "ledger"


def ingest_ended(
    connection: DuckDBPyConnection, job: Job, state: JobState, _reason: str, _at: datetime
) -> tuple[str, ...]:
    """Complete the result of an ingest with the number its version was given; a refused delivery
    is news of its dataset too."""
    if job.kind != "ingest":
        return ()
    if state != "succeeded":
        return ("datasets",)
    ended = jobs.get_job(connection, job.id)
    version = datasets.get_dataset_version_of_job(connection, job.id)
    if ended is not None and version is not None:
        result = ended.result | {"version": version.version, "name": version.name}
        jobs.set_job_result(connection, job.id, result=result, reason=ended.reason)
    return ()


def check_ended(
    _connection: DuckDBPyConnection, job: Job, _state: JobState, _reason: str, _at: datetime
) -> tuple[str, ...]:
    """A draft that was kept is the contract of its dataset now."""
    return ("datasets",) if job.kind == "check" and job.spec.get("keep") else ()


def _summary(version: DatasetVersion) -> str:
    verdict = {"fail": ", although its contract fails", "error": ", although its check failed"}
    return (
        f"adds {version.name}: {text.counted(version.rows, 'row')} "
        f"from {text.clean(version.source)}{verdict.get(version.verdict, '')}"
    )


def _record(
    connection: DuckDBPyConnection,
    source: Source,
    action: str,
    version: DatasetVersion,
    summary: str,
    command: str,
) -> None:
    detail = {"digest": version.digest, "rows": str(version.rows), "verdict": version.verdict}
    ledger.record(
        connection,
        at=source.at,
        actor=source.job.created_by if source.job else version.created_by,
        action=action,
        subject=version.name,
        summary=summary,
        command=command,
        detail=detail | ({"job": str(source.job.id)} if source.job else {}),
    )
