"""How much a model leans on each feature: the loss of quality when its values are shuffled.

Source: Breiman, Random Forests, 2001; on held-out rows. Bounded in rows and time: a figure for
people to look at, no basis for a decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from console.worker.training.fitting import scores_of
from storage.records.pipelines import Task

ROWS = 2000
LIMIT_S = 3.0


def permutation_importance(
    estimator: Any,
    frame: Any,
    y: NDArray[Any],
    task: Task,
    *,
    seed: int,
    check: Callable[[], None],
) -> list[tuple[str, float]]:
    """Feature -> rise of the loss when it is shuffled, largest first.

    The loss is log loss, or mean squared error for a regression. Features that the time did not
    suffice for are left out.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(y))[:ROWS])
    some, truth = frame.iloc[rows].reset_index(drop=True), y[rows]
    base = _loss(scores_of(estimator, some, task), truth, task)
    order = rng.permutation(len(some))
    found: list[tuple[str, float]] = []
    until = time.perf_counter() + LIMIT_S
    for name in some.columns:
        check()
        if time.perf_counter() > until:
            break
        shuffled = some.copy()
        shuffled[name] = some[name].to_numpy()[order]
        found.append((str(name), _loss(scores_of(estimator, shuffled, task), truth, task) - base))
    return sorted(found, key=lambda pair: -pair[1])


def _loss(scores: NDArray[np.float64], y: NDArray[Any], task: Task) -> float:
    if task == "regression":
        return float(np.mean((scores - y) ** 2))
    if task == "binary":
        scores = np.stack([1 - scores, scores], axis=1)
    return float(-np.log(np.clip(scores[np.arange(len(y)), y], 1e-15, 1)).mean())
