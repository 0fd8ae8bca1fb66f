"""Any source in, one typed table out, and everything that was not as it should be.

The jobs of a worker call `read` and `read_query`. Memory is bounded: DuckDB spills what does not
fit, Parquet is not even copied. Invariants: a value that is not of its column's type is null in
the table and listed in `problems` with its row; a file that changed meanwhile is refused.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from console.errors import InvalidError, UsageError
from console.worker.data import formats, noticing, typed
from console.worker.data.casting import Wanted
from console.worker.data.explaining import PREFIX, explain
from console.worker.data.formats import Inspected
from console.worker.data.options import ReadOptions
from console.worker.data.paths import expand
from console.worker.data.relations import Raw, null_tokens, opened
from console.worker.data.running import Watch
from console.worker.data.scanning import BytesRead, Stamp
from storage.chunk_files import NumberedRows
from storage.chunking import schema
from storage.records.datasets import SchemaColumn
from storage.records.sources import CellProblem, SourceFacts
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Done:
    """How far reading is; estimates until the end, totals 0 while they are unknown."""

    rows: int
    rows_total: int
    bytes: int
    bytes_total: int


Progress = Callable[[Done], None]
LOOKED: Final = 0.2
"""Share of the work that is done when every byte was looked at once."""
TYPED: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A table that was read."""

    relation: str
    """View with exactly the data columns, to stand after FROM."""
    rows: NumberedRows
    """The same rows with their numbers (0 = first)."""
    columns: tuple[SchemaColumn, ...]
    facts: SourceFacts
    problems: tuple[CellProblem, ...] = ()
    stamps: tuple[tuple[Path, Stamp], ...] = ()
    """How the files were when reading began."""

    def refuse_changes(self) -> None:
        """Raise `ConflictError` when a file is not as it was: rows of Parquet files are only read
        when they are used, so whoever used them calls this before believing the result."""
        for path, stamp in self.stamps:
            stamp.check(path)

    def refuse_problems(self) -> None:
        """Raise `InvalidError` when cells are not of the type of their column."""
        if not self.problems:
            return
        worst = max(self.problems, key=lambda problem: problem.count)
        row, text = worst.examples[0]
        more = len(self.problems) - 1
        others = f" (and {more} more column{'s' if more > 1 else ''})" if more else ""
        raise InvalidError(
            f"{self.facts.source}: {worst.count:,} of {worst.n:,} values of {worst.column} are not "
            f"{worst.type}{others}, the first in row {row:,}: {text!r}.",
            hint=f"Correct them, name them as null tokens, or read {worst.column} as text.",
            column=worst.column,
            row=row,
            count=worst.count,
        )


def read(
    connection: DuckDBPyConnection,
    source: str | Path | Sequence[str],
    options: ReadOptions | None = None,
    *,
    scratch: Path,
    table: str = "incoming",
    wanted: Mapping[str, Wanted] | None = None,
    progress: Progress | None = None,
) -> Reading:
    """Read a file, a glob, a directory or several of them as the view `table`.

    `wanted` gives the types of columns by name (from a contract or the version before); the types
    of others are found out from all of their values. `scratch` is a directory for texts that have
    to be transcoded. Raises a `ConsoleError` or `StorageError` that names file, row and way out.
    """
    options = options or ReadOptions()
    sources = [str(source)] if isinstance(source, (str, Path)) else list(source)
    paths = [path for each in sources for path in expand(each)]
    paths = list(dict.fromkeys(paths))
    tell = _looked_at(paths, progress)
    found = [formats.inspect(path, options, tell) for path in paths]
    for each in found:
        formats.refuse_mismatch(each.facts, options)
    _check_alike(found)
    facts = formats.combined(" ".join(sources), [each.facts for each in found])
    with opened(connection, found, options, scratch) as raw:
        reading = _load(connection, raw, facts, options, table, dict(wanted or {}), progress)
    reading = replace(reading, stamps=tuple((each.path, each.stamp) for each in found))
    reading.refuse_changes()
    return reading


def read_query(
    connection: DuckDBPyConnection,
    sql: str,
    *,
    table: str = "incoming",
    wanted: Mapping[str, Wanted] | None = None,
    progress: Progress | None = None,
) -> Reading:
    """Run one SELECT and keep its rows as the view `table`.

    The connection should be one that can reach nothing it is not meant to (`running.open_engine`).
    """
    facts = SourceFacts(source=sql, format="sql", content="sql")
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise _bad_query(error) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError("the source has to be one SELECT statement.", sql=sql)
    relation = f"({statements[0].query.strip().rstrip(';')}\n)"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        raw = Raw(relation=relation, columns=tuple((str(r[0]), str(r[1])) for r in described))
        options = ReadOptions()
        return _load(connection, raw, facts, options, table, dict(wanted or {}), progress)
    except duckdb.Error as error:
        raise _bad_query(error) from error


def wanted_like(columns: Sequence[SchemaColumn]) -> dict[str, Wanted]:
    """Ask for the types that an earlier version has."""
    return {column.name: Wanted(type=column.type) for column in columns}


def _bad_query(error: duckdb.Error) -> InvalidError:
    said = PREFIX.sub("", str(error).splitlines()[0]).rstrip(".!")
    return InvalidError(f"the query failed: {said}.", hint="Correct it, then try again.")


def _check_alike(found: Sequence[Inspected]) -> None:
    for each in found[1:]:
        if each.facts.format != found[0].facts.format:
            raise InvalidError(
                f"cannot read the files together: {found[0].path.name} is "
                f"{found[0].facts.format}, {each.path.name} is {each.facts.format}.",
                hint="Name one kind with a pattern, e.g. '*.parquet'.",
                path=str(each.path),
            )


def _load(
    connection: DuckDBPyConnection,
    raw: Raw,
    facts: SourceFacts,
    options: ReadOptions,
    table: str,
    wanted: dict[str, Wanted],
    progress: Progress | None,
) -> Reading:
    wanted |= _named_types(raw, options)
    doubts: list[typed.Doubt] = []
    for name, want in wanted.items():
        if want.type:
            wanted[name] = replace(want, type=_type(connection, name, want.type))
    tokens = null_tokens(options) if raw.is_text else ()
    try:
        if not raw.position:
            raw = typed.kept(connection, raw, table)
        if raw.is_text:
            unknown = [name for name, _ in raw.columns if name not in wanted]
            watch = _watched(progress, raw, facts, LOOKED, TYPED)
            found, doubts = typed.infer(connection, raw, unknown, tokens, facts.decimal_mark, watch)
            wanted |= found
        casts = {
            name: wanted[name]
            for name, kind in raw.columns
            if name in wanted and not wanted[name].accepts(kind)
        }
        facts = replace(facts, null_tokens=tokens)
        if casts or not raw.position or raw.is_text:
            watch = _watched(progress, raw, facts, TYPED if raw.is_text else LOOKED, 1.0)
            mark = facts.decimal_mark
            rows, problems = typed.materialise(connection, raw, casts, tokens, mark, table, watch)
        else:
            names = tuple(name for name, _ in raw.columns)
            rows = NumberedRows(
                relation=raw.relation, columns=names, position=raw.position, is_table=False
            )
            problems = ()
        view = quote(table)
        connection.execute(
            f"CREATE OR REPLACE VIEW {view} AS SELECT {rows.selected} FROM {rows.relation}"
        )
        count = int(connection.execute(f"SELECT count(*) FROM {view}").fetchall()[0][0])
        notes = [*facts.notes, *_noticed(connection, rows, raw, wanted, doubts, facts)]
    except duckdb.Error as error:
        raise explain(error, facts) from error
    if progress is not None:
        progress(Done(count, count, facts.bytes, facts.bytes))
    if not count:
        notes.append("there are no rows, only columns")
    columns, _ = schema(connection, rows)
    return Reading(
        relation=view,
        rows=rows,
        columns=columns,
        facts=replace(facts, rows=count, notes=tuple(notes)),
        problems=tuple(replace(problem, n=count) for problem in problems),
    )


def _named_types(raw: Raw, options: ReadOptions) -> dict[str, Wanted]:
    """Take `DATE %d/%m/%Y` apart; raises `UsageError` for a column that is not there."""
    names = [name for name, _ in raw.columns]
    found = {}
    for name, given in options.types.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names[:30])}."
            raise UsageError(f"there is no column {name} to have a type.", hint=hint, column=name)
        kind, _, form = given.partition(" %")
        found[name] = Wanted(type=kind, format=f"%{form}" if form else "")
    return found


def _noticed(
    connection: DuckDBPyConnection,
    rows: NumberedRows,
    raw: Raw,
    wanted: Mapping[str, Wanted],
    doubts: Sequence[typed.Doubt],
    facts: SourceFacts,
) -> list[str]:
    if not raw.is_text:
        return []
    doubted = {doubt.column for doubt in doubts}
    texts = [
        name for name, _ in raw.columns if wanted[name].type == "VARCHAR" and name not in doubted
    ]
    return [
        *noticing.doubtful(connection, rows, doubts, facts.decimal_mark),
        *noticing.written_dates(connection, rows, texts),
    ]


def _type(connection: DuckDBPyConnection, column: str, name: str) -> str:
    """Return the type as DuckDB spells it."""
    try:
        return str(connection.sqltype(name))
    except duckdb.Error as error:
        raise InvalidError(
            f"column {column} is to have the type {name!r}, which DuckDB does not know.",
            hint="Use e.g. BIGINT, DOUBLE, VARCHAR, DATE, TIMESTAMP, BOOLEAN.",
            column=column,
            type=name,
        ) from error


def _looked_at(paths: Sequence[Path], progress: Progress | None) -> BytesRead | None:
    """How the first pass over all files tells its progress."""
    if progress is None:
        return None
    total = sum(path.stat().st_size for path in paths)
    done = 0

    def tell(size: int) -> None:
        nonlocal done
        done += size
        progress(Done(0, 0, min(int(LOOKED * done), total), total))

    return tell


def _watched(
    progress: Progress | None, raw: Raw, facts: SourceFacts, start: float, end: float
) -> Watch | None:
    if progress is None:
        return None

    def watch(share: float) -> None:
        done = start + share * (end - start)
        progress(Done(int(raw.rows * done), raw.rows, int(facts.bytes * done), facts.bytes))

    return watch
