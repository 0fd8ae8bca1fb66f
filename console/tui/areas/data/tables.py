"""Columns of the data area's tables: versions, column profiles, what moved, rules, rows."""

from __future__ import annotations

from datetime import datetime

from console import text
from console.rules import histogram as histogram_rules
from console.rules import metrics
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import said, sign, state, value_ink
from console.tui.widgets.bars import histogram
from console.tui.widgets.chart import Axis, Chart, Series
from console.tui.widgets.table_layout import Column
from console.wire.datasets import Rows
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.drift import ColumnDrift
from storage.records.profiles import QUANTILES, ColumnProfile
from storage.records.results import Result

HISTOGRAM_CELLS = 14
_P5, _MEDIAN, _P95 = (QUANTILES.index(q) for q in (0.05, 0.5, 0.95))


def version_columns(now: datetime | None) -> list[Column[DatasetVersion]]:
    """A timeline: number and note above, verdict and use below."""

    def when(each: DatasetVersion) -> str:
        return text.clock(each.created_at, now or each.created_at, seconds=False)

    return [
        Column(key="bullet", cell=lambda each: sign("version"), width=1, is_bullet=True,
               is_pinned=True),
        Column(key="version", cell=lambda each: f"v{each.version}", width=4, is_name=True,
               sort=lambda each: each.version, first_descending=True),
        Column(key="note", cell=_version_note, least=8, grow=1),
        Column(key="when", cell=when, ink="quiet", rank=60),
        Column(key="rows", cell=lambda each: text.count(each.rows), align="right"),
    ]  # fmt: skip


def _version_note(version: DatasetVersion) -> Part:
    words = version.note or version.source.rsplit("/", 1)[-1]
    tags = f"  {' '.join(version.tags)}" if version.tags else ""
    return Line((words, "ink"), (tags, "accent"))


def version_second(version: DatasetVersion) -> list[tuple[str, Part]]:
    """Contract verdict and what was made from it."""
    if version.verdict == "skipped":
        verdict = Line(("no contract", "quiet"))
    else:
        count = version.failure_count or version.warning_count
        noun = "failure" if version.failure_count else "warning"
        word = text.counted(count, noun) if count else version.verdict
        verdict = said(version.verdict, word)
    used = ", ".join(version.used_by[:2]) or "not used yet"
    return [("version", verdict), ("", Line((used, "quiet")))]


def dataset_columns() -> list[Column[Dataset]]:
    return [
        Column(key="name", cell=lambda each: each.name, grow=1, least=6, is_name=True,
               sort=lambda each: each.name),
        Column(key="verdict", cell=lambda each: sign(each.verdict) if each.verdict != "skipped"
               else EMPTY, width=1),
        Column(key="version", cell=lambda each: f"v{each.latest_version}" if each.latest_version
               else text.MISSING, align="right", ink="quiet"),
        Column(key="rows", cell=lambda each: text.count(each.latest_rows), align="right"),
        Column(key="shared", cell=_shared, align="right", ink="quiet", rank=60),
    ]  # fmt: skip


def _shared(dataset: Dataset) -> str:
    if not dataset.referenced_bytes:
        return text.MISSING
    return f"{text.byte_size(dataset.bytes)}"


def profile_columns(rows: int) -> list[Column[ColumnProfile]]:
    """One line a column of the data: type, nulls, distinct, spread, shape."""
    return [
        Column(key="column", head="column", cell=lambda each: each.name, least=8, is_name=True,
               is_pinned=True, sort=lambda each: each.name, width=15),
        Column(key="type", head="type", cell=lambda each: each.type.lower(), ink="quiet",
               rank=60, least=6, sort=lambda each: each.type),
        Column(key="null", head="null", align="right", cell=lambda each: _null(each),
               sort=lambda each: each.null_count, first_descending=True, meaning="missing values"),
        Column(key="distinct", head="distinct", align="right", rank=55,
               cell=lambda each: text.count(each.distinct_count),
               sort=lambda each: each.distinct_count, first_descending=True),
        Column(key="p5", head="p5", align="right", rank=50, ink="quiet",
               cell=lambda each: _quantile(each, _P5)),
        Column(key="median", head="median", align="right", rank=45,
               cell=lambda each: _quantile(each, _MEDIAN)),
        Column(key="p95", head="p95", align="right", rank=50, ink="quiet",
               cell=lambda each: _quantile(each, _P95)),
        Column(key="shape", head="distribution", width=HISTOGRAM_CELLS, rank=40,
               draw=lambda each, width: histogram(shape(each), width)),
        Column(key="top", head="most frequent", cell=_top, ink="quiet", grow=1, least=10, rank=65),
    ]  # fmt: skip


def _null(each: ColumnProfile) -> Part:
    missing = each.null_count + each.nan_count
    return text.percent(missing / each.n) if each.n and missing else Line(("–", "quiet"))


def _quantile(each: ColumnProfile, place: int) -> str:
    if len(each.quantiles) <= place:
        return ""
    value = each.quantiles[place]
    if each.kind == "timestamp":
        return f"{datetime.fromtimestamp(value):%Y-%m-%d}"
    return text.general(value)


def _top(each: ColumnProfile) -> str:
    if each.kind not in ("categorical", "text") or not each.n:
        return ""
    return ", ".join(f"{value} {text.percent(count / each.n, 0)}" for value, count in each.top[:3])


def shape(each: ColumnProfile) -> tuple[float, ...]:
    """Shares to draw: bins of equal width for numbers, the most frequent values for texts."""
    shares = histogram_rules.shape(each, HISTOGRAM_CELLS)
    if shares:
        return shares
    total = sum(count for _, count in each.top) + each.other_count
    return tuple(count / total for _, count in each.top[:HISTOGRAM_CELLS]) if total else ()


def moved_columns() -> list[Column[ColumnDrift]]:
    """Worst first: PSI with its interval, both shapes on the same bins, the medians."""
    return [
        Column(key="sign", cell=lambda each: sign(each.verdict), width=1, is_pinned=True),
        Column(key="column", head="column", cell=lambda each: each.column, least=8, width=15,
               is_name=True, is_pinned=True),
        Column(key="psi", head="PSI", align="right", cell=_moved_value),
        Column(key="interval", head="95 % interval", align="right", ink="quiet", rank=60,
               cell=lambda each: text.interval(each.primary.ci_low, each.primary.ci_high, 2)),
        Column(key="before", head="before", width=HISTOGRAM_CELLS, rank=50,
               draw=lambda each, width: histogram(each.before, width)),
        Column(key="after", head="after", width=HISTOGRAM_CELLS, rank=50,
               draw=lambda each, width: histogram(
                   each.after, width, ink="fill" if each.verdict == "fail" else "faint")),
        Column(key="medians", head="median", align="right", cell=medians, rank=55),
    ]  # fmt: skip


def _moved_value(each: ColumnDrift) -> Line:
    shown = metrics.show(each.primary.value, each.primary.name)
    return Line((shown, value_ink(each.verdict)))


def medians(each: ColumnDrift) -> Part:
    """`57 → 70`, or that it is within noise."""
    if state(each.verdict).is_quiet:
        return Line(("≈", "quiet"))
    if each.median_before is None or each.median_after is None:
        new = ", ".join(value for value, _ in each.new_values[:2])
        return Line((f"new: {new}" if new else "", "quiet"))
    return f"{text.general(each.median_before)} → {text.general(each.median_after)}"


def moved_chart(each: ColumnDrift, before: str, after: str) -> Chart | None:
    """Both distributions of one column, drawn large; None for categories."""
    if not each.edges or len(each.edges) < 2:
        return None
    middles = [(a + b) / 2 for a, b in zip(each.edges, each.edges[1:], strict=False)]
    was = [(x, 100 * y) for x, y in zip(middles, each.before, strict=False)]
    now = [(x, 100 * y) for x, y in zip(middles, each.after, strict=False)]
    return Chart(
        series=(
            Series(points=was, label=before, ink="quiet"),
            Series(points=now, label=after, ink="accent", is_judged=True),
        ),
        y=Axis(floor=0.0, write=lambda value: f"{value:g} %"),
    )


def rule_columns() -> list[Column[Result]]:
    """Contract results, worst first: what was asked, what was found."""
    return [
        Column(key="sign", cell=lambda each: sign(each.verdict), width=1, is_pinned=True),
        Column(key="rule", cell=_rule, least=12, grow=1, is_name=True),
        Column(key="limit", align="right", ink="quiet", rank=60,
               cell=lambda each: f"≤ {text.percent(each.threshold)}"
               if each.threshold is not None else text.MISSING),
        Column(key="found", align="right", cell=lambda each: Line(
            (text.percent(each.value), value_ink(each.verdict)))),
    ]  # fmt: skip


def _rule(result: Result) -> Part:
    scope = result.scope.removeprefix("column:")
    return Line((f"{scope} " if scope else "", "ink"), (result.name.replace("_", " "), "quiet"))


def row_columns(page: Rows) -> list[Column[tuple[str | None, ...]]]:
    """The columns of a page of rows, nulls shown as such."""

    def cell(place: int) -> Column[tuple[str | None, ...]]:
        is_number = any(word in page.types[place] for word in ("INT", "DOUBLE", "DECIMAL", "FLOAT"))

        def write(row: tuple[str | None, ...]) -> Part:
            value = row[place]
            return Line(("–", "quiet")) if value is None else value

        return Column(key=page.columns[place], head=page.columns[place], cell=write,
                      align="right" if is_number else "left", is_pinned=place == 0)  # fmt: skip

    return [cell(place) for place in range(len(page.columns))]
