"""A difference of two versions as rows: schema, what moved, cells changed, then examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console import text
from console.rules import metrics
from console.tui.ink import Ink, Line, Part
from console.tui.signs import state
from console.tui.widgets.bars import histogram
from console.tui.widgets.table_layout import Column
from storage.records.diffs import DatasetDiff, RowDifference
from storage.records.drift import ColumnDrift, DriftReport

EXAMPLES = 50
_SIGNS: dict[str, tuple[str, Ink]] = {"added": ("+", "ok"), "removed": ("−", "fail")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that differs."""

    section: str
    place: int
    sign: str
    ink: Ink
    name: str
    words: str
    drift: ColumnDrift | None = None
    """Drawn before the words."""


def told_columns() -> list[Column[Told]]:
    return [
        Column(key="sign", cell=lambda each: Line((each.sign, each.ink)), width=1, is_pinned=True),
        Column(key="name", cell=lambda each: each.name, least=8, is_name=True, is_pinned=True),
        Column(key="words", cell=_drawn, ink="quiet", least=12, grow=1),
    ]


def told(diff: DatasetDiff, moved: DriftReport | None = None) -> list[Told]:
    """Everything worth a row, the most telling first; empty when nothing differs."""
    if diff.is_equal:
        return []
    found = [*_schema(diff), *_moved(moved), *_columns(diff), *_examples(diff)]
    drifts = {each.column: each for each in (moved.columns if moved else ())}
    return [
        Told(section=section, place=place, sign=sign, ink=ink, name=name, words=words,
             drift=drifts.get(name) if section == "Moved" else None)
        for place, (section, sign, ink, name, words) in enumerate(found)
    ]  # fmt: skip


def how_compared(diff: DatasetDiff) -> str:
    """By which key, for the state line."""
    if diff.is_equal:
        return "the two versions hold the same rows"
    key = text.listed(diff.key) if diff.key else ""
    how = f"rows are named by {key}" if key else "no key: rows are compared as a whole"
    return f"{how}; {diff.note}" if diff.note else how


_Row = tuple[str, str, Ink, str, str]


def _schema(diff: DatasetDiff) -> Iterator[_Row]:
    for change in diff.schema:
        move = f"{change.before} → {change.after}".strip(" →")
        yield "Schema", "▲", "warn", change.column, f"{change.kind} {move}".strip()


def _moved(report: DriftReport | None) -> Iterator[_Row]:
    """Columns beyond a line, worst first."""
    for each in report.columns if report else ():
        if each.verdict not in ("warn", "fail"):
            continue
        known = state(each.standing)
        own = each.primary
        value = f"{metrics.label_of(own.name)} {metrics.show(own.value, own.name)}"
        words = each.words.removeprefix(each.column).lstrip(": ")
        said = "; ".join(part for part in (value, words) if part)
        yield "Moved", known.sign, known.token, each.column, said


def _drawn(each: Told) -> Part:
    """The words, after both shapes when the distribution is known."""
    if each.drift is None or not each.drift.before:
        return each.words
    before, after = (
        histogram(each.drift.before),
        histogram(each.drift.after, ink="fill" if each.drift.standing == "fail" else "faint"),
    )
    return before + "  " + after + Line((f"  {each.words}", "quiet"))


def _columns(diff: DatasetDiff) -> Iterator[_Row]:
    for each in sorted(diff.differences, key=lambda one: -one.cells_changed):
        parts = []
        if each.cells_changed:
            parts.append(text.counted(each.cells_changed, "cell") + " changed")
        if each.new_values:
            parts.append(f"new: {', '.join(each.new_values[:5])}")
        if each.vanished_values:
            parts.append(f"gone: {', '.join(each.vanished_values[:5])}")
        if parts:
            yield "Columns", "~", "accent", each.column, "; ".join(parts)


def _examples(diff: DatasetDiff) -> Iterator[_Row]:
    for row in diff.examples[:EXAMPLES]:
        sign, ink = _SIGNS.get(row.kind, ("~", "warn"))
        name = " ".join(each or "null" for each in row.key)
        yield "Examples", sign, ink, name or row.kind, _words(diff, row)


def _words(diff: DatasetDiff, row: RowDifference) -> str:
    if row.kind == "changed":
        cells = []
        for name in row.changed[:4]:
            place = diff.columns.index(name)
            before, after = row.before[place] or "null", row.after[place] or "null"
            cells.append(f"{name} {before} → {after}")
        return ", ".join(cells)
    values = row.after or row.before
    return "  ".join(each or "null" for each in values[:12])
