"""What a finished model is worth: metrics with intervals, slices, scores on a grid, calibration.

Everything here is recomputed from truth and scores of the held-out rows, so `evaluate` can do it
again without a fit. Invariant: the holdout took no part in any fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from console.rules import metrics as catalog
from console.rules.evaluation import calibration
from console.rules.evaluation.binary import evaluate_binary
from console.rules.evaluation.compare_classes import compare_models
from console.rules.evaluation.multiclass import evaluate_multiclass
from console.rules.evaluation.regression import evaluate_regression
from console.rules.evaluation.slices import evaluate_slices, slice_groups
from storage.records.evaluations import Holdout
from storage.records.gates import Gate
from storage.records.pipelines import Pipeline
from storage.records.results import Result
from storage.records.thresholds import GRID_BINS, GridPart, ScoreGrid

Scores = NDArray[np.float64]

ALWAYS = {
    "binary": (
        "roc_auc", "average_precision", "accuracy", "recall", "precision", "f1", "log_loss",
        "brier", "ece", "calibration_slope", "cost", "positive_ratio", "base_rate",
    ),
    "multiclass": ("accuracy", "macro_f1", "roc_auc", "log_loss"),
    "regression": ("mae", "rmse", "r2", "bias"),
}  # fmt: skip
"""Measured whatever a pipeline names: screens and monitors rely on them."""
COMPARED = {
    "binary": ("roc_auc", "average_precision", "log_loss", "brier", "recall", "precision", "cost"),
    "multiclass": ("accuracy", "macro_f1", "roc_auc", "log_loss"),
    "regression": ("mae", "rmse", "r2", "bias"),
}
GRID_SLICES = 40
DISJOINT_PARTS = 5
"""The holdout in so many parts, to see whether a chosen threshold carries over to other rows."""
RELIABILITY_BINS = 15
OF_MODEL = ("row_p95_ms", "artifact_bytes", "package_difference", "refit_difference")
"""Metrics of the model as a thing; they do not come from held-out rows."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Held-out rows of one model, in the order of `holdout.rows_digest`."""

    holdout: Holdout
    y: NDArray[Any]
    scores: Scores
    slices: Mapping[str, NDArray[Any]]
    """Slice column -> number or text of every row."""


def unnamed(
    pipeline: Pipeline, classes: tuple[str, ...], y: NDArray[Any], scores: Scores
) -> Judged:
    """Rows that are measured once and not kept, such as those of a fold."""
    holdout = Holdout(
        rows=len(y),
        rows_digest="",
        description="",
        judged_on="",
        task=pipeline.task,
        classes=classes,
        threshold=pipeline.threshold,
        cost=pipeline.cost,
        seed=pipeline.seed,
    )
    return Judged(holdout, y, scores, {})


def metric_names(holdout: Holdout, gates: Sequence[Gate]) -> tuple[str, ...]:
    """The pipeline's metrics first, then what gates and screens need."""
    declared = holdout.metrics or catalog.DEFAULTS[holdout.task]
    wanted = [gate.metric for gate in gates if gate.kind in ("metric", "calibration")]
    known = {each.name for each in catalog.for_subject(holdout.task)}
    extra = [name for name in wanted if name in known]
    return tuple(dict.fromkeys((*declared, *extra, *ALWAYS[holdout.task])))


def measure(
    judged: Judged, names: Sequence[str], rows: NDArray[Any] | None = None, scope: str = ""
) -> tuple[Result, ...]:
    """Metrics of the held-out rows, or of those that `rows` marks."""
    holdout = judged.holdout
    chosen = slice(None) if rows is None else rows
    y, scores = judged.y[chosen], judged.scores[chosen]
    seed = holdout.seed
    if holdout.task == "binary":
        return evaluate_binary(
            y,
            scores,
            holdout.threshold,
            names=names,
            cost=holdout.cost,
            seed=seed,
            scope=scope,
        )
    if holdout.task == "multiclass":
        return evaluate_multiclass(y, scores, holdout.classes, names=names, seed=seed, scope=scope)
    return evaluate_regression(y, scores, names=names, seed=seed, scope=scope)


def measure_slices(
    judged: Judged, names: Sequence[str], check: Callable[[], None]
) -> tuple[Result, ...]:
    """The named metrics of every group of the declared slices, worst first."""
    if not judged.slices:
        return ()
    groups = slice_groups(judged.slices, with_pairs=False)

    def evaluate(rows: NDArray[Any], scope: str) -> tuple[Result, ...]:
        check()
        return measure(judged, names, rows, scope)

    rare = judged.y == 1 if judged.holdout.task == "binary" else None
    return evaluate_slices(groups, evaluate, rare_class=rare)


def slice_metrics(holdout: Holdout, gates: Sequence[Gate]) -> tuple[str, ...]:
    """The leading metric, and what a gate asks of slices."""
    leading = (holdout.metrics or catalog.DEFAULTS[holdout.task])[0]
    asked = [gate.metric for gate in gates if gate.slice]
    return tuple(dict.fromkeys((leading, *asked)))


def differences(
    judged: Judged, other: Scores, threshold: float, against: str
) -> tuple[Result, ...]:
    """This model minus another one on the same rows, metric by metric."""
    holdout = judged.holdout
    return compare_models(
        holdout.task,
        judged.y,
        judged.scores,
        other,
        thresholds=(holdout.threshold, threshold),
        against=against,
        names=COMPARED[holdout.task],
        cost=holdout.cost,
        seed=holdout.seed,
    )


def score_grid(judged: Judged) -> ScoreGrid:
    """Scores of both classes on the fine grid, with slices and disjoint parts."""
    bins = np.floor(judged.scores * GRID_BINS).astype(np.int64)
    usable = (bins >= 0) & (bins <= GRID_BINS)

    def part(name: str, rows: NDArray[Any]) -> GridPart:
        return GridPart(
            name=name,
            positives=_counts(bins[rows & usable & (judged.y == 1)]),
            negatives=_counts(bins[rows & usable & (judged.y == 0)]),
        )

    everything = part("", np.ones(len(bins), dtype=bool))
    groups = slice_groups(judged.slices, with_pairs=False, limit=GRID_SLICES)
    positions = np.arange(len(bins)) * DISJOINT_PARTS // max(1, len(bins))
    return ScoreGrid(
        positives=everything.positives,
        negatives=everything.negatives,
        slices=tuple(part(name, mask) for name, mask in groups.items()),
        folds=tuple(part(f"fold:{k + 1}", positions == k) for k in range(DISJOINT_PARTS)),
        skipped_count=int((~usable).sum()),
    )


def reliability(judged: Judged) -> list[dict[str, float]]:
    """Mean score and seen share of positives in bins of equal count, with Wilson intervals."""
    found = calibration.reliability(judged.y, judged.scores, bins=RELIABILITY_BINS)
    return [
        {"n": b.n, "score": b.mean_score, "seen": b.seen, "low": b.low, "high": b.high}
        for b in found
    ]


def calibrated(y: NDArray[Any], scores: Scores) -> list[float]:
    """For every bin of the score grid the probability that such a score turned out to be.

    Isotonic regression (Zadrozny and Elkan 2002) on rows that were not fitted on.
    """
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, y)
    middles = np.minimum(1.0, (np.arange(GRID_BINS + 1) + 0.5) / GRID_BINS)
    return [round(float(each), 6) for each in model.predict(middles)]


def with_scope(results: Sequence[Result], scope: str) -> tuple[Result, ...]:
    return tuple(replace(each, scope=scope) for each in results)


def values_of(results: Sequence[Result]) -> dict[str, float]:
    """Metric -> value, for what was measured on all rows; those of one class are in the results."""
    return {each.name: each.value for each in results if each.value is not None and not each.scope}


def _counts(bins: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(np.bincount(bins, minlength=GRID_BINS + 1).tolist())
