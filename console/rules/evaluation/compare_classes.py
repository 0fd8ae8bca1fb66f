"""Two models of several classes on the same rows, and two models whatever they answer.

Called by the worker and when runs are compared. As in `compare`: value = new − old, scope
`against:<name>`, every metric that is measured on rows has its paired difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from console.rules.evaluation import compare, multiclass, paired, resampling
from console.rules.evaluation.measured import not_measured, small_class
from console.rules.evaluation.multiclass import Labels
from console.rules.evaluation.resampling import Estimate, Floats
from storage.records.pipelines import Cost, Task
from storage.records.results import Result

CLASSES: Final[tuple[str, ...]] = tuple(
    name for name in multiclass.NAMES if name not in multiclass.PER_CLASS
)
COMPARABLE: Final[dict[Task, tuple[str, ...]]] = {
    "binary": compare.BINARY,
    "multiclass": CLASSES,
    "regression": compare.REGRESSION,
}
"""What can be compared row by row; recall and precision of one class are looked at by class."""
MOST_CELLS: Final = 4_000_000
"""Numbers held at once while tables are drawn."""


def compare_models(
    task: Task,
    y: ArrayLike,
    new: ArrayLike,
    old: ArrayLike,
    *,
    against: str,
    names: Sequence[str],
    thresholds: tuple[float, float] = (0.5, 0.5),
    cost: Cost = Cost(),  # noqa: B008  # frozen
    seed: int = 0,
) -> tuple[Result, ...]:
    """Differences new − old on the same rows, for whatever task; `thresholds` of new and old.

    Scores are (n_rows,), probabilities of several classes (n_rows, k).
    """
    if task == "binary":
        return compare.compare_binary(
            y, new, old, *thresholds, against=against, names=names, cost=cost, seed=seed
        )
    if task == "multiclass":
        return compare_classes(y, new, old, against=against, names=names, seed=seed)
    return compare.compare_regression(y, new, old, against=against, names=names, seed=seed)


def compare_classes(
    y: ArrayLike,
    new: ArrayLike,
    old: ArrayLike,
    *,
    against: str,
    names: Sequence[str] = ("accuracy", "macro_f1", "log_loss"),
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Result, ...]:
    """Differences new − old: `y` (n_rows,) of class positions, two probabilities (n_rows, k).

    Rows where anything is missing are left out for both.
    """
    tables = [np.asarray(each, dtype=np.float64) for each in (new, old)]
    k = tables[0].shape[1]
    usable = np.isfinite(tables[0]).all(axis=1) & np.isfinite(tables[1]).all(axis=1)
    labels, a = multiclass.clean(np.asarray(y)[usable], tables[0][usable], k)
    labels, b = multiclass.clean(np.asarray(y)[usable], tables[1][usable], k)
    scope = f"against:{against}"
    smallest = small_class(int(np.bincount(labels, minlength=k).min()))
    results = []
    for name in names:
        if name not in CLASSES:
            raise compare.not_comparable(name, CLASSES)
        if labels.size == 0:
            results.append(not_measured(name, "there is no row that both judged", scope=scope))
            continue
        estimate, p_value = _difference(name, labels, a, b, confidence, seed)
        detail = smallest if name in (*multiclass.OF_CONFUSION, "roc_auc") else ()
        results.append(
            compare.difference(name, estimate, labels.size, scope, confidence, seed, detail,
                               p_value)
        )  # fmt: skip
    return tuple(results)


def _difference(
    name: str, y: Labels, a: Floats, b: Floats, confidence: float, seed: int
) -> tuple[Estimate, float | None]:
    if name in ("accuracy", "top2_accuracy"):
        hits = [multiclass.hits_of(name, y, each) for each in (a, b)]
        only_new = int((hits[0] & ~hits[1]).sum())
        only_old = int((hits[1] & ~hits[0]).sum())
        found = paired.mcnemar(only_new, only_old, y.size, confidence)
        return (found.difference, found.low, found.high, "Bonett and Price, paired"), found.p_value
    if name in ("log_loss", "brier"):
        losses = [multiclass.row_losses(name, y, each) for each in (a, b)]
        return paired.mean_difference(losses[0], losses[1], confidence, seed=seed), None
    if name == "roc_auc":
        new, of_new = multiclass.auc_influence(y, a)
        old, of_old = multiclass.auc_influence(y, b)
        return compare.by_influence(new - old, of_new - of_old, confidence), None
    return _of_confusion(name, y, a, b, confidence, seed), None


def _of_confusion(
    name: str, y: Labels, a: Floats, b: Floats, confidence: float, seed: int
) -> Estimate:
    """Draws truth × new class × old class together; cells without rows stay empty."""
    k = a.shape[1]
    coded = (y * k + a.argmax(axis=1)) * k + b.argmax(axis=1)
    cells, counts = np.unique(coded, return_counts=True)
    draws = min(compare.DRAWS, max(200, MOST_CELLS // max(k * k, cells.size)))
    rng = resampling.generator(seed, name)
    drawn = np.vstack((counts[None, :], resampling.table_draws(counts, rng, draws)))
    truth, of_new, of_old = cells // (k * k), cells // k % k, cells % k
    values = []
    for said in (of_new, of_old):
        member = np.zeros((cells.size, k * k))
        member[np.arange(cells.size), truth * k + said] = 1.0
        tables = np.asarray(drawn @ member, dtype=np.float64).reshape(-1, k, k)
        values.append(multiclass.of_confusion(name, tables))
    moved = values[0] - values[1]
    low, high = resampling.percentile(moved[1:], confidence)
    return float(moved[0]), low, high, "bootstrap of the joint table"
