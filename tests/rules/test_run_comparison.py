"""Runs side by side: what differed, what it did, and whether that is more than noise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from console.rules.filtering import FilterFault, parse
from console.rules.run_comparison import compare
from console.rules.run_fields import run_fields
from storage.records.results import Result
from storage.records.runs import DataUse, Run

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
    found = compare([BASE, run], [None])
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
    found = compare([BASE, run], [None])
    assert found.metrics[0].words == ("base", "not comparable")
    assert found.words == (
        "Run 118 differs from run 117 in flights (v3 → v4). They were not judged on the same "
        "rows, so their metrics cannot be compared.",
    )


def test_a_run_made_the_same_way_is_said_to_be() -> None:
    found = compare([BASE, other()], [{"roc_auc": (auc_difference(0.0, 0.0), "noise")}])
    assert found.words == (
        "Run 118 was made exactly like run 117. AUC 0 (0 to 0): no difference that matters.",
    )


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
