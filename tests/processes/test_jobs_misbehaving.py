"""Programs that behave badly: whatever they do, the end that is told is the true one.

One agent for all of them, and they run side by side: the slowest one takes as long as all.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from console.agent.children import SHIM, read_exit
from console.client.client import Client
from console.errors import ConflictError, NotFoundError
from console.wire import jobs as wire
from console.wire.jobs import GetLog, JobId, RetryJob, SetJob, StartCommand
from storage.records.jobs import FINAL_STATES, Job
from storage.workspace import Workspace
from tests.conftest import RunningAgent, end_children, start_agent_process, until

pytestmark = pytest.mark.process

DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.environ.clear()
time.sleep(60)
"""
HOG = "keep = []\nwhile True: keep.append(bytearray(4_000_000)); __import__('time').sleep(0.02)"
STUBBORN = "trap '' TERM; (setsid sleep 60 &); echo ready; while true; do sleep 0.1; done"
TALKER = "head -c 90000000 /dev/zero | tr '\\0' 'x'; printf '\\377\\376 end'; sleep 0.7"


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    workspace = Workspace.create(tmp_path_factory.mktemp("jobs") / "w")
    workspace.declaration.write_text("[workspace]\njobs_at_once = 12\n")
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


@pytest.fixture(scope="module")
def start(client: Client) -> Callable[..., int]:
    def start(*command: str, **known: object) -> int:
        request = StartCommand(command=command, **known)  # type: ignore[arg-type]
        return client.call(wire.start_command, request).id

    return start


@pytest.fixture(scope="module")
def begun(client: Client, start: Callable[..., int]) -> dict[str, int]:
    """Everything that takes a while, started at once."""
    found = {
        "stubborn": start("bash", "-c", STUBBORN),
        "daemon": start(sys.executable, "-c", DAEMON),
        "hog": start(sys.executable, "-c", HOG, memory_bytes=80_000_000),
        "greedy": start(sys.executable, "-c", "bytearray(2**40)", memory_bytes=80_000_000),
        "late": start("sleep", "60", time_s=0.5),
        "talker": start("bash", "-c", TALKER),
    }

    def printed() -> bool:
        chunk = client.call(wire.get_log, GetLog(id=found["stubborn"], start=0))
        return chunk.text == "ready\n"

    until(printed, "the stubborn job being ready")
    client.call(wire.cancel_job, JobId(id=found["stubborn"]))
    return found


def ended(client: Client, number: int) -> Job:
    def look() -> Job | None:
        job = client.call(wire.get_job, JobId(id=number))
        return job if job.state in FINAL_STATES else None

    found = until(look, f"the end of job {number}")
    assert found is not None
    return found


def end_survivors(job: Job) -> None:
    for word in job.reason.split("(")[1:]:
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.kill(int(word.partition(")")[0]), signal.SIGKILL)


def test_a_daemon_is_named_whatever_it_does_to_hide(client: Client, begun: dict[str, int]) -> None:
    job = ended(client, begun["daemon"])
    assert job.state == "succeeded"
    assert job.reason.startswith("it left behind python")
    end_survivors(job)


def test_a_job_over_its_memory_is_ended_with_the_numbers(
    client: Client, begun: dict[str, int]
) -> None:
    job = ended(client, begun["hog"])
    assert (job.state, job.signal) == ("failed", signal.SIGKILL)
    assert "of memory and may use 80.0 MB" in job.reason
    assert f"job retry {job.id} --memory 0.16GB" in job.reason
    assert (job.peak_rss_bytes or 0) > 80_000_000


def test_one_huge_request_for_memory_fails_inside_of_the_job(
    client: Client, begun: dict[str, int]
) -> None:
    job = ended(client, begun["greedy"])
    assert (job.state, job.exit_code) == ("failed", 1)
    assert job.reason == "ended with exit code 1: MemoryError"


def test_a_job_over_its_time_is_ended_and_its_retry_may_take_longer(
    client: Client, begun: dict[str, int]
) -> None:
    job = ended(client, begun["late"])
    assert job.state == "failed"
    assert "may run for 500 ms" in job.reason
    again = client.call(wire.retry_job, RetryJob(id=job.id, params={}, time_s=0.6))
    assert again.spec["limits"] == {"time_s": 0.6}
    assert "may run for 600 ms" in ended(client, again.id).reason


def test_of_endless_output_the_first_and_the_last_are_kept(
    client: Client, agent: RunningAgent, begun: dict[str, int]
) -> None:
    job = ended(client, begun["talker"])
    assert job.state == "succeeded"
    log = agent.workspace.job(job.id).log
    assert log.stat().st_size == 90_000_006
    first = client.call(wire.get_log, GetLog(id=job.id, start=0))
    last = client.call(wire.get_log, GetLog(id=job.id, start=-100))
    assert first.text.startswith("xxx")
    assert last.text.endswith("x\ufffd\ufffd end") and last.is_final
    if log.stat().st_blocks * 512 < 80_000_000:  # a file system that takes space back
        after = client.call(wire.get_log, GetLog(id=job.id, start=2**20))
        assert "of output were not kept" in after.text
        assert client.call(wire.get_log, GetLog(id=job.id, start=after.end)).text[:3] == "xxx"


def test_a_job_that_ignores_the_request_is_killed_and_its_survivors_are_named(
    client: Client, begun: dict[str, int]
) -> None:
    job = ended(client, begun["stubborn"])
    assert job.state == "cancelled"
    assert "killed after ignoring the request; it left behind sleep (" in job.reason
    end_survivors(job)


def test_what_cannot_be_started_says_so_at_once(
    client: Client, start: Callable[..., int], tmp_path: Path
) -> None:
    job = ended(client, start("nosuchprogram", "--help"))
    assert (job.state, job.exit_code) == ("failed", 127)
    assert job.reason.startswith("cannot start nosuchprogram: No such file or directory")
    with pytest.raises(NotFoundError, match="there is no such directory"):
        start("ls", directory=str(tmp_path / "gone"))


def test_a_program_is_found_where_the_caller_would_find_it(
    client: Client, start: Callable[..., int], tmp_path: Path
) -> None:
    program = tmp_path / "mytrainer"
    program.write_text("#!/bin/sh\necho workspace $MLOPS_WORKSPACE job $MLOPS_JOB_ID\n")
    program.chmod(0o755)
    job = ended(client, start("mytrainer", path=f"{tmp_path}:{os.environ['PATH']}"))
    said = client.call(wire.get_log, GetLog(id=job.id, start=0)).text
    assert said == f"workspace {client.workspace.root} job {job.id}\n"


def test_the_progress_a_program_prints_is_the_jobs(
    client: Client, start: Callable[..., int]
) -> None:
    job = start("bash", "-c", "for i in 1 2 3; do printf '\\r%s/4 [###  ]' $i; done; sleep 60")

    def told() -> bool:
        found = client.call(wire.get_job, JobId(id=job)).progress
        return (found.done, found.total) == (3, 4)

    until(told, "its progress")
    client.call(wire.cancel_job, JobId(id=job))


def test_jobs_in_a_circle_are_refused_and_priorities_change(
    client: Client, start: Callable[..., int]
) -> None:
    first = start("sleep", "60")
    second = start("true", after=(first,))
    third = start("true", after=(second,))
    with pytest.raises(ConflictError) as refused:
        client.call(wire.set_job, SetJob(id=second, after=(third,)))
    assert refused.value.message == (
        f"job {second} would wait for itself: {second} after {third} after {second}."
    )
    assert client.call(wire.set_job, SetJob(id=third, priority=7)).priority == 7
    with pytest.raises(NotFoundError):
        client.call(wire.set_job, SetJob(id=third, after=(999,)))
    with pytest.raises(ConflictError, match="only what waits has a place"):
        until(lambda: client.call(wire.get_job, JobId(id=first)).state == "running", "its start")
        client.call(wire.set_job, SetJob(id=first, priority=1))
    client.call(wire.cancel_job, JobId(id=first))
    assert ended(client, third).reason == f"job {second}, which it waits for, is cancelled"
    with pytest.raises(ConflictError, match=f"it needs job {second}, which is cancelled"):
        client.call(wire.retry_job, RetryJob(id=third, params={}))


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a disk of its own")
def test_a_job_that_fills_the_disk_ends_with_the_truth_on_that_disk(tmp_path: Path) -> None:
    """The keeper alone, on a disk of 20 MB that the job fills to the last byte."""
    before = f"""
        mount -t tmpfs -o size=20m none {tmp_path} || exit 77
        mkdir {tmp_path}/job
        echo '{{"limits": {{"disk_floor_bytes": 8000000}}}}' > {tmp_path}/job/spec.json
        {sys.executable} -I -S {SHIM} {tmp_path}/job {tmp_path}/job/log -- """
    after = f"\ncat {tmp_path}/job/exit.json"

    def run(command: str) -> subprocess.CompletedProcess[str]:
        words = ["unshare", "--map-root-user", "--mount", "bash", "-c"]
        return subprocess.run(
            [*words, before + command + after], capture_output=True, text=True, check=False
        )

    at_once = run(f"dd if=/dev/zero of={tmp_path}/fill bs=1M")
    if at_once.returncode != 0:
        pytest.skip(f"no disk of its own here: {at_once.stderr.strip()}")
    (tmp_path / "exit.json").write_text(at_once.stdout)
    full = read_exit(tmp_path / "exit.json")
    assert full is not None
    assert (full.exit_code, full.stopped_for) == (1, "")
    # Past the floor at once, then over and over on the same bytes: the disk is never quite full.
    writes = "; ".join(
        (
            "import time",
            f"f = open('{tmp_path}/f', 'wb')",
            "f.write(bytes(15_000_000))",
            "[(f.seek(0), f.write(bytes(5_000_000)), time.sleep(0.02)) for _ in range(1500)]",
        )
    )
    (tmp_path / "exit.json").write_text(run(f'{sys.executable} -c "{writes}"').stdout)
    stopped = read_exit(tmp_path / "exit.json")
    assert stopped is not None
    assert stopped.stopped_for == "disk"
    assert 0 < stopped.used < 8_000_000
