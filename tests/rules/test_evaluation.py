"""Evaluation of models: one battery for every metric of the catalog, and what each is about."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from console.errors import InvalidError
from console.rules import metrics, verdicts
from console.rules.evaluation import (
    evaluate_binary,
    evaluate_multiclass,
    evaluate_regression,
    reliability,
)
from console.rules.evaluation.calibration import ece, ece_by_chance
from console.rules.evaluation.ranking import average_precision
from storage.records.pipelines import Cost
from storage.records.results import Result

CLASSES = ("ash", "beech", "cedar")


def binary_rows(n: int, skill: float = 1.0) -> tuple[Any, Any]:
    """Labels drawn from their own scores (calibrated), or scores that tell them apart."""
    rng = np.random.default_rng([20130701, n])
    score = rng.beta(2, 3, n)
    y = (rng.random(n) < score).astype(int)
    if skill > 1:
        score = np.where(y == 1, 0.9, 0.1)
    return y, score


def multiclass_rows(n: int, skill: float = 1.0) -> tuple[Any, Any]:
    rng = np.random.default_rng([20130702, n])
    p = rng.dirichlet((1, 1, 1), n)
    y = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    if skill > 1:
        p = np.full((n, 3), 0.1)
        p[np.arange(n), y] = 0.8
    return y, p


def regression_rows(n: int, skill: float = 1.0) -> tuple[Any, Any]:
    rng = np.random.default_rng([20130703, n])
    y = rng.normal(20, 5, n)
    return y, y + (rng.normal(0, 2, n) if skill <= 1 else 0.01)


def evaluate(subject: str, y: Any, said: Any, **options: Any) -> tuple[Result, ...]:
    if subject == "binary":
        return evaluate_binary(y, said, **options)
    if subject == "multiclass":
        return evaluate_multiclass(y, said, CLASSES, **options)
    return evaluate_regression(y, said, **options)


ROWS = {"binary": binary_rows, "multiclass": multiclass_rows, "regression": regression_rows}
BATTERY = [
    (subject, metric.name)
    for subject in ROWS
    for metric in metrics.for_subject(subject)  # type: ignore[arg-type]  # keys are subjects
]


@pytest.mark.parametrize(("subject", "name"), BATTERY)
@pytest.mark.parametrize("n", [200, 2500])
def test_every_metric_lies_in_its_range_inside_its_interval(
    subject: str, name: str, n: int
) -> None:
    y, said = ROWS[subject](n)
    metric = metrics.CATALOG[name]
    for result in evaluate(subject, y, said, names=[name]):
        assert result.value is not None and result.ci_low is not None and result.ci_high is not None
        assert result.ci_low <= result.value <= result.ci_high
        assert result.ci_low < result.ci_high
        assert result.direction == metric.direction
        assert result.unit == metric.unit
        assert result.ci_method
        assert 0 < result.n <= n
        assert metric.low is None or result.value >= metric.low
        assert metric.high is None or result.value <= metric.high


@pytest.mark.parametrize(("subject", "name"), BATTERY)
def test_the_order_of_rows_changes_nothing(subject: str, name: str) -> None:
    y, said = ROWS[subject](1200)
    order = np.random.default_rng(3).permutation(len(y))
    before = evaluate(subject, y, said, names=[name], seed=5)
    after = evaluate(subject, y[order], said[order], names=[name], seed=5)
    for one, other in zip(before, after, strict=True):
        assert (one.value, one.ci_low, one.ci_high) == pytest.approx(
            (other.value, other.ci_low, other.ci_high), rel=1e-9
        )


@pytest.mark.parametrize(("subject", "name"), BATTERY)
def test_more_rows_narrow_the_interval(subject: str, name: str) -> None:
    def width(n: int) -> float:
        y, said = ROWS[subject](n)
        results = evaluate(subject, y, said, names=[name])
        return float(np.mean([(r.ci_high or 0) - (r.ci_low or 0) for r in results]))

    assert width(12_000) < 0.6 * width(1_000)


@pytest.mark.parametrize(("subject", "name"), BATTERY)
def test_a_nearly_perfect_model_is_at_least_as_good(subject: str, name: str) -> None:
    y, said = ROWS[subject](1500)
    perfect_y, perfect = ROWS[subject](1500, skill=2.0)
    usual = evaluate(subject, y, said, names=[name])
    best = evaluate(subject, perfect_y, perfect, names=[name])
    if metrics.direction_of(name) == "in" or name == "ece":
        return  # a steep, certain model need not be the better calibrated one
    for one, other in zip(best, usual, strict=True):
        assert one.value is not None and other.value is not None
        assert not metrics.is_better(name, other.value, one.value)


@pytest.mark.parametrize(("subject", "name"), BATTERY)
def test_a_metric_without_rows_is_an_error_with_a_reason(subject: str, name: str) -> None:
    empty = np.zeros((0, 3)) if subject == "multiclass" else np.zeros(0)
    for result in evaluate(subject, np.zeros(0), empty, names=[name]):
        assert result.value is None
        assert result.verdict == "error"
        assert result.reason


@pytest.mark.parametrize("label", [0, 1])
def test_with_one_class_only_each_metric_has_a_value_or_a_reason(label: int) -> None:
    results = {r.name: r for r in evaluate_binary([label] * 40, np.linspace(0.1, 0.9, 40))}
    assert results["roc_auc"].reason == "all 40 rows have the same class"
    assert results["accuracy"].value is not None
    for result in results.values():
        assert (result.value is None) == (result.verdict == "error")
        assert result.value is not None or result.reason


def test_unusable_rows_are_left_out_and_counted() -> None:
    y, score = binary_rows(300)
    score[:7] = np.nan
    result = evaluate_binary(y, score, names=["log_loss"])[0]
    assert result.n == 293
    assert ("rows left out", "7") in result.detail


@pytest.mark.parametrize(
    ("y", "score", "words"),
    [([0, 1], [0.5], "2 labels and 1 scores"), ([0, 2], [0.1, 0.2], "neither 0 nor 1")],
)
def test_input_that_cannot_be_evaluated_is_refused(y: Any, score: Any, words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        evaluate_binary(y, score)


def test_an_unknown_metric_is_refused_by_name() -> None:
    with pytest.raises(InvalidError, match="macro_f1"):
        evaluate_binary([0, 1], [0.2, 0.8], names=["macro_f1"])


def test_recall_counts_positives_and_remembers_all_judged_rows() -> None:
    y, score = binary_rows(1000)
    recall = evaluate_binary(y, score, 0.4, names=["recall"])[0]
    assert recall.n == int(y.sum())
    assert (verdicts.ROWS, "1000") in recall.detail


def test_a_small_class_keeps_its_metrics_from_being_judged() -> None:
    y = np.array([1] * 12 + [0] * 500)
    score = np.linspace(0.9, 0.1, 512)
    results = {r.name: r for r in evaluate_binary(y, score)}
    assert dict(results["recall"].detail)[verdicts.TOO_FEW].startswith("the smaller class has 12")
    assert verdicts.TOO_FEW not in dict(results["log_loss"].detail)


def test_cost_is_what_a_thousand_cases_cost() -> None:
    y = [1] * 60 + [0] * 40
    score = [0.9] * 45 + [0.1] * 15 + [0.9] * 10 + [0.1] * 30
    cost = Cost(false_positive=0.5, false_negative=1.6, review=0.04, true_positive_gain=0.1)
    result = evaluate_binary(y, score, 0.5, names=["cost"], cost=cost)[0]
    assert result.value == pytest.approx(10 * (0.5 * 10 + 1.6 * 15 - 0.1 * 45 + 0.04 * 55))


def test_separated_classes_still_have_a_lower_limit() -> None:
    y, score = [0] * 40 + [1] * 40, np.linspace(0, 1, 80)
    auc = evaluate_binary(y, score, names=["roc_auc"])[0]
    assert auc.value == 1.0
    assert auc.ci_low == pytest.approx(0.025 ** (1 / 40), abs=1e-9)
    slope = evaluate_binary(y, score, names=["calibration_slope"])[0]
    assert slope.verdict == "error"


def test_the_interval_of_the_auc_covers_the_truth() -> None:
    # Two unit normals 1 apart: AUC = Φ(1/√2).
    truth = 0.5 * (1 + math.erf(0.5))
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        y = np.repeat([0, 1], [120, 60])
        score = rng.normal(y.astype(float), 1.0)
        result = evaluate_binary(y, score, names=["roc_auc"])[0]
        hits += (result.ci_low or 0) <= truth <= (result.ci_high or 0)
    assert 366 <= hits <= 394


def test_ece_says_what_chance_alone_would_show() -> None:
    rng = np.random.default_rng(11)
    shown, expected = [], []
    for _ in range(60):
        score = rng.beta(2, 3, 600)
        curve = reliability((rng.random(600) < score).astype(int), score)
        shown.append(ece(curve))
        expected.append(ece_by_chance(curve))
    assert np.mean(shown) == pytest.approx(np.mean(expected), rel=0.08)


def test_equal_scores_stay_in_one_reliability_bin() -> None:
    y, score = np.array([0, 1] * 300), np.full(600, 0.5)
    curve = reliability(y, score)
    assert len(curve) == 1
    assert (curve[0].n, curve[0].mean_score, curve[0].seen) == (600, 0.5, 0.5)


def test_average_precision_counts_ties_as_one_step() -> None:
    assert average_precision(np.array([1, 0, 1, 0]), np.array([0.5] * 4)) == pytest.approx(0.5)


def test_relative_error_is_not_defined_at_a_true_zero() -> None:
    result = evaluate_regression([0.0, 1.0, 2.0], [1.0, 1.0, 1.0], names=["mape"])[0]
    assert result.verdict == "error"
    assert "zero" in result.reason


def test_a_constant_truth_has_no_r2() -> None:
    assert evaluate_regression([3.0] * 50, [3.1] * 50, names=["r2"])[0].verdict == "error"


def test_the_same_seed_gives_the_same_interval_whatever_else_is_asked() -> None:
    y, score = binary_rows(700)
    alone = evaluate_binary(y, score, names=["f1"], seed=3)[0]
    together = {r.name: r for r in evaluate_binary(y, score, seed=3)}["f1"]
    other = evaluate_binary(y, score, names=["f1"], seed=4)[0]
    assert alone == together
    assert alone.seed == 3
    assert (alone.ci_low, alone.ci_high) != (other.ci_low, other.ci_high)


def test_per_class_results_name_their_class() -> None:
    y, p = multiclass_rows(400)
    scopes = [r.scope for r in evaluate_multiclass(y, p, CLASSES, names=["recall"])]
    assert scopes == ["class:ash", "class:beech", "class:cedar"]


def test_probabilities_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(InvalidError, match=r"\(2, 3\)"):
        evaluate_multiclass([0, 1], [[0.5, 0.5], [0.5, 0.5]], CLASSES)


def test_metrics_equal_the_library_on_real_predictions() -> None:
    from sklearn import metrics as sk

    data = json.loads((Path(__file__).parent / "stat_vectors.json").read_text())["datasets"]
    y, score = np.array(data["binary"]["y"]), np.array(data["binary"]["score_b"])
    said = (score >= 0.3).astype(int)
    ours = {r.name: r.value for r in evaluate_binary(y, score, 0.3)}
    theirs = {
        "precision": sk.precision_score(y, said),
        "specificity": sk.recall_score(y, said, pos_label=0),
        "npv": sk.precision_score(y, said, pos_label=0),
        "mcc": sk.matthews_corrcoef(y, said),
        "roc_auc": sk.roc_auc_score(y, score),
        "average_precision": sk.average_precision_score(y, score),
    }
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=1e-9)
