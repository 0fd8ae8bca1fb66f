"""What has happened since the start, in a form that adds up: for /metrics and for the gauges.

Updated in the event loop on every request (a few dictionary increments), read from anywhere.
Invariant: counts only grow; a latency is kept as the number of a logarithmic bucket, so quantiles
are exact to 1 % at any time and any number of processes can be added together.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from console.rules.latency import bucket_of
from storage.records.endpoints import Outcome

_RECENT: Final = 4096


class VersionCounters:
    """One model version of the endpoint."""

    __slots__ = ("latency", "latency_sum_ms", "outcomes", "positives", "rows")

    def __init__(self) -> None:
        self.outcomes: dict[Outcome, int] = {}
        self.latency: dict[int, int] = {}
        """Bucket -> answered requests, whatever the outcome."""
        self.latency_sum_ms = 0.0
        self.rows = 0
        self.positives = 0


class Counters:
    """The counters of one serving process."""

    def __init__(self) -> None:
        self.versions: dict[int, VersionCounters] = {}
        """0 = requests that were refused before a version was chosen."""
        self.queue: dict[int, int] = {}
        """Bucket of the time spent waiting -> requests."""
        self.queue_sum_ms = 0.0
        self.shadow_dropped = 0
        self.in_flight: deque[int] = deque(maxlen=_RECENT)
        """Requests in flight, looked at ten times a second since the last gauge."""
        self.recent_queue_ms: deque[float] = deque(maxlen=_RECENT)
        """Waiting times since the last gauge."""
        self.lag_ms: deque[float] = deque(maxlen=_RECENT)
        """How late the event loop woke up, measured ten times a second."""

    def add(self, version: int, outcome: Outcome, latency_ms: float, rows: int) -> None:
        """Count one answered request."""
        counted = self.versions.get(version)
        if counted is None:
            counted = self.versions[version] = VersionCounters()
        counted.outcomes[outcome] = counted.outcomes.get(outcome, 0) + 1
        bucket = bucket_of(latency_ms)
        counted.latency[bucket] = counted.latency.get(bucket, 0) + 1
        counted.latency_sum_ms += latency_ms
        counted.rows += rows

    def add_positives(self, version: int, count: int) -> None:
        self.versions[version].positives += count

    def add_wait(self, queue_ms: float) -> None:
        bucket = bucket_of(queue_ms)
        self.queue[bucket] = self.queue.get(bucket, 0) + 1
        self.queue_sum_ms += queue_ms
        self.recent_queue_ms.append(queue_ms)
