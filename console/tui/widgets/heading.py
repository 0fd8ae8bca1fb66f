"""The ruled heading of a pane: a name, facts, a rule to the edge, a word at its right end.

The focused pane's name and rule are in accent and the rule is thick: without colour `=` for `-`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.tui.ink import EMPTY, Line, Part, words
from console.tui.look import Look
from console.tui.widgets.painted import Drawing

_LEAST_RULE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadingText:
    """The words of a heading."""

    name: str
    facts: Part = ""
    """After the name, in quiet unless it brings its own ink."""
    right: Part = ""
    """A unit, a limit or a verdict at the right end."""
    is_focused: bool = False
    has_rule: bool = True


def draw_heading(heading: HeadingText, width: int) -> Line:
    """The heading in exactly `width` cells; facts are cut first, then the right end goes."""
    name = Line((heading.name, "accent bold" if heading.is_focused else "bright bold")).cut(width)
    right = words(heading.right, "quiet")
    facts = words(heading.facts, "quiet")
    room = width - name.width - (right.width + 2 + _LEAST_RULE if right else 0)
    if room < 0:
        right, room = EMPTY, width - name.width
    if facts:
        facts = (Line((" ", "ink")) + facts).cut(max(0, room - 1))
    line = name + facts
    rule = width - line.width - (right.width + 1 if right else 0) - 1
    if rule > 0:
        char, ink = ("━", "accent") if heading.is_focused else ("─", "line")
        char = char if heading.has_rule else " "
        line = line + Line.drawn(((" ", "ink"), (char * rule, ink)))
    if right:
        line = line + " " * (width - line.width - right.width) + right
    return line.pad(width)


class Heading(Drawing[HeadingText]):
    """A ruled heading."""

    DEFAULT_CSS = """
    Heading { height: 1; padding: 0 1; }
    """

    def draw(self, data: HeadingText, width: int, height: int, look: Look) -> Sequence[Line]:
        shown = HeadingText(
            name=data.name,
            facts=look.words(words(data.facts, "quiet")),
            right=look.words(words(data.right, "quiet")),
            is_focused=data.is_focused,
            has_rule=data.has_rule,
        )
        return [draw_heading(shown, width)]
