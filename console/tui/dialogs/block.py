"""What all dialogs are: an opaque block over the last picture in one grey.

The rows of the frame stay as they are above; nothing is translucent, nothing throws a shadow. A
dialog keeps every key to itself: `esc` closes it, and its own footer says what the keys do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from console.tui.footer_keys import footer_keys
from console.tui.frame_rows import FooterRow
from console.tui.keymaps import bind
from console.tui.look import Greying, Look
from console.tui.screens import QuietScreen
from console.tui.widgets.boxes import Stack

Result = TypeVar("Result")

KEPT_ROWS = 2
"""Rows of the frame at the top that keep their colours."""


class _Behind:
    """The screen underneath in one grey, its first rows in colour."""

    def __init__(self, screen: Screen[object], look: Look) -> None:
        self._screen = screen
        self._greying = Greying(look)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        row = 0
        for segment in console.render(self._screen._compositor, options):
            text, style, control = segment
            if control or text == "\n":
                row += text == "\n"
                yield segment
            elif row < KEPT_ROWS:
                yield Segment(text, style.clear_meta_and_links() if style else None)
            else:
                yield Segment(text, self._greying.style(style))


class Dialog(QuietScreen[Result], ModalScreen[Result]):
    """A block over a grey picture."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("back", "close", "no")]
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $ground 1%; color: $ink; }
    Dialog > #block {
        width: 64; max-width: 100%; height: auto; max-height: 100%;
        background: $raised; border-left: outer $accent; padding: 1 2 1 1;
    }
    Dialog.-warns > #block { border-left: outer $warn; }
    Dialog:ansi > #block { border: round ansi_default; }
    Dialog > FooterRow { dock: bottom; background: $ground; }
    """

    def compose(self) -> ComposeResult:
        with Stack(id="block"):
            yield from self.body()
        yield FooterRow()

    def body(self) -> Iterable[Widget]:
        """What stands in the block."""
        raise NotImplementedError

    def render(self) -> RenderableType:
        behind = super().render()
        look = getattr(self.app, "look", None)
        if isinstance(behind, BackgroundScreen) and look is not None:
            return _Behind(behind.screen, look())
        return behind

    def on_mount(self) -> None:
        self.call_after_refresh(self.show_keys)

    def show_keys(self) -> None:
        """Bring the footer up to date with what the keys do now."""
        footer = self.query_one(FooterRow)
        footer.data = footer_keys(self)

    def on_descendant_focus(self) -> None:
        self.call_after_refresh(self.show_keys)

    def on_footer_row_pressed(self, event: FooterRow.Pressed) -> None:
        self.app.simulate_key(event.key)

    def action_close(self) -> None:
        self.dismiss(None)
