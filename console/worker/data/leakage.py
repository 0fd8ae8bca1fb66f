"""Whether a feature alone tells the label: then it is probably known only afterwards.

Used before training, by the jobs that judge training data. Measured on a sample of 100,000 rows.
Invariant: the same data gives the same scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from console.rules.contract_sql import family_of
from console.rules.verdicts import judge
from console.worker.data.learning_checks import types_of
from storage.records.results import Result
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Values = npt.NDArray[Any]

LEAK_FAIL: Final = 0.99
LEAK_WARN: Final = 0.95
SAMPLE_ROWS: Final = 100_000
FEW_LABELS: Final = 20
"""A numeric label with more different values is one to regress on."""


def leakage(
    connection: DuckDBPyConnection,
    relation: str,
    label: str,
    features: Sequence[str],
    *,
    seed: int = 0,
) -> tuple[Result, ...]:
    """How well each feature alone tells the label, worst first.

    Classes: AUC of the feature's rank, or of the mean label per category found on one half of the
    sample and tried on the other; several classes: the best one against the rest. A numeric label
    with more than 20 different values: R² of a tree with 20 leaves, fitted on one half. That a
    feature is null is a feature of its own.
    """
    types = types_of(connection, relation)
    names = [label, *features]
    columns = _sample(connection, relation, {name: types[name] for name in names})
    target = columns.pop(label)
    is_regression = target.dtype.kind == "f" and len(np.unique(target)) > FEW_LABELS
    results = []
    for name, values in columns.items():
        score, what = _alone(values, target, is_regression, seed)
        results.append(_leak(name, score, what, len(target), seed))
        missing = _missing(values)
        if 0 < missing.sum() < len(missing):
            score, what = _alone(missing.astype(np.float64), target, is_regression, seed)
            results.append(_leak(f"{name} is null", score, what, len(target), seed))
    return tuple(sorted(results, key=lambda result: -(result.value or 0.0)))


def _sample(
    connection: DuckDBPyConnection, relation: str, types: dict[str, str]
) -> dict[str, Values]:
    """Return about SAMPLE_ROWS rows, chosen by their content: the same ones every time."""
    label = quote(next(iter(types)))
    n = int(connection.execute(f"SELECT count({label}) FROM {relation}").fetchall()[0][0])
    step = max(1, n // SAMPLE_ROWS)
    listed = ", ".join(map(quote, types))
    values = ", ".join(
        f"{_value(quote(name), kind)} AS v{number}"
        for number, (name, kind) in enumerate(types.items())
    )
    found = connection.execute(
        f"SELECT {values} FROM {relation} WHERE {label} IS NOT NULL AND hash({listed}) % {step} = 0"
    ).fetchnumpy()
    return {name: _plain(found[f"v{number}"]) for number, name in enumerate(types)}


def _value(column: str, kind: str) -> str:
    family = family_of(kind)
    if family in ("integer", "number"):
        return f"CAST({column} AS DOUBLE)"
    if family in ("timestamp", "date"):
        return f"epoch({column})"
    return f"CAST({column} AS VARCHAR)"


def _plain(found: object) -> Values:
    """Floats with NaN for null, or texts with None."""
    if isinstance(found, np.ma.MaskedArray):
        found = found.filled(np.nan if found.dtype.kind == "f" else None)
    return np.asarray(found)


def _missing(values: Values) -> npt.NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.isnan(values.astype(np.float64))
    return np.array([value is None for value in values])


def _alone(
    values: Values,
    target: Values,
    is_regression: bool,
    seed: int,
) -> tuple[float, str]:
    """How well one feature tells the target: (score, name of the score)."""
    rng = np.random.default_rng(seed)
    half = rng.random(len(target)) < 0.5
    if is_regression:
        return _r_squared(values, target.astype(np.float64), half), "R²"
    classes = sorted({str(value) for value in target})
    if len(classes) < 2:
        return math.nan, "AUC"
    labels = np.array([str(value) for value in target])
    chosen = classes[1:] if len(classes) == 2 else classes
    scores = [_auc(values, labels == each, half) for each in chosen]
    return max(scores), "AUC"


def _auc(values: Values, positive: npt.NDArray[np.bool_], half: npt.NDArray[np.bool_]) -> float:
    """Rank AUC, at least 0.5: a feature that is wrong all the time is as telling as one that is
    right. Categories are ranked by their share of positives in the other half."""
    from scipy.stats import rankdata

    if values.dtype.kind == "f":
        numbers = values.astype(np.float64)
        numbers = np.where(np.isnan(numbers), np.nanmin(numbers, initial=0.0) - 1.0, numbers)
        used = np.ones(len(numbers), dtype=bool)
    else:
        numbers, used = _encoded(values, positive.astype(np.float64), half), ~half
    inside, truth = numbers[used], positive[used]
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return math.nan
    ranks = rankdata(inside)
    above = ranks[truth].sum() - positives * (positives + 1) / 2
    auc = above / (positives * negatives)
    return float(max(auc, 1 - auc))


def _encoded(
    values: Values, target: npt.NDArray[np.float64], half: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Mean target per category, learned on one half, as a number for every row."""
    sums: dict[object, list[float]] = {}
    for value, truth in zip(values[half], target[half], strict=True):
        entry = sums.setdefault(value, [0.0, 0.0])
        entry[0] += truth
        entry[1] += 1
    mean = float(target[half].mean()) if half.any() else 0.0
    known = {value: total / count for value, (total, count) in sums.items()}
    return np.array([known.get(value, mean) for value in values])


def _r_squared(
    values: Values, target: npt.NDArray[np.float64], half: npt.NDArray[np.bool_]
) -> float:
    from sklearn.tree import DecisionTreeRegressor

    if values.dtype.kind == "f":
        numbers = values.astype(np.float64)
    else:
        numbers = _encoded(values, target, half)
    if half.all() or not half.any():
        return math.nan
    tree = DecisionTreeRegressor(max_leaf_nodes=20, random_state=0)
    tree.fit(numbers[half].reshape(-1, 1), target[half])
    predicted = tree.predict(numbers[~half].reshape(-1, 1))
    spread = float(((target[~half] - target[~half].mean()) ** 2).sum())
    error = float(((target[~half] - predicted) ** 2).sum())
    return max(0.0, 1 - error / spread) if spread else math.nan


def _leak(name: str, score: float, what: str, n: int, seed: int) -> Result:
    scope = f"column:{name}"
    base = Result(name=f"leakage ({what})", scope=scope, n=n, direction="le", seed=seed)
    if math.isnan(score):
        return replace(base, verdict="skipped", reason="the sample has one class only")
    judged = judge(replace(base, value=score, threshold=LEAK_FAIL, target=LEAK_WARN))
    if judged.verdict in ("fail", "warn"):
        reason = f"{name} alone tells the label ({what} {score:.3f}): known only afterwards?"
        return replace(judged, reason=reason)
    return judged
