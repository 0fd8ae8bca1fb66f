"""Looking for parameters: every candidate a run, the choice by folds, nothing measured twice."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from console.errors import KINDS, InvalidError
from console.rules import search_space
from console.worker.training import searching
from console.worker.training.searching import Candidate
from storage.records.runs import Run
from tests.worker.conftest import Bench, Told
from tests.worker.test_train import TOML, trips

GRID = {"max_iter": [2, 15], "max_leaf_nodes": [4, 8]}


@pytest.fixture
def late(bench: Bench) -> Bench:
    bench.store("trips", trips(1200), version=3)
    places = {"place": ["dale", "hill", "shore"], "rain": [0.1, 0.8, 0.3]}
    bench.store("places", pa.table(places), version=2)
    return bench


def search(bench: Bench, space: dict[str, Any], earlier: Any = (), **given: Any) -> Told:
    text = TOML.split("[[gates")[0]
    order = bench.order(text, "late", search={"space": space, **given}, earlier=list(earlier))
    return bench.run("search", order)


def children(told: Told) -> list[Run]:
    return [each.run for each in told.reports["run"] if each.trial]


def kept(bench: Bench, told: Told) -> Any:
    name = next(a.artifact for a in told.reports["artifact"] if a.artifact.name == "search")
    return bench.objects.read_json(name.digest)


def test_a_grid_tries_every_combination_and_trains_the_chosen_one(late: Bench) -> None:
    told = search(late, GRID, method="grid")
    assert told.exit_code == 0, told.end
    tried = children(told)
    assert [(r.params["max_iter"], r.params["max_leaf_nodes"]) for r in tried] == [
        (2, 4),
        (2, 8),
        (15, 4),
        (15, 8),
    ]
    assert all(r.metrics["cv_roc_auc"] > 0.6 for r in tried if r.state == "succeeded")
    parent = told.last("run").run
    assert parent.state == "succeeded"
    assert parent.params == told.end.result["params"]
    document = kept(late, told)
    chosen = next(c for c in document["candidates"] if c["number"] == document["chosen"])
    assert chosen["params"] == {name: parent.params[name] for name in GRID}
    assert told.last("model").model == "late"


def test_the_choice_is_the_quickest_within_one_standard_error_of_the_best() -> None:
    slow = Candidate(1, {"a": 1}, [0.80, 0.82, 0.84], seconds=9.0)
    near = Candidate(2, {"a": 2}, [0.80, 0.815, 0.83], seconds=1.0)
    poor = Candidate(3, {"a": 3}, [0.70, 0.71, 0.72], seconds=0.1)
    assert searching.chosen([slow, near, poor]) is near
    near.is_given_up = True
    assert searching.chosen([slow, near, poor]) is slow


def test_a_hopeless_candidate_is_given_up_before_its_last_fold() -> None:
    best = Candidate(1, {}, [0.80, 0.81, 0.82])
    assert searching.should_give_up(Candidate(2, {}, [0.70]), best)
    assert not searching.should_give_up(Candidate(2, {}, [0.79]), best)
    assert not searching.should_give_up(Candidate(2, {}, [0.1]), None)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_a_search_that_died_goes_on_where_it_was(late: Bench, metric: str) -> None:
    """What was measured is not measured again, but chosen among, and listed like the rest."""
    value = 0.9 if metric == "roc_auc" else 0.05
    folds = [{"name": metric, "scope": f"fold:{k}", "value": value} for k in (1, 2, 3)]
    done = [
        {"params": {"max_iter": 2, "max_leaf_nodes": n}, "folds": folds, "seconds": 0.5}
        for n in (4, 8)
    ]
    again = search(late, GRID, earlier=done, method="grid", metric=metric)
    assert again.exit_code == 0, again.end
    assert [r.note for r in children(again)][:2] == ["measured by an earlier attempt"] * 2
    assert [r.params["max_iter"] for r in children(again)] == [2, 2, 15, 15]
    assert [c["known"] for c in kept(late, again)["candidates"]] == [True, True, False, False]
    assert again.end.result["params"]["max_iter"] == 2


@pytest.mark.parametrize("method", ["random", "halving", "optuna"])
def test_every_method_finds_parameters_that_beat_the_worst_ones(late: Bench, method: str) -> None:
    space = {"max_iter": {"low": 1, "high": 15}, "learning_rate": [0.001, 0.1]}
    told = search(late, space, method=method, trials=8)
    assert told.exit_code == 0, told.end
    scores = [r.metrics["cv_roc_auc"] for r in children(told)]
    assert 3 <= len(scores) <= 8
    assert told.end.result["params"]["learning_rate"] == 0.1 or max(scores) - min(scores) < 0.02


def test_an_impossible_search_is_refused_before_a_row_is_read(late: Bench) -> None:
    told = search(late, {"max_itr": [1, 2]}, method="grid")
    assert told.exit_code == KINDS["invalid"].exit_code
    assert told.end.hint == "Did you mean 'max_iter'?"
    metric = search(late, GRID, method="grid", metric="calibration_slope")
    assert "has no better side" in metric.end.reason


def test_a_space_is_laid_out_and_drawn_the_same_every_time() -> None:
    space = search_space.dimensions(
        {"depth": {"low": 2, "high": 8, "step": 3}, "rate": {"low": 0.01, "high": 1, "log": True}}
    )
    assert space[0].values() == (2, 5, 8)
    assert space[1].values() == (0.01, 0.0316228, 0.1, 0.316228, 1.0)
    assert search_space.grid_size(space) == 15
    drawn = [next(search_space.drawn(space, 4)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    few = search_space.dimensions({"depth": [1, 2]})
    assert sorted(c["depth"] for c in search_space.drawn(few, 1)) == [1, 2]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "the search has no value for x."),
        ({"low": 3, "high": 1}, "the range of x goes from 3 to 1."),
        ({"low": 0, "high": 1, "log": True}, "the range of x starts at 0, which has no logarithm."),
        ({"low": 0, "hihg": 1}, "the search space of x has an unknown 'hihg'."),
        (7, "the search space of x is 7."),
    ],
)
def test_a_space_that_cannot_be_meant_is_refused(given: Any, words: str) -> None:
    with pytest.raises(InvalidError) as caught:
        search_space.dimension("x", given)
    assert caught.value.message == words
