"""Champion against challenger, model against baseline: one difference per metric, paired by row.

Called by the worker and when runs are compared; many classes are in `compare_classes`. The results
carry the scope `against:<name>` and value = new − old, ready for gates of the kinds `non_inferior`
and `beats_baseline`. Invariant: every metric that is measured on rows has its paired difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from console.errors import InvalidError
from console.rules import metrics
from console.rules.evaluation import calibration, paired, ranking, resampling
from console.rules.evaluation.binary import OF_TABLE, Table, clean_rows, cost_per_1000, log_losses
from console.rules.evaluation.measured import measured, not_measured, small_class
from console.rules.evaluation.regression import row_losses
from console.rules.evaluation.resampling import Estimate, Floats
from console.rules.intervals import z_value
from storage.records.pipelines import Cost
from storage.records.results import Result

Word = Literal["better", "worse", "unclear", "noise"]

BINARY: Final[tuple[str, ...]] = (
    *OF_TABLE,
    "cost",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "brier_skill",
    "ece",
    "calibration_slope",
    "calibration_intercept",
)
REGRESSION: Final[tuple[str, ...]] = (
    "mae",
    "rmse",
    "median_ae",
    "r2",
    "mape",
    "pinball_90",
    "bias",
)
MEDIAN_DRAWS: Final = 200
DRAWS: Final = 2000
ROPE: Final = 0.005
"""Differences within it do not matter in practice (AUC, shares)."""


def compare_binary(
    y: ArrayLike,
    new: ArrayLike,
    old: ArrayLike,
    threshold_new: float = 0.5,
    threshold_old: float = 0.5,
    *,
    against: str,
    names: Sequence[str] = ("roc_auc", "log_loss", "recall", "precision"),
    cost: Cost = Cost(),  # noqa: B008  # frozen
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Result, ...]:
    """Differences new − old on the same rows: `y` (n_rows,) of 0/1, two scores (n_rows,).

    Rows where anything is missing are left out for both.
    """
    both = np.asarray(new, dtype=np.float64).ravel() + np.asarray(old, dtype=np.float64).ravel()
    usable = np.isfinite(both)
    labels, a, _ = clean_rows(np.asarray(y)[usable], np.asarray(new)[usable])
    labels, b, _ = clean_rows(np.asarray(y)[usable], np.asarray(old)[usable])
    scope = f"against:{against}"
    positives = int(labels.sum())
    smaller = min(positives, labels.size - positives)
    draws = _joint_draws(labels, a >= threshold_new, b >= threshold_old, seed)
    results = []
    for name in names:
        if name not in BINARY:
            raise not_comparable(name, BINARY)
        if labels.size == 0 or (name in ("roc_auc", "average_precision") and smaller == 0):
            results.append(not_measured(name, "the rows have one class only", scope=scope))
            continue
        p_value = None
        if name == "roc_auc":
            pair = paired.delong(labels, a, b, confidence)
            estimate: Estimate = (pair.new - pair.old, pair.low, pair.high, "DeLong, paired")
            p_value = pair.p_value
        elif name in OF_TABLE or name == "cost":
            estimate = _of_tables(name, draws, cost, confidence)
        else:
            estimate = _of_scores(name, labels, a, b, confidence, seed)
        is_loss = name in ("cost", "log_loss", "brier", "brier_skill")
        detail = () if is_loss else small_class(smaller)
        results.append(difference(name, estimate, labels.size, scope, confidence, seed, detail,
                                   p_value))  # fmt: skip
    return tuple(results)


def compare_regression(
    y: ArrayLike,
    new: ArrayLike,
    old: ArrayLike,
    *,
    against: str,
    names: Sequence[str] = ("mae", "rmse"),
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Result, ...]:
    """Differences new − old of errors on the same rows, all (n_rows,)."""
    columns = [np.asarray(c, dtype=np.float64).ravel() for c in (y, new, old)]
    usable = np.isfinite(columns[0]) & np.isfinite(columns[1]) & np.isfinite(columns[2])
    truth, a, b = (column[usable] for column in columns)
    scope = f"against:{against}"
    results = []
    for name in names:
        if name not in REGRESSION:
            raise not_comparable(name, REGRESSION)
        if truth.size == 0 or (name == "mape" and not (np.abs(truth) > 1e-9).all()):
            results.append(not_measured(name, "it is not defined on these rows", scope=scope))
            continue
        one, other = row_losses(name, truth, a), row_losses(name, truth, b)
        if one is None or other is None:
            estimate = _of_errors(name, truth, a - truth, b - truth, confidence, seed)
        else:
            estimate = paired.mean_difference(one, other, confidence, seed=seed)
        results.append(difference(name, estimate, truth.size, scope, confidence, seed, (), None))
    return tuple(results)


def difference_word(result: Result, rope: float | None = None, *, old: float | None = None) -> Word:
    """What a difference says: better or worse when its interval leaves 0 behind, noise when all
    of it lies within ± rope, else unclear.

    `rope` None = 0.005 for metrics that end at 1, 0 for those in a unit of their own. A metric
    that is best near one value needs the `old` value to say better or worse, and says unclear
    when the two lie on both sides of it.
    """
    if result.value is None or result.ci_low is None or result.ci_high is None:
        return "unclear"
    low, high = result.ci_low, result.ci_high
    metric = metrics.CATALOG.get(result.name)
    if rope is None:
        rope = ROPE if metric is not None and metric.high == 1.0 else 0.0
    if -rope <= low and high <= rope:
        return "noise"
    if low <= 0 <= high:
        return "unclear"
    direction = metrics.direction_of(result.name)
    if direction == "in":
        aim = metric.aim if metric is not None else None
        if aim is None or old is None or (old - aim) * (old + result.value - aim) < 0:
            return "unclear"
        direction = "ge" if old < aim else "le"
    return "better" if (low > 0) == (direction == "ge") else "worse"


def _joint_draws(
    y: NDArray[np.int64], new: NDArray[np.bool_], old: NDArray[np.bool_], seed: int
) -> Floats:
    """Multinomial draws of truth × new decision × old decision: (1 + draws, 2, 2, 2), the first
    entry the counts themselves."""
    cells = np.bincount(y * 4 + new * 2 + old, minlength=8)
    if y.size == 0:
        return np.zeros((1, 2, 2, 2))
    rng = resampling.generator(seed, "joint")
    drawn = resampling.table_draws(cells, rng, DRAWS)
    return np.concatenate((cells[None, :].astype(float), drawn)).reshape(-1, 2, 2, 2)


def _of_tables(name: str, draws: Floats, cost: Cost, confidence: float) -> Estimate:
    values = []
    for axis in (3, 2):  # summing the other model's decision away leaves truth × own decision
        cells = draws.sum(axis=axis)
        table = Table(tp=cells[:, 1, 1], fp=cells[:, 0, 1], fn=cells[:, 1, 0], tn=cells[:, 0, 0])
        values.append(cost_per_1000(table, cost) if name == "cost" else OF_TABLE[name](table))
    difference = np.asarray(values[0]) - np.asarray(values[1])
    low, high = resampling.percentile(difference[1:], confidence)
    return float(difference[0]), low, high, "bootstrap of the joint table"


def _of_scores(
    name: str, y: NDArray[np.int64], a: Floats, b: Floats, confidence: float, seed: int
) -> Estimate:
    """Metrics of the scores themselves: of order, of probability, of calibration."""
    rng = resampling.generator(seed, name)
    if name in ("log_loss", "brier"):
        losses = [log_losses(y, s) if name == "log_loss" else (s - y) ** 2 for s in (a, b)]
        return paired.mean_difference(losses[0], losses[1], confidence, seed=seed)
    if name == "brier_skill":
        return _explained(y.astype(np.float64), a - y, b - y, confidence, seed)
    if name == "average_precision":
        drawn = ranking.average_precision_draws(y, (a, b), rng)
        low, high = resampling.percentile(drawn[:, 0] - drawn[:, 1], confidence)
        value = ranking.average_precision(y, a) - ranking.average_precision(y, b)
        return value, low, high, "bootstrap, paired"
    if name == "ece":
        drawn = calibration.ece_draws(y, (a, b), rng)
        value = calibration.ece(calibration.reliability(y, a)) - calibration.ece(
            calibration.reliability(y, b)
        )
        # Drawing adds chance to both; what it adds to one more than to the other is taken away.
        moved = drawn[:, 0] - drawn[:, 1]
        low, high = resampling.percentile(moved - moved.mean() + value, confidence)
        return value, low, high, "bootstrap, paired, bias removed"
    large = name == "calibration_intercept"
    new, of_new = calibration.logistic_influence(y, a, in_the_large=large)
    old, of_old = calibration.logistic_influence(y, b, in_the_large=large)
    return by_influence(new - old, of_new - of_old, confidence)


def by_influence(value: float, influence: Floats, confidence: float) -> Estimate:
    """A difference with the normal interval that its per-row influence (n_rows,) gives."""
    error = float(influence.std(ddof=1)) / influence.size**0.5 if influence.size > 1 else math.nan
    half = z_value(confidence) * error
    return value, value - half, value + half, "normal, paired"


def _of_errors(
    name: str, truth: Floats, new: Floats, old: Floats, confidence: float, seed: int
) -> Estimate:
    """Metrics of errors (n_rows,) that are no mean over rows."""
    if name == "rmse":
        return _rmse(new, old, confidence, seed)
    if name == "median_ae":
        return _median(np.abs(new), np.abs(old), confidence, seed)
    return _explained(truth, new, old, confidence, seed)


def _explained(truth: Floats, new: Floats, old: Floats, confidence: float, seed: int) -> Estimate:
    """Difference of 1 − mean squared error / variance of the truth (R², Brier skill)."""
    deviation = (truth - truth.mean()) ** 2
    variance = float(deviation.mean())
    if variance == 0.0:
        return math.nan, math.nan, math.nan, ""
    gain = (old**2 - new**2) / variance
    value = float(gain.mean())
    rng = resampling.generator(seed, "explained_difference")
    middle, low, high, method = resampling.mean(
        gain - value * deviation / variance, confidence, rng
    )
    return value, value + low - middle, value + high - middle, method


def _median(new: Floats, old: Floats, confidence: float, seed: int) -> Estimate:
    """Difference of medians on the same Poisson-weighted rows; linear in the rows per draw."""
    rng = resampling.generator(seed, "median_difference")
    orders = [np.argsort(each, kind="stable") for each in (new, old)]
    drawn = np.empty(MEDIAN_DRAWS)
    for row in range(MEDIAN_DRAWS):
        weight = rng.poisson(1.0, new.size)
        half = weight.sum() / 2
        found = []
        for each, order in zip((new, old), orders, strict=True):
            place = int(np.searchsorted(np.cumsum(weight[order]), half))
            found.append(each[order[min(place, each.size - 1)]])
        drawn[row] = found[0] - found[1]
    low, high = resampling.percentile(drawn, confidence)
    return float(np.median(new) - np.median(old)), low, high, "bootstrap, paired"


def _rmse(new: Floats, old: Floats, confidence: float, seed: int) -> Estimate:
    """Difference of root mean squares; the interval by linearising both roots."""
    root_new, root_old = float((new**2).mean()) ** 0.5, float((old**2).mean()) ** 0.5
    value = root_new - root_old
    influence = new**2 / (2 * root_new or 1.0) - old**2 / (2 * root_old or 1.0)
    rng = resampling.generator(seed, "rmse_difference")
    middle, low, high, method = resampling.mean(influence, confidence, rng)
    return value, value + low - middle, value + high - middle, method


def difference(
    name: str,
    estimate: Estimate,
    n: int,
    scope: str,
    confidence: float,
    seed: int,
    detail: tuple[tuple[str, str], ...],
    p_value: float | None,
) -> Result:
    result = measured(
        name, estimate, n, confidence=confidence, scope=scope, seed=seed, detail=detail,
        p_value=p_value,
    )  # fmt: skip
    if result.ci_method.startswith("normal"):
        return replace(result, ci_method="normal, paired")
    return result


def not_comparable(name: str, known: tuple[str, ...]) -> InvalidError:
    return InvalidError(
        f"cannot compare {name} by row.", hint=f"There are {', '.join(known)}.", metric=name
    )
