"""From inked lines to painted cells.

A `Look` is one way to paint: the tokens of a theme, whether signs must be ASCII, and what charts
are drawn with. Widgets draw in tokens and ask their look for cells; it is the only place where a
token meets a colour, so a new theme or a poorer terminal needs no other change.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.strip import Strip

from console.tui.ink import Ink, Line
from console.tui.signs import ascii_cells, ascii_words
from console.tui.terminal import Charts
from console.tui.themes import Tokens, palette

_GREYS = {
    "ground": "ground",
    "raised": "raised",
    "line": "line",
    "faint": "faint",
    "band": "raised",
}
"""What stays of the tokens where everything is one grey; the others become quiet."""
_GREY_GROUNDS = {"band": "raised", "fill": "faint", "accent": "quiet"}
_AREAS = frozenset({"accent", "fill", "ok", "warn", "fail", "info", "other", "quiet", "faint"})
"""Grounds that native colours show by reversing the text."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """One way to paint."""

    tokens: Tokens
    is_ascii: bool = False
    charts: Charts = "braille"
    is_grey: bool = False
    """One grey for everything: the picture behind a dialog, or the last one of a lost agent."""
    _styles: dict[tuple[Ink, Color | None], Style] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, theme: str, *, is_ascii: bool = False, charts: Charts = "braille") -> Look:
        return cls(tokens=palette(theme), is_ascii=is_ascii, charts="ascii" if is_ascii else charts)

    def grey(self) -> Look:
        """The same look in one grey."""
        return replace(self, is_grey=True, _styles={})

    def words(self, line: Line) -> Line:
        """A line as this terminal can show it, before it is measured."""
        return ascii_words(line) if self.is_ascii else line

    def style(self, ink: Ink, background: Color | None = None) -> Style:
        """The style of an ink; `background` is what lies under text that names no ground."""
        key = (ink, background)
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = self._resolve(ink, background)
        return style

    def strip(self, line: Line, width: int, background: Color | None = None) -> Strip:
        """A line painted in exactly `width` cells."""
        if line.width > width:
            line = line.cut(width)
        segments: list[Segment] = []
        held, text = self.style("ink", background), ""
        for piece, ink in (*line.spans, (" " * (width - line.width), "ink")):
            style = self.style(ink, background)
            if style is held or _looks_alike(piece, held, style):
                text += piece
                continue
            if text:
                segments.append(Segment(text, held))
            held, text = style, piece
        if text:
            segments.append(Segment(text, held))
        return Strip(segments, width)

    def _resolve(self, ink: Ink, background: Color | None) -> Style:
        words, _, ground = ink.partition(" on ")
        token, *attributes = words.split()
        if self.is_grey:
            attributes = [word for word in attributes if word == "underline"]
            token = _GREYS.get(token, "quiet")
            ground = _GREY_GROUNDS.get(ground, "")
        colour: RichColor | None = self.colour(token)
        reverse = False
        if self.tokens.is_native:
            if token == "bright":
                attributes.append("bold")
            if ground in ("raised", "line"):
                # The row is reversed as a whole: its hues would make it patchy.
                colour, ground, reverse = self.colour("ink"), "", True
            elif ground in _AREAS:
                colour, ground, reverse = self.colour(ground), "", True
        if ground:
            under: RichColor | None = self.colour(ground)
        else:
            under = background.rich_color if background is not None else None
        return Style(
            color=colour,
            bgcolor=under,
            bold="bold" in attributes or None,
            underline="underline" in attributes or None,
            italic="italic" in attributes or None,
            reverse=reverse or None,
        )

    def colour(self, token: str) -> RichColor:
        """The colour of a token."""
        value = self.tokens.colour(token)
        return RichColor.parse(value.removeprefix("ansi_"))


def _looks_alike(piece: str, held: Style, style: Style) -> bool:
    """Blanks have no ink: on the same ground they go with what stands before them, which saves
    the terminal, and a slow line, a change of colour at every gap."""
    return (
        not piece.strip(" ")
        and held.bgcolor == style.bgcolor
        and not held.underline
        and not style.underline
        and held.reverse == style.reverse
    )


class AsciiOnly(LineFilter):
    """Shows everything that is painted in ASCII, cell for cell, whoever painted it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(ascii_cells(text), style, control) for text, style, control in segments]


class Greying:
    """Turns cells that are already painted into one grey, whoever painted them."""

    def __init__(self, look: Look) -> None:
        self._inks = {look.colour(token): look.colour(grey) for token, grey in _GREYS.items()}
        self._grounds = {
            look.colour(token): look.colour(grey) for token, grey in _GREY_GROUNDS.items()
        }
        self._quiet = look.colour("quiet")
        self._ground = look.colour("ground")
        self._styles: dict[Style, Style] = {}

    def style(self, style: Style | None) -> Style | None:
        """The grey twin of a style."""
        if style is None:
            return None
        grey = self._styles.get(style)
        if grey is None:
            ground = self._ground if style.bgcolor is None else style.bgcolor
            ink = self._quiet if style.color is None else style.color
            grey = Style(
                color=self._inks.get(ink, self._quiet),
                bgcolor=self._grounds.get(ground, self._ground),
                underline=style.underline,
            )
            self._styles[style] = grey
        return grey
