"""The confusion matrix: who is right, and what each mistake is called. The only tinted area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.text import cells, count, pad, percent
from console.tui.ink import Ink, Line
from console.tui.look import Look
from console.tui.widgets.canvas import Grid
from console.tui.widgets.painted import Drawing

_TWO_LINE_CELL = 18
"""From this width on a cell has a word of its own and two lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """How often one thing was said of another."""

    count: int
    share: float
    """Of all rows."""
    word: str = ""
    """`caught`, `missed`, `false alarm`."""
    tint: str = ""
    """ok, warn or fail; empty is raised only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixData:
    """What was said (columns) against what was so (rows)."""

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[MatrixCell, ...], ...]


def draw_matrix(matrix: MatrixData, width: int, height: int) -> list[Line]:
    """Two lines a cell with a blank row between where there is room, else one line."""
    grid = Grid(width, height)
    left = max(cells(row) for row in matrix.rows) + 1
    many = len(matrix.columns)
    gap = 1
    size = (width - left - gap * (many - 1)) // many
    is_tall = size >= _TWO_LINE_CELL and height >= 1 + 3 * len(matrix.rows) - 1
    for index, name in enumerate(matrix.columns):
        grid.write(left + index * (size + gap) + 1, 0, pad(name, size - 1), "quiet")
    for row, name in enumerate(matrix.rows):
        y = 1 + row * (3 if is_tall else 1)
        grid.write(0, y, name, "quiet")
        for index, cell in enumerate(matrix.cells[row]):
            _draw_cell(grid, left + index * (size + gap), y, size, cell, is_tall)
    return grid.lines()


def _draw_cell(grid: Grid, x: int, y: int, size: int, cell: MatrixCell, is_tall: bool) -> None:
    ground = f"tint-{cell.tint}" if cell.tint else "raised"
    for row in range(2 if is_tall else 1):
        for column in range(size):
            grid.ground(x + column, y + row, ground)
    number, share = count(cell.count), percent(cell.share)
    strong: Ink = "bright bold"
    if is_tall:
        grid.write(x + 1, y, cell.word, "ink")
        grid.write(x + size - 1 - cells(number), y, number, strong)
        grid.write(x + size - 1 - cells(share), y + 1, share, "quiet")
        return
    grid.write(x + 1, y, number, strong)
    if cells(number) + cells(share) + 3 <= size:
        grid.write(x + size - 1 - cells(share), y, share, "quiet")


class ConfusionMatrix(Drawing[MatrixData]):
    """Said against so."""

    DEFAULT_CSS = """
    ConfusionMatrix { padding: 0 1; height: auto; }
    """

    def draw(self, data: MatrixData, width: int, height: int, look: Look) -> Sequence[Line]:
        return draw_matrix(data, width, height)

    def measure(self, data: MatrixData, width: int) -> int:
        left = max(cells(row) for row in data.rows) + 1
        size = (width - left) // len(data.columns)
        return 3 * len(data.rows) if size > _TWO_LINE_CELL else 1 + len(data.rows)
