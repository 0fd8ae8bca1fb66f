"""A program that runs as a job reports its metrics over MLflow's tracking API."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from console.client.client import Client
from console.wire import jobs as job_wire
from console.wire import runs as run_wire
from console.wire.jobs import JobId, StartCommand
from console.wire.runs import ListRuns, RunId
from storage.records.jobs import FINAL_STATES
from storage.workspace import Workspace
from tests.conftest import RunningAgent, end_children, start_agent_process, until

pytestmark = pytest.mark.process


@dataclass
class Program:
    """A job that waits, and what it was told."""

    client: Client
    job_id: int
    address: str
    token: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.address}/api/2.0/mlflow/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", **headers},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def refused(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        with pytest.raises(urllib.error.HTTPError) as refusal:
            self.call(method, path, body, **headers)
        with refusal.value as answer:
            document = json.load(answer)
            return answer.status, f"{document['error_code']}: {document['message']}"


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    workspace = Workspace.create(tmp_path_factory.mktemp("tracking") / "w")
    running = RunningAgent(workspace, start_agent_process(workspace))
    yield running
    end_children(workspace)
    running.stop()
    if running.process.stderr is not None:
        running.process.stderr.close()


@pytest.fixture(scope="module")
def client(agent: RunningAgent) -> Iterator[Client]:
    made = Client(agent.workspace, start=False)
    yield made
    made.close()


def start(client: Client, title: str) -> Program:
    words = 'printf "%s %s" "$MLFLOW_TRACKING_URI" "$MLFLOW_TRACKING_TOKEN" > told.$MLOPS_JOB_ID'
    command = ("bash", "-c", f"{words}; mv told.$MLOPS_JOB_ID told-$MLOPS_JOB_ID; sleep 60")
    job = client.call(job_wire.start_command, StartCommand(command=command, title=title))
    told = client.workspace.root / f"told-{job.id}"
    until(told.exists, "the job being told where to report")
    address, token = told.read_text().split()
    return Program(client, job.id, address, token)


@pytest.fixture(scope="module")
def program(client: Client) -> Program:
    return start(client, "resnet")


def test_a_run_has_the_number_of_its_job_and_everything_that_was_logged(program: Program) -> None:
    known = program.call("GET", "experiments/get-by-name?experiment_name=vision")["experiment"]
    run = program.call(
        "POST", "runs/create", {"experiment_id": known["experiment_id"], "run_name": "first"}
    )["run"]["info"]
    assert run["run_id"] == str(program.job_id)
    program.call("POST", "runs/log-parameter", {"run_id": run["run_id"], "key": "lr", "value": 0.1})
    for step in range(3):
        body = {"run_id": run["run_id"], "key": "loss", "value": 1 / (step + 1), "step": step}
        program.call("POST", "runs/log-metric", body)
    batch = {
        "run_id": run["run_id"],
        "metrics": [{"key": "accuracy", "value": 0.9, "step": 3, "timestamp": 1767225600000}],
        "params": [{"key": "opt", "value": "sgd"}],
        "tags": [{"key": "mlflow.source.git.commit", "value": "abc123"}],
    }
    program.call("POST", "runs/log-batch", batch)
    detail = program.client.call(run_wire.get_run, RunId(id=program.job_id))
    assert detail.run.pipeline == "vision"
    assert detail.run.params == {"lr": 0.1, "opt": "sgd"}
    assert detail.run.metrics == {"loss": pytest.approx(1 / 3), "accuracy": 0.9}
    assert detail.run.code["commit"] == "abc123"
    losses = [(p.step, round(p.value, 3)) for p in detail.points if p.metric == "loss"]
    assert losses == [(0, 1.0), (1, 0.5), (2, 0.333)]
    history = program.call("GET", f"metrics/get-history?run_id={run['run_id']}&metric_key=loss")
    assert [each["step"] for each in history["metrics"]] == [0, 1, 2]


def test_further_runs_of_a_job_stand_below_its_first_one(client: Client) -> None:
    program = start(client, "sweep")
    first = program.call("POST", "runs/create", {})["run"]["info"]["run_id"]
    second = program.call("POST", "runs/create", {})["run"]["info"]["run_id"]
    assert first == str(program.job_id) != second
    program.call("POST", "runs/update", {"run_id": second, "status": "FINISHED"})
    everything = client.call(run_wire.list_runs, ListRuns(candidates=True))
    found = {str(run.id): run for run in everything}
    assert (found[second].parent_id, found[second].state) == (program.job_id, "succeeded")
    client.call(job_wire.cancel_job, JobId(id=program.job_id))
    until(
        lambda: client.call(job_wire.get_job, JobId(id=program.job_id)).state in FINAL_STATES,
        "its end",
    )
    assert client.call(run_wire.get_run, RunId(id=program.job_id)).run.state == "cancelled"
    status, words = program.refused("GET", f"runs/get?run_id={first}")
    assert (status, words[:17]) == (403, "PERMISSION_DENIED")


def test_only_the_program_itself_reports(program: Program, client: Client) -> None:
    other = start(client, "other")
    mine = other.call("POST", "runs/create", {})["run"]["info"]["run_id"]
    path = f"runs/get?run_id={mine}"
    assert program.refused("GET", path)[0] == 404
    for wrong in ("", "Bearer x", f"Bearer mlj_{other.job_id}_" + "x" * 43):
        assert other.refused("GET", path, Authorization=wrong)[0] == 403
    assert other.refused("GET", path, Host="evil.example")[0] == 403
    assert other.refused("GET", path, Origin="http://evil.example")[0] == 403
    client.call(job_wire.cancel_job, JobId(id=other.job_id))


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (
            "runs/log-metric",
            {"key": "loss", "value": "much"},
            "value is 'much', which is no",
        ),
        ("runs/log-metric", {"key": "loss", "value": "nan"}, "metric loss is nan"),
        ("runs/log-metric", {"value": 1}, "the report has no 'key'"),
        ("runs/log-batch", {"metrics": [1]}, "metrics is not a list of objects"),
        ("runs/update", {"status": "DONE"}, "'DONE' is no status of a run"),
        ("model-versions/create", {}, "is not answered here"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    program: Program, path: str, body: dict[str, Any], words: str
) -> None:
    status, said = program.refused("POST", path, {"run_id": str(program.job_id), **body})
    assert status in (400, 404, 422)
    assert words in said


def test_a_program_goes_on_reporting_after_the_agent_was_killed(
    program: Program, agent: RunningAgent
) -> None:
    agent.kill()
    agent.start_again()
    run = program.call("GET", f"runs/get?run_id={program.job_id}")["run"]
    program.call(
        "POST", "runs/log-metric", {"run_id": run["info"]["run_id"], "key": "late", "value": 1}
    )
    detail = program.client.call(run_wire.get_run, RunId(id=program.job_id))
    assert detail.run.metrics["late"] == 1
