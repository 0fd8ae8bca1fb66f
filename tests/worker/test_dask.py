"""Fits on other machines: the folds of a training on a real scheduler with two worker processes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pyarrow as pa
import pytest

from console.errors import KINDS
from tests.worker.conftest import Bench
from tests.worker.test_train import TOML, trips

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("default")]


@pytest.fixture
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two workers, each a process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster:
            yield cluster.scheduler_address.removeprefix("tcp://")


def declared(backend: str) -> str:
    return TOML.split("[[gates")[0].replace("seed = 5", f'seed = 5\nbackend = "{backend}"')


@pytest.fixture
def late(bench: Bench) -> Bench:
    bench.store("trips", trips(1000), version=1)
    places = {"place": ["dale", "hill", "shore"], "rain": [0.1, 0.8, 0.3]}
    bench.store("places", pa.table(places), version=1)
    return bench


def test_fits_on_dask_give_the_model_that_this_machine_gives(late: Bench, scheduler: str) -> None:
    far = late.run("train", late.order(declared(f"dask://{scheduler}"), "late"))
    assert far.exit_code == 0, far.end
    near = late.run("train", late.order(TOML.split("[[gates")[0], "late"))
    same = ("roc_auc", "log_loss", "recall")
    far_metrics, near_metrics = far.last("run").run.metrics, near.last("run").run.metrics
    assert {name: far_metrics[name] for name in same} == {n: near_metrics[n] for n in same}
    assert far.last("run").run.pipeline_digest == near.last("run").run.pipeline_digest


def test_a_scheduler_that_is_not_there_is_said_with_its_address(
    late: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.worker.training.fitting.DASK_TIMEOUT_S", 1.0)
    told = late.run("train", late.order(declared("dask://127.0.0.1:9"), "late"))
    assert told.exit_code == KINDS["unavailable"].exit_code
    assert told.end.reason == "no Dask scheduler answers at tcp://127.0.0.1:9 within 1 s."
