"""When a text is a value of a type, and how to find the type of a column of texts.

Used by `reading` and `inferring`. DuckDB's own casts are too generous ('0x10', '1_000', ' 12 ' and
'1e400' become numbers), so a text is valid only when it looks like its type *and* can be cast.
Invariant: what is not valid becomes null and is counted, never another value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from console.rules.contract_sql import family_of
from storage.sql_text import literal, quote

INTEGER: Final = r"[+-]?\d+"
NUMBER: Final = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
SPECIAL: Final = r"(?i:[+-]?(nan|inf|infinity))"
DATE: Final = r"\d{4}-\d{2}-\d{2}"
CLOCK: Final = r"\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
TIMESTAMP: Final = rf"{DATE}([T ]{CLOCK})?"
ZONED: Final = rf"{DATE}[T ]{CLOCK} ?(Z|[+-]\d{{2}}(:?\d{{2}})?)"
TRUE: Final = ("true", "t", "yes", "y", "1")
FALSE: Final = ("false", "f", "no", "n", "0")

# Stricter when nobody said that it is a number: 007 is a code, and an integer of more than fifteen
# digits is not exact as a floating point number.
_PLAIN_INTEGER: Final = r"-?(0|[1-9]\d{0,17})"
_PLAIN_NUMBER: Final = (
    r"[+-]?((0|[1-9]\d{0,14})|(0|[1-9]\d*)?\.\d+|(0|[1-9]\d*)\.)"
    r"([eE][+-]?([0-2]?\d{1,2}|30[0-7]))?"
)
_WORDS: Final = r"(?i:true|false|yes|no)"

INTEGERS: Final = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in (
        "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
    )
)  # fmt: skip
VALID_SHARE: Final = 0.999
"""So many of the filled cells must be valid for a column to be of a type; the rest is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The type a column is to have."""

    type: str
    format: str = ""
    """strptime format of a date or timestamp; empty = ISO 8601."""
    is_exact: bool = True
    """False: a source that has types keeps its own when it is of the same family, so an INTEGER
    stays one where BIGINT is wanted."""

    def accepts(self, source: str) -> bool:
        """Whether a column of the type `source` can stay as it is."""
        is_near = not self.is_exact and family_of(source) == family_of(self.type)
        return source == self.type or is_near


def cast(text: str, wanted: Wanted, decimal_mark: str = ".") -> str:
    """Return the SQL that makes a value of `text` (an expression), null where it is not valid."""
    kind = wanted.type.upper()
    if kind == "VARCHAR":
        return text
    if kind in INTEGERS:
        return _when(text, INTEGER, f"TRY_CAST({text} AS {kind})")
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return _number(text, kind, decimal_mark)
    if kind == "BOOLEAN":
        lowered = f"lower({text})"
        return (
            f"CASE WHEN {one_of(lowered, TRUE)} THEN true "
            f"WHEN {one_of(lowered, FALSE)} THEN false END"
        )
    if wanted.format:
        return f"TRY_CAST(try_strptime({text}, {literal(wanted.format)}) AS {kind})"
    if kind == "DATE":
        return _when(text, DATE, f"TRY_CAST({text} AS DATE)")
    if kind.startswith("TIMESTAMP"):
        return _when(text, f"{TIMESTAMP}|{ZONED}", f"TRY_CAST({text} AS {kind})")
    return f"TRY_CAST({text} AS {kind})"


def convert(value: str, source: str, wanted: Wanted) -> str:
    """Return the SQL that turns a value of type `source` into the wanted one without loss."""
    there = f"TRY_CAST({value} AS {wanted.type})"
    return f"CASE WHEN TRY_CAST({there} AS {source}) IS NOT DISTINCT FROM {value} THEN {there} END"


def without_tokens(text: str, tokens: Sequence[str]) -> str:
    """Return the SQL for `text` with the texts that mean null replaced by null."""
    if not tokens:
        return text
    return f"CASE WHEN {one_of(text, tokens)} THEN NULL ELSE {text} END"


def one_of(text: str, values: Sequence[str]) -> str:
    """Return the condition that `text` is one of `values`, in SQL that keeps the order of rows.

    DuckDB turns an IN list of five or more into a join, and behind a join rows come in any order.
    """
    return "(" + " OR ".join(f"{text} = {literal(value)}" for value in values) + ")"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A type that texts may turn out to be of."""

    type: str
    pattern: str
    needs_cast: bool = True
    """The pattern alone does not say it: 2013-02-30 looks like a date."""

    def _written(self, decimal_mark: str) -> str:
        is_comma = self.type == "DOUBLE" and decimal_mark == ","
        return self.pattern.replace(r"\.", ",") if is_comma else self.pattern

    def fits(self, value: str, decimal_mark: str) -> bool:
        """Whether one text looks like the type."""
        return re.fullmatch(self._written(decimal_mark), value) is not None

    def condition(self, text: str, decimal_mark: str) -> str:
        """Return the SQL that tells valid texts."""
        condition = f"regexp_full_match({text}, {literal(self._written(decimal_mark))})"
        if self.needs_cast:
            condition += f" AND TRY_CAST({text} AS {self.type}) IS NOT NULL"
        return condition


CANDIDATES: Final = (
    Candidate(type="BIGINT", pattern=_PLAIN_INTEGER, needs_cast=False),
    Candidate(type="DOUBLE", pattern=f"{_PLAIN_NUMBER}|{SPECIAL}", needs_cast=False),
    Candidate(type="BOOLEAN", pattern=_WORDS, needs_cast=False),
    Candidate(type="DATE", pattern=DATE),
    Candidate(type="TIMESTAMP", pattern=TIMESTAMP),
    Candidate(type="TIMESTAMP WITH TIME ZONE", pattern=ZONED),
)
"""From narrow to wide; the first that fits best is taken."""


def narrowest(filled: int, valid: Mapping[str, int]) -> str:
    """Return the type of a column from the number of valid cells per candidate type.

    >>> narrowest(1000, {"BIGINT": 1000, "DOUBLE": 1000})
    'BIGINT'
    >>> narrowest(1000, {"BIGINT": 999, "DOUBLE": 1000})
    'DOUBLE'
    >>> narrowest(1000, {"BIGINT": 999, "DOUBLE": 999}), narrowest(1000, {"BIGINT": 998})
    ('BIGINT', 'VARCHAR')
    """
    best = max(valid.values(), default=0)
    if not filled or best < VALID_SHARE * filled:
        return "VARCHAR"
    return next(c.type for c in CANDIDATES if valid.get(c.type, 0) == best)


def counts_sql(
    relation: str, columns: Sequence[tuple[str, Sequence[str]]], tokens: Sequence[str], mark: str
) -> str:
    """Return the query that counts the rows and, for every (column, candidate types), the filled
    cells and then the valid ones of each candidate. One row; one scan of `relation`."""
    aggregates = ["count(*)"]
    cleaned = []
    for number, (name, types) in enumerate(columns):
        cleaned.append(f"{without_tokens(quote(name), tokens)} AS t{number}")
        aggregates.append(f"count(t{number})")
        aggregates.extend(
            f"count(*) FILTER ({c.condition(f't{number}', mark)})"
            for c in CANDIDATES
            if c.type in types
        )
    return f"SELECT {', '.join(aggregates)} FROM (SELECT {', '.join(cleaned)} FROM {relation})"


def _number(text: str, kind: str, decimal_mark: str) -> str:
    pattern = NUMBER
    value = text
    if decimal_mark == ",":
        pattern = pattern.replace(r"\.", ",")
        value = f"replace({text}, ',', '.')"
    cast_to = f"TRY_CAST({value} AS {kind})"
    if kind.startswith("DECIMAL"):
        return _when(text, pattern, cast_to)
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) "
        f"THEN CASE WHEN isfinite({cast_to}) THEN {cast_to} END "
        f"WHEN regexp_full_match({text}, {literal(SPECIAL)}) THEN TRY_CAST({text} AS {kind}) END"
    )


def _when(text: str, pattern: str, value: str) -> str:
    return f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN {value} END"
