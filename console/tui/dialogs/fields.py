"""Labelled fields for dialogs: one line each, checked while they are typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from console.rules.filter_values import nearest
from console.tui.ink import EMPTY, Line
from console.tui.keymaps import bind, display
from console.tui.widgets.prose import Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value to be typed."""

    id: str
    label: str
    value: str = ""
    hint: str = ""
    """Shown while the field is empty."""
    is_required: bool = False
    choices: Sequence[str] = ()
    """The only values there are; a typo names the nearest."""
    check: Callable[[str], str] | None = None
    """Says in a few words what is wrong with a value; empty when nothing is."""

    def fault(self, value: str) -> str:
        """What is wrong with this value; empty when it is good."""
        if not value.strip():
            return f"{self.label} is missing" if self.is_required else ""
        if self.choices and value not in self.choices:
            near = nearest(value, self.choices)
            return f"did you mean {near}?" if near else f"one of {', '.join(self.choices)}"
        return self.check(value) if self.check else ""


class FieldInput(Input):
    """An input that leaves `enter` and `esc` to the dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("back", "leave", "leave field")]
    DEFAULT_CSS = """
    FieldInput, FieldInput:focus {
        height: 1; width: 1fr; border: none; padding: 0 1; background: $ground; color: $ink;
    }
    FieldInput:ansi { text-style: underline; }
    FieldInput > .input--placeholder { color: $quiet; }
    FieldInput > .input--cursor { background: $accent; color: $ground; }
    FieldInput:ansi > .input--cursor { text-style: reverse; }
    """

    class Left(Message):
        """Esc in a field: the dialog takes the keys again."""

    def __init__(self, value: str = "", *, hint: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder=hint, id=id, select_on_focus=False)
        self.cursor_blink = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Every key that types something types; Textual does not know all of their names."""
        typed = display(key)
        return super().check_consume_key(key, character) or (len(typed) == 1 and typed.isascii())

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def on_paste(self, event: events.Paste) -> None:
        # One line, whatever was copied.
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(re.sub(r"\s+", " ", event.text))


class FieldRow(Vertical):
    """A field, its label, and under it what is wrong."""

    DEFAULT_CSS = """
    FieldRow { height: auto; }
    FieldRow > Horizontal { height: 1; }
    FieldRow Lines.label { width: 19; padding: 0; }
    FieldRow Lines.fault { padding: 0 1 0 20; height: 1; }
    """

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self._input = FieldInput(field.value, hint=field.hint, id=f"field-{field.id}")
        self._fault = Lines(classes="fault")

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Lines(((self.field.label, "quiet"),), classes="label")
            yield self._input
        self._fault.display = False
        yield self._fault

    @property
    def value(self) -> str:
        return self._input.value.strip()

    @property
    def fault(self) -> str:
        """What stands against this field now."""
        return self.field.fault(self.value)

    def show_fault(self, fault: str) -> None:
        """Say what is wrong under the field; nothing takes the line away."""
        self._fault.data = (Line(("▲ ", "warn"), (fault, "warn")) if fault else EMPTY,)
        self._fault.display = bool(fault)

    def on_input_changed(self, event: Input.Changed) -> None:
        # A field that is merely not filled yet is no fault to point at.
        self.show_fault(self.fault if self.value else "")
