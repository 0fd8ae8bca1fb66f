"""Columns of the data area's tables: versions, column profiles, what moved, rules, rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from console import text
from console.rules import metrics
from console.rules.contract_words import allowed, value_of
from console.tui.areas.data.shapes import HISTOGRAM_CELLS, shape
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import said, sign, state, value_ink
from console.tui.widgets.bars import histogram, sparkline
from console.tui.widgets.table_layout import Column
from console.wire.datasets import Rows
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.drift import ColumnDrift
from storage.records.profiles import QUANTILES, ColumnProfile
from storage.records.results import Result

HISTORY_CELLS = 8
_SPREAD = tuple(QUANTILES.index(q) for q in (0.05, 0.5, 0.95))


def version_columns(
    now: datetime | None, changes: Mapping[int, int], *, baseline: str, is_short: bool
) -> list[Column[DatasetVersion]]:
    """A timeline. Short terminals get one line a version, with contract and use as columns."""

    def when(each: DatasetVersion) -> str:
        return text.clock(each.created_at, now or each.created_at, seconds=False)

    def change(each: DatasetVersion) -> str:
        return text.delta(changes.get(each.version), 0)

    def bullet(each: DatasetVersion) -> Line:
        return sign("baseline" if str(each.version) == baseline else "version")

    columns: list[Column[DatasetVersion]] = [
        Column(key="bullet", cell=bullet, width=1, is_bullet=True,
               is_pinned=True),
        Column(key="version", cell=lambda each: f"v{each.version}", width=3, is_name=True,
               sort=lambda each: each.version, first_descending=True, is_pinned=True),
        Column(key="note", head="note", cell=_version_note, least=8, grow=1,
               meaning="what the version brought, and its tags"),
        Column(key="when", head="added", cell=when, ink="quiet", rank=60,
               sort=lambda each: each.created_at, first_descending=True),
        Column(key="rows", head="rows", cell=lambda each: text.count(each.rows), align="right",
               sort=lambda each: each.rows, first_descending=True),
        Column(key="change", head="change", cell=change, align="right", ink="quiet", rank=55,
               meaning="rows more or less than in the version before"),
    ]  # fmt: skip
    if is_short:
        columns += [
            Column(key="contract", head="contract", cell=contract_words, least=8, rank=40,
                   sort=lambda each: (-each.failure_count, -each.warning_count),
                   meaning="whether the declared contract holds"),
            Column(key="used", head="used by", ink="quiet", least=10, rank=65,
                   cell=lambda each: ", ".join(each.used_by[:2]) or text.MISSING),
        ]  # fmt: skip
    return columns


def contract_words(version: DatasetVersion) -> Line:
    """Verdict of the contract with the number of rules behind it."""
    if version.verdict == "skipped":
        return Line(("none", "quiet"))
    count = version.failure_count or version.warning_count
    noun = "failure" if version.failure_count else "warning"
    return said(version.verdict, text.counted(count, noun) if count else version.verdict)


def _version_note(version: DatasetVersion) -> Part:
    words = version.note or version.source.rsplit("/", 1)[-1]
    tags = f"  {' '.join(version.tags)}" if version.tags else ""
    return Line((words, "ink"), (tags, "accent"))


def version_second(version: DatasetVersion) -> list[tuple[str, Part]]:
    """Contract verdict and what was made from it."""
    used = ", ".join(version.used_by[:2]) or "not used yet"
    verdict = contract_words(version)
    return [("version", verdict), ("", Line((used, "quiet")))]


def dataset_columns() -> list[Column[Dataset]]:
    return [
        Column(key="name", cell=lambda each: each.name, grow=1, least=6, is_name=True,
               sort=lambda each: each.name),
        Column(key="verdict", cell=lambda each: sign(each.verdict) if each.verdict != "skipped"
               else EMPTY, width=1),
        Column(key="version", cell=lambda each: f"v{each.latest_version}" if each.latest_version
               else text.MISSING, align="right", ink="quiet"),
        Column(key="history", width=HISTORY_CELLS, rank=55, meaning="rows of the last versions",
               draw=lambda each, width: sparkline(each.rows_history, width)),
        Column(key="rows", cell=lambda each: text.count(each.latest_rows), align="right"),
        Column(key="shared", cell=_shared, align="right", ink="quiet", rank=60),
    ]  # fmt: skip


def _shared(dataset: Dataset) -> str:
    if not dataset.referenced_bytes:
        return text.MISSING
    return f"{text.byte_size(dataset.bytes)}"


def profile_columns() -> list[Column[ColumnProfile]]:
    """One line a column of the data: type, nulls, distinct, spread, shape."""
    return [
        Column(key="column", head="column", cell=lambda each: each.name, least=8, is_name=True,
               is_pinned=True, sort=lambda each: each.name),
        Column(key="type", head="type", cell=lambda each: each.type.lower(), ink="quiet",
               rank=60, least=6, sort=lambda each: each.type),
        Column(key="null", head="null", align="right", cell=lambda each: _null(each),
               sort=lambda each: each.null_count, first_descending=True, meaning="missing values"),
        Column(key="distinct", head="distinct", align="right", rank=55,
               cell=lambda each: text.count(each.distinct_count),
               sort=lambda each: each.distinct_count, first_descending=True),
        Column(key="p5", head="p5", align="right", rank=50, ink="quiet",
               cell=lambda each: _spread(each, 0),
               meaning="5 of 100 values are smaller; of a text the most frequent value"),
        Column(key="median", head="median", align="right", rank=45,
               cell=lambda each: _spread(each, 1)),
        Column(key="p95", head="p95", align="right", rank=50, ink="quiet",
               cell=lambda each: _spread(each, 2)),
        Column(key="shape", head="distribution", width=HISTOGRAM_CELLS, rank=40,
               draw=lambda each, width: histogram(shape(each), width)),
    ]  # fmt: skip


def _null(each: ColumnProfile) -> Part:
    missing = each.null_count + each.nan_count
    return text.percent(missing / each.n) if each.n and missing else Line(("–", "quiet"))


def _spread(each: ColumnProfile, place: int) -> str:
    """A quantile; of a text one of the three most frequent values with its share."""
    if each.kind in ("categorical", "text"):
        if place >= len(each.top) or not each.n:
            return ""
        word, count = each.top[place]
        return f"{text.cut(text.clean(word), 8)} {text.percent(count / each.n, 0)}"
    if len(each.quantiles) <= max(_SPREAD):
        return ""
    value = each.quantiles[_SPREAD[place]]
    if each.kind == "timestamp":
        ends = [datetime.fromtimestamp(each.quantiles[at], UTC) for at in _SPREAD]
        is_long = ends[0].year != ends[-1].year
        return f"{datetime.fromtimestamp(value, UTC):{'%Y-%m' if is_long else '%d %b'}}"
    return text.general(value)


def moved_columns() -> list[Column[ColumnDrift]]:
    """Worst first: PSI with its interval, both shapes on the same bins, the medians."""
    return [
        Column(key="sign", cell=lambda each: sign(each.standing), width=1, is_pinned=True),
        Column(key="column", head="column", cell=lambda each: each.column, least=8,
               is_name=True, is_pinned=True, sort=lambda each: each.column),
        Column(key="psi", head="PSI", align="right", cell=_moved_value,
               sort=lambda each: each.primary.value, first_descending=True,
               meaning="0.10 warns, 0.25 fails; below the noise it is chance"),
        Column(key="interval", head="95 % interval", align="right", ink="quiet", rank=60,
               cell=lambda each: text.interval(each.primary.ci_low, each.primary.ci_high, 2)),
        Column(key="moved", head="moved", align="right", rank=61,
               cell=lambda each: metrics.show(each.yardstick.value, each.yardstick.name),
               sort=lambda each: each.yardstick.value, first_descending=True,
               meaning="in σ where the column has an order, else as it is judged"),
        Column(key="itself", head="by itself", align="right", ink="quiet", rank=61,
               cell=lambda each: metrics.show(each.yardstick.noise, each.yardstick.name),
               meaning="what chance and the column's own habit reach in as many rows"),
        Column(key="before", head="before", width=HISTOGRAM_CELLS, rank=50,
               draw=lambda each, width: histogram(each.before, width)),
        Column(key="after", head="after", width=HISTOGRAM_CELLS, rank=50,
               draw=lambda each, width: histogram(
                   each.after, width, ink="fill" if each.standing == "fail" else "faint")),
        Column(key="medians", head="median", align="right", cell=medians, rank=55),
    ]  # fmt: skip


def _moved_value(each: ColumnDrift) -> Line:
    name = each.primary.name
    value = each.primary.value
    shown = text.fixed(value, 2) if name == "psi" else metrics.show(value, name)
    return Line((shown, value_ink(each.standing)))


def medians(each: ColumnDrift) -> Part:
    """`57 → 70`, or that it is within noise."""
    if state(each.verdict).is_quiet:
        return Line(("≈", "quiet"))
    if each.median_before is None or each.median_after is None:
        new = ", ".join(value for value, _ in each.new_values[:2])
        return Line((f"new: {new}" if new else "", "quiet"))
    return f"{text.general(each.median_before)} → {text.general(each.median_after)}"


def rule_columns() -> list[Column[Result]]:
    """Contract results, worst first: what was asked, what was found."""
    return [
        Column(key="sign", cell=lambda each: sign(each.verdict), width=1, is_pinned=True),
        Column(key="rule", cell=_rule, least=12, grow=1, is_name=True),
        Column(key="limit", head="", align="right", ink="quiet", rank=60,
               cell=lambda each: allowed(each) or text.MISSING),
        Column(key="found", align="right", cell=lambda each: Line(
            (value_of(each, each.value) or text.MISSING, value_ink(each.verdict)))),
    ]  # fmt: skip


def _rule(result: Result) -> Part:
    scope = result.scope.removeprefix("column:")
    return Line((f"{scope} " if scope else "", "ink"), (result.name.replace("_", " "), "quiet"))


def row_columns(page: Rows) -> list[Column[tuple[str | None, ...]]]:
    """The columns of a page of rows after their number, nulls shown as such."""

    def cell(place: int) -> Column[tuple[str | None, ...]]:
        is_number = any(word in page.types[place] for word in ("INT", "DOUBLE", "DECIMAL", "FLOAT"))

        def write(row: tuple[str | None, ...]) -> Part:
            value = row[place + 1]
            return Line(("–", "quiet")) if value is None else value

        return Column(key=f"{place} {page.columns[place]}", head=page.columns[place], cell=write,
                      align="right" if is_number else "left")  # fmt: skip

    number: Column[tuple[str | None, ...]] = Column(
        key="#", head="#", cell=lambda row: row[0] or "", align="right", ink="quiet", is_pinned=True
    )
    return [number, *(cell(place) for place in range(len(page.columns)))]
