"""What a filter compares: numbers, durations, moments, patterns, and the nearest name.

The grammar is in `filtering.py`; this is how one value of a row is held against what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from fnmatch import translate
from typing import Any, Final, TypeVar

Row = TypeVar("Row")
Predicate = Callable[[Row], bool]

_NUMBER: Final = re.compile(r"([-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([kMG%]?)$")
AGO: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d|w)$")
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_SCALE: Final = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "%": 0.01}
COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def loosely(
    get: Callable[[Row], Any], compare: Callable[[Any, Any], bool], wanted: str
) -> Predicate[Row]:
    """Compare as numbers where both are, else as text without regard to case."""
    number, folded = as_number(wanted), wanted.casefold()
    is_order = compare not in (COMPARE["="], COMPARE["!="])

    def one(value: Any) -> bool:
        if number is not None and isinstance(value, int | float) and not isinstance(value, bool):
            return compare(value, number)
        if number is not None and is_order:
            return False  # a text is neither above nor below a number
        return compare("" if value is None else str(value).casefold(), folded)

    def holds(row: Row) -> bool:
        value = get(row)
        if isinstance(value, list | tuple):
            # "data = flights@v3" asks for one of them, "!=" for none of them.
            found = [one(part) for part in value]
            return all(found) if compare is COMPARE["!="] else any(found)
        return one(value)

    return holds


def holds_one(get: Callable[[Row], Any], choices: Sequence[str]) -> Predicate[Row]:
    """Whether a field holds one of the texts; a pattern with `*` must fit the whole."""
    plain = [choice.casefold() for choice in choices if choice and "*" not in choice]
    patterns = [re.compile(translate(c.casefold())) for c in choices if "*" in c]

    def one(value: Any) -> bool:
        if value is True or value is False:
            value = "true" if value else "false"
        text = str(value).casefold()
        return any(word in text for word in plain) or any(p.match(text) for p in patterns)

    def holds(row: Row) -> bool:
        value = get(row)
        if value is None:
            return False
        if isinstance(value, list | tuple | set | frozenset):
            return any(one(part) for part in value)
        return one(value)

    return holds


def as_number(text: str) -> float | None:
    found = _NUMBER.match(text)
    if found is None:
        return None
    return float(found.group(1).replace("−", "-")) * _SCALE[found.group(2)]


def as_seconds(text: str) -> float | None:
    found = AGO.match(text)
    if found is not None:
        return float(found.group(1)) * _SECONDS[found.group(2)]
    return as_number(text)


def as_moment(text: str, now: datetime) -> datetime | None:
    found = AGO.match(text)
    if found is not None:
        return now - timedelta(seconds=float(found.group(1)) * _SECONDS[found.group(2)])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo or UTC)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known field that was probably meant; empty when none is near."""
    names = list(known)
    tails = {n.rpartition(".")[2].casefold(): n for n in names}
    by_case = {n.casefold(): n for n in names}
    for table in (by_case, tails):
        near = get_close_matches(name.casefold(), list(table), n=1, cutoff=0.6)
        if near:
            return table[near[0]]
    return ""
