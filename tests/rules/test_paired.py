"""Two models on the same rows, slices of one model: differences and what they are worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import bdtr, stdtr

from console.errors import InvalidError
from console.rules import metrics, verdicts
from console.rules.evaluation import (
    compare_binary,
    compare_regression,
    delong,
    difference_word,
    evaluate_binary,
    evaluate_slices,
    mcnemar,
    mean_difference,
    nadeau_bengio,
    slice_groups,
)
from console.rules.evaluation.compare import BINARY, REGRESSION
from console.rules.evaluation.paired import student_cdf
from storage.records.results import Result

RNG = np.random.default_rng(42)
N = 1500
SCORE = RNG.beta(2, 3, N)
Y = (RNG.random(N) < SCORE).astype(int)
NOISY = np.clip(SCORE + RNG.normal(0, 0.25, N), 0.01, 0.99)


@pytest.mark.parametrize("name", BINARY)
def test_swapping_the_models_turns_the_sign(name: str) -> None:
    forth = compare_binary(Y, SCORE, NOISY, 0.5, 0.4, against="v4", names=[name])[0]
    back = compare_binary(Y, NOISY, SCORE, 0.4, 0.5, against="v5", names=[name])[0]
    assert forth.scope == "against:v4"
    assert forth.value is not None and back.value is not None
    assert forth.value == pytest.approx(-back.value, abs=1e-12)
    assert forth.ci_low is not None and back.ci_high is not None
    assert forth.ci_low <= forth.value <= (forth.ci_high or 0)
    assert forth.ci_low == pytest.approx(-back.ci_high, abs=0.1 * abs(back.ci_high) + 0.02)


@pytest.mark.parametrize("name", [n for n in BINARY if n not in ("base_rate", "cost")])
def test_a_difference_equals_that_of_the_single_values(name: str) -> None:
    pair = compare_binary(Y, SCORE, NOISY, 0.5, 0.4, against="v4", names=[name])[0]
    new = evaluate_binary(Y, SCORE, 0.5, names=[name])[0].value
    old = evaluate_binary(Y, NOISY, 0.4, names=[name])[0].value
    assert new is not None and old is not None
    assert pair.value == pytest.approx(new - old, abs=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "brier", "recall", "f1"])
def test_a_model_compared_with_itself_does_not_differ(name: str) -> None:
    result = compare_binary(Y, SCORE, SCORE, against="itself", names=[name])[0]
    assert (result.value, result.ci_low, result.ci_high) == (0.0, 0.0, 0.0)
    assert difference_word(result) == "noise"


def test_pairing_sees_what_separate_intervals_cannot() -> None:
    slightly_worse = np.clip(SCORE + RNG.normal(0, 0.05, N), 0, 1)
    pair = compare_binary(Y, SCORE, slightly_worse, against="v4", names=["roc_auc"])[0]
    alone = evaluate_binary(Y, SCORE, names=["roc_auc"])[0]
    assert pair.ci_high is not None and pair.ci_low is not None
    assert alone.ci_high is not None and alone.ci_low is not None
    assert pair.ci_high - pair.ci_low < 0.4 * (alone.ci_high - alone.ci_low)


def test_a_metric_of_another_task_is_refused() -> None:
    with pytest.raises(InvalidError, match="mae"):
        compare_binary(Y, SCORE, NOISY, against="v4", names=["mae"])
    with pytest.raises(InvalidError, match="roc_auc"):
        compare_regression([1.0], [1.0], [1.0], against="v4", names=["roc_auc"])


@pytest.mark.parametrize("name", [n for n in REGRESSION if metrics.direction_of(n) == "le"])
def test_errors_of_two_regressions_are_compared_by_row(name: str) -> None:
    y = RNG.normal(50, 10, 800)
    good, poor = y + RNG.normal(0, 2, 800), y + RNG.normal(0, 4, 800)
    result = compare_regression(y, good, poor, against="dummy", names=[name])[0]
    assert result.ci_high is not None and result.ci_high < 0
    assert difference_word(result) == "better"
    worse = compare_regression(y, poor, good, against="dummy", names=[name])[0]
    assert difference_word(worse) == "worse"


def test_rows_missing_for_one_model_are_left_out_for_both() -> None:
    broken = NOISY.copy()
    broken[:500] = np.nan
    result = compare_binary(Y, SCORE, broken, against="v4", names=["roc_auc"])[0]
    assert result.n == N - 500


def test_mcnemar_matches_the_known_values() -> None:
    # Exact: 2 · P(X ≤ 2) for 10 fair coins; mid-p takes half of the observed point away.
    assert mcnemar(8, 2, 100).p_value == pytest.approx(2 * 56 / 1024)
    assert mcnemar(8, 2, 100).is_exact
    large = mcnemar(40, 20, 500)
    assert not large.is_exact
    tail, point = bdtr(20, 60, 0.5), bdtr(20, 60, 0.5) - bdtr(19, 60, 0.5)
    assert large.p_value == pytest.approx(2 * tail - point, rel=1e-9)
    assert large.low < large.difference == 0.04 < large.high
    assert mcnemar(0, 0, 50).p_value == 1.0
    assert mcnemar(12, 12, 50).p_value == 1.0


def test_cross_validation_scores_are_not_taken_for_independent() -> None:
    rng = np.random.default_rng(1)
    differences = rng.normal(0.004, 0.01, 10)
    found = nadeau_bengio(differences, 1 / 9, rope=0.005)
    plain = abs(differences.mean()) / math.sqrt(differences.var(ddof=1) / 10)
    assert abs(found.t) < plain
    assert found.p_worse + found.p_equal + found.p_better == pytest.approx(1.0)
    same = nadeau_bengio([0.0, 0.0, 0.0], 0.5)
    assert (same.p_value, same.p_equal) == (1.0, 1.0)


def test_students_distribution_equals_scipys() -> None:
    for t, degrees in [(-2.1, 29), (0.0, 3), (1.7, 4), (30.0, 9)]:
        assert student_cdf(t, degrees) == pytest.approx(stdtr(degrees, t), abs=1e-12)


def test_rows_that_belong_together_are_drawn_together() -> None:
    customers = np.repeat(np.arange(40), 50)
    effect = np.repeat(RNG.normal(0, 1, 40), 50)
    alone = mean_difference(effect, np.zeros(2000))
    grouped = mean_difference(effect, np.zeros(2000), groups=customers.tolist())
    assert alone[0] == grouped[0]
    assert grouped[2] - grouped[1] > 4 * (alone[2] - alone[1])


def test_delong_of_equal_scores_finds_nothing() -> None:
    pair = delong(Y, SCORE, SCORE.copy())
    assert (pair.z, pair.p_value, pair.low, pair.high) == (0.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("low", "high", "name", "word"),
    [
        (0.01, 0.03, "roc_auc", "better"),
        (0.01, 0.03, "log_loss", "worse"),
        (-0.02, 0.03, "roc_auc", "unclear"),
        (-0.001, 0.002, "roc_auc", "noise"),
        (0.001, 0.002, "roc_auc", "noise"),
        (0.001, 0.002, "mae", "worse"),
        (0.1, 0.3, "calibration_slope", "unclear"),
    ],
)
def test_a_difference_is_put_in_a_word(low: float, high: float, name: str, word: str) -> None:
    result = Result(name=name, value=(low + high) / 2, ci_low=low, ci_high=high)
    assert difference_word(result) == word


# --------------------------------------------------------------------------- slices


def columns() -> dict[str, Any]:
    origin = np.array(["EWR", "JFK", "LGA", None], dtype=object)[RNG.integers(0, 4, N)]
    return {"origin": origin, "hour": RNG.integers(5, 24, N), "wind": RNG.normal(10, 3, N)}


def test_groups_are_values_and_bins_and_pairs_of_them() -> None:
    data = columns()
    groups = slice_groups(data, with_pairs=False)
    assert "origin=(null)" in groups
    for prefix in ("origin", "hour", "wind"):
        own = [mask for name, mask in groups.items() if name.startswith(prefix)]
        assert len(own) == 4
        assert (np.sum(own, axis=0) == 1).all(), "every row is in exactly one group of a column"
    first, second = sorted(
        (name for name in groups if name.startswith("hour")), key=lambda n: int(n[5:].split()[0])
    )[:2]
    assert int(second[5:].split()[0]) == int(first.split()[-1]) + 1
    pairs = slice_groups(data)
    assert any(", " in name for name in pairs)
    assert len(pairs) <= 60


def test_the_worst_group_comes_first_and_small_ones_last() -> None:
    origin = np.array(["A"] * 600 + ["B"] * 600 + ["C"] * 270 + ["D"] * 30, dtype=object)
    score = SCORE.copy()
    score[600:1200] = RNG.permutation(score[600:1200])  # worthless for B
    groups = slice_groups({"origin": origin})
    results = evaluate_slices(
        groups,
        lambda rows, scope: evaluate_binary(Y[rows], score[rows], names=["roc_auc"], scope=scope),
        rare_class=Y == 1,
    )
    assert results[0].scope == "slice:origin=B"
    assert results[0].q_value is not None and results[0].q_value < 0.01
    assert (results[0].q_value or 0) >= (results[0].p_value or 0)
    assert "rest" in dict(results[0].detail)
    small = results[-1]
    assert small.scope == "slice:origin=D"
    assert dict(small.detail)[verdicts.TOO_FEW] == "too small: 30 rows, 50 are needed"
    assert small.q_value is None


def test_no_groups_make_no_results() -> None:
    assert evaluate_slices({}, lambda rows, scope: ()) == ()
    assert slice_groups({"constant": np.ones(10)}) == {}
