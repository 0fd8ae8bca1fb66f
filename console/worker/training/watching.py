"""Looking at estimators while they are fitted: how many iterations are done, and how good by now.

Used by `console.worker.train`. What boosting and neural networks have so far can be read from
outside while they go on; nothing in the fit is touched, so a watched fit gives the same model.
Invariant: whatever an estimator does not let see is left out, never guessed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from console import text
from console.worker.training.fitting import Fit, curve_sides, last_step, loss_name
from console.worker.training.rows import Cases
from console.worker.training.session import Training
from storage.records.reports import RunPoints
from storage.records.runs import MetricPoint

LIVE_POINTS = 12
"""So often is a curve measured before its fit has ended: each time costs a prediction."""
_UNSEEN = (AttributeError, TypeError, ValueError, IndexError, KeyError)
"""What an estimator in the middle of its fit may answer."""


@dataclass(slots=True)
class Watch:
    """The fits of one training, watched."""

    training: Training
    cases: Cases
    curve: Fit
    """The fit whose curve is shown."""
    seen: set[tuple[str, int]] = field(default_factory=set)
    """Points that were reported: metric and step."""
    _sides: Mapping[str, tuple[Any, Callable[[Any], float]]] | None = None
    _next: int = 1

    def look(self, running: Mapping[str, Any]) -> None:
        """Report where the running fits are; `running` is name -> estimator in its fit."""
        counts = {}
        for name, estimator in running.items():
            found = iterations(last_step(estimator))
            if found is not None:
                counts[name] = found
        if not counts:
            return
        job = self.training.job
        job.check_cancelled()
        done = self.training.done + sum(min(1.0, k / total) for k, total in counts.values())
        first, total = min(counts.values(), key=lambda each: each[0] / each[1])
        words = f"fitting, iteration {text.count(first)} of {text.count(total)}"
        job.progress(done, self.training.total, "step", words, is_logged=False)
        if self.curve.name in counts:
            self._follow(running[self.curve.name], *counts[self.curve.name])

    def _follow(self, estimator: Any, count: int, total: int) -> None:
        """Measure the curve here when it has gone on far enough."""
        if count < self._next:
            return
        self._next = count + max(1, total // LIVE_POINTS)
        shown = as_of(last_step(estimator), count)
        if shown is None:
            return
        try:
            if self._sides is None:
                self._sides = curve_sides(estimator, self.cases, self.curve)
            task = self.cases.task
            ask = shown.predict if task == "regression" else shown.predict_proba
            values = {side: loss(ask(rows)) for side, (rows, loss) in self._sides.items()}
        except _UNSEEN:
            return
        at = self.training.job.now
        points = [
            MetricPoint(metric=f"{side}_{loss_name(task)}", step=count, value=value, at=at)
            for side, value in values.items()
            if np.isfinite(value)
        ]
        self.seen.update((point.metric, point.step) for point in points)
        self.training.job.report(RunPoints(points=tuple(points)))


def iterations(estimator: Any) -> tuple[int, int] | None:
    """Iterations done and planned of an estimator in its fit; None where it cannot be seen."""
    try:
        if hasattr(estimator, "_predictors"):
            # The last one is being made.
            return max(0, len(estimator._predictors) - 1), int(estimator.max_iter)
        if hasattr(estimator, "loss_curve_"):
            return len(estimator.loss_curve_), int(estimator.max_iter)
        if hasattr(estimator, "train_score_") and hasattr(estimator, "n_estimators"):
            return int(np.count_nonzero(estimator.train_score_)), int(estimator.n_estimators)
    except _UNSEEN:
        return None
    return None


def as_of(estimator: Any, count: int) -> Any | None:
    """What the estimator would be if it ended after `count` iterations; None when unknown."""
    if count < 1:
        return None
    try:
        shown = copy.copy(estimator)
        if hasattr(estimator, "_predictors"):
            shown._predictors = list(estimator._predictors[:count])
            shown.__dict__.pop("_in_fit", None)
        elif hasattr(estimator, "train_score_") and hasattr(estimator, "estimators_"):
            shown.estimators_ = estimator.estimators_[:count]
        else:
            return None
    except _UNSEEN:
        return None
    return shown
