"""The console: one screen of areas, fed by the agent. Kept small: it only connects parts.

`Feed` tells what changed, `Fetching` reads what the open area wants, `Doing` carries out what the
reader decided, `Frame` shows. Nothing here knows what a dataset or a model is.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from contextvars import Context, copy_context
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from console import __version__
from console.tui.areas.base import Area, Choice
from console.tui.doing import Doing
from console.tui.feed import Feed
from console.tui.fetching import Fetching
from console.tui.frame import Frame
from console.tui.frame_rows import Gone, Status
from console.tui.host import PLAIN_TERMINAL, Host
from console.tui.places import PREFIX, Names, meant, named
from console.tui.registry import ENTRIES, PLACES
from console.tui.terminal import Terminal

if TYPE_CHECKING:
    from console.client.client import Client
    from console.wire.agent import Overview

HEARTBEAT_S = 1.0
STATUS_EVERY_S = 3.0
"""The first row is read again at most this often while traffic changes all the time."""
STALE_AFTER_S = 8.0
"""A live picture older than this says so."""


class Console(Host):
    """The app. With a `client` it shows that client's workspace."""

    TITLE = "mlops-console"

    def __init__(
        self,
        client: Client,
        terminal: Terminal = PLAIN_TERMINAL,
        *,
        first: str = "",
        is_read_only: bool = False,
        pending: tuple[str, dict[str, Any]] | None = None,
        **settings: Any,
    ) -> None:
        """`pending` is to be done as soon as the console is open: action and arguments."""
        super().__init__(terminal, **settings)
        self.feed = Feed(
            client,
            changed=partial(self._from_thread, self._changed),
            gone=partial(self._from_thread, self._gone),
            back=partial(self._from_thread, self._back),
        )
        self.frame = Frame(ENTRIES, first)
        self.fetching = Fetching(self.feed, heard=self._heard)
        self.doing = Doing(self.feed, self.frame, is_read_only=is_read_only)
        self.wants_demo = False
        """The reader left this workspace for the demo."""
        self._own_context = Context()
        self._has_begun = False
        self._attempts = 0
        self._pending = pending
        self._status = Status(store=client.workspace.root.name)
        self._status_is_old = False
        self._status_at = datetime.min.replace(tzinfo=UTC)
        self._gone_since: datetime | None = None
        self._names = Names()
        self._names_are_old = True
        self._tasks: set[asyncio.Task[Any]] = set()

    def get_default_screen(self) -> Frame:
        return self.frame

    def on_mount(self) -> None:
        self._own_context = copy_context()
        self.frame.status = self._status
        # What reads the network loads another fifth of the program: the picture goes first.
        self.frame.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._has_begun = True
        gc.freeze()
        gc.enable()
        self.feed.start()
        self.set_interval(HEARTBEAT_S, self._beat)
        if self.frame.current is not None:
            self.fetching.opened(self.frame.current)
        if self._pending is not None:
            self.doing.act(*self._pending)

    def on_unmount(self) -> None:
        self.feed.stop()

    def _from_thread(self, call: Any, *arguments: Any) -> None:
        """Hand something a thread learned to the loop; nothing when the app is leaving."""
        loop = self._loop
        if loop is not None and loop.is_running():
            # In the app's own context: a timer set by what is called would not find the app.
            loop.call_soon_threadsafe(call, *arguments, context=self._own_context)

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------------ what the agent says

    def _changed(self, topics: frozenset[str]) -> None:
        self.fetching.changed(self.frame.current, topics)
        self._status_is_old = True
        self._names_are_old |= not topics.isdisjoint(("datasets", "models", "endpoints"))
        if topics != {"traffic"}:
            self._read_status()

    def _heard(self, area: Area, snapshot: Any) -> None:
        """An overview that was read for its area tells the first row too."""
        overview = getattr(snapshot, "overview", None)
        if overview is not None:
            self._take_status(overview)

    def _gone(self, since: datetime, next_try_s: float, reason: str) -> None:
        self._attempts += 1
        self._gone_since = since
        area = self.frame.current
        seen = self.fetching.fetched_at.get(area.entry.id) if area else None
        self.frame.show_gone(
            Gone(
                since=f"{since:%H:%M:%S}",
                picture_from=f"{seen:%H:%M:%S}" if seen else "",
                next_try_s=round(next_try_s) or 1,
                attempt=self._attempts,
                last_words=reason if self._attempts > 1 else "",
            )
        )
        self._show_status()

    def _back(self) -> None:
        self._attempts = 0
        self._gone_since = None
        self.frame.show_gone(None)
        self._show_status()
        self.fetching.refresh(self.frame.current)

    def _beat(self) -> None:
        """Once a second: live areas are read again, the clock moves when its minute does."""
        area = self.frame.current
        if area is not None and self._gone_since is None:
            live_s = self.fetching.source(area).live_s
            if live_s and area.is_live and self._age_of(area) >= live_s:
                self.fetching.refresh(area, parts=False)
            if self._status_is_old and area.entry.id != "overview":
                self._read_status()
            if self._names_are_old:
                self._names_are_old = False
                self._start(self._read_names())
        self._show_status()

    def _age_of(self, area: Area) -> float:
        """Seconds since the area was read."""
        seen = self.fetching.fetched_at.get(area.entry.id)
        return (datetime.now(UTC) - seen).total_seconds() if seen else float("inf")

    def _read_status(self) -> None:
        now = datetime.now(UTC)
        area = self.frame.current
        is_told = area is not None and area.entry.id == "overview"
        if is_told or (now - self._status_at).total_seconds() < STATUS_EVERY_S:
            return
        self._status_at, self._status_is_old = now, False
        self._start(self._read_status_now())

    async def _read_status_now(self) -> None:
        from console.errors import ConsoleError
        from console.tui.snapshots.overview import load

        try:
            snapshot = await asyncio.wrap_future(self.feed.submit(load))
        except ConsoleError:
            return  # the feed tells when the agent is gone; the last status stays
        self._take_status(snapshot.overview)

    def _take_status(self, overview: Overview) -> None:
        self._status_is_old = False
        self._status = status_of(overview, self.doing.is_read_only)
        self._show_status()

    def _show_status(self) -> None:
        now = datetime.now(UTC)
        area = self.frame.current
        live, age_s = "live", None
        if self._gone_since is not None:
            live, age_s = "gone", float(int((now - self._gone_since).total_seconds()))
        elif area is not None and area.is_live and STALE_AFTER_S < self._age_of(area) < 1e6:
            live, age_s = "stale", self._age_of(area)
        self.frame.status = replace(self._status, live=live, live_age_s=age_s, clock=f"{now:%H:%M}")

    # ------------------------------------------------------------------ what the reader wants

    def on_frame_area_opened(self, event: Frame.AreaOpened) -> None:
        if self._has_begun:
            self.fetching.opened(event.area)
        else:
            event.area.show_loading()

    def on_area_wants(self, event: Area.Wants) -> None:
        self.fetching.want(event.area, event.what, event.arguments)

    def on_area_stops(self, event: Area.Stops) -> None:
        self.fetching.stop(event.area)

    def on_frame_refresh_wanted(self) -> None:
        self.feed.retry_now()
        self.fetching.refresh(self.frame.current)

    async def on_area_jumps(self, event: Area.Jumps) -> None:
        """Open the area where the thing lives and let it find it."""
        await self.open_reference(event.reference)

    async def open_reference(self, reference: str) -> None:
        kind, _, name = reference.replace(" ", ":", 1).partition(":")
        area_id = PLACES.get(kind)
        if area_id is None:
            self.frame.toast(f"nothing here is called {reference}", "warn")
            return
        area = await self.frame.go(area_id)
        area.reveal(kind, name)

    def on_area_acts(self, event: Area.Acts) -> None:
        if event.action == "open_demo":
            self.wants_demo = True
            self.exit(0)
        else:
            self.doing.decide(event)

    def on_frame_undo_wanted(self) -> None:
        self.doing.undo()

    def on_frame_log_wanted(self) -> None:
        self.doing.log()

    def on_frame_leave_wanted(self) -> None:
        self.exit(0)

    # ------------------------------------------------------------------ the palette

    async def _read_names(self) -> None:
        from console.errors import ConsoleError
        from console.tui.places import read_names

        try:
            self._names = await asyncio.wrap_future(self.feed.submit(read_names))
        except ConsoleError:
            self._names_are_old = True

    def palette_choices(self) -> list[Choice]:
        """Everything that can be opened by name."""
        return named(self._names)

    def palette_more(self, query: str) -> list[Choice]:
        """What a typed id could mean."""
        return meant(query, self._names)

    def palette_chosen(self, choice: Choice) -> None:
        self._start(self.open_reference(choice.id.removeprefix(PREFIX)))


def status_of(overview: Overview, is_read_only: bool) -> Status:
    """The first row of the screen from what the agent says of itself."""
    status = overview.status
    modes = ["demo data"] if status.mode == "demo" else []
    if is_read_only or status.is_read_only:
        modes.append("read-only")
    if status.version != __version__:
        modes.append(f"agent {status.version}")
    verdicts = [need.verdict for need in overview.needs]
    return Status(
        store=status.name,
        place=status.workspace,
        modes=tuple(modes),
        people=status.clients,
        fails=verdicts.count("fail") + verdicts.count("error"),
        warnings=verdicts.count("warn") + verdicts.count("inconclusive"),
        actor=overview.actor.name,
        role="owner" if overview.actor.is_owner else ", ".join(overview.actor.roles),
    )
