"""The profile of a stored version or a delivery, narrow or wide.

Used by the ingest job. The profile asks for one column after the other, and every question to a
table of thousands of columns costs their names again: 2,000 columns took 0.29 s each. So a wide
table is taken apart into narrow ones first, a few columns at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.worker.data.profile import profile_table
from console.worker.data.running import execute
from console.worker.data_jobs.workbench import Workbench
from storage.records.profiles import ColumnProfile, Profile
from storage.sql_text import quote

WIDE: Final = 40
"""Columns from which on taking the table apart is cheaper."""
MOST_CELLS: Final = 50_000_000
"""Of a narrow table: what fits into memory."""
_TABLE: Final = quote("columns to profile")


def profile_of(
    bench: Workbench, relation: str, columns: Sequence[str], rows: int, words: str
) -> Profile:
    """Profile what stands after FROM in `relation`, telling the progress by columns."""
    job = bench.job
    if len(columns) < WIDE:
        return profile_table(
            bench.connection, relation, lambda n, of: job.progress(n, of, "columns", words)
        )
    found: list[ColumnProfile] = []
    width = max(1, min(WIDE, MOST_CELLS // max(rows, 1)))
    for start in range(0, len(columns), width):
        job.progress(start, len(columns), "columns", words)
        listed = ", ".join(map(quote, columns[start : start + width]))
        execute(
            bench.connection, f"CREATE OR REPLACE TABLE {_TABLE} AS SELECT {listed} FROM {relation}"
        )
        found.extend(profile_table(bench.connection, _TABLE).columns)
    bench.connection.execute(f"DROP TABLE IF EXISTS {_TABLE}")
    return Profile(rows=rows, columns=tuple(found))
