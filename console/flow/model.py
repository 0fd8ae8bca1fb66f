"""A model version ready to be asked: signature, steps and estimator in one.

Used by serving processes and by workers that score, compare or replay. Invariant: a model that
`load` returned gives for its stored sample rows the scores that training recorded, and gives a row
the same score alone as in a batch; otherwise `load` refuses it and says how far off it is.
"""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from console import text
from console.errors import ConsoleError, DamagedError, FailedError, InvalidError
from console.flow.apply import Flow
from console.flow.columns import canonical, to_table
from console.flow.estimator import TOLERANCE, Predictor, Scores, count_equal
from console.flow.matrix import is_missing
from console.flow.signature import Signature
from storage.chunks import decode, read_sql
from storage.objects import Objects
from storage.records.models import ModelManifest
from storage.records.profiles import Profile

_ALONE: Final = 5
"""Sample rows that are also scored one by one."""
_SHOWN: Final = 8
"""Columns that are named when one is missing."""
_T = TypeVar("_T")


class Sample(msgspec.Struct, frozen=True):
    """What `ModelManifest.sample` names: input rows and what training scored them."""

    rows: list[dict[str, Any]]
    """Request fields by name; times as ISO 8601 text."""
    scores: list[float | list[float]]
    """Probability of the positive class, the value of a regression, or one probability a class."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """The answer for a batch, row by row in the order asked."""

    score: NDArray[np.float64]
    """Probability of the positive class; of the likeliest class for multiclass; the value of a
    regression."""
    probabilities: Scores | None
    """(n, classes) for multiclass, else None."""
    label: list[str] | None
    """The likeliest class for multiclass, else None."""
    features: Mapping[str, Any]
    """What the estimator received."""


class LoadedModel:
    """One model version in memory. Used by one thread at a time."""

    def __init__(
        self, manifest: ModelManifest, objects: Objects, *, root: Path | None, threads: int
    ) -> None:
        self.manifest = manifest
        self.signature = Signature(manifest.inputs, manifest.row_id)
        self.flow: Flow | None = None
        if any(step.flow != "training" for step in manifest.steps):
            references = {
                each.name: read_sql(decode(objects.read_bytes(each.manifest)), objects)
                for each in manifest.references
            }
            self.flow = Flow(manifest.steps, references, root=root, threads=threads)
        self.predictor = Predictor(manifest, objects, threads=threads)
        self.self_check = ""
        """`1 000 of 1 000 sample scores equal`, for people."""
        self.alone_s: float | None = None
        """How long one row took during the self-check; None when there was no sample."""

    def close(self) -> None:
        if self.flow is not None:
            self.flow.close()

    def predict(self, columns: Mapping[str, Sequence[Any]], n: int) -> Predicted:
        """Score `n` rows given as request fields (see `Signature.columns`).

        Raises `InvalidError` with the row when a step cannot take it, `FailedError` when the model
        gives something that is no score.
        """
        features = self.features(columns)
        scores = self.predictor.scores(features, n)
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores.reshape(n, -1)).all(axis=1))[0])
            raise FailedError(f"row {row}: the model gave {scores[row]}, which is no score.")
        if scores.ndim == 1:
            return Predicted(scores, None, None, features)
        best = scores.argmax(axis=1)
        labels = [self.manifest.classes[position] for position in best]
        return Predicted(scores.max(axis=1), scores, labels, features)

    def features(self, columns: Mapping[str, Sequence[Any]]) -> Mapping[str, Any]:
        """Return what the estimator receives for these request fields."""
        if self.flow is None:
            return columns
        table = to_table(self.signature.schema, columns)
        return self.flow.features(table, self.manifest.features, self.manifest.feature_types)

    def score_table(self, rows: Any) -> Scores:
        """Scores of the rows of an Arrow table that has the model's input columns, and maybe more.

        Shape (n,), or (n, classes) for multiclass. Raises `InvalidError` naming what is missing.
        """
        names = [field.name for field in self.manifest.inputs]
        absent = [name for name in names if name not in rows.column_names]
        if absent:
            near = difflib.get_close_matches(absent[0], rows.column_names, n=1)
            raise InvalidError(
                f"the data lacks {text.listed(absent)}, which the model needs.",
                hint=f"Is it called {near[0]} there?"
                if near
                else f"It has {', '.join(rows.column_names[:_SHOWN])}.",
            )
        table = canonical(rows.select(names))
        if not table.num_rows:
            classes = len(self.manifest.classes)
            return np.empty((0, classes) if self.manifest.task == "multiclass" else 0)
        if self.flow is None:
            features: Mapping[str, Any] = {n: table.column(n).to_pylist() for n in names}
        else:
            manifest = self.manifest
            features = self.flow.features(table, manifest.features, manifest.feature_types)
        return self.predictor.scores(features, table.num_rows)

    def prove(self, sample: Sample) -> None:
        """Raise `DamagedError` unless the sample rows score as they did in training."""
        columns = self.signature.columns(sample.rows, extra="ignore")
        expected = np.asarray(sample.scores, dtype=np.float64)
        n = len(expected)
        features = self.features(columns)
        equal = self.predictor.choose(features, expected)
        if equal != n:
            found = self.predictor.scores(features, n)
            gap = float(np.abs(found - expected).max()) if found.shape == expected.shape else np.nan
            raise DamagedError(
                f"the model gives other scores than in training: {n - equal} of {n} sample rows "
                f"differ, by up to {gap:.3g}.",
                hint="Compare the versions of scikit-learn and numpy with those it was trained "
                f"with: {self._environment()}.",
                equal=equal,
                n=n,
            )
        times: list[float] = []
        for row in range(min(_ALONE, n)):
            started = time.perf_counter()
            alone = self.predict({name: each[row : row + 1] for name, each in columns.items()}, 1)
            times.append(time.perf_counter() - started)
            self._check_alone(row, alone, features, expected)
        self.alone_s = min(times, default=None)
        self.self_check = f"{equal:,} of {n:,} sample scores equal".replace(",", " ")

    def _check_alone(
        self, row: int, alone: Predicted, features: Mapping[str, Any], expected: Scores
    ) -> None:
        """Raise `DamagedError` unless a sample row got by itself what it got among the others."""
        for name in self.manifest.features:
            one, among = alone.features[name][0], features[name][row]
            if not _is_same(one, among):
                raise DamagedError(
                    f'sample row {row}: feature "{name}" is {one!r} for the row alone and '
                    f"{among!r} among {len(expected)} rows: a step mixes rows.",
                    hint="A step of the inference flow may use its own row and the references.",
                    row=row,
                )
        score = alone.score if alone.probabilities is None else alone.probabilities
        if count_equal(score, expected[row : row + 1]) != 1:
            raise DamagedError(
                f"sample row {row} alone scores {score[0]}, among {len(expected)} rows it scores "
                f"{expected[row]}: the estimator mixes rows.",
                row=row,
            )

    def _environment(self) -> str:
        names = ("python", "scikit-learn", "numpy", "pandas", "duckdb")
        known = self.manifest.environment
        return ", ".join(f"{name} {known[name]}" for name in names if name in known) or "unknown"


def _is_same(one: Any, other: Any) -> bool:
    """Equal, both missing, or numbers that differ in rounding only."""
    if one == other or (is_missing(one) and is_missing(other)):
        return True
    are_numbers = isinstance(one, float) and isinstance(other, float)
    return are_numbers and math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def load(
    digest: str, objects: Objects, *, root: Path | None = None, threads: int = 1
) -> LoadedModel:
    """Return the model version whose manifest has this digest, proven on its sample rows."""
    manifest = read_manifest(digest, objects)
    model = LoadedModel(manifest, objects, root=root, threads=threads)
    try:
        if manifest.sample:
            model.prove(_decoded(manifest.sample, Sample, objects, "sample rows"))
        else:
            model.self_check = "no sample rows to compare with"
    except ConsoleError:
        model.close()
        raise
    return model


def read_manifest(digest: str, objects: Objects) -> ModelManifest:
    """Return the manifest of a model version; raises `DamagedError` when it is not one."""
    manifest = _decoded(digest, ModelManifest, objects, "manifest")
    if len(manifest.features) != len(manifest.feature_types):
        raise DamagedError(
            f"model manifest {digest[:12]} has {len(manifest.features)} features and "
            f"{len(manifest.feature_types)} types.",
            digest=digest,
        )
    return manifest


def read_profile(manifest: ModelManifest, objects: Objects) -> Profile | None:
    """Return the profile of the training features; None when the model has none."""
    if not manifest.profile:
        return None
    return _decoded(manifest.profile, Profile, objects, "profile")


def _decoded(digest: str, kind: type[_T], objects: Objects, what: str) -> _T:
    try:
        return msgspec.json.decode(objects.read_bytes(digest), type=kind)
    except msgspec.MsgspecError as error:
        raise DamagedError(
            f"the model's {what} (object {digest[:12]}) cannot be read: {error}.",
            hint="It was written by another release, or the object is not what it should be.",
            digest=digest,
        ) from error
