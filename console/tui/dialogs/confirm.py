"""The question before anything that writes: no first, yes on its own key, enter does nothing.

It says what will change, what stands against it, how to undo it and who else is needed. The worst
changes ask for a name to be typed. A form is the same with more fields (`form.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from console.tui.dialogs.block import Dialog
from console.tui.dialogs.fields import Field, FieldInput, FieldRow
from console.tui.ink import Line, Part, words
from console.tui.keymaps import bind
from console.tui.widgets.prose import Fact, FactLines, Facts, Lines, Prose, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    sentence: str
    """`Promote delays v5 against its gates?`"""
    facts: Sequence[tuple[str, Part]] = ()
    """changes, against, undo, needs: label and words, in this order."""
    fields: Sequence[Field] = ()
    type_this: str = ""
    """A name that must be typed before yes is taken."""
    yes: str = "yes"
    no: str = "no, leave it"
    explanation: Sequence[Part] = ()
    """What happens, for `?`."""
    warns: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes, with what was typed."""

    values: dict[str, str]


_TYPED = "typed-name"


class AnswerLines(Lines, can_focus=True):
    """`n` first and underlined, `y` second. Tab ends here, so that the letters answer."""

    DEFAULT_CSS = "AnswerLines { padding: 0; height: 2; margin-top: 1; }"


class Confirm(Dialog[Answer | None]):
    """Asks before something is written. Its result is an Answer, or None for no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("confirm.no", "close", "no", keys="n", meaning="no, change nothing", place=1, rank=1),
        bind("confirm.yes", "yes", "yes", keys="y", meaning="yes, do it", place=2, rank=1),
        bind("next-pane", "app.focus_next", "next field"),
        bind("previous-pane", "app.focus_previous", ""),
        bind("help", "explain", "what happens"),
    ]
    DEFAULT_CSS = """
    Confirm Lines.sentence { padding: 0; margin-bottom: 1; }
    Confirm FactLines { padding: 0; margin-bottom: 1; }
    Confirm Prose { padding: 0; margin-top: 1; }
    """

    def __init__(self, question: Question) -> None:
        super().__init__(classes="-warns" if question.warns else None)
        self.question = question
        self._answers = AnswerLines()
        self._explanation = Prose(
            Text(paragraphs=[words(p, "quiet") for p in question.explanation])
        )

    def body(self) -> Iterable[Widget]:
        asked = self.question
        yield Lines(((asked.sentence, "bright bold"),), classes="sentence")
        if asked.facts:
            facts = tuple(Fact(label=label, value=value) for label, value in asked.facts)
            yield FactLines(Facts(facts=facts, value_align="left", label_width=9))
        yield from (FieldRow(field) for field in self._fields())
        yield self._answers
        self._explanation.display = False
        yield self._explanation

    def _fields(self) -> list[Field]:
        fields = list(self.question.fields)
        if self.question.type_this:
            name = self.question.type_this
            fields.append(Field(id=_TYPED, label=f"type {name}", check=self._check_typed))
        return fields

    def _check_typed(self, value: str) -> str:
        wanted = self.question.type_this
        return "" if wanted.startswith(value) else f"this is not {wanted}"

    def on_mount(self) -> None:
        first = self.query(FieldInput).first() if self._fields() else self._answers
        first.focus()
        self._show_answers()

    def _show_answers(self, refusal: str = "") -> None:
        asked = self.question
        typed = f", once {asked.type_this} is typed" if asked.type_this else ""
        yes = Line((f"{asked.yes}{typed}", "quiet"))
        answers = Line(("n ", "bright bold"), (asked.no, "bright bold underline"), "      ") + (
            Line(("y ", "ink bold")) + yes
        )
        second = (
            Line(("▲ ", "warn"), (refusal, "warn"))
            if refusal
            else Line(("enter does nothing here", "quiet"))
        )
        self._answers.data = (answers, second)

    def refusal(self) -> str:
        """Why yes cannot be taken yet."""
        for row in self.query(FieldRow):
            if row.field.id == _TYPED and row.value != self.question.type_this:
                return f"type {self.question.type_this} first"
            if row.fault:
                row.show_fault(row.fault)
                return row.fault
        return ""

    def action_yes(self) -> None:
        refusal = self.refusal()
        if refusal:
            self._show_answers(refusal)
            return
        values = {row.field.id: row.value for row in self.query(FieldRow)}
        values.pop(_TYPED, None)
        self.dismiss(Answer(values))

    def action_explain(self) -> None:
        if self.question.explanation:
            self._explanation.display = not self._explanation.display

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "explain":
            return bool(self.question.explanation)
        if action in ("app.focus_next", "focus_next"):
            return bool(self._fields())
        return True

    def on_field_input_left(self) -> None:
        self._answers.focus()
