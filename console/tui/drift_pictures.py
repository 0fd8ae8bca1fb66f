"""How far one column moved, drawn large: shared by the areas that show data and what is served."""

from __future__ import annotations

from console import text
from console.rules import metrics
from console.tui.ink import Line
from console.tui.signs import said
from console.tui.widgets.chart import Axis, Chart, Series
from storage.records.drift import ColumnDrift


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


def moved_in_words(each: ColumnDrift) -> Line:
    """Its standing with the value and the interval that decided: `✗ PSI 0.41, 0.37 to 0.45`."""
    own = each.primary
    interval = text.interval(own.ci_low, own.ci_high, 2)
    name = metrics.label_of(own.name)
    if own.name != "psi":
        return said(each.standing, f"{name} {metrics.show(own.value, own.name)}")
    return said(each.standing, f"{name} {text.fixed(own.value, 2)}, {interval}")
