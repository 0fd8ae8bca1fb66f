"""Inspected files -> something DuckDB can select from, with columns as the file has them.

Used by `reading`. Text formats are given to DuckDB with everything spelled out (names, delimiter,
quote, compression): nothing is sniffed twice, nothing depends on the name of the file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from console.errors import InvalidError, TooLargeError
from console.worker.data.explaining import explain
from console.worker.data.formats import Inspected
from console.worker.data.options import MIB, NULL_TOKENS, ReadOptions
from console.worker.data.scanning import transcode
from storage.chunks import parquet
from storage.sql_text import literal, one_file, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAFE_CELLS: Final = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Rows as they are in the source."""

    relation: str
    columns: tuple[tuple[str, str], ...]
    """(name, DuckDB type)"""
    rows: int = 0
    """About so many, for progress; 0 = unknown."""
    is_text: bool = False
    """Every column is text whose type has to be found out."""
    position: str = ""
    """Column with the row number, when the source can be fetched by it."""


@contextmanager
def opened(
    connection: DuckDBPyConnection,
    found: Sequence[Inspected],
    options: ReadOptions,
    scratch: Path,
) -> Iterator[Raw]:
    """Make the files readable for the time of the block; they all have one format."""
    first = found[0]
    with tempfile.TemporaryDirectory(dir=scratch, prefix="text-") as directory:
        if first.facts.format == "parquet":
            yield _parquet(connection, found, options)
        elif first.facts.format == "arrow":
            with _arrow(connection, found) as raw:
                yield raw
        elif first.facts.format == "csv":
            yield _csv(_as_utf8(found, Path(directory)), found, options)
        else:
            yield _json(connection, _as_utf8(found, Path(directory)), found)


def null_tokens(options: ReadOptions) -> tuple[str, ...]:
    return NULL_TOKENS if options.null_tokens is None else options.null_tokens


def _as_utf8(found: Sequence[Inspected], directory: Path) -> list[Path]:
    paths = []
    for number, each in enumerate(found):
        path = each.path
        if each.needs_transcoding:
            path = directory / str(number)
            transcode(each.path, each.facts.compression, each.facts.encoding, path)
        paths.append(path)
    return paths


def _compression(found: Sequence[Inspected]) -> str:
    kinds = {"" if each.needs_transcoding else each.facts.compression for each in found}
    if len(kinds) > 1:
        raise InvalidError(
            "cannot read compressed and plain text files together.",
            hint="Unpack them, or add them one after the other with --append.",
        )
    return kinds.pop() or "none"


def _csv(paths: Sequence[Path], found: Sequence[Inspected], options: ReadOptions) -> Raw:
    first = found[0]
    dialect = first.dialect
    assert dialect is not None, "CSV files are inspected with their dialect"
    for each in found[1:]:
        if each.columns != first.columns or each.facts.delimiter != first.facts.delimiter:
            raise InvalidError(
                f"cannot read the files together: {each.path.name} has other columns than "
                f"{first.path.name}: {_difference(first.columns, each.columns)}.",
                hint="Add them one by one, or make them alike.",
                path=str(each.path),
            )
    # DuckDB reads in pieces of 13 times the longest row it expects.
    longest = max(each.longest_line for each in found)
    line_bytes = min(max(2 * longest, 2 * MIB), max(options.max_line_bytes, 2 * MIB))
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in first.columns)
    listed = ", ".join(map(one_file, paths))
    relation = (
        f"read_csv([{listed}], auto_detect = false, delim = {literal(dialect.delimiter)}, "
        f"quote = {literal(dialect.quote)}, escape = {literal(dialect.escape)}, "
        f"header = {str(dialect.has_header).lower()}, columns = {{{columns}}}, "
        f"compression = {literal(_compression(found))}, allow_quoted_nulls = false, "
        f"hive_partitioning = false, max_line_size = {line_bytes})"
    )
    pairs = tuple((name, "VARCHAR") for name in first.columns)
    rows = sum(each.lines - dialect.has_header for each in found)
    return Raw(relation=relation, columns=pairs, rows=rows, is_text=True)


def _difference(one: Sequence[str], other: Sequence[str]) -> str:
    missing = [name for name in one if name not in other]
    extra = [name for name in other if name not in one]
    parts = [f"it lacks {', '.join(missing[:5])}"] if missing else []
    parts += [f"it adds {', '.join(extra[:5])}"] if extra else []
    return " and ".join(parts).replace("and it", "and") or "their order or delimiter differs"


def _json(connection: DuckDBPyConnection, paths: Sequence[Path], found: Sequence[Inspected]) -> Raw:
    listed = ", ".join(map(one_file, paths))
    layout = "newline_delimited" if found[0].facts.format == "jsonl" else "auto"
    packed = {"none": "uncompressed"}.get(_compression(found), _compression(found))
    relation = (
        f"read_json([{listed}], format = '{layout}', sample_size = -1, union_by_name = true, "
        f"map_inference_threshold = -1, compression = '{packed}', hive_partitioning = false)"
    )
    return Raw(relation=relation, columns=_described(connection, relation, found))


def _parquet(
    connection: DuckDBPyConnection, found: Sequence[Inspected], options: ReadOptions
) -> Raw:
    rows, cells = 0, 0
    columns: tuple[tuple[str, str], ...] = ()
    for each in found:
        relation = parquet([each.path])
        try:
            counted = connection.execute(
                f"SELECT sum(num_rows) FROM parquet_file_metadata({one_file(each.path)})"
            ).fetchall()
        except duckdb.Error as error:
            raise explain(error, each.facts) from error
        mine = _described(connection, relation, [each])
        rows += int(counted[0][0] or 0)
        cells += int(counted[0][0] or 0) * len(mine)
        if columns and mine != columns:
            both = [[name for name, _ in pairs] for pairs in (columns, mine)]
            raise InvalidError(
                f"cannot read the files together: {each.path.name} has other columns or types "
                f"than {found[0].path.name}: {_difference(*both)}.",
                hint="Add them one by one, or make them alike.",
                path=str(each.path),
            )
        columns = mine
    _refuse_bomb(cells, found, options)
    paths = [each.path for each in found]
    names = {name.lower() for name, _ in columns}
    if len(paths) > 1 or "file_row_number" in names:
        return Raw(relation=parquet(paths), columns=columns, rows=rows)
    relation = parquet(paths).removesuffix(")") + ", file_row_number = true)"
    return Raw(relation=relation, columns=columns, rows=rows, position="file_row_number")


@contextmanager
def _arrow(connection: DuckDBPyConnection, found: Sequence[Inspected]) -> Iterator[Raw]:
    import pyarrow as pa

    names = []
    try:
        for number, each in enumerate(found):
            connection.register(f"arrow source {number}", _arrow_source(each.path))
            names.append(f"arrow source {number}")
        relation = "(" + " UNION ALL ".join(f"SELECT * FROM {quote(name)}" for name in names) + ")"
        described = _described(connection, relation, found)
        # A dictionary is a way to store texts; its entries are not part of the type of a column.
        plain = [(n, "VARCHAR" if t.startswith("ENUM") else t) for n, t in described]
        listed = ", ".join(f"CAST({quote(n)} AS {t}) AS {quote(n)}" for n, t in plain)
        yield Raw(relation=f"(SELECT {listed} FROM {relation})", columns=tuple(plain))
    except pa.ArrowInvalid as error:
        raise explain(error, found[0].facts) from error
    finally:
        for name in names:
            connection.unregister(name)


def _arrow_source(path: Path) -> Any:
    """A source that can be read more than once and in pieces."""
    import pyarrow as pa
    import pyarrow.dataset

    with path.open("rb") as file:
        is_stream = file.read(4) == b"\xff\xff\xff\xff"
    if is_stream:
        return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
    return pyarrow.dataset.dataset(str(path), format="ipc")


def _described(
    connection: DuckDBPyConnection, relation: str, found: Sequence[Inspected]
) -> tuple[tuple[str, str], ...]:
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        raise explain(error, found[0].facts) from error
    return tuple((str(row[0]), str(row[1])) for row in rows)


def _refuse_bomb(cells: int, found: Sequence[Inspected], options: ReadOptions) -> None:
    size = sum(each.facts.bytes for each in found)
    is_dense = cells > SAFE_CELLS and cells > size * options.max_cells_per_byte
    if cells <= options.max_cells and not is_dense:
        return
    raise TooLargeError(
        f"{found[0].path} unfolds to {cells:,} cells from {size:,} bytes; the limit is "
        f"{options.max_cells_per_byte * size if is_dense else options.max_cells:,}.",
        hint="Add --dense if it is what you expect." if is_dense else "Add it in several parts.",
        path=str(found[0].path),
        cells=cells,
    )
