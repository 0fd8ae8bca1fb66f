"""The part of the app that knows nothing of what is shown: themes, looks, keys, terminal.

An app of ours is `class Console(Host)` that gives its areas; a test can make one with two lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.filter import LineFilter, NoColor
from textual.widget import Widget

from console.errors import KINDS
from console.tui.keymaps import bind, keymap
from console.tui.look import AsciiOnly, Look
from console.tui.terminal import Terminal
from console.tui.themes import THEMES, css_variables, palette, textual_theme
from console.tui.viewstate import ViewState

PLAIN_TERMINAL = Terminal(
    is_interactive=True,
    is_utf8=True,
    has_colour=True,
    has_few_colours=False,
    is_light=False,
    is_remote=False,
    is_in_tmux=False,
    charts="braille",
)
"""A terminal that can do everything, for tests and as a default."""

DEFECT = "the console stopped on a defect. What happened is in {place}."

_NO_COLOUR = NoColor()
_ASCII_ONLY = AsciiOnly()


class Host(App[int]):
    """An app that is drawn in tokens."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [bind("quit-now", "quit", priority=True)]

    def __init__(
        self,
        terminal: Terminal = PLAIN_TERMINAL,
        *,
        theme: str = "",
        keys: str = "default",
        own_keys: Mapping[str, str] | None = None,
        views: ViewState | None = None,
    ) -> None:
        """`theme` and `keys` are the reader's settings; `own_keys` maps key ids to keys. `views`
        is what was arranged in earlier sessions; without it nothing is kept."""
        self._looks: dict[str, Look] = {}
        self.terminal = terminal
        self.views = views or ViewState()
        self.defect = ""
        """What to say after the terminal was given back; nothing when all went well."""
        self.grey_roots: frozenset[Widget] = frozenset()
        """Widgets whose picture is shown in one grey, with all that is in them."""
        super().__init__()
        self.animation_level = "none"
        for name in THEMES:
            self.register_theme(textual_theme(name))
        self.theme = terminal.theme(theme)
        self.keys_in_use = keymap(keys, own_keys)
        if self.keys_in_use:
            self.set_keymap(self.keys_in_use)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The tokens exist in style sheets under every theme, ours or not."""
        return css_variables(palette(self.theme))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Nothing that a library paints may bring in a colour or a character that is not there."""
        filters = list(super().get_line_filters())
        if not palette(self.theme).has_colour:
            filters.append(_NO_COLOUR)
        if not self.terminal.is_utf8:
            filters.append(_ASCII_ONLY)
        return filters

    def look(self) -> Look:
        """How everything is painted now."""
        look = self._looks.get(self.theme)
        if look is None:
            terminal = self.terminal
            look = Look.of(self.theme, is_ascii=not terminal.is_utf8, charts=terminal.charts)
            self._looks[self.theme] = look
        return look

    def look_for(self, widget: Widget) -> Look:
        """How one widget is painted now."""
        look = self.look()
        if self.grey_roots and not self.grey_roots.isdisjoint(widget.ancestors_with_self):
            grey = self._looks.get(f"{self.theme} grey")
            if grey is None:
                grey = self._looks[f"{self.theme} grey"] = look.grey()
            return grey
        return look

    def paint_grey(self, *roots: Widget) -> None:
        """Show these in one grey; none brings the colours back."""
        changed = self.grey_roots | set(roots)
        self.grey_roots = frozenset(roots)
        for root in changed:
            for widget in root.walk_children(with_self=True):
                widget.refresh()

    def notify(self, message: str, **options: Any) -> None:
        """What the framework has to say is said where everything else is."""
        say = getattr(self.screen, "toast", None)
        if say is not None:
            say(message)

    def _fatal_error(self) -> None:
        """A defect ends the console with a sentence; what happened is kept in a file."""
        from console.cli.main import keep_traceback

        self._return_code = KINDS["internal"].exit_code
        self.defect = DEFECT.format(place=keep_traceback())
        self._close_messages_no_wait()

    def action_help_quit(self) -> None:
        self.notify("q leaves the console, ^q at once; jobs go on")
