"""A few values to type, checked as they are typed: a new job, a reason, a time range."""

from __future__ import annotations

from collections.abc import Sequence

from console.tui.dialogs.confirm import Confirm, Question
from console.tui.dialogs.fields import Field
from console.tui.ink import Part


class Form(Confirm):
    """Labelled fields, then `y`. Its result is an Answer with the values, or None."""

    DEFAULT_CSS = """
    Form FieldRow { margin-bottom: 0; }
    """

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        yes: str = "go",
        no: str = "no, leave it",
        facts: Sequence[tuple[str, Part]] = (),
        explanation: Sequence[Part] = (),
    ) -> None:
        super().__init__(
            Question(
                sentence=title,
                fields=fields,
                facts=facts,
                yes=yes,
                no=no,
                explanation=explanation,
                warns=False,
            )
        )
