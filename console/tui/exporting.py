"""Writes the rows of a table to a file: what is seen, in the order it is seen, numbers plain.

CSV unless the name ends in `.json`. The cells are those of the screen without thousands spaces and
signs, so that a spreadsheet reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from console.tabular import write_new, written
from console.text import for_copy
from console.tui.ink import words
from console.tui.widgets.table import Table


def cells_of(table: Table[Any]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of what the table shows."""
    columns = [
        c
        for c in table.columns
        if c.cell is not None and not c.is_bullet and c.key not in table.hidden_columns
    ]
    heads = [column.head or column.key for column in columns]
    rows = [
        [for_copy(words(column.cell(row)).plain).strip() for column in columns if column.cell]
        for row in table.shown
    ]
    return heads, rows


def export(table: Table[Any], path: str) -> str:
    """Write the rows; returns the sentence that says where they are. Never writes over a file."""
    heads, rows = cells_of(table)
    wanted = write_new(path, written(Path(path).suffix, heads, rows))
    return f"{table.hits} rows written to {wanted}"
