"""The line to the agent: topics that changed, gone once with the reason, back again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import pytest

from console import errors
from console.client.client import Client
from console.tui.feed import Feed, describe_failure
from console.wire.agent import Changes
from tests.conftest import until
from tests.tui.areas.invented import NOW


@dataclass
class Line:
    """Gives one answer after the other; waits when there is none."""

    answers: list[Any]
    more: threading.Event = field(default_factory=threading.Event)
    is_closed: bool = False

    def call(self, route: Any, request: Any, *, timeout_s: float) -> Any:
        if not self.answers:
            self.more.wait(20)
            raise errors.UnavailableError("the test is over.")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Changes(revisions=answer, at=NOW)

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Heard:
    changed: list[frozenset[str]] = field(default_factory=list)
    gone: list[tuple[datetime, float, str]] = field(default_factory=list)
    back: int = 0

    def feed(self, line: Line) -> Feed:
        def back() -> None:
            self.back += 1

        return Feed(cast(Client, line), changed=self.changed.append,
                    gone=lambda *told: self.gone.append(told), back=back)  # fmt: skip


@pytest.fixture
def heard() -> Iterator[Heard]:
    yield Heard()


def run(heard: Heard, *answers: Any) -> tuple[Feed, Line]:
    line = Line(list(answers))
    feed = heard.feed(line)
    feed.start()
    return feed, line


def end(feed: Feed, line: Line) -> None:
    feed.stop()
    line.more.set()


def test_only_topics_that_moved_are_told(heard: Heard) -> None:
    feed, line = run(heard, {"jobs": 1, "runs": 1}, {"jobs": 2, "runs": 1}, {"jobs": 2, "runs": 1})
    until(lambda: len(heard.changed) == 2 and not line.answers, "two changes")
    end(feed, line)
    assert heard.changed == [frozenset({"jobs", "runs"}), frozenset({"jobs"})]


def test_another_agent_means_that_everything_may_have_changed(heard: Heard) -> None:
    feed, line = run(heard, {"agent": 1, "jobs": 5}, {"agent": 2, "jobs": 5})
    until(lambda: len(heard.changed) == 2, "the second change")
    end(feed, line)
    assert heard.changed[1] == frozenset({"agent", "jobs"})


def test_a_lost_agent_is_told_with_since_when_and_why_and_found_again(heard: Heard) -> None:
    lost = errors.UnavailableError("the agent went away.")
    feed, line = run(heard, {"jobs": 1}, lost, lost, {"jobs": 1})
    until(lambda: heard.gone, "the loss")
    feed.retry_now()
    until(lambda: heard.back == 1, "the return")
    end(feed, line)
    assert heard.gone[0][0] == heard.gone[1][0]
    assert [told[1] for told in heard.gone[:2]] == [0.5, 1.0]
    assert heard.gone[0][2] == "the agent went away."


def test_calls_run_beside_the_loop_and_stopping_closes_the_line(heard: Heard) -> None:
    feed, line = run(heard)
    here = threading.current_thread()
    assert feed.submit(lambda client: threading.current_thread() is not here).result(5)
    end(feed, line)
    assert line.is_closed


def test_a_defect_is_told_without_its_traceback() -> None:
    assert describe_failure(errors.NotFoundError("no run 7.", hint="Look.")) == (
        "no run 7.",
        "Look.",
    )
    sentence, hint = describe_failure(KeyError("x"))
    assert "KeyError" in sentence and "r" in hint
