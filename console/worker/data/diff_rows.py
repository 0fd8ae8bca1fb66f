"""Rows of two versions, matched by key or counted as a multiset.

Used by `diffing` for the chunks that have no counterpart (see `diff_aligned`). Cells are compared
by the hash that names chunks. Invariant: what is counted here is what is in the chunks given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from console.worker.data.diff_schema import Pair
from console.worker.data.running import Watch, execute
from storage.chunks import chunks_sql
from storage.objects import Objects
from storage.parquet_types import hashed
from storage.records.chunks import Chunk, Manifest
from storage.records.diffs import RowDifference
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXAMPLES: Final = 20


class Rows:
    """What rows say: how many came, went and changed, which cells, and some of them."""

    def __init__(self) -> None:
        self.added = self.removed = self.changed = 0
        self.cells: dict[str, int] = {}
        self.examples: list[RowDifference] = []

    def include(self, other: Rows) -> None:
        """Add what was found in other rows."""
        self.added += other.added
        self.removed += other.removed
        self.changed += other.changed
        for name, count in other.cells.items():
            self.cells[name] = self.cells.get(name, 0) + count
        for kind in ("changed", "added", "removed"):
            have = sum(each.kind == kind for each in self.examples)
            more = [each for each in other.examples if each.kind == kind]
            self.examples.extend(more[: EXAMPLES - have])


class Cells:
    """By which SQL cells of two versions are the same or not."""

    def __init__(self, connection: DuckDBPyConnection, pairs: Sequence[Pair]) -> None:
        self._kinds = {
            pair.after.name: connection.sqltype(pair.after.type if pair.is_same_type else "VARCHAR")
            for pair in pairs
        }

    def hash(self, alias: str, columns: Sequence[str]) -> str:
        """The hash of these columns of the table `alias`, under their later names."""
        parts: list[str] = []
        for name in columns:
            parts.extend(hashed(f"{alias}.{quote(name)}", self._kinds[name]))
        return f"hash({', '.join(parts)})"

    def differs(self, name: str) -> str:
        """Whether a cell of the tables `o` (before) and `n` (after) differs."""
        return f"{self.hash('o', [name])} != {self.hash('n', [name])}"


def named(pairs: Sequence[Pair], relation: str, *, is_before: bool) -> str:
    """Select the common columns under their later names; retyped ones as text."""
    values = []
    for pair in pairs:
        value = quote(pair.before.name if is_before else pair.after.name)
        if not pair.is_same_type:
            value = f"CAST({value} AS VARCHAR)"
        values.append(f"{value} AS {quote(pair.after.name)}")
    return f"SELECT {', '.join(values) or 'NULL AS nothing'} FROM {relation}"


class Sides:
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
        self._columns = [pair.after.name for pair in pairs]
        self._cells = Cells(connection, pairs)
        for view, manifest, chunks in (("old side", before, old), ("new side", after, new)):
            source = chunks_sql(manifest.columns, chunks, objects)
            query = named(pairs, source, is_before=view == "old side")
            connection.execute(f"CREATE OR REPLACE VIEW {quote(view)} AS {query}")

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

    def keyed(self, key: Sequence[str], watch: Watch | None) -> Rows:
        """Match by key on hashes first; whole rows are read for those that differ only."""
        keys = ", ".join(map(quote, key))
        others = [name for name in self._columns if name not in key]
        execute(
            self._connection,
            f"CREATE OR REPLACE TABLE {quote('moved rows')} AS SELECT {keys}, "
            f"CASE WHEN o.h IS NULL THEN 'added' WHEN n.h IS NULL THEN 'removed' "
            f"ELSE 'changed' END AS kind "
            f"FROM (SELECT {keys}, {self._cells.hash('s', self._columns)} AS h FROM "
            f"{quote('old side')} AS s) AS o "
            f"FULL JOIN (SELECT {keys}, {self._cells.hash('s', self._columns)} AS h FROM "
            f"{quote('new side')} AS s) AS n USING ({keys}) WHERE o.h IS DISTINCT FROM n.h",
            watch,
        )
        rows = Rows()
        counts = dict(
            execute(
                self._connection,
                f"SELECT kind, count(*) FROM {quote('moved rows')} GROUP BY kind",
            )
        )
        rows.added, rows.removed = counts.get("added", 0), counts.get("removed", 0)
        rows.changed = counts.get("changed", 0)
        if rows.changed and others:
            rows.cells = self._changed_cells(keys, others)
        for kind in ("changed", "added", "removed"):
            if counts.get(kind):
                rows.examples.extend(self._matched(kind, key))
        execute(self._connection, f"DROP TABLE {quote('moved rows')}")
        return rows

    def _changed_cells(self, keys: str, columns: Sequence[str]) -> dict[str, int]:
        counts = ", ".join(f"count_if({self._cells.differs(name)})" for name in columns)
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
        flags = [self._cells.differs(name) for name in self._columns if kind == "changed"]
        found = execute(
            self._connection,
            f"SELECT {', '.join([*texts, *flags])} FROM {moved}{joins} ORDER BY {first}",
        )
        return [example(kind, row, self._columns, key) for row in found]

    # ------------------------------------------------------------------- without a key

    def multiset(self, watch: Watch | None) -> Rows:
        """Count whole rows: how often each occurs on either side."""
        now, then, either = (self._cells.hash(alias, self._columns) for alias in "nos")
        execute(
            self._connection,
            f"CREATE OR REPLACE TABLE {quote('moved rows')} AS "
            f"SELECT h, sum(s)::BIGINT AS surplus FROM ("
            f"SELECT {now} AS h, 1 AS s FROM {quote('new side')} AS n "
            f"UNION ALL SELECT {then}, -1 FROM {quote('old side')} AS o) "
            f"GROUP BY h HAVING sum(s) != 0",
            watch,
        )
        rows = Rows()
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
                f"SELECT {texts} FROM {quote(view)} AS s WHERE {either} "
                f"IN (SELECT h FROM {quote('moved rows')} WHERE surplus {sign} 0) "
                f"LIMIT {EXAMPLES}",
            )
            rows.examples.extend(example(kind, each, self._columns, ()) for each in found)
        execute(self._connection, f"DROP TABLE {quote('moved rows')}")
        return rows


def example(
    kind: str, row: tuple[Any, ...], columns: Sequence[str], key: Sequence[str]
) -> RowDifference:
    """Make an example of a result row: the cells of one side, or of both and what differs."""
    width = len(columns)
    one, two, flags = tuple(row[:width]), tuple(row[width : 2 * width]), row[2 * width :]
    found = tuple(one[columns.index(name)] for name in key)
    if kind == "added":
        return RowDifference(kind="added", key=found, after=one)
    if kind == "removed":
        return RowDifference(kind="removed", key=found, before=one)
    changed = tuple(name for name, is_changed in zip(columns, flags, strict=True) if is_changed)
    return RowDifference(kind="changed", key=found, before=one, after=two, changed=changed)
