"""Sentences, and rows of a left and a right part: the words beside the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.text import Align
from console.tui.ink import EMPTY, Line, Part, both, words
from console.tui.look import Look
from console.tui.widgets.painted import Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Paragraphs, wrapped between words."""

    paragraphs: Sequence[Part]
    indent: int = 0
    """Of the second and later lines of each paragraph."""
    most_width: int = 0
    """Width at which reading stays easy; 0 is as wide as the pane."""


def draw_text(text: Text, width: int) -> list[Line]:
    """The paragraphs in lines of at most `width` cells."""
    room = min(width, text.most_width) if text.most_width else width
    lines: list[Line] = []
    for paragraph in text.paragraphs:
        line = words(paragraph)
        lines.extend(line.wrap(room, text.indent) if line else [EMPTY])
    return lines


class Prose(Drawing[Text]):
    """Sentences beside the figures that decide."""

    DEFAULT_CSS = """
    Prose { padding: 0 1 0 2; }
    """

    def draw(self, data: Text, width: int, height: int, look: Look) -> Sequence[Line]:
        shown = [look.words(words(paragraph)) for paragraph in data.paragraphs]
        text = Text(paragraphs=shown, indent=data.indent, most_width=data.most_width)
        return draw_text(text, width)

    def measure(self, data: Text, width: int) -> int:
        return len(draw_text(data, max(1, width)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line: what it is at the left, what it says at the right."""

    label: Part
    value: Part = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Lines of label and value."""

    facts: Sequence[Fact]
    value_align: Align = "right"
    """`left` puts the values in a column after the longest label."""
    label_width: int = 0


def draw_facts(facts: Facts, width: int) -> list[Line]:
    """One line each; a value that does not fit takes room from its label, never is cut first."""
    labels = [words(fact.label, "quiet") for fact in facts.facts]
    column = max([facts.label_width, *(label.width for label in labels)]) + 2
    lines = []
    for label, fact in zip(labels, facts.facts, strict=True):
        value = words(fact.value)
        if facts.value_align == "left":
            lines.append((label.pad(column) + value).cut(width))
        else:
            lines.append(both(label, value, width))
    return lines


class FactLines(Drawing[Facts]):
    """Key and value lines."""

    DEFAULT_CSS = """
    FactLines { padding: 0 1 0 2; }
    """

    def draw(self, data: Facts, width: int, height: int, look: Look) -> Sequence[Line]:
        shown = tuple(
            Fact(label=look.words(words(fact.label, "quiet")), value=look.words(words(fact.value)))
            for fact in data.facts
        )
        return draw_facts(
            Facts(facts=shown, value_align=data.value_align, label_width=data.label_width), width
        )

    def measure(self, data: Facts, width: int) -> int:
        return len(data.facts)


class Lines(Drawing[tuple[Part, ...]]):
    """Lines as they are given, cut at the edge."""

    DEFAULT_CSS = """
    Lines { padding: 0 1; }
    """

    def draw(self, data: tuple[Part, ...], width: int, height: int, look: Look) -> Sequence[Line]:
        return [look.words(words(line)).cut(width) for line in data]

    def measure(self, data: tuple[Part, ...], width: int) -> int:
        return len(data)
