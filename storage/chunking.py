"""Cut a table where its own content says so, and store only the chunks that are new.

Worker processes use it with an in-memory DuckDB. A row's 64-bit hash decides whether a chunk ends
after it, so an insertion moves the cuts around itself and no others; the chunk is named by a
SHA-256 over its column types and row hashes. The row hash is DuckDB's, which no release promises
to keep: its fingerprint over probe values is part of the algorithm's name, so a changed hash makes
other names (rows are then stored once more) but never equates what differs.

Invariant: a manifest is returned only after every file it names is in the object store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb
import numpy as np
import numpy.typing as npt

from storage.chunk_files import ChunkWriter, Earlier, NumberedRows, Progress, Span
from storage.chunks import chunks_sql, seal
from storage.errors import ConflictError
from storage.objects import Objects
from storage.parquet_types import hashed
from storage.records.chunks import Chunk, Manifest
from storage.records.datasets import SchemaColumn
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

Hashes = npt.NDArray[np.uint64]

RECIPE: Final = "rows-1"
CELLS_PER_CHUNK: Final = 1 << 22
"""A wide table gets shorter chunks, so that one fits into memory and a change stays small."""
ROWS_PER_CHUNK: Final = 1 << 16

_BATCH_ROWS: Final = 1 << 18
# fmt: off
_PROBES: Final = (
    "true", "1::TINYINT", "1::SMALLINT", "1", "1::BIGINT", "1::UBIGINT", "1::HUGEINT", "NULL",
    "1.5::FLOAT", "1.5::DOUBLE", "1.5::DECIMAL(9, 2)", "1.5::DECIMAL(38, 2)", "'short'",
    "'a text that is longer than one pointer'", "'\\xAA'::BLOB", "DATE '2013-01-01'",
    "'00000000-0000-0000-0000-000000000001'::UUID", "TIME '05:15:00'", "([1, NULL])::VARCHAR",
    "TIMESTAMP '2013-01-01 05:15:00'", "({'a': 1, 'b': 'x y'})::VARCHAR",
    "(INTERVAL '1 month 3 days')::VARCHAR",
)
# fmt: on


def numbered(
    connection: DuckDBPyConnection,
    query: str,
    table: str,
    *,
    run: Callable[[str], object] | None = None,
) -> NumberedRows:
    """Materialise a query as `table`, so that its rows have numbers; `run` executes the SQL."""
    columns = tuple(connection.sql(query).columns)
    if any(name.lower() == "rowid" for name in columns):  # it would hide the real one
        position = quote("row number")
        query = f"SELECT *, row_number() OVER () - 1 AS {position} FROM ({query})"
    else:
        position = "rowid"
    (run or connection.execute)(f"CREATE OR REPLACE TABLE {quote(table)} AS {query}")
    return NumberedRows(relation=quote(table), columns=columns, position=position)


def algorithm(connection: DuckDBPyConnection) -> str:
    """Return the name of the recipe with the fingerprint of this DuckDB's row hash.

    A manifest written under another name is readable, but shares no chunk with new ones.
    """
    singles = ", ".join(f"hash({probe})" for probe in _PROBES)
    query = f"SELECT hash({', '.join(_PROBES)}), {singles}"
    found = connection.execute(query).fetchall()[0]
    text = ",".join(str(value) for value in found)
    return f"{RECIPE}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def write_version(
    connection: DuckDBPyConnection,
    rows: NumberedRows,
    objects: Objects,
    scratch: Path,
    *,
    parent: Manifest | None = None,
    append: bool = False,
    progress: Progress | None = None,
) -> Manifest:
    """Store `rows` and return their manifest; chunks that `parent` has are not written again.

    With `append` the version is the parent's rows followed by `rows`; its digest equals the one
    that adding everything at once would have given. `scratch` is a directory for files on their
    way, best on the file system of the object store.
    Raises `InvalidError` for a type that Parquet cannot hold, `ConflictError` when the columns of
    appended rows are not the parent's, `UnavailableError` when a file cannot be written.
    """
    columns, types = schema(connection, rows)
    recipe = algorithm(connection)
    kept: tuple[Chunk, ...] = ()
    if append and parent is not None:
        _check_appendable(parent, columns)
        if parent.algorithm == recipe:
            kept, tail = parent.chunks[:-1], parent.chunks[-1:]
        else:
            tail = parent.chunks
        before = chunks_sql(parent.columns, tail, objects)
        query = f"SELECT * FROM {before} UNION ALL SELECT {rows.selected} FROM {rows.relation}"
        rows = numbered(connection, query, "appended rows")
    target_rows = target(len(columns))
    is_reusable = parent is not None and parent.algorithm == recipe
    earlier = Earlier.of(parent if is_reusable else None, columns, objects)
    if kept:
        earlier = Earlier(columns, tail, objects)
    spans = list(_spans(connection, rows, types, recipe, target_rows, earlier.last))
    writer = ChunkWriter(connection, rows, columns, types, objects, scratch)
    chunks = writer.store(spans, earlier, progress)
    return seal(recipe, columns, (*kept, *chunks), target_rows)


def schema(
    connection: DuckDBPyConnection, rows: NumberedRows
) -> tuple[tuple[SchemaColumn, ...], list[DuckDBPyType]]:
    """Return the data columns with their types, as text and as DuckDB knows them."""
    empty = connection.sql(f"SELECT {rows.selected} FROM {rows.relation} LIMIT 0")
    types = list(empty.types)
    named = zip(empty.columns, types, strict=True)
    return tuple(SchemaColumn(name=name, type=str(kind)) for name, kind in named), types


def target(column_count: int) -> int:
    """Return the mean length of a chunk in rows, a power of two."""
    rows = ROWS_PER_CHUNK
    while rows > 1024 and rows * column_count > CELLS_PER_CHUNK:
        rows //= 2
    return rows


def cut(batches: Iterable[Hashes], target_rows: int) -> Iterator[Hashes]:
    """Yield the row hashes of one chunk after another, whatever the batches are.

    A chunk ends after the first row whose hash is 0 modulo `target_rows` (a power of two), but
    has at least a quarter and at most four times the target.
    """
    least, most = max(target_rows // 4, 1), target_rows * 4
    pending = np.empty(0, dtype=np.uint64)
    for batch in batches:
        pending = np.concatenate([pending, batch])
        while len(pending) >= least:
            window = pending[least - 1 : most]
            ends = np.flatnonzero((window & np.uint64(target_rows - 1)) == 0)
            if len(ends):
                end = least + int(ends[0])
            elif len(pending) >= most:
                end = most
            else:
                break
            yield pending[:end]
            pending = pending[end:]
    if len(pending):
        yield pending


def verify(connection: DuckDBPyConnection, manifest: Manifest, objects: Objects) -> list[str]:
    """Read every chunk and return a sentence for each that is not what the manifest says.

    Under another release of DuckDB, whose row hash differs, only the row counts can be compared.
    """
    problems = []
    is_comparable = manifest.algorithm == algorithm(connection)
    kinds = [connection.sqltype(column.type) for column in manifest.columns]
    for number, chunk in enumerate(manifest.chunks, start=1):
        label = f"chunk {number} of {len(manifest.chunks)} ({chunk.digest[:12]})"
        missing = [part.object for part in chunk.files if not objects.has(part.object)]
        if missing:
            problems.append(f"{label}: file {missing[0][:12]} is missing.")
            continue
        source = NumberedRows(
            relation=chunks_sql(manifest.columns, [chunk], objects),
            columns=tuple(column.name for column in manifest.columns),
        )
        try:
            found = np.concatenate([*_row_hashes(connection, source, kinds), _NO_HASHES])
        except duckdb.Error as error:
            problems.append(f"{label}: cannot be read: {str(error).splitlines()[0]}")
            continue
        if len(found) != chunk.rows:
            problems.append(f"{label}: has {len(found)} rows where {chunk.rows} were written.")
        elif is_comparable and _name(manifest.algorithm, kinds, found) != chunk.digest:
            problems.append(f"{label}: its rows are not those that were written.")
    return problems


_NO_HASHES: Final[Hashes] = np.empty(0, dtype=np.uint64)


def _spans(
    connection: DuckDBPyConnection,
    rows: NumberedRows,
    types: Sequence[DuckDBPyType],
    recipe: str,
    target_rows: int,
    last: Chunk | None,
) -> Iterator[Span]:
    """The chunks to be. The `last` one of the parent ended where the table did, not at a cut: with
    rows after it it becomes the beginning of a longer one."""
    start = 0
    for hashes in cut(_row_hashes(connection, rows, types), target_rows):
        goes_on = last is not None and len(hashes) > last.rows
        if last is not None and goes_on:
            goes_on = _name(recipe, types, hashes[: last.rows]) == last.digest
        digest = _name(recipe, types, hashes)
        yield Span(start, len(hashes), digest, last if goes_on else None)
        start += len(hashes)


def _row_hashes(
    connection: DuckDBPyConnection, rows: NumberedRows, types: Sequence[DuckDBPyType]
) -> Iterator[Hashes]:
    pairs = zip(rows.columns, types, strict=True)
    arguments = ", ".join(part for name, kind in pairs for part in hashed(quote(name), kind))
    query = f"SELECT hash({arguments}) AS h FROM {rows.relation}"
    for batch in connection.sql(query).to_arrow_reader(_BATCH_ROWS):
        yield batch.column(0).to_numpy()


def _name(recipe: str, types: Sequence[DuckDBPyType], hashes: Hashes) -> str:
    digest = hashlib.sha256("\n".join([recipe, *map(str, types), ""]).encode())
    digest.update(hashes.astype("<u8", copy=False).tobytes())
    return digest.hexdigest()


def _check_appendable(parent: Manifest, columns: Sequence[SchemaColumn]) -> None:
    if tuple(columns) == parent.columns:
        return
    before = {column.name: column.type for column in parent.columns}
    after = {column.name: column.type for column in columns}
    lacking = [name for name in before if name not in after]
    extra = [name for name in after if name not in before]
    retyped = [
        f"{n} ({before[n]} became {after[n]})" for n in after if before.get(n, after[n]) != after[n]
    ]
    reasons = [
        f"{word} {', '.join(names[:5])}"
        for word, names in (("lacks", lacking), ("adds", extra), ("retypes", retyped))
        if names
    ] or ["has the columns in another order"]
    raise ConflictError(
        f"cannot append: the new table {' and '.join(reasons)}.",
        hint="Add it as a version of its own (without --append), or make the columns match.",
        lacking=lacking,
        extra=extra,
    )
