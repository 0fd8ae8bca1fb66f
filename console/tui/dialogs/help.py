"""What the keys do here and what the words mean: `?` or F1, for the pane that has the focus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from console.tui.dialogs.block import Dialog
from console.tui.ink import EMPTY, Line, Part
from console.tui.keymaps import bind
from console.tui.look import Look
from console.tui.widgets.heading import HeadingText, draw_heading
from console.tui.widgets.painted import Painted
from console.tui.widgets.pane import Words
from console.tui.widgets.prose import Text, draw_text


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpPage:
    """What there is to say about one pane."""

    title: str
    purpose: str = ""
    keys: Sequence[tuple[str, str]] = ()
    """Key and meaning."""
    words: Words = ()
    """Columns and states, and what each means."""
    commands: Sequence[str] = ()
    """Shell commands that show or do the same."""


_KEY_COLUMN = 12
_WORD_COLUMN = 18


def help_lines(page: HelpPage, width: int) -> list[Line]:
    """The whole page: purpose, keys, words, commands; long explanations go on under themselves."""
    lines = draw_text(Text(paragraphs=[(page.title, "bright bold")]), width)
    if page.purpose:
        lines += draw_text(Text(paragraphs=[(page.purpose, "ink")]), width)
    sections: list[tuple[str, list[Part], int]] = [
        ("Keys", _pairs(page.keys, _KEY_COLUMN), _KEY_COLUMN),
        ("Words", _pairs(page.words, _WORD_COLUMN), _WORD_COLUMN),
        ("In the shell", [(f"$ {line}", "ink") for line in page.commands], 2),
    ]
    for name, paragraphs, indent in sections:
        if paragraphs:
            lines += [EMPTY, draw_heading(HeadingText(name=name), width)]
            lines += draw_text(Text(paragraphs=paragraphs, indent=indent), width)
    return lines


def _pairs(pairs: Iterable[tuple[str, str]], column: int) -> list[Part]:
    return [Line((word.ljust(column - 1) + " ", "ink bold"), (why, "quiet")) for word, why in pairs]


class HelpText(Painted, can_focus=True):
    """The page, moved by lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("down", "scroll(1)", "scroll"),
        bind("up", "scroll(-1)", ""),
        bind("page-down", "scroll(10)", ""),
        bind("page-up", "scroll(-10)", ""),
        bind("first", "scroll(-9999)", ""),
        bind("last", "scroll(9999)", ""),
    ]
    DEFAULT_CSS = """
    HelpText { height: auto; max-height: 100%; }
    """

    def __init__(self, page: HelpPage) -> None:
        super().__init__()
        self._page = page
        self._top = 0

    def lines(self, width: int, height: int, look: Look) -> Sequence[Line]:
        lines = help_lines(self._page, width)
        self._top = max(0, min(self._top, len(lines) - height))
        shown = lines[self._top : self._top + height]
        below = len(lines) - self._top - height
        if below > 0 and shown:
            shown[-1] = Line((f"{below + 1} more lines", "quiet"))
        return [look.words(line) for line in shown]

    def wanted_height(self, width: int) -> int:
        return len(help_lines(self._page, max(1, width)))

    def action_scroll(self, lines: int) -> None:
        self._top = max(0, self._top + lines)
        self.repaint()

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)


class Help(Dialog[None]):
    """The keys and words of one pane."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("back", "close", "close"),
        bind("help", "close", ""),
        bind("quit", "close", ""),
    ]
    DEFAULT_CSS = """
    Help > #block { width: 84; max-height: 90%; }
    """

    def __init__(self, page: HelpPage) -> None:
        super().__init__()
        self.page = page

    def body(self) -> Iterable[Widget]:
        yield HelpText(self.page)

    def on_mount(self) -> None:
        self.query_one(HelpText).focus()
