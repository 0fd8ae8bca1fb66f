"""The filter, typed in place of the state line: live, with the count of hits, explained at once.

`enter` keeps it, `esc` brings back what was there before. Where the text is no filter yet it says
what is wrong, and what stands before the fault goes on to hold; with no hit the term at fault is
underlined.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from console.rules.filtering import FilterFault, parse
from console.text import count
from console.tui.dialogs.fields import FieldInput
from console.tui.ink import Line, Part
from console.tui.keymaps import bind
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table


class FilterInput(FieldInput):
    """Letters type, enter keeps, esc restores."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("open", "keep", "keep"),
        bind("back", "leave", "as before"),
    ]
    DEFAULT_CSS = "FilterInput, FilterInput:focus { padding: 0; }"

    class Kept(Message):
        """Enter."""

    def action_keep(self) -> None:
        self.post_message(self.Kept())


class FilterRow(Horizontal):
    """A filter for one table."""

    DEFAULT_CSS = """
    FilterRow { height: 1; padding: 0 1; background: $ground; }
    FilterRow > #slash { width: 2; padding: 0; }
    FilterRow > #answer { width: auto; max-width: 70%; padding: 0 0 0 2; }
    """

    class Closed(Message):
        """The filter was kept or taken back."""

        def __init__(self, table: Table[Any]) -> None:
            super().__init__()
            self.table = table

    def __init__(self, table: Table[Any]) -> None:
        super().__init__()
        self._table = table
        self._before = table.filter_text
        self._input = FilterInput(table.filter_text, hint="a word, field:x, field > 1, !not")
        self._answer = Answer(id="answer")
        self._is_closed = False

    def compose(self) -> ComposeResult:
        yield Lines((("/", "accent bold"),), id="slash")
        yield self._input
        yield self._answer

    def on_mount(self) -> None:
        self._input.focus()
        self._apply(self._input.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._apply(event.value)

    def _apply(self, text: str) -> None:
        self._answer.say(apply_filter(self._table, text))

    def on_filter_input_kept(self) -> None:
        self._table.focus()
        self._close()

    def on_field_input_left(self) -> None:
        apply_filter(self._table, self._before)
        self._table.focus()
        self._close()

    def on_descendant_blur(self) -> None:
        """To another pane with tab or the mouse: the filter is kept."""
        self._close()

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            # By way of the screen: a widget that is being removed does not deliver any more.
            self.screen.post_message(self.Closed(self._table))
            self.remove()


class Answer(Lines):
    """Hits, or what is wrong with the text."""

    def say(self, line: Part) -> None:
        shown = Line(line)
        self.styles.width = shown.width + 2
        self.data = (shown,)


def apply_filter(table: Table[Any], text: str) -> Line:
    """Filter a table by a text and say how many rows it finds, or why it is no filter."""
    fields = table.filter_fields or {}
    total = len(table.rows)
    try:
        wanted = parse(text, fields, table.words_of)
    except FilterFault as fault:
        _apply_before(table, text[: fault.start])
        hint = f" {fault.hint}" if fault.hint else ""
        return Line(("▲ ", "warn"), (fault.message, "warn"), (hint, "quiet"))
    table.filter_by(text, wanted.matches if wanted.terms else None)
    if not wanted.terms:
        return Line((f"{count(total)} rows", "quiet"))
    hits = Line((f"{count(table.hits)} of {count(total)}", "quiet"))
    if table.hits or not total:
        return hits
    start, end = wanted.fault(table.rows) or (0, len(text))
    table.say(
        Line(
            (f"0 of {count(total)}   ", "ink bold"),
            (text[:start], "quiet"),
            (text[start:end], "warn underline"),
            (text[end:], "quiet"),
            ("   esc clears", "quiet"),
        )
    )
    return hits


def _apply_before(table: Table[Any], text: str) -> None:
    """What stood before the fault goes on to hold, so that rows stay while a term is typed."""
    try:
        wanted = parse(text, table.filter_fields or {}, table.words_of)
    except FilterFault:
        return
    table.filter_by(text.strip(), wanted.matches if wanted.terms else None)
