"""Two models on the same rows, whatever they answer: every metric has its paired difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from console.errors import InvalidError
from console.rules import metrics
from console.rules.evaluation import (
    compare_models,
    difference_word,
    evaluate_binary,
    evaluate_multiclass,
    evaluate_regression,
    ranking,
)
from console.rules.evaluation.compare_classes import COMPARABLE
from storage.records.pipelines import Task
from storage.records.results import Result

RNG = np.random.default_rng(7)
N = 1200
CLASSES = ("a", "b", "c")


def probabilities(y: Any, sharpness: float) -> Any:
    raw = RNG.normal(0, 1, (N, 3))
    raw[np.arange(N), y] += sharpness
    return np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)


def cases() -> dict[Task, tuple[Any, Any, Any]]:
    """Truth, a good model, a poorer one."""
    score = RNG.beta(2, 3, N)
    binary = (RNG.random(N) < score).astype(int)
    noisy = np.clip(score + RNG.normal(0, 0.2, N), 0.01, 0.99)
    many = RNG.integers(0, 3, N)
    number = RNG.normal(50, 10, N)
    return {
        "binary": (binary, score, noisy),
        "multiclass": (many, probabilities(many, 2.0), probabilities(many, 1.0)),
        "regression": (number, number + RNG.normal(0, 2, N), number + RNG.normal(1, 4, N)),
    }


CASES = cases()
EVERY = [(task, name) for task, names in COMPARABLE.items() for name in names]


def difference(task: Task, name: str, *, new: int = 1, old: int = 2) -> Result:
    case = CASES[task]
    return compare_models(task, case[0], case[new], case[old], against="other", names=[name])[0]


def alone(task: Task, name: str, model: int) -> float:
    y, scores = CASES[task][0], CASES[task][model]
    if task == "binary":
        found = evaluate_binary(y, scores, names=[name])
    elif task == "multiclass":
        found = evaluate_multiclass(y, scores, CLASSES, names=[name])
    else:
        found = evaluate_regression(y, scores, names=[name])
    assert found[0].value is not None
    return found[0].value


@pytest.mark.parametrize("task", COMPARABLE)
def test_every_metric_of_a_task_can_be_compared(task: Task) -> None:
    of_one_class = {"recall", "precision"} if task == "multiclass" else set()
    known = {metric.name for metric in metrics.for_subject(task)} - of_one_class
    assert known == set(COMPARABLE[task])


@pytest.mark.parametrize(("task", "name"), EVERY)
def test_the_difference_is_that_of_the_metrics(task: Task, name: str) -> None:
    found = difference(task, name)
    assert found.value == pytest.approx(alone(task, name, 1) - alone(task, name, 2), abs=1e-9)
    assert found.ci_low is not None and found.ci_high is not None
    assert found.ci_low <= found.value <= found.ci_high  # type: ignore[operator]  # approx above


@pytest.mark.parametrize(("task", "name"), EVERY)
def test_swapping_the_models_turns_the_sign(task: Task, name: str) -> None:
    forth, back = difference(task, name), difference(task, name, new=2, old=1)
    assert forth.value == pytest.approx(-(back.value or 0.0), abs=1e-12)


@pytest.mark.parametrize(("task", "name"), EVERY)
def test_a_model_does_not_differ_from_itself(task: Task, name: str) -> None:
    found = difference(task, name, new=1, old=1)
    assert found.value == pytest.approx(0.0, abs=1e-12)
    if name in ("accuracy", "top2_accuracy"):  # Bonett and Price: never without width
        assert found.ci_high is not None and found.ci_high < 0.005
    else:
        assert (found.ci_low, found.ci_high) == pytest.approx((0.0, 0.0), abs=1e-12)
    assert difference_word(found) == "noise"


@pytest.mark.parametrize("task", COMPARABLE)
def test_the_better_model_is_said_to_be(task: Task) -> None:
    leading = metrics.DEFAULTS[task][0]
    assert difference_word(difference(task, leading)) == "better"
    assert difference_word(difference(task, leading, new=2, old=1)) == "worse"


@pytest.mark.parametrize(
    ("old", "word"), [(1.2, "worse"), (0.2, "better"), (0.9, "unclear"), (None, "unclear")]
)
def test_a_metric_that_is_best_near_one_value_is_judged_by_the_way_to_it(
    old: float | None, word: str
) -> None:
    found = Result(name="calibration_slope", value=0.4, ci_low=0.2, ci_high=0.6)
    assert difference_word(found, old=old) == word


@pytest.mark.parametrize(
    ("task", "name"),
    [("binary", "calibration_slope"), ("binary", "ece"), ("binary", "calibration_intercept"),
     ("regression", "r2"), ("regression", "median_ae"), ("multiclass", "roc_auc"),
     ("multiclass", "macro_f1")],
)  # fmt: skip
def test_an_interval_is_as_wide_as_drawing_the_rows_again_makes_it(task: Task, name: str) -> None:
    """The plain bootstrap over rows, which needs no theory, is the yardstick."""
    y, new, old = CASES[task]
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(60):
        rows = rng.integers(0, N, N)
        part = compare_models(
            task, y[rows], new[rows], old[rows], against="other", names=[name]
        )[0]  # fmt: skip
        drawn.append(part.value or 0.0)
    found = difference(task, name)
    assert found.ci_low is not None and found.ci_high is not None
    width = (found.ci_high - found.ci_low) / (2 * 1.96)
    assert width == pytest.approx(float(np.std(drawn)), rel=0.35)


def test_many_rows_are_drawn_as_cells_with_the_same_answer() -> None:
    """Below and above the limit the same rows give the same value and nearly the same interval."""
    y, new, old = CASES["binary"]
    exact = ranking.average_precision_draws(y, (new, old), np.random.default_rng(1), 400)
    cells = ranking._average_precision_of_cells(y, (new, old), np.random.default_rng(2), 400)
    value = alone("binary", "average_precision", 1) - alone("binary", "average_precision", 2)
    for drawn in (exact, cells):
        moved = drawn[:, 0] - drawn[:, 1]
        assert moved.mean() == pytest.approx(value, abs=0.01)
        assert moved.std() == pytest.approx((exact[:, 0] - exact[:, 1]).std(), rel=0.2)


def test_rows_that_one_of_two_models_could_not_score_are_left_out_for_both() -> None:
    y, new, old = CASES["multiclass"]
    broken = old.copy()
    broken[:300] = np.nan
    found = compare_models("multiclass", y, new, broken, against="v4", names=["log_loss"])[0]
    assert (found.n, found.scope) == (N - 300, "against:v4")
    nothing = compare_models("multiclass", y, new, old * np.nan, against="v4", names=["accuracy"])
    assert nothing[0].verdict == "error"


def test_a_metric_of_another_task_is_refused() -> None:
    y, new, old = CASES["multiclass"]
    with pytest.raises(InvalidError, match="cannot compare mae by row"):
        compare_models("multiclass", y, new, old, against="v4", names=["mae"])
