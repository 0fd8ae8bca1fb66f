"""A table -> its profile: what drift, histograms and validation need once the rows are gone.

Worker jobs call `profile_table` for a new version and for what came with it. Columns are read by
themselves and in pieces, so memory is two columns at most.
Invariant: counts are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Final

from console.worker.data.profile_categories import profile_categories
from console.worker.data.profile_numbers import WHOLE, profile_numbers
from console.worker.data.profile_source import Source
from storage.records.profiles import ColumnKind, ColumnProfile, Profile
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

Progress = Callable[[int, int], None]
"""(columns done, columns of all)"""

COLUMNS_AT_ONCE: Final = 2
_FRACTIONAL: Final = frozenset({"float", "double", "decimal"})
_CATEGORIES: Final = frozenset({"boolean", "varchar", "enum", "uuid", "bit", "time"})


def kind_of(type_: DuckDBPyType) -> ColumnKind:
    """Return how a column of this type is profiled; `text` only shows in the values."""
    if type_.id in WHOLE or type_.id in _FRACTIONAL:
        return "numeric"
    if type_.id == "date" or type_.id.startswith("timestamp"):
        return "timestamp"
    return "categorical" if type_.id in _CATEGORIES else "nested"


def profile_table(
    connection: DuckDBPyConnection, relation: str, progress: Progress | None = None
) -> Profile:
    """Profile what stands after FROM in `relation`; temporary tables and views cannot be seen."""
    empty = connection.sql(f"SELECT * FROM {relation} LIMIT 0")
    rows = int(connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])
    wanted = list(zip(empty.columns, empty.types, strict=True))
    done = 0
    if progress is not None:
        progress(0, len(wanted))
    # Half of the work is numpy's, which uses one core: two columns at a time use both.
    with ThreadPoolExecutor(COLUMNS_AT_ONCE) as pool:
        tasks = [
            pool.submit(_alone, connection, relation, name, type_, rows) for name, type_ in wanted
        ]
        try:
            for _ in as_completed(tasks):
                done += 1
                if progress is not None:
                    progress(done, len(wanted))
            columns = tuple(task.result() for task in tasks)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return Profile(rows=rows, columns=columns)


def _alone(
    connection: DuckDBPyConnection,
    relation: str,
    name: str,
    type_: DuckDBPyType,
    rows: int,
) -> ColumnProfile:
    with connection.cursor() as cursor:
        return _column(Source(cursor, relation, name, type_, rows))


def _column(source: Source) -> ColumnProfile:
    kind = kind_of(source.type)
    if kind in ("numeric", "timestamp"):
        return profile_numbers(source, kind)
    if kind == "categorical":
        return profile_categories(source)
    filled = int(source.one(f"count({quote(source.name)})")[0])
    return ColumnProfile(
        name=source.name,
        type=str(source.type),
        kind=kind,
        n=source.rows,
        null_count=source.rows - filled,
        distinct_is_exact=False,
        other_count=filled,
    )
