"""All columns of two profiles, worst first, with control for looking at many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from console import text
from console.rules import metrics
from console.rules.drift.columns import CARRIERS, column_drift
from console.rules.drift.lines import Q_LIMIT
from console.rules.multiplicity import benjamini_hochberg
from console.rules.verdicts import WORST_FIRST, worst
from storage.records.drift import ColumnDrift, DriftReport
from storage.records.profiles import Profile
from storage.records.results import Result


def profile_drift(
    reference: Profile, current: Profile, weights: Mapping[str, float] | None = None
) -> DriftReport:
    """How far every common column moved, worst first.

    `weights` are importances of columns for a model, ≥ 0; absent ones count 0 when any are given.
    A column is drifted when its effect is above the warn line with its whole interval, its q over
    all columns is ≤ 0.05 and it moved more than it does by itself.
    """
    now = {column.name: column for column in current.columns}
    known = {column.name for column in reference.columns}
    found = [
        replace(
            column_drift(column, now[column.name]),
            weight=1.0 if weights is None else max(0.0, weights.get(column.name, 0.0)),
        )
        for column in reference.columns
        if column.name in now
    ]
    columns = sorted(_decided(found, current.rows), key=_badness)
    drifted = [column for column in columns if column.is_drifted]
    total = math.fsum(column.weight for column in columns)
    report = DriftReport(
        rows_before=reference.rows,
        rows_after=current.rows,
        columns=tuple(columns),
        drifted_count=len(drifted),
        drifted_weight=math.fsum(c.weight for c in drifted) / total if total > 0 else 0.0,
        missing_columns=tuple(c.name for c in reference.columns if c.name not in now),
        added_columns=tuple(name for name in now if name not in known),
        verdict=worst("pass" if column.is_usual else column.verdict for column in columns),
    )
    return replace(report, words=_words(report, drifted, has_weights=weights is not None))


def _decided(columns: list[ColumnDrift], rows: int) -> list[ColumnDrift]:
    """q-values over every deciding statistic of every column, then who drifted."""
    places: list[tuple[int, int]] = []  # column, position among (primary, *supports)
    p_values: list[float] = []
    for index, column in enumerate(columns):
        for position, result in enumerate((column.primary, *column.supports)):
            if result.name in CARRIERS and result.p_value is not None:
                places.append((index, position))
                p_values.append(result.p_value)
    adjusted = dict(zip(places, benjamini_hochberg(p_values), strict=True))
    decided = []
    for index, column in enumerate(columns):
        results = [
            replace(result, q_value=adjusted.get((index, position)))
            for position, result in enumerate((column.primary, *column.supports))
        ]
        known = replace(column, primary=results[0], supports=tuple(results[1:]))
        moved = [each for each in results if _is_drift(each, known)]
        decided.append(replace(known, is_drifted=bool(moved), words=_explained(known, moved, rows)))
    return decided


def _is_drift(result: Result, column: ColumnDrift) -> bool:
    if result.name not in CARRIERS or result.verdict not in ("warn", "fail", "inconclusive"):
        return False
    low, warn, value = result.ci_low, result.target, result.value
    if low is None or warn is None or value is None or result.q_value is None:
        return False
    # A PSI may stay in cells where the rows often are, and still be further away than ever.
    others = (column.yardstick, _outside(column)) if result.name == "psi" else ()
    is_unusual = any(each is not None and _is_beyond(each) for each in (result, *others))
    return low > warn and result.q_value <= Q_LIMIT and is_unusual


def _outside(column: ColumnDrift) -> Result | None:
    """The share of rows outside all that the reference had, when that is not a few.

    Of rows from the same source it rarely is a tenth, however alike neighbours are.
    """
    for each in column.supports:
        if each.name == "outside_share" and (each.ci_low or 0.0) > (each.target or 1.0):
            return each
    return None


def _is_beyond(result: Result) -> bool:
    return result.value is not None and result.value > (result.noise or 0.0)


def _explained(column: ColumnDrift, moved: list[Result], rows: int) -> str:
    """`temp moved 3.31 σ; by itself at most 2.21 σ in 4 194 rows`."""
    own = column.yardstick
    outside = _outside(column)
    if moved and outside is not None and outside.value is not None:
        share = metrics.show(outside.value, outside.name)
        return f"{column.column}: {share} of its rows lie outside all values of the reference"
    if moved and not (own.name == "wasserstein" and _is_beyond(own)):
        own = max(moved, key=_effect)
    if own.value is None or not (moved or column.is_usual):
        return ""
    if own.noise is None:
        label = metrics.label_of(own.name)
        return f"{column.column}: {label} {metrics.show(own.value, own.name)}"
    shown, most = (metrics.show(value, own.name) for value in (own.value, own.noise))
    words = f"{column.column} moved {shown}"
    if own.name != "wasserstein":
        words = f"{column.column}: {metrics.label_of(own.name)} {shown}"
        if not any(key == "noise" for key, _ in own.detail):
            return f"{words}; chance alone reaches {most}"
    return f"{words}; by itself {'at most' if moved else 'up to'} {most} in {text.count(rows)} rows"


def _badness(column: ColumnDrift) -> tuple[int, bool, bool, float, str]:
    return (
        WORST_FIRST.index("pass" if column.is_usual else column.verdict),
        not column.is_drifted,
        not column.is_usual,
        -max(_effect(each) for each in (column.primary, *column.supports)),
        column.column,
    )


def _effect(result: Result) -> float:
    """Size against the fail line, on the scale of a mean that moves; PSI grows with its square."""
    if result.name not in CARRIERS or not result.value or not result.threshold:
        return 0.0
    ratio = max(0.0, result.value / result.threshold)
    return math.sqrt(ratio) if result.name == "psi" else ratio


def _words(report: DriftReport, drifted: list[ColumnDrift], *, has_weights: bool) -> str:
    if not report.columns:
        return "the two have no column in common"
    columns = text.counted(len(report.columns), "column")
    if not drifted:
        unclear = sum(column.verdict == "inconclusive" for column in report.columns)
        beyond = sum(column.verdict in ("warn", "fail") for column in report.columns)
        words = f"none of {columns} moved beyond the warn line"
        if beyond:
            words = (
                f"{beyond} of {columns} moved beyond the warn line, "
                "none further than chance or its own habit takes it"
            )
        return f"{words}, {unclear} cannot be told yet" if unclear else words
    named = [f"{column.column} ({_figure(column)})" for column in drifted[:3]]
    if len(drifted) > 3:
        named.append(f"{len(drifted) - 3} more")
    words = f"{len(drifted)} of {columns} moved: {text.listed(named)}"
    if has_weights:
        words += f"; they carry {text.percent(report.drifted_weight, 0)} of the model's importance"
    return words


def _figure(column: ColumnDrift) -> str:
    """The statistic for which a column counts as drifted: `PSI 0.41`."""
    results = column.primary, *column.supports
    deciding = max(results, key=lambda r: (_is_drift(r, column), _effect(r)))
    value = metrics.show(deciding.value, deciding.name)
    return f"{metrics.label_of(deciding.name)} {value}"
