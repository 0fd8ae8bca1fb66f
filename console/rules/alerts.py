"""When a bad reading becomes an alert, when an alert is over, and when it should be quiet.

Standard library only; memory and decisions, no store and no clock. A thing is raised when two of
its last three looks were bad and cleared after three good ones in a row that keep a fifth of
distance to the limit, so that a value at its limit neither fires nor resolves every few seconds.
Memory starts empty with the agent: what fires in the store goes on firing until it clears.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from storage.records.results import Result

LOOKS: Final = 3
BAD_LOOKS: Final = 2
CLEAR_RATIO: Final = 0.8
"""Clearing needs a value below so much of the limit (above limit / so much for a floor)."""
COOLDOWN: Final = timedelta(minutes=30)
"""What comes back within it is the same alert again."""
FLAPPING: Final = 4
"""Raised and resolved more often than this in an hour."""
QUIET: Final = timedelta(hours=1)
"""A flapping alert is silent for so long, with a mark that says so."""
TOGETHER: Final = 3
"""So many columns of one rule are one incident."""

Key = tuple[str, str, str]
"""Endpoint, rule, column: what makes two readings the same watched thing."""
Move = Literal["raise", "clear", ""]
Raising = Literal["new", "again", "quiet"]


@dataclass(slots=True)
class _Looks:
    bad: deque[bool] = field(default_factory=lambda: deque(maxlen=LOOKS))
    good_in_a_row: int = 0


class Memory:
    """The last looks at everything that is watched, by key."""

    def __init__(self) -> None:
        self._looks: dict[Key, _Looks] = {}

    def look(self, key: Key, result: Result) -> Move:
        """Take a reading in; say whether it raises or clears. Neither when it cannot be told."""
        if result.verdict in ("inconclusive", "skipped"):
            return ""
        looks = self._looks.setdefault(key, _Looks())
        is_bad = is_raised(result)
        looks.bad.append(is_bad)
        looks.good_in_a_row = looks.good_in_a_row + 1 if is_clear(result) else 0
        if sum(looks.bad) >= BAD_LOOKS and is_bad:
            return "raise"
        return "clear" if looks.good_in_a_row >= LOOKS else ""

    def forget(self, endpoint: str) -> None:
        """Drop what is known of an endpoint that is not watched any more."""
        for key in [key for key in self._looks if key[0] == endpoint]:
            del self._looks[key]


def is_raised(result: Result) -> bool:
    """Whether a look counts as bad: over the limit, or a budget that burns slowly but surely."""
    is_slow_burn = result.name == "burn_rate" and result.verdict == "warn"
    return result.verdict in ("fail", "error") or is_slow_burn


def is_clear(result: Result) -> bool:
    """Whether a value keeps its distance to the limit.

    >>> near = Result(name="psi", value=0.24, threshold=0.25, direction="le", verdict="pass")
    >>> far = Result(name="psi", value=0.10, threshold=0.25, direction="le", verdict="pass")
    >>> is_clear(near), is_clear(far)
    (False, True)
    """
    if is_raised(result) or result.verdict not in ("pass", "warn"):
        return False
    if result.value is None or result.threshold is None:
        return True
    if result.direction == "ge":
        # A floor of a share cannot be cleared by a quarter more of it: half the way to 1 is enough.
        room = min(result.threshold / CLEAR_RATIO, (1.0 + result.threshold) / 2.0)
        return result.value >= min(room, result.threshold + 0.02 * abs(result.threshold))
    return result.value <= CLEAR_RATIO * result.threshold


def raising(now: datetime, resolved_at: datetime | None, changes_last_hour: int) -> Raising:
    """What raising means for a thing whose last alert was resolved then (None = never, or open).

    `new`: an alert of its own. `again`: the last one fires again. `quiet`: it flaps, keep it
    silent for an hour.
    """
    if resolved_at is None or now - resolved_at >= COOLDOWN:
        return "new"
    return "quiet" if changes_last_hour > FLAPPING else "again"


def is_one_incident(raised: int, *, is_already: bool = False) -> bool:
    """Whether columns of one rule that are raised at the same time are told as one.

    Once together they stay together until all are clear.
    """
    return raised >= TOGETHER or (is_already and raised > 0)
