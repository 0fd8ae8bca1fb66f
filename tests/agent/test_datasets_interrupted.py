"""What an ingest leaves when it is killed, cancelled or overtaken: a whole version or nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from console import errors
from console.agent.children import read_identity
from console.client.client import Client
from console.wire import datasets as wire
from console.wire import jobs as jobs_wire
from console.wire.datasets import CollectGarbage, Garbage, VersionRef
from console.wire.jobs import JobId
from console.wire.routes import Nothing
from storage.objects import Objects
from storage.records.jobs import FINAL_STATES, Job
from storage.workspace import Workspace
from tests.agent.data_at_work import Data, write_table
from tests.conftest import RunningAgent, agent_in, until

pytestmark = pytest.mark.process

NUMBERS = "SELECT i AS id, random() AS x, md5(i::VARCHAR) AS name FROM range({}, {}) t(i)"


@pytest.fixture
def data(client: Client) -> Data:
    """A dataset `t` of an agent that belongs to the test."""
    return Data(client)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of one agent for the tests that harm jobs and files, but not the agent."""
    workspace = Workspace.create(tmp_path_factory.mktemp("shared"))
    with agent_in(workspace, is_warm=True):
        made = Client(workspace, start=False)
        yield made
        made.close()


@pytest.fixture
def own(shared: Client) -> Data:
    """A dataset of one's own of the shared agent."""
    return Data(shared, f"t{len(shared.call(wire.list_datasets, Nothing()))}")


def collect(client: Client, *, remove: bool) -> Garbage:
    found: Garbage = client.call(wire.collect_garbage, CollectGarbage(dry_run=not remove))
    return found


def age(objects: Objects) -> None:
    """Let every object look an hour old, so that none counts as just written."""
    for digest in objects:
        path = objects.path(digest)
        os.utime(path, (path.stat().st_atime - 3600, path.stat().st_mtime - 3600))


def is_pending(pid: int, number: signal.Signals) -> bool:
    """Whether a stopped process has a signal waiting for it."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def is_whole(data: Data, reference: str) -> bool:
    job: Job = data.client.call(wire.verify_data, VersionRef(dataset=data.name, version=reference))
    return data.end(job).state == "succeeded"


def test_two_appends_at_once_follow_one_another(own: Data, tmp_path: Path) -> None:
    data = own
    data.add(write_table(tmp_path / "base.parquet", NUMBERS.format(0, 20_000)))
    parts = [
        write_table(tmp_path / f"{n}.parquet", NUMBERS.format(n, n + 50))
        for n in (1000, 2000, 3000)
    ]
    jobs = [data.start(part, append=True) for part in parts]
    ended = [data.end(job) for job in jobs]
    assert [job.state for job in ended] == ["succeeded"] * 3
    assert sorted(job.result["name"] for job in ended) == [
        f"{data.name}@v{number}" for number in (2, 3, 4)
    ]
    newest_first = data.versions
    assert [(v.version, v.parent, v.rows) for v in newest_first] == [
        (4, 3, 20_150),
        (3, 2, 20_100),
        (2, 1, 20_050),
        (1, None, 20_000),
    ]
    tail = {row[0] for row in data.rows("v4", offset=20_000, limit=150)}
    assert {"1000", "2049", "3000"} <= tail


def test_an_ingest_killed_at_any_moment_leaves_nothing_half_visible(
    own: Data, tmp_path: Path
) -> None:
    data, client, state = own, own.client, own.client.workspace
    data.add(write_table(tmp_path / "base.parquet", NUMBERS.format(0, 90_000)))
    outcomes = set()
    for number in range(9):
        more = write_table(tmp_path / f"{number}.parquet", NUMBERS.format(number, number + 90_000))
        before = len(data.versions)
        job = data.start(more, append=True)
        identity = state.job(job.id).identity
        name = until(lambda path=identity: read_identity(path), "the worker's start")
        # From the first line of Python to the end of the profile, one step further each time.
        log = state.job(job.id).log
        wanted = ("", "reading", "storing", "profiling")[number % 4]
        until(lambda p=log, w=wanted: p.exists() and w in p.read_text(), wanted or "the log")
        name.signal_group(signal.SIGKILL)
        ended = data.end(job)
        outcomes.add(ended.state)
        versions = data.versions
        assert len(versions) - before == (1 if ended.state == "succeeded" else 0) or (
            versions[0].job_id == job.id
        ), "a version is there for a reason"
        assert is_whole(data, "latest")
        if ended.state == "failed":
            assert ended.signal == signal.SIGKILL
            assert "SIGKILL" in ended.reason
    assert "failed" in outcomes
    objects = Objects(state.objects)
    age(objects)
    found = collect(client, remove=False)
    assert found.objects > 0, "killed ingests left chunks"
    removed = collect(client, remove=True)
    assert (removed.objects, removed.bytes) == (found.objects, found.bytes)
    assert collect(client, remove=False).objects == 0
    for version in data.versions:
        assert is_whole(data, f"v{version.version}")
    assert not list(state.jobs.glob("*/scratch/*")), "what was on its way is gone too"


def test_garbage_stays_while_a_job_may_be_writing(
    data: Data, client: Client, agent: RunningAgent, tmp_path: Path
) -> None:
    data.add(write_table(tmp_path / "base.parquet", NUMBERS.format(0, 10)))
    objects = Objects(agent.workspace.objects)
    orphan = objects.put_bytes(b"PAR1 nobody")
    assert collect(client, remove=True).objects == 0, "it was written a moment ago"
    age(objects)
    job = data.start(write_table(tmp_path / "long.parquet", NUMBERS.format(0, 300_000)))
    path = agent.workspace.job(job.id).identity
    worker = until(lambda: read_identity(path), "the worker's start")
    worker.signal_group(signal.SIGSTOP)
    with pytest.raises(errors.ConflictError, match=rf"job {job.id} \(data add t\) may be writing"):
        collect(client, remove=True)
    assert collect(client, remove=False).objects >= 1
    client.call(jobs_wire.cancel_job, JobId(id=job.id))
    until(lambda: is_pending(worker.pid, signal.SIGTERM), "the request to stop")
    worker.signal_group(signal.SIGCONT)
    assert data.end(job).state == "cancelled"
    assert [each.version for each in data.versions] == [1]
    age(objects)
    assert collect(client, remove=True).objects >= 1
    assert not objects.has(orphan)
    assert is_whole(data, "latest")


def test_a_version_arrives_once_although_the_agent_was_killed_meanwhile(
    agent: RunningAgent, client: Client, data: Data, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "base.parquet", NUMBERS.format(0, 200_000))
    job = data.start(table)
    paths = agent.workspace.job(job.id)
    until(lambda: read_identity(paths.identity), "the worker's start")
    agent.kill()
    until(paths.exit.exists, "the end of the worker without an agent")
    agent.start_again()
    ended = data.end(job)
    assert ended.state == "succeeded"
    assert ended.result["name"] == "t@v1"
    assert [(v.version, v.job_id) for v in data.versions] == [(1, job.id)]
    agent.kill()
    agent.start_again()
    assert len(data.versions) == 1
    assert is_whole(data, "v1")


def test_a_damaged_chunk_is_named_by_verify(own: Data, tmp_path: Path) -> None:
    data, objects = own, Objects(own.client.workspace.objects)
    before = set(objects)
    data.add(write_table(tmp_path / "base.parquet", NUMBERS.format(0, 1000)))
    new = set(objects) - before
    chunk = next(d for d in new if objects.path(d).read_bytes()[:4] == b"PAR1")
    path = objects.path(chunk)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    request = VersionRef(dataset=data.name, version="v1")
    ended = data.end(data.client.call(wire.verify_data, request))
    assert ended.state == "failed"
    assert ended.exit_code == errors.KINDS["damaged"].exit_code
    assert f"{data.name}@v1 is damaged" in ended.reason
    assert chunk in ended.reason


def test_nothing_is_listed_before_the_first_version_is_whole(own: Data, tmp_path: Path) -> None:
    client = own.client
    job = own.start(write_table(tmp_path / "big.parquet", NUMBERS.format(0, 400_000)))
    looks = 0
    while client.call(jobs_wire.get_job, JobId(id=job.id)).state not in FINAL_STATES:
        found = [d for d in client.call(wire.list_datasets, Nothing()) if d.name == own.name]
        assert not found or (found[0].version_count, found[0].latest_rows) == (1, 400_000)
        looks += 1
    assert looks > 1
    assert own.end(job).state == "succeeded"
    assert is_whole(own, "v1")
