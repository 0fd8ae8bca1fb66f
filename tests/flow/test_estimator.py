"""The quick ways to a score give what scikit-learn gives, or are not taken."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from console.errors import ForbiddenError, InvalidError
from console.flow.estimator import Predictor, feature_frame
from storage.errors import DamagedError
from storage.objects import Objects
from storage.records.models import ModelManifest

NUMBERS = [f"n{i}" for i in range(6)]
CATEGORIES = ["c0", "c1", "c2"]
NAMES = NUMBERS + CATEGORIES
TYPES = ["number"] * len(NUMBERS) + ["category"] * len(CATEGORIES)
N = 1200


@dataclass
class Case:
    pipeline: Any
    task: str
    way: str


def data(seed: int = 0, n: int = N) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {name: rng.normal(size=n) for name in NUMBERS}
    columns["n0"][rng.random(n) < 0.2] = np.nan
    for i, name in enumerate(CATEGORIES):
        drawn = rng.integers(0, 3 + 5 * i, size=n)
        columns[name] = [None if i == 0 and v == 2 else f"v{v}" for v in drawn]
    return columns


def strange(n: int = 300) -> dict[str, Any]:
    """Rows with what training never saw: new categories, nulls everywhere, infinities."""
    columns = data(1, n)
    for name in CATEGORIES:
        columns[name][3], columns[name][4] = "never", None
    for name in NUMBERS:
        columns[name][5] = np.nan
    return columns


def target(task: str, columns: dict[str, Any]) -> Any:
    rng = np.random.default_rng(2)
    base = np.nan_to_num(columns["n0"]) + columns["n1"] + [v == "v1" for v in columns["c1"]]
    noisy = base + rng.normal(size=len(base))
    if task == "regression":
        return noisy
    return noisy > 0.5 if task == "binary" else np.digitize(noisy, [-0.5, 1.0])


def table(numbers: Any, categories: Any) -> ColumnTransformer:
    return ColumnTransformer([("n", numbers, NUMBERS), ("c", categories, CATEGORIES)])


ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
HOT = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
BOOST = HistGradientBoostingClassifier(max_iter=25)
IMPUTED = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())

CASES = {
    "boosting, ordinal": Case(
        make_pipeline(table("passthrough", ORDINAL), BOOST), "binary", "compiled"
    ),
    "boosting, one-hot, scaled": Case(
        make_pipeline(table(StandardScaler(), HOT), BOOST), "binary", "compiled"
    ),
    "boosting, categorical splits": Case(
        make_pipeline(
            table("passthrough", ORDINAL),
            HistGradientBoostingClassifier(max_iter=25, categorical_features=[6, 7, 8]),
        ),
        "binary",
        "compiled",
    ),
    "boosting, native categories first": Case(
        make_pipeline(
            ColumnTransformer(
                [
                    (
                        "c",
                        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
                        ["c2", "c0", "c1"],
                    ),
                    ("n", "passthrough", NUMBERS),
                ]
            ),
            HistGradientBoostingClassifier(max_iter=25, categorical_features=[0, 1]),
        ),
        "binary",
        "compiled",
    ),
    "boosting, classes": Case(
        make_pipeline(table("passthrough", ORDINAL), BOOST), "multiclass", "compiled"
    ),
    "boosting, regression": Case(
        make_pipeline(table("passthrough", ORDINAL), HistGradientBoostingRegressor(max_iter=25)),
        "regression",
        "compiled",
    ),
    "boosting, chains": Case(
        make_pipeline(
            table("passthrough", ORDINAL),
            HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=1, max_leaf_nodes=64),
        ),
        "binary",
        "compiled",
    ),
    "boosting, too many leaves": Case(
        make_pipeline(
            table("passthrough", ORDINAL),
            HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=1, max_leaf_nodes=99),
        ),
        "binary",
        "prepared",
    ),
    "logistic": Case(
        make_pipeline(
            table(IMPUTED, OneHotEncoder(handle_unknown="ignore", drop="if_binary")),
            LogisticRegression(),
        ),
        "binary",
        "compiled",
    ),
    "logistic, classes": Case(
        make_pipeline(
            table(
                make_pipeline(SimpleImputer(), RobustScaler(), MinMaxScaler(clip=True)),
                make_pipeline(SimpleImputer(strategy="most_frequent"), HOT),
            ),
            LogisticRegression(),
        ),
        "multiclass",
        "compiled",
    ),
    "ridge": Case(make_pipeline(table(IMPUTED, HOT), Ridge()), "regression", "compiled"),
    "forest": Case(
        make_pipeline(table(IMPUTED, HOT), RandomForestClassifier(9, n_jobs=-1)),
        "binary",
        "prepared",
    ),
    "unknown transformer": Case(
        make_pipeline(table(PowerTransformer(), ORDINAL), BOOST), "binary", "as trained"
    ),
}


def load(objects: Objects, pipeline: Any, task: str) -> Predictor:
    file = io.BytesIO()
    joblib.dump(pipeline, file)
    classes = {"binary": ("False", "True"), "multiclass": ("0", "1", "2"), "regression": ()}[task]
    manifest = ModelManifest(
        pipeline="p",
        pipeline_digest="",
        task=task,  # type: ignore[arg-type]  # a literal of three
        estimator="",
        estimator_digest=objects.put_bytes(file.getvalue()),
        inputs=(),
        steps=(),
        features=tuple(NAMES),
        feature_types=tuple(TYPES),
        target="y",
        classes=classes,
        positive="True",
        profile="",
        environment={},
    )
    return Predictor(manifest, objects)


def expected(pipeline: Any, task: str, columns: dict[str, Any]) -> Any:
    frame = feature_frame(columns, NAMES, TYPES)
    if task == "regression":
        return pipeline.predict(frame)
    scores = pipeline.predict_proba(frame)
    return scores[:, 1] if task == "binary" else scores


@pytest.fixture
def objects(tmp_path: Any) -> Objects:
    return Objects(tmp_path)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:Found unknown categories:UserWarning")
def test_the_chosen_way_gives_the_trained_scores(name: str, objects: Objects) -> None:
    case = CASES[name]
    columns = data()
    pipeline = case.pipeline.fit(feature_frame(columns, NAMES, TYPES), target(case.task, columns))
    live = strange()
    wanted = expected(pipeline, case.task, live)
    predictor = load(objects, pipeline, case.task)
    assert predictor.way == "as trained"
    assert predictor.choose(live, wanted) == len(wanted)
    assert (predictor.way, bool(predictor.reason)) == (case.way, case.way != "compiled")
    np.testing.assert_allclose(predictor.scores(live, 300), wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.way == "compiled"])
@pytest.mark.filterwarnings("ignore:Found unknown categories:UserWarning")
def test_a_row_scores_the_same_bits_alone_and_in_a_batch(name: str, objects: Objects) -> None:
    case = CASES[name]
    columns = data()
    pipeline = case.pipeline.fit(feature_frame(columns, NAMES, TYPES), target(case.task, columns))
    live = strange(40)
    predictor = load(objects, pipeline, case.task)
    predictor.choose(live, expected(pipeline, case.task, live))
    together = predictor.scores(live, 40)
    alone = [predictor.scores({k: v[i : i + 1] for k, v in live.items()}, 1) for i in range(40)]
    assert np.array_equal(together, np.concatenate(alone))


def test_an_estimator_alone_may_take_numbers_as_categories(objects: Objects) -> None:
    columns = {name: data()[name] for name in NUMBERS}
    columns["n3"] = np.round(columns["n3"] * 2)
    columns["n3"][::7] = np.nan
    kinds = ["number"] * len(NUMBERS)
    estimator = HistGradientBoostingClassifier(max_iter=20, categorical_features=[3])
    estimator.fit(feature_frame(columns, NUMBERS, kinds), target("binary", data()))
    manifest = replace(
        load(objects, estimator, "binary").manifest,
        features=tuple(NUMBERS),
        feature_types=tuple(kinds),
    )
    live = {name: values[:200].copy() for name, values in columns.items()}
    live["n3"][5] = 99.0
    wanted = estimator.predict_proba(feature_frame(live, NUMBERS, kinds))[:, 1]
    predictor = Predictor(manifest, objects)
    assert predictor.choose(live, wanted) == 200
    assert predictor.way == "compiled"


def test_infinities_go_where_scikit_learn_sends_them(objects: Objects) -> None:
    columns = data()
    pipeline = CASES["boosting, ordinal"].pipeline
    pipeline.fit(feature_frame(columns, NAMES, TYPES), target("binary", columns))
    live = strange()
    live["n1"][7], live["n1"][8] = np.inf, -np.inf
    predictor = load(objects, pipeline, "binary")
    assert predictor.choose(live, expected(pipeline, "binary", live)) == 300
    assert predictor.way == "compiled"


def test_a_way_that_differs_from_the_recorded_scores_is_not_taken(objects: Objects) -> None:
    columns = data()
    pipeline = CASES["boosting, ordinal"].pipeline
    pipeline.fit(feature_frame(columns, NAMES, TYPES), target("binary", columns))
    wanted = expected(pipeline, "binary", columns)
    wanted[17] += 1e-6
    predictor = load(objects, pipeline, "binary")
    assert predictor.choose(columns, wanted) == N - 1
    assert predictor.way == "as trained"
    assert "compiled: 1 of 1200 sample scores differ" in predictor.reason


def test_the_positive_class_may_be_the_first(objects: Objects) -> None:
    columns = data()
    pipeline = CASES["logistic"].pipeline
    pipeline.fit(feature_frame(columns, NAMES, TYPES), target("binary", columns))
    predictor = load(objects, pipeline, "binary")
    turned = Predictor(replace(predictor.manifest, positive="False"), objects)
    wanted = pipeline.predict_proba(feature_frame(columns, NAMES, TYPES))[:, 0]
    assert turned.choose(columns, wanted) == N
    assert turned.way == "compiled"


def test_a_category_the_encoder_refuses_is_refused_by_name(objects: Objects) -> None:
    columns = data()
    strict = make_pipeline(table("passthrough", OrdinalEncoder()), BOOST)
    strict.fit(feature_frame(columns, NAMES, TYPES), target("binary", columns))
    predictor = load(objects, strict, "binary")
    predictor.choose(columns, expected(strict, "binary", columns))
    assert predictor.way == "compiled"
    columns["c1"][0] = "never"
    with pytest.raises(InvalidError, match=r"field \"c1\": 'never' was not seen in training"):
        predictor.scores(columns, N)


def test_a_changed_model_file_is_refused_before_it_is_unpickled(objects: Objects) -> None:
    columns = data()
    pipeline = CASES["logistic"].pipeline
    pipeline.fit(feature_frame(columns, NAMES, TYPES), target("binary", columns))
    manifest = load(objects, pipeline, "binary").manifest
    path = objects.path(manifest.estimator_digest)
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="does not match its name"):
        Predictor(manifest, objects)


def test_a_foreign_model_is_not_unpickled_without_trust(objects: Objects) -> None:
    columns = data()
    pipeline = CASES["logistic"].pipeline
    pipeline.fit(feature_frame(columns, NAMES, TYPES), target("binary", columns))
    manifest = replace(load(objects, pipeline, "binary").manifest, is_own=False)
    with pytest.raises(ForbiddenError, match="not made by a job of this workspace"):
        Predictor(manifest, objects)
    assert Predictor(manifest, objects, trusts_foreign=True).scores(columns, N).shape == (N,)
