"""Categories of one column: the most frequent values with exact counts.

Used by `profile`. Invariant: top values, others and nulls add up to the rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from console.worker.data.profile_source import Source, StretchSample
from storage.records.profiles import ColumnProfile
from storage.sql_text import quote

MOST_TOP: Final = 200
FREE_TEXT_DISTINCT: Final = 5_000
"""A text column with more different values, most of them unique, is not counted value by value."""


def profile_categories(source: Source) -> ColumnProfile:
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
    if about > FREE_TEXT_DISTINCT and about > filled / 2:
        return replace(base, kind="text")
    top, distinct = _top(source, column)
    counted = replace(
        base,
        distinct_count=distinct,
        distinct_is_exact=True,
        top=tuple(top),
        other_count=filled - sum(count for _, count in top),
    )
    return _with_habits(source, column, counted)


def _top(source: Source, column: str) -> tuple[list[tuple[str, int]], int]:
    """Return the most frequent values, and how many different ones there are."""
    rows = source.connection.execute(
        f"WITH counted AS (SELECT {column} AS v, count(*) AS c FROM {source.relation} "
        f"WHERE {column} IS NOT NULL GROUP BY v) "
        f"SELECT v, c, (SELECT count(*) FROM counted) FROM (SELECT *, "
        f"row_number() OVER (ORDER BY c DESC, v) AS place FROM counted) "
        f"WHERE place <= {MOST_TOP} ORDER BY c DESC, v"
    ).fetchall()
    found = [(str(value), int(count)) for value, count, _ in rows]
    return found, int(rows[0][2]) if rows else 0


def _with_habits(source: Source, column: str, profile: ColumnProfile) -> ColumnProfile:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pa.array([value for value, _ in profile.top], type=pa.string())
    sample = StretchSample(source.rows)
    if not sample.is_wanted:
        return profile
    position = 0
    for array in source.batches(column):
        codes = pc.index_in(array, value_set=known, skip_nulls=True).fill_null(len(known))
        places = pc.if_else(array.is_valid(), codes, -1).to_numpy(zero_copy_only=False)
        sample.take(position, places)
        position += len(places)
    return sample.habits(profile, lambda places: places.astype(np.int64))
