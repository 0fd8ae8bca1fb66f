"""A table -> a file for somebody else: Parquet, CSV or Arrow.

The job behind `data export` calls `export`. Invariant: the file appears whole under its name or
not at all, and a CSV that a spreadsheet opens runs no formula that came with the data.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from console.errors import ConflictError, InvalidError, UnavailableError, UsageError
from console.worker.data.casting import one_of
from console.worker.data.running import Watch, execute
from console.worker.data.signatures import by_name
from storage.errors import from_os_error
from storage.parquet_types import stored
from storage.sql_text import literal, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMATS: Final = ("parquet", "csv", "arrow")
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection)."""
_BATCH_ROWS: Final = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    path: str
    format: str
    rows: int
    bytes: int
    escaped_columns: tuple[str, ...] = ()
    """Text columns in which cells that look like formulas got an apostrophe."""


def export(
    connection: DuckDBPyConnection,
    relation: str,
    path: Path,
    *,
    format: str = "",
    raw: bool = False,
    replace: bool = False,
    watch: Watch | None = None,
) -> Exported:
    """Write what stands after FROM in `relation` to `path`, in its order.

    `format` is one of FORMATS, or empty: from the name. `raw` leaves CSV cells that look like
    formulas as they are. Raises `ConflictError` for a file that exists unless `replace`.
    """
    kind, compression = check_target(path, format, replace=replace)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    escaped: tuple[str, ...] = ()
    try:
        if kind == "arrow":
            rows = _arrow(connection, relation, unfinished, watch)
        else:
            if kind == "csv":
                query, escaped = _csv_query(connection, relation, raw=raw)
                options = f"FORMAT csv, HEADER true, COMPRESSION {compression or 'none'}"
            else:
                query = _parquet_query(connection, relation)
                options = "FORMAT parquet, COMPRESSION zstd"
            found = execute(
                connection, f"COPY ({query}) TO {literal(str(unfinished))} ({options})", watch
            )
            rows = int(found[0][0])
        size = unfinished.stat().st_size
        _put(unfinished, path)
    except duckdb.IOException as error:
        said = str(error).splitlines()[0]
        raise UnavailableError(
            f"cannot write {path}: {said}.", hint="Choose another place.", path=str(path)
        ) from error
    except OSError as error:
        raise from_os_error("write", path, error) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return Exported(path=str(path), format=kind, rows=rows, bytes=size, escaped_columns=escaped)


def check_target(path: Path, format: str, *, replace: bool) -> tuple[str, str]:
    """Format and compression of the file to be; raises when it is there or cannot be meant."""
    found = _format(path, format)
    if path.exists() and not replace:
        raise ConflictError(
            f"{path} exists already.", hint="Give another name, or add --overwrite."
        )
    return found


def _format(path: Path, format: str) -> tuple[str, str]:
    found, compression = by_name(path.name)
    kind = format or found
    if kind not in FORMATS:
        raise UsageError(
            f"cannot write {path.name} as {kind or 'a file of unknown kind'}.",
            hint=f"Give it one of the endings .parquet, .csv, .arrow, or --format {FORMATS[0]}.",
        )
    if compression and kind != "csv":
        raise UsageError(f"{kind} is compressed already.", hint="Leave the last ending away.")
    return kind, compression


def _csv_query(
    connection: DuckDBPyConnection, relation: str, *, raw: bool
) -> tuple[str, tuple[str, ...]]:
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    values = []
    escaped = []
    for name, kind, *_ in described:
        column = quote(name)
        is_text = kind == "VARCHAR" or kind.startswith(("ENUM", "JSON"))
        if is_text and not raw:
            text = f"CAST({column} AS VARCHAR)"
            is_formula = one_of(f"left({text}, 1)", FORMULA_STARTS)
            value = f"CASE WHEN {is_formula} THEN '''' || {text} ELSE {text} END"
            test = f"SELECT count_if({is_formula}) > 0 FROM {relation}"
            if connection.execute(test).fetchall()[0][0]:
                escaped.append(name)
        else:
            value = column
        header = f"'{name}" if not raw and name.startswith(FORMULA_STARTS) else name
        values.append(f"{value} AS {quote(header)}")
    return f"SELECT {', '.join(values)} FROM {relation}", tuple(escaped)


def _parquet_query(connection: DuckDBPyConnection, relation: str) -> str:
    empty = connection.sql(f"SELECT * FROM {relation} LIMIT 0")
    values = ", ".join(
        f"{stored(quote(name), kind, name)} AS {quote(name)}"
        for name, kind in zip(empty.columns, empty.types, strict=True)
    )
    return f"SELECT {values} FROM {relation}"


def _arrow(connection: DuckDBPyConnection, relation: str, path: Path, watch: Watch | None) -> int:
    import pyarrow as pa

    total = int(execute(connection, f"SELECT count(*) FROM {relation}")[0][0])
    rows = 0
    try:
        reader = connection.sql(f"SELECT * FROM {relation}").to_arrow_reader(_BATCH_ROWS)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
                if watch is not None:
                    watch(rows / max(total, 1))
    except pa.ArrowInvalid as error:
        raise InvalidError(
            f"cannot write {path.name} as Arrow: {str(error).splitlines()[0]}.",
            hint="Export it as Parquet.",
        ) from error
    return rows


def _put(unfinished: Path, path: Path) -> None:
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)
