"""What a person should know about columns that were read as text although they hardly are texts.

Used by `reading` after the rows have their numbers; a sentence per column, with the option that
reads it otherwise. Nothing is decided here. Invariant: a table without such columns costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from console.worker.data.casting import CANDIDATES
from console.worker.data.running import execute
from console.worker.data.typed import Doubt
from storage.chunk_files import NumberedRows
from storage.sql_text import literal, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST: Final = 5
"""So many columns are spoken of; a wide table is not told at length."""
_GLIMPSED: Final = 50
_WORDS: Final = {
    "BIGINT": "whole number",
    "DOUBLE": "number",
    "BOOLEAN": "yes or no",
    "DATE": "date",
    "TIMESTAMP": "time",
    "TIMESTAMP WITH TIME ZONE": "time",
}
_DAY: Final = re.compile(r"\d{1,2}([./-])\d{1,2}[./-]\d{4}( \d{1,2}:\d{2}(:\d{2})?)?")
_ORDERS: Final = (("%d{0}%m{0}%Y", "the day first"), ("%m{0}%d{0}%Y", "the month first"))


def doubtful(
    connection: DuckDBPyConnection, rows: NumberedRows, doubts: Sequence[Doubt], mark: str
) -> list[str]:
    """Say of each column whose values are mostly of a type what keeps it from being one."""
    notes = []
    for doubt in doubts[:MOST]:
        column = quote(doubt.column)
        candidate = next(each for each in CANDIDATES if each.type == doubt.type)
        row, value = execute(
            connection,
            f"SELECT {rows.position} + 1, left({column}, 40) FROM {rows.relation} "
            f"WHERE {column} IS NOT NULL AND ({candidate.condition(column, mark)}) IS NOT TRUE "
            f"ORDER BY 1 LIMIT 1",
        )[0]
        notes.append(
            f"{doubt.column} is text: {doubt.invalid:,} of {doubt.filled:,} values "
            f"{'is' if doubt.invalid == 1 else 'are'} no {_WORDS[doubt.type]}, the first in row "
            f"{row:,}: {value!r} (--type {doubt.column}={doubt.type} insists, "
            f"--null {value!r} takes it for no value)"
        )
    if len(doubts) > MOST:
        notes.append(f"{len(doubts) - MOST} more columns are text for such values")
    return notes


def written_dates(
    connection: DuckDBPyConnection, rows: NumberedRows, texts: Sequence[str]
) -> list[str]:
    """Say which text columns are dates as people write them, and how to read them as dates."""
    if not texts:
        return []
    listed = ", ".join(map(quote, texts))
    glimpsed = execute(connection, f"SELECT {listed} FROM {rows.relation} LIMIT {_GLIMPSED}")
    notes: list[str] = []
    for place, name in enumerate(texts):
        values = [str(row[place]) for row in glimpsed if row[place] is not None]
        matches = [_DAY.fullmatch(value) for value in values]
        first = matches[0] if matches else None
        if first is None or not all(matches) or len(notes) == MOST:
            continue
        clock = {None: "", 1: " %H:%M", 2: " %H:%M:%S"}[first[2].count(":") if first[2] else None]
        forms = [(form.format(first[1]) + clock, words) for form, words in _ORDERS]
        counts = execute(
            connection,
            "SELECT count(x), "
            + ", ".join(f"count(try_strptime(x, {literal(form)}))" for form, _ in forms)
            + f" FROM (SELECT {quote(name)} AS x FROM {rows.relation})",
        )[0]
        fitting = [pair for pair, n in zip(forms, counts[1:], strict=True) if n == counts[0]]
        kind = "TIMESTAMP" if clock else "DATE"
        if len(fitting) == 1:
            form, words = fitting[0]
            notes.append(
                f"{name} is text but looks like dates with {words}: "
                f"--type {name}='{kind} {form}' reads them"
            )
        elif fitting:
            notes.append(
                f"{name} is text but looks like dates, whether the day or the month comes first "
                f"cannot be told: --type {name}='{kind} {fitting[0][0]}' reads them"
            )
    return notes
