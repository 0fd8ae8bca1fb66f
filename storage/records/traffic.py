"""What passed through an endpoint, counted: what signals, accuracy and drift are made from.

Latencies come as log buckets `k` (relative error 1 %), scores as bins of the grid of 4096; what
they mean in milliseconds or in words is for `console.rules` to say. Counts of disjoint stretches
of time, versions or outcomes add.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCounts:
    """One bucket of time of an endpoint, shadows left out."""

    at: datetime
    requests: int
    """Everything that was asked, refused or not."""
    ok: int
    invalid: int
    """Refused for their content; no fault of the server."""
    overload: int
    failed: int
    """Errors, timeouts and overloads."""
    within: int
    """Answered within the latency limit."""
    decided: int
    positive: int
    latency_total_ms: float
    p50_k: int | None
    p95_k: int | None
    p99_k: int | None
    queue_p95_k: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCounts:
    """One version's part of a window."""

    version: int
    is_shadow: bool
    requests: int
    failed: int
    invalid: int
    decided: int
    positive: int
    p50_k: int | None
    p99_k: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SloCounts:
    """Requests since a moment; invalid input is left out."""

    since: datetime
    asked: int
    answered: int
    within: int
    """Answered within the latency limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRows:
    """What a model's version answered in its last day of traffic."""

    rows: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyCount:
    """Requests in one log bucket of latency."""

    k: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyCounts:
    """Predictions of one bucket of time and what labels say about them."""

    at: datetime
    n: int
    """Predictions."""
    tp: int
    fp: int
    tn: int
    fn: int
    errors: int
    """Labelled predictions of a regression."""
    absolute_total: float
    squared_total: float

    @property
    def labelled(self) -> int:
        return self.tp + self.fp + self.tn + self.fn + self.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCount:
    """Predictions in one bin of the score grid."""

    at: datetime
    version: int
    decision: bool
    k: int
    """0..4096."""
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledScores:
    """Labelled predictions in one bin of the score grid."""

    k: int
    positives: int
    negatives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDelay:
    """How long a prediction waited for its label, or waits already."""

    age_s: float
    is_labelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowColumn:
    """A feature's served values over a window, on the bins of the model's profile."""

    column: str
    row_count: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPoint:
    """One column in one bucket of time."""

    at: datetime
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDay:
    """Raw requests of one day, on their way to the archive."""

    day: date
    rows: int
    mark: int
    """Of which requests they are, whatever their order."""
