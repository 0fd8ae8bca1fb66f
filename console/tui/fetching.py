"""Reads snapshots for the open area: once at a time, again when they are old, never on the loop.

An area says what it wants (`Area.Wants`); the last wish of each kind is remembered and read again
when a topic of its source changed, or on the source's pulse while it is shown. Answers that come
for an area that wants something else by now are dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from console import errors
from console.tui.areas.base import Area
from console.tui.feed import Feed, describe_failure
from console.tui.registry import SOURCES, Source


@dataclass(slots=True)
class _Wish:
    """What one area wants of one kind."""

    arguments: dict[str, Any]
    number: int = 0
    is_running: bool = False
    is_old: bool = False
    is_given_up: bool = False
    """The reader did not want to wait for the answer that is under way."""


@dataclass(slots=True)
class Fetching:
    """Belongs to one app."""

    feed: Feed
    heard: Callable[[Area, Any], None] | None = None
    """Told of every snapshot that an area got."""
    wishes: dict[tuple[str, str], _Wish] = field(default_factory=dict)
    fetched_at: dict[str, datetime] = field(default_factory=dict)
    """Area -> time of its last snapshot."""

    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def want(self, area: Area, what: str, arguments: dict[str, Any]) -> None:
        """Read this, and again whenever it gets old, until another wish of its kind comes."""
        wish = self.wishes.setdefault((area.entry.id, what), _Wish(arguments))
        wish.arguments = arguments
        wish.number += 1
        self._read(area, what, wish)

    def stop(self, area: Area) -> None:
        """The reader gives up waiting: answers that are still to come are dropped."""
        for _, wish in self._of(area):
            wish.is_given_up = wish.is_running
            wish.is_old = False

    def opened(self, area: Area) -> None:
        """An area is shown: read what it wants, its snapshot at least."""
        if (area.entry.id, "main") not in self.wishes:
            area.show_loading()
            self.want(area, "main", {})
            return
        for (_, what), wish in self._of(area):
            if wish.is_old or SOURCES[area.entry.id].live_s:
                self._read(area, what, wish)

    def changed(self, area: Area | None, topics: frozenset[str]) -> None:
        """Topics changed: what is shown is read again, the rest is marked old."""
        for (area_id, what), wish in list(self.wishes.items()):
            if not topics & SOURCES[area_id].topics:
                continue
            if area is not None and area.entry.id == area_id:
                self._read(area, what, wish)
            else:
                wish.is_old = True

    def refresh(self, area: Area | None, *, parts: bool = True) -> None:
        """Read everything of the open area again now; without `parts` only its snapshot."""
        if area is not None:
            for (_, what), wish in self._of(area):
                if parts or what == "main":
                    self._read(area, what, wish)

    def source(self, area: Area) -> Source:
        return SOURCES[area.entry.id]

    def _of(self, area: Area) -> list[tuple[tuple[str, str], _Wish]]:
        return [(key, wish) for key, wish in self.wishes.items() if key[0] == area.entry.id]

    def _read(self, area: Area, what: str, wish: _Wish) -> None:
        if wish.is_running:
            wish.is_old = True  # read once more when the answer is here
            return
        wish.is_running, wish.is_old = True, False
        work = self._carry_out(area, what, wish, wish.number, dict(wish.arguments))
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(
        self, area: Area, what: str, wish: _Wish, number: int, arguments: dict[str, Any]
    ) -> None:
        try:
            loader = self.source(area).loader(what)
            answer = await asyncio.wrap_future(
                self.feed.submit(lambda client: loader(client, **arguments))
            )
            if self._is_wanted(area, wish, number):
                self._show(area, what, answer)
        except errors.UnavailableError:
            pass  # the frame says that the agent is gone, and keeps the last picture
        except errors.ConsoleError as error:
            if self._is_wanted(area, wish, number):
                _tell_failure(area, error)
        except Exception as error:
            from console.cli.main import keep_traceback

            keep_traceback()
            _tell_failure(area, error)
        finally:
            wish.is_running = wish.is_given_up = False
        if wish.number != number or wish.is_old:
            self._read(area, what, wish)

    def _is_wanted(self, area: Area, wish: _Wish, number: int) -> bool:
        return wish.number == number and not wish.is_given_up and area.is_attached

    def _show(self, area: Area, what: str, answer: Any) -> None:
        area.is_loading = False
        self.fetched_at[area.entry.id] = datetime.now(UTC)
        if what == "main":
            area.show(answer)
            if self.heard is not None:
                self.heard(area, answer)
        else:
            area.show_part(what, answer)
        area.refresh_bindings()  # what can be done may be another now


def _tell_failure(area: Area, error: Exception) -> None:
    message, hint = describe_failure(error)
    area.is_loading = False
    area.show_error(message, hint)
    area.refresh_bindings()
