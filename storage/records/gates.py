"""Gates: what a team asks of a model before it may serve, written down and reviewed like code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from storage.records.results import Direction, Severity

GateKind = Literal["metric", "non_inferior", "beats_baseline", "calibration", "latency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One limit. `must` stops a promotion, `want` only warns."""

    name: str
    """Unique among the gates of a model, e.g. `recall`, `recall, origin LGA`."""
    kind: GateKind = "metric"
    """`non_inferior`: not worse than `against` by more than `margin`; `beats_baseline`: better than
    `against`, judged on the same rows; `calibration`: between `must` and `must_high`."""
    metric: str
    """A name of the metric catalog."""
    slice: str = ""
    """`origin=LGA`; `worst` = the worst of all slices, with control for looking at many; empty =
    all rows."""
    must: float | None = None
    must_high: float | None = None
    """Upper end of a range (direction `in`)."""
    want: float | None = None
    direction: Direction | None = None
    """None = as the catalog says for the metric."""
    margin: float = 0.0
    """The loss that would be accepted, in the unit of the metric, ≥ 0 (`non_inferior`)."""
    against: str = ""
    """What it is compared with: `champion`, `dummy` or a baseline's name; empty = `champion` for
    `non_inferior`, `dummy` for `beats_baseline`."""
    confidence: float = 0.95
    """Two-sided for limits, one-sided for comparisons; 0.5..1."""
    severity: Severity = "error"
    reason: str = ""
    """Why the team asks for it."""
