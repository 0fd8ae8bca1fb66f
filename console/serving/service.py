"""One endpoint: rows in, scores out, everything noted.

Between the protocols, which know how requests are written, and the batcher, which asks the models.
Lives in the event loop. Invariant: every row asked for is noted once with its outcome, under the
version that answered or failed it, so that a bad canary shows in its own error rate.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from console.errors import ConsoleError, FailedError, UnavailableError
from console.flow.model import Predicted
from console.serving.batching import Batcher, Part, PartAnswer
from console.serving.counters import Counters
from console.serving.gauges import Load
from console.serving.http import Asked
from console.serving.reading import Rows
from console.serving.routing import Generation, ServedRoute
from console.serving.telemetry import Counted, Seen, Telemetry
from storage.records.endpoints import Outcome

log = logging.getLogger("console.serving")

SHADOW_S: Final = 30.0
_OUTCOMES: Final[dict[str, Outcome]] = {"unavailable": "overload", "timeout": "timeout"}


@dataclass(slots=True)
class Answer:
    """Scores of one request, row by row as asked."""

    ids: list[str]
    served: list[ServedRoute]
    score: list[float]
    decision: list[bool] | None
    """None unless the model decides between two classes."""
    label: list[str] | None
    probabilities: list[list[float]] | None


class Service:
    """What the protocols talk to."""

    def __init__(
        self, name: str, loop: asyncio.AbstractEventLoop, telemetry: Telemetry, counters: Counters
    ) -> None:
        self.name = name
        self.counters = counters
        self.telemetry = telemetry
        self.generation: Generation | None = None
        self.is_draining = False
        self._loop = loop
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)
        self._batcher: Batcher | None = None
        self._shadows: Batcher | None = None

    @property
    def is_ready(self) -> bool:
        return self.generation is not None and not self.is_draining

    @property
    def batcher(self) -> Batcher | None:
        return self._batcher

    def load(self) -> Load:
        """In flight and its limit, for the gauges."""
        if self._batcher is None:
            return Load(0, 1)
        return Load(self._batcher.in_flight, self._batcher.limit)

    def serve(self, generation: Generation) -> None:
        """Answer with this generation from now on; requests under way keep the one they have."""
        limits = generation.limits
        if self._batcher is None or self._shadows is None:
            self._batcher = Batcher(self._loop, self._count)
            self._shadows = Batcher(self._loop, self._count, is_inline=False, name="shadow")
        for batcher in (self._batcher, self._shadows):
            batcher.limit, batcher.batch_rows = limits.in_flight, limits.batch_rows
        self.telemetry.sample_ratio = generation.config.sample_ratio
        self.generation = generation

    def current(self) -> Generation:
        """Return the generation for a new request; raises `UnavailableError` when there is none."""
        if self.generation is None:
            raise UnavailableError(
                "the model is still being loaded.", hint="Try again soon.", retry_after_s=1
            )
        return self.generation

    async def predict(self, asked: Asked, generation: Generation, rows: Rows) -> Answer:
        """Score the rows of a request; raises `ConsoleError` for one that gets no scores."""
        ids = self._names(asked, rows)
        asked.ids = ids
        if len(generation.answering) == 1 or len(ids) == 1:
            served = generation.choose(ids[0])
            return await self._one_version(asked, generation, served, rows.values, ids)
        return await self._by_version(asked, generation, rows.values, ids)

    def refuse(self, asked: Asked, error: Exception) -> ConsoleError:
        """Note a request that failed before or while it was scored; return what to tell."""
        told = self.explain(error)
        version = asked.version
        if version == 0 and self.generation is not None:
            version = self.generation.main.version
        outcome = _OUTCOMES.get(told.kind, "invalid" if told.status < 500 else "error")
        latency_ms = (time.perf_counter() - asked.arrived) * 1000
        self.counters.add(version, outcome, latency_ms, 0)
        self.telemetry.note(
            Seen(
                ids=asked.ids or [self._name()],
                at_s=asked.at_s,
                version=version,
                outcome=outcome,
                status=told.status,
                latency_ms=latency_ms,
            )
        )
        return told

    def explain(self, error: Exception) -> ConsoleError:
        """Return what a client is told; a defect is logged with its traceback, told without."""
        if isinstance(error, ConsoleError):
            if error.status >= 500 and error.kind not in ("unavailable", "timeout"):
                log.error("%s", error)
            return error
        log.error("a request failed", exc_info=error)
        return FailedError(
            f"the model could not score this request ({type(error).__name__}).",
            hint=f"The log says more: mlops-console endpoint logs {self.name}",
        )

    def close(self) -> None:
        for batcher in (self._batcher, self._shadows):
            if batcher is not None:
                batcher.close()

    async def _one_version(
        self,
        asked: Asked,
        generation: Generation,
        served: ServedRoute,
        rows: list[Any],
        ids: list[str],
    ) -> Answer:
        asked.version = served.version
        part = self._submit(asked, generation, served, rows)
        found = await part.answer
        decision = self._note(asked, part, ids)
        if generation.shadows:
            self._shadow(generation, rows, ids)
        return Answer(
            ids, [served] * len(ids), found.score, decision, found.label, found.probabilities
        )

    async def _by_version(
        self, asked: Asked, generation: Generation, rows: list[Any], ids: list[str]
    ) -> Answer:
        """Rows of one request may belong to several versions: score them apart, answer as asked."""
        positions: dict[ServedRoute, list[int]] = {}
        for position, name in enumerate(ids):
            positions.setdefault(generation.choose(name), []).append(position)
        parts: list[Part] = []
        for served, at in positions.items():
            asked.version = served.version
            try:
                parts.append(self._submit(asked, generation, served, [rows[i] for i in at]))
            except UnavailableError:
                for part in parts:
                    part.answer.cancel()
                raise
        found = await asyncio.gather(*[part.answer for part in parts], return_exceptions=True)
        for part, scored in zip(parts, found, strict=True):
            if isinstance(scored, BaseException):
                asked.version = part.served.version
                raise scored
        n = len(ids)
        answer = Answer(ids, [generation.main] * n, [0.0] * n, None, None, None)
        decision: list[bool | None] = [None] * n
        label: list[str | None] = [None] * n
        probabilities: list[Any] = [None] * n
        for (served, at), part in zip(positions.items(), parts, strict=True):
            scored = part.answer.result()
            decided = self._note(asked, part, [ids[i] for i in at])
            for k, i in enumerate(at):
                answer.served[i], answer.score[i] = served, scored.score[k]
                decision[i] = decided[k] if decided else None
                label[i] = scored.label[k] if scored.label else None
                probabilities[i] = scored.probabilities[k] if scored.probabilities else None
        answer.decision = [bool(each) for each in decision] if None not in decision else None
        answer.label = [str(each) for each in label] if None not in label else None
        answer.probabilities = probabilities if None not in probabilities else None
        if generation.shadows:
            self._shadow(generation, rows, ids)
        return answer

    def _submit(
        self, asked: Asked, generation: Generation, served: ServedRoute, rows: list[Any]
    ) -> Part:
        batcher = self._batcher
        if batcher is None:
            raise UnavailableError("the model is still being loaded.", retry_after_s=1)
        return batcher.submit(served, rows, asked.arrived, generation.limits.timeout_s)

    def _note(self, asked: Asked, part: Part, ids: list[str]) -> list[bool] | None:
        """Count and note an answered part; return its decisions."""
        found, served = part.answer.result(), part.served
        decision: list[bool] | None = None
        if served.model.manifest.task == "binary":
            threshold = served.route.threshold
            decision = [score >= threshold for score in found.score]
        now = time.perf_counter()
        latency_ms = (now - asked.arrived) * 1000
        queue_ms = (part.started - part.submitted) * 1000
        self.counters.add(served.version, "ok", latency_ms, len(ids))
        self.counters.add_wait(queue_ms)
        if decision:
            self.counters.add_positives(served.version, sum(decision))
        self.telemetry.note(
            Seen(
                ids=ids,
                at_s=asked.at_s,
                version=served.version,
                outcome="ok",
                status=200,
                latency_ms=latency_ms,
                queue_ms=queue_ms,
                scores=found.score,
                decisions=decision,
                features=found.features,
                offset=found.offset,
            )
        )
        return decision

    def _shadow(self, generation: Generation, rows: list[Any], ids: list[str]) -> None:
        """Let the shadows score what was just answered; when they cannot keep up, they miss it."""
        batcher = self._shadows
        assert batcher is not None  # There is an answer, so there is a generation.
        at_s, arrived = time.time(), time.perf_counter()
        for served in generation.shadows:
            try:
                part = batcher.submit(served, rows, arrived, SHADOW_S)
            except UnavailableError:
                self.counters.shadow_dropped += len(ids)
                continue
            part.answer.add_done_callback(partial(self._note_shadow, part, ids, at_s))

    def _note_shadow(
        self, part: Part, ids: list[str], at_s: float, _: asyncio.Future[PartAnswer]
    ) -> None:
        if part.answer.cancelled():
            return
        served, error = part.served, part.answer.exception()
        found = None if error is not None else part.answer.result()
        threshold = served.route.threshold
        is_binary = served.model.manifest.task == "binary"
        self.telemetry.note(
            Seen(
                ids=ids,
                at_s=at_s,
                version=served.version,
                outcome="ok" if found else "error",
                status=200 if found else 500,
                latency_ms=(time.perf_counter() - part.arrived) * 1000,
                queue_ms=max(0.0, part.started - part.submitted) * 1000,
                scores=found.score if found else None,
                decisions=[s >= threshold for s in found.score] if found and is_binary else None,
                features=found.features if found else None,
                offset=found.offset if found else 0,
                is_shadow=True,
            )
        )

    def _count(self, served: ServedRoute, predicted: Predicted, _rows: int) -> None:
        self.telemetry.note(Counted(served.version, predicted.features, predicted.score))

    def _names(self, asked: Asked, rows: Rows) -> list[str]:
        """Return a request id for each row: the client's, or one that was never used before."""
        if len(rows.ids) == 1:
            name = rows.ids[0]
            if name is None:
                given = asked.raw_header(b"x-request-id")
                name = given.decode("latin-1") if 0 < len(given) <= 200 else self._name()
            return [name]
        return [self._name() if name is None else name for name in rows.ids]

    def _name(self) -> str:
        return f"{self._prefix}-{next(self._numbers):x}"
