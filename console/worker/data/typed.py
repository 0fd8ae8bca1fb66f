"""Rows as a source has them -> a table whose columns have types, and the cells that had none.

Used by `reading`. A statement with an expression for every one of 2,000 columns takes DuckDB
minutes to plan (the cost grows with the square), so a wide table is read once as it is and then
typed some columns at a time. Invariant: rows keep their order and their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from console.worker.data import casting
from console.worker.data.casting import CANDIDATES, Wanted
from console.worker.data.relations import Raw
from console.worker.data.running import Watch, execute
from storage.chunk_files import NumberedRows
from storage.chunking import numbered
from storage.records.sources import CellProblem
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAMPLE_ROWS: Final = 20_480
GLIMPSED_ROWS: Final = 100
EXAMPLES: Final = 20
WIDE: Final = 100
AT_ONCE: Final = 40
"""Columns of a wide table that are typed in one statement."""
_INVALID: Final = "invalid cells"


def kept(connection: DuckDBPyConnection, raw: Raw, table: str) -> Raw:
    """Return a source that can be read some columns at a time: a wide text is copied."""
    if len(raw.columns) <= WIDE:
        return raw
    copy = quote(_text_of(table))
    execute(connection, f"CREATE OR REPLACE TABLE {copy} AS SELECT * FROM {raw.relation}")
    return replace(raw, relation=copy)


def _text_of(table: str) -> str:
    return f"{table} text"


def _groups(columns: Sequence[str], watch: Watch | None) -> Iterator[tuple[Sequence[str], Watch]]:
    """Yield the columns of one statement after another, and how to tell its progress."""
    size = len(columns) if len(columns) <= WIDE else AT_ONCE
    starts = range(0, len(columns), max(size, 1))
    for number, start in enumerate(starts):

        def part(share: float, number: int = number) -> None:
            if watch is not None:
                watch((number + share) / len(starts))

        yield columns[start : start + size], part


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A column that stays text although most of its values are of a type."""

    column: str
    type: str
    invalid: int
    filled: int


def infer(
    connection: DuckDBPyConnection,
    raw: Raw,
    names: Sequence[str],
    tokens: Sequence[str],
    mark: str,
    watch: Watch | None,
) -> tuple[dict[str, Wanted], list[Doubt]]:
    """Find the types of text columns: the first rows say which to try, all rows decide."""
    found: dict[str, Wanted] = {}
    doubts: list[Doubt] = []
    for some, part in _groups(names, watch):
        columns = _glimpsed(connection, raw, some, tokens, mark)
        for column, filled, valid in _counted(connection, raw, columns, tokens, mark, part):
            kind = casting.narrowest(filled, valid)
            found[column] = Wanted(type=kind)
            nearest, most = max(valid.items(), key=lambda pair: pair[1], default=("", 0))
            if kind == "VARCHAR" and filled and most >= filled / 2:
                doubts.append(
                    Doubt(column=column, type=nearest, invalid=filled - most, filled=filled)
                )
    return found, doubts


def _glimpsed(
    connection: DuckDBPyConnection, raw: Raw, names: Sequence[str], tokens: Sequence[str], mark: str
) -> list[tuple[str, list[str]]]:
    """The candidates that one of the first values looks like: each costs a pattern in the scan."""
    listed = ", ".join(map(quote, names))
    rows = execute(connection, f"SELECT {listed} FROM {raw.relation} LIMIT {GLIMPSED_ROWS}")
    found = []
    for place, name in enumerate(names):
        values = {row[place] for row in rows} - {None, *tokens}
        kinds = [c.type for c in CANDIDATES if not values or any(c.fits(v, mark) for v in values)]
        found.append((name, kinds))
    return found


Counted = tuple[str, int, dict[str, int]]
"""Column, filled cells, valid cells per candidate type."""


def _counted(
    connection: DuckDBPyConnection,
    raw: Raw,
    columns: list[tuple[str, list[str]]],
    tokens: Sequence[str],
    mark: str,
    watch: Watch,
) -> list[Counted]:
    """Count on a sample, then on all rows what half of the sample was."""
    sample = f"(SELECT * FROM {raw.relation} LIMIT {SAMPLE_ROWS})"
    rows, counts = _counts(connection, sample, columns, tokens, mark, None)
    if rows < SAMPLE_ROWS:
        watch(1.0)
        return counts
    narrowed = [
        (name, [kind for kind, count in valid.items() if not filled or count > filled / 2])
        for name, filled, valid in counts
    ]
    still = [(name, kinds) for name, kinds in narrowed if kinds]
    if not still:
        return [(name, filled, {}) for name, filled, _ in counts]
    _, final = _counts(connection, raw.relation, still, tokens, mark, watch)
    texts: list[Counted] = [(name, 0, {}) for name, kinds in narrowed if not kinds]
    return [*final, *texts]


def _counts(
    connection: DuckDBPyConnection,
    relation: str,
    columns: Sequence[tuple[str, Sequence[str]]],
    tokens: Sequence[str],
    mark: str,
    watch: Watch | None,
) -> tuple[int, list[Counted]]:
    sql = casting.counts_sql(relation, columns, tokens, mark)
    rows, *counts = execute(connection, sql, watch)[0]
    values = iter(counts)
    result: list[Counted] = []
    for name, kinds in columns:
        filled = next(values)
        order = [c.type for c in CANDIDATES if c.type in kinds]
        result.append((name, filled, {kind: next(values) for kind in order}))
    return int(rows), result


def materialise(
    connection: DuckDBPyConnection,
    raw: Raw,
    casts: Mapping[str, Wanted],
    tokens: Sequence[str],
    mark: str,
    table: str,
    watch: Watch | None,
) -> tuple[NumberedRows, tuple[CellProblem, ...]]:
    """Copy the rows into a table with their types; note which cells had none."""
    names = [name for name, _ in raw.columns]
    if len(names) <= WIDE:
        return _materialise(connection, raw, casts, tokens, mark, f"{table} rows", watch)
    kinds = dict(raw.columns)
    parts: list[str] = []
    problems: list[CellProblem] = []
    for some, part in _groups(names, watch):
        narrow = replace(raw, columns=tuple((name, kinds[name]) for name in some))
        name = f"{table} part {len(parts)}"
        _, found = _materialise(connection, narrow, casts, tokens, mark, name, part)
        parts.append(quote(name))
        problems.extend(found)
    listed = ", ".join(map(quote, names))
    query = f"SELECT {listed} FROM {' POSITIONAL JOIN '.join(parts)}"
    rows = numbered(connection, query, f"{table} rows", run=lambda sql: execute(connection, sql))
    for name in (*parts, quote(_text_of(table))):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    return rows, tuple(problems)


def _materialise(
    connection: DuckDBPyConnection,
    raw: Raw,
    casts: Mapping[str, Wanted],
    tokens: Sequence[str],
    mark: str,
    table: str,
    watch: Watch | None,
) -> tuple[NumberedRows, tuple[CellProblem, ...]]:
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
            casting.cast(f"s{number}", want, mark)
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
        table,
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
