"""Datasets, versions and pages of rows as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from console import text
from console.cli.output import Column, Output, Painted
from console.rules.histogram import bars, shape
from console.wire.datasets import Rows, VersionDetail
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.profiles import ColumnProfile

_COLOURS = {"pass": "ok", "warn": "warn", "fail": "fail", "error": "fail", "inconclusive": "info"}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_CELL_CELLS = 32
"""A cell of a page of rows is cut to so many terminal cells."""
_FREQUENT = 0.015
"""Below this share the most frequent value is not worth a percentage."""


def verdict_colour(cell: str) -> str:
    return _COLOURS.get(cell.strip(), "quiet")


def verdict_cell(verdict: str) -> str | None:
    """`skipped` says nothing to a person: no contract was there to check."""
    return None if verdict == "skipped" else verdict


def print_datasets(output: Output, found: Sequence[Dataset]) -> None:
    if not found:
        output.line("No data yet. Add some: mlops-console data add NAME FILE")
        return
    output.table(
        [
            Column("dataset"),
            Column("latest"),
            Column("rows", ">"),
            Column("trend"),
            Column("contract", colour=verdict_colour),
            Column("on disk", ">"),
            Column("shared", ">"),
            Column("added"),
            Column("note"),
        ],
        [
            (
                each.name,
                f"v{each.latest_version}" if each.latest_version else None,
                text.count(each.latest_rows),
                bars(each.rows_history),
                verdict_cell(each.verdict),
                text.byte_size(each.bytes),
                _shared(each),
                each.latest_at and f"{each.latest_at:%Y-%m-%d %H:%M}",
                text.cut(text.clean(each.note), 40) or None,
            )
            for each in found
        ],
    )


def _shared(dataset: Dataset) -> str:
    """What sharing chunks saves, of what the versions would take one by one."""
    if not dataset.referenced_bytes or dataset.version_count < 2:
        return text.MISSING
    return text.percent(1 - dataset.bytes / dataset.referenced_bytes, 0)


def print_versions(output: Output, found: Sequence[DatasetVersion]) -> None:
    rows = {each.version: each.rows for each in found}
    output.table(
        [
            Column("version"),
            Column("rows", ">"),
            Column("change", ">"),
            Column("contract", colour=verdict_colour),
            Column("new on disk", ">"),
            Column("tags"),
            Column("added"),
            Column("by"),
            Column("from"),
            Column("note"),
        ],
        [
            (
                f"v{each.version}",
                text.count(each.rows),
                text.delta(each.rows - rows[each.parent], 0) if each.parent in rows else None,
                verdict_cell(each.verdict),
                text.byte_size(each.added_bytes),
                each.tags,
                f"{each.created_at:%Y-%m-%d %H:%M}",
                each.created_by,
                text.cut(text.clean(each.source), 44),
                text.cut(text.clean(each.note), 40) or None,
            )
            for each in found
        ],
    )


def print_version(output: Output, detail: VersionDetail) -> None:
    """A version: where it came from, what is in it, how its contract stands."""
    version = detail.version
    tags = f" · {', '.join(version.tags)}" if version.tags else ""
    rows = text.counted(version.rows, "row")
    columns = text.counted(len(version.columns), "column")
    output.heading(version.name, f"{rows}, {columns}{tags}")
    facts = _facts(version)
    if version.verdict != "skipped":
        words = output.paint(_contract_counts(detail), "quiet")
        facts.insert(-1, ("contract", Painted(f"{output.verdict(version.verdict)}  {words}")))
    output.facts(facts)
    output.line()
    print_columns(output, detail.profile.columns)


def _facts(version: DatasetVersion) -> list[tuple[str, object]]:
    found = version.source_facts
    shape_of_file = ", ".join(
        found[name] for name in ("format", "encoding", "newline") if found.get(name)
    )
    size = text.byte_size(float(found["bytes"])) if found.get("bytes") else ""
    facts: list[tuple[str, object]] = [
        ("added", f"{version.created_at:%Y-%m-%d %H:%M} UTC by {version.created_by}"),
        ("from", version.source),
        ("file", ", ".join(filter(None, (shape_of_file, size)))),
        ("read", found.get("notes", "")),
        ("parent", f"v{version.parent}" if version.parent else ""),
        ("digest", version.digest),
        (
            "on disk",
            f"{text.byte_size(version.bytes)}, {text.byte_size(version.added_bytes)} of it new",
        ),
        ("used by", ", ".join(version.used_by)),
        ("note", version.note),
        ("job", version.job_id or ""),
    ]
    return [(label, value) for label, value in facts if value != ""]


def _contract_counts(detail: VersionDetail) -> str:
    version = detail.version
    words = [text.counted(len(detail.results), "result")]
    if version.failure_count:
        words.append(f"{version.failure_count} failed")
    if version.warning_count:
        words.append(text.counted(version.warning_count, "warning"))
    return f"{', '.join(words)}: mlops-console contract check {version.name}"


def print_columns(output: Output, columns: Sequence[ColumnProfile]) -> None:
    output.table(
        [
            Column("column"),
            Column("type"),
            Column("missing", ">"),
            Column("distinct", ">"),
            Column("min", ">"),
            Column("median", ">"),
            Column("max", ">"),
            Column("looks like"),
        ],
        [_column_row(each) for each in columns],
    )


def _column_row(column: ColumnProfile) -> tuple[object, ...]:
    missing = column.null_count + column.nan_count + column.pos_inf_count + column.neg_inf_count
    distinct = text.count(column.distinct_count)
    median = column.quantiles[3] if len(column.quantiles) > 3 else None
    return (
        text.cut(text.clean(column.name), 32),
        text.cut(text.clean(column.type), 24),
        text.percent(missing / column.n) if missing and column.n else None,
        distinct if column.distinct_is_exact else f"~{distinct}",
        bound(column, column.min),
        bound(column, median),
        bound(column, column.max),
        looks(column),
    )


def bound(column: ColumnProfile, value: float | None) -> str | None:
    """A limit of a column in its own terms: a number, or the day of a timestamp."""
    if value is None:
        return None
    return moment(value) if column.kind == "timestamp" else text.general(value)


def moment(seconds: float) -> str:
    """Seconds since 1970 as a day, with the time of day unless that is midnight.

    >>> moment(0), moment(1357034400)
    ('1970-01-01', '2013-01-01 10:00')
    """
    from datetime import UTC, datetime, timedelta

    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return text.general(seconds)
    return f"{at:%Y-%m-%d %H:%M}".removesuffix(" 00:00")


def looks(column: ColumnProfile) -> str:
    """A small histogram of numbers, the most frequent values of anything else."""
    if column.counts:
        return bars(shape(column))
    filled = column.n - column.null_count
    if not column.top or not filled:
        return ""
    named = [
        (text.cut(text.clean(value) or "(empty)", 14), count) for value, count in column.top[:3]
    ]
    if column.top[0][1] < filled * _FREQUENT:
        return f"{', '.join(name for name, _ in named)}, …"
    return " · ".join(f"{name} {text.percent(count / filled, 0)}" for name, count in named)


def print_rows(output: Output, page: Rows) -> None:
    """A page of rows; numbers are aligned to the right, nulls are a dash."""
    columns = [Column("row", ">")]
    for name, kind in zip(page.columns, page.types, strict=True):
        is_number = kind.lstrip("U").startswith(_NUMBERS) and not kind.endswith("]")
        columns.append(Column(text.cut(text.clean(name), _CELL_CELLS), ">" if is_number else "<"))
    output.table(
        columns,
        [
            (
                page.offset + number,
                *(None if c is None else text.cut(text.clean(c), _CELL_CELLS) for c in row),
            )
            for number, row in enumerate(page.rows, start=1)
        ],
    )
    last = page.offset + len(page.rows)
    if last < page.total:
        output.note(
            f"rows {text.count(page.offset + 1)} to {text.count(last)} of "
            f"{text.count(page.total)}; go on with --offset {last}"
        )
