"""Questions before a model's alias moves, asked from more than one area."""

from __future__ import annotations

from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field


def rollback(model: str, who_follows: str = "endpoints that follow the champion") -> Question:
    """Back to the version that the champion was before."""
    return Question(
        sentence=f"Roll {model} back to the version before?",
        facts=(("changes", f"{who_follows}: the earlier version answers at once"),
               ("undo", "u, or promote the present version again")),
        fields=(Field(id="reason", label="reason"),),
        yes="roll back",
    )  # fmt: skip
