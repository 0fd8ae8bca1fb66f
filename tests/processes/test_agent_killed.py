"""Killing the agent kills nothing else: jobs go on, the next agent takes over and catches up."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.client.client import Client
from console.wire import datasets as dataset_wire
from console.wire import jobs as job_wire
from console.wire import people as people_wire
from console.wire import runs as run_wire
from console.wire.datasets import AddData
from console.wire.jobs import GetLog, JobId, StartCommand
from console.wire.people import ListLedger
from console.wire.routes import Nothing
from console.wire.runs import RunId, StartTraining
from storage.records.jobs import FINAL_STATES, Job
from tests.conftest import SAMPLE_DATA, RunningAgent, child_environment, until

pytestmark = pytest.mark.process


def ended(client: Client, job_id: int, *, timeout_s: float = 90.0) -> Job:
    """The job once it has ended."""

    def look() -> Job | None:
        job = client.call(job_wire.get_job, JobId(id=job_id))
        return job if job.state in FINAL_STATES else None

    found = until(look, f"the end of job {job_id}", timeout_s=timeout_s)
    assert found is not None
    return found


def started(client: Client, job_id: int) -> Job:
    """The job once it has a process."""

    def look() -> Job | None:
        job = client.call(job_wire.get_job, JobId(id=job_id))
        return job if job.pid or job.state in FINAL_STATES else None

    found = until(look, f"a process for job {job_id}")
    assert found is not None
    return found


def add(client: Client, dataset: str, name: str) -> Job:
    request = AddData(dataset=dataset, files=(str(SAMPLE_DATA / name),), options={})
    return ended(client, client.call(dataset_wire.add_data, request).id)


def test_a_job_outlives_the_agent_and_its_true_end_is_told(
    agent: RunningAgent, client: Client
) -> None:
    script = "import time; print('begun', flush=True); time.sleep(1.5); print('done'); exit(3)"
    job = client.call(job_wire.start_command, StartCommand(command=(sys.executable, "-c", script)))
    pid = started(client, job.id).pid
    agent.kill()
    assert pid is not None and Path(f"/proc/{pid}").exists()
    agent.start_again()
    found = ended(client, job.id)
    assert (found.state, found.exit_code) == ("failed", 3)
    log = client.call(job_wire.get_log, GetLog(id=job.id, start=0))
    assert log.text.split() == ["begun", "done"]


def test_a_job_that_ends_while_no_agent_is_there_is_not_lost(
    agent: RunningAgent, client: Client
) -> None:
    job = client.call(
        job_wire.start_command, StartCommand(command=(sys.executable, "-c", "print(42)"))
    )
    started(client, job.id)
    agent.kill()
    until(lambda: agent.workspace.job(str(job.id)).exit.exists(), "the end of the process")
    agent.start_again()
    assert ended(client, job.id).state == "succeeded"


def test_a_killed_job_says_which_signal(agent: RunningAgent, client: Client) -> None:
    script = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    job = client.call(job_wire.start_command, StartCommand(command=(sys.executable, "-c", script)))
    found = ended(client, job.id)
    assert (found.state, found.signal) == ("failed", signal.SIGKILL)
    assert "SIGKILL" in found.reason


def test_cancelling_ends_the_whole_process_group(agent: RunningAgent, client: Client) -> None:
    script = "sleep 300 & echo $!; wait"
    job = client.call(job_wire.start_command, StartCommand(command=("sh", "-c", script)))
    until(
        lambda: client.call(job_wire.get_log, GetLog(id=job.id, start=0)).text.strip(),
        "the child's pid",
    )
    child = int(client.call(job_wire.get_log, GetLog(id=job.id, start=0)).text)
    client.call(job_wire.cancel_job, JobId(id=job.id))
    assert ended(client, job.id).state == "cancelled"
    until(lambda: not Path(f"/proc/{child}").exists(), "the grandchild's end")


def test_closing_the_terminal_ends_no_job(agent: RunningAgent, client: Client) -> None:
    """A job started from a terminal goes on when that terminal hangs up."""
    leader, follower = pty.openpty()
    script = "import time; time.sleep(1.5); print('survived')"
    shell = subprocess.Popen(
        [sys.executable, "-m", "console", "--workspace", str(agent.workspace.root),
         "job", "run", "--", sys.executable, "-c", script],
        stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
        env=child_environment(), cwd=agent.workspace.root,
    )  # fmt: skip
    os.close(follower)
    until(lambda: client.call(job_wire.list_jobs, job_wire.ListJobs()), "the job")
    started(client, 1)
    os.close(leader)  # the terminal is gone
    shell.send_signal(signal.SIGHUP)
    shell.wait(10)
    assert ended(client, 1).state == "succeeded"
    assert "survived" in client.call(job_wire.get_log, GetLog(id=1, start=0)).text


def test_a_training_survives_the_agent_and_nothing_is_counted_twice(
    flights_agent: RunningAgent, flights_client: Client
) -> None:
    client = flights_client
    for dataset, name in (
        ("planes", "planes.parquet"),
        ("weather", "weather-2013.parquet"),
        ("flights", "flights/flights-2013-01.parquet"),
    ):
        assert add(client, dataset, name).state == "succeeded"
    request = StartTraining(pipeline="delays", params={"max_iter": 10}, data={})
    job = client.call(run_wire.start_training, request)
    started(client, job.id)
    for _ in range(3):
        flights_agent.kill()
        flights_agent.start_again()
    assert ended(client, job.id).state == "succeeded"
    detail = client.call(run_wire.get_run, RunId(id=job.id))
    assert detail.run.model == "delays@v1"
    points = [(point.metric, point.step) for point in detail.points]
    assert points and len(points) == len(set(points))
    entries = client.call(people_wire.list_ledger, ListLedger(limit=500))
    registered = [entry for entry in entries if entry.action == "model.register"]
    assert len(registered) == 1
    assert client.call(people_wire.verify_ledger, Nothing()).is_intact


def test_two_clients_and_the_command_line_work_on_one_workspace(
    agent: RunningAgent, client: Client
) -> None:
    other = Client(agent.workspace, start=False)
    try:
        mine = client.call(job_wire.start_command, StartCommand(command=("true",)))
        theirs = other.call(job_wire.start_command, StartCommand(command=("true",)))
        told = subprocess.run(
            [sys.executable, "-m", "console", "--workspace", str(agent.workspace.root),
             "job", "run", "--", "true"],
            env=child_environment(), capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert told.returncode == 0
        seen = {job.id for job in other.call(job_wire.list_jobs, job_wire.ListJobs())}
        assert seen == {mine.id, theirs.id, 3}
        assert {ended(client, number).state for number in seen} == {"succeeded"}
    finally:
        other.close()


def test_a_second_agent_is_refused_and_the_first_goes_on(
    agent: RunningAgent, client: Client
) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "console.agent.main", "--workspace", str(agent.workspace.root)],
        env=child_environment(), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert second.returncode == 5
    assert str(agent.process.pid) in second.stderr
    assert client.call(people_wire.get_me, Nothing()).is_owner


def test_an_agent_removes_the_socket_that_a_killed_one_left(
    agent: RunningAgent, client: Client
) -> None:
    agent.kill()
    assert agent.workspace.socket.exists()
    agent.start_again()
    assert client.call(people_wire.get_me, Nothing()).is_owner
