"""One area in the real frame, without an agent: it gets invented snapshots and says what it wants.

What the area wants is answered by a function; what it would have done is kept in `acts`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from console.tui.areas.base import Area
from console.tui.frame import Frame
from console.tui.host import Host
from console.tui.registry import ENTRIES
from tests.tui.reading import opened, text_of

Answer = Callable[[str, dict[str, Any]], Any]


class Shown(Host):
    """A console with one area open."""

    def __init__(self, area_id: str, answer: Answer | None = None) -> None:
        super().__init__()
        self.frame = Frame(ENTRIES, area_id)
        self.answer = answer
        self.wants: list[tuple[str, dict[str, Any]]] = []
        self.acts: list[tuple[str, dict[str, Any]]] = []
        self.jumps: list[str] = []

    def on_mount(self) -> None:
        self.push_screen(self.frame)

    @property
    def area(self) -> Area:
        assert self.frame.current is not None
        return self.frame.current

    def on_area_wants(self, event: Area.Wants) -> None:
        self.wants.append((event.what, event.arguments))
        found = self.answer(event.what, event.arguments) if self.answer else None
        if found is not None:
            self.call_later(event.area.show_part, event.what, found)

    def on_area_acts(self, event: Area.Acts) -> None:
        self.acts.append((event.action, event.arguments))

    def on_area_jumps(self, event: Area.Jumps) -> None:
        self.jumps.append(event.reference)


class Seen:
    """What a test does with it."""

    def __init__(self, app: Shown, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot

    async def show(self, snapshot: Any) -> str:
        """What fetching does with an answer."""
        self.app.area.is_loading = False
        self.app.area.show(snapshot)
        self.app.area.refresh_bindings()
        return await self.text()

    async def press(self, *keys: str) -> str:
        """The screen after these keys."""
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()
        return await self.text()

    async def text(self) -> str:
        await self.pilot.pause()
        await self.pilot.pause()
        return text_of(self.app)

    def row(self, screen: str, *words: str) -> str:
        """The first row with all of these words."""
        for row in screen.splitlines():
            if all(word in row for word in words):
                return row
        raise AssertionError(f"no row with {words} in\n{screen}")


@asynccontextmanager
async def seen(
    area_id: str,
    snapshot: Any = None,
    answer: Answer | None = None,
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[Seen]:
    """The area on a terminal of this size, showing a snapshot."""
    app = Shown(area_id, answer)
    async with opened(app, size) as pilot:
        await pilot.pause()
        found = Seen(app, pilot)
        if snapshot is not None:
            await found.show(snapshot)
        yield found
