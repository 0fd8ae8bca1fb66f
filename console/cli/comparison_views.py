"""Two versions side by side as text for people: the diff of rows, the drift of columns."""

from __future__ import annotations

from console import text
from console.cli.dataset_views import moment, verdict_colour
from console.cli.output import Column, Output
from console.rules import metrics
from console.rules.histogram import bars
from storage.records.diffs import ColumnDifference, DatasetDiff, RowDifference, SchemaChange
from storage.records.drift import ColumnDrift, DriftReport
from storage.records.results import Result

OTHER = "(other)"
_EXAMPLES = 6
_LINE = 118
"""Terminal cells for example rows."""
_NULLS_MOVED = 0.005
_SIGNS = {"added": "+", "removed": "−"}
_VALUES = 5


def print_diff(output: Output, diff: DatasetDiff) -> None:
    """Schema first, then columns that moved, then how many rows and which."""
    output.heading(f"{diff.before} → {diff.after}", _row_words(diff))
    if diff.is_equal:
        output.line("The two versions hold the same rows.")
        return
    if diff.key:
        output.line(f"rows are matched by {text.clean(', '.join(diff.key))}")
    if diff.note:
        output.line(text.clean(diff.note))
    if diff.schema:
        output.line()
        for change in diff.schema:
            output.line(_schema_line(output, change))
    _columns(output, diff)
    _examples(output, diff)
    if diff.chunks_read:
        output.note(
            f"read {text.counted(diff.rows_read, 'row')} in "
            f"{text.counted(diff.chunks_read, 'chunk')}; "
            f"{text.counted(diff.chunks_shared, 'chunk')} shared by both were not read"
        )


def _row_words(diff: DatasetDiff) -> str:
    change = text.delta(diff.after_rows - diff.before_rows, 0)
    parts = [
        f"{text.count(diff.before_rows)} → {text.counted(diff.after_rows, 'row')} ({change})",
        f"{text.count(diff.rows_added)} added",
        f"{text.count(diff.rows_removed)} removed",
    ]
    if diff.key:
        parts.append(f"{text.count(diff.rows_changed)} changed")
    return ", ".join(parts)


def _schema_line(output: Output, change: SchemaChange) -> str:
    name = text.clean(change.column)
    before, after = text.clean(change.before), text.clean(change.after)
    signs = {"added": ("+", "ok"), "removed": ("−", "fail")}
    sign, colour = signs.get(change.kind, ("~", "warn"))
    words = {
        "added": f"column {name} is new ({after})",
        "removed": f"column {name} is gone ({before})",
        "retyped": f"column {name} was {before} and is {after}",
        "moved": f"column {name} moved from place {before} to {after}",
        "renamed": f"column {before} is called {after} now",
    }[change.kind]
    return f"{output.paint(sign, colour)} {words}"


def _columns(output: Output, diff: DatasetDiff) -> None:
    """Columns that moved or changed, the largest effect first; the others are counted."""
    effects = {each.scope.removeprefix("column:"): each for each in diff.distributions}
    order = {name: place for place, name in enumerate(effects)}
    moved = [
        each
        for each in sorted(diff.differences, key=lambda each: order.get(each.column, len(order)))
        if _has_moved(each, effects.get(each.column), diff)
    ]
    if moved:
        output.line()
        heads = [Column("column"), Column("cells changed", ">"), Column("missing", ">")]
        heads += [
            Column("new values"),
            Column("vanished"),
            Column("measure"),
            Column("effect", ">"),
        ]
        output.table(
            [*heads, Column("verdict", colour=verdict_colour)],
            [_column_row(diff, each, effects.get(each.column)) for each in moved],
        )
    still = len(diff.differences) - len(moved)
    if still:
        output.line(f"{text.counted(still, 'column')} did not move")


def _column_row(
    diff: DatasetDiff, each: ColumnDifference, effect: Result | None
) -> tuple[object, ...]:
    return (
        text.cut(text.clean(each.column), 32),
        text.count(each.cells_changed) if diff.key else None,
        _missing(each, diff),
        _few(each.new_values),
        _few(each.vanished_values),
        metrics.label_of(effect.name) if effect else None,
        text.fixed(effect.value, 3) if effect else None,
        effect.verdict if effect else None,
    )


def _has_moved(each: ColumnDifference, effect: Result | None, diff: DatasetDiff) -> bool:
    is_elsewhere = effect is not None and effect.verdict not in ("pass", "skipped")
    gap = _null_share(each.nulls_after, diff.after_rows) - _null_share(
        each.nulls_before, diff.before_rows
    )
    changed = each.cells_changed or each.new_values or each.vanished_values
    return bool(is_elsewhere or changed or abs(gap) >= _NULLS_MOVED)


def _null_share(count: int | None, rows: int) -> float:
    return (count or 0) / max(rows, 1)


def _missing(each: ColumnDifference, diff: DatasetDiff) -> str | None:
    if not each.nulls_before and not each.nulls_after:
        return None
    before = text.percent(_null_share(each.nulls_before, diff.before_rows))
    after = text.percent(_null_share(each.nulls_after, diff.after_rows))
    return before if before == after else f"{before} → {after}"


def _few(values: tuple[str, ...]) -> str | None:
    shown = ", ".join(text.cut(text.clean(value) or "(empty)", 16) for value in values[:_VALUES])
    more = f" +{len(values) - _VALUES}" if len(values) > _VALUES else ""
    return f"{shown}{more}" or None


def _examples(output: Output, diff: DatasetDiff) -> None:
    changed = [row for row in diff.examples if row.kind == "changed"]
    if changed:
        output.line()
        for row in changed[:_EXAMPLES]:
            output.line(_changed_row(output, diff, row))
    whole = [
        row
        for kind in ("added", "removed")
        for row in [each for each in diff.examples if each.kind == kind][:_EXAMPLES]
    ]
    if whole:
        output.line()
        shown = _fitting(diff, whole)
        output.table(
            [Column(" ", colour=_sign_colour), *(Column(diff.columns[place]) for place in shown)],
            [
                (_SIGNS[row.kind], *(_cell((row.after or row.before)[place]) for place in shown))
                for row in whole
            ],
        )
        hidden = len(diff.columns) - len(shown)
        if hidden:
            output.note(f"{text.counted(hidden, 'more column')} and more rows with --json")


def _fitting(diff: DatasetDiff, rows: list[RowDifference]) -> list[int]:
    """The places of the columns that fit into a line, the key's first."""
    order = [diff.columns.index(name) for name in diff.key if name in diff.columns]
    order += [place for place in range(len(diff.columns)) if place not in order]
    shown: list[int] = []
    used = 3
    for place in order:
        cells = [_cell((row.after or row.before)[place]) for row in rows]
        used += max(map(text.cells, [*cells, text.clean(diff.columns[place])])) + 2
        if used > _LINE and shown:
            break
        shown.append(place)
    return shown


def _sign_colour(cell: str) -> str:
    return {"+": "ok", "−": "fail"}.get(cell.strip(), "warn")


def _changed_row(output: Output, diff: DatasetDiff, row: RowDifference) -> str:
    places = {column: place for place, column in enumerate(diff.columns)}
    words = ", ".join(
        f"{text.clean(column)} {_cell(row.before[places[column]])} → "
        f"{_cell(row.after[places[column]])}"
        for column in row.changed
        if column in places
    )
    name = " ".join(_cell(each) for each in row.key)
    return f"{output.paint('~', 'warn')} {name}: {text.cut(words, _LINE)}"


def _cell(value: str | None) -> str:
    return text.MISSING if value is None else text.cut(text.clean(value), 24) or '""'


EXPLAINED = 3


def print_drift(output: Output, report: DriftReport) -> None:
    """Columns that moved, worst first; both shapes side by side."""
    output.heading(
        f"{report.before} → {report.after}",
        f"{text.count(report.rows_before)} → {text.counted(report.rows_after, 'row')}",
    )
    output.line(f"{output.verdict(report.verdict)}  {text.clean(report.words)}")
    for each in report.columns[:EXPLAINED]:
        if each.words:
            output.line(f"  {text.clean(each.words)}")
    for words, names in (
        ("only in the first", report.missing_columns),
        ("only in the second", report.added_columns),
    ):
        if names:
            output.line(f"{words}: {text.clean(', '.join(names))}")
    output.line()
    output.table(
        [
            Column("column"),
            Column("measure"),
            Column("effect", ">"),
            Column("95 % interval", ">"),
            Column("moved", ">"),
            Column("by itself", ">"),
            Column("before"),
            Column("after"),
            Column("median", ">"),
            Column("missing", ">"),
            Column("verdict", colour=verdict_colour),
        ],
        [_drift_row(each) for each in report.columns],
    )


def _drift_row(drift: ColumnDrift) -> tuple[object, ...]:
    primary, own = drift.primary, drift.yardstick
    before, after = _shapes(drift)
    return (
        text.cut(text.clean(drift.column), 32),
        metrics.label_of(primary.name),
        text.fixed(primary.value, 3),
        text.interval(primary.ci_low, primary.ci_high, 3),
        metrics.show(own.value, own.name),
        metrics.show(own.noise, own.name),
        before,
        after,
        _change(_median(drift, drift.median_before), _median(drift, drift.median_after)),
        _change(_share(drift.null_ratio_before), _share(drift.null_ratio_after)),
        drift.standing,
    )


def _shapes(drift: ColumnDrift) -> tuple[str, str]:
    if drift.labels:
        # The rest is a heap of many: it says nothing about which values moved.
        named = [place for place, label in enumerate(drift.labels) if label != OTHER]
        if not named:
            return "", ""
        moved = max(named, key=lambda place: abs(drift.before[place] - drift.after[place]))
        label = text.cut(text.clean(drift.labels[moved]) or "(empty)", 14)
        return (
            f"{label} {text.percent(drift.before[moved])}",
            f"{label} {text.percent(drift.after[moved])}",
        )
    return bars(drift.before), bars(drift.after)


def _median(drift: ColumnDrift, value: float | None) -> str | None:
    if value is None:
        return None
    return moment(value) if drift.kind == "timestamp" else text.general(value)


def _share(value: float | None) -> str | None:
    return text.percent(value) if value else None


def _change(before: str | None, after: str | None) -> str | None:
    if before == after:
        return before
    return f"{before or 0} → {after or 0}"
