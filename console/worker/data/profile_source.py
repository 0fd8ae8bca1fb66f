"""One column of a table, read in pieces, and a sample of its stretches of consecutive rows.

Used by the modules that profile. Invariant: pieces come in the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from console.rules.drift.habits import habit, stretches
from storage.records.profiles import ColumnProfile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

BATCH_ROWS: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Source:
    """One column of a table."""

    connection: DuckDBPyConnection
    relation: str
    name: str
    type: DuckDBPyType
    rows: int

    def batches(self, expression: str) -> Iterator[Any]:
        """Yield the values of an expression over the column as Arrow arrays, in row order."""
        query = f"SELECT {expression} AS v FROM {self.relation}"
        for batch in self.connection.sql(query).to_arrow_reader(BATCH_ROWS):
            yield batch.column(0)

    def one(self, aggregates: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self.connection.execute(
            f"SELECT {aggregates} FROM {self.relation}"
        ).fetchall()[0]
        return row


class StretchSample:
    """The values of the rows that tell how stretches of a table differ, gathered as pieces come."""

    def __init__(self, rows: int) -> None:
        self._plan = stretches(rows)
        wanted = [positions.ravel() for _, positions in self._plan]
        positions = np.concatenate(wanted) if wanted else np.empty(0, dtype=np.int64)
        self._order = np.argsort(positions, kind="stable")
        self._positions = positions[self._order]
        self._values = np.full(len(positions), np.nan)

    @property
    def is_wanted(self) -> bool:
        """False for a table too short to have habits."""
        return bool(self._plan)

    def take(self, position: int, values: Floats) -> None:
        """Keep what is wanted of the rows from `position` on."""
        first, last = np.searchsorted(self._positions, [position, position + len(values)])
        here = slice(first, last)
        self._values[self._order[here]] = values[self._positions[here] - position]

    def habits(self, column: ColumnProfile, codes: Callable[[Floats], Counts]) -> ColumnProfile:
        """The column with its habits; `codes` turns values into bins, −1 for missing."""
        found, start = [], 0
        for length, positions in self._plan:
            stop = start + positions.size
            values = self._values[start:stop].reshape(positions.shape)
            found.append(habit(column, length, codes(values)))
            start = stop
        return replace(column, habits=tuple(reversed(found)))
