"""Every metric of a yes/no model with its interval, from labels and scores.

The worker calls `evaluate_binary` once per evaluation and once per slice; 60 000 rows take about
half a second. Needs numpy; scipy only for small samples. Invariants: the order of rows changes
nothing, a metric that is not defined on the rows is an `error` with the reason, never a number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from console.errors import InvalidError
from console.rules import metrics
from console.rules.evaluation import calibration, ranking, resampling
from console.rules.evaluation.measured import measured, not_measured, proportion, small_class
from console.rules.evaluation.resampling import Floats
from storage.records.pipelines import Cost
from storage.records.results import Result

CLIP = 1e-15
"""Probabilities are kept this far from 0 and 1 before their logarithm is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The confusion counts of decisions, or arrays of them of one shape."""

    tp: Any
    fp: Any
    fn: Any
    tn: Any

    @property
    def n(self) -> Any:
        return self.tp + self.fp + self.fn + self.tn


def f1(t: Table) -> Any:
    return _ratio(2 * t.tp, 2 * t.tp + t.fp + t.fn)


def mcc(t: Table) -> Any:
    """Matthews correlation; NaN when a row or column of the table is empty."""
    said_yes, said_no = t.tp + t.fp, t.fn + t.tn
    was_yes, was_no = t.tp + t.fn, t.fp + t.tn
    scale = np.sqrt(np.asarray(said_yes, float) * said_no) * np.sqrt(
        np.asarray(was_yes, float) * was_no
    )
    return _ratio(np.asarray(t.tp, float) * t.tn - np.asarray(t.fp, float) * t.fn, scale)


def balanced_accuracy(t: Table) -> Any:
    return 0.5 * (_ratio(t.tp, t.tp + t.fn) + _ratio(t.tn, t.tn + t.fp))


def cost_per_1000(t: Table, cost: Cost) -> Any:
    """What 1 000 cases cost in the team's unit; gains count negative."""
    total = (
        cost.false_positive * t.fp
        + cost.false_negative * t.fn
        - cost.true_positive_gain * t.tp
        - cost.true_negative_gain * t.tn
        + cost.review * (t.tp + t.fp)
    )
    return _ratio(1000.0 * total, t.n)


OF_TABLE: Final[dict[str, Callable[[Table], Any]]] = {
    "accuracy": lambda t: _ratio(t.tp + t.tn, t.n),
    "precision": lambda t: _ratio(t.tp, t.tp + t.fp),
    "recall": lambda t: _ratio(t.tp, t.tp + t.fn),
    "specificity": lambda t: _ratio(t.tn, t.tn + t.fp),
    "npv": lambda t: _ratio(t.tn, t.tn + t.fn),
    "f1": f1,
    "mcc": mcc,
    "balanced_accuracy": balanced_accuracy,
    "positive_ratio": lambda t: _ratio(t.tp + t.fp, t.n),
    "base_rate": lambda t: _ratio(t.tp + t.fn, t.n),
}
"""Metrics of the decisions alone, for numbers or arrays."""

NAMES: Final[tuple[str, ...]] = tuple(m.name for m in metrics.for_subject("binary"))


def evaluate_binary(
    y: ArrayLike,
    score: ArrayLike,
    threshold: float = 0.5,
    *,
    names: Sequence[str] = (),
    cost: Cost = Cost(),  # noqa: B008  # frozen
    confidence: float = 0.95,
    seed: int = 0,
    scope: str = "",
    is_exact: bool = False,
) -> tuple[Result, ...]:
    """One result per metric of `names` (empty = all), in that order, not judged.

    `y` (n_rows,) of 0/1, `score` (n_rows,) probabilities of class 1; yes when score ≥ threshold.
    Rows with a score or label that is not finite are left out and counted in `detail`. `is_exact`
    takes Clopper-Pearson instead of Wilson intervals.
    """
    rows = _Rows.of(y, score, threshold, cost, confidence, seed, scope, is_exact)
    return tuple(rows.result(name) for name in (names or NAMES))


def clean_rows(y: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.int64], Floats, int]:
    """Labels and scores without unusable rows, and how many those were."""
    labels = np.asarray(y, dtype=np.float64).ravel()
    scores = np.asarray(score, dtype=np.float64).ravel()
    if labels.size != scores.size:
        raise InvalidError(
            f"cannot evaluate: {labels.size} labels and {scores.size} scores.",
            hint="Both need one entry per row.",
        )
    usable = np.isfinite(labels) & np.isfinite(scores)
    kept = labels[usable]
    if not np.isin(kept, (0.0, 1.0)).all():
        raise InvalidError(
            "cannot evaluate: a binary label is neither 0 nor 1.",
            hint="Name the positive class in the pipeline (`positive = …`).",
        )
    return kept.astype(np.int64), scores[usable], int(labels.size - kept.size)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Usable rows with what all metrics share."""

    y: NDArray[np.int64]
    score: Floats
    table: Table
    cost: Cost
    confidence: float
    seed: int
    scope: str
    is_exact: bool
    note: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls,
        y: ArrayLike,
        score: ArrayLike,
        threshold: float,
        cost: Cost,
        confidence: float,
        seed: int,
        scope: str,
        is_exact: bool,
    ) -> _Rows:
        labels, scores, left_out = clean_rows(y, score)
        said_yes = scores >= threshold
        tp = int((said_yes & (labels == 1)).sum())
        fp = int(said_yes.sum()) - tp
        fn = int(labels.sum()) - tp
        table = Table(tp=tp, fp=fp, fn=fn, tn=labels.size - tp - fp - fn)
        note = (("rows left out", str(left_out)),) if left_out else ()
        return cls(labels, scores, table, cost, confidence, seed, scope, is_exact, note)

    def result(self, name: str) -> Result:
        if self.y.size == 0:
            return not_measured(name, "there is no row with label and score", scope=self.scope)
        if name in _COUNTED:
            return self._counted(name)
        if name in ("f1", "mcc", "balanced_accuracy", "cost"):
            return self._of_table(name)
        if name in ("roc_auc", "average_precision"):
            return self._ranking(name)
        if name in ("log_loss", "brier", "brier_skill"):
            return self._loss(name)
        if name in ("ece", "calibration_slope", "calibration_intercept"):
            return self._calibration(name)
        raise InvalidError(
            f"cannot evaluate {name}: it is no metric of a binary model.",
            hint=f"There are {', '.join(NAMES)}.",
        )

    @property
    def _class_note(self) -> tuple[tuple[str, str], ...]:
        positives = int(self.y.sum())
        return small_class(min(positives, self.y.size - positives))

    def _counted(self, name: str) -> Result:
        t = self.table
        k, n, nothing = _COUNTED[name](t)
        note = self._class_note if name not in ("accuracy", "positive_ratio", "base_rate") else ()
        return proportion(
            name,
            k,
            n,
            rows=self.y.size,
            confidence=self.confidence,
            scope=self.scope,
            is_exact=self.is_exact,
            detail=self.note + note,
            nothing=nothing,
        )

    def _of_table(self, name: str) -> Result:
        function = OF_TABLE.get(name) or (lambda t: cost_per_1000(t, self.cost))
        t = self.table
        rng = resampling.generator(self.seed, name)
        cells = np.array([t.tp, t.fp, t.fn, t.tn], dtype=np.int64)
        drawn = resampling.table_draws(cells, rng, resampling.TABLE_DRAWS).T
        draws = function(Table(tp=drawn[0], fp=drawn[1], fn=drawn[2], tn=drawn[3]))
        low, high = resampling.percentile(np.asarray(draws), self.confidence)
        note = self._class_note if name != "cost" else ()
        return self._measured(name, (float(function(t)), low, high, "bootstrap of the table"), note)

    def _ranking(self, name: str) -> Result:
        positives = int(self.y.sum())
        if positives in (0, self.y.size):
            reason = f"all {self.y.size} rows have the same class"
            return not_measured(name, reason, scope=self.scope, n=self.y.size)
        if name == "roc_auc":
            estimate = ranking.auc(self.y, self.score, self.confidence)
            return self._measured(name, estimate, self._class_note)
        rng = resampling.generator(self.seed, name)
        estimate = ranking.average_precision_interval(self.y, self.score, self.confidence, rng)
        base = ("base rate", metrics.show(positives / self.y.size, "base_rate"))
        return self._measured(name, estimate, (*self._class_note, base))

    def _loss(self, name: str) -> Result:
        rng = resampling.generator(self.seed, name)
        if name == "brier_skill":
            return self._measured(name, _skill(self.y, self.score, self.confidence, rng))
        losses = (
            log_losses(self.y, self.score) if name == "log_loss" else (self.score - self.y) ** 2
        )
        return self._measured(name, resampling.mean(losses, self.confidence, rng))

    def _calibration(self, name: str) -> Result:
        positives = int(self.y.sum())
        if positives in (0, self.y.size) and name != "ece":
            reason = f"all {self.y.size} rows have the same class"
            return not_measured(name, reason, scope=self.scope, n=self.y.size)
        if name == "calibration_slope":
            return self._measured(name, calibration.slope(self.y, self.score, self.confidence))
        if name == "calibration_intercept":
            return self._measured(name, calibration.intercept(self.y, self.score, self.confidence))
        rng = resampling.generator(self.seed, name)
        estimate, chance = calibration.ece_interval(self.y, self.score, self.confidence, rng)
        return self._measured(name, estimate, (("calibrated would show", f"{chance:.4f}"),))

    def _measured(
        self,
        name: str,
        estimate: resampling.Estimate,
        note: tuple[tuple[str, str], ...] = (),
    ) -> Result:
        return measured(
            name,
            estimate,
            self.y.size,
            confidence=self.confidence,
            scope=self.scope,
            seed=self.seed,
            detail=self.note + note,
        )


_COUNTED: Final[dict[str, Callable[[Table], tuple[int, int, str]]]] = {
    "accuracy": lambda t: (t.tp + t.tn, t.n, ""),
    "precision": lambda t: (t.tp, t.tp + t.fp, "no row was said yes"),
    "recall": lambda t: (t.tp, t.tp + t.fn, "no row is of the positive class"),
    "specificity": lambda t: (t.tn, t.tn + t.fp, "no row is of the negative class"),
    "npv": lambda t: (t.tn, t.tn + t.fn, "no row was said no"),
    "positive_ratio": lambda t: (t.tp + t.fp, t.n, ""),
    "base_rate": lambda t: (t.tp + t.fn, t.n, ""),
}
"""Proportions: hits, of how many, and why there may be none."""


def log_losses(y: NDArray[np.int64], score: Floats) -> Floats:
    """Per-row log loss (n_rows,), scores kept 1e-15 away from 0 and 1."""
    p = np.clip(score, CLIP, 1.0 - CLIP)
    return np.asarray(-np.where(y == 1, np.log(p), np.log1p(-p)))


def _skill(
    y: NDArray[np.int64], score: Floats, confidence: float, rng: np.random.Generator
) -> resampling.Estimate:
    """1 − Brier / Brier of the base rate; the interval by linearising the quotient."""
    base = float(y.mean())
    reference = base * (1.0 - base)
    if reference == 0.0:
        return float("nan"), float("nan"), float("nan"), ""
    losses = (score - y) ** 2
    value = 1.0 - float(losses.mean()) / reference
    # Both parts vary with the rows: d(B/R) = dB/R − (B/R)·dR/R, with dR/dȳ = 1 − 2ȳ.
    influence = losses - (1.0 - value) * (reference + (y - base) * (1.0 - 2.0 * base))
    middle, low, high, method = resampling.mean(influence / reference, confidence, rng)
    return value, value - (high - middle), value + (middle - low), method


def _ratio(part: Any, whole: Any) -> Any:
    """part / whole, NaN where whole is 0."""
    if isinstance(whole, np.ndarray):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(whole == 0, np.nan, part / whole)
    return part / whole if whole else float("nan")
