"""The table of every list: quick at ten thousand rows, because only what is seen is drawn.

Rows are any objects; columns say what each says of a row. A row may take two lines, with a rail
down its bullets. The cursor is a bar and a raised ground, the same without focus but fainter. The
table sorts and filters what it holds and says with messages what was asked of it; it fetches
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from textual import events
from textual.binding import BindingType
from textual.message import Message

from console.text import for_copy
from console.tui.ink import Line, Part, words
from console.tui.keymaps import bind
from console.tui.look import Look
from console.tui.widgets.painted import Painted
from console.tui.widgets.table_layout import Column, Row
from console.tui.widgets.table_paint import Second, TableForm, TablePaint
from console.tui.widgets.table_view import Sort, TableView

if TYPE_CHECKING:
    from console.rules.filtering import Field


class Table(Painted, Generic[Row], can_focus=True):
    """A list of rows with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("down", "step(1)"),
        bind("up", "step(-1)"),
        bind("right", "shift_columns(1)"),
        bind("left", "shift_columns(-1)"),
        bind("first", "ends(False)"),
        bind("last", "ends(True)"),
        bind("page-down", "page(1)"),
        bind("page-up", "page(-1)"),
        bind("open", "open"),
        bind("mark", "mark"),
        bind("mark-range", "mark_range"),
        bind("baseline", "baseline"),
        bind("sort", "pick_sort"),
        bind("sort-reverse", "reverse_sort"),
        bind("columns", "pick_columns"),
    ]

    class Moved(Message):
        """The cursor is on another row (or on none: an empty key)."""

        def __init__(self, table: Table[Any], key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Table[Any]:
            return self.table

    class Opened(Moved):
        """Enter or a double click on a row."""

    class MarksChanged(Moved):
        """Other rows are marked; see `marked`."""

    class BaselineWanted(Moved):
        """This row shall be the baseline (or no longer be it)."""

    class Ordered(Moved):
        """The order changed; see `sort`."""

    class SortWanted(Moved):
        """The reader wants to choose a column to sort by."""

    class ColumnsWanted(Moved):
        """The reader wants to choose columns."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        *,
        key: Callable[[Row], str],
        second: Second[Row] | None = None,
        section: Callable[[Row], str] | None = None,
        has_head: bool = True,
        has_cursor: bool = True,
        holds_cursor: bool = False,
        has_marks: bool = False,
        has_rail: bool = False,
        has_baseline: bool = False,
        is_airy: bool = False,
        cursor_ground: str = "raised",
        fields: Mapping[str, Field[Row]] | None = None,
        verbs: Mapping[str, str] | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`second` gives a row a second line, `section` the name of its group, written above its
        first row. `is_airy` puts blank lines between rows while there is room for all of them. A
        table without a cursor is a still list and cannot be focused; one that `holds_cursor` shows
        it without focus too, because a detail beside it is about that row. `verbs` are the footer's
        words by key id, where "open" says too little."""
        super().__init__(id=id, classes=classes)
        self._form = TableForm(
            key=key,
            second=second,
            section=section,
            has_head=has_head,
            has_cursor=has_cursor,
            holds_cursor=holds_cursor,
            has_marks=has_marks,
            has_rail=has_rail,
            is_airy=is_airy,
            cursor_ground=cursor_ground,
        )
        self._has_baseline = has_baseline
        self._view: TableView[Row] = TableView(key)
        self._picture = TablePaint(self._form, columns, self._view, self._widen)
        self._anchor: int | None = None
        self.filter_fields = fields
        """What `/` can ask of a row; None where there is nothing to filter."""
        self.filter_text = ""
        self.group_key = ""
        """The field that rows stand in groups by; empty = no groups."""
        self._taken: frozenset[str] = frozenset()
        self._put_away: frozenset[str] = frozenset()
        self._words: dict[str, str] = {}
        self.verbs = dict(verbs or {})
        self.can_focus = has_cursor

    # ----------------------------------------------------------------------- data

    @property
    def rows(self) -> Sequence[Row]:
        return self._view.rows

    @rows.setter
    def rows(self, rows: Sequence[Row]) -> None:
        if rows is self._view.rows and not self._picture.message and not self._picture.is_loading:
            return
        self._picture.is_loading = False
        self._picture.message = ()
        self._view.rows = rows
        self._words.clear()
        self._arrange()

    def say(self, *message: Part) -> None:
        """Lines in place of the rows: nothing here yet, no hit, what went wrong."""
        self._picture.message = message
        self._picture.is_loading = False
        self.repaint()

    def wait(self) -> None:
        """The rows are being read: heads stay, dots stand for cells."""
        if not self._view.rows:
            self._picture.is_loading = True
            self.repaint()

    @property
    def columns(self) -> Sequence[Column[Row]]:
        return self._picture.columns

    @columns.setter
    def columns(self, columns: Sequence[Column[Row]]) -> None:
        self._picture.columns = list(columns)
        self._picture.forget()
        self._show_columns()
        self._arrange()

    @property
    def hidden_columns(self) -> frozenset[str]:
        """Keys of the columns that are not shown: put away, or extra and never taken."""
        return self._picture.hidden_keys

    @hidden_columns.setter
    def hidden_columns(self, keys: frozenset[str]) -> None:
        extras = {column.key for column in self._picture.columns if column.is_extra}
        self.put_away = keys - extras
        self.taken_columns = frozenset(extras - keys)

    @property
    def taken_columns(self) -> frozenset[str]:
        """Keys of the extra columns that the reader took."""
        return self._taken

    @taken_columns.setter
    def taken_columns(self, keys: frozenset[str]) -> None:
        self._taken = keys
        self._show_columns()

    @property
    def put_away(self) -> frozenset[str]:
        """Keys of the usual columns that the reader put away."""
        return self._put_away

    @put_away.setter
    def put_away(self, keys: frozenset[str]) -> None:
        self._put_away = keys
        self._show_columns()

    def _show_columns(self) -> None:
        extras = {column.key for column in self._picture.columns if column.is_extra}
        self._picture.hidden_keys = self._put_away | (extras - self._taken)
        self._relay()

    @property
    def cut_columns(self) -> Sequence[Column[Row]]:
        """Columns that have no room at this width."""
        return self._picture.layout.hidden if self._picture.layout else ()

    @property
    def filter(self) -> Callable[[Row], bool] | None:
        return self._view.filter

    @filter.setter
    def filter(self, wanted: Callable[[Row], bool] | None) -> None:
        if wanted is not self._view.filter:
            self._view.filter = wanted
            self._picture.message = ()
            self._arrange()

    def filter_by(self, text: str, wanted: Callable[[Row], bool] | None) -> None:
        """Show only the rows that a filter text finds; the text is kept to be shown and changed."""
        self.filter_text = text if wanted is not None else ""
        self.filter = wanted

    def group_by(self, name: str) -> None:
        """Put rows with an equal value of a field under one heading; empty = no groups.

        A field there is not leaves the rows as they are.
        """
        field = (self.filter_fields or {}).get(name)
        self.group_key = name if field is not None else ""
        label: Callable[[Row], str] | None = None
        if field is not None:
            from console.rules.filtering import group_label

            label = partial(group_label, name=name, field=field)
        self._view.group = label
        self._form = self._picture.form = replace(self._form, section=label)
        self._picture.forget()
        self._arrange()

    def words_of(self, row: Row) -> str:
        """The text of a row for a search; kept, because every key press of a filter reads all."""
        key = self._form.key(row)
        words = self._words.get(key)
        if words is None:
            from console.rules.filtering import text_of

            words = self._words[key] = text_of(row, self.filter_fields or {})
        return words

    @property
    def hits(self) -> int:
        """Rows that the filter leaves."""
        return len(self._view.shown)

    @property
    def shown(self) -> Sequence[Row]:
        return self._view.shown

    @property
    def sort(self) -> tuple[Sort, ...]:
        return self._view.sort

    @sort.setter
    def sort(self, sort: tuple[Sort, ...]) -> None:
        self._view.sort = sort
        self._arrange()

    @property
    def marked(self) -> frozenset[str]:
        return self._view.marked

    @marked.setter
    def marked(self, keys: frozenset[str]) -> None:
        self._view.marked = keys
        self.repaint()

    @property
    def marked_rows(self) -> list[Row]:
        return self._view.marked_rows()

    @property
    def baseline(self) -> str:
        """Key of the row with the star."""
        return self._picture.baseline

    @baseline.setter
    def baseline(self, key: str) -> None:
        self._picture.baseline = key
        self.repaint()

    @property
    def cursor_row(self) -> Row | None:
        return self._view.cursor_row

    @property
    def cursor_key(self) -> str:
        return self._view.cursor_key

    @cursor_key.setter
    def cursor_key(self, key: str) -> None:
        place = self._view.place_of(key)
        if place is not None:
            self.move_to(place)

    def copied_row(self) -> str:
        """The row under the cursor for the clipboard: cells with tabs between, numbers plain."""
        row = self._view.cursor_row
        if row is None:
            return ""
        columns = [c for c in self._seen_columns() if c.cell is not None]
        return "\t".join(for_copy(words(c.cell(row)).plain) for c in columns if c.cell is not None)

    def _arrange(self) -> None:
        before = self._view.cursor_key
        self._view.arrange(self._picture.columns)
        self._picture.layout = None
        self._picture.keep_in_sight(self.size.height)
        self.repaint()
        if self._view.cursor_key != before:
            self.post_message(self.Moved(self, self._view.cursor_key))

    def reform(self, **form: Any) -> None:
        """Change the form, such as to two lines a row where the terminal is wide."""
        self._form = self._picture.form = replace(self._form, **form)
        self._picture.forget()
        self._picture.keep_in_sight(self.size.height)
        self.repaint()

    def _relay(self) -> None:
        self._picture.layout = None
        self.repaint()

    # ----------------------------------------------------------------------- painting

    def lines(self, width: int, height: int, look: Look) -> Sequence[Line]:
        self._picture.has_focus = self.screen.focused is self
        return self._picture.lines(width, height, look)

    def wanted_height(self, width: int) -> int:
        return self._picture.wanted_height()

    def on_resize(self) -> None:
        self._picture.keep_in_sight(self.size.height)

    def _widen(self) -> None:
        self.call_later(self._relay)

    # ----------------------------------------------------------------------- moving

    def move_to(self, place: int) -> None:
        """Put the cursor on the row at a place, as near as there is one."""
        count = len(self._view.shown)
        place = min(max(place, 0), count - 1) if count else 0
        if place != self._view.cursor:
            self._view.cursor = place
            self._picture.keep_in_sight(self.size.height)
            self.repaint()
            self.post_message(self.Moved(self, self._view.cursor_key))

    def action_step(self, rows: int) -> None:
        self.move_to(self._view.cursor + rows)

    def action_page(self, pages: int) -> None:
        rows = self._picture.fitting(self.size.height) - 1
        self.move_to(self._view.cursor + pages * max(1, rows))

    def action_ends(self, is_last: bool) -> None:
        self.move_to(len(self._view.shown) - 1 if is_last else 0)

    def action_shift_columns(self, columns: int) -> None:
        """Show columns that had no room, at the cost of others; pinned ones stay."""
        picture = self._picture
        movable = [c for c in self._seen_columns() if not c.is_pinned]
        wanted = min(max(picture.offset + columns, 0), max(0, len(movable) - 1))
        has_more = len(self.cut_columns) > picture.offset
        if wanted != picture.offset and (columns < 0 or has_more):
            picture.offset = wanted
            self._relay()

    def _seen_columns(self) -> list[Column[Row]]:
        return [c for c in self._picture.columns if c.key not in self._picture.hidden_keys]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that mean nothing for this table are not offered."""
        if action in ("mark", "mark_range"):
            return self._can_mark
        if action in ("pick_sort", "reverse_sort"):
            return any(column.sort is not None for column in self._picture.columns)
        if action == "baseline":
            return self._has_baseline
        if action == "pick_columns":
            return len(self._picture.columns) > 3
        return True

    @property
    def _can_mark(self) -> bool:
        return self._form.has_marks

    def action_open(self) -> None:
        if self._view.cursor_key:
            self.post_message(self.Opened(self, self._view.cursor_key))

    def action_mark(self) -> None:
        if self._can_mark:
            self._anchor = self._view.cursor
            self._view.toggle(self._view.cursor)
            self.post_message(self.MarksChanged(self, self._view.cursor_key))
            self.action_step(1)
            self.repaint()

    def action_mark_range(self) -> None:
        """From the row marked last to the cursor."""
        if self._can_mark:
            first = self._view.cursor if self._anchor is None else self._anchor
            self._view.mark_between(first, self._view.cursor)
            self._anchor = self._view.cursor
            self.post_message(self.MarksChanged(self, self._view.cursor_key))
            self.repaint()

    def action_baseline(self) -> None:
        if self._view.cursor_key:
            self.post_message(self.BaselineWanted(self, self._view.cursor_key))

    def action_pick_sort(self) -> None:
        self.post_message(self.SortWanted(self, self._view.cursor_key))

    def action_pick_columns(self) -> None:
        self.post_message(self.ColumnsWanted(self, self._view.cursor_key))

    def action_reverse_sort(self) -> None:
        self._view.reverse()
        self._arrange()
        self.post_message(self.Ordered(self, self._view.cursor_key))

    def order_by(self, key: str) -> None:
        """Sort by a column; a second time reverses."""
        column = next((column for column in self._picture.columns if column.key == key), None)
        if column is not None and column.sort is not None:
            self._view.order_by(column)
            self._arrange()
            self.post_message(self.Ordered(self, self._view.cursor_key))

    # ----------------------------------------------------------------------- mouse

    def on_click(self, event: events.Click) -> None:
        y = event.y - self._form.head_lines
        if y < 0:
            column = self._picture.layout.at(event.x) if self._picture.layout else None
            if column is not None:
                self.order_by(column.key)
        elif self._form.has_cursor and y < len(self._picture.places):
            self.move_to(self._picture.places[y][1])
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(3, event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(-3, event)

    def _scroll(self, rows: int, event: events.MouseEvent) -> None:
        """Move the rows under the cursor's eyes; the cursor goes along at the edge."""
        fitting = self._picture.fitting(self.size.height)
        top = min(max(self._picture.top + rows, 0), max(0, len(self._view.shown) - fitting))
        if top == self._picture.top:
            return
        event.stop()
        self._picture.top = top
        self.move_to(min(max(self._view.cursor, top), top + fitting - 1))
        self.repaint()
