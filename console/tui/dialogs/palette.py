"""Everything by name: `:` or ctrl+p. Go somewhere, do something, choose a theme, open an id.

Each entry shows its key and the shell command that does the same, which is how both are learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from console.tui.areas.base import Choice
from console.tui.dialogs.block import Dialog
from console.tui.dialogs.fields import FieldInput
from console.tui.fuzzy import match
from console.tui.ink import Line, Part
from console.tui.keymaps import bind
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column

MoreChoices = Callable[[str], Sequence[Choice]]
"""Entries that depend on what is typed, such as an id to open."""


class PaletteInput(FieldInput):
    """Up and down move in the list while letters type."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("palette.down", "step(1)", keys="down,ctrl+n", meaning="next entry"),
        bind("palette.up", "step(-1)", keys="up", meaning="entry before"),
        bind("open", "take", "do it"),
        bind("back", "leave", "close"),
    ]

    def action_step(self, rows: int) -> None:
        self.screen.query_one(Table).action_step(rows)

    def action_take(self) -> None:
        self.screen.query_one(Table).action_open()


class Palette(Dialog[Choice | None]):
    """A field and the entries that fit it. Its result is the chosen entry."""

    DEFAULT_CSS = """
    Palette { align: center top; }
    Palette > #block { width: 100; max-width: 100%; margin: 3 2 1 2; max-height: 80%; }
    Palette Table { height: 14; max-height: 100%; margin-top: 1; }
    Palette Lines { padding: 0 1; height: 1; }
    """

    def __init__(self, choices: Sequence[Choice], more: MoreChoices | None = None) -> None:
        super().__init__()
        self._choices = choices
        self._more = more
        self._query = ""

    def body(self) -> Iterable[Widget]:
        yield PaletteInput(hint="a place, an action, a theme or an id", id="query")
        columns = [
            Column[Choice](key="label", cell=self._label, is_name=True, least=20, rank=0),
            Column[Choice](key="detail", cell=lambda c: (c.detail, "quiet"), least=12, rank=8),
            Column[Choice](
                key="command",
                cell=lambda c: (c.why_not, "warn") if c.why_not else (c.command, "quiet"),
                least=12,
                rank=9,
                grow=1,
                align="right",
            ),
            Column[Choice](
                key="key", cell=lambda c: Line((c.key, "ink bold")), width=5, align="right", rank=0
            ),
        ]
        yield Table(
            columns, key=lambda c: c.id, has_head=False, holds_cursor=True, cursor_ground="line"
        )
        yield Lines(id="hits")

    def _label(self, choice: Choice) -> Part:
        found = match(self._query, choice.label)
        ink = "quiet" if choice.why_not else "ink"
        if found is None or not found[1]:
            return (choice.label, ink)
        places = set(found[1])
        return Line.drawn(
            (char, f"{ink} underline" if place in places else ink)
            for place, char in enumerate(Line(choice.label).plain)
        )

    def on_mount(self) -> None:
        self.query_one(PaletteInput).focus()
        # The list is moved from the field; it never takes the keys itself.
        self.query_one(Table).can_focus = False
        self._search("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def _search(self, query: str) -> None:
        self._query = query
        more = list(self._more(query)) if self._more is not None and query.strip() else []
        scored = []
        for place, choice in enumerate(self._choices):
            found = match(query, choice.label) or match(query, choice.command)
            if found is not None:
                scored.append((-found[0], place, choice))
        scored.sort(key=lambda entry: entry[:2])
        rows = more + [choice for _, _, choice in scored]
        table = self.query_one(Table)
        table.rows = rows
        table.move_to(0)
        if not rows:
            table.say(("no entry has these letters in this order", "quiet"))
        total = len(self._choices) + len(more)
        self.query_one("#hits", Lines).data = ((f"{len(rows)} of {total}", "quiet"),)

    def on_table_opened(self, event: Table.Opened) -> None:
        event.stop()
        row = event.table.cursor_row
        if row is not None and not row.why_not:
            self.dismiss(row)

    def on_field_input_left(self) -> None:
        self.dismiss(None)
