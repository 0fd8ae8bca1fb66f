"""Watching fits: the curve grows while they go on, and the model is the same as unwatched."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

from console.worker.training import fitting, watching
from tests.worker.conftest import Bench, Told
from tests.worker.test_train import TOML, trips

HIST = 'estimator = "sklearn.ensemble.HistGradientBoostingClassifier"'


def train(bench: Bench, estimator: str, params: str) -> Told:
    bench.store("trips", trips(500), version=3)
    places = {"place": ["dale", "hill", "shore"], "rain": [0.1, 0.8, 0.3]}
    bench.store("places", pa.table(places), version=2)
    text = TOML.split("[[gates")[0].replace(HIST, f'estimator = "{estimator}"')
    text = text.replace("params = { max_iter = 20, max_leaf_nodes = 8 }", f"params = {{{params}}}")
    told = bench.run("train", bench.order(text, "late"))
    assert told.exit_code == 0, told.end
    return told


def points(told: Told) -> list[tuple[str, int, float]]:
    found = [point for report in told.reports["points"] for point in report.points]
    return [(p.metric, p.step, p.value) for p in found if not p.metric.startswith("fold")]


def test_a_curve_is_told_while_it_grows_and_no_point_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "LOOK_EVERY_S", 0.004)
    told = train(bench, "sklearn.ensemble.HistGradientBoostingClassifier", "max_iter = 120")
    found = points(told)
    assert max(Counter((metric, step) for metric, step, _ in found).values()) == 1
    assert {metric for metric, _, _ in found} == {"train_log_loss", "valid_log_loss"}
    live = [each for each in told.reports["progress"] if "iteration" in each.text]
    assert live and all(each.text.endswith("of 120") for each in live)
    assert [each.done for each in live] == sorted(each.done for each in live)
    # The curve comes in more than the one report of its end.
    assert sum(any(p.metric == "train_log_loss" for p in r.points)
               for r in told.reports["points"]) > 1  # fmt: skip
    falling = [value for metric, _, value in sorted(found) if metric == "train_log_loss"]
    assert falling[0] > falling[-1]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(
    ("estimator", "params", "metrics"),
    [
        ("sklearn.linear_model.SGDClassifier", 'loss = "log_loss"', {"train_log_loss"}),
        ("sklearn.neural_network.MLPClassifier", "max_iter = 8", {"train_loss"}),
    ],
)
def test_estimators_that_learn_in_passes_have_a_curve(
    bench: Bench, estimator: str, params: str, metrics: set[str]
) -> None:
    told = train(bench, estimator, params)
    assert metrics <= {metric for metric, _, _ in points(told)}


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingClassifier(max_iter=300, random_state=1),
        GradientBoostingClassifier(n_estimators=120, random_state=1),
    ],
    ids=["hist", "gradient"],
)
def test_what_is_seen_from_outside_is_the_model_of_that_moment(estimator: object) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 4))
    y = (x[:, 0] + rng.normal(size=400) > 0).astype(int)
    fitted = estimator.fit(x, y)  # type: ignore[attr-defined]
    wanted = list(fitted.staged_predict_proba(x))[36]
    shown = watching.as_of(fitted, 37)
    assert shown is not None
    np.testing.assert_array_equal(shown.predict_proba(x), wanted)
    assert watching.as_of(fitted, 0) is None
    seen = watching.iterations(fitted)
    assert seen is not None and seen[0] <= seen[1]
    assert watching.iterations(object()) is None


def test_a_look_never_holds_up_what_is_fitted() -> None:
    looks: list[int] = []
    rng = np.random.default_rng(2)
    x = rng.normal(size=(3000, 6))
    y = (x[:, 0] > 0).astype(np.int64)
    import pandas as pd

    cases = type("Cases", (), {"frame": pd.DataFrame(x), "y": y})()
    rows = np.arange(3000)
    fits = [
        fitting.Fit(
            "final", HistGradientBoostingClassifier(max_iter=60, random_state=3), rows, rows
        )
    ]

    def look(running: object) -> None:
        looks.append(len(running))  # type: ignore[arg-type]
        time.sleep(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "LOOK_EVERY_S", 0.001)
        (watched,) = fitting.fit_all(cases, fits, "binary", look=look)
    (alone,) = fitting.fit_all(cases, fits, "binary")
    assert looks
    np.testing.assert_array_equal(watched.scores, alone.scores)
