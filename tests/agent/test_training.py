"""Trainings through a real agent: queued, followed, compared, repeated, cancelled, survived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from console import errors
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
from tests.conftest import RunningAgent, Said, start_agent_process, until
from tests.worker.test_train import TOML, trips

pytestmark = pytest.mark.process

PLACES = "place,rain\ndale,0.1\nhill,0.8\nshore,0.3\n"


def ended(client: Client, job: Job, timeout_s: float = 60.0) -> Job:
    def look() -> Job | None:
        found: Job = client.call(jobs_wire.get_job, JobId(id=job.id))
        return found if found.state in FINAL_STATES else None

    return until(look, f"the end of job {job.id}", timeout_s=timeout_s)


def add(client: Client, name: str, path: Path) -> Job:
    job = client.call(datasets_wire.add_data, AddData(dataset=name, files=(str(path),), options={}))
    return ended(client, job)


def train(client: Client, **given: object) -> Job:
    known: dict[str, Any] = {"pipeline": "late", "params": {}, "data": {}}
    request = StartTraining(**(known | given))
    return ended(client, client.call(wire.start_training, request))


@pytest.fixture
def late(workspace: Workspace) -> Iterator[RunningAgent]:
    """An agent whose workspace has data and a declared pipeline."""
    root = workspace.root
    (root / "mlops.toml").write_text(TOML)
    (root / "places.csv").write_text(PLACES)
    pq.write_table(trips(), root / "trips.parquet")
    running = RunningAgent(workspace, start_agent_process(workspace))
    client = Client(workspace, start=False)
    assert add(client, "trips", root / "trips.parquet").state == "succeeded"
    assert add(client, "places", root / "places.csv").state == "succeeded"
    client.close()
    yield running
    running.stop()
    if running.process.stderr is not None:
        running.process.stderr.close()


@pytest.fixture
def late_client(late: RunningAgent) -> Iterator[Client]:
    made = Client(late.workspace, start=False)
    yield made
    made.close()


def test_the_story_of_two_trainings(late_client: Client) -> None:
    client = late_client
    view = client.call(pipelines_wire.get_pipeline, PipelineName(pipeline="late"))
    assert (view.input_version, view.last_run_at, view.is_stale) == (1, None, False)

    first = train(client, note="the first")
    assert first.state == "succeeded", first.reason
    assert first.result["model"] == "late@v1"
    detail = client.call(wire.get_run, RunId(id=first.id))
    assert detail.run.model == "late@v1"
    assert detail.run.note == "the first"
    assert detail.run.peak_rss_bytes and detail.run.peak_rss_bytes > 10**7
    assert next(iter(detail.run.metrics)) == "roc_auc"
    assert detail.results[0].ci_low < detail.results[0].value < detail.results[0].ci_high
    assert detail.importance[0][0] == "weight"
    assert len([p for p in detail.points if p.metric == "valid_log_loss"]) == 20

    client.call(models_wire.promote_model, PromoteModel(model="late", version="v1"))
    second = train(client, params={"max_iter": 1})
    gates = client.call(models_wire.get_gates, ModelRef(model="late", version="v2"))
    assert gates.baseline == "late@v1"
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
    judged = ended(
        client, client.call(models_wire.check_gates, ModelRef(model="late", version="v2"))
    )
    assert judged.result["verdict"] == "fail"
    view = client.call(pipelines_wire.get_pipeline, PipelineName(pipeline="late"))
    assert view.champion == "late@v1"
    assert [run.id for run in view.runs] == [again.id, second.id, first.id]


def test_a_search_is_one_run_with_its_candidates_below(late_client: Client) -> None:
    request = StartSearch(
        pipeline="late", space={"max_iter": [1, 8]}, params={}, data={}, method="grid"
    )
    job = ended(late_client, late_client.call(wire.start_search, request))
    assert job.state == "succeeded", job.reason
    assert job.result["model"] == "late@v1"
    assert job.result["params"]["max_iter"] == 8
    assert [run.id for run in late_client.call(wire.list_runs, ListRuns())] == [job.id]
    children = late_client.call(wire.list_runs, ListRuns(filter=f"parent = {job.id}"))
    assert [run.params["max_iter"] for run in children] == [8, 1]
    detail = late_client.call(wire.get_run, RunId(id=children[0].id))
    assert len(detail.folds) == 3
    assert {run.parent_id for run in children} == {job.id}
    again = late_client.call(jobs_wire.retry_job, RetryJob(id=job.id, params={}))
    assert ended(late_client, again).state == "succeeded"
    asked = ListRuns(filter=f"parent = {again.id}")
    assert late_client.call(wire.list_runs, asked) == [], "what was known was measured again"
    with pytest.raises(errors.UsageError) as caught:
        late_client.call(wire.start_search, replace(request, method="gird"))
    assert caught.value.hint == "Did you mean 'grid'?"


def test_a_retry_takes_changed_parameters(late_client: Client) -> None:
    job = train(late_client, params={"max_iter": 2})
    retried = late_client.call(jobs_wire.retry_job, RetryJob(id=job.id, params={"max_iter": 3}))
    assert ended(late_client, retried).state == "succeeded"
    run = late_client.call(wire.get_run, RunId(id=retried.id)).run
    assert run.params["max_iter"] == 3


def test_a_file_of_the_workspace_does_not_stand_in_for_a_module_of_python(
    late: RunningAgent, late_client: Client
) -> None:
    for name in ("random.py", "console.py", "types.py"):
        (late.workspace.root / name).write_text("raise SystemExit('the wrong module')\n")
    job = train(late_client, params={"max_iter": 2})
    assert job.state == "succeeded", job.reason


def test_a_cancelled_training_is_a_cancelled_run(late_client: Client) -> None:
    request = StartTraining(pipeline="late", params={"max_iter": 100_000}, data={})
    job = late_client.call(wire.start_training, request)

    def is_fitting() -> bool:
        return "fitting" in late_client.call(jobs_wire.get_job, JobId(id=job.id)).progress.text

    until(is_fitting, "the fit")
    late_client.call(jobs_wire.cancel_job, JobId(id=job.id))
    stopped = ended(late_client, job)
    assert stopped.state == "cancelled"
    run = late_client.call(wire.get_run, RunId(id=job.id)).run
    assert run.state == "cancelled"
    assert run.ended_at is not None
    assert run.model == ""


def test_a_training_outlives_its_agent(late: RunningAgent, late_client: Client) -> None:
    request = StartTraining(pipeline="late", params={"max_iter": 60}, data={})
    job = late_client.call(wire.start_training, request)

    def has_run() -> bool:
        return bool(late_client.call(wire.list_runs, ListRuns()))

    until(has_run, "the run's first report")
    late.kill()
    late.start_again()
    assert ended(late_client, job).state == "succeeded"
    detail = late_client.call(wire.get_run, RunId(id=job.id))
    assert detail.run.state == "succeeded"
    assert detail.run.model == "late@v1"
    steps = [p.step for p in detail.points if p.metric == "valid_log_loss"]
    assert steps == sorted(set(steps)), "a point was counted twice"


def test_what_cannot_be_started_is_refused_at_once(late_client: Client) -> None:
    def refusal(**given: object) -> errors.ConsoleError:
        with pytest.raises(errors.ConsoleError) as caught:
            train(late_client, **given)
        return caught.value

    missing = refusal(pipeline="lat")
    assert (missing.kind, missing.hint) == ("not_found", "Did you mean late?")
    other = refusal(data={"places": "v9"})
    assert other.message == "places has no version 'v9'; it has v1."
    wrong = refusal(data={"trip": "v1"})
    assert (wrong.kind, wrong.hint) == ("invalid", "Did you mean trips?")
    assert late_client.call(wire.list_runs, ListRuns()) == []


def test_a_pipeline_is_checked_and_looked_into_without_training(late_client: Client) -> None:
    def preview(**given: object) -> Job:
        request = PreviewPipeline(pipeline="late", **given)  # type: ignore[arg-type]
        return ended(late_client, late_client.call(pipelines_wire.preview_pipeline, request))

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
    late: RunningAgent, late_client: Client, cli: Callable[..., Said]
) -> None:
    workspace = late.workspace
    done = cli(workspace, "train", "late", "--param", "max_iter=5")
    assert done.code == 0, done.err
    assert "job 3  succeeded" in done.err
    assert "late@v1" in done.out
    refused = cli(workspace, "train", "late", "--param", "max_itr=5")
    assert refused.code == errors.KINDS["invalid"].exit_code
    assert "Did you mean 'max_iter'?" in refused.err
    listed = cli(workspace, "run", "list", "--filter", "max_iter = 5")
    assert "late@v1" in listed.out
    assert cli(workspace, "pipeline", "show", "late").out.count("├") == 4
    logged = cli(workspace, "job", "logs", "-f", "3")
    assert logged.code == 0
    assert "the package was loaded again" in logged.out
