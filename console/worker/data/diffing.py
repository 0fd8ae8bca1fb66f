"""What changed between two versions of a dataset, reading only the chunks that differ.

The job behind `data diff` calls `diff`. Rows are matched by key; without one, or when it is not
unique, as a multiset, and the result says so. Cells are compared as exactly as versions are: 0.0
and −0.0 differ, NaN equals NaN.
Invariant: before − removed + added = after, and a chunk that both versions have is never opened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from console.worker.data.diff_aligned import Aligned, match
from console.worker.data.diff_rows import Rows, Sides
from console.worker.data.diff_schema import Pair, compare_schemas
from console.worker.data.running import Watch
from storage.objects import Objects
from storage.records.chunks import Chunk, Manifest
from storage.records.diffs import ColumnDifference, DatasetDiff
from storage.records.profiles import ColumnProfile, Profile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_VALUES: Final = 20


def diff(
    connection: DuckDBPyConnection,
    objects: Objects,
    before: Manifest,
    after: Manifest,
    *,
    names: tuple[str, str],
    key: Sequence[str] = (),
    profiles: tuple[Profile, Profile] | None = None,
    watch: Watch | None = None,
) -> DatasetDiff:
    """Compare two versions; `names` are what they are called, `profiles` those of both.

    `distributions` of the result is left empty: it is the drift between the profiles.
    """
    pairs, schema = compare_schemas(before, after)
    old, new = _differing(before, after)
    matches, old_rest, new_rest = match(before, after, pairs, key, old, new)
    sides = Sides(connection, objects, before, after, pairs, old_rest, new_rest)
    note = sides.prepare(key, names) if old or new else ""
    rows = Rows()
    if key and not note:
        rows = Aligned(connection, objects, before, after, pairs, matches).compare(key, watch)
        if old_rest or new_rest:
            rows.include(sides.keyed(key, watch))
    elif old or new:
        rows = Sides(connection, objects, before, after, pairs, old, new).multiset(watch)
    if not key:
        note = "no key is declared: rows are compared whole, so a changed row is removed and added"
    return DatasetDiff(
        before=names[0],
        after=names[1],
        before_rows=before.rows,
        after_rows=after.rows,
        key=tuple(key) if not note else (),
        note=note,
        schema=schema,
        columns=tuple(pair.after.name for pair in pairs),
        rows_added=rows.added,
        rows_removed=rows.removed,
        rows_changed=rows.changed,
        rows_same=after.rows - rows.added - rows.changed,
        differences=_differences(pairs, rows.cells, profiles),
        examples=tuple(rows.examples),
        chunks_shared=len(after.chunks) - len(new),
        chunks_read=len(old) + len(new),
        rows_read=sum(chunk.rows for chunk in (*old, *new)),
    )


def _differing(before: Manifest, after: Manifest) -> tuple[list[Chunk], list[Chunk]]:
    """Return the chunks that only one of them has; a chunk may occur several times."""
    if before.algorithm != after.algorithm:
        return list(before.chunks), list(after.chunks)
    left = Counter(chunk.digest for chunk in before.chunks)
    right = Counter(chunk.digest for chunk in after.chunks)
    return _surplus(before.chunks, left - right), _surplus(after.chunks, right - left)


def _surplus(chunks: Sequence[Chunk], counts: Counter[str]) -> list[Chunk]:
    found = []
    for chunk in chunks:
        if counts[chunk.digest] > 0:
            counts[chunk.digest] -= 1
            found.append(chunk)
    return found


def _differences(
    pairs: Sequence[Pair], cells: dict[str, int], profiles: tuple[Profile, Profile] | None
) -> tuple[ColumnDifference, ...]:
    known: list[dict[str, ColumnProfile]] = [
        {column.name: column for column in profile.columns} for profile in profiles or ()
    ]
    found = []
    for pair in pairs:
        old = known[0].get(pair.before.name) if known else None
        new = known[1].get(pair.after.name) if known else None
        found.append(
            ColumnDifference(
                column=pair.after.name,
                cells_changed=cells.get(pair.after.name, 0),
                nulls_before=old.null_count if old else None,
                nulls_after=new.null_count if new else None,
                new_values=_only(new, old),
                vanished_values=_only(old, new),
            )
        )
    return tuple(found)


def _only(one: ColumnProfile | None, other: ColumnProfile | None) -> tuple[str, ...]:
    """Values that `one` has and `other` provably has not: it lists everything it saw."""
    if one is None or other is None or other.other_count or other.kind != "categorical":
        return ()
    known = {value for value, _ in other.top}
    return tuple(value for value, _ in one.top if value not in known)[:MOST_VALUES]
