"""Every metric of a model with several classes with its interval, from labels and probabilities.

Called by the worker. Decisions are the most probable class (the first of equals). Invariants as in
`binary`: the order of rows changes nothing, what is not defined is an `error` with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from console.errors import InvalidError
from console.rules import metrics
from console.rules.evaluation import ranking, resampling
from console.rules.evaluation.binary import CLIP
from console.rules.evaluation.measured import measured, not_measured, proportion, small_class
from console.rules.evaluation.resampling import Floats
from console.rules.intervals import z_value
from storage.records.results import Result

Labels = NDArray[np.int64]

NAMES: Final[tuple[str, ...]] = tuple(m.name for m in metrics.for_subject("multiclass"))
PER_CLASS: Final = ("recall", "precision")
OF_CONFUSION: Final = ("balanced_accuracy", "mcc", "macro_f1", "weighted_f1")


def evaluate_multiclass(
    y: ArrayLike,
    probability: ArrayLike,
    classes: Sequence[str],
    *,
    names: Sequence[str] = (),
    confidence: float = 0.95,
    seed: int = 0,
    scope: str = "",
) -> tuple[Result, ...]:
    """Results of `names` (empty = all), not judged; recall and precision once per class.

    `y` (n_rows,) of class positions 0…k−1, `probability` (n_rows, k); its rows are scaled to sum
    1. Rows with anything not finite, or nothing to scale, are left out. Results about one class
    have the scope `class:<name>`.
    """
    labels, table = clean(y, probability, len(classes))
    if labels.size == 0:
        reason = "there is no row with label and probabilities"
        return tuple(not_measured(n, reason, scope=scope) for n in names or NAMES)
    counts = confusion(labels, table.argmax(axis=1), len(classes))
    results: list[Result] = []
    for name in names or NAMES:
        if name in PER_CLASS:
            results += _per_class(name, counts, classes, confidence, scope)
        else:
            results.append(_overall(name, labels, table, counts, confidence, seed, scope))
    return tuple(results)


def confusion(y: Labels, said: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Counts (k, k): rows = true class, columns = said class."""
    return np.bincount(y * k + said, minlength=k * k).reshape(k, k)


def of_confusion(name: str, counts: Floats) -> Floats:
    """A metric of confusion tables (…, k, k) → (…,). Classes without rows are left out of means."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1).astype(float)
    true, said = counts.sum(axis=-1).astype(float), counts.sum(axis=-2).astype(float)
    total = true.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        if name == "balanced_accuracy":
            return np.asarray(_mean_of_present(hits / true, true > 0))
        if name == "mcc":
            covariance = hits.sum(axis=-1) * total - (true * said).sum(axis=-1)
            spread = (total**2 - (said**2).sum(axis=-1)) * (total**2 - (true**2).sum(axis=-1))
            return np.asarray(covariance / np.sqrt(spread))
        f1 = 2 * hits / (true + said)
        if name == "macro_f1":
            return np.asarray(_mean_of_present(f1, true + said > 0))
        return np.asarray(np.nansum(f1 * true, axis=-1) / total)


def hits_of(name: str, y: Labels, p: Floats) -> NDArray[np.bool_]:
    """Which rows (n_rows,) are right: by the most probable class, or by one of the first two."""
    if name == "accuracy":
        return np.asarray(p.argmax(axis=1) == y)
    top = np.argsort(-p, axis=1, kind="stable")[:, :2]
    return np.asarray((top == y[:, None]).any(axis=1))


def row_losses(name: str, y: Labels, p: Floats) -> Floats:
    """Per-row values (n_rows,) whose mean is the log loss or the Brier score."""
    own = p[np.arange(y.size), y]
    if name == "log_loss":
        return np.asarray(-np.log(np.clip(own, CLIP, 1.0)))
    return np.asarray((p**2).sum(axis=1) - 2 * own + 1)


def _overall(
    name: str,
    y: Labels,
    p: Floats,
    counts: NDArray[np.int64],
    confidence: float,
    seed: int,
    scope: str,
) -> Result:
    n = y.size
    smallest = small_class(int(counts.sum(axis=1).min()))
    rng = resampling.generator(seed, name)
    if name in ("accuracy", "top2_accuracy"):
        hits = int(hits_of(name, y, p).sum())
        return proportion(name, hits, n, rows=n, confidence=confidence, scope=scope)
    if name in OF_CONFUSION:
        draws = min(resampling.TABLE_DRAWS, max(200, 4_000_000 // counts.size))
        drawn = resampling.table_draws(counts.ravel(), rng, draws).reshape(-1, *counts.shape)
        low, high = resampling.percentile(of_confusion(name, drawn), confidence)
        value = float(of_confusion(name, counts.astype(float)))
        estimate = (value, low, high, "bootstrap of the table")
        return measured(
            name, estimate, n, confidence=confidence, scope=scope, seed=seed, detail=smallest
        )
    if name == "roc_auc":
        estimate = _auc(y, p, confidence)
        return measured(name, estimate, n, confidence=confidence, scope=scope, detail=smallest)
    if name in ("log_loss", "brier"):
        estimate = resampling.mean(row_losses(name, y, p), confidence, rng)
        return measured(name, estimate, n, confidence=confidence, scope=scope, seed=seed)
    raise InvalidError(
        f"cannot evaluate {name}: it is no metric of a model with several classes.",
        hint=f"There are {', '.join(NAMES)}.",
    )


def _per_class(
    name: str,
    counts: NDArray[np.int64],
    classes: Sequence[str],
    confidence: float,
    scope: str,
) -> list[Result]:
    rows = int(counts.sum())
    wholes = counts.sum(axis=1 if name == "recall" else 0)
    nothing = "no row is of this class" if name == "recall" else "no row was said to be this class"
    return [
        proportion(
            name,
            int(counts[i, i]),
            int(wholes[i]),
            rows=rows,
            confidence=confidence,
            scope=f"{scope},class:{label}".lstrip(","),
            detail=small_class(int(counts[i].sum())),
            nothing=nothing,
        )
        for i, label in enumerate(classes)
    ]


def _auc(y: Labels, p: Floats, confidence: float) -> resampling.Estimate:
    """Mean of the one-against-rest AUCs; the variance from each row's influence on that mean."""
    value, influence = auc_influence(y, p)
    half = z_value(confidence) * float(influence.std(ddof=1)) / y.size**0.5
    return value, max(0.0, value - half), min(1.0, value + half), "DeLong, one against rest"


def auc_influence(y: Labels, p: Floats) -> tuple[float, Floats]:
    """Mean of the one-against-rest AUCs, and how far each row pulls it: (n_rows,).

    NaN and zeros with fewer than two classes that can be told from the rest.
    """
    n, k = p.shape
    present = [c for c in range(k) if 0 < (y == c).sum() < n]
    influence = np.zeros(n)
    if len(present) < 2:
        return float("nan"), influence
    total = 0.0
    for c in present:
        is_class = y == c
        found = ranking.placements(is_class.astype(np.int64), p[:, c])
        total += found.auc
        influence[is_class] += (found.positives - found.auc) * n / is_class.sum()
        influence[~is_class] += (found.negatives - found.auc) * n / (n - is_class.sum())
    return total / len(present), influence / len(present)


def clean(y: ArrayLike, probability: ArrayLike, k: int) -> tuple[Labels, Floats]:
    labels = np.asarray(y, dtype=np.float64).ravel()
    table = np.asarray(probability, dtype=np.float64)
    if table.shape != (labels.size, k):
        raise InvalidError(
            f"cannot evaluate: {labels.size} labels of {k} classes need probabilities of shape "
            f"({labels.size}, {k}), not {table.shape}.",
            hint="One row per case, one column per class, in the order of the classes.",
        )
    sums = table.sum(axis=1)
    usable = np.isfinite(labels) & np.isfinite(table).all(axis=1) & (sums > 0)
    kept = labels[usable]
    if kept.size and (kept.min() < 0 or kept.max() >= k):
        raise InvalidError(
            f"cannot evaluate: a label is outside the {k} classes.",
            hint="Labels are positions in the list of classes, from 0.",
        )
    return kept.astype(np.int64), table[usable] / sums[usable, None]


def _mean_of_present(values: Floats, is_present: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.where(is_present, values, 0.0).sum(axis=-1) / is_present.sum(axis=-1))
