"""A training as a worker does it: what it reports, what it registers, what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from console.errors import KINDS
from console.flow import model as flow_model
from storage.records.evaluations import Holdout
from storage.records.profiles import Profile
from storage.records.thresholds import ScoreGrid
from tests.worker.conftest import Bench, Told, empty_bench

TOML = """\
[datasets.trips]
[datasets.places]

[pipelines.late]
input = "trips"
references = ["places"]
target = "late"
row_id = ["trip"]
estimator = "sklearn.ensemble.HistGradientBoostingClassifier"
params = { max_iter = 20, max_leaf_nodes = 8 }
split = { kind = "time", column = "at", folds = 3 }
slices = ["place"]
threshold = 0.4
seed = 5

[[pipelines.late.steps]]
name = "label"
flow = "training"
sql = "SELECT *, (delay > 10)::INTEGER AS late FROM this WHERE delay IS NOT NULL"

[[pipelines.late.steps]]
name = "features"
sql = '''
SELECT this.place, hour(this.at) AS hour, this.weight, p.rain
FROM this LEFT JOIN places AS p ON p.place = this.place
'''

[[gates.late]]
metric = "roc_auc"
must = 0.6
[[gates.late]]
name = "no worse"
metric = "roc_auc"
kind = "non_inferior"
margin = 0.02
"""


def trips(n: int = 2000, seed: int = 1) -> pa.Table:
    """Trips that are late when it rains, is early in the day and the load is heavy."""
    rng = np.random.default_rng(seed)
    place = rng.choice(["dale", "hill", "shore"], n)
    start = datetime(2013, 1, 1)
    at = [start + timedelta(hours=6 * int(k)) for k in range(n)]
    weight = rng.normal(10, 3, n)
    hour = np.array([moment.hour for moment in at])
    score = 0.6 * (weight - 10) + 2.0 * (place == "hill") - 0.1 * hour + rng.normal(0, 2, n)
    delay = np.where(rng.random(n) < 0.05, np.nan, 10 + 5 * score)
    return pa.table(
        {
            "trip": np.arange(n),
            "place": place,
            "at": pa.array(at, pa.timestamp("us")),
            "weight": pa.array(weight, from_pandas=True),
            "delay": pa.array(delay, from_pandas=True),
        }
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Told]:
    """A workspace with data and one training, and what that told."""
    bench = empty_bench(tmp_path_factory.mktemp("trained") / "w")
    bench.store("trips", trips(), version=3)
    places = {"place": ["dale", "hill", "shore"], "rain": [0.1, 0.8, 0.3]}
    bench.store("places", pa.table(places), version=2)
    return bench, bench.run("train", bench.order(TOML, "late"))


@pytest.fixture
def late(trained: tuple[Bench, Told], tmp_path: Path) -> Bench:
    """That workspace, for the test alone."""
    return trained[0].copied(tmp_path / "w")


@pytest.fixture
def first(trained: tuple[Bench, Told]) -> Told:
    return trained[1]


def json_of(bench: Bench, told: Told, name: str, kind: Any) -> Any:
    digest = next(a.artifact.digest for a in told.reports["artifact"] if a.artifact.name == name)
    return msgspec.convert(bench.objects.read_json(digest), kind)


def test_a_training_reports_a_run_and_a_judged_model_that_serves_what_was_trained(
    late: Bench, first: Told
) -> None:
    told = first
    assert told.exit_code == 0
    run = told.last("run").run
    assert run.state == "succeeded"
    assert run.params == {"max_iter": 20, "max_leaf_nodes": 8}
    assert [(use.dataset, use.version, use.role) for use in run.data] == [
        ("trips", 3, "input"),
        ("places", 2, "reference"),
    ]
    assert run.rows_train + run.rows_holdout == 2000 - trips()["delay"].null_count
    assert run.metrics["roc_auc"] > 0.7
    assert run.environment["scikit-learn"]
    model = told.last("model")
    assert (model.model, model.threshold, model.gates.verdict) == ("late", 0.4, "pass")
    skipped = model.gates.results[-1]
    assert (skipped.name, skipped.verdict, skipped.reason) == (
        "no worse",
        "skipped",
        "there is no champion yet",
    )
    loaded = flow_model.load(model.digest, late.objects)
    assert loaded.self_check == f"{run.rows_holdout} of {run.rows_holdout} sample scores equal"
    assert [field.name for field in loaded.manifest.inputs] == ["place", "at", "weight"]
    assert loaded.manifest.classes == ("0", "1")
    loaded.close()


def test_what_screens_and_monitors_read_is_kept_as_files(late: Bench, first: Told) -> None:
    told = first
    grid = json_of(late, told, "score_grid", ScoreGrid)
    holdout = json_of(late, told, "holdout", Holdout)
    run = told.last("run").run
    assert sum(grid.positives) + sum(grid.negatives) == holdout.rows == run.rows_holdout
    assert {part.name for part in grid.slices} == {"place=dale", "place=hill", "place=shore"}
    profile = json_of(late, told, "profile", Profile)
    assert [column.name for column in profile.columns] == [
        "place",
        "hour",
        "weight",
        "rain",
        "score",
    ]
    assert profile.rows == run.rows_train
    importance = json_of(late, told, "importance", list[tuple[str, float]])
    assert importance[0][0] == "weight"
    curve = [p for r in told.reports["points"] for p in r.points if p.metric == "valid_log_loss"]
    assert [point.step for point in curve] == list(range(1, 21))
    folds = next(r for r in told.reports["results"] if r.kind == "fold").results
    assert {each.scope for each in folds} == {"fold:1", "fold:2", "fold:3"}


def test_the_same_order_gives_the_same_model_and_a_repetition_says_so(
    late: Bench, first: Told
) -> None:
    run = first.last("run").run
    files = {each.artifact.name: each.artifact.digest for each in first.reports["artifact"]}
    original = {
        "run_id": 1,
        "metrics": run.metrics,
        "environment": run.environment,
        "code": run.code,
        "artifacts": files,
    }
    again = late.run("train", late.order(TOML, "late", reproduces=original))
    assert "model" not in again.reports
    assert again.end.result["is_same"] is True
    assert again.end.result["words"][0].endswith("are equal, bit by bit.")
    other = late.run(
        "train", late.order(TOML, "late", reproduces=original, seed=6, params={"max_iter": 5})
    )
    assert other.end.result["is_same"] is False


def test_a_champion_is_compared_on_the_same_rows_through_its_own_flow(
    late: Bench, first: Told
) -> None:
    champion = {
        "name": "late@v1",
        "version": 1,
        "digest": first.last("model").digest,
        "threshold": 0.4,
        "run_id": 1,
    }
    weak = late.run("train", late.order(TOML, "late", champion=champion, params={"max_iter": 1}))
    gate = next(g for g in weak.last("model").gates.results if g.name == "no worse")
    assert gate.scope == "against:champion"
    assert gate.value is not None and gate.value < 0
    assert gate.verdict == "fail"
    assert weak.last("model").gates.baseline == "late@v1"


def test_a_champion_that_cannot_score_these_rows_is_an_error_of_its_gate_only(
    late: Bench, first: Told
) -> None:
    champion = {"name": "late@v1", "digest": first.last("model").digest, "threshold": 0.4}
    late.store("trips", trips().drop_columns(["weight"]), version=4)
    without = TOML.replace("this.weight, ", "")
    told = late.run("train", late.order(without, "late", champion=champion))
    assert told.exit_code == 0
    gate = next(g for g in told.last("model").gates.results if g.name == "no worse")
    assert gate.verdict == "error"
    assert "lacks weight" in gate.reason


@pytest.mark.parametrize(
    ("task", "target", "estimator", "metric"),
    [
        ("regression", "delay", "sklearn.linear_model.Ridge", "rmse"),
        ("multiclass", "grade", "sklearn.linear_model.LogisticRegression", "accuracy"),
    ],
)
def test_numbers_and_many_classes_are_trained_too(
    late: Bench, task: str, target: str, estimator: str, metric: str
) -> None:
    text = (
        TOML.split("[[gates")[0]
        .replace('target = "late"', f'target = "{target}"\ntask = "{task}"')
        .replace("sklearn.ensemble.HistGradientBoostingClassifier", estimator)
        .replace("{ max_iter = 20, max_leaf_nodes = 8 }", "{}")
        .replace(
            "(delay > 10)::INTEGER AS late",
            "['low', 'mid', 'top'][(1 + (delay > 5)::INT + (delay > 20)::INT)] AS grade",
        )
    )
    told = late.run("train", late.order(text, "late"))
    assert told.exit_code == 0, told.end
    assert metric in told.last("run").run.metrics
    assert told.last("model").gates.verdict == "skipped"


def no_change(_bench: Bench) -> None:
    return None


def without_weight(bench: Bench) -> None:
    bench.store("trips", trips().drop_columns(["weight"]), version=4)


def never_late(bench: Bench) -> None:
    table = trips()
    delay = pa.array(np.zeros(table.num_rows))
    bench.store("trips", table.set_column(4, "delay", delay), version=4)


def forty_rows(bench: Bench) -> None:
    bench.store("trips", trips(40), version=4)


@pytest.mark.parametrize(
    ("change", "data", "message", "hint"),
    [
        (
            (
                "sklearn.ensemble.HistGradientBoostingClassifier",
                "sklearn.ensemble.HistGradientBosting",
            ),
            no_change,
            "sklearn.ensemble has no 'HistGradientBosting'.",
            "Did you mean sklearn.ensemble.HistGradientBoostingClassifier?",
        ),
        (
            ("sklearn.ensemble.Hist", "sklear.ensemble.Hist"),
            no_change,
            "the estimator sklear.ensemble.HistGradientBoostingClassifier cannot be imported: "
            "No module named 'sklear'.",
            "Did you mean sklearn.ensemble.HistGradientBoostingClassifier?",
        ),
        (
            ("max_iter = 20", "max_itr = 20"),
            no_change,
            "HistGradientBoostingClassifier has no parameter 'max_itr'.",
            "Did you mean 'max_iter'?",
        ),
        (
            ("max_iter = 20", 'max_iter = "many"'),
            no_change,
            "HistGradientBoostingClassifier does not take these parameters: The 'max_iter' "
            "parameter of HistGradientBoostingClassifier must be an int in the range [1, inf). "
            "Got 'many' instead.",
            "",
        ),
        (
            ("sklearn.ensemble.HistGradientBoostingClassifier", "sklearn.svm.LinearSVC"),
            no_change,
            "LinearSVC has no parameter 'max_leaf_nodes'.",
            "",
        ),
        (
            (" WHERE delay IS NOT NULL", ""),
            no_change,
            "the truth 'late' is missing in 83 of 2 000 rows of the training flow.",
            "Leave such rows out in a training step: WHERE late IS NOT NULL",
        ),
        (
            ("max_iter", "max_iter"),
            never_late,
            "the truth 'late' is '0' in all 2 000 rows: with one class there is nothing to learn.",
            "",
        ),
        (
            ("(delay > 10)::INTEGER", "round(delay)::INTEGER % 5"),
            no_change,
            "the truth 'late' has 9 values (-1, -2, -3, -4, 0, 1, …), but the task is binary.",
            "",
        ),
        (
            ("threshold = 0.4", 'positive = "yes"'),
            no_change,
            "the class that counts as yes is 'yes', but 'late' is 0, 1.",
            "positive can be: 0, 1.",
        ),
        (
            ('slices = ["place"]', 'slices = ["plaec"]'),
            no_change,
            "the training flow of late does not make the column 'plaec'.",
            "Did you mean 'place'?",
        ),
        (
            ("hour(this.at) AS hour", "this.at AS moment"),
            no_change,
            'the steps of late make the column "moment" of type timestamp[us], which cannot be a '
            "feature.",
            "",
        ),
        (
            ("max_iter", "max_iter"),
            forty_rows,
            "the holdout would have 8 rows of 40; at least 10 are needed.",
            "Change holdout_ratio or folds, or bring more data.",
        ),
        (
            (
                'metric = "roc_auc"\nkind = "non_inferior"',
                'metric = "roc_auc"\nkind = "non_inferior"\nagainst = "linaer"',
            ),
            no_change,
            "gate 'no worse' compares with 'linaer', which is no baseline.",
            "Did you mean 'linear'?",
        ),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence_and_registers_nothing(
    late: Bench,
    change: tuple[str, str],
    data: Callable[[Bench], None],
    message: str,
    hint: str,
) -> None:
    assert change[0] in TOML
    data(late)
    told = late.run("train", late.order(TOML.replace(*change, 1), "late"))
    assert told.exit_code == KINDS["invalid"].exit_code
    assert "model" not in told.reports
    assert told.end.reason == message
    assert not hint or told.end.hint == hint


def test_a_missing_column_is_named_with_the_step_that_wants_it(late: Bench) -> None:
    without_weight(late)
    told = late.run("train", late.order(TOML, "late"))
    assert told.exit_code == KINDS["invalid"].exit_code
    assert '"features"' in told.end.reason
    assert "weight" in told.end.reason


@pytest.mark.parametrize("what", ["manifest", "chunk"])
def test_a_data_version_whose_content_is_gone_is_named(late: Bench, what: str) -> None:
    manifest = late.data["trips"]["manifest"]
    if what == "chunk":
        document = late.objects.read_json(manifest)
        manifest = document["chunks"][0]["parts"][0]["object"]
    path = late.objects.path(manifest)
    path.unlink()
    told = late.run("train", late.order(TOML, "late"))
    assert told.exit_code == KINDS["not_found"].exit_code
    assert told.end.reason == (
        "trips@v3 cannot be read: its content is not in the workspace any more."
    )


def test_a_factory_of_the_workspace_is_used_and_its_error_is_told(
    late: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(late.workspace.root))
    late.workspace.root.joinpath("our_models.py").write_text(
        "from sklearn.ensemble import RandomForestClassifier\n"
        "def forest(trees, seed):\n"
        "    if trees > 50:\n        raise ValueError('too many trees: %d' % trees)\n"
        "    return RandomForestClassifier(trees, random_state=seed)\n"
    )
    text = TOML.replace(
        "sklearn.ensemble.HistGradientBoostingClassifier", "our_models:forest"
    ).replace("{ max_iter = 20, max_leaf_nodes = 8 }", "{ trees = 10 }")
    told = late.run("train", late.order(text, "late"))
    assert told.exit_code == 0, told.end
    raised = late.run("train", late.order(text, "late", params={"trees": 51}))
    assert raised.exit_code == KINDS["failed"].exit_code
    assert raised.end.reason == (
        "the factory our_models:forest ended with ValueError: too many trees: 51 "
        "(our_models.py, line 4)"
    )


def test_the_sample_declaration_reads(bench: Bench) -> None:
    root = Path(__file__).resolve().parents[2] / "sample_data"
    bench.workspace.root.joinpath("sql").mkdir()
    for file in root.glob("sql/*.sql"):
        bench.workspace.root.joinpath("sql", file.name).write_text(file.read_text())
    declared = bench.declare((root / "mlops.toml").read_text())
    steps = declared.pipelines["delays"].steps[-1].sql
    body = " ".join(line for line in steps.splitlines() if not line.startswith("--"))
    words = set(re.findall(r"\w+", body))
    assert not words & {"dep_delay", "dep_time", "arr_delay", "arr_time", "air_time", "late"}
    assert {gate.kind for gate in declared.gates["delays"]} == {
        "metric",
        "calibration",
        "beats_baseline",
        "non_inferior",
        "latency",
    }
