"""What happened here, told to the agent by journal; predictions never wait for it.

The event loop drops a small note into a bounded queue per request and per batch and goes on; one
thread turns notes into `RequestEvent`s, counts feature windows and writes a gauge each second.
Invariant: a note that finds the queue full is given up and counted, never waited for; what the
journal took is on disk within a fraction of a second and survives a kill.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec

from console.serving.counters import Counters
from console.serving.gauges import Gauges, Load
from console.serving.windows import WindowCounter
from storage.errors import StorageError
from storage.journal import JournalWriter
from storage.records.endpoints import Label, Outcome
from storage.records.profiles import Profile
from storage.records.reports import TAGS, EndpointStatus

log = logging.getLogger("console.serving")

QUEUE_ROWS: Final = 20_000
"""Rows that may wait for the thread; at 10,000 rows a second it is two seconds behind then. A note
holds the features of its batch, so what waits is counted in rows."""
_PAUSE_S: Final = 0.02
"""Short turns: a thread that works long keeps the event loop from the interpreter."""
_TURN: Final = 64
_GAUGE_S: Final = 1.0


class Seen:
    """One request (or its part for one version), as the event loop notes it."""

    __slots__ = (
        "at_s", "decisions", "features", "ids", "is_shadow", "latency_ms", "offset", "outcome",
        "queue_ms", "scores", "status", "version",
    )  # fmt: skip

    def __init__(
        self,
        *,
        ids: Sequence[str],
        at_s: float,
        version: int,
        outcome: Outcome,
        status: int,
        latency_ms: float,
        queue_ms: float = 0.0,
        scores: Sequence[float] | None = None,
        decisions: Sequence[bool] | None = None,
        features: Mapping[str, Any] | None = None,
        offset: int = 0,
        is_shadow: bool = False,
    ) -> None:
        self.ids = ids
        self.at_s = at_s
        self.version = version
        self.outcome = outcome
        self.status = status
        self.latency_ms = latency_ms
        self.queue_ms = queue_ms
        self.scores = scores
        self.decisions = decisions
        self.features = features
        self.offset = offset
        self.is_shadow = is_shadow

    @property
    def rows(self) -> int:
        return len(self.ids)


class Counted:
    """One batch that a model scored, for the feature windows."""

    __slots__ = ("features", "score", "version")

    def __init__(self, version: int, features: Mapping[str, Any], score: Any) -> None:
        self.version = version
        self.features = features
        self.score = score

    @property
    def rows(self) -> int:
        return len(self.score)


class Telemetry:
    """The journal of one serving process and the thread that fills it."""

    def __init__(
        self,
        endpoint: str,
        journal: JournalWriter,
        counters: Counters,
        gauges: Gauges,
        load: Callable[[], Load],
    ) -> None:
        self.dropped = 0
        """Rows whose note found no room."""
        self.sample_ratio = 1.0
        self._endpoint = endpoint
        self._journal = journal
        self._counters = counters
        self._gauges = gauges
        self._load = load
        self._notes: deque[Seen | Counted] = deque()
        self._noted_rows = 0
        """Counted by the event loop only, as `_done_rows` by the thread: no lock is needed."""
        self._done_rows = 0
        self._windows: dict[int, WindowCounter] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)

    @property
    def dropped_count(self) -> int:
        """Documents given up: the queue was full, or the disk did not keep up."""
        return self.dropped + self._journal.dropped_count

    def start(self) -> None:
        self._thread.start()

    def watch(self, version: int, profile: Profile | None, features: Sequence[str]) -> None:
        """Count feature windows of a version on the bins of its profile."""
        if profile is not None and version not in self._windows:
            counter = WindowCounter(self._endpoint, version, profile, features)
            self._windows = {**self._windows, version: counter}

    def note(self, note: Seen | Counted) -> None:
        """Take a note without waiting."""
        if self._noted_rows - self._done_rows >= QUEUE_ROWS:
            self.dropped += note.rows
            return
        self._noted_rows += note.rows
        self._notes.append(note)

    def status(self, state: str, generation: int, reason: str = "", self_check: str = "") -> None:
        """Say what is served or why not."""
        self._append(
            EndpointStatus(
                endpoint=self._endpoint,
                at=datetime.now(UTC),
                state=state,
                generation=generation,
                reason=reason,
                self_check=self_check,
            )
        )

    def keep_labels(self, labels: Sequence[Label]) -> None:
        """Return when the labels are on disk; raises `StorageError` when they cannot be kept.

        Called in a thread: somebody waits for the promise that they are safe.
        """
        for label in labels:
            if not self._append(label):
                raise StorageError("the journal is full: the disk does not keep up.")
        self._journal.flush()

    def close(self) -> None:
        """Write everything that was noted, then close the journal."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self._journal.close()
        except StorageError as error:
            log.error("%s", error)

    def _run(self) -> None:
        due = time.monotonic() + _GAUGE_S
        while not self._is_over.wait(_PAUSE_S):
            self._drain()
            if time.monotonic() >= due:
                due += _GAUGE_S
                self._guarded(self._each_second)
        self._drain()
        self._guarded(partial(self._each_second, is_last=True))

    def _drain(self) -> None:
        notes = self._notes
        done = 0
        while notes:
            note = notes.popleft()
            self._guarded(partial(self._take, note))
            self._done_rows += note.rows
            done += 1
            if done % _TURN == 0:
                time.sleep(0)  # Let the event loop have the interpreter.

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do one piece; what is wrong with it is logged and must not stop the others."""
        try:
            work()
        except Exception:
            log.exception("telemetry of one moment was lost")

    def _take(self, note: Seen | Counted) -> None:
        if isinstance(note, Seen):
            self._events(note)
            return
        window = self._windows.get(note.version)
        if window is not None:
            window.add(note.features, note.score, time.time())

    def _each_second(self, *, is_last: bool = False) -> None:
        now_s = time.time()
        for counter in self._windows.values():
            window = counter.take(now_s, is_last=is_last)
            if window is not None:
                self._append(window)
        self._append(self._gauges.read(self._load(), self._counters, self.dropped_count))

    def _events(self, seen: Seen) -> None:
        """One `RequestEvent` a row, written as plain dictionaries: 4 µs instead of 12."""
        count = len(seen.ids)
        sampled = self._sampled(seen)
        features = _rows(seen.features, seen.offset, count) if seen.features and sampled else None
        common = {
            "endpoint": self._endpoint,
            "at": datetime.fromtimestamp(seen.at_s, UTC),
            "version": seen.version,
            "outcome": seen.outcome,
            "status": seen.status,
            "latency_ms": round(seen.latency_ms, 4),
            "queue_ms": round(seen.queue_ms, 4),
            "is_shadow": seen.is_shadow,
        }
        for row, request_id in enumerate(seen.ids):
            document = {
                **common,
                "request_id": request_id,
                "score": seen.scores[row] if seen.scores is not None else None,
                "decision": seen.decisions[row] if seen.decisions is not None else None,
                "features": features[row] if features is not None and row in sampled else "",
            }
            self._journal.append({"t": "request", "d": document})

    def _sampled(self, seen: Seen) -> set[int] | range:
        """Rows whose features are journalled; the same request id decides the same way anywhere."""
        if self.sample_ratio >= 1.0:
            return range(len(seen.ids))
        limit = self.sample_ratio * 2**32
        return {i for i, name in enumerate(seen.ids) if zlib.crc32(name.encode()) < limit}

    def _append(self, record: Any) -> bool:
        return self._journal.append({"t": TAGS[type(record)], "d": record})


def _rows(features: Mapping[str, Any], offset: int, count: int) -> list[str]:
    """The features of some rows of a batch as JSON texts; NaN becomes null."""
    names = list(features)
    columns = []
    for values in features.values():
        part = values[offset : offset + count]
        columns.append(part if isinstance(part, (list, tuple)) else part.tolist())
    encode = msgspec.json.encode
    return [
        encode(dict(zip(names, row, strict=True))).decode() for row in zip(*columns, strict=True)
    ]


def prefer_event_loop() -> None:
    """Let threads take turns ten times as often as usual: the event loop waits less for ours."""
    sys.setswitchinterval(0.0005)
