"""Columns of a table and where they stand: a column is cut before a name is, a number never.

Pure: from the columns, their natural widths and the room there is to places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from console.text import Align, cells
from console.tui.ink import Ink, Line, Part

Row = TypeVar("Row")

_LONG_NAME = 24
MARGIN = 2
"""Cells before the first column: the cursor bar and a blank."""


@dataclass(frozen=True, kw_only=True)  # slots would forbid Column[Row](…)
class Column(Generic[Row]):
    """One column: what it says of a row, and how it may be laid out."""

    key: str
    head: str = ""
    """Lower case, with unit and direction: `p99 ms`, `AUC ↑`."""
    cell: Callable[[Row], Part] | None = None
    """What the row says here; text without an ink of its own is in `ink`."""
    draw: Callable[[Row, int], Line] | None = None
    """Instead of `cell`: draws in the width that the column got."""
    draw_gap: Callable[[int], Line] | None = None
    """What goes on through the blank lines between rows."""
    draw_head: Callable[[int], Line] | None = None
    align: Align = "left"
    """Names left, numbers right; the head as its column."""
    ink: Ink = "ink"
    width: int = 0
    """0 is as wide as what is in it."""
    least: int = 0
    """A text column may be cut to this; 0 is never. Numbers are never cut."""
    grow: int = 0
    """Its part of the room that is left over."""
    rank: int = 50
    """The highest is left out first; 0 never."""
    is_name: bool = False
    """Bold where the cursor is."""
    is_bullet: bool = False
    """A sign per row that the mark replaces."""
    is_extra: bool = False
    """Put away until the reader takes it."""
    is_pinned: bool = False
    """Stays when the other columns are moved."""
    gap: int | None = None
    """Cells before this column; None is as the table has it."""
    sort: Callable[[Row], Any] | None = None
    """What to sort by; None is not sortable. Rows where it gives None come last."""
    first_descending: bool = False
    """Sorting begins with the greatest: verdicts, times."""
    meaning: str = ""
    """One sentence for the help."""


@dataclass(frozen=True)  # slots would forbid Placed[Row](…)
class Placed(Generic[Row]):
    """A column and its place."""

    column: Column[Row]
    x: int
    width: int


@dataclass(frozen=True)  # slots would forbid Layout[Row](…)
class Layout(Generic[Row]):
    """What is shown, and what had no room."""

    placed: tuple[Placed[Row], ...]
    hidden: tuple[Column[Row], ...]

    def at(self, x: int) -> Column[Row] | None:
        """The column under a cell."""
        return next((p.column for p in self.placed if p.x <= x < p.x + p.width), None)

    def x_of(self, key: str) -> int | None:
        """Where a column begins."""
        return next((p.x for p in self.placed if p.column.key == key), None)


def lay_out(
    columns: Sequence[Column[Row]],
    natural: Callable[[Column[Row]], int],
    width: int,
    *,
    start: int = MARGIN,
    offset: int = 0,
) -> Layout[Row]:
    """Places for as many columns as fit between `start` and the last cell but one.

    `offset` leaves out that many of the columns that are not pinned. Two cells lie between
    columns; one, before anything is cut or left out.
    """
    room = width - start - 1
    passed = 0
    shown: list[Column[Row]] = []
    hidden: list[Column[Row]] = []
    for column in columns:
        is_passed = not column.is_pinned and passed < offset
        passed += is_passed
        (hidden if is_passed else shown).append(column)
    # A table of hundreds of columns measures only those that could be seen.
    while len(shown) > room:
        hidden.append(shown.pop())
    widths = {column.key: column.width or natural(column) for column in shown}
    gap = 2
    if _total(shown, widths, gap) > room:
        gap = 1
    while len(shown) > 1 and _least_total(shown, widths, gap) > room:
        victims = [column for column in shown if column.rank > 0 and not column.is_pinned]
        if not victims:
            break
        victim = max(reversed(victims), key=lambda column: column.rank)
        shown.remove(victim)
        hidden.append(victim)
    if gap == 1 and _total(shown, widths, 2) <= room:
        gap = 2
    _shrink(shown, widths, _total(shown, widths, gap) - room)
    _grow(shown, widths, room - _total(shown, widths, gap))
    placed = []
    x = start
    for index, column in enumerate(shown):
        x += _gap(column, gap) if index else 0
        size = min(widths[column.key], width - 1 - x)
        if size > 0:
            placed.append(Placed(column, x, size))
        x += widths[column.key]
    return Layout(tuple(placed), tuple(hidden))


def head_width(column: Column[Any]) -> int:
    """Room for the head and the sort arrow."""
    return cells(column.head) + (1 if column.sort and column.head else 0)


def _gap(column: Column[Any], gap: int) -> int:
    return gap if column.gap is None else column.gap


def _total(columns: Sequence[Column[Any]], widths: dict[str, int], gap: int) -> int:
    return sum(widths[c.key] + (_gap(c, gap) if i else 0) for i, c in enumerate(columns))


def _least_total(columns: Sequence[Column[Any]], widths: dict[str, int], gap: int) -> int:
    """Room that the columns take when each is as narrow as it may be while others can go."""
    return _total(columns, {c.key: _least(c, widths[c.key]) for c in columns}, gap)


def _least(column: Column[Any], width: int) -> int:
    if not column.least:
        return width
    # A name is whole, unless it is very long, as long as a column can be left out for it.
    return min(width, max(column.least, _LONG_NAME if column.is_name else 0))


def _shrink(columns: Sequence[Column[Any]], widths: dict[str, int], excess: int) -> None:
    """Take cells from the columns that may be cut, the widest first."""
    while excess > 0:
        soft = [c for c in columns if c.least and widths[c.key] > c.least]
        if not soft:
            return
        widths[max(soft, key=lambda c: widths[c.key]).key] -= 1
        excess -= 1


def _grow(columns: Sequence[Column[Any]], widths: dict[str, int], spare: int) -> None:
    growing = [column for column in columns if column.grow]
    shares = sum(column.grow for column in growing)
    for column in growing:
        part = spare * column.grow // shares
        widths[column.key] += part
        spare -= part
        shares -= column.grow
