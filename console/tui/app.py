"""The console: one screen of areas, fed by the agent. Kept small: it only connects parts.

`Feed` tells what changed, `Fetching` reads what the open area wants, `acting` carries out what the
reader decided, `Frame` shows. Nothing here knows what a dataset or a model is.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from console import __version__
from console.tui import acting
from console.tui.areas.base import Area
from console.tui.feed import Feed, describe_failure
from console.tui.fetching import Fetching
from console.tui.frame import Frame
from console.tui.frame_rows import Gone, Status
from console.tui.host import PLAIN_TERMINAL, Host
from console.tui.registry import ENTRIES, PLACES
from console.tui.terminal import Terminal

if TYPE_CHECKING:
    from console.client.client import Client
    from console.wire.agent import Overview

HEARTBEAT_S = 1.0


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
        super().__init__(terminal, **settings)
        self.feed = Feed(
            client,
            changed=partial(self._from_thread, self._changed),
            gone=partial(self._from_thread, self._gone),
            back=partial(self._from_thread, self._back),
        )
        self.fetching = Fetching(self.feed)
        self.frame = Frame(ENTRIES, first)
        self.is_read_only = is_read_only
        self._attempts = 0
        self._pending = pending
        """What is to be done as soon as the console is open: action and arguments."""
        self._status = Status(store=client.workspace.root.name)

    def on_mount(self) -> None:
        self.push_screen(self.frame)
        self.frame.status = self._status
        self.feed.start()
        self.set_interval(HEARTBEAT_S, self._beat)
        if self._pending is not None:
            self._act(*self._pending)

    def on_unmount(self) -> None:
        self.feed.stop()

    def _from_thread(self, call: Any, *arguments: Any) -> None:
        """Hand something a thread learned to the loop; nothing when the app is leaving."""
        loop = self._loop
        if loop is not None and loop.is_running():
            loop.call_soon_threadsafe(call, *arguments)

    # ------------------------------------------------------------------ what the agent says

    def _changed(self, topics: frozenset[str]) -> None:
        self.fetching.changed(self.frame.current, topics)
        self._read_status()

    def _gone(self, since: datetime, next_try_s: float) -> None:
        self._attempts += 1
        area = self.frame.current
        seen = self.fetching.fetched_at.get(area.entry.id) if area else None
        self.frame.show_gone(
            Gone(
                since=f"{since:%H:%M:%S}",
                picture_from=f"{seen:%H:%M:%S}" if seen else "none yet",
                next_try_s=round(next_try_s) or 1,
                attempt=self._attempts,
            )
        )
        self._show_status(live="gone")

    def _back(self) -> None:
        self._attempts = 0
        self.frame.show_gone(None)
        self.fetching.refresh(self.frame.current)

    def _beat(self) -> None:
        """Once a second: live areas are read again, the clock moves when its minute does."""
        area = self.frame.current
        if area is not None and not self.fetching.is_frozen and not self.frame.has_class("-gone"):
            live_s = self.fetching.source(area).live_s
            seen = self.fetching.fetched_at.get(area.entry.id)
            now = datetime.now(UTC)
            if live_s and area.is_live and (not seen or (now - seen).total_seconds() >= live_s):
                self.fetching.refresh(area, parts=False)
        self._show_status()

    def _read_status(self) -> None:
        asyncio.get_running_loop().create_task(self._read_status_now())

    async def _read_status_now(self) -> None:
        from console.tui.snapshots.overview import load

        try:
            snapshot = await asyncio.wrap_future(self.feed.submit(load))
        except Exception:
            return  # the feed tells when the agent is gone; the last status stays
        self._status = status_of(snapshot.overview, self.is_read_only)
        self._show_status()

    def _show_status(self, live: str = "") -> None:
        from dataclasses import replace

        gone = self.frame.has_class("-gone")
        clock = f"{datetime.now(UTC):%H:%M}"
        self._status = replace(self._status, live=live or ("gone" if gone else "live"), clock=clock)
        self.frame.status = self._status

    # ------------------------------------------------------------------ what the reader wants

    def on_frame_area_opened(self, event: Frame.AreaOpened) -> None:
        self.fetching.opened(event.area)

    def on_area_wants(self, event: Area.Wants) -> None:
        self.fetching.want(event.area, event.what, event.arguments)

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

    def on_frame_log_wanted(self) -> None:
        self.run_worker(self.open_reference("approval:ledger"))

    def on_frame_leave_wanted(self) -> None:
        self.exit(0)

    async def on_area_acts(self, event: Area.Acts) -> None:
        question, arguments = acting.split_question(event)
        if event.action == "copy_text":
            from console.tui.clipboard import copy

            self.frame.toast(copy(self, str(arguments["text"])))
            return
        if self.is_read_only:
            self.frame.toast("this console is read-only; nothing was changed", "warn")
            return
        if question is None:
            self._act(event.action, arguments)
            return
        from console.tui.dialogs.confirm import Confirm

        def answered(answer: Any) -> None:
            if answer is not None:
                self._act(event.action, arguments | answer.values)

        self.push_screen(Confirm(question), answered)

    def _act(self, action: str, arguments: dict[str, Any]) -> None:
        asyncio.get_running_loop().create_task(self._act_now(action, arguments))

    async def _act_now(self, action: str, arguments: dict[str, Any]) -> None:
        try:
            said = await asyncio.wrap_future(
                self.feed.submit(lambda client: acting.carry_out(client, action, arguments))
            )
        except Exception as error:
            message, hint = describe_failure(error)
            self.frame.toast(f"{message} {hint}".strip(), "fail")
            return
        self.frame.toast(said)


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
