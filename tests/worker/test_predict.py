"""A model version on rows of another data version: the scores in a file, the figures when the
truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from console.errors import KINDS
from storage.objects import Objects
from storage.records.jobs import Progress
from storage.workspace import Workspace
from tests.worker.conftest import Bench
from tests.worker.test_train import TOML, trips


@dataclass
class Trained:
    """A bench with one trained model, and data it has not seen."""

    bench: Bench
    pipeline: dict[str, Any]
    digest: str

    def predict(self, path: Path, table: pa.Table, **given: Any) -> Any:
        self.bench.store("trips", table, version=4)
        spec = {
            "name": "late@v1",
            "digest": self.digest,
            "threshold": 0.4,
            "manifest": self.bench.data["trips"]["manifest"],
            "data_name": "trips@v4",
            "rows": table.num_rows,
            "path": str(path),
            "format": "",
            "overwrite": False,
        }
        return self.bench.run("predict", spec | given)

    def measure(self, table: pa.Table) -> Any:
        self.bench.store("trips", table, version=4)
        text = TOML.split("[[gates")[0]
        order = self.bench.order(text, "late")
        spec = {
            "name": "late@v1",
            "digest": self.digest,
            "threshold": 0.4,
            "pipeline": order["pipeline"],
            "data": order["data"],
            "trained_on": "",
        }
        return self.bench.run("measure", spec)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    workspace = Workspace.create(tmp_path_factory.mktemp("predict") / "w")
    bench = Bench(workspace, Objects(workspace.objects))
    bench.store("trips", trips(800), version=3)
    places = {"place": ["dale", "hill", "shore"], "rain": [0.1, 0.8, 0.3]}
    bench.store("places", pa.table(places), version=2)
    order = bench.order(TOML.split("[[gates")[0], "late")
    told = bench.run("train", order)
    assert told.exit_code == 0, told.end
    return Trained(bench, order["pipeline"], told.last("model").digest)


def test_every_row_of_a_version_is_scored_as_an_endpoint_would(
    trained: Trained, tmp_path: Path
) -> None:
    path, rows = tmp_path / "scores.parquet", trips(500, seed=2)
    told = trained.predict(path, rows.drop_columns(["delay"]))
    assert told.exit_code == 0, told.end
    made = pq.read_table(path)
    assert made.column_names == ["trip", "score", "decision"]
    assert made.column("trip").to_pylist() == list(range(500))
    scores = made.column("score").to_numpy()
    assert ((scores > 0) & (scores < 1)).all()
    yes = int((scores >= 0.4).sum())
    assert told.end.result["yes"] == yes == sum(made.column("decision").to_pylist())
    progress: Progress = told.last("progress")
    assert (progress.done, progress.total, progress.unit) == (500, 500, "rows")


def test_the_file_may_be_csv_and_is_not_written_over_unasked(
    trained: Trained, tmp_path: Path
) -> None:
    path, rows = tmp_path / "scores.csv", trips(30, seed=3)
    assert trained.predict(path, rows).exit_code == 0
    assert pyarrow.csv.read_csv(path).num_rows == 30
    again = trained.predict(path, rows)
    assert again.exit_code == KINDS["conflict"].exit_code
    assert again.end.hint == "Give another name, or add --overwrite."
    assert trained.predict(path, rows.slice(0, 0), overwrite=True).exit_code == 0
    assert path.read_text().strip().replace(chr(34), "") == "trip,score,decision"


def test_a_column_that_is_not_there_is_named_with_the_likely_one(
    trained: Trained, tmp_path: Path
) -> None:
    rows = trips(30).rename_columns(["trip", "place", "at", "weigth", "delay"])
    told = trained.predict(tmp_path / "scores.parquet", rows)
    assert told.exit_code == KINDS["invalid"].exit_code
    assert told.end.reason == "the data lacks weight, which the model needs."
    assert told.end.hint == "Is it called weigth there?"
    assert list(tmp_path.iterdir()) == []


def test_figures_on_other_rows_are_those_of_its_own_flow(trained: Trained) -> None:
    told = trained.measure(trips(600, seed=4))
    assert told.exit_code == 0, told.end
    found = told.end.result
    assert found["data"] == "trips@v4"
    assert not found["was_trained_on"]
    auc = next(each for each in found["results"] if each["name"] == "roc_auc")
    assert auc["n"] == found["rows"] < 600
    assert 0.6 < auc["ci_low"] < auc["value"] < auc["ci_high"] < 1
    assert {each["scope"] for each in found["slices"]} >= {"slice:place=dale", "slice:place=hill"}


def test_rows_without_a_known_truth_cannot_judge(trained: Trained) -> None:
    rows = trips(40)
    unknown = pa.array(np.full(40, np.nan), from_pandas=True)
    told = trained.measure(rows.set_column(4, "delay", unknown))
    assert told.exit_code == KINDS["invalid"].exit_code
