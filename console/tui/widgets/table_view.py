"""Which rows of a table are seen, in which order, and which one the cursor is on.

Pure bookkeeping between rows and screen. The cursor and the marks hold on to a row's key, not to
its place, so that a refresh, a sort or a filter leaves them on the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from console.tui.widgets.table_layout import Column, Row

SORT_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Sort:
    """One level of an order."""

    key: str
    is_descending: bool = False


class TableView(Generic[Row]):
    """Rows, filtered and sorted."""

    def __init__(self, key: Callable[[Row], str]) -> None:
        self._key = key
        self.rows: Sequence[Row] = ()
        self.shown: list[Row] = []
        self.marked: frozenset[str] = frozenset()
        self.sort: tuple[Sort, ...] = ()
        self.group: Callable[[Row], str] | None = None
        """The name of a row's group; groups stand in the order of their first rows."""
        self.filter: Callable[[Row], bool] | None = None
        self.cursor = 0
        """Place of the cursor among the shown rows; 0 when there is none."""

    def arrange(self, columns: Sequence[Column[Row]]) -> None:
        """Filter and sort anew; the cursor stays on its row, else near its place."""
        held = self.cursor_key
        wanted = self.filter
        shown = list(self.rows) if wanted is None else [row for row in self.rows if wanted(row)]
        by_key = {column.key: column for column in columns}
        for level in reversed(self.sort):
            column = by_key.get(level.key)
            if column is not None and column.sort is not None:
                shown = _sorted(shown, column.sort, level.is_descending)
        if self.group is not None:
            groups: dict[str, list[Row]] = {}
            for row in shown:
                groups.setdefault(self.group(row), []).append(row)
            shown = [row for members in groups.values() for row in members]
        self.shown = shown
        found = self.place_of(held) if held else None
        self.cursor = found if found is not None else min(self.cursor, max(0, len(shown) - 1))

    def key_at(self, place: int) -> str:
        return self._key(self.shown[place]) if 0 <= place < len(self.shown) else ""

    @property
    def cursor_key(self) -> str:
        """Key of the row under the cursor; empty when there is no row."""
        return self.key_at(self.cursor)

    @property
    def cursor_row(self) -> Row | None:
        return self.shown[self.cursor] if 0 <= self.cursor < len(self.shown) else None

    def place_of(self, key: str) -> int | None:
        """Where a row stands among those shown; quick when it has not moved."""
        if 0 <= self.cursor < len(self.shown) and self.key_at(self.cursor) == key:
            return self.cursor
        return next((i for i, row in enumerate(self.shown) if self._key(row) == key), None)

    def marked_rows(self) -> list[Row]:
        """The marked rows that are seen, in their order on screen."""
        return [row for row in self.shown if self._key(row) in self.marked]

    def toggle(self, place: int) -> None:
        """Mark a row or take its mark away."""
        key = self.key_at(place)
        if key:
            self.marked = self.marked ^ {key}

    def mark_between(self, first: int, last: int) -> None:
        """Mark every row from one place to another."""
        low, high = sorted((first, last))
        self.marked = self.marked | {self.key_at(place) for place in range(low, high + 1)} - {""}

    def order_by(self, column: Column[Row]) -> None:
        """Sort by a column; again reverses. The order before breaks ties."""
        if column.sort is None:
            return
        if self.sort and self.sort[0].key == column.key:
            first = Sort(column.key, not self.sort[0].is_descending)
            self.sort = (first, *self.sort[1:])
        else:
            rest = tuple(level for level in self.sort if level.key != column.key)
            self.sort = (Sort(column.key, column.first_descending), *rest)[:SORT_LEVELS]

    def reverse(self) -> None:
        if self.sort:
            first = self.sort[0]
            self.sort = (Sort(first.key, not first.is_descending), *self.sort[1:])


def _sorted(rows: list[Row], value: Callable[[Row], Any], is_descending: bool) -> list[Row]:
    """Rows by a value; those without one last, whichever the direction."""
    keyed = [(value(row), row) for row in rows]
    known = [pair for pair in keyed if pair[0] is not None and pair[0] == pair[0]]
    unknown = [row for found, row in keyed if found is None or found != found]
    known.sort(key=lambda pair: pair[0], reverse=is_descending)
    return [row for _, row in known] + unknown
