"""Runs side by side: what differed, what it did, and whether that is more than noise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from console.rules.filtering import FilterFault, parse
from console.rules.run_comparison import compare, side_by_side_importance
from console.rules.run_fields import run_fields
from console.rules.run_histories import condense, condensed
from storage.records.results import Result
from storage.records.runs import Aggregate, DataUse, History, Run

BASE = Run(
    id=117,
    job_id=117,
    pipeline="delays",
    state="succeeded",
    params={"max_iter": 60, "learning_rate": 0.1},
    seed=1,
    data=(DataUse(dataset="flights", version=3, digest="d"),),
    code={"commit": "a" * 40, "estimator": "HistGradientBoostingClassifier"},
    environment={"python": "3.11"},
    started_at=datetime(2013, 4, 1, tzinfo=UTC),
    metrics={"roc_auc": 0.709, "log_loss": 0.5},
    created_by="ana",
)


def other(**changes: Any) -> Run:
    return replace(BASE, **({"id": 118, "job_id": 118} | changes))


def auc_difference(low: float, high: float) -> Result:
    return Result(name="roc_auc", value=(low + high) / 2, ci_low=low, ci_high=high)


def test_only_what_differs_is_listed_and_the_rest_is_counted() -> None:
    run = other(params={"max_iter": 120, "learning_rate": 0.1, "max_depth": 8})
    found = compare([BASE, run], ["they were not judged on the same rows"])
    assert found.params == (("max_iter", ("60", "120")), ("max_depth", ("absent", "8")))
    assert found.data == found.code == ()
    # learning_rate, flights, pipeline, seed, commit, changes, estimator and python are equal.
    assert found.equal_count == 8


def test_a_sentence_says_what_changed_and_what_it_did() -> None:
    run = other(params=BASE.params | {"max_iter": 120}, metrics={"roc_auc": 0.729})
    found = compare([BASE, run], [{"roc_auc": (auc_difference(0.012, 0.028), "better")}])
    assert found.words == (
        "Run 118 differs from run 117 in max_iter (60 → 120). "
        "AUC +0.020 (+0.012 to +0.028): better.",
    )
    auc = found.metrics[0]
    assert (auc.values, auc.words) == ((0.709, 0.729), ("base", "better"))
    assert auc.deltas[1] == pytest.approx(0.02)
    assert found.metrics[1].words == ("base", "not comparable")
    assert found.metrics[1].deltas == (0.0, None)


def test_runs_judged_on_other_rows_are_said_to_be_not_comparable() -> None:
    run = other(data=(DataUse(dataset="flights", version=4, digest="e"),))
    found = compare([BASE, run], ["they were not judged on the same rows"])
    assert found.metrics[0].words == ("base", "not comparable")
    assert found.apart == ("", "they were not judged on the same rows")
    assert found.words == (
        "Run 118 differs from run 117 in flights (v3 → v4). They were not judged on the same "
        "rows, so their metrics cannot be compared.",
    )


def test_a_run_made_the_same_way_is_said_to_be() -> None:
    found = compare([BASE, other()], [{"roc_auc": (auc_difference(0.0, 0.0), "noise")}])
    assert found.words == (
        "Run 118 was made exactly like run 117. AUC 0 (0 to 0): no difference that matters.",
    )


def test_a_sentence_tells_the_leading_metric_and_then_what_is_certain() -> None:
    metrics = {"roc_auc": 0.71, "recall": 0.5, "log_loss": 0.6}
    run = other(metrics=metrics)
    unclear = Result(name="recall", value=0.0, ci_low=-0.1, ci_high=0.1)
    loss = Result(name="log_loss", value=0.1, ci_low=0.05, ci_high=0.15)
    found = compare(
        [replace(BASE, metrics=metrics | {"log_loss": 0.5}), run],
        [{"roc_auc": (auc_difference(-0.01, 0.01), "unclear"), "recall": (unclear, "unclear"),
          "log_loss": (loss, "worse")}],
    )  # fmt: skip
    assert found.words[0].endswith(
        "AUC 0 (−0.010 to +0.010): could be noise; log loss +0.100 (+0.050 to +0.150): worse."
    )


def test_what_is_not_judged_on_rows_is_no_matter_of_comparable_or_not() -> None:
    runs = [replace(BASE, metrics={"artifact_bytes": size}) for size in (10.0, 20.0)]
    found = compare(runs, [{}])
    assert (found.metrics[0].words, found.metrics[0].deltas) == (("base", "plain"), (0.0, 10.0))


def test_features_stand_side_by_side_the_largest_anywhere_first() -> None:
    rows = side_by_side_importance([(("a", 0.1), ("b", 0.05)), (("b", 0.3), ("c", -0.1))])
    assert rows == (("b", (0.05, 0.3)), ("a", (0.1, None)), ("c", (None, -0.1)))
    assert side_by_side_importance([(), ()]) == ()


HISTORY = History(run_id=117, metric="valid_log_loss", steps=(1, 2, 5), values=(0.5, 0.3, 0.4))


@pytest.mark.parametrize(
    ("how", "metric", "expected"),
    [("last", "valid_log_loss", (5, 0.4)), ("min", "accuracy", (2, 0.3)),
     ("max", "valid_log_loss", (1, 0.5)), ("best", "valid_log_loss", (2, 0.3)),
     ("best", "train_loss", (2, 0.3)), ("best", "accuracy", (1, 0.5))],
)  # fmt: skip
def test_a_history_becomes_one_number(
    how: Aggregate, metric: str, expected: tuple[int, float]
) -> None:
    assert condense(replace(HISTORY, metric=metric), how) == expected


def test_condensed_histories_stand_side_by_side_with_their_steps() -> None:
    (row,) = condensed([118, 117], [HISTORY], "best")
    assert (row.values, row.at_steps, row.deltas) == ((None, 0.3), (None, 2), (None, None))
    twin = replace(HISTORY, run_id=118, values=(0.5, 0.2, 0.1))
    (row,) = condensed([117, 118], [HISTORY, twin], "best")
    assert (row.values, row.at_steps) == ((0.3, 0.1), (2, 5))
    assert row.deltas[1] == pytest.approx(-0.2)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("metrics.roc_auc > 0.7 and params.max_iter < 100 and data = flights@v3", [117]),
        ("max_iter >= 100", [118]),
        ("data = flights@v3", [117, 118]),
        ("data != flights@v3", []),
        ("seed = 2 or note:odd", [118]),
        ("has:model", []),
    ],
)
def test_runs_are_asked_for_by_metric_parameter_and_data(text: str, ids: list[int]) -> None:
    runs = [BASE, other(params={"max_iter": 120}, note="odd one")]
    holds = parse(text, run_fields(runs)).matches
    assert [run.id for run in runs if holds(run)] == ids


def test_a_metric_that_no_run_has_is_named_with_the_nearest_one() -> None:
    with pytest.raises(FilterFault) as caught:
        parse("metrics.roc_acu > 0.7", run_fields([BASE]))
    assert caught.value.hint == "Did you mean metrics.roc_auc?"
