"""Which threshold to take: the cheapest, how much that is worth, and how solid the choice is.

Standard library, except the bootstrap (numpy, loaded when asked for). Invariant: the optimum is
cheapest over all grid lines, and outside its flat stretch every line is distinguishably dearer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from console.rules.thresholds.figures import Cells, cost_of, counts_at, difference
from console.rules.thresholds.grid import Curves, curves_of, without
from storage.records.pipelines import Cost
from storage.records.thresholds import ScoreGrid


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    threshold: float
    """The middle of the run when several lines are equally cheap."""
    cost_per_1000: float
    flat_low: float
    """Below it every threshold is distinguishably dearer, as above `flat_high`: in between choose
    freely."""
    flat_high: float
    bayes: float | None
    """Best threshold of a calibrated score; a gap to `threshold` beyond the flat stretch means
    the score is not calibrated. None when saying yes always or never is best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Thresholds chosen on all folds but one, paid for on the one left out."""

    cost_per_1000: float
    regret: float
    """More than the in-sample minimum: what choosing on other rows costs."""
    thresholds: tuple[float, ...]
    """Chosen without each fold."""


def optimum(
    grid: ScoreGrid, cost: Cost, *, prevalence: float | None = None, confidence: float = 0.95
) -> Optimum:
    """The cheapest threshold of all grid lines and the stretch around it that is as good.

    As good means: the paired difference of cost on the same rows may be zero or less. Without
    rows the threshold is NaN.
    """
    curves = curves_of(grid)
    if curves.n == 0:
        nan = math.nan
        return Optimum(threshold=nan, cost_per_1000=nan, flat_low=nan, flat_high=nan, bayes=None)
    weights = _class_weights(curves, prevalence)
    costs = _costs(curves, cost, weights)
    best = _cheapest(costs)
    weighted = _weighted_cost(cost, weights)
    # From the far ends inwards: next to the optimum a handful of rows decides, and those are in
    # its favour because it was chosen for them.
    low, high = 0, len(costs) - 1
    while low < best and not _as_good(curves, low, best, weighted, confidence):
        low += 1
    while high > best and not _as_good(curves, high, best, weighted, confidence):
        high -= 1
    return Optimum(
        threshold=_shown(curves, best),
        cost_per_1000=costs[best],
        flat_low=_shown(curves, low),
        flat_high=_shown(curves, high),
        bayes=bayes_threshold(cost, _odds_shift(curves, prevalence)),
    )


def bayes_threshold(cost: Cost, odds_shift: float = 1.0) -> float | None:
    """The score above which yes is cheaper than no, for calibrated scores.

    `odds_shift` = odds of the scores' prevalence / odds of the one that counts. None when one
    answer is always the cheaper. Source: Elkan 2001.

    >>> from storage.records.pipelines import Cost
    >>> bayes_threshold(Cost(false_positive=1, false_negative=4))
    0.2
    """
    of_no = cost.false_negative + cost.true_positive_gain
    of_yes = cost.false_positive + cost.true_negative_gain + cost.review
    whole = of_no + of_yes - cost.review
    if whole <= 0 or not 0 < of_yes < whole:
        return None
    odds = of_yes / (whole - of_yes) * odds_shift
    return odds / (1 + odds)


def transfer(grid: ScoreGrid, cost: Cost) -> Transfer | None:
    """What the choice costs on rows it was not made on; None with fewer than two folds."""
    usable = [part for part in grid.folds if any(part.positives) or any(part.negatives)]
    if len(usable) < 2:
        return None
    chosen, paid, rows = [], 0.0, 0
    for part in usable:
        rest, left_out = without(grid, part), curves_of(grid, part)
        if rest.n == 0:
            return None
        line = _cheapest(_costs(rest, cost, (1.0, 1.0)))
        chosen.append(_shown(rest, line))
        paid += cost_of(counts_at(left_out, line), cost)
        rows += left_out.n
    whole = curves_of(grid)
    least = min(_costs(whole, cost, (1.0, 1.0)))
    per_1000 = 1000 * paid / rows
    return Transfer(cost_per_1000=per_1000, regret=per_1000 - least, thresholds=tuple(chosen))


def chosen_thresholds(
    grid: ScoreGrid, cost: Cost, *, draws: int = 500, seed: int = 0
) -> tuple[float, ...]:
    """The cheapest threshold in each of `draws` Poisson-weighted draws of the rows, rising.

    Their spread says how much of the choice is chance. Takes about a third of a second.
    """
    import numpy as np

    curves = curves_of(grid)
    if curves.n == 0:
        return ()
    rng = np.random.default_rng(seed)
    sides = []
    for counts in (grid.positives, grid.negatives):
        expected = np.asarray(counts, dtype=np.float64)
        drawn = np.zeros((draws, expected.size))
        filled = expected > 0
        drawn[:, filled] = rng.poisson(expected[filled], size=(draws, int(filled.sum())))
        reached = np.cumsum(drawn[:, ::-1], axis=1)[:, ::-1]
        sides.append(np.concatenate((reached, np.zeros((draws, 1))), axis=1))
    tp, fp = sides
    # Rows cancel out of what is compared: only what one more yes costs matters.
    of_positive = cost.review - cost.false_negative - cost.true_positive_gain
    of_negative = cost.review + cost.false_positive + cost.true_negative_gain
    costs = tp * of_positive + fp * of_negative
    lowest = costs.min(axis=1, keepdims=True)
    is_lowest = costs <= lowest + 1e-9
    first = is_lowest.argmax(axis=1)
    after = np.where(is_lowest, np.arange(costs.shape[1]), -1)
    run_end = np.array([_run_end(row, int(start)) for row, start in zip(after, first, strict=True)])
    lines = (first + run_end) // 2
    return tuple(sorted(_shown(curves, int(line)) for line in lines))


def _costs(curves: Curves, cost: Cost, weights: tuple[float, float]) -> list[float]:
    """Cost per 1 000 at every grid line."""
    positive, negative = weights
    total = curves.positives * positive + curves.negatives * negative
    scale = 1000.0 / total
    result = []
    for line in range(len(curves.tp)):
        tp, fp, fn, tn = counts_at(curves, line)
        cells: Cells = (tp * positive, fp * negative, fn * positive, tn * negative)
        result.append(scale * cost_of(cells, cost))
    return result


def _cheapest(costs: list[float]) -> int:
    """The middle of the first run of lowest costs."""
    lowest = min(costs)
    slack = 1e-9 * max(1.0, abs(lowest))
    first = next(i for i, value in enumerate(costs) if value <= lowest + slack)
    last = first
    while last + 1 < len(costs) and costs[last + 1] <= lowest + slack:
        last += 1
    return (first + last) // 2


def _as_good(curves: Curves, line: int, best: int, cost: Cost, confidence: float) -> bool:
    dearer, half = difference(curves, line, best, cost, confidence)
    return dearer - half <= 1e-9


def _class_weights(curves: Curves, prevalence: float | None) -> tuple[float, float]:
    if prevalence is None or not curves.positives or not curves.negatives:
        return 1.0, 1.0
    return (
        prevalence * curves.n / curves.positives,
        (1 - prevalence) * curves.n / curves.negatives,
    )


def _weighted_cost(cost: Cost, weights: tuple[float, float]) -> Cost:
    """Costs per row of the evaluation that stand for another prevalence."""
    positive, negative = weights
    if positive == negative == 1.0:
        return cost
    return Cost(
        false_positive=(cost.false_positive + cost.review) * negative,
        false_negative=(cost.false_negative - cost.review) * positive,
        true_positive_gain=cost.true_positive_gain * positive,
        true_negative_gain=cost.true_negative_gain * negative,
    )


def _odds_shift(curves: Curves, prevalence: float | None) -> float:
    if prevalence is None or not curves.positives or not curves.negatives:
        return 1.0
    return curves.positives / curves.negatives * (1 - prevalence) / prevalence


def _shown(curves: Curves, line: int) -> float:
    return min(1.0, curves.threshold(line))


def _run_end(marks: object, start: int) -> int:
    """Last index of the unbroken run of marks (index or −1) that begins at `start`."""
    end = start
    values = list(marks)  # type: ignore[call-overload]  # one row of an array
    while end + 1 < len(values) and values[end + 1] == end + 1:
        end += 1
    return end
