"""Cells and dots to draw on.

A `Grid` is a rectangle of character cells with ink and ground; a `Canvas` is the same rectangle in
dots: braille has 2 x 4 of them in a cell, blocks 1 x 2, ASCII one. Both know tokens only.
"""

from __future__ import annotations

from typing import Final

from console.text import cells, split_at
from console.tui.ink import Ink, Line, Span
from console.tui.terminal import Charts

_BRAILLE_BITS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLOCKS: Final = " ▀▄█"
DOTS: Final[dict[Charts, tuple[int, int]]] = {"braille": (2, 4), "block": (1, 2), "ascii": (1, 1)}
"""Dots across and down one cell."""


class Grid:
    """A rectangle of cells; what is written outside of it is not drawn."""

    def __init__(self, width: int, height: int) -> None:
        self.width = max(0, width)
        self.height = max(0, height)
        self._chars = [[" "] * self.width for _ in range(self.height)]
        self._inks: list[list[Ink]] = [["ink"] * self.width for _ in range(self.height)]
        self._grounds: list[list[str]] = [[""] * self.width for _ in range(self.height)]

    def contains(self, x: int, y: int) -> bool:
        return 0 <= x < self.width and 0 <= y < self.height

    def char(self, x: int, y: int) -> str:
        return self._chars[y][x]

    def put(self, x: int, y: int, char: str, ink: Ink) -> None:
        """One cell; the ground that is there stays unless the ink brings one."""
        if 0 <= x < self.width and 0 <= y < self.height:
            ink, _, ground = ink.partition(" on ")
            self._chars[y][x] = char
            self._inks[y][x] = ink
            if ground:
                self._grounds[y][x] = ground

    def ground(self, x: int, y: int, token: str) -> None:
        """What the cell stands on."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._grounds[y][x] = token

    def write(self, x: int, y: int, text: str, ink: Ink) -> None:
        """Text from `x` on, cut at the edges."""
        if not 0 <= y < self.height or x >= self.width:
            return
        if x < 0:
            text, x = split_at(text, -x)[1], 0
        text = split_at(text, self.width - x)[0]
        for char in text:
            size = cells(char)
            if size == 0:
                if x:
                    self._chars[y][x - 1] += char
                continue
            self.put(x, y, char, ink)
            if size == 2:
                self.put(x + 1, y, "", ink)
            x += size

    def lines(self) -> list[Line]:
        """The rows as lines, neighbours of one ink in one span."""
        return [self._line(y) for y in range(self.height)]

    def _line(self, y: int) -> Line:
        spans: list[Span] = []
        text: list[str] = []
        last = ("ink", "")
        inks, grounds = self._inks[y], self._grounds[y]
        for x, char in enumerate(self._chars[y]):
            if char == " ":
                # A blank has no ink: it joins its neighbour unless the ground changes.
                here = (last[0] if grounds[x] == last[1] else "ink", grounds[x])
            else:
                here = (inks[x], grounds[x])
            if here != last and text:
                spans.append(("".join(text), _inked(*last)))
                text = []
            last = here
            text.append(char)
        if text:
            spans.append(("".join(text), _inked(*last)))
        return Line.drawn(spans)


def _inked(ink: Ink, ground: str) -> Ink:
    return f"{ink} on {ground}" if ground else ink


class Canvas:
    """A rectangle of dots over `width` x `height` cells. The last dot gives a cell its ink."""

    def __init__(self, width: int, height: int, charts: Charts = "braille") -> None:
        self.charts: Charts = charts
        self.dots_across, self.dots_down = DOTS[charts]
        self.width = max(0, width)
        self.height = max(0, height)
        self.dot_width = self.width * self.dots_across
        self.dot_height = self.height * self.dots_down
        self._bits = [[0] * self.width for _ in range(self.height)]
        self._inks: list[list[Ink]] = [["ink"] * self.width for _ in range(self.height)]
        self._marks = [["*"] * self.width for _ in range(self.height)]

    def dot(self, x: int, y: int, ink: Ink, mark: str = "*") -> None:
        """One dot; `mark` stands for it where only ASCII can be shown."""
        if not (0 <= x < self.dot_width and 0 <= y < self.dot_height):
            return
        column, row = x // self.dots_across, y // self.dots_down
        is_braille = self.dots_down == 4
        self._bits[row][column] |= _BRAILLE_BITS[y % 4][x % 2] if is_braille else 1 << y % 2
        self._inks[row][column] = ink
        self._marks[row][column] = mark

    def column(self, x: int, top: int, bottom: int, ink: Ink, mark: str = "*") -> None:
        """The dots of one column from `top` to `bottom`, both included, in any order."""
        if bottom < top:
            top, bottom = bottom, top
        for y in range(max(0, top), min(self.dot_height - 1, bottom) + 1):
            self.dot(x, y, ink, mark)

    def has(self, column: int, row: int) -> bool:
        """Whether a cell has any dot."""
        return 0 <= column < self.width and 0 <= row < self.height and bool(self._bits[row][column])

    def paint(self, grid: Grid, x: int = 0, y: int = 0) -> None:
        """Write the cells that have dots onto a grid."""
        for row, bits in enumerate(self._bits):
            for column, bit in enumerate(bits):
                if bit:
                    grid.put(
                        x + column, y + row, self._char(bit, row, column), self._inks[row][column]
                    )

    def _char(self, bit: int, row: int, column: int) -> str:
        if self.charts == "braille":
            return chr(0x2800 + bit)
        if self.charts == "block":
            return _BLOCKS[bit]
        return self._marks[row][column]
