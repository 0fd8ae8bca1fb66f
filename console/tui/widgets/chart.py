"""What a line chart shows, as plain values; how it is drawn is in `linechart.py`.

`x` is any number: an index, a score from 0 to 1, or seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Literal

from console.tui.ink import Ink

Points = Sequence[tuple[float, float | None]]
"""x and y in order of x; None or NaN is a gap and stays one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line. Give the judged one last, or mark it: it is drawn over the others."""

    points: Points
    label: str = ""
    """At the line's end: name and last value, `p99 186`."""
    ink: Ink = "quiet"
    is_judged: bool = False
    """Turns to a limit's ink where it is beyond that limit."""
    is_dashed: bool = False
    max_gap: float | None = None
    """Neighbours further apart than this in x are not joined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A value that must not be passed."""

    value: float
    label: str = ""
    """At the right end: `limit 150`."""
    ink: Ink = "warn"
    """What the judged line turns to beyond it."""
    is_floor: bool = False
    """Beyond is below."""

    def is_passed_by(self, value: float) -> bool:
        return value < self.value if self.is_floor else value > self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at one x: a deploy, a change, the value in force now."""

    x: float
    label: str = ""
    side: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """An interval around a line."""

    points: Sequence[tuple[float, float, float]]
    """x, low, high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A stretch of x to choose from, marked over the whole height."""

    low: float
    high: float
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosshair:
    """Where the reader stands: a line through the plot, a tag, a dot on every series."""

    x: float
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis; what is not given comes from the data."""

    low: float | None = None
    high: float | None = None
    floor: float | None = None
    """Vertical only: a value that must be a tick, 0 for rates and times."""
    ticks: Sequence[tuple[float, str]] | None = None
    """Horizontal only: names instead of round numbers, such as months."""
    is_time: bool = False
    zone: tzinfo = UTC
    is_log: bool = False
    """Vertical only."""
    write: Callable[[float], str] | None = None
    """How a tick is written."""
    unit: str = ""
    """After the last horizontal label: `200 rounds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Everything in one plot."""

    series: Sequence[Series]
    limits: Sequence[Limit] = ()
    events: Sequence[Event] = ()
    bands: Sequence[Band] = ()
    ranges: Sequence[Range] = ()
    crosshair: Crosshair | None = None
    x: Axis = Axis()
    y: Axis = Axis()
    label_width: int = 0
    """Least room for the labels at the left: equal ones put plots under each other in line."""
    end_width: int = 0
    """Least room for the labels at the right."""
    has_x_labels: bool = True
    has_end_labels: bool = True
    empty: str = "no points yet"
    """Said in the plot when there is nothing to draw."""
