"""Numbers and times of one column: exact quantile bins, counts, sums.

Used by `profile`. Times are seconds since 1970-01-01 UTC. Invariant: counts are of all rows; edges
are exact quantiles up to `EXACT_ROWS` rows, and above that quantiles of every n-th row.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from console.worker.data.profile_source import Counts, Floats, Source, StretchSample
from storage.records.profiles import QUANTILES, ColumnKind, ColumnProfile
from storage.sql_text import quote

MOST_BINS: Final = 256
MOST_SINGLE_VALUES: Final = 200
"""Whole numbers with at most so many different values get one bin per value."""
EXACT_ROWS: Final = 1 << 26
"""Above it a column would need more than a GiB to be sorted."""
WHOLE: Final = frozenset(
    {"tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger",
     "ubigint", "uhugeint"}
)  # fmt: skip


def profile_numbers(source: Source, kind: ColumnKind) -> ColumnProfile:
    """Profile the column on bins of its own."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _profile(source, kind)


def _profile(source: Source, kind: ColumnKind) -> ColumnProfile:
    expression = _as_double(quote(source.name), kind)
    step = -(-source.rows // EXACT_ROWS) or 1
    odd, runs, sample = _collect(source, expression, step)
    # Sorted runs are merged: with the sort of each run a tenth of DuckDB's exact quantiles.
    ordered = np.sort(np.concatenate(runs), kind="stable")
    edges = _edges(ordered, source.type.id in WHOLE)
    counted = _count_sorted(ordered, edges) if step == 1 else _count(source, expression, edges)
    distinct = int(np.count_nonzero(np.diff(ordered))) + 1 if len(ordered) else 0
    profile = ColumnProfile(
        name=source.name,
        type=str(source.type),
        kind=kind,
        n=source.rows,
        null_count=odd.nulls,
        nan_count=odd.nans,
        pos_inf_count=odd.pos_infs,
        neg_inf_count=odd.neg_infs,
        distinct_count=distinct,
        distinct_is_exact=step == 1,
        min=counted.min,
        max=counted.max,
        sum=_bounded(counted.sums.sum()),
        sum_squares=_bounded(counted.squares),
        edges=tuple(edges.tolist()),
        counts=tuple(counted.counts.tolist()),
        sums=tuple(map(_bounded, counted.sums)),
        quantiles=_quantiles(ordered),
    )
    return sample.habits(profile, lambda values: _codes(values, edges))


def _bounded(total: float) -> float:
    """A sum that left the range of numbers stays at its end: JSON has no infinity."""
    return float(min(max(total, -sys.float_info.max), sys.float_info.max))


def _collect(
    source: Source, expression: str, step: int
) -> tuple[_Odd, list[Floats], StretchSample]:
    """Read the column once: what is no number in all rows, the finite values of every `step`-th
    row as sorted runs, and the sampled stretches with NaN for what is no number."""
    odd = _Odd()
    runs: list[Floats] = [np.empty(0)]
    sample = StretchSample(source.rows)
    position = 0
    for array in source.batches(expression):
        values = array.to_numpy(zero_copy_only=False)
        finite = np.isfinite(values)
        odd.count(values, finite, array.null_count)
        sample.take(position, values)
        taken = slice(-position % step, None, step)
        runs.append(np.sort(values[taken][finite[taken]]))
        position += len(values)
    return odd, runs, sample


def _codes(values: Floats, edges: Floats) -> Counts:
    """The bin of every value, −1 for what is no number."""
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="left"), -1)


def _bounds(ordered: Floats, edges: Floats) -> list[int]:
    """Positions in sorted values where the bins begin and end; a bin includes its right end."""
    inner: list[int] = np.searchsorted(ordered, edges, side="right").tolist()
    return [0, *inner, len(ordered)]


def _count_sorted(ordered: Floats, edges: Floats) -> _Counted:
    bounds = _bounds(ordered, edges)
    return _Counted(
        counts=np.diff(bounds),
        sums=np.array([ordered[i:j].sum() for i, j in pairwise(bounds)]),
        squares=float(np.dot(ordered, ordered)),
        min=float(ordered[0]) if len(ordered) else None,
        max=float(ordered[-1]) if len(ordered) else None,
    )


def _count(source: Source, expression: str, edges: Floats) -> _Counted:
    """Read the column again and count every row: of a table too long to be sorted."""
    bins = len(edges) + 1
    found = _Counted(np.zeros(bins, dtype=np.int64), np.zeros(bins), 0.0, None, None)
    for array in source.batches(expression):
        values = array.to_numpy(zero_copy_only=False)
        finite = np.isfinite(values)
        places = np.searchsorted(edges, values, side="left")
        found.counts += np.bincount(places[finite], minlength=bins)
        numbers = values[finite]
        found.sums += np.bincount(places[finite], weights=numbers, minlength=bins)
        found.squares += float(np.dot(numbers, numbers))
        if len(numbers):
            low, high = float(numbers.min()), float(numbers.max())
            found.min = low if found.min is None else min(found.min, low)
            found.max = high if found.max is None else max(found.max, high)
    return found


@dataclass(slots=True)
class _Odd:
    """Values that are no finite numbers."""

    nulls: int = 0
    nans: int = 0
    pos_infs: int = 0
    neg_infs: int = 0

    def count(self, values: Floats, finite: npt.NDArray[np.bool_], nulls: int) -> None:
        """Count a piece, in which nulls stand as NaN."""
        self.nulls += nulls
        odd = values[~finite] if len(values) - np.count_nonzero(finite) > nulls else values[:0]
        infs = np.isinf(odd)
        self.pos_infs += int(np.count_nonzero(odd[infs] > 0))
        self.neg_infs += int(np.count_nonzero(odd[infs] < 0))
        self.nans += int(np.count_nonzero(~infs)) - (nulls if len(odd) else 0)


@dataclass(slots=True)
class _Counted:
    """Finite values on bins."""

    counts: Counts
    sums: Floats
    squares: float
    min: float | None
    max: float | None


def _as_double(column: str, kind: ColumnKind) -> str:
    if kind == "numeric":
        return f"CAST({column} AS DOUBLE)"
    return (
        f"CASE WHEN isfinite({column}) THEN epoch({column}) "
        f"WHEN {column} IS NOT NULL THEN CASE WHEN {column} > DATE '1970-01-01' "
        f"THEN CAST('inf' AS DOUBLE) ELSE CAST('-inf' AS DOUBLE) END END"
    )


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
