"""Concurrent requests share one predict; a request that is alone does not wait for others.

Used by `service`. Rows that have arrived when the model is free are scored together, up to a
number of rows; while a batch runs the next one gathers. Quick models are asked in the event loop
itself: handing a 50 µs prediction to a thread costs more than it frees. Invariant: every part is
answered exactly once (its scores, its own error, or a time-out), the number in flight is bounded,
and what one client sends never fails what another one sent.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from console.errors import TimedOutError, UnavailableError
from console.flow.model import Predicted
from console.serving.routing import Row, ServedRoute

INLINE_S: Final = 0.001
"""A batch expected to take longer is predicted in the thread, so that the loop stays awake."""
_SWEEP_S: Final = 0.02
"""How late a time-out may be noticed."""
_MEMORY: Final = 0.2
"""Weight of the newest batch in the expected durations."""


class Part:
    """Rows of one request for one version, and the answer that is awaited."""

    __slots__ = ("answer", "arrived", "deadline", "rows", "served", "started", "submitted")

    def __init__(
        self,
        served: ServedRoute,
        rows: Sequence[Row],
        answer: asyncio.Future[PartAnswer],
        arrived: float,
        deadline: float,
    ) -> None:
        self.served = served
        self.rows = rows
        self.answer = answer
        self.arrived = arrived
        self.deadline = deadline
        self.submitted = time.perf_counter()
        self.started = 0.0
        """When its batch began; the difference to `submitted` is time spent waiting."""


class PartAnswer:
    """The scores of a part; the features belong to the whole batch and begin at `offset`."""

    __slots__ = ("features", "label", "offset", "probabilities", "score")

    def __init__(self, predicted: Predicted, scores: list[float], offset: int, n: int) -> None:
        end = offset + n
        self.score = scores[offset:end]
        self.label = predicted.label[offset:end] if predicted.label is not None else None
        self.probabilities = (
            predicted.probabilities[offset:end].tolist()
            if predicted.probabilities is not None
            else None
        )
        self.features: Mapping[str, Any] = predicted.features
        self.offset = offset


class Pace:
    """How long a model takes: a fixed part and a part per row, learnt from its batches."""

    def __init__(self, alone_s: float | None) -> None:
        self._alone_s = alone_s
        """Unknown at first when the model had no sample rows: then it is not asked inline."""
        self._row_s = 0.0

    def expect_s(self, rows: int) -> float:
        return math.inf if self._alone_s is None else self._alone_s + self._row_s * rows

    def learn(self, rows: int, took_s: float) -> None:
        if self._alone_s is None:
            self._alone_s = took_s
        elif rows <= 4:
            self._alone_s += _MEMORY * (took_s - self._alone_s)
        else:
            per_row = max(0.0, took_s - self._alone_s) / rows
            self._row_s += _MEMORY * (per_row - self._row_s)


class Batcher:
    """The queue in front of the models of one endpoint. Lives in the event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_batch: Callable[[ServedRoute, Predicted, int], None],
        *,
        is_inline: bool = True,
        name: str = "predict",
    ) -> None:
        self.limit = 64
        """Parts in flight; one more is refused."""
        self.batch_rows = 256
        self.batch_count = 0
        self.row_count = 0
        self.busy_s = 0.0
        """Time spent in models."""
        self._loop = loop
        self._on_batch = on_batch
        """Told once for each batch that was predicted: route, result, rows."""
        self._is_inline = is_inline
        self._queue: deque[Part] = deque()
        self._waiting: deque[Part] = deque()
        """Parts without an answer in order of arrival, for time-outs."""
        self._unanswered = 0
        self._is_scheduled = False
        self._is_running = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._paces: dict[str, Pace] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    @property
    def in_flight(self) -> int:
        """Parts waiting or being predicted."""
        return self._unanswered

    @property
    def queued(self) -> int:
        return len(self._queue)

    def pace(self, served: ServedRoute) -> Pace:
        pace = self._paces.get(served.route.digest)
        if pace is None:
            pace = self._paces[served.route.digest] = Pace(served.model.alone_s)
        return pace

    def retry_after_s(self) -> int:
        """Return when a refused client may come back: after what is queued now, at least 1 s."""
        queued = sum(len(part.rows) for part in self._queue)
        served = self._queue[0].served if self._queue else None
        wait_s = self.pace(served).expect_s(queued) if served else 0.0
        return max(1, math.ceil(min(30.0, wait_s)))

    def submit(
        self, served: ServedRoute, rows: Sequence[Row], arrived: float, timeout_s: float
    ) -> Part:
        """Queue rows for a version; await `part.answer`. Raises `UnavailableError` when full."""
        if self._unanswered >= self.limit:
            raise UnavailableError(
                f"{self._unanswered} requests are in flight, which is the limit of this endpoint.",
                hint="Try again in a moment, or send several rows in one request.",
                retry_after_s=self.retry_after_s(),
            )
        answer: asyncio.Future[PartAnswer] = self._loop.create_future()
        part = Part(served, rows, answer, arrived, arrived + timeout_s)
        answer.add_done_callback(self._answered)
        self._unanswered += 1
        self._queue.append(part)
        self._waiting.append(part)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)
        if not (self._is_scheduled or self._is_running):
            self._is_scheduled = True
            # Not at once: requests whose bytes arrived in the same turn of the loop come along.
            self._loop.call_soon(self._run)
        return part

    def close(self) -> None:
        """Stop the thread; nothing may be in flight any more."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _answered(self, _: asyncio.Future[PartAnswer]) -> None:
        self._unanswered -= 1

    def _run(self) -> None:
        """Predict the next batch: here when it is quick, else in the thread."""
        self._is_scheduled = False
        batch = self._next_batch()
        if not batch:
            return
        rows = sum(len(part.rows) for part in batch)
        started = time.perf_counter()
        for part in batch:
            part.started = started
        if self._is_inline and self.pace(batch[0].served).expect_s(rows) <= INLINE_S:
            self._finish(batch, started, _predict(batch))
            self._continue()
            return
        self._is_running = True
        future = self._loop.run_in_executor(self._thread, _predict, batch)
        future.add_done_callback(lambda done: self._finish_later(batch, started, done))

    def _finish_later(
        self, batch: list[Part], started: float, done: asyncio.Future[_Outcome]
    ) -> None:
        self._is_running = False
        if done.cancelled():
            for part in batch:
                if not part.answer.done():
                    part.answer.cancel()
            return
        self._finish(batch, started, done.result())
        self._continue()

    def _continue(self) -> None:
        if self._queue and not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._run)

    def _next_batch(self) -> list[Part]:
        """Take parts of one version from the head of the queue, up to `batch_rows` rows."""
        batch: list[Part] = []
        rows = 0
        now = time.perf_counter()
        while self._queue:
            part = self._queue[0]
            if part.answer.done():
                self._queue.popleft()
                continue
            if part.deadline <= now:
                self._queue.popleft()
                self._expire(part)
                continue
            is_other = bool(batch) and part.served is not batch[0].served
            if is_other or (batch and rows + len(part.rows) > self.batch_rows):
                break
            self._queue.popleft()
            batch.append(part)
            rows += len(part.rows)
        return batch

    def _finish(self, batch: list[Part], started: float, outcome: _Outcome) -> None:
        took_s = time.perf_counter() - started
        self.busy_s += took_s
        for parts, result in outcome:
            if isinstance(result, BaseException):
                for part in parts:
                    if not part.answer.done():
                        part.answer.set_exception(result)
                continue
            rows = sum(len(part.rows) for part in parts)
            self.batch_count += 1
            self.row_count += rows
            self._on_batch(batch[0].served, result, rows)
            scores = result.score.tolist()
            offset = 0
            for part in parts:
                n = len(part.rows)
                if not part.answer.done():
                    part.answer.set_result(PartAnswer(result, scores, offset, n))
                offset += n
        if len(outcome) == 1:
            self.pace(batch[0].served).learn(sum(len(part.rows) for part in batch), took_s)

    def _expire(self, part: Part) -> None:
        limit_s = part.deadline - part.arrived
        part.answer.set_exception(
            TimedOutError(
                f"no answer within {limit_s:g} s.",
                hint="Send fewer rows at once, or raise timeout_s of the endpoint.",
                limit_s=limit_s,
            )
        )

    def _sweep(self) -> None:
        """Answer what is over its deadline, also while the model is busy with something long."""
        now = time.perf_counter()
        waiting = self._waiting
        while waiting and (waiting[0].answer.done() or waiting[0].deadline <= now):
            part = waiting.popleft()
            if not part.answer.done():
                self._expire(part)
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep) if waiting else None


_Outcome = list[tuple[list[Part], Predicted | BaseException]]
"""What became of a batch: usually one entry; one per part when the whole could not be scored."""


def _predict(batch: list[Part]) -> _Outcome:
    served = batch[0].served
    rows = [row for part in batch for row in part.rows] if len(batch) > 1 else batch[0].rows
    try:
        return [(batch, served.model.predict(served.columns(rows), len(rows)))]
    except Exception as error:
        if len(batch) == 1:
            return [(batch, error)]
    # Somebody's rows cannot be scored: ask for each request by itself, so that only that one fails.
    return [each for part in batch for each in _predict([part])]
