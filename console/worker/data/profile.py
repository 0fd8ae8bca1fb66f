"""A table -> its profile: what drift, histograms and validation need once the rows are gone.

Worker jobs call `profile_table` for a new version and `profile_on_edges` for rows that are to be
compared with it. Columns are read by themselves and in pieces, so memory is two columns at most.
Invariant: counts are exact; edges are exact quantiles up to `EXACT_ROWS` rows, and above that
quantiles of every n-th row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from storage.records.profiles import QUANTILES, ColumnKind, ColumnProfile, Profile
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]
"""(columns done, columns of all)"""

MOST_BINS: Final = 256
MOST_TOP: Final = 200
MOST_SINGLE_VALUES: Final = 200
"""Whole numbers with at most so many different values get one bin per value."""
BLOCKS: Final = 20
LEAST_BLOCK_ROWS: Final = 50
EXACT_ROWS: Final = 1 << 26
"""Above it a column would need more than half a GiB to be sorted."""
FREE_TEXT_DISTINCT: Final = 5_000
"""A text column with more different values, most of them unique, is not counted value by value."""
COLUMNS_AT_ONCE: Final = 2
_BATCH_ROWS: Final = 1 << 18

_WHOLE: Final = frozenset(
    {"tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger",
     "ubigint", "uhugeint"}
)  # fmt: skip
_FRACTIONAL: Final = frozenset({"float", "double", "decimal"})
_CATEGORIES: Final = frozenset({"boolean", "varchar", "enum", "uuid", "bit", "time"})


def kind_of(type_: DuckDBPyType) -> ColumnKind:
    """Return how a column of this type is profiled; `text` only shows in the values."""
    if type_.id in _WHOLE or type_.id in _FRACTIONAL:
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
        return _column(_Source(cursor, relation, name, type_, rows), reference)


@dataclass(frozen=True, slots=True)
class _Source:
    """One column of a table."""

    connection: DuckDBPyConnection
    relation: str
    name: str
    type: DuckDBPyType
    rows: int

    def batches(self, expression: str) -> Iterator[Any]:
        """Yield the values of an expression over the column as Arrow arrays, in row order."""
        query = f"SELECT {expression} AS v FROM {self.relation}"
        for batch in self.connection.sql(query).to_arrow_reader(_BATCH_ROWS):
            yield batch.column(0)

    def one(self, aggregates: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self.connection.execute(
            f"SELECT {aggregates} FROM {self.relation}"
        ).fetchall()[0]
        return row


def _column(source: _Source, reference: ColumnProfile | None) -> ColumnProfile:
    kind = kind_of(source.type)
    if reference is not None and (reference.kind in ("numeric", "timestamp")) != (
        kind in ("numeric", "timestamp")
    ):
        reference = None  # the type changed; bins of the one mean nothing to the other
    if kind in ("numeric", "timestamp"):
        return _numeric(source, kind, reference)
    if kind == "categorical":
        return _categorical(source, reference)
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


# --------------------------------------------------------------------------- numbers and times


def _numeric(source: _Source, kind: ColumnKind, reference: ColumnProfile | None) -> ColumnProfile:
    expression = _as_double(quote(source.name), kind)
    sampled = _sorted(source, expression)
    if reference is not None:
        edges = np.array(reference.edges, dtype=np.float64)
    else:
        edges = _edges(sampled, source.type.id in _WHOLE)
    bins = len(edges) + 1
    blocks = np.zeros((_block_count(source.rows), bins), dtype=np.int64)
    sums = np.zeros(bins)
    totals = _Totals()
    position = 0
    for array in source.batches(expression):
        values = array.to_numpy(zero_copy_only=False)
        finite = totals.add(values, array.null_count)
        places = np.searchsorted(edges, values, side="left")
        for number, start, stop in _pieces(position, len(values), source.rows, len(blocks)):
            inside = places[start:stop][finite[start:stop]]
            blocks[number] += np.bincount(inside, minlength=bins)
        sums += np.bincount(places[finite], weights=values[finite], minlength=bins)
        position += len(values)
    distinct = int(np.count_nonzero(np.diff(sampled))) + 1 if len(sampled) else 0
    counts = blocks.sum(axis=0)
    return ColumnProfile(
        name=source.name,
        type=str(source.type),
        kind=kind,
        n=source.rows,
        null_count=totals.nulls,
        nan_count=totals.nans,
        pos_inf_count=totals.pos_infs,
        neg_inf_count=totals.neg_infs,
        distinct_count=distinct,
        distinct_is_exact=len(sampled) == int(counts.sum()),
        min=totals.min,
        max=totals.max,
        sum=float(sums.sum()),
        sum_squares=totals.squares,
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        sums=tuple(sums.tolist()),
        quantiles=_quantiles(sampled),
        blocks=_blocks(blocks),
    )


class _Totals:
    """What does not depend on bins."""

    def __init__(self) -> None:
        self.nulls = self.nans = self.pos_infs = self.neg_infs = 0
        self.squares = 0.0
        self.min: float | None = None
        self.max: float | None = None

    def add(self, values: Floats, nulls: int) -> npt.NDArray[np.bool_]:
        """Count a piece, in which nulls stand as NaN; return which values are finite."""
        finite = np.isfinite(values)
        self.nulls += nulls
        self.nans += int(np.count_nonzero(np.isnan(values))) - nulls
        self.pos_infs += int(np.count_nonzero(values == np.inf))
        self.neg_infs += int(np.count_nonzero(values == -np.inf))
        numbers = values[finite]
        if len(numbers):
            self.squares += float(np.dot(numbers, numbers))
            low, high = float(numbers.min()), float(numbers.max())
            self.min = low if self.min is None else min(self.min, low)
            self.max = high if self.max is None else max(self.max, high)
        return finite


def _as_double(column: str, kind: ColumnKind) -> str:
    if kind == "numeric":
        return f"CAST({column} AS DOUBLE)"
    return (
        f"CASE WHEN isfinite({column}) THEN epoch({column}) "
        f"WHEN {column} IS NOT NULL THEN CASE WHEN {column} > DATE '1970-01-01' "
        f"THEN CAST('inf' AS DOUBLE) ELSE CAST('-inf' AS DOUBLE) END END"
    )


def _sorted(source: _Source, expression: str) -> Floats:
    """Return the finite values in order: all of them, or of every n-th row of a huge table.

    Sorting in numpy takes a tenth of what exact quantiles take in DuckDB (measured at 10 M rows).
    """
    step = -(-source.rows // EXACT_ROWS) or 1
    pieces = [np.empty(0)]
    offset = 0
    for array in source.batches(expression):
        values = array.to_numpy(zero_copy_only=False)
        taken = values[-offset % step :: step] if step > 1 else values
        pieces.append(taken[np.isfinite(taken)])
        offset += len(values)
    everything = np.concatenate(pieces)
    everything.sort()
    return everything


def _edges(ordered: Floats, is_whole: bool) -> Floats:
    """Return the inner ends of the bins: at most 255 quantiles, or every value of a few.

    A value with at least 1/256 of the mass becomes an edge by itself, so 0, −1 or 999 stay visible.
    """
    if not len(ordered):
        return np.empty(0)
    if is_whole:
        distinct = np.unique(ordered)
        if len(distinct) <= MOST_SINGLE_VALUES:
            return distinct
    shares = np.arange(1, MOST_BINS) / MOST_BINS
    return np.unique(ordered[_ranks(shares, len(ordered))])


def _quantiles(ordered: Floats) -> tuple[float, ...]:
    if not len(ordered):
        return ()
    values: list[float] = ordered[_ranks(np.array(QUANTILES), len(ordered))].tolist()
    return tuple(values)


def _ranks(shares: Floats, count: int) -> npt.NDArray[np.intp]:
    """Positions of the discrete quantiles: the smallest value with at least that share below it."""
    return np.clip(np.ceil(shares * count).astype(np.intp) - 1, 0, count - 1)


# --------------------------------------------------------------------------- categories


def _categorical(source: _Source, reference: ColumnProfile | None) -> ColumnProfile:
    column = f"CAST({quote(source.name)} AS VARCHAR)"
    filled, empty, about = source.one(
        f"count({column}), count(*) FILTER ({column} = ''), approx_count_distinct({column})"
    )
    base = ColumnProfile(
        name=source.name,
        type=str(source.type),
        kind="categorical",
        n=source.rows,
        null_count=source.rows - filled,
        empty_count=empty,
        distinct_count=about,
        distinct_is_exact=False,
        other_count=filled,
    )
    was_text = reference is not None and reference.kind == "text"
    is_text = reference is None and about > FREE_TEXT_DISTINCT and about > filled / 2
    if was_text or is_text:
        return replace(base, kind="text")
    top, distinct = _top(source, column, reference)
    blocks = _category_blocks(source, column, [value for value, _ in top])
    return replace(
        base,
        distinct_count=distinct,
        distinct_is_exact=True,
        top=tuple(top),
        other_count=filled - sum(count for _, count in top),
        blocks=blocks,
    )


def _top(
    source: _Source, column: str, reference: ColumnProfile | None
) -> tuple[list[tuple[str, int]], int]:
    """Return the most frequent values (and those of the reference), and how many there are."""
    kept = [value for value, _ in reference.top] if reference is not None else []
    rows = source.connection.execute(
        f"WITH counted AS (SELECT {column} AS v, count(*) AS c FROM {source.relation} "
        f"WHERE {column} IS NOT NULL GROUP BY v) "
        f"SELECT v, c, (SELECT count(*) FROM counted) FROM (SELECT *, "
        f"row_number() OVER (ORDER BY c DESC, v) AS place FROM counted) "
        f"WHERE place <= {MOST_TOP} OR list_contains($kept, v) ORDER BY c DESC, v",
        {"kept": kept},
    ).fetchall()
    found = [(str(value), int(count)) for value, count, _ in rows]
    return found, int(rows[0][2]) if rows else 0


def _category_blocks(
    source: _Source, column: str, values: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    import pyarrow as pa
    import pyarrow.compute as pc

    blocks = np.zeros((_block_count(source.rows), len(values) + 1), dtype=np.int64)
    if len(blocks) < 2:
        return ()
    known = pa.array(values, type=pa.string())
    position = 0
    for array in source.batches(column):
        codes = pc.index_in(array, value_set=known, skip_nulls=True)
        others = pc.and_(array.is_valid(), codes.is_null()).to_numpy(zero_copy_only=False)
        places = codes.fill_null(len(values) + 1).to_numpy(zero_copy_only=False)
        places = np.where(others, len(values), places)
        for number, start, stop in _pieces(position, len(places), source.rows, len(blocks)):
            counted = np.bincount(places[start:stop], minlength=len(values) + 2)
            blocks[number] += counted[: len(values) + 1]
        position += len(places)
    return _blocks(blocks)


# --------------------------------------------------------------------------- blocks of rows


def _block_count(rows: int) -> int:
    return BLOCKS if rows >= BLOCKS * LEAST_BLOCK_ROWS else 1


def _pieces(position: int, length: int, rows: int, blocks: int) -> Iterator[tuple[int, int, int]]:
    """Yield (block, start, stop) for the rows `position` … `position + length` of all `rows`."""
    for number in range(blocks):
        first, last = rows * number // blocks, rows * (number + 1) // blocks
        start, stop = max(first - position, 0), min(last - position, length)
        if start < stop:
            yield number, start, stop


def _blocks(blocks: Counts) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in blocks.tolist()) if len(blocks) > 1 else ()
