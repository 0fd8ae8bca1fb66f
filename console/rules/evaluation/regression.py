"""Every metric of a model that predicts a number with its interval, from truths and predictions.

Called by the worker. Invariants as in `binary`: the order of rows changes nothing, what is not
defined is an `error` with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from console.errors import InvalidError
from console.rules import metrics
from console.rules.evaluation import resampling
from console.rules.evaluation.measured import measured, not_measured
from console.rules.evaluation.resampling import Estimate, Floats
from console.rules.intervals import quantile_interval
from storage.records.results import Result

NAMES: Final[tuple[str, ...]] = tuple(m.name for m in metrics.for_subject("regression"))


def evaluate_regression(
    y: ArrayLike,
    prediction: ArrayLike,
    *,
    names: Sequence[str] = (),
    confidence: float = 0.95,
    seed: int = 0,
    scope: str = "",
) -> tuple[Result, ...]:
    """One result per metric of `names` (empty = all), in that order, not judged.

    `y` and `prediction` (n_rows,), in the unit of the target. Rows where either is not finite are
    left out and counted in `detail`.
    """
    truth, said, left_out = _clean(y, prediction)
    note = (("rows left out", str(left_out)),) if left_out else ()
    results = []
    for name in names or NAMES:
        if name not in NAMES:
            raise InvalidError(
                f"cannot evaluate {name}: it is no metric of a model that predicts a number.",
                hint=f"There are {', '.join(NAMES)}.",
            )
        if truth.size == 0:
            reason = "there is no row with truth and prediction"
            results.append(not_measured(name, reason, scope=scope))
            continue
        if name == "mape" and not (np.abs(truth) > 1e-9).all():
            reason = "a true value is zero, a relative error is not defined there"
            results.append(not_measured(name, reason, scope=scope, n=truth.size))
            continue
        rng = resampling.generator(seed, name)
        estimate = _estimate(name, truth, said, confidence, rng)
        results.append(
            measured(
                name,
                estimate,
                truth.size,
                confidence=confidence,
                scope=scope,
                seed=seed,
                detail=note,
            )
        )
    return tuple(results)


def row_losses(name: str, truth: Floats, said: Floats) -> Floats | None:
    """Per-row values (n_rows,) whose mean is the metric; None when it is no mean."""
    error = said - truth
    if name == "mae":
        return np.abs(error)
    if name == "bias":
        return error
    if name == "mape":
        return np.asarray(np.abs(error) / np.abs(truth))
    if name == "pinball_90":
        return np.maximum(-0.9 * error, 0.1 * error)
    return None


def _estimate(
    name: str, truth: Floats, said: Floats, confidence: float, rng: np.random.Generator
) -> Estimate:
    losses = row_losses(name, truth, said)
    if losses is not None:
        return resampling.mean(losses, confidence, rng)
    error = said - truth
    if name == "rmse":
        value, low, high, method = resampling.mean(error**2, confidence, rng)
        return value**0.5, max(0.0, low) ** 0.5, high**0.5, method
    if name == "median_ae":
        ordered = np.sort(np.abs(error))
        low, high = quantile_interval(ordered.tolist(), 0.5, confidence)
        return float(np.median(ordered)), low, high, "order statistics"
    return _r2(truth, error, confidence, rng)


def _r2(truth: Floats, error: Floats, confidence: float, rng: np.random.Generator) -> Estimate:
    """1 − mean squared error / variance; NaN for a constant truth."""
    deviation = (truth - truth.mean()) ** 2
    variance = float(deviation.mean())
    if variance == 0.0:
        return float("nan"), float("nan"), float("nan"), ""
    losses = error**2
    value = 1.0 - float(losses.mean()) / variance
    influence = (losses - (1.0 - value) * deviation) / variance
    middle, low, high, method = resampling.mean(influence, confidence, rng)
    return value, value - (high - middle), value + (middle - low), method


def _clean(y: ArrayLike, prediction: ArrayLike) -> tuple[Floats, Floats, int]:
    truth = np.asarray(y, dtype=np.float64).ravel()
    said = np.asarray(prediction, dtype=np.float64).ravel()
    if truth.size != said.size:
        raise InvalidError(
            f"cannot evaluate: {truth.size} true values and {said.size} predictions.",
            hint="Both need one entry per row.",
        )
    usable = np.isfinite(truth) & np.isfinite(said)
    return truth[usable], said[usable], int(truth.size - usable.sum())
