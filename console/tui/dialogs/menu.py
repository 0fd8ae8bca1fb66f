"""A short list to choose from: actions on the selection, what to copy, the column to sort by.

Enter or the entry's letter chooses. What cannot be chosen now says why and stays in the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.widget import Widget

from console.tui.areas.base import Choice
from console.tui.dialogs.block import Dialog
from console.tui.ink import Line, Part
from console.tui.keymaps import bind
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column


def choice_columns() -> list[Column[Choice]]:
    """Key, what it does, and the command or why not."""
    return [
        Column[Choice](key="key", cell=lambda c: Line((c.key, "ink bold")), width=2, rank=0),
        Column[Choice](key="label", cell=_label, is_name=True, least=12, rank=0),
        Column[Choice](key="detail", cell=_detail, least=10, rank=5, grow=1, align="right"),
    ]


def _label(choice: Choice) -> Part:
    return (choice.label, "quiet") if choice.why_not else choice.label


def _detail(choice: Choice) -> Part:
    if choice.why_not:
        return Line((choice.why_not, "warn"))
    return Line((choice.command or choice.detail, "quiet"))


class Menu(Dialog[Choice | None]):
    """One choice out of a few."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("back", "close", "close")]
    DEFAULT_CSS = """
    Menu > #block { width: 76; }
    Menu Lines { padding: 0 1; margin-bottom: 1; }
    Menu Table { height: auto; max-height: 100%; }
    """

    def __init__(self, title: Part, choices: Sequence[Choice], *, current: str = "") -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._current = current

    def body(self) -> Iterable[Widget]:
        yield Lines((Line(self._title).bold(),))
        yield Table(
            choice_columns(),
            key=lambda c: c.id,
            has_head=False,
            cursor_ground="line",
            verbs={"open": "choose"},
        )

    def on_mount(self) -> None:
        table = self.query_one(Table)
        table.rows = self._choices
        if not self._choices:
            table.say(("nothing can be done here now", "quiet"))
        if self._current:
            table.cursor_key = self._current
        table.focus()

    def _choose(self, id: str) -> None:
        choice = next((choice for choice in self._choices if choice.id == id), None)
        if choice is not None and not choice.why_not:
            self.dismiss(choice)

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        self._choose(event.key)

    def on_key(self, event: events.Key) -> None:
        chosen = next((c for c in self._choices if c.key and c.key == event.character), None)
        if chosen is not None:
            event.stop()
            event.prevent_default()
            self._choose(chosen.id)


class Picker(Dialog[frozenset[str] | None]):
    """Several out of a few: the columns of a table. Space takes and puts away, enter is done."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("back", "close", "leave as it was")]
    DEFAULT_CSS = """
    Picker Lines { padding: 0 1; margin-bottom: 1; }
    Picker Table { height: auto; max-height: 100%; }
    """

    def __init__(self, title: Part, choices: Sequence[Choice], chosen: frozenset[str]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._chosen = chosen

    def body(self) -> Iterable[Widget]:
        yield Lines((Line(self._title).bold(),))
        columns = [
            Column[Choice](key="label", cell=_label, is_name=True, least=12, rank=0),
            Column[Choice](key="detail", cell=_detail, least=10, rank=5, grow=1, align="right"),
        ]
        verbs = {"open": "done", "mark": "show or hide"}
        yield Table(
            columns,
            key=lambda c: c.id,
            has_head=False,
            has_marks=True,
            cursor_ground="line",
            verbs=verbs,
        )

    def on_mount(self) -> None:
        table = self.query_one(Table)
        table.rows = self._choices
        table.marked = self._chosen
        table.focus()

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        self.dismiss(event.table.marked)
