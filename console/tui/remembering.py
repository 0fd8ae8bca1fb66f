"""Brings back how the reader arranged an area, and keeps it when that changes.

Between widgets and `ViewState`: tables are known by the id of their area and their own id, so only
tables with an id are remembered. What does not fit any more (a column that is gone, a field that
was renamed) is passed over.
"""

from __future__ import annotations

from typing import Any

from console.errors import UsageError
from console.tui.areas.base import Area
from console.tui.viewstate import ViewState
from console.tui.widgets.table import Table
from console.tui.widgets.table_view import Sort

FRAME = "frame"


def restore(area: Area, views: ViewState) -> None:
    """Arrange a fresh area as it was left at this size."""
    area.take_shape(views.get(area.size_class, area.entry.id))
    for table in area.query(Table).results(Table):
        if table.id:
            restore_table(table, views.get(area.size_class, f"{area.entry.id}.{table.id}"))


def restore_table(table: Table[Any], values: dict[str, Any]) -> None:
    """Order, hidden columns and filter of one table."""
    known = {column.key for column in table.columns}
    hidden = values.get("hidden")
    if isinstance(hidden, list):
        table.put_away = frozenset(key for key in hidden if key in known)
    taken = values.get("taken")
    if isinstance(taken, list):
        # Extra columns come with the rows: a key that never comes shows nothing.
        table.taken_columns = frozenset(key for key in taken if isinstance(key, str))
    order = values.get("sort")
    if isinstance(order, list):
        pairs = [pair for pair in order if isinstance(pair, list) and len(pair) == 2]
        levels = [Sort(str(key), bool(down)) for key, down in pairs if key in known]
        if levels:
            table.sort = tuple(levels)
    text = values.get("filter")
    if isinstance(text, str) and text and table.filter_fields is not None:
        from console.tui.filter_row import apply_filter

        try:
            apply_filter(table, text)
        except UsageError:
            table.filter_by("", None)


def keep_table(area: Area, table: Table[Any], views: ViewState) -> None:
    """The table was ordered, filtered or got other columns."""
    if table.id:
        views.put(
            area.size_class,
            f"{area.entry.id}.{table.id}",
            sort=[[level.key, level.is_descending] for level in table.sort],
            hidden=sorted(table.put_away),
            taken=sorted(table.taken_columns),
            filter=table.filter_text,
        )
