"""Requests share predictions, wait for nobody when alone, pay for nobody else's faults."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from console.errors import InvalidError, TimedOutError, UnavailableError
from console.flow.model import Predicted
from console.serving.batching import Batcher, Part
from tests.http import HTTP
from tests.serving.process import Endpoint
from tests.serving.trained import Trained


class Model:
    """Doubles its one column; refuses negative values; may be held up."""

    def __init__(self, alone_s: float | None = 1e-5) -> None:
        self.alone_s = alone_s
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def predict(self, columns: dict[str, Any], n: int) -> Predicted:
        self.gate.wait(20)
        self.batches.append(n)
        self.threads.add(threading.current_thread().name)
        values = np.asarray(columns["x"], dtype=float)
        if (values < 0).any():
            raise InvalidError(f"row {int(np.argmax(values < 0))}: negative", row=0)
        return Predicted(values * 2, None, None, {"x": values})


def version(model: Model, number: int = 1) -> Any:
    def columns(rows: Any) -> dict[str, Any]:
        return {"x": [row[0] for row in rows]}

    route = SimpleNamespace(digest=f"d{number}", version=number)
    return SimpleNamespace(model=model, route=route, columns=columns, version=number)


Make = Callable[..., Batcher]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Batcher] = []

    def build(**options: Any) -> Batcher:
        made.append(Batcher(asyncio.get_running_loop(), lambda *_: None, **options))
        return made[-1]

    yield build
    for each in made:
        each.close()


def ask(batcher: Batcher, served: Any, *values: float, timeout_s: float = 20.0) -> Part:
    rows = [(value,) for value in values]
    return batcher.submit(served, rows, time.perf_counter(), timeout_s)


async def test_requests_of_one_moment_share_a_prediction(make: Make) -> None:
    model, batcher = Model(), make()
    served = version(model)
    parts = [ask(batcher, served, i, i + 0.5) for i in range(20)]
    answers = [await part.answer for part in parts]
    assert model.batches == [40]
    assert [each.score for each in answers] == [[2 * i, 2 * i + 1] for i in range(20)]
    assert [each.offset for each in answers] == list(range(0, 40, 2))


async def test_a_quick_model_is_asked_in_the_loop_and_a_slow_one_in_the_thread(make: Make) -> None:
    batcher = make()
    quick, slow, unknown = Model(), Model(alone_s=0.2), Model(alone_s=None)
    for number, model in enumerate((quick, slow, unknown)):
        await ask(batcher, version(model, number), 1.0).answer
    assert quick.threads == {"MainThread"}
    assert all(name.startswith("predict") for name in slow.threads | unknown.threads)


async def test_while_the_model_is_busy_the_next_batch_gathers(make: Make) -> None:
    model, batcher = Model(alone_s=1.0), make()
    served = version(model)
    model.gate.clear()
    first = ask(batcher, served, 1.0)
    while not first.started:
        await asyncio.sleep(0)
    later = [ask(batcher, served, float(i)) for i in range(10)]
    model.gate.set()
    await asyncio.gather(first.answer, *[part.answer for part in later])
    assert model.batches == [1, 10]


async def test_a_batch_has_a_limit_in_rows_but_a_larger_request_is_not_cut(make: Make) -> None:
    model, batcher = Model(), make()
    batcher.batch_rows = 4
    served = version(model)
    sizes = (3, 3, 1, 9, 1)
    parts = [ask(batcher, served, *[1.0] * size) for size in sizes]
    await asyncio.gather(*[part.answer for part in parts])
    assert model.batches == [3, 4, 9, 1]


async def test_versions_are_not_mixed(make: Make) -> None:
    one, two, batcher = Model(), Model(), make()
    parts = [ask(batcher, version(one, 1), 1.0), ask(batcher, version(two, 2), 1.0)]
    await asyncio.gather(*[part.answer for part in parts])
    assert (one.batches, two.batches) == ([1], [1])


async def test_a_row_that_cannot_be_scored_fails_its_own_request_only(make: Make) -> None:
    model, batcher = Model(), make()
    served = version(model)
    parts = [ask(batcher, served, *values) for values in ((1.0,), (2.0, -1.0), (3.0,))]
    found = await asyncio.gather(*[part.answer for part in parts], return_exceptions=True)
    assert [each.score for each in (found[0], found[2])] == [[2.0], [6.0]]  # type: ignore[union-attr]
    assert isinstance(found[1], InvalidError)
    assert found[1].message == "row 1: negative"


async def test_beyond_the_limit_a_request_is_refused_with_a_time_to_come_back(make: Make) -> None:
    model, batcher = Model(alone_s=1.0), make()
    batcher.limit = 2
    served = version(model)
    model.gate.clear()
    taken = [ask(batcher, served, 1.0), ask(batcher, served, 2.0)]
    with pytest.raises(UnavailableError, match="2 requests are in flight") as caught:
        ask(batcher, served, 3.0)
    assert caught.value.data["retry_after_s"] >= 1
    model.gate.set()
    await asyncio.gather(*[part.answer for part in taken])
    assert batcher.in_flight == 0
    assert (await ask(batcher, served, 3.0).answer).score == [6.0]


async def test_a_request_is_answered_at_its_deadline_while_the_model_is_busy(make: Make) -> None:
    model, batcher = Model(alone_s=1.0), make()
    served = version(model)
    model.gate.clear()
    running, waiting = ask(batcher, served, 1.0, timeout_s=0.05), None
    while not running.started:
        await asyncio.sleep(0)
    waiting = ask(batcher, served, 2.0, timeout_s=0.05)
    for part in (running, waiting):
        with pytest.raises(TimedOutError, match=r"no answer within 0\.05 s"):
            await asyncio.wait_for(part.answer, 10)
    assert batcher.in_flight == 0
    model.gate.set()
    await ask(batcher, served, 3.0).answer
    assert model.batches == [1, 1], "what nobody waits for any more is not predicted"


async def test_64_clients_get_their_own_scores(served: Endpoint, first: Trained) -> None:
    def batches() -> tuple[float, float]:
        lines = HTTP.get(f"{served.url}/metrics").text.splitlines()
        found = [float(x.rsplit(" ", 1)[1]) for x in lines if x.startswith("mlops_batches_total")]
        rows = [float(x.rsplit(" ", 1)[1]) for x in lines if x.startswith("mlops_rows_total")]
        return sum(found), sum(rows)

    before = batches()
    streams = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(64)]
    for turn in range(5):
        rows = [(turn * 64 + i) % 300 for i in range(64)]
        for (_, writer), row in zip(streams, rows, strict=True):
            body = msgspec.json.encode({**first.rows[row], "request_id": f"c{row}"})
            head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % len(body) + body)
        for (reader, _), row in zip(streams, rows, strict=True):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answer = msgspec.json.decode(await reader.readexactly(length))
            assert answer["request_id"] == f"c{row}"
            assert answer["score"] == pytest.approx(first.scores[row], abs=1e-9)
    for _, writer in streams:
        writer.close()
        await writer.wait_closed()
    after = batches()
    assert after[1] - before[1] == 320
    assert after[0] - before[0] < 160, "requests share predictions"
