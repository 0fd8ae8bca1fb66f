"""Profiles that add up, and counts read on other bins.

Invariant: the profile of two windows together is the sum of their profiles, for everything that is
counted on the same cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from console.errors import InvalidError
from console.rules.drift.cells import side_of
from storage.records.profiles import QUANTILES, ColumnProfile, Profile

TOP_LIMIT = 200


def merge_profiles(a: Profile, b: Profile) -> Profile:
    """The profile of the rows of both, which must have the same columns and edges.

    Counts, sums, ends, nulls add exactly. Quantiles are read from the bins. The number of distinct
    values is exact only when both dictionaries are complete; else it is a lower limit.
    """
    if [c.name for c in a.columns] != [c.name for c in b.columns]:
        raise InvalidError(
            "cannot add two profiles: their columns differ.",
            hint="Only windows of the same model or dataset add up.",
        )
    columns = tuple(_merged(x, y) for x, y in zip(a.columns, b.columns, strict=True))
    return replace(a, rows=a.rows + b.rows, columns=columns)


def counts_on(column: ColumnProfile, edges: Sequence[float]) -> tuple[float, ...]:
    """Rows of a numeric column per right-closed cell of other edges (k,) → (k + 1,).

    Exact where an edge is one of the column's own; between them by the means of its bins.
    """
    return tuple(side_of(column).between(np.asarray(edges, dtype=np.float64)).tolist())


def _merged(a: ColumnProfile, b: ColumnProfile) -> ColumnProfile:
    if a.edges != b.edges or a.kind != b.kind:
        raise InvalidError(
            f"cannot add two profiles: {a.name} is counted on different bins.",
            hint="Profile the later rows on the bins of the earlier ones.",
            column=a.name,
        )
    is_complete = bool(a.top and b.top) and not (a.other_count or b.other_count)
    top, other = _merged_top(a, b)
    merged = replace(
        a,
        n=a.n + b.n,
        null_count=a.null_count + b.null_count,
        nan_count=a.nan_count + b.nan_count,
        pos_inf_count=a.pos_inf_count + b.pos_inf_count,
        neg_inf_count=a.neg_inf_count + b.neg_inf_count,
        empty_count=a.empty_count + b.empty_count,
        distinct_count=len(top) if is_complete else max(a.distinct_count, b.distinct_count),
        distinct_is_exact=is_complete,
        min=min(_known(a.min, b.min), default=None),
        max=max(_known(a.max, b.max), default=None),
        sum=a.sum + b.sum,
        sum_squares=a.sum_squares + b.sum_squares,
        counts=tuple(x + y for x, y in zip(a.counts, b.counts, strict=True)),
        sums=(
            tuple(x + y for x, y in zip(a.sums, b.sums, strict=True))
            if len(a.sums) == len(b.sums)
            else ()
        ),
        top=top,
        other_count=other,
        habits=(),
    )
    if a.kind in ("numeric", "timestamp") and any(merged.counts):
        side = side_of(merged)
        quantiles = tuple(side.quantile(p) or 0.0 for p in QUANTILES)
        return replace(merged, quantiles=quantiles)
    return merged


def _merged_top(a: ColumnProfile, b: ColumnProfile) -> tuple[tuple[tuple[str, int], ...], int]:
    counts = Counter(dict(a.top))
    counts.update(dict(b.top))
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    cut = sum(count for _, count in ordered[TOP_LIMIT:])
    return tuple(ordered[:TOP_LIMIT]), a.other_count + b.other_count + cut


def _known(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]
