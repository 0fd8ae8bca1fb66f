"""Columns for the rows of a preview: numbers right, with as many decimals as one of them needs.

Pure. Cells come as text, whatever their type was; nothing is None and stays apart from empty text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from console import text
from console.tui.ink import Line, Part
from console.tui.widgets.table_layout import Column

DECIMALS_AT_MOST = 4
_FLOATS = ("float", "double", "half", "decimal")
_WHOLE = ("int", "uint")

PreviewRow = tuple[int, Sequence[str | None]]
"""Its number, its cells."""


def columns(
    named: Sequence[Sequence[str]], rows: Sequence[Sequence[str | None]]
) -> list[Column[PreviewRow]]:
    """A column for each pair of name and type."""
    found: list[Column[PreviewRow]] = []
    for place, (name, kind) in enumerate(named):
        is_float, is_number = kind.startswith(_FLOATS), kind.startswith(_FLOATS + _WHOLE)
        decimals = _decimals([row[place] for row in rows]) if is_float else None
        found.append(
            Column(key=str(place), head=name, cell=partial(_cell, place, decimals),
                   align="right" if is_number else "left", least=0 if is_number else 6,
                   rank=place + 1, meaning=kind,
                   sort=partial(_number if is_number else _text, place))
        )  # fmt: skip
    return found


def _decimals(cells: Sequence[str | None]) -> int:
    needed = [len(cell.partition(".")[2]) for cell in cells if cell and "e" not in cell]
    return min(max(needed, default=0), DECIMALS_AT_MOST)


def _cell(place: int, decimals: int | None, row: PreviewRow) -> Part:
    """A whole number stays as it is: it may be a year or a name as well as a count."""
    value = row[1][place]
    if value is None:
        return Line((text.MISSING, "quiet"))
    number = _number(place, row) if decimals is not None else None
    return value if number is None else text.fixed(number, decimals or 0)


def _text(place: int, row: PreviewRow) -> str | None:
    return row[1][place]


def _number(place: int, row: PreviewRow) -> float | None:
    try:
        return float(row[1][place] or "")
    except ValueError:
        return None
