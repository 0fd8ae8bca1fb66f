"""The console's line to the agent: what changed, and a place to run blocking calls.

A thread waits for changes and posts what it learns to the app; another pool of threads does calls.
The event loop never waits for the network. Losing the agent is a normal state: it is told once,
with the time since when, and the feed keeps trying until it is back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from console import errors

if TYPE_CHECKING:
    from console.client.client import Client

Value = TypeVar("Value")

WAIT_S = 20.0
RETRY_S = (0.5, 1.0, 2.0, 5.0)
CALLS_AT_ONCE = 4


class Feed:
    """Belongs to one app. `tell` is called from threads; the app hands it on to its loop."""

    def __init__(
        self,
        client: Client,
        *,
        changed: Callable[[frozenset[str]], None],
        gone: Callable[[datetime, float, str], None],
        back: Callable[[], None],
    ) -> None:
        """`changed` gets the topics; `gone` since when, seconds until the next try, and why."""
        self.client = client
        self._changed = changed
        self._gone = gone
        self._back = back
        self._stopping = threading.Event()
        self._nudge = threading.Event()
        self._pool = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="calls")
        self._thread = threading.Thread(target=self._watch, name="changes", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop waiting; threads that still wait for an answer are left to die with the process."""
        self._stopping.set()
        self._nudge.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.client.close()

    def retry_now(self) -> None:
        """Do not wait for the next try."""
        self._nudge.set()

    def submit(self, call: Callable[[Client], Value]) -> Future[Value]:
        """Run a blocking call on a thread."""
        return self._pool.submit(call, self.client)

    def _watch(self) -> None:
        from console.wire import agent as wire
        from console.wire.agent import AwaitChanges

        seen: dict[str, int] = {}
        lost_since: datetime | None = None
        attempt = 0
        while not self._stopping.is_set():
            try:
                request = AwaitChanges(since=sum(seen.values()), timeout_s=WAIT_S)
                changes = self.client.call(wire.await_changes, request, timeout_s=WAIT_S + 10)
            except errors.ConsoleError as error:
                lost_since = lost_since or datetime.now(UTC)
                delay = RETRY_S[min(attempt, len(RETRY_S) - 1)]
                attempt += 1
                if not isinstance(error, (errors.UnavailableError, errors.TimedOutError)):
                    delay = RETRY_S[-1]
                if not self._stopping.is_set():
                    self._gone(lost_since, delay, str(error.message))
                self._nudge.wait(delay)
                self._nudge.clear()
                continue
            if lost_since is not None:
                lost_since, attempt = None, 0
                self._back()
            topics = _different(seen, changes.revisions)
            seen = changes.revisions
            if topics and not self._stopping.is_set():
                self._changed(topics)


def _different(before: dict[str, int], after: dict[str, int]) -> frozenset[str]:
    if before.get("agent") != after.get("agent"):
        return frozenset(after)  # another agent: everything may have changed
    return frozenset(name for name, number in after.items() if before.get(name) != number)


class Pulse:
    """Lets something through at most once in so many seconds; for live screens."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self._last = float("-inf")

    def is_due(self) -> bool:
        now = time.monotonic()
        if now - self._last < self.every_s:
            return False
        self._last = now
        return True


def describe_failure(error: BaseException) -> tuple[str, str]:
    """Sentence and way out of what a call raised; a defect is told without its traceback."""
    told: Any = error
    if isinstance(error, errors.ConsoleError):
        return told.message, told.hint
    return f"the console stopped on a defect: {type(error).__name__}.", "Press r to try again."
