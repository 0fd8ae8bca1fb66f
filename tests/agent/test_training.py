"""Trainings through a real agent: queued, followed, compared, repeated, cancelled, survived."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from console import errors
from console.agent.launching import NURSERY, WORKER
from console.client.client import Client
from console.wire import datasets as datasets_wire
from console.wire import jobs as jobs_wire
from console.wire import models as models_wire
from console.wire import pipelines as pipelines_wire
from console.wire import runs as wire
from console.wire.datasets import AddData
from console.wire.jobs import JobId, RetryJob
from console.wire.models import ModelRef, PromoteModel
from console.wire.pipelines import PipelineName, PreviewPipeline
from console.wire.runs import CompareRuns, ListRuns, NoteRun, RunId, StartSearch, StartTraining
from storage.records.jobs import FINAL_STATES, Job
from storage.workspace import Workspace
from tests.conftest import RunningAgent, Said, agent_in, until
from tests.worker.test_train import TOML, trips

pytestmark = pytest.mark.process

NAMES = [f"late-{number}" for number in range(10)]
"""Pipelines that are alike: one for each test, so that all share an agent, its data and workers."""
PLACES = "place,rain\ndale,0.1\nhill,0.8\nshore,0.3\n"


def ended(client: Client, job: Job, timeout_s: float = 60.0) -> Job:
    def look() -> Job | None:
        found: Job = client.call(jobs_wire.get_job, JobId(id=job.id))
        return found if found.state in FINAL_STATES else None

    return until(look, f"the end of job {job.id}", timeout_s=timeout_s)


def add(client: Client, name: str, path: Path) -> Job:
    job = client.call(datasets_wire.add_data, AddData(dataset=name, files=(str(path),), options={}))
    return ended(client, job)


def declared(name: str) -> str:
    """The pipeline `late` under another name."""
    _, pipeline = TOML.split("[pipelines.late]")
    named = pipeline.replace("pipelines.late", f"pipelines.{name}")
    return f"[pipelines.{name}]" + named.replace("gates.late", f"gates.{name}")


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    """An agent whose workspace has data and declared pipelines."""
    workspace = Workspace.create(tmp_path_factory.mktemp("late"))
    root = workspace.root
    sets, _ = TOML.split("[pipelines.late]")
    workspace.declaration.write_text(sets + "\n".join(map(declared, NAMES)))
    (root / "places.csv").write_text(PLACES)
    pq.write_table(trips(), root / "trips.parquet")
    with agent_in(workspace, is_warm=True) as running:
        client = Client(workspace, start=False)
        assert add(client, "trips", root / "trips.parquet").state == "succeeded"
        assert add(client, "places", root / "places.csv").state == "succeeded"
        client.close()
        yield running


@pytest.fixture
def client(late: RunningAgent) -> Iterator[Client]:
    made = Client(late.workspace, start=False)
    yield made
    made.close()


@pytest.fixture
def flow(client: Client) -> str:
    """A pipeline that nobody has trained yet."""
    used = {run.pipeline for run in client.call(wire.list_runs, ListRuns())}
    return next(name for name in NAMES if name not in used)


@pytest.fixture
def train(client: Client, flow: str) -> Callable[..., Job]:
    """Train that pipeline and return the ended job."""

    def do(**given: Any) -> Job:
        request = StartTraining(**({"pipeline": flow, "params": {}, "data": {}} | given))
        return ended(client, client.call(wire.start_training, request))

    return do


def test_the_story_of_two_trainings(client: Client, flow: str, train: Callable[..., Job]) -> None:
    view = client.call(pipelines_wire.get_pipeline, PipelineName(pipeline=flow))
    assert (view.input_version, view.last_run_at, view.is_stale) == (1, None, False)

    first = train(note="the first")
    assert first.state == "succeeded", first.reason
    assert first.result["model"] == f"{flow}@v1"
    detail = client.call(wire.get_run, RunId(id=first.id))
    assert detail.run.model == f"{flow}@v1"
    assert detail.run.note == "the first"
    assert detail.run.peak_rss_bytes and detail.run.peak_rss_bytes > 10**7
    assert next(iter(detail.run.metrics)) == "roc_auc"
    assert detail.results[0].ci_low < detail.results[0].value < detail.results[0].ci_high
    assert detail.importance[0][0] == "weight"
    assert len([p for p in detail.points if p.metric == "valid_log_loss"]) == 20

    client.call(models_wire.promote_model, PromoteModel(model=flow, version="v1"))
    second = train(params={"max_iter": 1})
    gates = client.call(models_wire.get_gates, ModelRef(model=flow, version="v2"))
    assert gates.baseline == f"{flow}@v1"
    assert gates.verdict == "fail"

    asked = CompareRuns(ids=(first.id, second.id), aggregate="best")
    found = client.call(wire.compare_runs, asked)
    curve = next(each for each in found.condensed if each.metric == "valid_log_loss")
    assert (len(found.histories[0].steps), curve.at_steps[1]) != (0, None)
    assert curve.values[0] == min(
        point.value for point in detail.points if point.metric == "valid_log_loss"
    )
    assert found.importance[0][0] == "weight"
    assert [len(bins) > 2 for bins in found.calibration] == [True, True]
    assert found.params == (("max_iter", ("20", "1")),)
    auc = found.metrics[0]
    assert (auc.metric, auc.words) == ("roc_auc", ("base", "worse"))
    assert auc.ci_high[1] < 0

    again = ended(client, client.call(wire.reproduce_run, RunId(id=first.id)))
    assert again.result["is_same"] is True
    noted = client.call(wire.note_run, NoteRun(id=first.id, note="keep it", tags=("keep",)))
    assert (noted.note, noted.tags) == ("keep it", ("keep",))

    asked = ListRuns(filter="max_iter = 20 and tag:keep")
    assert [run.id for run in client.call(wire.list_runs, asked)] == [first.id]
    judged = ended(client, client.call(models_wire.check_gates, ModelRef(model=flow, version="v2")))
    assert judged.result["verdict"] == "fail"
    view = client.call(pipelines_wire.get_pipeline, PipelineName(pipeline=flow))
    assert view.champion == f"{flow}@v1"
    assert [run.id for run in view.runs] == [again.id, second.id, first.id]


def test_a_search_is_one_run_with_its_candidates_below(client: Client, flow: str) -> None:
    request = StartSearch(
        pipeline=flow, space={"max_iter": [1, 8]}, params={}, data={}, method="grid"
    )
    job = ended(client, client.call(wire.start_search, request))
    assert job.state == "succeeded", job.reason
    assert job.result["model"] == f"{flow}@v1"
    assert job.result["params"]["max_iter"] == 8
    assert [run.id for run in client.call(wire.list_runs, ListRuns(pipeline=flow))] == [job.id]
    search = client.call(wire.get_run, RunId(id=job.id)).search
    assert search is not None
    assert (search.method, search.tried, search.chosen) == ("grid", 2, 2)
    children = client.call(wire.list_runs, ListRuns(filter=f"parent = {job.id}"))
    assert [run.params["max_iter"] for run in children] == [8, 1]
    detail = client.call(wire.get_run, RunId(id=children[0].id))
    assert len(detail.folds) == 3
    assert {run.parent_id for run in children} == {job.id}
    again = client.call(jobs_wire.retry_job, RetryJob(id=job.id, params={}))
    assert ended(client, again).state == "succeeded"
    asked = ListRuns(filter=f"parent = {again.id}")
    known = client.call(wire.list_runs, asked)
    assert [run.note for run in known] == ["measured by an earlier attempt"] * 2
    with pytest.raises(errors.UsageError) as caught:
        client.call(wire.start_search, replace(request, method="gird"))
    assert caught.value.hint == "Did you mean 'grid'?"


def test_a_retry_takes_changed_parameters(client: Client, train: Callable[..., Job]) -> None:
    job = train(params={"max_iter": 2})
    retried = client.call(jobs_wire.retry_job, RetryJob(id=job.id, params={"max_iter": 3}))
    assert ended(client, retried).state == "succeeded"
    run = client.call(wire.get_run, RunId(id=retried.id)).run
    assert run.params["max_iter"] == 3


def test_a_file_of_the_workspace_does_not_stand_in_for_a_module_of_python(
    late: RunningAgent, train: Callable[..., Job]
) -> None:
    root = late.workspace.root
    files = [root / name for name in ("random.py", "console.py", "types.py")]
    for file in files:
        file.write_text("raise SystemExit('the wrong module')\n")
    try:
        job = train(params={"max_iter": 2})
        assert job.state == "succeeded", job.reason
        afresh = subprocess.run(
            [*WORKER, str(root / "nothing")], cwd=root, capture_output=True, text=True, check=False
        )
    finally:
        for file in files:
            file.unlink()
    assert "cannot read" in afresh.stderr, "a worker that is started, not forked, gets as far"
    assert NURSERY[:2] == WORKER[:2], "the process it is forked from is started in the same way"


def test_a_cancelled_training_is_a_cancelled_run(client: Client, flow: str) -> None:
    request = StartTraining(pipeline=flow, params={"max_iter": 100_000}, data={})
    job = client.call(wire.start_training, request)

    def is_fitting() -> bool:
        return "fitting" in client.call(jobs_wire.get_job, JobId(id=job.id)).progress.text

    until(is_fitting, "the fit")
    client.call(jobs_wire.cancel_job, JobId(id=job.id))
    stopped = ended(client, job)
    assert stopped.state == "cancelled"
    run = client.call(wire.get_run, RunId(id=job.id)).run
    assert run.state == "cancelled"
    assert run.ended_at is not None
    assert run.model == ""


def test_what_cannot_be_started_is_refused_at_once(
    client: Client, flow: str, train: Callable[..., Job]
) -> None:
    def refusal(**given: object) -> errors.ConsoleError:
        with pytest.raises(errors.ConsoleError) as caught:
            train(**given)
        return caught.value

    missing = refusal(pipeline="latte")
    assert (missing.kind, missing.hint) == ("not_found", "Did you mean late-9?")
    other = refusal(data={"places": "v9"})
    assert other.message == "places has no version 'v9'; it has v1."
    wrong = refusal(data={"trip": "v1"})
    assert (wrong.kind, wrong.hint) == ("invalid", "Did you mean trips?")
    assert client.call(wire.list_runs, ListRuns(pipeline=flow)) == []


def test_a_pipeline_is_checked_and_looked_into_without_training(client: Client, flow: str) -> None:
    def preview(**given: object) -> Job:
        request = PreviewPipeline(pipeline=flow, **given)  # type: ignore[arg-type]
        return ended(client, client.call(pipelines_wire.preview_pipeline, request))

    checked = preview(check_only=True)
    assert checked.result["features"] == [
        ["place", "category"],
        ["hour", "number"],
        ["weight", "number"],
        ["rain", "number"],
    ]
    rows = preview(step="features", flow="inference", limit=3)
    assert [name for name, _ in rows.result["columns"]] == ["place", "hour", "weight", "rain"]
    assert len(rows.result["rows"]) == 3


def test_commands_say_what_the_agent_knows(
    late: RunningAgent, flow: str, cli: Callable[..., Said]
) -> None:
    workspace = late.workspace
    done = cli(workspace, "train", flow, "--param", "max_iter=5")
    assert done.code == 0, done.err
    found = re.search(r"job (\d+)  succeeded", done.err)
    assert found is not None
    assert f"{flow}@v1" in done.out
    refused = cli(workspace, "train", flow, "--param", "max_itr=5")
    assert refused.code == errors.KINDS["invalid"].exit_code
    assert "Did you mean 'max_iter'?" in refused.err
    listed = cli(workspace, "run", "list", "--filter", "max_iter = 5")
    assert f"{flow}@v1" in listed.out
    assert cli(workspace, "pipeline", "show", flow).out.count("├") == 4
    logged = cli(workspace, "job", "logs", "-f", found[1])
    assert logged.code == 0
    assert "the package was loaded again" in logged.out


def test_a_training_outlives_its_agent(late: RunningAgent, client: Client, flow: str) -> None:
    request = StartTraining(pipeline=flow, params={"max_iter": 60}, data={})
    job = client.call(wire.start_training, request)

    def has_run() -> bool:
        return bool(client.call(wire.list_runs, ListRuns(pipeline=flow)))

    until(has_run, "the run's first report")
    late.kill()
    late.start_again()
    assert ended(client, job).state == "succeeded"
    detail = client.call(wire.get_run, RunId(id=job.id))
    assert detail.run.state == "succeeded"
    assert detail.run.model == f"{flow}@v1"
    steps = [p.step for p in detail.points if p.metric == "valid_log_loss"]
    assert steps == sorted(set(steps)), "a point was counted twice"
