"""What the reader decided, from the question to the toast, and the way back.

Belongs to one console. Every change goes through here, so a read-only console has one door to
close, `u` knows what was done last, and `@` knows what was refused.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from console.tui.feed import Feed, describe_failure

if TYPE_CHECKING:
    from console.tui.acting import Deed
    from console.tui.areas.base import Area
    from console.tui.dialogs.action_log import Logged
    from console.tui.frame import Frame

LOG_ENTRIES = 200


class Doing:
    """Carries out actions for one console."""

    def __init__(self, feed: Feed, frame: Frame, *, is_read_only: bool) -> None:
        self._feed = feed
        self._frame = frame
        self.is_read_only = is_read_only
        self._undo: Deed | None = None
        self._refused: deque[Logged] = deque(maxlen=LOG_ENTRIES)
        self._tasks: set[asyncio.Task[None]] = set()

    def decide(self, event: Area.Acts) -> None:
        """An area wants something done: ask first when there is a question."""
        arguments = dict(event.arguments)
        question = arguments.pop("ask", None)
        if event.action == "copy_text":
            self.copy(str(arguments["text"]))
        elif self.is_read_only:
            self._frame.toast("this console is read-only; nothing was changed", "warn")
        elif question is None:
            self.act(event.action, arguments)
        else:
            self._ask(question, event.action, arguments)

    def _ask(self, question: Any, action: str, arguments: dict[str, Any]) -> None:
        from console.tui.dialogs.confirm import Confirm

        def answered(answer: Any) -> None:
            if answer is not None:
                self.act(action, arguments | answer.values)

        self._frame.app.push_screen(Confirm(question), answered)

    def act(self, action: str, arguments: dict[str, Any]) -> None:
        """Do it now, in a thread; the toast says how it went."""
        self._start(self._act(action, arguments))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)

    async def _act(self, action: str, arguments: dict[str, Any]) -> None:
        from console.tui import acting  # the table of all routes: not before it is needed

        try:
            done = await asyncio.wrap_future(
                self._feed.submit(lambda client: acting.carry_out(client, action, arguments))
            )
        except Exception as error:
            message, hint = describe_failure(error)
            self._refuse(f"{message} {hint}".strip())
            return
        self._undo = done.undo
        keys = {"key": "u", "verb": "undo"} if done.undo is not None else {}
        self._frame.toast(done.sentence, **keys)

    def _refuse(self, sentence: str) -> None:
        from console.tui.dialogs.action_log import Logged

        self._frame.toast(sentence, "fail")
        self._refused.append(
            Logged(at=datetime.now(UTC), who="refused", summary=sentence, is_refusal=True,
                   number=-len(self._refused) - 1)
        )  # fmt: skip

    def undo(self) -> None:
        """Take the last change of this console back, after a question."""
        deed = self._undo
        if deed is None:
            self._frame.toast("there is nothing to take back", "idle")
            return
        from console.tui.dialogs.confirm import Question

        question = Question(
            sentence="Take the last change back?",
            facts=(("changes", deed.words),),
            yes="take it back",
        )
        self._ask(question, deed.action, deed.arguments)

    def log(self) -> None:
        """Show what was done, by whom, with the commands."""
        self._start(self._show_log())

    async def _show_log(self) -> None:
        from console.tui.dialogs.action_log import ActionLog, Logged
        from console.wire import people as wire

        try:
            entries = await asyncio.wrap_future(
                self._feed.submit(
                    lambda client: client.call(
                        wire.list_ledger, wire.ListLedger(limit=LOG_ENTRIES), timeout_s=5.0
                    )
                )
            )
        except Exception:
            entries = []  # without the agent it shows at least what this console knows
        rows = [
            Logged(at=entry.at, who=entry.actor, summary=entry.summary, command=entry.command,
                   number=entry.seq)
            for entry in entries
        ]  # fmt: skip
        rows += self._refused
        self._frame.app.push_screen(ActionLog(rows, datetime.now(UTC)), self._copy_command)

    def _copy_command(self, command: str | None) -> None:
        if command:
            self.copy(command, what="command")

    def copy(self, text: str, what: str = "text") -> None:
        from console.tui.clipboard import copy

        self._frame.toast(copy(self._frame.app, text, what=what))
