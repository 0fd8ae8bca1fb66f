"""What a contract found in earlier versions, for trends of rates and for limits that are relative.

Pure decisions; the worker that checks gathers the numbers. Invariant: the past judges nothing: it
says what is usual, the limits of the contract decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from console.rules.intervals import laney_limits
from console.text import percent
from storage.records.results import Result

LEAST_VERSIONS: Final = 8
"""With fewer earlier ones nobody knows what is usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The versions before the one that is checked."""

    previous: Mapping[str, Result] = field(default_factory=dict)
    """Rule id -> result of the version just before."""
    rates: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    """Rule id -> (violations, rows) of each version that was checked, oldest first."""
    delivered: Sequence[tuple[int, int]] = ()
    """(version, rows that came with it), newest first."""


def usual(rates: Sequence[tuple[int, int]], count: int, n: int) -> str:
    """Say what the rate usually is and where this one lies; empty while that is not known.

    >>> usual([(10, 1000), (12, 1000)] * 5, 300, 1000)
    '0.57 % to 1.6 % over 10 versions; this one is above'
    >>> usual([(1, 10)] * 7, 1, 10)
    ''
    """
    known = [(k, rows) for k, rows in rates if rows]
    if len(known) < LEAST_VERSIONS or not n:
        return ""
    low, high = laney_limits([k for k, _ in known], [rows for _, rows in known], n)
    words = f"{percent(low)} to {percent(high)} over {len(known)} versions"
    rate = count / n
    if low <= rate <= high:
        return words
    return f"{words}; this one is {'above' if rate > high else 'below'}"


def baseline_rows(baseline: str, delivered: Sequence[tuple[int, int]]) -> tuple[float | None, str]:
    """Return the rows that a baseline stands for, or None and why there are none.

    >>> baseline_rows("window:3", [(5, 90), (4, 100), (3, 200), (2, 7)])
    (100, '')
    >>> baseline_rows("pinned:v2", [(5, 90)])
    (None, 'there is no version v2 to compare with')
    """
    if not delivered:
        return None, "there is no version before to compare with"
    kind, _, value = baseline.partition(":")
    if kind == "window":
        return median(rows for _, rows in delivered[: int(value)]), ""
    if kind == "pinned":
        found = dict(delivered).get(int(value.removeprefix("v")))
        return found, "" if found is not None else f"there is no version {value} to compare with"
    return delivered[0][1], ""
