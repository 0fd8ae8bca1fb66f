"""What changed since: a revision for every topic, and a way to wait for the next one.

Invariant: a topic is bumped after the transaction that changed it committed, so whoever wakes up
and refetches sees the change. Revisions live in memory; a restart changes their sum, which wakes
every waiting client once.
"""

from __future__ import annotations

import asyncio
import random

from console.wire.agent import TOPICS


class Changes:
    """Revision counters; belongs to the agent's event loop."""

    def __init__(self) -> None:
        # A random start makes the sum after a restart differ from any a client remembers.
        self._revisions = dict.fromkeys(TOPICS, 0)
        self._revisions["agent"] = random.SystemRandom().randrange(1, 2**40)
        self._changed = asyncio.Event()

    @property
    def revisions(self) -> dict[str, int]:
        return dict(self._revisions)

    @property
    def total(self) -> int:
        return sum(self._revisions.values())

    def bump(self, *topics: str) -> None:
        """Say that these topics changed; call it on the event loop, after the commit."""
        for topic in topics:
            self._revisions[topic] += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seen: int, timeout_s: float) -> None:
        """Return when the total is not `seen`, or after `timeout_s`."""
        if self.total != seen:
            return
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return
