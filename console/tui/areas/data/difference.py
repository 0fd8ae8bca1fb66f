"""A difference of two versions in words: schema first, then rows by column, then examples."""

from __future__ import annotations

from collections.abc import Iterator

from console import text
from console.tui.ink import EMPTY, Line
from storage.records.diffs import DatasetDiff, RowDifference

EXAMPLES = 12


def difference_lines(diff: DatasetDiff) -> Iterator[Line]:
    """Lines for a pane, the most telling ones first."""
    if diff.is_equal:
        yield Line(("The two versions hold the same rows.", "bright bold"))
        return
    key = text.listed(diff.key) if diff.key else ""
    how = f"rows are named by {key}" if key else "no key: rows are compared as a whole"
    yield Line((f"{how}{'; ' + diff.note if diff.note else ''}", "quiet"))
    yield EMPTY
    yield from _schema(diff)
    yield from _columns(diff)
    yield from _examples(diff)


def _schema(diff: DatasetDiff) -> Iterator[Line]:
    if not diff.schema:
        return
    yield Line(("Schema", "bright bold"))
    for change in diff.schema:
        move = f"{change.before} → {change.after}".strip(" →")
        yield Line((f"  {change.kind:<9}", "warn"), (change.column, "ink"), (f"  {move}", "quiet"))
    yield EMPTY


def _columns(diff: DatasetDiff) -> Iterator[Line]:
    told = [
        each
        for each in diff.differences
        if each.cells_changed or each.new_values or each.vanished_values
    ]
    if not told:
        return
    yield Line(("Columns", "bright bold"))
    width = max(len(each.column) for each in told)
    for each in sorted(told, key=lambda one: -one.cells_changed):
        parts = []
        if each.cells_changed:
            parts.append(text.counted(each.cells_changed, "cell") + " changed")
        if each.new_values:
            parts.append(f"new: {', '.join(each.new_values[:5])}")
        if each.vanished_values:
            parts.append(f"gone: {', '.join(each.vanished_values[:5])}")
        yield Line((f"  {each.column:<{width}}  ", "ink"), ("; ".join(parts), "quiet"))
    yield EMPTY


def _examples(diff: DatasetDiff) -> Iterator[Line]:
    if not diff.examples:
        return
    yield Line(("Examples", "bright bold"))
    for row in diff.examples[:EXAMPLES]:
        sign, ink = {"added": ("+", "ok"), "removed": ("−", "fail")}.get(row.kind, ("~", "warn"))
        yield Line((f"  {sign} ", ink), (_row(diff, row), "ink"))


def _row(diff: DatasetDiff, row: RowDifference) -> str:
    if row.kind == "changed":
        cells = []
        for name in row.changed[:4]:
            place = diff.columns.index(name)
            before, after = row.before[place] or "null", row.after[place] or "null"
            cells.append(f"{name} {before} → {after}")
        return f"{' '.join(each or 'null' for each in row.key)}: {', '.join(cells)}"
    values = row.after or row.before
    return "  ".join(each or "null" for each in values[:12])
