"""From the profile of a table to the draft of its contract, each rule with its evidence.

Pure decisions: `console.worker.data.inferring` gathers what they need. Invariant: every rule that
comes out holds for the data it came from, is a draft of severity `warn`, and says on what it rests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from console.rules.contract_sql import family_of
from console.rules.intervals import wilson
from console.rules.odcs_quality import DIMENSIONS
from console.text import percent
from storage.records.contracts import Contract, ContractColumn, LogicalType, Rule
from storage.records.profiles import ColumnProfile, Profile
from storage.records.sources import CellProblem

LEAST_REQUIRED_ROWS: Final = 1_000
"""Fewer rows without a null prove nothing; the upper end of the interval is tolerated instead."""
LEAST_UNIQUE_ROWS: Final = 100
MOST_CATEGORIES: Final = 50
MOST_CATEGORY_SHARE: Final = 0.05
WIDENING: Final = 0.1
"""Of the distance between the 1st and the 99th percentile, on both sides of a range."""
ROW_BAND: Final = 0.5
_KNOWN: Final[dict[str, LogicalType]] = {
    name: name
    for name in (
        "string", "integer", "number", "boolean", "date", "timestamp", "time", "array", "object",
    )
}  # fmt: skip


def infer(
    name: str,
    profile: Profile,
    *,
    formats: Mapping[str, tuple[str, str]] | None = None,
    problems: Sequence[CellProblem] = (),
    intervals_h: Sequence[float] = (),
) -> Contract:
    """Draft the contract of the table `name`.

    `formats` maps text columns to (format, pattern) that all of their values match, `problems` are
    cells that were not of their column's type, `intervals_h` the hours between past versions.
    """
    columns = []
    rules: list[Rule] = [Rule(id="fields", kind="fields", status="draft")]
    wrong = {problem.column: problem for problem in problems}
    for column in profile.columns:
        logical = _KNOWN.get(family_of(column.type), "any")
        columns.append(
            ContractColumn(
                name=column.name,
                logical_type=logical,
                physical_type=column.type if _is_plain(column.type) else "",
            )
        )
        if logical != "any":
            rules.append(_type(column, wrong.get(column.name)))
        rules.append(_required(column))
        rules.extend(_values(column, logical))
        if formats and column.name in formats:
            label, pattern = formats[column.name]
            rules.append(
                _draft(column, "pattern", f"all {_filled(column):,} values are {label}",
                       pattern=pattern)
            )  # fmt: skip
    rules.append(_row_count(profile.rows))
    rules.extend(_freshness(profile, intervals_h))
    return Contract(
        id=name,
        name=name,
        version="0.1.0",
        api_version="v3.2.0",
        status="draft",
        description=f"Drafted from {profile.rows:,} rows.",
        columns=tuple(columns),
        rules=tuple(rules),
    )


def _filled(column: ColumnProfile) -> int:
    return column.n - column.null_count


def _draft(
    column: ColumnProfile,
    kind: str,
    evidence: str,
    *,
    max_rate: float = 0.0,
    minimum: str = "",
    maximum: str = "",
    values: tuple[str, ...] = (),
    pattern: str = "",
) -> Rule:
    typed = next(each for each in DIMENSIONS if each == kind)
    return Rule(
        id=f"{column.name}.{kind}",
        kind=typed,
        columns=(column.name,),
        dimension=DIMENSIONS[typed],
        severity="warn",
        status="draft",
        max_rate=max_rate,
        minimum=minimum,
        maximum=maximum,
        values=values,
        pattern=pattern,
        description=evidence,
    )


def _type(column: ColumnProfile, problem: CellProblem | None) -> Rule:
    if problem is None:
        return _draft(column, "type", f"all {_filled(column):,} values are {column.type}")
    evidence = f"{problem.count:,} of {problem.n:,} values are not {column.type}"
    return _draft(column, "type", evidence, max_rate=_tolerance(problem.count, problem.n))


def _required(column: ColumnProfile) -> Rule:
    nulls, n = column.null_count, column.n
    share = percent(nulls / n) if n else percent(None)
    evidence = f"{nulls:,} of {n:,} are null ({share})"
    if not nulls and n >= LEAST_REQUIRED_ROWS:
        return _draft(column, "required", evidence)
    return _draft(column, "required", evidence, max_rate=_tolerance(nulls, n))


def _tolerance(count: int, n: int) -> float:
    """The upper end of the interval, rounded up to three digits: the data itself stays inside."""
    high = wilson(count, n)[1]
    if high >= 1.0 or high <= 0.0:
        return high
    scale = 10.0 ** (2 - math.floor(math.log10(high)))
    return min(math.ceil(high * scale) / scale, 1.0)


def _values(column: ColumnProfile, logical: LogicalType) -> list[Rule]:
    rules = []
    filled = _filled(column)
    if (
        column.distinct_is_exact
        and column.null_count == 0
        and column.distinct_count == column.n >= LEAST_UNIQUE_ROWS
    ):
        rules.append(_draft(column, "unique", f"{filled:,} values, all different"))
    is_listed = column.distinct_is_exact and column.other_count == 0 and column.top
    if (
        logical == "string"
        and is_listed
        and column.distinct_count <= MOST_CATEGORIES
        and column.distinct_count < MOST_CATEGORY_SHARE * max(filled, 1)
    ):
        values = tuple(sorted(value for value, _ in column.top))
        rules.append(
            _draft(column, "categories", f"{len(values)} values in {filled:,} rows", values=values)
        )
    if logical in ("integer", "number") and column.quantiles and column.min is not None:
        rules.append(_range(column, logical))
    return rules


def _range(column: ColumnProfile, logical: LogicalType) -> Rule:
    assert column.min is not None and column.max is not None
    low, high = column.min, column.max
    margin = WIDENING * (column.quantiles[-1] - column.quantiles[0])
    is_share = logical == "number" and low >= 0 and high <= 1
    wide_low, wide_high = low - margin, high + margin
    if is_share:
        wide_low, wide_high = 0.0, 1.0
    elif low >= 0:
        wide_low = max(wide_low, 0.0)
    if logical == "integer":
        wide_low, wide_high = math.floor(wide_low), math.ceil(wide_high)
    evidence = f"{_filled(column):,} values from {low:.10g} to {high:.10g}"
    return _draft(
        column,
        "range",
        evidence,
        minimum=_written(wide_low, down=True),
        maximum=_written(wide_high, down=False),
    )


def _written(limit: float, *, down: bool) -> str:
    """A limit with four digits, rounded outwards."""
    if float(limit).is_integer():
        return str(int(limit))
    scale = 10.0 ** (3 - math.floor(math.log10(abs(limit))))
    rounded = (math.floor if down else math.ceil)(limit * scale) / scale
    return str(int(rounded)) if rounded.is_integer() else repr(rounded)


def _row_count(rows: int) -> Rule:
    return Rule(
        id="row_count",
        kind="row_count",
        dimension=DIMENSIONS["row_count"],
        severity="warn",
        status="draft",
        minimum=str(math.floor(rows * (1 - ROW_BAND))),
        maximum=str(math.ceil(rows * (1 + ROW_BAND))),
        description=f"{rows:,} rows now, plus and minus {percent(ROW_BAND, 0)}",
    )


def _freshness(profile: Profile, intervals_h: Sequence[float]) -> list[Rule]:
    times = [column for column in profile.columns if column.kind == "timestamp" and column.max]
    if not times or not intervals_h:
        return []
    newest = max(times, key=lambda column: column.max or 0.0)
    hours = median(intervals_h)
    evidence = f"versions came every {hours:.3g} h (median of {len(intervals_h)})"
    return [_draft(newest, "freshness", evidence, maximum=_written(2 * hours, down=False))]


def _is_plain(type_name: str) -> bool:
    return len(type_name) <= 40 and not type_name.startswith("ENUM")
