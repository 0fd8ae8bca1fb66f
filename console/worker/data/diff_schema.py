"""What is different about the columns of two versions.

Used by `diffing`. Invariant: a column is called renamed only when shared chunks prove that its
values are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.records.chunks import Manifest
from storage.records.datasets import SchemaColumn
from storage.records.diffs import SchemaChange


@dataclass(frozen=True, slots=True)
class Pair:
    """One column in both versions; its name may have changed."""

    before: SchemaColumn
    after: SchemaColumn

    @property
    def is_same_type(self) -> bool:
        return self.before.type == self.after.type


def compare_schemas(
    before: Manifest, after: Manifest
) -> tuple[list[Pair], tuple[SchemaChange, ...]]:
    """Return the columns that both have, in the order of the later one, and what changed."""
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    renamed = _renamed(before, after)
    pairs = []
    changes = []
    for position, column in enumerate(after.columns):
        origin = old.get(renamed.get(column.name, column.name))
        if origin is None:
            changes.append(SchemaChange(column=column.name, kind="added", after=column.type))
            continue
        pairs.append(Pair(origin, column))
        if origin.name != column.name:
            changes.append(
                SchemaChange(
                    column=column.name, kind="renamed", before=origin.name, after=column.name
                )
            )
        if origin.type != column.type:
            changes.append(
                SchemaChange(
                    column=column.name, kind="retyped", before=origin.type, after=column.type
                )
            )
        place = before.columns.index(origin)
        if place != position and len(old) == len(new) and set(old) == set(new):
            changes.append(
                SchemaChange(
                    column=column.name, kind="moved", before=str(place + 1), after=str(position + 1)
                )
            )
    kept = {pair.before.name for pair in pairs}
    changes.extend(
        SchemaChange(column=column.name, kind="removed", before=column.type)
        for column in before.columns
        if column.name not in kept
    )
    return pairs, tuple(changes)


def _renamed(before: Manifest, after: Manifest) -> dict[str, str]:
    """Return new name -> old name for columns that kept type, place and values."""
    same_types = [c.type for c in before.columns] == [c.type for c in after.columns]
    digests = {chunk.digest for chunk in before.chunks}
    shares = before.algorithm == after.algorithm and any(c.digest in digests for c in after.chunks)
    if not same_types or not shares:
        return {}
    return {
        new.name: old.name
        for old, new in zip(before.columns, after.columns, strict=True)
        if old.name != new.name
    }
