"""Reads snapshots for the open area: once at a time, again when they are old, never on the loop.

An area says what it wants (`Area.Wants`); the last wish of each kind is remembered and read again
when a topic of its source changed, or on the source's pulse while it is shown. Answers that come
for an area that wants something else by now are dropped.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from console.tui.areas.base import Area
from console.tui.feed import Feed, describe_failure
from console.tui.registry import SOURCES, Source

LOADING_AFTER_S = 0.3


@dataclass(slots=True)
class _Wish:
    """What one area wants of one kind."""

    arguments: dict[str, Any]
    number: int = 0
    is_running: bool = False
    is_old: bool = False
    answer_number: int = -1


@dataclass(slots=True)
class Fetching:
    """Belongs to one app."""

    feed: Feed
    wishes: dict[tuple[str, str], _Wish] = field(default_factory=dict)
    fetched_at: dict[str, datetime] = field(default_factory=dict)
    """Area -> time of its last snapshot."""
    is_frozen: bool = False
    """The reader holds the picture; changes wait."""

    def want(self, area: Area, what: str, arguments: dict[str, Any]) -> None:
        """Read this, and again whenever it gets old, until another wish of its kind comes."""
        wish = self.wishes.setdefault((area.entry.id, what), _Wish(arguments))
        wish.arguments = arguments
        wish.number += 1
        self._read(area, what, wish)

    def forget(self, area: Area, what: str) -> None:
        self.wishes.pop((area.entry.id, what), None)

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
            if area is not None and area.entry.id == area_id and not self.is_frozen:
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
        asyncio.get_running_loop().create_task(self._carry_out(area, what, wish))

    async def _carry_out(self, area: Area, what: str, wish: _Wish) -> None:
        number, arguments = wish.number, dict(wish.arguments)
        loader = self.source(area).loader(what)
        try:
            answer = await asyncio.wrap_future(
                self.feed.submit(lambda client: loader(client, **arguments))
            )
        except asyncio.CancelledError:
            raise
        except Exception as error:
            wish.is_running = False
            if wish.number == number and area.is_attached:
                _tell_failure(area, what, error)
        else:
            wish.is_running = False
            if wish.number == number and area.is_attached:
                area.is_loading = False
                self.fetched_at[area.entry.id] = datetime.now(UTC)
                if what == "main":
                    area.show(answer)
                else:
                    area.show_part(what, answer)
        if wish.number != number or (wish.is_old and not self.is_frozen):
            self._read(area, what, wish)


def _tell_failure(area: Area, what: str, error: Exception) -> None:
    from console import errors

    if isinstance(error, errors.UnavailableError):
        return  # the frame says that the agent is gone, and keeps the last picture
    message, hint = describe_failure(error)
    area.is_loading = False
    area.show_error(message, hint)
