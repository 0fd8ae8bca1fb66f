"""Any source in, one typed table out, and everything that was not as it should be.

The jobs of a worker call `read` and `read_query`. Memory is bounded: DuckDB spills what does not
fit, Parquet is not even copied. Invariants: a value that is not of its column's type is null in
the table and listed in `problems` with its row; a file that changed meanwhile is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from console.errors import InvalidError, UsageError
from console.worker.data import casting, formats
from console.worker.data.casting import CANDIDATES, Wanted
from console.worker.data.explaining import explain
from console.worker.data.formats import Inspected
from console.worker.data.options import ReadOptions
from console.worker.data.paths import expand
from console.worker.data.relations import Raw, null_tokens, opened
from console.worker.data.running import Watch, execute
from console.worker.data.scanning import Stamp
from storage.chunk_files import NumberedRows
from storage.chunking import numbered, schema
from storage.records.datasets import SchemaColumn
from storage.records.sources import CellProblem, SourceFacts
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Progress = Callable[[int, int], None]
"""(rows read, bytes read); estimates until the end, rows 0 while they are unknown."""

SAMPLE_ROWS: Final = 20_480
EXAMPLES: Final = 20
_INVALID: Final = "invalid cells"


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
    found = [formats.inspect(path, options) for path in dict.fromkeys(paths)]
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
    said = str(error).splitlines()[0].rstrip(".")
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
    wanted |= {name: Wanted(type=kind) for name, kind in options.types.items()}
    for name, want in wanted.items():
        if want.type:
            wanted[name] = replace(want, type=_type(connection, name, want.type))
    tokens = null_tokens(options) if raw.is_text else ()
    try:
        if raw.is_text:
            unknown = [name for name, _ in raw.columns if name not in wanted]
            watch = _watched(progress, raw, facts, 0.0, 0.5)
            wanted |= _infer(connection, raw, unknown, tokens, facts.decimal_mark, watch)
        casts = {
            name: wanted[name]
            for name, kind in raw.columns
            if name in wanted and not wanted[name].accepts(kind)
        }
        facts = replace(facts, null_tokens=tokens)
        if casts or not raw.position or raw.is_text:
            watch = _watched(progress, raw, facts, 0.5 if raw.is_text else 0.0, 1.0)
            rows, problems = _materialise(connection, raw, casts, tokens, facts, table, watch)
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
    except duckdb.Error as error:
        raise explain(error, facts) from error
    if progress is not None:
        progress(count, facts.bytes)
    notes = facts.notes if count else (*facts.notes, "there are no rows, only columns")
    columns, _ = schema(connection, rows)
    return Reading(
        relation=view,
        rows=rows,
        columns=columns,
        facts=replace(facts, rows=count, notes=notes),
        problems=tuple(replace(problem, n=count) for problem in problems),
    )


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


def _infer(
    connection: DuckDBPyConnection,
    raw: Raw,
    names: Sequence[str],
    tokens: Sequence[str],
    mark: str,
    watch: Watch | None,
) -> dict[str, Wanted]:
    """Find the types of text columns: the sample says which to try, all rows decide."""
    if not names:
        return {}
    everything = [candidate.type for candidate in CANDIDATES]
    sample = f"(SELECT * FROM {raw.relation} LIMIT {SAMPLE_ROWS})"
    columns = [(name, everything) for name in names]
    counted = _counts(
        execute(connection, casting.counts_sql(sample, columns, tokens, mark)), columns
    )
    narrowed = [
        (name, [kind for kind, count in valid.items() if not filled or count > filled / 2])
        for (name, _), (filled, valid) in zip(columns, counted, strict=True)
    ]
    open_columns = [(name, kinds) for name, kinds in narrowed if kinds]
    found = {name: Wanted(type="VARCHAR") for name in names}
    if open_columns:
        sql = casting.counts_sql(raw.relation, open_columns, tokens, mark)
        for (name, _), (filled, valid) in zip(
            open_columns, _counts(execute(connection, sql, watch), open_columns), strict=True
        ):
            found[name] = Wanted(type=casting.narrowest(filled, valid))
    return found


def _counts(
    rows: list[tuple[int, ...]], columns: Sequence[tuple[str, Sequence[str]]]
) -> list[tuple[int, dict[str, int]]]:
    values = iter(rows[0])
    result = []
    for _, kinds in columns:
        filled = next(values)
        order = [c.type for c in CANDIDATES if c.type in kinds]
        result.append((filled, {kind: next(values) for kind in order}))
    return result


def _materialise(
    connection: DuckDBPyConnection,
    raw: Raw,
    casts: Mapping[str, Wanted],
    tokens: Sequence[str],
    facts: SourceFacts,
    table: str,
    watch: Watch | None,
) -> tuple[NumberedRows, tuple[CellProblem, ...]]:
    """Copy the rows into a table with their types; note which cells had none."""
    text_tokens = [token for token in tokens if token]
    cleaned, typed, final, bad = [], [], [], []
    for number, (name, kind) in enumerate(raw.columns):
        source, want = quote(name), casts.get(name)
        drop = tokens if want is not None else text_tokens
        is_text = kind == "VARCHAR"
        cleaned.append(
            f"{casting.without_tokens(source, drop) if is_text else source} AS s{number}"
        )
        if want is None:
            final.append(f"s{number} AS {source}")
            continue
        value = (
            casting.cast(f"s{number}", want, facts.decimal_mark)
            if is_text
            else casting.convert(f"s{number}", kind, want)
        )
        typed.append(f"{value} AS t{number}")
        final.append(f"t{number} AS {source}")
        bad.append((number, f"s{number} IS NOT NULL AND t{number} IS NULL"))
    if bad:
        listed = ", ".join(
            f"CASE WHEN {test} "
            f"THEN {{'c': {number}, 'v': left(CAST(s{number} AS VARCHAR), 200)}} END"
            for number, test in bad
        )
        anything = " OR ".join(f"({test})" for _, test in bad)
        final.append(f"CASE WHEN {anything} THEN [{listed}] END AS {quote(_INVALID)}")
    inner = f"SELECT {', '.join(cleaned)} FROM {raw.relation}"
    outer = f"SELECT {', '.join(['*', *typed])} FROM ({inner})"
    query = f"SELECT {', '.join(final)} FROM ({outer})"
    rows = numbered(
        connection,
        query,
        f"{table} rows",
        run=lambda sql: execute(connection, sql, watch),
    )
    if not bad:
        return rows, ()
    data = NumberedRows(relation=rows.relation, columns=rows.columns[:-1], position=rows.position)
    return data, _problems(connection, rows, raw.columns, casts)


def _problems(
    connection: DuckDBPyConnection,
    rows: NumberedRows,
    columns: Sequence[tuple[str, str]],
    casts: Mapping[str, Wanted],
) -> tuple[CellProblem, ...]:
    cells = (
        f"SELECT {rows.position} + 1 AS row, unnest({quote(_INVALID)}) AS cell "
        f"FROM {rows.relation} WHERE {quote(_INVALID)} IS NOT NULL"
    )
    found = connection.execute(
        f"SELECT cell.c, count(*), list_slice(list({{'row': row, 'text': cell.v}} ORDER BY row), "
        f"1, {EXAMPLES}) FROM ({cells}) WHERE cell IS NOT NULL GROUP BY cell.c ORDER BY cell.c"
    ).fetchall()
    return tuple(
        CellProblem(
            column=columns[number][0],
            type=casts[columns[number][0]].type,
            count=count,
            n=0,
            examples=tuple((each["row"], each["text"]) for each in examples),
        )
        for number, count, examples in found
    )


def _watched(
    progress: Progress | None, raw: Raw, facts: SourceFacts, start: float, end: float
) -> Watch | None:
    if progress is None:
        return None

    def watch(share: float) -> None:
        done = start + share * (end - start)
        progress(int(raw.rows * done), int(facts.bytes * done))

    return watch
