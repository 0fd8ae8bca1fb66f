"""Profiles of raw values, made the slow and obvious way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from console.rules.drift.habits import habit, stretches
from storage.records.profiles import QUANTILES, ColumnProfile

Profiled = Callable[..., ColumnProfile]


def numeric(
    values: Sequence[Any],
    *,
    name: str = "x",
    on: ColumnProfile | None = None,
    type: str = "DOUBLE",
    has_habits: bool = False,
) -> ColumnProfile:
    """One numeric column; None is null. `on` takes the edges of another profile."""
    present = [v for v in values if v is not None]
    finite = np.array([v for v in present if math.isfinite(v)], dtype=float)
    ordered = np.sort(finite)
    if on is not None:
        edges = np.array(on.edges)
    elif finite.size:
        ranks = np.ceil(np.arange(1, 256) / 256 * finite.size).astype(int) - 1
        edges = np.unique(ordered[np.maximum(ranks, 0)])
    else:
        edges = np.zeros(0)
    codes = np.searchsorted(edges, finite, side="left")
    counts = np.bincount(codes, minlength=edges.size + 1)
    column = ColumnProfile(
        name=name,
        type=type,
        kind="numeric",
        n=len(values),
        null_count=len(values) - len(present),
        nan_count=sum(math.isnan(v) for v in present),
        pos_inf_count=sum(v == math.inf for v in present),
        neg_inf_count=sum(v == -math.inf for v in present),
        distinct_count=np.unique(finite).size,
        min=float(ordered[0]) if finite.size else None,
        max=float(ordered[-1]) if finite.size else None,
        sum=float(finite.sum()),
        sum_squares=float((finite**2).sum()),
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        sums=tuple(np.bincount(codes, weights=finite, minlength=edges.size + 1).tolist()),
        quantiles=tuple(np.quantile(finite, QUANTILES).tolist()) if finite.size else (),
    )
    if not has_habits:
        return column
    rows = np.array([math.nan if v is None else v for v in values], dtype=float)
    places = np.where(np.isfinite(rows), np.searchsorted(edges, rows, side="left"), -1)
    return with_habits(column, places)


def with_habits(column: ColumnProfile, codes: NDArray[np.int64]) -> ColumnProfile:
    """The column with what its rows, given as bins in their order, do by themselves."""
    plan = reversed(stretches(codes.size))
    return replace(column, habits=tuple(habit(column, n, codes[at]) for n, at in plan))


def categorical(
    values: Sequence[str | None],
    *,
    name: str = "c",
    limit: int = 200,
    has_habits: bool = False,
) -> ColumnProfile:
    """One category column; None is null."""
    present = [v for v in values if v is not None]
    ordered = sorted(Counter(present).items(), key=lambda pair: (-pair[1], pair[0]))
    column = ColumnProfile(
        name=name,
        type="VARCHAR",
        kind="categorical",
        n=len(values),
        null_count=len(values) - len(present),
        distinct_count=len(ordered),
        top=tuple(ordered[:limit]),
        other_count=sum(count for _, count in ordered[limit:]),
    )
    if not has_habits:
        return column
    place = {value: i for i, (value, _) in enumerate(column.top)} | {None: -1}
    return with_habits(column, np.array([place.get(v, len(column.top)) for v in values]))


def of_counts(counts: dict[str, int], *, name: str = "c") -> ColumnProfile:
    top = tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    return replace(
        categorical((), name=name), n=sum(counts.values()), top=top, distinct_count=len(top)
    )


@pytest.fixture(scope="session")
def numbers() -> Profiled:
    return numeric


@pytest.fixture(scope="session")
def words() -> Profiled:
    return categorical


@pytest.fixture(scope="session")
def counted_words() -> Profiled:
    return of_counts
