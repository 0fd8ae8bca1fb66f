"""What a threshold would have done: counts, shares, cost, each with its interval.

Standard library only and microseconds per call: a screen asks at every key press. Invariant: every
figure follows from the four counts, the cost model and, when it is moved, the prevalence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from console.rules.intervals import poisson_rate, wilson, z_value
from console.rules.thresholds.grid import Curves, curves_of
from storage.records.pipelines import Cost
from storage.records.thresholds import ScoreGrid

Cells = tuple[float, float, float, float]
"""Shares or counts of tp, fp, fn, tn."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything at one threshold. Undefined figures (no row said yes …) are absent."""

    threshold: float
    """On its grid line: at or just above the one asked for."""
    tp: int
    fp: int
    fn: int
    tn: int
    by_name: dict[str, Figure]
    """`recall precision specificity npv f1 mcc lr_plus lr_minus alert_ratio cost_per_1000`,
    `alerts_per_day` when the traffic is known."""


def f1(cells: Cells) -> float:
    tp, fp, fn, _ = cells
    return _over(2 * tp, 2 * tp + fp + fn)


def mcc(cells: Cells) -> float:
    tp, fp, fn, tn = cells
    scale = math.sqrt(max(0.0, (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))
    return _over(tp * tn - fp * fn, scale)


def cost_of(cells: Cells, cost: Cost) -> float:
    """Cost of all the cells together, in the team's unit; gains count negative."""
    tp, fp, fn, tn = cells
    return (
        cost.false_positive * fp
        + cost.false_negative * fn
        - cost.true_positive_gain * tp
        - cost.true_negative_gain * tn
        + cost.review * (tp + fp)
    )


RATIOS: Final[dict[str, Callable[[Cells], float]]] = {
    "recall": lambda c: _over(c[0], c[0] + c[2]),
    "precision": lambda c: _over(c[0], c[0] + c[1]),
    "specificity": lambda c: _over(c[3], c[3] + c[1]),
    "npv": lambda c: _over(c[3], c[3] + c[2]),
    "alert_ratio": lambda c: _over(c[0] + c[1], sum(c)),
}
OTHERS: Final[dict[str, Callable[[Cells], float]]] = {
    "f1": f1,
    "mcc": mcc,
    "lr_plus": lambda c: _over(c[0] * (c[1] + c[3]), c[1] * (c[0] + c[2])),
    "lr_minus": lambda c: _over(c[2] * (c[1] + c[3]), c[3] * (c[0] + c[2])),
}
_PARTS: Final = {
    "recall": ((0,), (0, 2)),
    "precision": ((0,), (0, 1)),
    "specificity": ((3,), (3, 1)),
    "npv": ((3,), (3, 2)),
    "alert_ratio": ((0, 1), (0, 1, 2, 3)),
}


def counts_at(curves: Curves, line: int) -> tuple[int, int, int, int]:
    """tp, fp, fn, tn when the bins from `line` on say yes."""
    tp, fp = curves.tp[line], curves.fp[line]
    return tp, fp, curves.positives - tp, curves.negatives - fp


def figures_at(
    curves: Curves,
    threshold: float,
    cost: Cost,
    *,
    prevalence: float | None = None,
    rows_per_day: float | None = None,
    confidence: float = 0.95,
) -> Figures:
    """All figures at the grid line of `threshold`.

    `prevalence` (0..1, exclusive) replaces the share of positives of the evaluation, which is
    often enriched; counts stay those of the evaluation. Shares have Wilson's interval, the rest
    is linearised; alerts a day also vary by chance from day to day (Poisson).
    """
    line = curves.line(threshold)
    counts = counts_at(curves, line)
    cells: Cells = counts
    if prevalence is not None:
        cells = _reweighted(curves, line, prevalence)
    found: dict[str, Figure] = {}
    for name, function in (RATIOS | OTHERS).items():
        value = function(cells)
        if not math.isfinite(value):
            continue
        if name in RATIOS and (prevalence is None or name in ("recall", "specificity")):
            some, of = _PARTS[name]
            low, high = wilson(sum(counts[i] for i in some), sum(counts[i] for i in of), confidence)
        else:
            half = _half_width(function, curves, line, prevalence, confidence)
            low, high = value - half, value + half
            low = max(-1.0 if name == "mcc" else 0.0, low)
            high = high if name.startswith("lr_") else min(1.0, high)
        found[name] = Figure(value, low, high)
    if curves.n:

        def per_1000(c: Cells) -> float:
            return _over(1000 * cost_of(c, cost), sum(c))

        half = _half_width(per_1000, curves, line, prevalence, confidence)
        value = per_1000(cells)
        found["cost_per_1000"] = Figure(value, value - half, value + half)
    if rows_per_day is not None and "alert_ratio" in found:
        found["alerts_per_day"] = _alerts(found["alert_ratio"], rows_per_day, confidence)
    tp, fp, fn, tn = counts
    return Figures(threshold=curves.threshold(line), tp=tp, fp=fp, fn=fn, tn=tn, by_name=found)


def figures(grid: ScoreGrid, threshold: float, cost: Cost) -> dict[str, float]:
    """Values alone, by name, with the counts: what a ledger keeps of a decision."""
    found = figures_at(curves_of(grid), threshold, cost)
    counts = {"tp": found.tp, "fp": found.fp, "fn": found.fn, "tn": found.tn}
    return counts | {name: figure.value for name, figure in found.by_name.items()}


def figures_by_slice(grid: ScoreGrid, threshold: float, cost: Cost) -> dict[str, Figures]:
    """The same threshold on every slice of the grid."""
    return {part.name: figures_at(curves_of(grid, part), threshold, cost) for part in grid.slices}


def curve(
    curves: Curves,
    name: str,
    cost: Cost,
    *,
    points: int = 201,
    prevalence: float | None = None,
) -> tuple[tuple[float, Figure | None], ...]:
    """(threshold, figure) at evenly spaced thresholds 0…1, for a chart; intervals are pointwise.

    None where the figure is not defined.
    """
    steps = (i / (points - 1) for i in range(points))
    found = (figures_at(curves, t, cost, prevalence=prevalence) for t in steps)
    return tuple((each.threshold, each.by_name.get(name)) for each in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One threshold against another on the same rows, new − old."""

    cost_per_1000: Figure
    caught: int
    """More positives said yes."""
    alerts: int
    """More rows said yes, of `n`."""
    n: int
    alerts_per_day: Figure | None = None


def change(
    curves: Curves,
    new: float,
    old: float,
    cost: Cost,
    *,
    rows_per_day: float | None = None,
    confidence: float = 0.95,
) -> Change:
    """What moving the threshold from `old` to `new` would have changed; paired, so only the rows
    between the two matter and the interval is narrow."""
    one, other = curves.line(new), curves.line(old)
    caught = curves.tp[one] - curves.tp[other]
    more_fp = curves.fp[one] - curves.fp[other]
    value, half = difference(curves, one, other, cost, confidence)
    per_day = None
    if rows_per_day is not None and curves.n:
        moved = abs(caught) + abs(more_fp)
        low, high = poisson_rate(moved, curves.n, confidence)
        ends = sorted((math.copysign(end, caught + more_fp) * rows_per_day) for end in (low, high))
        per_day = Figure((caught + more_fp) / curves.n * rows_per_day, ends[0], ends[1])
    return Change(
        cost_per_1000=Figure(value, value - half, value + half),
        caught=caught,
        alerts=caught + more_fp,
        n=curves.n,
        alerts_per_day=per_day,
    )


def difference(
    curves: Curves, line: int, other: int, cost: Cost, confidence: float = 0.95
) -> tuple[float, float]:
    """Cost per 1 000 at `line` − at `other`, and half the width of its paired interval."""
    n = curves.n
    if n == 0:
        return math.nan, math.nan
    positives = curves.tp[line] - curves.tp[other]
    negatives = curves.fp[line] - curves.fp[other]
    # What one more yes costs, for a row of either class.
    of_positive = cost.review - cost.false_negative - cost.true_positive_gain
    of_negative = cost.review + cost.false_positive + cost.true_negative_gain
    mean = (positives * of_positive + negatives * of_negative) / n
    square = (abs(positives) * of_positive**2 + abs(negatives) * of_negative**2) / n
    error = math.sqrt(max(0.0, square - mean * mean) / n)
    return 1000 * mean, 1000 * z_value(confidence) * error


def _reweighted(curves: Curves, line: int, prevalence: float) -> Cells:
    recall = _over(curves.tp[line], curves.positives)
    fall_out = _over(curves.fp[line], curves.negatives)
    return _at_rates(recall, fall_out, prevalence)


def _at_rates(recall: float, fall_out: float, prevalence: float) -> Cells:
    return (
        prevalence * recall,
        (1 - prevalence) * fall_out,
        prevalence * (1 - recall),
        (1 - prevalence) * (1 - fall_out),
    )


def _half_width(
    function: Callable[[Cells], float],
    curves: Curves,
    line: int,
    prevalence: float | None,
    confidence: float,
) -> float:
    """By linearising: recall and fall-out vary as shares of their class, and, unless it is given,
    the prevalence as a share of all rows."""
    positives, negatives, n = curves.positives, curves.negatives, curves.n
    if not positives or not negatives:
        return 0.0
    recall, fall_out = curves.tp[line] / positives, curves.fp[line] / negatives
    share = positives / n if prevalence is None else prevalence
    centre = [recall, fall_out, share]
    spreads = [recall * (1 - recall) / positives, fall_out * (1 - fall_out) / negatives]
    if prevalence is None:
        spreads.append(share * (1 - share) / n)
    variance = 0.0
    for index, spread in enumerate(spreads):
        if spread <= 0:
            continue
        step = 1e-5 * min(centre[index], 1 - centre[index])
        up, down = centre.copy(), centre.copy()
        up[index] += step
        down[index] -= step
        slope = (function(_at_rates(*up)) - function(_at_rates(*down))) / (2 * step)
        if math.isfinite(slope):
            variance += slope * slope * spread
    return z_value(confidence) * math.sqrt(variance)


def _alerts(ratio: Figure, rows_per_day: float, confidence: float) -> Figure:
    """Alerts a day: the share is known only so well, and a day has its own chance."""
    expected = ratio.value * rows_per_day
    low, high = poisson_rate(round(expected), 1.0, confidence)
    below = math.hypot(expected - min(low, expected), (ratio.value - ratio.low) * rows_per_day)
    above = math.hypot(max(high, expected) - expected, (ratio.high - ratio.value) * rows_per_day)
    return Figure(expected, max(0.0, expected - below), expected + above)


def _over(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
