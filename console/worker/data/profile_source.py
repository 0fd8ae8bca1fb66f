"""One column of a table, read in pieces and cut into blocks of rows.

Used by the modules that profile. Invariant: pieces come in the order of the rows, and every row
belongs to exactly one block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

BLOCKS: Final = 20
LEAST_BLOCK_ROWS: Final = 50
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


def block_count(rows: int) -> int:
    return BLOCKS if rows >= BLOCKS * LEAST_BLOCK_ROWS else 1


def pieces_of(position: int, length: int, rows: int, blocks: int) -> Iterator[tuple[int, int, int]]:
    """Yield (block, start, stop) for the rows `position` … `position + length` of all `rows`."""
    for number in range(blocks):
        first, last = rows * number // blocks, rows * (number + 1) // blocks
        start, stop = max(first - position, 0), min(last - position, length)
        if start < stop:
            yield number, start, stop


def as_blocks(blocks: Counts) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in blocks.tolist()) if len(blocks) > 1 else ()
