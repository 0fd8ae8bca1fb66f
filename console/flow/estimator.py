"""A trained estimator, verified, loaded and asked for scores in the quickest way that is proven.

Used by serving processes and by workers that score many rows. There are up to three ways from
feature columns to scores: `compiled` (parameters applied to plain arrays, no scikit-learn call),
`prepared` (own matrix, the estimator's own predict) and `as trained` (the pipeline over a
DataFrame). Invariant: a way other than `as trained` is used only after it gave the scores that
training recorded, to 1e-9, for every stored sample row; a row scores the same alone and in a batch.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, Protocol

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from console.errors import DamagedError, ForbiddenError
from console.flow.matrix import Columns, Matrix, MatrixPlan, Unsupported, coded, read_transformers
from console.flow.trees import Forest, Slot, TooLarge
from storage.records.models import ModelManifest

Way = Literal["compiled", "prepared", "as trained"]
Scores = NDArray[np.float64]
"""(n,) for binary (probability of the positive class) and regression (the value); (n, classes) for
multiclass."""
Scorer = Callable[[Columns, int], Scores]
Head = Callable[[Matrix], Scores]

TOLERANCE: Final = 1e-9


class ObjectBytes(Protocol):
    """The part of the object store that loading needs."""

    def read_bytes(self, digest: str) -> bytes:
        """The content, checked against the digest."""


class Predictor:
    """Scores of a model for feature columns; `manifest.features` names and orders them.

    Starts `as trained`; `choose` goes over to a quicker way. Raises `DamagedError` when the file
    is not the recorded one, `ForbiddenError` for a foreign model: unpickling runs its code.
    """

    def __init__(
        self,
        manifest: ModelManifest,
        objects: ObjectBytes,
        *,
        threads: int = 1,
        trusts_foreign: bool = False,
    ) -> None:
        if not manifest.is_own and not trusts_foreign:
            raise ForbiddenError(
                f"cannot load estimator {manifest.estimator_digest[:12]}: it was not made by a job "
                "of this workspace, and loading a foreign model runs whatever is in it.",
                hint="When you know who made it: mlops-console model import NAME FILE --trust",
                digest=manifest.estimator_digest,
            )
        self.manifest = manifest
        self._estimator = _load(manifest, objects)
        _limit_threads(self._estimator, threads)
        self._column = _positive_column(manifest)
        self.way: Way = "as trained"
        self.reason = "the model has no sample rows to prove a quicker way"
        """Why it is not `compiled`; empty when it is."""
        self._ways: list[tuple[Way, Scorer]] = []
        self._unsupported = self._find_ways()
        self._score: Scorer = self._as_trained

    def scores(self, columns: Columns, n: int) -> Scores:
        """Return the scores of `n` rows; see `Scores` for the shape."""
        return self._score(columns, n)

    def choose(self, columns: Columns, expected: Scores) -> int:
        """Take the first way that gives `expected` for the sample rows; return how many agree.

        When none does, the way stays `as trained` and the number tells how bad it is.
        """
        n = len(expected)
        reasons = [self._unsupported] if self._unsupported else []
        for way, scorer in [*self._ways, ("as trained", self._as_trained)]:
            try:
                equal = count_equal(scorer(columns, n), expected)
            except Exception as error:
                if way == "as trained":
                    raise
                reasons.append(f"{way}: {type(error).__name__}: {error}")
                continue
            if equal == n or way == "as trained":
                self.way, self._score, self.reason = way, scorer, "; ".join(reasons)
                return equal
            reasons.append(f"{way}: {n - equal} of {n} sample scores differ")
        raise AssertionError("the last way always returns")

    def _find_ways(self) -> str:
        """Fill `_ways`; return why one is missing."""
        transformers, estimator = _split(self._estimator)
        try:
            plan, slots = self._plan(transformers, estimator)
        except (Unsupported, TooLarge) as error:
            return str(error)
        reason = ""
        try:
            self._ways.append(("compiled", _scorer(plan, self._compiled_head(estimator, slots))))
        except (Unsupported, TooLarge) as error:
            reason = str(error)
        if transformers:
            self._ways.append(("prepared", _scorer(plan, self._own_head(estimator))))
        return reason

    def _plan(
        self, transformers: Sequence[Any], estimator: Any
    ) -> tuple[MatrixPlan, list[Slot] | None]:
        """The matrix, and for a histogram model where its trees find their features in it."""
        names = self.manifest.features
        is_histogram = type(estimator).__name__.startswith("HistGradientBoosting")
        mask = estimator.is_categorical_ if is_histogram else None
        if mask is None:
            plan = read_transformers(transformers, names)
            slots = [Slot(column) for column in range(plan.width)]
            return plan, slots if is_histogram else None
        encoder = estimator._preprocessor.named_transformers_["encoder"]
        known = [[each for each in found if each == each] for found in _lists(encoder.categories_)]
        at = np.flatnonzero(mask)
        if transformers:
            plan = read_transformers(transformers, names)
            categories = [tuple(float(each) for each in found) for found in known]
        else:
            found_by_name = {names[column]: found for column, found in zip(at, known, strict=True)}
            plan = coded(names, found_by_name)
            categories = [tuple(float(code) for code in range(len(found))) for found in known]
        # The estimator's own preprocessing puts the categorical columns first.
        first = [Slot(int(column), found) for column, found in zip(at, categories, strict=True)]
        return plan, first + [Slot(int(column)) for column in np.flatnonzero(~mask)]

    def _compiled_head(self, estimator: Any, slots: list[Slot] | None) -> Head:
        kind = type(estimator).__name__
        if slots is not None:
            return self._forest_head(estimator, Forest(estimator, slots))
        if kind == "LogisticRegression":
            return self._linear_head(estimator, is_classifier=True)
        if kind in ("LinearRegression", "Ridge", "Lasso", "ElasticNet"):
            return self._linear_head(estimator, is_classifier=False)
        raise Unsupported(f"{kind} is asked through scikit-learn")

    def _forest_head(self, estimator: Any, forest: Forest) -> Head:
        if self.manifest.task == "regression":
            inverse = estimator._loss.link.inverse
            return lambda x: np.asarray(inverse(forest.raw(x)[:, 0]), dtype=np.float64)
        if self.manifest.task == "binary":
            return self._binary(lambda x: forest.raw(x)[:, 0])
        return lambda x: _softmax(forest.raw(x))

    def _linear_head(self, estimator: Any, *, is_classifier: bool) -> Head:
        # Products are added row by row, not by a matrix product, whose rounding depends on how
        # many rows there are.
        weights = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
        offsets = np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), len(weights))

        def raw(x: Matrix) -> Scores:
            sums = [(x * row).sum(axis=1) for row in weights]
            return np.stack(sums, axis=1) + offsets

        if not is_classifier:
            return lambda x: raw(x)[:, 0]
        if len(weights) == 1:
            return self._binary(lambda x: raw(x)[:, 0])
        return lambda x: _softmax(raw(x))

    def _binary(self, raw: Head) -> Head:
        from scipy.special import expit

        if self._column == 1:
            return lambda x: np.asarray(expit(raw(x)))
        return lambda x: 1.0 - np.asarray(expit(raw(x)))

    def _own_head(self, estimator: Any) -> Head:
        return lambda x: self._output(estimator, x)

    def _output(self, estimator: Any, x: Any) -> Scores:
        if self.manifest.task == "regression":
            return np.asarray(estimator.predict(x), dtype=np.float64)
        scores = np.asarray(estimator.predict_proba(x), dtype=np.float64)
        return scores[:, self._column] if self.manifest.task == "binary" else scores

    def _as_trained(self, columns: Columns, n: int) -> Scores:
        return self._output(self._estimator, self.frame(columns))

    def frame(self, columns: Columns) -> Any:
        """Return the DataFrame that the pipeline was fitted on in form."""
        return feature_frame(columns, self.manifest.features, self.manifest.feature_types)


def feature_frame(columns: Columns, features: Sequence[str], types: Sequence[str]) -> Any:
    """Return feature columns as the DataFrame that estimators are fitted on.

    A `number` is float64 with NaN; a `category` keeps its values, strings as pandas' `str`.
    """
    import pandas as pd

    made = {}
    for name, kind in zip(features, types, strict=True):
        values = columns[name]
        if kind == "number":
            made[name] = pd.Series(np.asarray(values, dtype=np.float64))
        else:
            made[name] = pd.Series(list(values))
            if made[name].isna().all():
                made[name] = made[name].astype("str")
    return pd.DataFrame(made)


def count_equal(scores: Scores, expected: Scores) -> int:
    """Return how many rows agree to `TOLERANCE`, relative to the score where it is above 1."""
    if scores.shape != expected.shape:
        return 0
    limit = TOLERANCE * np.maximum(1.0, np.abs(expected))
    is_equal = np.abs(scores - expected) <= limit
    return int((is_equal if is_equal.ndim == 1 else is_equal.all(axis=1)).sum())


def _load(manifest: ModelManifest, objects: ObjectBytes) -> Any:
    data = objects.read_bytes(manifest.estimator_digest)
    import joblib

    try:
        return joblib.load(io.BytesIO(data))
    except Exception as error:
        raise DamagedError(
            f"estimator {manifest.estimator_digest[:12]} cannot be loaded: "
            f"{type(error).__name__}: {error}",
            hint=f"It was made with scikit-learn {manifest.environment.get('scikit-learn', '?')}; "
            "the code it refers to must be importable here.",
            digest=manifest.estimator_digest,
        ) from error


def _limit_threads(estimator: Any, threads: int) -> None:
    """Hold OpenMP, BLAS and joblib to `threads`: more of them wait for one another for long."""
    threadpoolctl.threadpool_limits(threads)
    if hasattr(estimator, "get_params"):
        jobs = [name for name in estimator.get_params() if name.split("__")[-1] == "n_jobs"]
        estimator.set_params(**dict.fromkeys(jobs, threads))


def _positive_column(manifest: ModelManifest) -> int:
    if manifest.task != "binary":
        return 0
    if manifest.positive not in manifest.classes or len(manifest.classes) != 2:
        raise DamagedError(
            f"the model's classes are {list(manifest.classes)}; the positive class \""
            f'{manifest.positive}" must be one of two.',
            hint="Train the model again: mlops-console train PIPELINE",
        )
    return manifest.classes.index(manifest.positive)


def _split(estimator: Any) -> tuple[list[Any], Any]:
    """Take a Pipeline apart into transformers and the last step."""
    if type(estimator).__name__ != "Pipeline":
        return [], estimator
    steps = [step for _, step in estimator.steps if step not in (None, "passthrough")]
    return steps[:-1], steps[-1]


def _lists(arrays: Sequence[Any]) -> list[list[Any]]:
    return [np.asarray(each).tolist() for each in arrays]


def _scorer(plan: MatrixPlan, head: Head) -> Scorer:
    return lambda columns, n: head(plan.matrix(columns, n))


def _softmax(raw: Scores) -> Scores:
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    made: Scores = powers / powers.sum(axis=1, keepdims=True)
    return made
