"""`@`: what was done, newest first, each with the shell command that does the same.

The agent's ledger tells what anybody changed; what this console said (refusals above all) stands
between. `enter` copies the command of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from console import text
from console.tui.dialogs.block import Dialog
from console.tui.ink import Line
from console.tui.keymaps import bind
from console.tui.signs import said
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One thing that was done or said."""

    at: datetime
    who: str
    """A person, or empty for what this console said."""
    summary: str
    command: str = ""
    is_refusal: bool = False
    number: int = 0
    """Tells rows apart."""


class ActionLog(Dialog[str | None]):
    """Its result is the command to copy, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("back", "close", "close")]
    DEFAULT_CSS = """
    ActionLog > #block { width: 132; margin: 2 0 1 0; }
    ActionLog Lines { padding: 0 1; margin-bottom: 1; }
    ActionLog Table { height: auto; max-height: 100%; }
    """

    def __init__(self, rows: Sequence[Logged], now: datetime) -> None:
        super().__init__()
        self._rows = sorted(rows, key=lambda row: (row.at, row.number), reverse=True)
        self._now = now

    def body(self) -> Iterable[Widget]:
        yield Lines(
            (
                Line(("What was done", "bright bold"), ("  newest first, with the command that "
                     "does the same", "quiet")),
            )
        )  # fmt: skip
        columns: list[Column[Logged]] = [
            Column(key="when", cell=lambda row: text.clock(row.at, self._now), ink="quiet",
                   rank=40),
            Column(key="who", rank=60, cell=lambda row: said("fail", row.who) if row.is_refusal
                   else (row.who, "quiet")),
            Column(key="what", cell=lambda row: row.summary, least=16, is_name=True, rank=0),
            Column(key="command", cell=lambda row: Line((row.command, "accent")), least=14, grow=1,
                   rank=10),
        ]  # fmt: skip
        yield Table(
            columns,
            key=lambda row: str(row.number),
            has_head=False,
            cursor_ground="line",
            verbs={"open": "copy command"},
        )

    def on_mount(self) -> None:
        table = self.query_one(Table)
        table.rows = self._rows
        if not self._rows:
            table.say(("nothing was done yet", "quiet"))
        table.focus()

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        row: Logged | None = event.table.cursor_row
        if row is not None and row.command:
            self.dismiss(row.command)
