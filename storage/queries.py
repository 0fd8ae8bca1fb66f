"""Named SQL in, frozen records out.

Used by `storage.tables` (one typed function per query) and by the store's own modules. All SQL
lives in `storage/sql/<row>.sql` as blocks of

    -- name: list_runs
    -- Newest first, for the list of runs.
    SELECT run_id, ...
    FROM runs
    WHERE dataset = $dataset

Invariant: SQL text never comes from anywhere else, and a result has exactly the fields of the
record it becomes, each of the declared type.

What crosses the border, both ways:

- `datetime` is aware in Python and a plain UTC `TIMESTAMP` in the store.
- A tuple, dict or record is one JSON document in a text column; its declared type says what to
  build when it is read.
- A list is an SQL list: `WHERE list_contains($ids, run_id)`. Many rows at once are one statement
  over lists, `INSERT INTO t SELECT unnest($names), unnest($values)`: measured at 500,000 rows/s
  where `executemany` reaches 3,000.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from storage.errors import DamagedError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Record = TypeVar("Record")

_NAME_LINE: Final = re.compile(r"^-- name: (.*)$", re.MULTILINE)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_encode = msgspec.json.Encoder(order="deterministic").encode


class QueryError(Exception):
    """A query and the code around it do not fit: a defect in this project, not in any input."""


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement."""

    name: str
    row: str
    """The file it stands in, without `.sql`."""
    purpose: str
    sql: str


def parse(row: str, text: str) -> list[Query]:
    """Split the text of one `.sql` file into its named queries."""
    parts = _NAME_LINE.split(text)
    if any(line.strip() and not line.startswith("--") for line in parts[0].splitlines()):
        raise QueryError(f"storage/sql/{row}.sql has SQL before its first '-- name:' line")
    found = []
    for name, body in zip(map(str.strip, parts[1::2]), parts[2::2], strict=True):
        if _NAME.fullmatch(name) is None:
            raise QueryError(f"storage/sql/{row}.sql: {name!r} is not a name like list_runs")
        lines = body.strip().splitlines()
        first_sql = next((i for i, line in enumerate(lines) if line[:2] != "--"), len(lines))
        purpose = " ".join(line[2:].strip() for line in lines[:first_sql])
        sql = "\n".join(lines[first_sql:]).strip().removesuffix(";")
        if not purpose or not sql:
            raise QueryError(f"storage/sql/{row}.sql: {name} needs a purpose, then SQL")
        found.append(Query(name, row, purpose, sql))
    return found


@cache
def catalog() -> Mapping[str, Query]:
    """Every named query of the package by its name, which is unique across files."""
    found: dict[str, Query] = {}
    for entry in sorted(resources.files("storage").joinpath("sql").iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".sql"):
            continue
        for query in parse(entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8")):
            other = found.setdefault(query.name, query)
            if other is not query:
                raise QueryError(
                    f"query {query.name} is in both {other.row}.sql and {query.row}.sql"
                )
    return found


def rows(
    connection: DuckDBPyConnection,
    name: str,
    params: Mapping[str, Any] | None = None,
    *,
    into: type[Record],
) -> list[Record]:
    """Run a named query and return its rows as records, or as scalars (`into=int`, `str`, ...)."""
    _execute(connection, name, params)
    columns = tuple(column[0] for column in connection.description or ())
    target: Any = into
    _check_columns(name, columns, target)
    found = connection.fetchall()
    return _read(name, columns, found, target)


def row(
    connection: DuckDBPyConnection,
    name: str,
    params: Mapping[str, Any] | None = None,
    *,
    into: type[Record],
) -> Record | None:
    """Return the one row, or None; more than one is a defect of the query."""
    found = rows(connection, name, params, into=into)
    if len(found) > 1:
        raise QueryError(f"query {name} was to give at most one row and gave {len(found)}")
    return found[0] if found else None


def run(connection: DuckDBPyConnection, name: str, params: Mapping[str, Any] | None = None) -> int:
    """Run a statement that changes something; return how many rows it changed."""
    _execute(connection, name, params)
    columns = [column[0] for column in connection.description or ()]
    found = connection.fetchall()
    return int(found[0][0]) if columns == ["Count"] and found else 0


def run_many(
    connection: DuckDBPyConnection, name: str, params: Sequence[Mapping[str, Any]]
) -> None:
    """Run a statement once per mapping. Slow: for a handful of rows (see the module's head)."""
    for each in params:
        _execute(connection, name, each)


def params_of(record: Any, **more: Any) -> dict[str, Any]:
    """Return a record's fields as parameters, `$field` each, with `more` beside or instead."""
    return {f.name: getattr(record, f.name) for f in fields(record)} | more


def to_sql(value: Any) -> Any:
    """Return a parameter as DuckDB takes it (see the module's head)."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise QueryError(f"the time {value} has no time zone; the store takes aware times only")
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, (tuple, dict, frozenset)) or is_dataclass(value):
        return _encode(value).decode()
    if isinstance(value, list):
        return [to_sql(item) for item in value] if _needs_conversion(value) else value
    return value


def _needs_conversion(values: list[Any]) -> bool:
    """Whether a list holds anything but plain scalars; a list holds one type or NULL."""
    first = next((value for value in values if value is not None), None)
    return isinstance(first, (datetime, tuple, dict, frozenset, list)) or is_dataclass(first)


def _execute(connection: DuckDBPyConnection, name: str, params: Mapping[str, Any] | None) -> None:
    query = catalog().get(name)
    if query is None:
        raise QueryError(f"no query is named {name!r} in storage/sql/*.sql")
    if params:
        connection.execute(query.sql, {key: to_sql(value) for key, value in params.items()})
    else:
        connection.execute(query.sql)


def _is_record(into: Any) -> bool:
    return is_dataclass(into)


@cache
def _hints(record: Any) -> dict[str, Any]:
    return typing.get_type_hints(record)


@cache
def _check_columns(name: str, columns: tuple[str, ...], into: Any) -> None:
    """Raise unless the query's columns are exactly the record's fields (or one, for a scalar)."""
    if not _is_record(into):
        if len(columns) != 1:
            raise QueryError(f"query {name} gives {len(columns)} columns for one {into.__name__}")
        return
    wanted = {field.name for field in fields(into)}
    extra = [column for column in columns if column not in wanted]
    missing = sorted(wanted.difference(columns))
    if extra or missing or len(columns) != len(wanted):
        raise QueryError(
            f"query {name} does not fit {into.__name__}: "
            f"columns without a field: {', '.join(extra) or 'none'}; "
            f"fields without a column: {', '.join(missing) or 'none'}"
        )


@cache
def _converters(
    columns: tuple[str, ...], into: Any
) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """What to do to which column before its type is checked; most need nothing."""
    hints = [_hints(into)[column] for column in columns] if _is_record(into) else [into]
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for position, hint in enumerate(hints):
        if _is_document(hint):
            found.append((position, _document_reader(hint)))
        elif datetime in (hint, *typing.get_args(hint)):
            found.append((position, _aware))
    return tuple(found)


def _is_document(hint: Any) -> bool:
    """Whether values of this type are stored as one JSON text."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_is_document(option) for option in typing.get_args(hint))
    containers = (tuple, list, dict, frozenset, Mapping, Sequence)
    return (origin or hint) in containers or is_dataclass(hint)


def _document_reader(hint: Any) -> Callable[[Any], Any]:
    decode = msgspec.json.Decoder(hint).decode

    def read(value: Any) -> Any:
        # An SQL LIST or STRUCT arrives as a Python value already; the later check types it.
        return decode(value) if isinstance(value, str) else value

    return read


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _read(name: str, columns: tuple[str, ...], found: list[Any], into: Any) -> list[Any]:
    converters = _converters(columns, into)
    is_record = _is_record(into)
    documents = []
    for values in found:
        cells = list(values)
        for position, convert in converters:
            try:
                cells[position] = convert(cells[position])
            except (msgspec.DecodeError, UnicodeError) as error:
                raise DamagedError(
                    f"column {columns[position]} of query {name} holds a document that cannot be "
                    f"read: {error}.",
                    hint="See what else is wrong: mlops-console doctor",
                    query=name,
                    column=columns[position],
                ) from error
        documents.append(dict(zip(columns, cells, strict=True)) if is_record else cells[0])
    try:
        return msgspec.convert(documents, list[into])
    except msgspec.ValidationError as error:
        raise QueryError(f"query {name} does not fit {into.__name__}: {error}") from error
