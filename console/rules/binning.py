"""Served values -> counts on the bins of a training profile, fast enough for every request.

The serving process feeds a `LiveBinner`; monitors turn its counts into a profile with
`profile_of` and compare that with the reference. Standard library only. Invariant: counts of two
windows add up to the counts of both, and every value lands in exactly one entry.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from storage.records.profiles import QUANTILES, ColumnProfile, Profile

_OUTSIDE = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Ends of bins beyond the known values, in standard deviations."""

Window = dict[str, tuple[int, ...]]
"""Column -> counts: per bin (numbers and times), or per top value, other and new (the rest); then
one entry for what is missing: nulls, NaN, infinities, values of another kind."""


class LiveBinner:
    """Counts values of the columns of a profile.

    >>> column = ColumnProfile(name="x", type="DOUBLE", kind="numeric", n=9, edges=(1.0, 2.0))
    >>> binner = LiveBinner(Profile(rows=9, columns=(column,)))
    >>> for value in (0.5, 1.0, 1.5, 99, None):
    ...     binner.add([value])
    >>> binner.take()
    {'x': (2, 1, 1, 1)}
    """

    def __init__(self, profile: Profile, columns: Sequence[str] | None = None) -> None:
        """Count these columns, or all. Raises `KeyError` for one the profile does not have."""
        known = {column.name: column for column in profile.columns}
        chosen = [known[name] for name in (columns if columns is not None else known)]
        self.columns = tuple(column.name for column in chosen)
        self.rows = 0
        self._places = [_place(column) for column in chosen]
        self._counts = [[0] * size_of(column) for column in chosen]
        self._pairs = list(zip(self._places, self._counts, strict=True))

    def add(self, values: Sequence[Any]) -> None:
        """Count one row; `values` are in the order of `columns`."""
        for (place, counts), value in zip(self._pairs, values, strict=True):
            counts[place(value)] += 1
        self.rows += 1

    def add_mapping(self, row: Mapping[str, Any]) -> None:
        """Count one row by name; an absent column is missing."""
        self.add([row.get(name) for name in self.columns])

    def take(self) -> Window:
        """Return what was counted since the last time, and start anew."""
        window = {
            name: tuple(counts) for name, counts in zip(self.columns, self._counts, strict=True)
        }
        for counts in self._counts:
            counts[:] = [0] * len(counts)
        self.rows = 0
        return window


def size_of(column: ColumnProfile) -> int:
    """Return how many entries a window has for this column."""
    if column.kind in ("numeric", "timestamp"):
        return len(column.edges) + 2
    return len(column.top) + 3


def widened(profile: Profile) -> Profile:
    """The profile with empty bins beyond the smallest and largest value of every number.

    Requests may lie anywhere: in one open bin nobody could see how far.

    >>> column = ColumnProfile(name="x", type="DOUBLE", kind="numeric", n=9, min=0.0, max=4.0,
    ...                        edges=(1.0, 2.0), counts=(3, 3, 3))
    >>> widened(Profile(rows=9, columns=(column,))).columns[0].edges[-8:]
    (1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 12.0, 20.0)
    """
    return replace(profile, columns=tuple(_widened(column) for column in profile.columns))


def _widened(column: ColumnProfile) -> ColumnProfile:
    low, high = column.min, column.max
    if column.kind != "numeric" or low is None or high is None or not column.counts:
        return column
    quantiles = dict(zip(QUANTILES, column.quantiles, strict=False))
    width = (quantiles.get(0.75, 0.0) - quantiles.get(0.25, 0.0)) / 1.349 or high - low
    width = width or max(1.0, abs(high))
    below = tuple(low - width * times for times in reversed(_OUTSIDE))
    above = tuple(high + width * times for times in _OUTSIDE)
    if not column.edges or column.edges[-1] < high:
        above = (high, *above)
    if not all(math.isfinite(edge) for edge in (*below, *above)):
        return column
    empty = len(below), len(above)
    return replace(
        column,
        edges=(*below, *column.edges, *above),
        counts=(*[0] * empty[0], *column.counts, *[0] * empty[1]),
        sums=(*[0.0] * empty[0], *column.sums, *[0.0] * empty[1]) if column.sums else (),
    )


def merged(windows: Sequence[Window]) -> Window:
    """Add windows of the same profile; a column that one of them lacks counts as zero there."""
    total: dict[str, list[int]] = {}
    for window in windows:
        for name, counts in window.items():
            so_far = total.setdefault(name, [0] * len(counts))
            for place, count in enumerate(counts):
                so_far[place] += count
    return {name: tuple(counts) for name, counts in total.items()}


def profile_of(reference: Profile, window: Window) -> Profile:
    """Return the window as a profile on the bins of `reference`.

    New values are one top value called `NEW` plus nothing more: what they were is not kept.
    """
    columns = []
    rows = 0
    for column in reference.columns:
        counts = window.get(column.name)
        if counts is None or len(counts) != size_of(column):
            continue
        rows = max(rows, sum(counts))
        base = replace(
            column,
            n=sum(counts),
            null_count=counts[-1],
            nan_count=0,
            pos_inf_count=0,
            neg_inf_count=0,
            empty_count=0,
            distinct_is_exact=False,
            min=None,
            max=None,
            sum=0.0,
            sum_squares=0.0,
            sums=(),
            quantiles=(),
            habits=(),
        )
        if column.kind in ("numeric", "timestamp"):
            columns.append(replace(base, counts=counts[:-1]))
            continue
        known = [(value, n) for (value, _), n in zip(column.top, counts, strict=False)]
        new = [(NEW, counts[-2])] if counts[-2] else []
        columns.append(replace(base, top=tuple(known + new), other_count=counts[-3]))
    return Profile(rows=rows, columns=tuple(columns), algorithm=reference.algorithm)


NEW = "(new values)"
"""Stands for all values that the reference never had."""


def _place(column: ColumnProfile) -> Callable[[Any], int]:
    if column.kind == "numeric":
        return _number_place(column.edges)
    if column.kind == "timestamp":
        return _time_place(column.edges)
    return _category_place(column)


def _number_place(edges: tuple[float, ...]) -> Callable[[Any], int]:
    missing = len(edges) + 1

    def place(value: Any) -> int:
        try:
            if value - value == 0:  # neither NaN nor infinite, and a number at all
                return bisect_left(edges, value)
        except TypeError:
            pass
        return missing

    return place


def _time_place(edges: tuple[float, ...]) -> Callable[[Any], int]:
    missing = len(edges) + 1

    def place(value: Any) -> int:
        seconds = _seconds(value)
        return missing if seconds is None else bisect_left(edges, seconds)

    return place


def _category_place(column: ColumnProfile) -> Callable[[Any], int]:
    known = {value: place for place, (value, _) in enumerate(column.top)}
    # When the profile lists every value it saw, one outside the list is new.
    unknown = len(known) if column.other_count else len(known) + 1
    missing = len(known) + 2

    def place(value: Any) -> int:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return missing
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif not isinstance(value, str):
            value = str(value)
        return known.get(value, unknown)

    return place


def _seconds(value: Any) -> float | None:
    """Seconds since 1970-01-01 UTC of a time, a date, an ISO text or a number of seconds."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        return float(value) if value - value == 0 else None
    except (TypeError, ValueError):
        return None
