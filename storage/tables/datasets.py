"""Datasets, their versions, tags and known diffs: one typed function per named query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from storage import queries
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.results import Result

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionName:
    """Everything one version can be called."""

    version: int
    digest: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionManifest:
    """Where the rows of a version are."""

    dataset: str
    version: int
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionResults:
    """What the contract said of one version."""

    version: int
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Something that was made from a version."""

    version: int
    what: str
    """`run 117`, `delays@v5`, `endpoint delays`."""
    place: int
    number: int


MOST_USES: Final = 20
"""So many are named for one version; of the others only the count."""


def list_datasets(connection: DuckDBPyConnection) -> list[Dataset]:
    return queries.rows(connection, "list_datasets", {"name": ""}, into=Dataset)


def get_dataset(connection: DuckDBPyConnection, name: str) -> Dataset | None:
    return queries.row(connection, "list_datasets", {"name": name}, into=Dataset)


def create_dataset(
    connection: DuckDBPyConnection, *, name: str, note: str, at: datetime, by: str
) -> None:
    """Does nothing when the name exists."""
    params = {"name": name, "note": note, "key_columns": (), "created_at": at, "created_by": by}
    queries.run(connection, "create_dataset", params)


def set_dataset_key(connection: DuckDBPyConnection, name: str, key: tuple[str, ...]) -> None:
    queries.run(connection, "set_dataset_key", {"name": name, "key_columns": key})


def set_dataset_note(connection: DuckDBPyConnection, name: str, note: str) -> None:
    queries.run(connection, "set_dataset_note", {"name": name, "note": note})


def next_dataset_version(connection: DuckDBPyConnection, dataset: str) -> int:
    found = queries.row(connection, "next_dataset_version", {"dataset": dataset}, into=int)
    return found or 1


def create_dataset_version(
    connection: DuckDBPyConnection, version: DatasetVersion, results: tuple[Result, ...]
) -> None:
    """Tags and users of a version are rows of their own and not written here."""
    params = queries.params_of(version, results=results)
    del params["tags"], params["used_by"]
    queries.run(connection, "create_dataset_version", params)


def list_dataset_versions(connection: DuckDBPyConnection, dataset: str) -> list[DatasetVersion]:
    params = {"dataset": dataset}
    found = queries.rows(connection, "list_dataset_versions", params, into=DatasetVersion)
    uses = list_dataset_uses(connection, dataset)
    return [replace(each, used_by=uses.get(each.version, ())) for each in found]


def get_dataset_version(
    connection: DuckDBPyConnection, dataset: str, version: int
) -> DatasetVersion | None:
    params = {"dataset": dataset, "version": version}
    found = queries.row(connection, "get_dataset_version", params, into=DatasetVersion)
    if found is None:
        return None
    return replace(found, used_by=list_dataset_uses(connection, dataset).get(version, ()))


def list_manifests(connection: DuckDBPyConnection) -> list[VersionManifest]:
    """Of all datasets; the last one of a dataset is its newest."""
    return queries.rows(connection, "list_manifests", into=VersionManifest)


def list_dataset_uses(connection: DuckDBPyConnection, dataset: str) -> dict[int, tuple[str, ...]]:
    """Version -> what was made from it: endpoints, models, then the newest runs."""
    found = queries.rows(connection, "list_dataset_uses", {"dataset": dataset}, into=Use)
    uses = {
        version: [each.what for each in group]
        for version, group in groupby(found, key=lambda each: each.version)
    }
    return {
        version: (*names[:MOST_USES], *_and_more(len(names) - MOST_USES))
        for version, names in uses.items()
    }


def _and_more(count: int) -> tuple[str, ...]:
    return (f"{count} more",) if count > 0 else ()


def get_dataset_version_of_job(
    connection: DuckDBPyConnection, job_id: int
) -> DatasetVersion | None:
    """The version an ingest made; None when it made none."""
    params = {"job_id": job_id}
    return queries.row(connection, "get_dataset_version_of_job", params, into=DatasetVersion)


def list_dataset_version_names(connection: DuckDBPyConnection, dataset: str) -> list[VersionName]:
    params = {"dataset": dataset}
    return queries.rows(connection, "list_dataset_version_names", params, into=VersionName)


def get_dataset_results(
    connection: DuckDBPyConnection, dataset: str, version: int
) -> tuple[Result, ...]:
    params = {"dataset": dataset, "version": version}
    found = queries.row(connection, "get_dataset_results", params, into=tuple[Result, ...])
    return found or ()


def list_dataset_results(
    connection: DuckDBPyConnection, dataset: str, version: int, limit: int
) -> dict[int, tuple[Result, ...]]:
    """Version -> contract results, of `version` and so many before it."""
    params = {"dataset": dataset, "version": version, "limit": limit}
    found = queries.rows(connection, "list_dataset_results", params, into=VersionResults)
    return {each.version: each.results for each in found}


def set_dataset_version_note(
    connection: DuckDBPyConnection, dataset: str, version: int, note: str
) -> None:
    params = {"dataset": dataset, "version": version, "note": note}
    queries.run(connection, "set_dataset_version_note", params)


def set_dataset_tag(
    connection: DuckDBPyConnection,
    dataset: str,
    tag: str,
    version: int,
    *,
    at: datetime,
    by: str,
) -> None:
    params = {"dataset": dataset, "tag": tag, "version": version, "set_at": at, "set_by": by}
    queries.run(connection, "set_dataset_tag", params)


def get_dataset_tag(connection: DuckDBPyConnection, dataset: str, tag: str) -> int | None:
    params = {"dataset": dataset, "tag": tag}
    return queries.row(connection, "get_dataset_tag", params, into=int)


def remove_dataset_tag(connection: DuckDBPyConnection, dataset: str, tag: str) -> bool:
    """True when there was such a tag."""
    params = {"dataset": dataset, "tag": tag}
    return queries.run(connection, "remove_dataset_tag", params) == 1


def record_dataset_diff(
    connection: DuckDBPyConnection,
    *,
    before: str,
    after: str,
    key: tuple[str, ...],
    digest: str,
    at: datetime,
) -> None:
    """`before` and `after` are digests of versions, `digest` names the diff's object."""
    params = {
        "before_digest": before,
        "after_digest": after,
        "key_columns": key,
        "object": digest,
        "computed_at": at,
    }
    queries.run(connection, "record_dataset_diff", params)


def get_dataset_diff(
    connection: DuckDBPyConnection, *, before: str, after: str, key: tuple[str, ...]
) -> str | None:
    params = {"before_digest": before, "after_digest": after, "key_columns": key}
    return queries.row(connection, "get_dataset_diff", params, into=str)
