"""A screen that paints itself once.

Textual repaints a whole screen when it is first shown, again when it resumes, and whenever the
focus moves: at 120 x 40 about 20 kB each time, over SSH a flicker. Nothing but its children is
drawn on our screens, so after the first painting only coming back from another screen needs one.
"""

from __future__ import annotations

from typing import TypeVar

from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

Result = TypeVar("Result")


class QuietScreen(Screen[Result]):
    """Repaints as a whole only when another screen was in front of it."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False, repaint=False)
    _was_covered = False

    def on_screen_suspend(self) -> None:
        self._was_covered = True

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> QuietScreen[Result]:
        if not regions and not recompose and repaint:
            repaint, self._was_covered = self._was_covered, False
            if not repaint and not layout:
                return self
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self
