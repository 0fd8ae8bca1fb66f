"""What the keys do here and what the words mean: `?` or F1, for the pane that has the focus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from console.tui.dialogs.block import Dialog
from console.tui.ink import EMPTY, Line, Part
from console.tui.keymaps import bind
from console.tui.widgets.heading import Heading, HeadingText
from console.tui.widgets.pane import Words
from console.tui.widgets.prose import Prose, Text


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


def help_lines(pairs: Iterable[tuple[str, str]], column: int) -> list[Part]:
    """Two columns; a long explanation goes on under itself."""
    return [
        Line((word.ljust(column - 1) + " ", "ink bold"), (meaning, "quiet"))
        for word, meaning in pairs
    ]


class Help(Dialog[None]):
    """The keys and words of one pane."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("back", "close", "close"),
        bind("help", "close", ""),
        bind("quit", "close", ""),
        bind("down", "scroll(1)", "scroll"),
        bind("up", "scroll(-1)", ""),
        bind("page-down", "scroll(10)", ""),
        bind("page-up", "scroll(-10)", ""),
        bind("first", "scroll(-9999)", ""),
        bind("last", "scroll(9999)", ""),
    ]
    DEFAULT_CSS = """
    Help > #block { width: 84; max-height: 90%; }
    Help VerticalScroll { height: auto; max-height: 100%; scrollbar-size: 0 0; }
    Help Heading { padding: 0; margin-top: 1; }
    Help Prose { padding: 0 0 0 1; }
    """

    def __init__(self, page: HelpPage) -> None:
        super().__init__()
        self.page = page

    def body(self) -> Iterable[Widget]:
        page = self.page
        with VerticalScroll(can_focus=False):
            title: list[Part] = [(page.title, "bright bold")]
            yield Prose(Text(paragraphs=[*title, (page.purpose, "ink")] if page.purpose else title))
            sections: list[tuple[str, list[Part], int]] = [
                ("Keys", help_lines(page.keys, _KEY_COLUMN), _KEY_COLUMN),
                ("Words", help_lines(page.words, _WORD_COLUMN), _WORD_COLUMN),
                ("In the shell", [(f"$ {line}", "ink") for line in page.commands], 2),
            ]
            for name, paragraphs, indent in sections:
                if paragraphs:
                    yield Heading(HeadingText(name=name))
                    yield Prose(Text(paragraphs=paragraphs, indent=indent))
            yield Prose(Text(paragraphs=[EMPTY]))

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
