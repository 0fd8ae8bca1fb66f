"""A pane: a ruled heading and what belongs to it.

There are no frames. The heading shows where the reader is; a pane whose content cannot take the
focus takes it itself, so that `tab` and zoom reach every pane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.widget import Widget

from console.tui.ink import Part
from console.tui.widgets.boxes import Stack
from console.tui.widgets.heading import Heading, HeadingText

Words = Sequence[tuple[str, str]]
"""A word on the screen and what it means."""


class Pane(Stack):
    """A heading over widgets."""

    ALLOW_MAXIMIZE = False  # zoom is the frame's, which keeps its rows
    DEFAULT_CSS = """
    Pane { height: auto; width: 1fr; }
    """

    def __init__(
        self,
        name: str,
        *content: Widget,
        facts: Part = "",
        right: Part = "",
        is_stop: bool = True,
        help: str = "",
        words: Words = (),
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`is_stop`: tab stops here when nothing inside can take the focus. `help` says what the
        pane is for, `words` explain its columns and states."""
        super().__init__(id=id, classes=classes)
        self._content = content
        self._heading = Heading(HeadingText(name=name, facts=facts, right=right))
        self._is_stop = is_stop
        self.help_text = help
        self.help_words = words

    def compose(self) -> ComposeResult:
        yield self._heading
        yield from self._content

    def on_mount(self) -> None:
        has_stop = any(widget.can_focus for widget in self.walk_children(Widget))
        self.can_focus = self._is_stop and not has_stop

    @property
    def heading(self) -> HeadingText:
        return self._heading.data or HeadingText(name="")

    def title(
        self, name: str | None = None, *, facts: Part | None = None, right: Part | None = None
    ) -> None:
        """Change the words of the heading; what is not given stays."""
        now = self.heading
        self._heading.data = replace(
            now,
            name=now.name if name is None else name,
            facts=now.facts if facts is None else facts,
            right=now.right if right is None else right,
        )

    def _show_focus(self) -> None:
        self._heading.data = replace(self.heading, is_focused=self.has_focus_within)

    def on_focus(self) -> None:
        self._show_focus()

    def on_blur(self) -> None:
        self._show_focus()

    def on_descendant_focus(self) -> None:
        self._show_focus()

    def on_descendant_blur(self) -> None:
        self._show_focus()
