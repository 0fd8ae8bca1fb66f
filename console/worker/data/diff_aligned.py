"""Chunks that changed in some columns only: compared row by row, reading just these columns.

Used by `diffing`. When a version changes cells but neither key nor number of rows, a new chunk
takes the files of its other columns from the old one; then rows belong together by their place, and
no join is needed (10 M rows with 100,000 changed cells: 0.5 s instead of 5 s).
Invariant: two chunks are matched only when all key columns come from the very same files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.worker.data.diff_rows import EXAMPLES, Cells, Rows, example, named
from console.worker.data.diff_schema import Pair
from console.worker.data.running import Watch, execute
from storage.chunks import chunks_sql
from storage.objects import Objects
from storage.records.chunks import Chunk, Manifest
from storage.records.diffs import RowDifference
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Place = tuple[str, str]
"""(object, name of the column inside it)"""
_TABLE = quote("changed cells")


@dataclass(frozen=True, slots=True)
class Match:
    """Two chunks with the same keys in the same order."""

    before: Chunk
    after: Chunk
    changed: tuple[str, ...]
    """Columns that come from different files, by their later names."""


def match(
    before: Manifest,
    after: Manifest,
    pairs: Sequence[Pair],
    key: Sequence[str],
    old: Sequence[Chunk],
    new: Sequence[Chunk],
) -> tuple[list[Match], list[Chunk], list[Chunk]]:
    """Return the matches, and the chunks of both sides that have none."""
    keyed = [pair for pair in pairs if pair.after.name in key]
    if not key or len(keyed) != len(key):
        return [], list(old), list(new)
    waiting: dict[tuple[int, tuple[Place, ...]], list[Chunk]] = {}
    for chunk in old:
        if chunk.head:
            continue
        places = _places(chunk, before)
        mark = chunk.rows, tuple(places[pair.before.name] for pair in keyed)
        waiting.setdefault(mark, []).append(chunk)
    matches, rest = [], []
    for chunk in new:
        places = _places(chunk, after)
        mark = chunk.rows, tuple(places[pair.after.name] for pair in keyed)
        if chunk.head or not waiting.get(mark):
            rest.append(chunk)
            continue
        other = waiting[mark].pop(0)
        origin = _places(other, before)
        changed = tuple(
            pair.after.name for pair in pairs if places[pair.after.name] != origin[pair.before.name]
        )
        matches.append(Match(other, chunk, changed))
    left = [chunk for chunks in waiting.values() for chunk in chunks]
    return matches, [*left, *(chunk for chunk in old if chunk.head)], rest


def _places(chunk: Chunk, manifest: Manifest) -> dict[str, Place]:
    names = [column.name for column in manifest.columns]
    places = {}
    for part in chunk.parts:
        taken = part.columns or tuple(range(len(names)))
        inside = part.names or tuple(names[position] for position in taken)
        for position, name in zip(taken, inside, strict=True):
            places[names[position]] = (part.object, name)
    return places


class Aligned:
    """Matched chunks, compared place by place."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        objects: Objects,
        before: Manifest,
        after: Manifest,
        pairs: Sequence[Pair],
        matches: Sequence[Match],
    ) -> None:
        self._connection = connection
        self._objects = objects
        self._before = before
        self._after = after
        self._pairs = pairs
        self._matches = matches
        self._columns = [pair.after.name for pair in pairs]
        self._cells = Cells(connection, pairs)

    def compare(self, key: Sequence[str], watch: Watch | None) -> Rows:
        """Count changed rows and cells; nothing is added or removed in matched chunks."""
        rows = Rows()
        selects = [
            self._changed_rows(number, each, key)
            for number, each in enumerate(self._matches)
            if each.changed
        ]
        if not selects:
            return rows
        query = " UNION ALL ".join(selects)
        execute(self._connection, f"CREATE OR REPLACE TABLE {_TABLE} AS {query}", watch)
        moved = sorted({name for each in self._matches for name in each.changed})
        counts = ", ".join(f"count_if({quote(f'differs {name}')})" for name in moved)
        found = execute(self._connection, f"SELECT count(*), {counts} FROM {_TABLE}")[0]
        rows.changed = int(found[0])
        rows.cells = {name: int(n) for name, n in zip(moved, found[1:], strict=True) if n}
        rows.examples = self._examples(key)
        execute(self._connection, f"DROP TABLE {_TABLE}")
        return rows

    def _joined(self, each: Match) -> str:
        sides = [
            (self._before, each.before, True, "o"),
            (self._after, each.after, False, "n"),
        ]
        return " POSITIONAL JOIN ".join(
            f"({named(self._pairs, self._chunk(manifest, chunk), is_before=is_before)}) AS {alias}"
            for manifest, chunk, is_before, alias in sides
        )

    def _chunk(self, manifest: Manifest, chunk: Chunk) -> str:
        return chunks_sql(manifest.columns, [chunk], self._objects)

    def _changed_rows(self, number: int, each: Match, key: Sequence[str]) -> str:
        keys = ", ".join(f"n.{quote(name)} AS {quote(f'key {name}')}" for name in key)
        moved = sorted({name for match in self._matches for name in match.changed})
        flags = ", ".join(
            f"{self._cells.differs(name) if name in each.changed else 'false'} "
            f"AS {quote(f'differs {name}')}"
            for name in moved
        )
        anything = " OR ".join(quote(f"differs {name}") for name in each.changed)
        return (
            f"SELECT * FROM (SELECT {number} AS match, {keys}, {flags} FROM {self._joined(each)}) "
            f"WHERE {anything}"
        )

    def _examples(self, key: Sequence[str]) -> list[RowDifference]:
        keys = ", ".join(quote(f"key {name}") for name in key)
        first = execute(
            self._connection,
            f"SELECT DISTINCT match FROM (SELECT match FROM {_TABLE} ORDER BY {keys} "
            f"LIMIT {EXAMPLES})",
        )
        texts = [f"CAST({side}.{quote(c)} AS VARCHAR)" for side in "on" for c in self._columns]
        flags = [self._cells.differs(name) for name in self._columns]
        order = ", ".join(f"n.{quote(name)} AS {quote(f'key {name}')}" for name in key)
        same = " AND ".join(f"n.{quote(name)} = m.{quote(f'key {name}')}" for name in key)
        selects = [
            f"SELECT {', '.join([*texts, *flags])}, {order} FROM {self._joined(self._matches[n])} "
            f"JOIN (SELECT {keys} FROM {_TABLE} WHERE match = {n} ORDER BY {keys} "
            f"LIMIT {EXAMPLES}) AS m ON {same}"
            for (n,) in first
        ]
        found = execute(
            self._connection,
            f"SELECT * FROM ({' UNION ALL '.join(selects)}) ORDER BY {keys} LIMIT {EXAMPLES}",
        )
        width = 3 * len(self._columns)
        return [example("changed", row[:width], self._columns, key) for row in found]
