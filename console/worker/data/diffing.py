"""What changed between two versions of a dataset, reading only the chunks that differ.

The job behind `data diff` calls `diff`. Rows are matched by key; without one, or when it is not
unique, as a multiset, and the result says so. Cells are compared as exactly as versions are: 0.0
and −0.0 differ, NaN equals NaN.
Invariant: before − removed + added = after, and a chunk that both versions have is never opened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from console.worker.data.running import Watch, execute
from storage.chunks import chunks_sql
from storage.objects import Objects
from storage.parquet_types import hashed
from storage.records.chunks import Chunk, Manifest
from storage.records.datasets import SchemaColumn
from storage.records.diffs import ColumnDifference, DatasetDiff, RowDifference, SchemaChange
from storage.records.profiles import ColumnProfile, Profile
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXAMPLES: Final = 20
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
    sides = _Sides(connection, objects, before, after, pairs, old, new)
    note = sides.prepare(key, names) if old or new else ""
    used_key = tuple(key) if key and not note else ()
    if not key:
        note = "no key is declared: rows are compared whole, so a changed row is removed and added"
    rows = _Rows()
    if old or new:
        rows = sides.keyed(used_key, watch) if used_key else sides.multiset(watch)
    return DatasetDiff(
        before=names[0],
        after=names[1],
        before_rows=before.rows,
        after_rows=after.rows,
        key=used_key,
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


@dataclass(frozen=True, slots=True)
class Pair:
    """One column in both versions; its name may have changed."""

    before: SchemaColumn
    after: SchemaColumn


def compare_schemas(
    before: Manifest, after: Manifest
) -> tuple[list[Pair], tuple[SchemaChange, ...]]:
    """Return the columns both have and what is different about the columns.

    A column is called renamed only when shared chunks prove that its values are the same.
    """
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


class _Rows:
    """What the rows of the differing chunks say."""

    def __init__(self) -> None:
        self.added = self.removed = self.changed = 0
        self.cells: dict[str, int] = {}
        self.examples: list[RowDifference] = []


class _Sides:
    """The differing rows of both versions as two views with the names of the later one."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        objects: Objects,
        before: Manifest,
        after: Manifest,
        pairs: Sequence[Pair],
        old: Sequence[Chunk],
        new: Sequence[Chunk],
    ) -> None:
        self._connection = connection
        self._pairs = pairs
        self._columns = [pair.after.name for pair in pairs]
        for view, manifest, chunks in (("old side", before, old), ("new side", after, new)):
            listed = ", ".join(self._value(pair, view) for pair in pairs) or "NULL AS nothing"
            source = chunks_sql(manifest.columns, chunks, objects)
            connection.execute(
                f"CREATE OR REPLACE VIEW {quote(view)} AS SELECT {listed} FROM {source}"
            )

    @staticmethod
    def _value(pair: Pair, view: str) -> str:
        column = pair.before if view == "old side" else pair.after
        value = quote(column.name)
        if pair.before.type != pair.after.type:  # values of two types are compared as texts
            value = f"CAST({value} AS VARCHAR)"
        return f"{value} AS {quote(pair.after.name)}"

    def _exact(self, alias: str, columns: Sequence[str]) -> str:
        """The hash by which cells or rows are the same or not."""
        types = {pair.after.name: pair for pair in self._pairs}
        parts: list[str] = []
        for name in columns:
            pair = types[name]
            same = pair.before.type == pair.after.type
            kind = self._connection.sqltype(pair.after.type if same else "VARCHAR")
            parts.extend(hashed(f"{alias}.{quote(name)}", kind))
        return f"hash({', '.join(parts)})"

    def prepare(self, key: Sequence[str], names: tuple[str, str]) -> str:
        """Return why rows cannot be matched by `key`, or an empty text."""
        if not key:
            return ""
        lacking = [name for name in key if name not in self._columns]
        if lacking:
            return f"the key column {lacking[0]} is not in both versions: rows are compared whole"
        listed = ", ".join(map(quote, key))
        nulls = " OR ".join(f"{quote(name)} IS NULL" for name in key)
        for view, name in zip(("old side", "new side"), names, strict=True):
            repeated = (
                f"count({listed}) - count(DISTINCT {listed})"
                if len(key) == 1
                else f"(SELECT coalesce(sum(c - 1), 0) FROM (SELECT count(*) AS c "
                f"FROM {quote(view)} GROUP BY {listed} HAVING count(*) > 1))"
            )
            sql = f"SELECT {repeated}, count_if({nulls}) FROM {quote(view)}"
            found = [value or 0 for value in execute(self._connection, sql)[0]]
            if found[0]:
                return (
                    f"the key ({', '.join(key)}) is not unique in {name}: {int(found[0]):,} rows "
                    "repeat one, so rows are compared whole"
                )
            if found[1]:
                return (
                    f"the key ({', '.join(key)}) is null in {int(found[1]):,} rows of {name}: "
                    "rows are compared whole"
                )
        return ""

    # ------------------------------------------------------------------- with a key

    def keyed(self, key: Sequence[str], watch: Watch | None) -> _Rows:
        """Match by key on hashes first; whole rows are read for those that differ only."""
        keys = ", ".join(map(quote, key))
        others = [name for name in self._columns if name not in key]
        execute(
            self._connection,
            f"CREATE OR REPLACE TABLE {quote('moved rows')} AS SELECT {keys}, "
            f"CASE WHEN o.h IS NULL THEN 'added' WHEN n.h IS NULL THEN 'removed' "
            f"ELSE 'changed' END AS kind "
            f"FROM (SELECT {keys}, {self._exact('s', self._columns)} AS h FROM "
            f"{quote('old side')} AS s) AS o "
            f"FULL JOIN (SELECT {keys}, {self._exact('s', self._columns)} AS h FROM "
            f"{quote('new side')} AS s) AS n USING ({keys}) WHERE o.h IS DISTINCT FROM n.h",
            watch,
        )
        rows = _Rows()
        counts = dict(
            execute(
                self._connection,
                f"SELECT kind, count(*) FROM {quote('moved rows')} GROUP BY kind",
            )
        )
        rows.added, rows.removed = counts.get("added", 0), counts.get("removed", 0)
        rows.changed = counts.get("changed", 0)
        if rows.changed and others:
            rows.cells = self._cells(keys, others)
        for kind in ("changed", "added", "removed"):
            if counts.get(kind):
                rows.examples.extend(self._matched(kind, key))
        execute(self._connection, f"DROP TABLE {quote('moved rows')}")
        return rows

    def _cells(self, keys: str, columns: Sequence[str]) -> dict[str, int]:
        counts = ", ".join(
            f"count_if({self._exact('o', [name])} != {self._exact('n', [name])})"
            for name in columns
        )
        row = execute(
            self._connection,
            f"SELECT {counts} FROM {self._changed(keys)}",
        )[0]
        return dict(zip(columns, map(int, row), strict=True))

    def _changed(self, keys: str) -> str:
        moved = f"(SELECT {keys} FROM {quote('moved rows')} WHERE kind = 'changed') AS m"
        return (
            f"{moved} JOIN {quote('old side')} AS o USING ({keys}) "
            f"JOIN {quote('new side')} AS n USING ({keys})"
        )

    def _matched(self, kind: str, key: Sequence[str]) -> list[RowDifference]:
        keys = ", ".join(map(quote, key))
        first = ", ".join(f"m.{quote(name)}" for name in key)
        moved = (
            f"(SELECT {keys} FROM {quote('moved rows')} WHERE kind = '{kind}' "
            f"ORDER BY {keys} LIMIT {EXAMPLES}) AS m"
        )
        sides = {"added": ("n",), "removed": ("o",), "changed": ("o", "n")}[kind]
        joins = "".join(
            f" JOIN {quote('old side' if side == 'o' else 'new side')} AS {side} USING ({keys})"
            for side in sides
        )
        texts = [f"CAST({side}.{quote(c)} AS VARCHAR)" for side in sides for c in self._columns]
        flags = [
            f"{self._exact('o', [c])} != {self._exact('n', [c])}"
            for c in self._columns
            if kind == "changed"
        ]
        found = execute(
            self._connection,
            f"SELECT {', '.join([*texts, *flags])} FROM {moved}{joins} ORDER BY {first}",
        )
        return [self._example(kind, row, key) for row in found]

    def _example(self, kind: str, row: tuple[Any, ...], key: Sequence[str]) -> RowDifference:
        width = len(self._columns)
        one, rest = tuple(row[:width]), row[width:]
        two = tuple(rest[:width]) if kind == "changed" else ()
        before, after = {"added": ((), one), "removed": (one, ())}.get(kind, (one, two))
        flags = rest[width:] if kind == "changed" else ()
        places = [self._columns.index(name) for name in key]
        changed = (
            name for name, is_changed in zip(self._columns, flags, strict=False) if is_changed
        )
        if kind == "added":
            return RowDifference(kind="added", key=_at(one, places), after=after)
        if kind == "removed":
            return RowDifference(kind="removed", key=_at(one, places), before=before)
        return RowDifference(
            kind="changed", key=_at(one, places), before=before, after=after, changed=tuple(changed)
        )

    # ------------------------------------------------------------------- without a key

    def multiset(self, watch: Watch | None) -> _Rows:
        """Count whole rows: how often each occurs on either side."""
        execute(
            self._connection,
            f"CREATE OR REPLACE TABLE {quote('moved rows')} AS "
            f"SELECT h, sum(s)::BIGINT AS surplus FROM ("
            f"SELECT {self._exact('n', self._columns)} AS h, 1 AS s FROM {quote('new side')} AS n "
            f"UNION ALL SELECT {self._exact('o', self._columns)}, -1 FROM {quote('old side')} AS o)"
            f" GROUP BY h HAVING sum(s) != 0",
            watch,
        )
        rows = _Rows()
        row = execute(
            self._connection,
            f"SELECT coalesce(sum(surplus) FILTER (surplus > 0), 0), "
            f"coalesce(-sum(surplus) FILTER (surplus < 0), 0) FROM {quote('moved rows')}",
        )[0]
        rows.added, rows.removed = int(row[0]), int(row[1])
        texts = ", ".join(f"CAST(s.{quote(name)} AS VARCHAR)" for name in self._columns)
        for kind, view, sign in (("added", "new side", ">"), ("removed", "old side", "<")):
            found = execute(
                self._connection,
                f"SELECT {texts} FROM {quote(view)} AS s WHERE {self._exact('s', self._columns)} "
                f"IN (SELECT h FROM {quote('moved rows')} WHERE surplus {sign} 0) "
                f"LIMIT {EXAMPLES}",
            )
            rows.examples.extend(self._example(kind, each, ()) for each in found)
        execute(self._connection, f"DROP TABLE {quote('moved rows')}")
        return rows


def _at(row: tuple[str | None, ...], places: Sequence[int]) -> tuple[str | None, ...]:
    return tuple(row[place] for place in places)


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
