"""Job kind `replay`: plays a data version as real HTTP requests, its truth following later.

Requests are due at a fixed pace whether or not earlier ones are answered, as callers in the world
are; what is behind is sent as soon as a connection is free. Labels are told to the endpoint a set
time after the answer they belong to.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from console import errors
from console.worker.context import Cancelled, JobContext
from console.worker.replaying.http import Connection
from console.worker.replaying.rows import Case, Cases

SILENCE_S: Final = 30.0
"""Without a single answer for so long the replay gives up."""
REPORT_EVERY_S: Final = 1.0
LABELS_AT_ONCE: Final = 500
LABEL_TRIES: Final = 5
AHEAD: Final = 1000
"""Cases read ahead of the pace."""


def run(job: JobContext) -> dict[str, Any]:
    cases = Cases(job)
    try:
        return asyncio.run(_Replay(job, cases).play())
    finally:
        cases.close()


@dataclass(slots=True)
class _Tally:
    """What happened so far."""

    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    labels_told: int = 0
    labels_lost: int = 0
    late_s: float = 0.0
    """The longest a request waited for a free connection."""

    @property
    def answered(self) -> int:
        return self.outcomes["ok"]

    @property
    def refused(self) -> int:
        """Requests whose content was not accepted; no fault of the endpoint."""
        return sum(n for name, n in self.outcomes.items() if name.startswith("status 4"))

    @property
    def errors(self) -> int:
        """Requests that should have been answered and were not; those on their way are none."""
        return sum(self.outcomes.values()) - self.answered - self.refused

    def quantile_ms(self, q: float) -> float | None:
        if not self.latencies_ms:
            return None
        ordered = sorted(self.latencies_ms)
        return round(ordered[math.floor(q * (len(ordered) - 1))], 2)


class _Replay:
    def __init__(self, job: JobContext, cases: Cases) -> None:
        spec = job.spec
        self._job = job
        self._cases = cases
        self._rate = float(spec["rate"])
        self._delay_s = float(spec["label_delay_s"])
        self._connections = [
            Connection(spec["host"], spec["port"], spec["timeout_s"])
            for _ in range(spec["connections"])
        ]
        self._told = Connection(spec["host"], spec["port"], spec["timeout_s"])
        self._where = f"http://{spec['host']}:{spec['port']}"
        self._due: asyncio.Queue[tuple[float, Case] | None] = asyncio.Queue(AHEAD)
        self._labels: list[tuple[float, str, float]] = []
        """Heap of when to tell, request id, truth."""
        self._tally = _Tally()
        self._is_sent = False
        self._answered_at = 0.0
        self._started = 0.0

    async def play(self) -> dict[str, Any]:
        """Send everything; returns the figures."""
        self._started = self._answered_at = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._report())
                telling = group.create_task(self._tell_labels())
                async with asyncio.TaskGroup() as sending:
                    sending.create_task(self._feed())
                    for connection in self._connections:
                        sending.create_task(self._send(connection))
                ended = time.monotonic()
                self._is_sent = True
                await telling
        except BaseExceptionGroup as several:
            raise _leading(several) from None
        finally:
            for connection in (*self._connections, self._told):
                connection.close()
        return self._figures(ended - self._started)

    async def _feed(self) -> None:
        """Hand out cases; a case is due at its place in the pace, whoever is behind."""
        for number, case in enumerate(self._cases):
            due = self._started + number / self._rate
            pause = due - time.monotonic()
            if pause > 0.001:
                await asyncio.sleep(pause)
            await self._due.put((due, case))
            if time.monotonic() - self._answered_at > SILENCE_S and self._tally.sent:
                raise errors.UnavailableError(
                    f"{self._where} gave no answer for {SILENCE_S:.0f} s; "
                    f"{self._tally.answered} of {self._tally.sent} requests were answered.",
                    hint=f"See what it does: mlops-console endpoint show "
                    f"{self._job.spec['endpoint']}",
                )
        for _ in self._connections:
            await self._due.put(None)

    async def _send(self, connection: Connection) -> None:
        tally = self._tally
        while (item := await self._due.get()) is not None:
            due, case = item
            began = time.monotonic()
            tally.late_s = max(tally.late_s, began - due)
            tally.sent += 1
            try:
                status, _ = await connection.post("/predict", case.body)
            except (OSError, TimeoutError) as error:
                tally.outcomes[_failure(error)] += 1
                await asyncio.sleep(0.05)
                continue
            ended = time.monotonic()
            tally.outcomes["ok" if status == 200 else f"status {status}"] += 1
            self._answered_at = ended
            if status == 200:
                tally.latencies_ms.append((ended - began) * 1000.0)
                if case.label is not None:
                    heapq.heappush(
                        self._labels, (ended + self._delay_s, case.request_id, case.label)
                    )

    async def _tell_labels(self) -> None:
        """Tell the truth when it is due; at the end wait for what is still to come."""
        failures = 0
        while not self._is_sent or self._labels:
            now = time.monotonic()
            batch: list[tuple[float, str, float]] = []
            while self._labels and self._labels[0][0] <= now and len(batch) < LABELS_AT_ONCE:
                batch.append(heapq.heappop(self._labels))
            if not batch:
                await asyncio.sleep(0.05)
                continue
            body = msgspec.json.encode(
                {"labels": [{"request_id": name, "label": label} for _, name, label in batch]}
            )
            try:
                status, _ = await self._told.post("/feedback", body)
            except (OSError, TimeoutError):
                status = 0
            if 200 <= status < 300:
                self._tally.labels_told += len(batch)
                failures = 0
                continue
            failures += 1
            if failures >= LABEL_TRIES:
                self._tally.labels_lost += len(batch)
                continue
            for _, name, label in batch:
                heapq.heappush(self._labels, (now + 0.5 * failures, name, label))

    async def _report(self) -> None:
        seen, seen_at = 0, self._started
        while not self._is_sent or self._labels:
            await asyncio.sleep(REPORT_EVERY_S)
            now = time.monotonic()
            rate = (self._tally.sent - seen) / (now - seen_at)
            seen, seen_at = self._tally.sent, now
            self._job.progress(self._tally.sent, self._cases.count, "requests", self._words(rate))

    def _words(self, rate: float) -> str:
        tally = self._tally
        if self._is_sent:
            return f"all sent, {len(self._labels)} labels to come"
        recent = sorted(tally.latencies_ms[-2000:])
        if not recent:
            return f"{tally.errors} errors, no answer yet"
        p50, p99 = (recent[math.floor(q * (len(recent) - 1))] for q in (0.5, 0.99))
        return f"{rate:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms, {tally.errors} errors"

    def _figures(self, seconds: float) -> dict[str, Any]:
        tally = self._tally
        if tally.answered == 0:
            most = tally.outcomes.most_common(1)[0][0] if tally.outcomes else "nothing was sent"
            raise errors.UnavailableError(
                f"none of {tally.sent} requests to {self._where} was answered with a prediction "
                f"({most}).",
                hint="See what it refuses: mlops-console endpoint requests "
                f"{self._job.spec['endpoint']}",
            )
        self._job.progress(tally.sent, self._cases.count, "requests", "")
        return {
            "endpoint": self._job.spec["endpoint"],
            "dataset": self._job.spec["dataset"],
            "version": self._job.spec["version"],
            "requests": tally.sent,
            "answered": tally.answered,
            "errors": tally.errors,
            "refused": tally.refused,
            "outcomes": dict(tally.outcomes),
            "seconds": round(seconds, 3),
            "rate": round(tally.sent / seconds, 1) if seconds else 0.0,
            "p50_ms": tally.quantile_ms(0.5),
            "p95_ms": tally.quantile_ms(0.95),
            "p99_ms": tally.quantile_ms(0.99),
            "labels": tally.labels_told,
            "labels_lost": tally.labels_lost,
            "behind_s": round(tally.late_s, 3),
        }


def _leading(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error to tell of: a request to stop before anything else."""
    leaves: list[BaseException] = []
    pending: list[BaseException] = [several]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            leaves.append(error)
    return next((each for each in leaves if isinstance(each, Cancelled)), leaves[0])


def _failure(error: OSError | TimeoutError) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    return "refused" if isinstance(error, ConnectionRefusedError) else "broken connection"
