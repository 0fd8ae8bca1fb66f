"""Steps are not run again for the same code and data, and are for anything else."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from console.worker.training import step_cache
from tests.worker.conftest import Bench, Told, empty_bench
from tests.worker.test_train import TOML, trips

TEXT = TOML.split("[[gates")[0].replace("max_iter = 20", "max_iter = 2")


Trained = tuple[Bench, Told]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A workspace with data and one training, which had nothing to skip, and what that told."""
    bench = empty_bench(tmp_path_factory.mktemp("trained") / "w")
    bench.store("trips", trips(6000), version=1)  # enough for intervals without a bootstrap
    places = {"place": ["dale", "hill", "shore"], "rain": [0.1, 0.8, 0.3]}
    bench.store("places", pa.table(places), version=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_cache, "WORTH_KEEPING_S", 0.0)
        return bench, bench.run("train", bench.order(TEXT, "late"))


@pytest.fixture
def late(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(step_cache, "WORTH_KEEPING_S", 0.0)
    return trained[0].copied(tmp_path / "w")


def skipped(told: Told) -> list[str]:
    assert told.exit_code == 0, told.end
    texts = [each.text for each in told.reports["progress"]]
    return [each for each in texts if "not run again" in each]


def test_a_second_training_skips_the_steps_and_says_why(late: Bench, trained: Trained) -> None:
    first = trained[1]
    assert skipped(first) == []
    second = late.run("train", late.order(TEXT, "late", params={"max_iter": 3}))
    assert skipped(second) == [
        "label: not run again, same code and same data as before",
        "features: not run again, same code and same data as before",
    ]
    again = late.run("train", late.order(TEXT, "late"))
    assert again.last("run").run.metrics["roc_auc"] == first.last("run").run.metrics["roc_auc"]


def test_a_changed_step_is_run_again_and_the_one_before_it_is_not(late: Bench) -> None:
    changed = late.run("train", late.order(TEXT.replace("p.rain", "p.rain * 2 AS rain"), "late"))
    assert skipped(changed) == ["label: not run again, same code and same data as before"]


def test_other_data_runs_every_step(late: Bench) -> None:
    late.store("trips", trips(6100), version=2)
    assert skipped(late.run("train", late.order(TEXT, "late"))) == []


def test_a_damaged_entry_is_made_again(late: Bench) -> None:
    assert list(late.workspace.cache.iterdir())
    for path in late.workspace.cache.iterdir():
        path.write_bytes(b"PAR1 but not really")
    assert skipped(late.run("train", late.order(TEXT, "late"))) == []


def test_a_python_step_is_run_again_when_any_module_of_the_workspace_changes(
    late: Bench,
) -> None:
    root = late.workspace.root
    (root / "helper.py").write_text("FACTOR = 1\n")
    (root / "our_steps.py").write_text(
        "import helper\ndef scale(frame):\n    frame['rain'] *= helper.FACTOR\n    return frame\n"
    )
    text = TEXT + '\n[[pipelines.late.steps]]\nname = "scale"\nfunction = "our_steps:scale"\n'
    order = late.order(text, "late")
    late.run("train", order)
    assert len(skipped(late.run("train", order))) == 2
    (root / "helper.py").write_text("FACTOR = 2\n")
    assert skipped(late.run("train", order)) == [
        "label: not run again, same code and same data as before"
    ]
