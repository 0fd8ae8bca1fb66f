"""Two versions side by side as text for people: the diff of rows, the drift of columns."""

from __future__ import annotations

from console import text
from console.cli.dataset_views import moment, verdict_colour
from console.cli.output import Column, Output
from console.rules import metrics
from console.rules.histogram import bars
from storage.records.diffs import ColumnDifference, DatasetDiff, RowDifference, SchemaChange
from storage.records.drift import ColumnDrift, DriftReport

OTHER = "(other)"
_EXAMPLES = 12
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
    by_name = {each.column: each for each in diff.differences}
    shown: list[tuple[object, ...]] = []
    for result in diff.distributions:
        difference = by_name.pop(result.scope.removeprefix("column:"), None)
        if difference is not None:
            effect = text.fixed(result.value, 3)
            shown.append(
                (*_difference_cells(diff, difference), result.name, effect, result.verdict)
            )
    shown.extend(
        (*_difference_cells(diff, each), None, None, None)
        for each in by_name.values()
        if _has_moved(each)
    )
    if not shown:
        return
    output.line()
    heads = [Column("column"), Column("cells changed", ">"), Column("missing", ">")]
    heads += [Column("new values"), Column("vanished"), Column("measure"), Column("effect", ">")]
    output.table([*heads, Column("verdict", colour=verdict_colour)], shown)


def _has_moved(each: ColumnDifference) -> bool:
    nulls = each.nulls_before != each.nulls_after
    return bool(each.cells_changed or nulls or each.new_values or each.vanished_values)


def _difference_cells(diff: DatasetDiff, each: ColumnDifference) -> tuple[object, ...]:
    return (
        text.cut(text.clean(each.column), 32),
        text.count(each.cells_changed) if diff.key else None,
        _missing(each, diff),
        _few(each.new_values),
        _few(each.vanished_values),
    )


def _missing(each: ColumnDifference, diff: DatasetDiff) -> str | None:
    if not each.nulls_before and not each.nulls_after:
        return None
    before = (each.nulls_before or 0) / max(diff.before_rows, 1)
    after = (each.nulls_after or 0) / max(diff.after_rows, 1)
    return f"{text.percent(before)} → {text.percent(after)}"


def _few(values: tuple[str, ...]) -> str | None:
    shown = ", ".join(text.cut(text.clean(value) or "(empty)", 16) for value in values[:_VALUES])
    more = f" +{len(values) - _VALUES}" if len(values) > _VALUES else ""
    return f"{shown}{more}" or None


def _examples(output: Output, diff: DatasetDiff) -> None:
    if not diff.examples:
        return
    output.line()
    for row in diff.examples[:_EXAMPLES]:
        output.line(_example(output, diff, row))
    more = len(diff.examples) - _EXAMPLES
    if more > 0:
        output.note(f"{more} more examples with --json")


def _example(output: Output, diff: DatasetDiff, row: RowDifference) -> str:
    sign, colour = {"added": ("+", "ok"), "removed": ("−", "fail"), "changed": ("~", "warn")}[
        row.kind
    ]
    name = " ".join(_cell(each) for each in row.key)
    if row.kind == "changed":
        places = {column: place for place, column in enumerate(diff.columns)}
        words = ", ".join(
            f"{text.clean(column)} {_cell(row.before[places[column]])} → "
            f"{_cell(row.after[places[column]])}"
            for column in row.changed
            if column in places
        )
        return f"{output.paint(sign, colour)} {name}: {words}"
    cells = row.after if row.kind == "added" else row.before
    words = " ".join(_cell(each) for each in cells)
    return f"{output.paint(sign, colour)} {text.cut(words, 140)}"


def _cell(value: str | None) -> str:
    return text.MISSING if value is None else text.cut(text.clean(value), 24) or '""'


def print_drift(output: Output, report: DriftReport) -> None:
    """Columns that moved, worst first; both shapes side by side."""
    output.heading(
        f"{report.before} → {report.after}",
        f"{text.count(report.rows_before)} → {text.counted(report.rows_after, 'row')}",
    )
    output.line(f"{output.verdict(report.verdict)}  {text.clean(report.words)}")
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
    primary = drift.primary
    before, after = _shapes(drift)
    return (
        text.cut(text.clean(drift.column), 32),
        metrics.label_of(primary.name),
        text.fixed(primary.value, 3),
        text.interval(primary.ci_low, primary.ci_high, 3),
        text.fixed(primary.noise, 3),
        before,
        after,
        _change(_median(drift, drift.median_before), _median(drift, drift.median_after)),
        _change(_share(drift.null_ratio_before), _share(drift.null_ratio_after)),
        primary.verdict,
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
