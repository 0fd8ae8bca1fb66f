"""Paints the rows of a table that are seen; the widget (`table.py`) decides which those are.

One `TablePaint` belongs to one table. It knows widths and lines, not keys or messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic

from console.tui.ink import EMPTY, Ink, Line, Part, words
from console.tui.look import Look
from console.tui.signs import BASELINE, CURSOR, CURSOR_AWAY, MARK
from console.tui.widgets.table_layout import (
    MARGIN,
    Column,
    Layout,
    Placed,
    Row,
    head_width,
    lay_out,
)
from console.tui.widgets.table_view import TableView

Second = Callable[[Row], Iterable[tuple[str, Part]]]
"""The second line of a row: pieces that begin where a column begins; key "" is the right end."""
Piece = tuple[int, int, Line]
"""Where it begins, how wide its place is, what stands there."""

_SAMPLE = 60
_MARK_ROOM = 3


@dataclass(frozen=True, kw_only=True)  # slots would forbid TableForm[Row](…)
class TableForm(Generic[Row]):
    """What never changes about a table."""

    key: Callable[[Row], str]
    second: Second[Row] | None = None
    section: Callable[[Row], str] | None = None
    has_head: bool = True
    has_cursor: bool = True
    holds_cursor: bool = False
    has_marks: bool = False
    has_rail: bool = False
    is_airy: bool = False
    cursor_ground: str = "raised"

    @property
    def row_lines(self) -> int:
        return 2 if self.second else 1

    @property
    def head_lines(self) -> int:
        return 1 if self.has_head else 0


class TablePaint(Generic[Row]):
    """The picture of one table."""

    def __init__(
        self,
        form: TableForm[Row],
        columns: Sequence[Column[Row]],
        view: TableView[Row],
        relay: Callable[[], object],
    ) -> None:
        """`relay` is called when a number needs a wider column than it was given."""
        self.form = form
        self.view = view
        self.columns = list(columns)
        self.hidden_keys: frozenset[str] = frozenset()
        self.offset = 0
        """Movable columns left out at the left."""
        self.top = 0
        """Place of the first row that is seen."""
        self.baseline = ""
        self.message: tuple[Part, ...] = ()
        self.is_loading = False
        self.has_focus = False
        self.layout: Layout[Row] | None = None
        self.places: list[tuple[str, int]] = []
        """What each line under the head shows: kind and place of its row."""
        self._relay = relay
        self._natural: dict[str, int] = {}
        self._laid_out_for: tuple[int, int] = (0, 0)
        self._counted_for: list[Row] | None = None
        self._section_count = 0
        self._look: Look | None = None

    def forget(self) -> None:
        """Other columns: measure them anew."""
        self._natural.clear()
        self.layout = None

    # ----------------------------------------------------------------------- geometry

    def _line_places(self, height: int) -> list[tuple[str, int]]:
        """What each line under the head shows, from the row `top` on: kind and place of its row."""
        shown = self.view.shown
        gap = self._gap(height)
        lines: list[tuple[str, int]] = []
        place = self.top
        while place < len(shown) and len(lines) < height:
            if self._begins_section(place):
                lines.append(("section", place))
            lines.append(("row", place))
            if self.form.second:
                lines.append(("second", place))
            lines.extend([("gap", place)] * gap)
            place += 1
        return lines[:height]

    def _begins_section(self, place: int) -> bool:
        if self.form.section is None:
            return False
        name = self.form.section(self.view.shown[place])
        return bool(name) and (
            place == self.top or place == 0 or self.form.section(self.view.shown[place - 1]) != name
        )

    def _sections(self) -> int:
        """Group names among all rows; counted once for each arrangement."""
        if self.form.section is None:
            return 0
        shown = self.view.shown
        if self._counted_for is not shown:
            names = [self.form.section(row) for row in shown]
            self._section_count = sum(n != m for n, m in zip(names, ["", *names], strict=False))
            self._counted_for = shown
        return self._section_count

    def _gap(self, height: int) -> int:
        if not self.form.is_airy:
            return 0
        count = len(self.view.shown)
        return 1 if count * (self.form.row_lines + 1) - 1 <= height else 0

    def fitting(self, height: int) -> int:
        """Rows that fit under the head."""
        body = max(1, height - self.form.head_lines)
        gap = self._gap(body)  # between rows, so the last row needs none
        return max(1, (body + gap) // (self.form.row_lines + gap))

    def wanted_height(self) -> int:
        """Lines that head and all rows take."""
        if self.message:
            return self.form.head_lines + len(self.message)
        count = max(1, len(self.view.shown)) * self.form.row_lines
        if self.form.is_airy:
            count += max(0, len(self.view.shown) - 1)
        return self.form.head_lines + count + self._sections()

    def keep_in_sight(self, height: int) -> None:
        """Scroll so that the cursor is seen and the last page is full."""
        count = len(self.view.shown)
        room = self.fitting(height)
        self.top = min(max(self.top, self.view.cursor - room + 1), self.view.cursor)
        self.top = max(0, min(self.top, count - room))
        if self.form.section is None:
            return
        # Headings take lines too: only those between the first row seen and the cursor count.
        body = max(1, height - self.form.head_lines)
        while self.top < self.view.cursor and self._lines_to_cursor() > body:
            self.top += 1

    def _lines_to_cursor(self) -> int:
        places = range(self.top, self.view.cursor + 1)
        return sum(self.form.row_lines + self._begins_section(place) for place in places)

    # ----------------------------------------------------------------------- lines

    @property
    def _has_mark_column(self) -> bool:
        """Marks have cells of their own unless they replace a bullet."""
        return self.form.has_marks and not any(column.is_bullet for column in self.columns)

    def _lay_out(self, width: int) -> Layout[Row]:
        if self.layout is None or self._laid_out_for != (width, self.offset):
            columns = [c for c in self.columns if c.key not in self.hidden_keys]
            start = MARGIN + (_MARK_ROOM if self._has_mark_column else 0)
            self.layout = lay_out(columns, self._measure, width, start=start, offset=self.offset)
            self._laid_out_for = (width, self.offset)
        return self.layout

    def _measure(self, column: Column[Row]) -> int:
        """The natural width: its head and its cells in a sample of rows. It never gets smaller,
        so that a live table does not sway."""
        shown = self.view.shown
        step = max(1, len(shown) // _SAMPLE)
        near = shown[self.top : self.top + _SAMPLE // 2]
        widest = max(head_width(column), self._natural.get(column.key, 0), column.least)
        if column.cell is not None:
            for row in (*near, *shown[::step][:_SAMPLE]):
                widest = max(widest, self._worded(column.cell(row)).width)
        self._natural[column.key] = widest
        return widest

    def lines(self, width: int, height: int, look: Look) -> Sequence[Line]:
        """The head and what is seen of the rows, or what is said in their place."""
        if look is not self._look:
            self._look = look
            self.forget()
        layout = self._lay_out(width)
        lines = [self._head(layout, width)] if self.form.has_head else []
        body = height - len(lines)
        if self.message:
            return [*lines, *(Line("  ") + self._worded(part) for part in self.message)]
        if self.is_loading:
            dots = [(placed, "·") for placed in layout.placed]
            blank = _assembled([(p.x, p.width, Line((dot, "line"))) for p, dot in dots], width)
            return [*lines, *[blank] * min(3, body)]
        self.places = self._line_places(body)
        is_seen = self.has_focus or self.form.holds_cursor
        is_raised = self.form.has_cursor and is_seen and bool(self.view.shown)
        for kind, place in self.places:
            line = self._body_line(kind, place, layout, width)
            if is_raised and place == self.view.cursor and kind in ("row", "second"):
                bar = (CURSOR, "accent") if self.has_focus else (CURSOR_AWAY, "faint")
                rest = Line.drawn(_without_first(line.pad(width)))
                line = (Line.drawn((bar,)) + rest).on(self.form.cursor_ground)
            lines.append(line)
        self._show_more(lines, width)
        return lines

    def _show_more(self, lines: list[Line], width: int) -> None:
        """Arrows in the free last column where rows go on above or below."""
        if not self.places:
            return
        first = self.form.head_lines
        if self.top > 0:
            lines[first] = _with_last(lines[first], "▴", width)
        if self.places[-1][1] + 1 < len(self.view.shown):
            lines[-1] = _with_last(lines[-1], "▾", width)

    def _head(self, layout: Layout[Row], width: int) -> Line:
        pieces = []
        order = {level.key: level.is_descending for level in self.view.sort[:1]}
        for placed in layout.placed:
            column = placed.column
            if column.draw_head is not None:
                pieces.append((placed.x, placed.width, column.draw_head(placed.width)))
                continue
            head = self._worded(column.head, "quiet")
            if column.key in order:
                head = head + Line(("▾" if order[column.key] else "▴", "accent"))
            pieces.append((placed.x, placed.width, head.pad(placed.width, column.align)))
        return _assembled(pieces, width)

    def _body_line(self, kind: str, place: int, layout: Layout[Row], width: int) -> Line:
        row = self.view.shown[place]
        if kind == "section":
            name = self.form.section(row) if self.form.section else ""
            return Line(" ", (name, "quiet"))
        if kind == "row":
            return self._row_line(row, place, layout, width)
        pieces: list[Piece] = []
        is_last = place + 1 >= len(self.view.shown)
        if self.form.has_rail and not (is_last and kind == "gap"):
            bullet = next((p for p in layout.placed if p.column.is_bullet), None)
            if bullet is not None and not is_last:
                pieces.append((bullet.x, 1, Line(("│", "faint"))))
        if kind == "second" and self.form.second is not None:
            pieces.extend(self._second_pieces(list(self.form.second(row)), layout, width))
        else:
            going_on = [p for p in layout.placed if p.column.draw_gap is not None]
            pieces.extend((p.x, p.width, _gap_of(p)) for p in going_on)
        return _assembled(sorted(pieces, key=lambda piece: piece[0]), width)

    def _second_pieces(
        self, parts: Sequence[tuple[str, Part]], layout: Layout[Row], width: int
    ) -> list[Piece]:
        """The pieces of a second line; each reaches to the next, the one at the right is whole."""
        lines = [(key, self._worded(part, "quiet")) for key, part in parts]
        right = next((line for key, line in lines if not key), EMPTY)
        edge = width - 1 - right.width
        starts = [(x, line) for key, line in lines if key and (x := layout.x_of(key)) is not None]
        ends = [x - 1 for x, _ in starts[1:]] + [edge - (2 if right else 0)]
        pieces = [
            (x, max(0, end - x), line.cut(max(0, end - x)))
            for (x, line), end in zip(starts, ends, strict=True)
        ]
        return [*pieces, (edge, right.width, right)]

    def _worded(self, part: Part, ink: Ink = "ink") -> Line:
        line = words(part, ink)
        return self._look.words(line) if self._look is not None else line

    def _row_line(self, row: Row, place: int, layout: Layout[Row], width: int) -> Line:
        key = self.form.key(row)
        is_seen = self.has_focus or self.form.holds_cursor
        is_cursor = self.form.has_cursor and is_seen and place == self.view.cursor
        is_marked = key in self.view.marked
        pieces: list[Piece] = []
        if self._has_mark_column:
            mark = MARK if is_marked else " "
            star = BASELINE if key == self.baseline and key else " "
            pieces.append((MARGIN, 2, Line.drawn(((mark + star, "accent"),))))
        for placed in layout.placed:
            line = self._cell(row, placed)
            if placed.column.is_bullet and is_marked:
                line = Line.drawn(((MARK, "accent"),)).pad(placed.width)
            if placed.column.is_name and is_cursor:
                line = line.bold()
            pieces.append((placed.x, placed.width, line))
        return _assembled(pieces, width)

    def _cell(self, row: Row, placed: Placed[Row]) -> Line:
        column = placed.column
        if column.draw is not None:
            return column.draw(row, placed.width).pad(placed.width)
        line = self._worded(column.cell(row) if column.cell else "", column.ink)
        if line.width > placed.width and column.align == "right" and not column.least:
            # A cut number would be another number. There is room for it from the next time on.
            self._natural[column.key] = line.width
            self._relay()
            return Line.drawn((("#" * placed.width, column.ink),))
        return line.pad(placed.width, column.align)


def _assembled(pieces: Sequence[Piece], width: int) -> Line:
    """Pieces at their places; each has its width, none overlaps the next."""
    spans: list[tuple[str, str]] = []
    x = 0
    for start, size, line in pieces:
        if start > x:
            spans.append((" " * (start - x), "ink"))
        spans.extend(line.spans)
        x = max(x, start) + line.width
        if line.width < size:
            spans.append((" " * (size - line.width), "ink"))
            x += size - line.width
    if x < width:
        spans.append((" " * (width - x), "ink"))
    return Line.drawn(spans) if spans else EMPTY


def _with_last(line: Line, sign: str, width: int) -> Line:
    """A line with a sign in its last cell, on the ground that is there."""
    ground = line.spans[-1][1].partition(" on ")[2] if line.spans else ""
    ink = f"quiet on {ground}" if ground else "quiet"
    return line.pad(width).cut(width - 1, "") + Line.drawn(((sign, ink),))


def _without_first(line: Line) -> list[tuple[str, str]]:
    (text, ink), *rest = line.spans
    return [(text[1:], ink), *rest] if len(text) > 1 else rest


def _gap_of(placed: Placed[Row]) -> Line:
    draw = placed.column.draw_gap
    return draw(placed.width) if draw is not None else EMPTY
