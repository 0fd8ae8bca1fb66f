"""Quality of served predictions before, and while, labels come in.

Standard library only; counts per score bin are enough, so a million requests cost no more than a
thousand. Estimates without labels hold while the relationship of the training data still holds:
they cannot see that P(y | x) changed, and must never pass a gate by themselves. What disagrees with
matured labels beyond both intervals is the sign of exactly that (`disagree`).
Source: confidence-based performance estimation, NannyML; Guillory et al. 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from console.rules.intervals import Interval, z_value
from console.rules.thresholds.figures import OTHERS, RATIOS, Cells

SUPPORT_ROWS: Final = 30
COARSE_BINS: Final = 64
"""Support is looked at on so many stretches of the score axis."""


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Live predictions of one score: so many, decided one way."""

    place: int
    """Bin of the score grid; larger = more positive."""
    decision: bool
    n: int


@dataclass(frozen=True, slots=True)
class Estimated:
    """A metric that is expected if the relationship still holds."""

    value: float
    low: float
    high: float
    n: int


def _accuracy(cells: Cells) -> float:
    return (cells[0] + cells[3]) / sum(cells) if sum(cells) else math.nan


def _balanced(cells: Cells) -> float:
    return 0.5 * (RATIOS["recall"](cells) + RATIOS["specificity"](cells))


OF_COUNTS: Final[dict[str, Callable[[Cells], float]]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced,
    **{name: RATIOS[name] for name in ("recall", "precision", "specificity", "npv")},
    **{name: OTHERS[name] for name in ("f1", "mcc")},
}
NAMES: Final = (*OF_COUNTS, "roc_auc", "average_precision")


def estimate(
    name: str,
    rows: Iterable[ScoredRows],
    calibrated: Sequence[float],
    reference_rows: Sequence[int] | None = None,
    *,
    confidence: float = 0.95,
) -> Estimated | None:
    """What a metric of `NAMES` is expected to be; None when it is not defined on the rows.

    `calibrated[place]` is the probability that such a score turns out positive, from reference
    rows that were not fitted on; `reference_rows[place]` how many of those there were (same
    length). The interval has the chance in the unknown labels and, with `reference_rows`, the
    uncertainty of the calibration: each run of equal calibrated values is one estimated share.
    """
    by_place = _by_place(rows)
    if not by_place:
        return None
    places = sorted(by_place, reverse=True)
    c = [min(1.0, max(0.0, calibrated[place])) for place in places]
    n = [by_place[place][0] + by_place[place][1] for place in places]
    if name == "roc_auc":
        found = _auc(c, n)
    elif name == "average_precision":
        found = _average_precision(c, n)
    else:
        said = [by_place[place] for place in places]
        found = _of_counts(OF_COUNTS[name], c, said)
    if found is None:
        return None
    value, slopes = found
    # slopes: d metric / d(one more expected positive among the rows of a place)
    variance = sum(
        c_i * (1 - c_i) * sum(k * slope * slope for k, slope in parts)
        for c_i, parts in zip(c, slopes, strict=True)
    )
    if reference_rows is not None:
        variance += _calibration_variance(places, c, slopes, calibrated, reference_rows)
    half = z_value(confidence) * math.sqrt(variance)
    low = -1.0 if name == "mcc" else 0.0
    return Estimated(value, max(low, value - half), min(1.0, value + half), sum(n))


def support(rows: Iterable[ScoredRows], reference_rows: Sequence[int]) -> float:
    """Share of live rows whose score lies where the reference has at least 30 rows; 0..1."""
    width = max(1, -(-len(reference_rows) // COARSE_BINS))
    known = [
        sum(reference_rows[start : start + width]) >= SUPPORT_ROWS
        for start in range(0, len(reference_rows), width)
    ]
    total = covered = 0
    for row in rows:
        total += row.n
        if 0 <= row.place < len(reference_rows) and known[row.place // width]:
            covered += row.n
    return covered / total if total else 0.0


def disagree(one: Interval, other: Interval) -> bool:
    """True when two intervals have nothing in common: realised and estimated accuracy then say
    that the relationship itself has changed."""
    return one[1] < other[0] or other[1] < one[0]


# --------------------------------------------------------------------------- labels that come late


@dataclass(frozen=True, slots=True)
class Arrival:
    """How many of all labels have arrived by an age."""

    ages_s: tuple[float, ...]
    """Rising."""
    shares: tuple[float, ...]
    """Rising, 0..1, same length."""

    def share(self, age_s: float) -> float:
        """D̂(age): share of predictions that have their label by then; 0 before the first."""
        low, high = 0, len(self.ages_s)
        while low < high:
            middle = (low + high) // 2
            if self.ages_s[middle] <= age_s:
                low = middle + 1
            else:
                high = middle
        return self.shares[low - 1] if low else 0.0


def arrival(delays: Iterable[tuple[float, bool]]) -> Arrival:
    """Delay curve of labels from (age in seconds, is labelled) per prediction.

    For a labelled one the age is its delay, for a pending one how long it has waited so far: it is
    censored, not ignored, or young predictions would make labels look fast.
    Source: Kaplan and Meier 1958.
    """
    ordered = sorted(delays, key=lambda pair: (pair[0], not pair[1]))
    at_risk, waiting = len(ordered), 1.0
    ages: list[float] = []
    shares: list[float] = []
    for age_s, is_labelled in ordered:
        if is_labelled:
            waiting *= 1.0 - 1.0 / at_risk
            if ages and ages[-1] == age_s:
                shares[-1] = 1.0 - waiting
            else:
                ages.append(age_s)
                shares.append(1.0 - waiting)
        at_risk -= 1
    return Arrival(tuple(ages), tuple(shares))


def mature_age_s(curve: Arrival, ratio: float = 0.95) -> float | None:
    """Age from which on a cohort has `ratio` of the labels that ever come; None without labels.

    Some predictions never get one, so the curve counts relative to where it ends.
    """
    if not curve.shares:
        return None
    goal = ratio * curve.shares[-1] - 1e-12
    return next(age for age, share in zip(curve.ages_s, curve.shares, strict=True) if share >= goal)


def bounds(correct: int, labelled: int, total: int) -> Interval:
    """Accuracy of all predictions if every pending label came out wrong, and if right."""
    if total <= 0:
        return 0.0, 1.0
    return correct / total, (correct + total - labelled) / total


@dataclass(frozen=True, slots=True)
class LabelledCohort:
    """Labelled predictions of one age and group."""

    age_s: float
    """Since the prediction."""
    group: str
    """What decides how fast labels come, e.g. `yes` and `no` decisions."""
    correct: int
    n: int


def weighted_share(
    cohorts: Iterable[LabelledCohort],
    curves: Mapping[str, Arrival],
    confidence: float = 0.95,
) -> Estimated | None:
    """Share of correct predictions when fast labels are not a fair sample: each labelled row stands
    for 1 / D̂_group(age) rows. None when no cohort can be weighed.

    Source: Hájek 1971; interval by linearising the quotient.
    """
    weighed = []
    for each in cohorts:
        curve = curves.get(each.group)
        share = curve.share(each.age_s) if curve is not None else 0.0
        if share > 0 and each.n > 0:
            weighed.append((1.0 / share, each.correct, each.n))
    total = sum(weight * n for weight, _, n in weighed)
    if total <= 0:
        return None
    value = sum(weight * correct for weight, correct, _ in weighed) / total
    variance = sum(
        weight**2 * (correct * (1 - value) ** 2 + (n - correct) * value**2)
        for weight, correct, n in weighed
    )
    half = z_value(confidence) * math.sqrt(variance) / total
    rows = sum(n for _, _, n in weighed)
    return Estimated(value, max(0.0, value - half), min(1.0, value + half), rows)


# --------------------------------------------------------------------------- the arithmetic

Slopes = list[list[tuple[int, float]]]
"""Per place: (rows, what one more positive among them does to the metric)."""


def _by_place(rows: Iterable[ScoredRows]) -> dict[int, tuple[int, int]]:
    """Place → rows said yes, rows said no."""
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        yes, no = found.get(row.place, (0, 0))
        if row.n > 0:
            found[row.place] = (yes + row.n, no) if row.decision else (yes, no + row.n)
    return found


def _of_counts(
    function: Callable[[Cells], float], c: list[float], said: list[tuple[int, int]]
) -> tuple[float, Slopes] | None:
    tp = sum(p * yes for p, (yes, _) in zip(c, said, strict=True))
    fn = sum(p * no for p, (_, no) in zip(c, said, strict=True))
    fp = sum(yes for yes, _ in said) - tp
    tn = sum(no for _, no in said) - fn
    cells = (tp, fp, fn, tn)
    value = function(cells)
    if not math.isfinite(value):
        return None
    step = 1e-4
    of_yes = _slope(function, cells, (step, -step, 0.0, 0.0)) / step
    of_no = _slope(function, cells, (0.0, 0.0, step, -step)) / step
    return value, [[(yes, of_yes), (no, of_no)] for yes, no in said]


def _slope(
    function: Callable[[Cells], float], cells: Cells, move: tuple[float, float, float, float]
) -> float:
    """Half the difference between a step ahead and a step back."""
    ahead = function(_moved(cells, move, 1.0))
    back = function(_moved(cells, move, -1.0))
    return (ahead - back) / 2 if math.isfinite(ahead) and math.isfinite(back) else 0.0


def _moved(cells: Cells, move: tuple[float, float, float, float], sign: float) -> Cells:
    tp, fp, fn, tn = (cell + sign * step for cell, step in zip(cells, move, strict=True))
    return tp, fp, fn, tn


def _auc(c: list[float], n: list[int]) -> tuple[float, Slopes] | None:
    """Places from the highest score down; equal scores count half, a row with itself too."""
    positives = sum(p * k for p, k in zip(c, n, strict=True))
    negatives = sum(n) - positives
    if positives <= 0 or negatives <= 0:
        return None
    above = 0.0  # expected positives with a higher score
    won = 0.0
    standing = []
    for p, k in zip(c, n, strict=True):
        own_pos, own_neg = p * k, (1 - p) * k
        won += own_neg * (above + own_pos / 2)
        standing.append((above + own_pos / 2, own_neg))
        above += own_pos
    value = won / (positives * negatives)
    below = negatives  # expected negatives with a lower score
    slopes: Slopes = []
    for k, (pos_above, own_neg) in zip(n, standing, strict=True):
        below -= own_neg
        gain = (below + own_neg / 2 - pos_above) / (positives * negatives)
        slopes.append([(k, gain - value / positives + value / negatives)])
    return value, slopes


def _average_precision(c: list[float], n: list[int]) -> tuple[float, Slopes] | None:
    positives = sum(p * k for p, k in zip(c, n, strict=True))
    if positives <= 0:
        return None
    hits, rows, total = 0.0, 0, 0.0
    precision, shares = [], []
    for p, k in zip(c, n, strict=True):
        hits, rows = hits + p * k, rows + k
        precision.append(hits / rows)
        shares.append(p * k / rows)
        total += p * k * hits / rows
    value = total / positives
    after = sum(shares)
    slopes: Slopes = []
    for k, at, share in zip(n, precision, shares, strict=True):
        slopes.append([(k, (at + after - value) / positives)])
        after -= share
    return value, slopes


def _calibration_variance(
    places: list[int],
    c: list[float],
    slopes: Slopes,
    calibrated: Sequence[float],
    reference_rows: Sequence[int],
) -> float:
    """From the shares that the calibration estimated, one per run of equal values."""
    runs: dict[float, int] = {}
    for value, rows in zip(calibrated, reference_rows, strict=True):
        runs[value] = runs.get(value, 0) + rows
    pull: dict[float, float] = {}
    for place, parts in zip(places, slopes, strict=True):
        value = calibrated[place]
        pull[value] = pull.get(value, 0.0) + sum(k * slope for k, slope in parts)
    return sum(moved * moved * _share_variance(value, runs[value]) for value, moved in pull.items())


def _share_variance(share: float, rows: int) -> float:
    """Of an estimated share; two rows more keep 0 of n and 1 of n from looking certain."""
    smoothed = (share * rows + 1.0) / (rows + 2.0)
    return smoothed * (1 - smoothed) / (rows + 2.0)
