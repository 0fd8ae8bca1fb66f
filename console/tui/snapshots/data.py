"""What the data area shows: datasets, versions of one, one version in detail, what moved, rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from console import errors
from console.client.client import Client
from console.wire import datasets as wire
from console.wire.datasets import (
    DatasetName,
    DiffAnswer,
    GetRows,
    Rows,
    VersionDetail,
    VersionPair,
    VersionRef,
)
from console.wire.routes import Nothing
from storage.records.contracts import Contract
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.drift import DriftReport


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The contract of a dataset as its file says now."""

    dataset: str
    contract: Contract | None = None
    why_not: str = ""
    """What is wrong with the file; empty with no contract = there is none."""


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


def load_contract(client: Client, *, dataset: str) -> Agreed:
    """The contract, or why there is none to show."""
    try:
        found = client.call(wire.get_contract, DatasetName(dataset=dataset))
    except errors.NotFoundError:
        return Agreed(dataset=dataset)
    except errors.InvalidError as error:
        return Agreed(dataset=dataset, why_not=f"{error.message} {error.hint}".strip())
    return Agreed(dataset=dataset, contract=found)
