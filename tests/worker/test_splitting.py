"""No row judges what it trained, and nothing that belongs together is torn apart."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import InvalidError
from console.worker.training.splitting import Parts, split_rows
from storage.records.pipelines import Pipeline, Split

START = datetime(2013, 1, 1)


def pipeline(**split: Any) -> Pipeline:
    return Pipeline(
        name="p",
        input="d",
        target="y",
        estimator="sklearn.dummy.DummyClassifier",
        params={},
        split=Split(**split),
    )


def truth(n: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 2, n)


def check_disjoint(parts: Parts, n: int) -> None:
    assert not set(parts.train) & set(parts.holdout)
    assert len(parts.train) + len(parts.holdout) == n
    for fit, judge in parts.folds:
        assert not set(fit) & set(judge)
        assert {*fit, *judge} <= set(parts.train)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(200, 600),
    moments=st.integers(30, 200),
    folds=st.integers(0, 5).filter(lambda k: k != 1),
    ratio=st.floats(0.1, 0.5),
)
def test_by_time_nothing_is_judged_by_a_model_that_saw_its_moment_or_a_later_one(
    n: int, moments: int, folds: int, ratio: float
) -> None:
    drawn = np.random.default_rng(n).integers(0, moments, n)
    times = pa.chunked_array([[START + timedelta(hours=int(k)) for k in drawn]])
    declared = pipeline(kind="time", column="at", folds=folds, holdout_ratio=ratio)
    parts = split_rows(declared, truth(n), times, 0)
    check_disjoint(parts, n)
    assert len(parts.folds) == folds
    assert drawn[parts.train].max() < drawn[parts.holdout].min()
    for fit, judge in parts.folds:
        assert drawn[fit].max() < drawn[judge].min()


def test_the_holdout_by_time_is_named_by_its_days() -> None:
    times = pa.chunked_array([[START + timedelta(hours=k) for k in range(240)]])
    parts = split_rows(pipeline(kind="time", column="at"), truth(240), times, 0)
    assert parts.description == "2013-01-09 to 2013-01-10"


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), groups=st.integers(20, 60))
def test_a_group_is_never_on_both_sides(seed: int, groups: int) -> None:
    # A stream of its own: drawn from the one of `truth`, a group would tell the label.
    drawn = np.random.default_rng([seed, 1]).integers(0, groups, 800)
    column = pa.chunked_array([[f"g{k}" for k in drawn]])
    parts = split_rows(pipeline(kind="group", column="who", folds=3), truth(800), column, seed)
    check_disjoint(parts, 800)
    assert not set(drawn[parts.train]) & set(drawn[parts.holdout])
    for fit, judge in parts.folds:
        assert not set(drawn[fit]) & set(drawn[judge])
    assert parts.description.endswith(f"groups of who, drawn with seed {seed}")


def test_stratified_parts_have_the_classes_in_the_same_shares() -> None:
    y = np.repeat([0, 1], [900, 100])
    parts = split_rows(pipeline(kind="stratified", folds=4), y, None, 3)
    check_disjoint(parts, 1000)
    for rows in (parts.holdout, parts.train, *(judge for _, judge in parts.folds)):
        assert y[rows].mean() == pytest.approx(0.1, abs=0.01)


def test_the_same_seed_gives_the_same_parts_and_another_seed_others() -> None:
    one, same, other = (
        split_rows(pipeline(kind="random"), truth(300), None, seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.holdout, same.holdout)
    assert not np.array_equal(one.holdout, other.holdout)


def test_times_that_are_missing_are_counted() -> None:
    times = pa.chunked_array([[START, None, None]])
    with pytest.raises(InvalidError) as caught:
        split_rows(pipeline(kind="time", column="at"), truth(3), times, 0)
    assert caught.value.message == "the time 'at' is missing in 2 rows."


def test_a_part_of_one_class_is_refused_with_its_name() -> None:
    times = pa.chunked_array([[START + timedelta(hours=k) for k in range(200)]])
    y = np.concatenate([truth(160), np.zeros(40, dtype=int)])
    with pytest.raises(InvalidError) as caught:
        split_rows(pipeline(kind="time", column="at"), y, times, 0)
    assert caught.value.message == "all 40 rows of the holdout have the same 'y'."
