"""What the data area shows: datasets, versions of one, one version in detail, what moved, rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from console import errors
from console.client.client import Client
from console.wire import datasets as wire
from console.wire import jobs as jobs_wire
from console.wire.datasets import (
    CheckOfJob,
    DatasetName,
    DiffAnswer,
    GetRows,
    Rows,
    VersionDetail,
    VersionPair,
    VersionRef,
)
from console.wire.jobs import ListJobs
from console.wire.routes import Nothing
from storage.records.checks import CheckReport
from storage.records.contracts import Contract
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.drift import DriftReport
from storage.records.jobs import Job

LOOKED_AT = 20
"""So many failed ingests are looked through for one of the dataset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading."""

    datasets: tuple[Dataset, ...]
    dataset: str
    """The chosen one; empty when there is none."""
    versions: tuple[DatasetVersion, ...]
    """Of the chosen dataset, newest first."""
    detail: VersionDetail | None
    """Of the chosen version."""
    at: datetime
    refused: Job | None = None
    """The last ingest of the dataset, when its contract kept it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The contract of a dataset as its file says now."""

    dataset: str
    contract: Contract | None = None
    why_not: str = ""
    """What is wrong with the file; empty with no contract = there is none."""
    report: CheckReport | None = None
    """What it said of a delivery that was refused."""


def load(client: Client, *, dataset: str = "", version: str = "") -> Snapshot:
    """`dataset` empty = the one that changed last, `version` empty = the newest."""
    known = client.call(wire.list_datasets, Nothing())
    names = [each.name for each in known if each.version_count]
    chosen = dataset if dataset in names else ""
    if not chosen and names:
        chosen = max(known, key=lambda each: str(each.latest_at or "")).name
    versions: list[DatasetVersion] = []
    detail = None
    if chosen:
        versions = client.call(wire.list_versions, DatasetName(dataset=chosen))
        reference = VersionRef(dataset=chosen, version=version or "latest")
        try:
            detail = client.call(wire.get_version, reference)
        except errors.NotFoundError:
            detail = client.call(wire.get_version, VersionRef(dataset=chosen))
    return Snapshot(
        datasets=tuple(known),
        dataset=chosen,
        versions=tuple(versions),
        detail=detail,
        at=datetime.now(UTC),
        refused=_refused(client, chosen, versions[0]) if versions else None,
    )


def _refused(client: Client, dataset: str, newest: DatasetVersion) -> Job | None:
    """The newest refused delivery, as long as nothing came after it."""
    jobs = client.call(
        jobs_wire.list_jobs, ListJobs(kind="ingest", state="failed", limit=LOOKED_AT)
    )
    return next(
        (
            job
            for job in jobs
            if job.spec.get("dataset") == dataset
            and job.result.get("check")
            and job.id > (newest.job_id or 0)
        ),
        None,
    )


def load_drift(
    client: Client, *, dataset: str, before: str, after: str, is_delivery: bool = False
) -> DriftReport:
    """Which columns moved between two versions, or in the rows that came with the later one."""
    pair = VersionPair(dataset=dataset, before=before, after=after, is_delivery=is_delivery)
    return client.call(wire.get_drift, pair)


def load_diff(client: Client, *, dataset: str, before: str, after: str) -> DiffAnswer:
    """What changed between two versions; a job when it has to be computed first."""
    return client.call(wire.get_diff, VersionPair(dataset=dataset, before=before, after=after))


def load_rows(
    client: Client, *, dataset: str, version: str, offset: int = 0, limit: int = 200
) -> Rows:
    """A page of the rows of a version."""
    request = GetRows(dataset=dataset, version=version, offset=offset, limit=limit)
    return client.call(wire.list_rows, request)


def load_contract(client: Client, *, dataset: str, job: int = 0) -> Agreed:
    """The contract, or why there is none to show; with `job` what it said of what that brought."""
    report = client.call(wire.get_check, CheckOfJob(id=job)) if job else None
    try:
        found = client.call(wire.get_contract, DatasetName(dataset=dataset))
    except errors.NotFoundError:
        return Agreed(dataset=dataset, contract=report.contract if report else None, report=report)
    except errors.InvalidError as error:
        return Agreed(dataset=dataset, why_not=f"{error.message} {error.hint}".strip())
    return Agreed(dataset=dataset, contract=found, report=report)
