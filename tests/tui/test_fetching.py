"""Reading for the open area: once at a time, again when old, errors in words, waits given up."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import pytest

from console import errors
from console.tui.areas.base import Area
from console.tui.feed import Feed
from console.tui.fetching import Fetching
from console.tui.registry import SOURCES, Source
from tests.tui.areas.invented import alerts_snapshot
from tests.tui.areas.shown import Seen, seen


class Pool:
    """A feed without an agent."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(2)

    def submit(self, call: Any) -> Future[Any]:
        return self.threads.submit(call, None)


class Reading:
    """What the loader of the alerts area does, in the hands of a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[dict[str, Any]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.answer: Any = alerts_snapshot()
        monkeypatch.setattr(Source, "loader", lambda source, what: self.load)
        self.pool = Pool()
        self.fetching = Fetching(cast(Feed, self.pool))

    def load(self, client: Any, **arguments: Any) -> Any:
        self.calls.append(arguments)
        self.gate.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Reading(monkeypatch)
    yield made
    made.gate.set()
    made.pool.threads.shutdown()


async def settled(it: Seen, reading: Reading) -> str:
    """The screen once nothing is being read."""
    for _ in range(500):
        await it.pilot.pause(0.01)
        if not any(wish.is_running for wish in reading.fetching.wishes.values()):
            break
    return await it.text()


async def test_an_opened_area_is_read_and_again_when_a_topic_of_it_moves(reading: Reading) -> None:
    async with seen("alerts") as it:
        area: Area = it.app.area
        reading.fetching.opened(area)
        assert "Open 4" in await settled(it, reading)
        reading.fetching.changed(area, frozenset({"datasets"}))
        assert len(reading.calls) == 1
        reading.fetching.changed(area, SOURCES["alerts"].topics)
        await settled(it, reading)
        assert len(reading.calls) == 2


async def test_changes_while_it_reads_are_one_more_reading(reading: Reading) -> None:
    async with seen("alerts") as it:
        reading.gate.clear()
        reading.fetching.opened(it.app.area)
        for _ in range(5):
            reading.fetching.changed(it.app.area, frozenset({"alerts"}))
        reading.gate.set()
        await settled(it, reading)
        assert len(reading.calls) == 2


async def test_a_hidden_area_is_read_when_it_is_shown_again(reading: Reading) -> None:
    async with seen("alerts") as it:
        reading.fetching.opened(it.app.area)
        await settled(it, reading)
        reading.fetching.changed(None, frozenset({"alerts"}))
        assert len(reading.calls) == 1
        reading.fetching.opened(it.app.area)
        await settled(it, reading)
        assert len(reading.calls) == 2


async def test_a_refusal_is_said_with_its_way_out_and_rows_stay(reading: Reading) -> None:
    async with seen("alerts") as it:
        reading.fetching.opened(it.app.area)
        await settled(it, reading)
        reading.answer = errors.ForbiddenError("you may not see alerts.", hint="Ask ana.")
        reading.fetching.refresh(it.app.area)
        screen = await settled(it, reading)
        assert "✗ you may not see alerts. Ask ana." in screen and "humid moved" in screen


async def test_a_lost_agent_is_left_to_the_frame(reading: Reading) -> None:
    async with seen("alerts") as it:
        reading.answer = errors.UnavailableError("gone.")
        reading.fetching.opened(it.app.area)
        assert "gone." not in await settled(it, reading)


async def test_a_defect_becomes_a_sentence(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bool] = []
    monkeypatch.setattr("console.cli.main.keep_traceback", lambda: kept.append(True))
    async with seen("alerts") as it:
        reading.answer = KeyError("x")
        reading.fetching.opened(it.app.area)
        assert "stopped on a defect: KeyError" in await settled(it, reading)
        assert kept == [True]


async def test_who_gives_up_waiting_gets_no_late_answer(reading: Reading) -> None:
    async with seen("alerts") as it:
        reading.gate.clear()
        reading.fetching.opened(it.app.area)
        await it.pilot.pause()
        reading.fetching.stop(it.app.area)
        reading.gate.set()
        screen = await settled(it, reading)
        assert "Open 4" not in screen and len(reading.calls) == 1


async def test_another_wish_replaces_the_one_under_way(reading: Reading) -> None:
    async with seen("alerts") as it:
        reading.gate.clear()
        reading.fetching.want(it.app.area, "main", {"id": 1})
        reading.fetching.want(it.app.area, "main", {"id": 2})
        reading.gate.set()
        await settled(it, reading)
        assert reading.calls == [{"id": 1}, {"id": 2}]
