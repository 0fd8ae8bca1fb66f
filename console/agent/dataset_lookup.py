"""Finding dataset versions by what people call them; for every row that speaks of data."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from console import errors
from console.rules import references
from storage.records.datasets import Dataset, DatasetVersion
from storage.tables import datasets

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHOWN = 6
"""So many versions are named when one is not found."""


def find_dataset(connection: DuckDBPyConnection, name: str) -> Dataset:
    """The dataset of that name; raises `NotFoundError` with the nearest one."""
    found = datasets.get_dataset(connection, name)
    if found is not None:
        return found
    names = [each.name for each in datasets.list_datasets(connection)]
    near = get_close_matches(name, names, n=1)
    raise errors.NotFoundError(
        f"there is no dataset {name!r}.",
        hint=f"Did you mean {near[0]}?" if near else f"Add it: mlops-console data add {name} FILE",
    )


def find_version(
    connection: DuckDBPyConnection, dataset: str, reference: str = references.LATEST
) -> DatasetVersion:
    """The version named by `3`, `v3`, `latest`, a tag or an unambiguous digest prefix.

    Raises `NotFoundError` when there is none, `ConflictError` when a prefix fits several.
    """
    known = datasets.list_dataset_version_names(connection, dataset)
    named = [
        references.Named(version=each.version, digest=each.digest, tags=each.tags) for each in known
    ]
    numbers = references.find(reference, named)
    if len(numbers) == 1:
        found = datasets.get_dataset_version(connection, dataset, numbers[0])
        assert found is not None  # listed a moment ago on the same snapshot
        return found
    if numbers:
        raise errors.ConflictError(
            f"{dataset}@{reference} fits {len(numbers)} versions: "
            f"{', '.join(f'v{number}' for number in sorted(numbers))}.",
            hint="Give more of the digest, or the number.",
        )
    if not known:
        find_dataset(connection, dataset)
        raise errors.NotFoundError(
            f"{dataset} has no version yet.", hint=f"Add one: mlops-console data add {dataset} FILE"
        )
    listed = ", ".join(f"v{each.version}" for each in known[:_SHOWN])
    more = ", …" if len(known) > _SHOWN else ""
    raise errors.NotFoundError(
        f"{dataset} has no version {reference!r}; it has {listed}{more}.",
        hint=f"See them: mlops-console data list {dataset}",
    )
