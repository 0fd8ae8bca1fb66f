"""Put chunks into the object store, reusing what an earlier version has: whole chunks and columns.

Used by `storage.chunking` only. Invariant: a `Chunk` is returned only when all its files are in
the object store.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from storage.chunks import chunks_sql, mark_of
from storage.errors import UnavailableError, from_os_error
from storage.objects import Objects
from storage.parquet_types import hashed, stored
from storage.records.chunks import Chunk, Manifest, Part, Piece
from storage.records.datasets import SchemaColumn
from storage.sql_text import literal, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

Progress = Callable[[int, int], None]
"""(rows done, rows of all); called in the thread that called; what it raises stops the work."""

MOST_PARTS: Final = 8
"""A chunk in more files than this is written anew: opening a file costs about a millisecond."""
PATCH_SHARE: Final = 0.05
"""A column that changed in more of its rows is written whole."""
MOST_PIECES: Final = 8
LEAST_HEAD: Final = 8
"""Of a chunk that grew to more than so many times its rows nothing is kept."""
BATCH_ROWS: Final = 1 << 20
"""Neighbouring new chunks are read together: a Parquet file is decoded by row groups, and one read
per chunk decoded each of them three times (4.7 instead of 3.2 CPU s for 10 M rows)."""
_PARQUET: Final = (
    "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
    "ROW_GROUP_SIZE 1048576"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedRows:
    """A table whose rows can be fetched by their number."""

    relation: str
    """What stands after FROM: a table, a table function or a parenthesised query."""
    columns: tuple[str, ...]
    """The data columns, in order."""
    position: str = "rowid"
    """The row number 0, 1, 2 … in the order of the rows, as SQL; DuckDB skips by it."""
    is_table: bool = True
    """Any span is found at once; False = a file that is decoded in larger pieces."""

    @property
    def selected(self) -> str:
        """The data columns as a SELECT list."""
        return ", ".join(map(quote, self.columns))

    def between(self, start: int, rows: int) -> str:
        """Return what stands after FROM for `rows` rows from number `start` on."""
        return f"{self.relation} WHERE {self.position} BETWEEN {start} AND {start + rows - 1}"


@dataclass(frozen=True, slots=True)
class Span:
    """The rows that become one chunk."""

    start: int
    rows: int
    digest: str
    beginning: Chunk | None = None
    """A chunk the store has with its first rows."""


class Earlier:
    """What an earlier version offers for reuse: whole chunks by digest, columns by place."""

    def __init__(
        self, columns: Sequence[SchemaColumn], chunks: Sequence[Chunk], objects: Objects
    ) -> None:
        self._types = [column.type for column in columns]
        self._names = tuple(column.name for column in columns)
        self._by_digest: dict[str, Chunk] = {}
        self._starts: dict[int, Chunk] = {}
        self._start_of: dict[str, int] = {}
        self.rows = 0
        self.last: Chunk | None = None
        """The one that ended with the table."""
        for chunk in chunks:
            self.last = None
            if all(objects.has(part.object) for part in chunk.files):
                self.last = chunk
                self._by_digest.setdefault(chunk.digest, chunk)
                self._start_of.setdefault(chunk.digest, self.rows)
                self._starts[self.rows] = chunk
            self.rows += chunk.rows

    @classmethod
    def of(
        cls, manifest: Manifest | None, columns: Sequence[SchemaColumn], objects: Objects
    ) -> Earlier:
        """Return what `manifest` offers a table with `columns`; a renamed column is the same."""
        if manifest is None:
            return cls(columns, (), objects)
        chunks = manifest.chunks
        if manifest.columns != tuple(columns) and len(manifest.columns) == len(columns):
            before = tuple(column.name for column in manifest.columns)
            after = tuple(column.name for column in columns)
            chunks = tuple(_renamed(chunk, before, after) for chunk in chunks)
        return cls(manifest.columns, chunks, objects)

    def chunk(self, digest: str) -> Chunk | None:
        return self._by_digest.get(digest)

    def start(self, digest: str) -> int:
        return self._start_of[digest]

    def at(self, start: int, rows: int, columns: Sequence[SchemaColumn]) -> Chunk | None:
        """Return the chunk that had its place exactly there, if it had the same column types."""
        found = self._starts.get(start)
        if found is None or found.rows != rows or self._types != [c.type for c in columns]:
            return None
        return found


class ChunkWriter:
    """Writes spans of one table as chunks; `store` may run in several threads."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        rows: NumberedRows,
        columns: Sequence[SchemaColumn],
        types: Sequence[DuckDBPyType],
        objects: Objects,
        scratch: Path,
    ) -> None:
        self._connection = connection
        self._rows = rows
        self._columns = columns
        self._objects = objects
        self._scratch = scratch
        pairs = list(zip(columns, types, strict=True))
        self._stored = [stored(quote(column.name), kind, column.name) for column, kind in pairs]
        self._values = [
            f"{value} AS {quote(column.name)}"
            for value, column in zip(self._stored, columns, strict=True)
        ]
        self._hashes = ", ".join(
            f"hash({', '.join(hashed(quote(column.name), kind))}) AS c{position}"
            for position, (column, kind) in enumerate(pairs)
        )
        found = connection.execute("SELECT current_setting('threads')").fetchall()[0]
        self._threads = max(1, int(found[0]))

    def store(
        self, spans: Sequence[Span], earlier: Earlier, progress: Progress | None
    ) -> list[Chunk]:
        """Return the chunks of all spans; only those that `earlier` lacks are written."""
        total = sum(span.rows for span in spans)
        chunks: dict[str, Chunk] = {}
        models: dict[str, Chunk | None] = {}
        new: list[Span] = []
        shift = 0
        for span in spans:
            found = earlier.chunk(span.digest)
            if found is not None:
                chunks[span.digest] = found
                shift = span.start - earlier.start(span.digest)
            elif span.digest not in models:
                new.append(span)
                # The same rows lie where the last shared chunk says, or as far from the end.
                from_end = span.start - (total - earlier.rows)
                models[span.digest] = earlier.at(
                    span.start - shift, span.rows, self._columns
                ) or earlier.at(from_end, span.rows, self._columns)
        done = sum(span.rows for span in spans if span.digest in chunks)
        if progress is not None:
            progress(done, total)
        with ThreadPoolExecutor(self._threads) as pool:
            tasks = [pool.submit(self._batch, batch, models) for batch in _batches(new)]
            try:
                for task in as_completed(tasks):
                    written = task.result()
                    chunks.update((chunk.digest, chunk) for chunk in written)
                    done += sum(chunk.rows for chunk in written)
                    if progress is not None:
                        progress(min(done, total), total)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return [chunks[span.digest] for span in spans]

    def _batch(self, batch: Sequence[Span], models: dict[str, Chunk | None]) -> list[Chunk]:
        first, last = batch[0], batch[-1]
        with self._connection.cursor() as cursor:
            if self._rows.is_table or len(batch) == 1:
                return [self._chunk(cursor, self._rows, 0, s, models[s.digest]) for s in batch]
            table = quote(f"rows from {first.start}")
            source = self._rows.between(first.start, last.start + last.rows - first.start)
            try:
                cursor.execute(
                    f"CREATE TABLE {table} AS SELECT {self._rows.selected} FROM {source}"
                )
                near = NumberedRows(relation=table, columns=self._rows.columns)
                return [
                    self._chunk(cursor, near, first.start, span, models[span.digest])
                    for span in batch
                ]
            finally:
                cursor.execute(f"DROP TABLE IF EXISTS {table}")

    def _chunk(
        self,
        cursor: DuckDBPyConnection,
        rows: NumberedRows,
        offset: int,
        span: Span,
        model: Chunk | None,
    ) -> Chunk:
        """Write the span; columns that equal those of `model` are taken from its files, and rows
        of its beginning are left where they are."""
        head = _head(span)
        if head:
            known = sum(piece.rows for piece in head)
            source = rows.between(span.start + known - offset, span.rows - known)
            query = f"SELECT {', '.join(self._values)} FROM {source}"
            path, size = self._write(cursor, query, span)
            part = Part(object=path, bytes=size)
            return Chunk(digest=span.digest, rows=span.rows, parts=(part,), head=head)
        source = rows.between(span.start - offset, span.rows)
        everything = range(len(self._columns))
        changed: Sequence[int] = everything
        patched: Sequence[int] = ()
        kept: list[Part] = []
        if model is not None and not model.head:
            moved = self._moved(cursor, source, model)
            patched = [n for n, rows in moved.items() if rows <= PATCH_SHARE * span.rows]
            changed = [n for n in moved if n not in patched]
            kept = _without(model, frozenset(changed), len(everything))
            if len(kept) + bool(changed) + bool(patched) > MOST_PARTS:
                # Columns that were patched often are put together again.
                changed, patched = sorted({*moved, *_patched(model)}), ()
                kept = _without(model, frozenset(changed), len(everything))
        if not kept or len(kept) + bool(changed) > MOST_PARTS:
            kept, changed, patched = [], everything, ()
        parts = list(kept)
        if changed:
            listed = ", ".join(self._values[position] for position in changed)
            path, size = self._write(cursor, f"SELECT {listed} FROM {source}", span)
            parts.append(Part(object=path, bytes=size, columns=tuple(changed) if kept else ()))
        if patched and model is not None:
            path, size = self._write(cursor, self._patch(source, model, patched), span)
            names = tuple(map(str, patched))
            parts.append(
                Part(object=path, bytes=size, columns=tuple(patched), names=names, is_patch=True)
            )
        return Chunk(digest=span.digest, rows=span.rows, parts=tuple(parts))

    def _moved(self, cursor: DuckDBPyConnection, source: str, model: Chunk) -> dict[int, int]:
        """Columns that differ from those of `model`, and in how many rows."""
        counts = ", ".join(f"count_if(n.c{i} <> o.c{i})" for i in range(len(self._columns)))
        found = cursor.execute(
            f"SELECT {counts} FROM (SELECT {self._hashes} FROM {source}) AS n POSITIONAL JOIN "
            f"({self._hashes_of(model)}) AS o"
        ).fetchall()[0]
        return {position: int(rows) for position, rows in enumerate(found) if rows}

    def _hashes_of(self, model: Chunk) -> str:
        rows = chunks_sql(self._columns, [model], self._objects)
        return f"SELECT {self._hashes} FROM {rows}"

    def _patch(self, source: str, model: Chunk, positions: Sequence[int]) -> str:
        """The rows in which the columns differ from those of `model`; null elsewhere."""
        values = ", ".join(f"{self._stored[position]} AS v{position}" for position in positions)
        listed = ", ".join(
            f"CASE WHEN n.c{i} <> o.c{i} THEN n.v{i} END AS {quote(str(i))}, "
            f"n.c{i} <> o.c{i} AS {quote(mark_of(str(i)))}"
            for i in positions
        )
        return (
            f"SELECT {listed} FROM (SELECT {values}, {self._hashes} FROM {source}) AS n "
            f"POSITIONAL JOIN ({self._hashes_of(model)}) AS o"
        )

    def _write(self, cursor: DuckDBPyConnection, query: str, span: Span) -> tuple[str, int]:
        try:
            with tempfile.TemporaryDirectory(dir=self._scratch, prefix="chunk-") as directory:
                path = Path(directory, "chunk.parquet")
                cursor.execute(f"COPY ({query}) TO {literal(str(path))} ({_PARQUET})")
                size = path.stat().st_size
                return self._objects.put_file(path), size
        except duckdb.IOException as error:
            said = str(error).splitlines()[0]
            raise UnavailableError(
                f"cannot store rows {span.start + 1} to {span.start + span.rows}: {said}",
                hint="Free some disk space, then try again; no version was added.",
            ) from error
        except OSError as error:
            raise from_os_error("write chunks to", self._scratch, error) from error


def _head(span: Span) -> tuple[Piece, ...]:
    """Pieces that need not be written; none when they are many, or little of the whole."""
    found = span.beginning
    if found is None or len(found.pieces) >= MOST_PIECES or span.rows > LEAST_HEAD * found.rows:
        return ()
    return found.pieces


def _batches(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Group neighbours, so that they are read once, up to `BATCH_ROWS` rows."""
    batch: list[Span] = []
    for span in spans:
        if batch:
            is_next = span.start == batch[-1].start + batch[-1].rows
            if not is_next or span.start + span.rows - batch[0].start > BATCH_ROWS:
                yield batch
                batch = []
        batch.append(span)
    if batch:
        yield batch


def _renamed(chunk: Chunk, before: tuple[str, ...], after: tuple[str, ...]) -> Chunk:
    """Say under which names the files of `chunk` have the columns that are now called `after`."""

    def now(part: Part) -> Part:
        if part.is_patch:
            return part
        taken = part.columns or tuple(range(len(after)))
        inside = part.names or tuple(before[position] for position in taken)
        wanted = tuple(after[position] for position in taken)
        return replace(part, names=() if inside == wanted else inside)

    head = tuple(replace(piece, parts=tuple(map(now, piece.parts))) for piece in chunk.head)
    return replace(chunk, parts=tuple(map(now, chunk.parts)), head=head)


def _patched(chunk: Chunk) -> set[int]:
    return {position for part in chunk.parts if part.is_patch for position in part.columns}


def _without(chunk: Chunk, changed: frozenset[int], column_count: int) -> list[Part]:
    """Return the parts of `chunk` for the columns that did not change."""
    parts = []
    for part in chunk.parts:
        taken = part.columns or tuple(range(column_count))
        kept = [place for place, position in enumerate(taken) if position not in changed]
        if kept:
            parts.append(
                replace(
                    part,
                    columns=tuple(taken[place] for place in kept),
                    names=tuple(part.names[place] for place in kept) if part.names else (),
                )
            )
    return parts
