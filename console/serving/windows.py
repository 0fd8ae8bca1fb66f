"""How the features and scores that pass through lie on the bins of the training profile.

Used by `telemetry`, in its thread. A few rows are counted value by value, a large batch column by
column: numpy costs 5 µs a column to start. Invariant: every served row is counted once per column,
nulls included, in exactly one window of `WIDTH_S`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from console.rules.binning import LiveBinner, merged
from storage.records.profiles import ColumnProfile, Profile
from storage.records.reports import FeatureWindow

WIDTH_S: Final = 10
SCORE: Final = "score"
"""The column of the profile that holds the scores of the training rows."""
_FEW: Final = 16


class WindowCounter:
    """Counts of one model version in the current window."""

    def __init__(
        self, endpoint: str, version: int, profile: Profile, features: Sequence[str]
    ) -> None:
        self._endpoint = endpoint
        self._version = version
        served = {*features, SCORE}
        columns = [column for column in profile.columns if column.name in served]
        self._numbers = {
            column.name: np.asarray(column.edges, dtype=np.float64)
            for column in columns
            if column.kind == "numeric"
        }
        self._others = {column.name: column for column in columns if column.kind != "numeric"}
        self._binner = LiveBinner(profile, [column.name for column in columns])
        self._rest = LiveBinner(profile, list(self._others))
        self._counts: dict[str, NDArray[np.int64]] = {}
        """Of large batches, numbers only."""
        self._rows = 0
        self._start_s = 0

    def add(self, features: Mapping[str, Any], score: NDArray[np.float64], now_s: float) -> None:
        """Count a batch that was predicted at `now_s` (Unix time)."""
        if self._rows == 0:
            self._start_s = int(now_s) // WIDTH_S * WIDTH_S
        n = len(score)
        self._rows += n
        if n <= _FEW:
            _add_rows(
                self._binner, [self._values(name, features, score) for name in self._binner.columns]
            )
            return
        _add_rows(self._rest, [self._values(name, features, score) for name in self._others])
        for name, edges in self._numbers.items():
            found = np.asarray(score if name == SCORE else features[name], dtype=np.float64)
            bins = np.searchsorted(edges, found, side="left")
            bins[~np.isfinite(found)] = len(edges) + 1
            counts = np.bincount(bins, minlength=len(edges) + 2)
            known = self._counts.get(name)
            self._counts[name] = counts if known is None else known + counts

    def take(self, now_s: float, *, is_last: bool = False) -> FeatureWindow | None:
        """Return the window when it is over (or `is_last`) and begin the next; None otherwise."""
        if self._rows == 0 or (now_s < self._start_s + WIDTH_S and not is_last):
            return None
        large = {name: tuple(counts.tolist()) for name, counts in self._counts.items()}
        window = FeatureWindow(
            endpoint=self._endpoint,
            version=self._version,
            at=datetime.fromtimestamp(self._start_s, UTC),
            width_s=float(WIDTH_S),
            rows=self._rows,
            counts=merged([self._binner.take(), self._rest.take(), large]),
        )
        self._counts, self._rows = {}, 0
        return window

    def _values(
        self, name: str, features: Mapping[str, Any], score: NDArray[np.float64]
    ) -> list[Any]:
        values = score if name == SCORE else features[name]
        column = self._others.get(name)
        if isinstance(values, np.ndarray):
            found: list[Any] = values.tolist()
            return found if column is None else [_as_profiled(column, value) for value in found]
        return list(values)


def _add_rows(binner: LiveBinner, columns: Sequence[Sequence[Any]]) -> None:
    for row in zip(*columns, strict=True):
        binner.add(row)


def _as_profiled(column: ColumnProfile, value: float) -> Any:
    """A number of the feature matrix as the value it was in the profile's table."""
    if value != value:
        return None
    if column.type == "BOOLEAN":
        return bool(value)
    return int(value) if value.is_integer() else value
