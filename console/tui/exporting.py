"""Writes the rows of a table to a file: what is seen, in the order it is seen, numbers plain.

CSV unless the name ends in `.json`. The cells are those of the screen without thousands spaces and
signs, so that a spreadsheet reads them.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from console.errors import UsageError
from console.text import for_copy
from console.tui.ink import words
from console.tui.widgets.table import Table

FORMATS = (".csv", ".json")


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


def written(table: Table[Any], ending: str) -> str:
    """The rows as CSV or JSON."""
    heads, rows = cells_of(table)
    if ending == ".json":
        objects = [dict(zip(heads, row, strict=True)) for row in rows]
        return json.dumps(objects, ensure_ascii=False, indent=1) + "\n"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _harmless(cell: str) -> str:
    """A spreadsheet would run a foreign text such as `=cmd|…` as a formula."""
    is_number = cell.lstrip("+-").replace(".", "", 1).isdigit()
    return f"'{cell}" if cell[:1] in "=+-@" and cell and not is_number else cell


def fault_of(path: str) -> str:
    """Why nothing can be written there; empty when it can."""
    wanted = Path(path).expanduser()
    if wanted.suffix not in FORMATS:
        return "a name that ends in .csv or .json"
    if not wanted.absolute().parent.is_dir():
        return f"there is no directory {wanted.parent}"
    return "it is there already" if wanted.exists() else ""


def export(table: Table[Any], path: str) -> str:
    """Write the rows; returns the sentence that says where they are. Never writes over a file."""
    wanted = Path(path).expanduser().absolute()
    try:
        with wanted.open("x", encoding="utf-8") as file:
            file.write(written(table, wanted.suffix))
    except OSError as error:
        raise UsageError(f"cannot write {wanted}: {error.strerror}.") from error
    return f"{table.hits} rows written to {wanted}"
