"""Text with ink: what is written and in which token, never in which colour.

Everything the console draws is made of `Line`s. An ink is a short phrase, `"fail bold"` or
`"accent on band"`: a token of the theme, then `bold`, `underline` or `italic`, then the ground it
stands on. Which colour that is, is decided where a line is painted (`look.py`).

Invariant: the text of a line is clean (see `console.text.clean`) and its width is known, so a
line built from foreign text is safe, and none of it is ever read as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from console.text import Align, cells, clean, split_at

Ink: TypeAlias = str
Span: TypeAlias = tuple[str, Ink]
Part: TypeAlias = "str | Span | Line"

_WORDS = re.compile(r"(?:\d+(?: \d{3})+(?!\d)|\S)+\s*|\s+")


class Line:
    """One line of inked text; immutable."""

    __slots__ = ("spans", "width")

    spans: tuple[Span, ...]
    width: int
    """In terminal cells."""

    def __init__(self, *parts: Part) -> None:
        """Text alone is in `ink`; a pair is text and ink; a line is taken over as it is."""
        spans: list[Span] = []
        for part in parts:
            if isinstance(part, Line):
                spans.extend(part.spans)
            elif isinstance(part, str):
                spans.append((clean(part), "ink"))
            else:
                spans.append((clean(part[0]), part[1]))
        self.spans = tuple(spans)
        self.width = sum([cells(text) for text, _ in spans])

    @classmethod
    def drawn(cls, spans: Iterable[Span]) -> Line:
        """A line from spans that this program drew itself: known to be clean."""
        line = cls.__new__(cls)
        line.spans = tuple(spans)
        line.width = sum([cells(text) for text, _ in line.spans])
        return line

    @property
    def plain(self) -> str:
        return "".join([text for text, _ in self.spans])

    def __add__(self, other: Part) -> Line:
        return Line.drawn((*self.spans, *_line(other).spans))

    def __bool__(self) -> bool:
        return self.width > 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self.spans == other.spans

    def __hash__(self) -> int:
        return hash(self.spans)

    def __repr__(self) -> str:
        return f"Line{self.spans!r}"

    def __iter__(self) -> Iterator[Span]:
        return iter(self.spans)

    def cut(self, width: int, ellipsis: str = "…") -> Line:
        """At most `width` cells; a cut line ends in the ellipsis, in the ink of what it cut."""
        if self.width <= width:
            return self
        kept: list[Span] = []
        room = width - len(ellipsis)
        if room < 0:
            return EMPTY
        for text, ink in self.spans:
            size = cells(text)
            if size > room:
                kept.append((split_at(text, room)[0] + ellipsis, ink))
                break
            kept.append((text, ink))
            room -= size
        return Line.drawn(kept)

    def pad(self, width: int, align: Align = "left") -> Line:
        """Exactly `width` cells, cut or filled with spaces."""
        line = self.cut(width)
        space = width - line.width
        if space <= 0:
            return line
        before = {"left": 0, "right": space, "center": space // 2}[align]
        spans = list(line.spans)
        if before:
            spans.insert(0, (" " * before, "ink"))
        if space - before:
            spans.append((" " * (space - before), "ink"))
        return Line.drawn(spans)

    def on(self, ground: str) -> Line:
        """The same text on another ground, except where a span brings its own."""
        return Line.drawn(
            (text, ink if " on " in ink else f"{ink} on {ground}") for text, ink in self.spans
        )

    def inked(self, ink: Ink) -> Line:
        """The same text, all in one ink."""
        return Line.drawn(((self.plain, ink),))

    def bold(self) -> Line:
        """The same text with `ink` and `bright` words bold and bright."""
        return Line.drawn(
            (text, re.sub(r"^(ink|bright)\b(?! bold)", "bright bold", ink))
            for text, ink in self.spans
        )

    def wrap(self, width: int, indent: int = 0) -> list[Line]:
        """Lines of at most `width` cells, broken between words; `136 000` is one word.

        The second and later lines begin with `indent` spaces.
        """
        if width <= indent:
            return []
        lines: list[Line] = []
        row: list[Span] = []
        used, start = 0, 0
        for word in _words(self.spans):
            size = sum([cells(text) for text, _ in word])
            blank = cells(word[-1][0]) - cells(word[-1][0].rstrip())
            if used > start and used + size - blank > width:
                lines.append(_stripped(row))
                row, used, start = _indented(indent)
                if blank == size:
                    continue
            row.extend(word)
            used += size
            while used - blank > width:
                head, tail = _divided(row, width)
                lines.append(Line.drawn(head))
                row, used, start = _indented(indent)
                row.extend(tail)
                used += sum([cells(text) for text, _ in tail])
        if used > start or not lines:
            lines.append(_stripped(row))
        return lines


EMPTY = Line()


def _line(part: Part) -> Line:
    return part if isinstance(part, Line) else Line(part)


def _words(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Words with the blanks after them; a word may change its ink halfway."""
    word: list[Span] = []
    for text, ink in spans:
        for piece in _WORDS.findall(text):
            if word and word[-1][0][-1:].isspace():
                yield word
                word = []
            word.append((piece, ink))
    if word:
        yield word


def _divided(spans: list[Span], width: int) -> tuple[list[Span], list[Span]]:
    """Spans cut at a width; at least one character goes to the first part."""
    head: list[Span] = []
    room = width
    for index, (text, ink) in enumerate(spans):
        first, rest = split_at(text, room)
        if not first and not head:
            first, rest = text[:1], text[1:]
        if first:
            head.append((first, ink))
        if rest:
            return head, [(rest, ink), *spans[index + 1 :]]
        room -= cells(first)
    return head, []


def _indented(indent: int) -> tuple[list[Span], int, int]:
    return ([(" " * indent, "ink")] if indent else []), indent, indent


def _stripped(spans: list[Span]) -> Line:
    if spans:
        text, ink = spans[-1]
        spans = [*spans[:-1], (text.rstrip(), ink)]
    return Line.drawn(spans)


def join(lines: Iterable[Part], between: Part = " ") -> Line:
    """Lines one after the other with something between them."""
    spans: list[Span] = []
    for index, line in enumerate(lines):
        if index:
            spans.extend(_line(between).spans)
        spans.extend(_line(line).spans)
    return Line.drawn(spans)


def both(left: Part, right: Part, width: int, gap: int = 2) -> Line:
    """`left` at the left, `right` at the right end; the left one is cut when they would meet."""
    right = _line(right).cut(width)
    room = width - right.width - (gap if right else 0)
    line = _line(left).cut(max(0, room))
    return line + " " * (width - line.width - right.width) + right


def words(part: Part, ink: Ink = "ink") -> Line:
    """`part` as a line; text without an ink of its own gets `ink`."""
    return Line((part, ink)) if isinstance(part, str) else _line(part)
