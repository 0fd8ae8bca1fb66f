"""Distributions of one column: small in a table cell, large in a pane."""

from __future__ import annotations

from console import text
from console.rules import histogram as histogram_rules
from console.tui.ink import Line
from console.tui.widgets.bars import progress
from console.tui.widgets.chart import Axis, Chart, Series
from storage.records.drift import ColumnDrift
from storage.records.profiles import ColumnProfile

HISTOGRAM_CELLS = 14
_BINS = 24
_VALUES = 12


def shape(each: ColumnProfile) -> tuple[float, ...]:
    """Shares to draw: bins of equal width for numbers, the most frequent values for texts."""
    shares = histogram_rules.shape(each, HISTOGRAM_CELLS)
    if shares:
        return shares
    total = sum(count for _, count in each.top) + each.other_count
    return tuple(count / total for _, count in each.top[:HISTOGRAM_CELLS]) if total else ()


def profile_chart(each: ColumnProfile) -> Chart | None:
    """One distribution, drawn large; None for categories."""
    shares = histogram_rules.shape(each, _BINS)
    low, high = histogram_rules.shown_range(each)
    if not shares or high <= low:
        return None
    step = (high - low) / len(shares)
    points = [(low + (i + 0.5) * step, 100 * share) for i, share in enumerate(shares)]
    return Chart(
        series=(Series(points=points, ink="accent", is_judged=True),),
        x=Axis(is_time=each.kind == "timestamp"),
        y=Axis(floor=0.0, write=lambda value: f"{value:g} %"),
        has_end_labels=False,
    )


def value_lines(
    profile: ColumnProfile | None, drift: ColumnDrift | None, width: int
) -> tuple[Line, ...]:
    """The values of a category with their shares, before and after where both are known."""
    if drift is not None and drift.labels:
        rows = list(zip(drift.labels, drift.before, drift.after, strict=False))
    elif profile is not None and profile.top and profile.n:
        rows = [(value, 0.0, count / profile.n) for value, count in profile.top]
    else:
        return ()
    name = min(24, max(len(value) for value, _, _ in rows[:_VALUES]))
    bar = max(4, width - name - 24)
    lines = []
    for value, before, after in rows[:_VALUES]:
        was = f"{text.percent(before, 1)} → " if before else ""
        lines.append(
            Line((text.pad(text.cut(text.clean(value), name), name), "ink"), "  ")
            + progress(after, bar, ink="fill")
            + Line((f"{was:>12}", "quiet"), (f"{text.percent(after, 1):>8}", "ink"))
        )
    return tuple(lines)
