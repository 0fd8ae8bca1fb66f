"""The table of runs through agent and command line: views, files, order, what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from console.client.client import Client
from console.clock import SystemClock
from console.errors import KINDS
from console.wire import runs as wire
from console.wire.runs import ListRuns
from storage.database import Database
from storage.tables import runs
from storage.workspace import Workspace
from tests.conftest import RunningAgent, Said, run_command, start_agent_process
from tests.rules.test_run_table import RUNS

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose store has runs; its agent serves all tests here."""
    made = Workspace.create(tmp_path_factory.mktemp("runs") / "w")
    with Database.open(made, clock=SystemClock()) as database:
        for each in RUNS:
            database.write(partial(runs.record_run, run=replace(each, job_id=each.id)))
    running = RunningAgent(made, start_agent_process(made))
    yield made
    running.stop()
    if running.process.stderr is not None:
        running.process.stderr.close()


def said(kept: Workspace, *words: str, code: int = 0) -> Said:
    done = run_command(kept, *words)
    assert done.code == code, done
    return done


def ids(kept: Workspace, *words: str) -> list[int]:
    return [each["id"] for each in json.loads(said(kept, "run", "list", *words, "--json").out)]


def test_the_best_are_listed_although_they_are_not_the_newest(kept: Workspace) -> None:
    assert ids(kept, "--sort", "roc_auc,started", "-n", "2") == [1, 3]
    assert ids(kept, "--sort=-leaves,-started", "-n", "1") == [1]


def test_a_list_carries_only_the_metrics_that_are_asked_for(kept: Workspace) -> None:
    with closing(Client(kept, start=False)) as client:
        few = client.call(wire.list_runs, ListRuns(metrics_at_most=1, limit=1))
        assert list(few[0].metrics) == ["roc_auc"]
        asked = ListRuns(metrics_at_most=1, metrics="artifact_bytes,nosuch", limit=1)
        assert list(client.call(wire.list_runs, asked)[0].metrics) == ["roc_auc", "artifact_bytes"]


def test_a_view_is_saved_used_changed_and_forgotten(kept: Workspace) -> None:
    saved = said(kept, "run", "view", "good", "--filter", "roc_auc > 0.7", "--sort", "roc_auc",
                 "--group", "leaves", "--hide", "metrics.artifact_bytes")  # fmt: skip
    assert "run list --view good" in saved.out
    assert ids(kept, "--view", "good") == [3, 1, 5]
    assert ids(kept, "--view", "good", "--filter", "pipeline = delays") == [3, 5]
    shown = said(kept, "run", "list", "--view", "good").out
    assert shown.startswith("leaves 31  1 run, best AUC 0.750 in run 3")
    assert "artifact_bytes" not in said(kept, "run", "list", "--view", "good", "--csv").out
    assert "good  roc_auc > 0.7" in said(kept, "run", "view").out
    wrong = said(kept, "run", "list", "--view", "goood", code=KINDS["not_found"].exit_code)
    assert "Did you mean 'good'?" in wrong.err
    said(kept, "run", "view", "good", "--remove")
    assert "No view is saved" in said(kept, "run", "view").out
    said(kept, "run", "view", "good", "--remove", code=KINDS["not_found"].exit_code)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--filter", "roc_auk > 0.7"), ("  roc_auk > 0.7\n  ^^^^^^^\n", "metrics.roc_auc?")),
        (("--sort", "leafs"), ("cannot be sorted by 'leafs'", "params.leaves?")),
        (("--group", "stat"), ("cannot be grouped by 'stat'", "Did you mean state?")),
        (("--columns", "noot"), ("no column 'noot'", "Did you mean note?")),
        (("--output", "runs.xlsx"), ("a name that ends in .csv or .json",)),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_the_nearest_name(
    kept: Workspace, words: tuple[str, ...], told: tuple[str, ...]
) -> None:
    done = said(kept, "run", "list", *words, code=KINDS["usage"].exit_code)
    assert done.out == ""
    for each in told:
        assert each in done.err


def test_no_hit_is_not_no_runs(kept: Workspace) -> None:
    assert said(kept, "run", "list", "--filter", "state = faild").out == (
        "0 of 5 runs: none is left by 'state = faild'; did you mean failed?\n"
    )
    nothing = said(kept, "run", "list", "nosuch", code=KINDS["not_found"].exit_code)
    assert "there is no pipeline 'nosuch'" in nothing.err


def test_runs_become_a_file_once(kept: Workspace) -> None:
    file = kept.root / "runs.json"
    said(kept, "run", "list", "--output", str(file), "--sort", "started")
    rows = json.loads(file.read_text())
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert (rows[0]["params.leaves"], rows[4]["metrics.roc_auc"]) == ("auto", 0.71)
    again = said(kept, "run", "list", "--output", str(file), code=KINDS["usage"].exit_code)
    assert "it is there already" in again.err
    columns = said(kept, "run", "list", "--columns", "id,leaves", "-n", "2").out
    assert columns.split() == ["id", "leaves", "5", "8", "4", "8"]
