"""A table -> its profile: what drift, histograms and validation need once the rows are gone.

Worker jobs call `profile_table` for a new version and `profile_on_edges` for rows that are to be
compared with it. Columns are read by themselves and in pieces, so memory is two columns at most.
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
    return _profile(connection, relation, {}, progress)


def profile_on_edges(
    connection: DuckDBPyConnection,
    reference: Profile,
    relation: str,
    progress: Progress | None = None,
) -> Profile:
    """Profile the columns that `reference` has, on its bins.

    Categorical columns also keep the counts of the reference's top values, whatever their rank.
    Columns the relation lacks are left out.
    """
    known = {column.name: column for column in reference.columns}
    return _profile(connection, relation, known, progress)


def _profile(
    connection: DuckDBPyConnection,
    relation: str,
    known: dict[str, ColumnProfile],
    progress: Progress | None,
) -> Profile:
    empty = connection.sql(f"SELECT * FROM {relation} LIMIT 0")
    rows = int(connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])
    wanted = [
        (name, type_)
        for name, type_ in zip(empty.columns, empty.types, strict=True)
        if not known or name in known
    ]
    done = 0
    if progress is not None:
        progress(0, len(wanted))
    # Half of the work is numpy's, which uses one core: two columns at a time use both.
    with ThreadPoolExecutor(COLUMNS_AT_ONCE) as pool:
        tasks = [
            pool.submit(_alone, connection, relation, name, type_, rows, known.get(name))
            for name, type_ in wanted
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
    reference: ColumnProfile | None,
) -> ColumnProfile:
    with connection.cursor() as cursor:
        return _column(Source(cursor, relation, name, type_, rows), reference)


def _column(source: Source, reference: ColumnProfile | None) -> ColumnProfile:
    kind = kind_of(source.type)
    if reference is not None and (reference.kind in ("numeric", "timestamp")) != (
        kind in ("numeric", "timestamp")
    ):
        reference = None  # the type changed; bins of the one mean nothing to the other
    if kind in ("numeric", "timestamp"):
        return profile_numbers(source, kind, reference)
    if kind == "categorical":
        return profile_categories(source, reference)
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
