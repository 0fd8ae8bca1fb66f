"""The queue goes on whatever becomes of a single job."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.agent import children
from console.agent.changes import Changes
from console.agent.ingest import Ingest
from console.agent.reporting import APPLIERS
from console.agent.supervisor import Supervisor
from console.clock import SystemClock
from storage.database import Database
from storage.records.jobs import Job, JobKind
from storage.tables import jobs
from storage.workspace import Workspace


class FakeNursery:
    """A nursery that is ready when the test says so."""

    def __init__(self, *_: Any) -> None:
        self.output, self._end = os.pipe()
        self.is_ready = self.is_alive = False
        self.has_failed = False
        self.given: list[str] = []

    @property
    def is_warming(self) -> bool:
        return self.is_alive and not self.is_ready

    def start(self, directory: Path, _log: Path) -> bool:
        self.given.append(directory.name)
        return self.is_ready

    def dismiss(self) -> None:
        os.close(self.output)
        os.close(self._end)


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of workers and programs that were started afresh, none of them really."""
    found: list[list[str]] = []
    monkeypatch.setattr(children, "spawn", lambda _d, _l, command, **_o: found.append(command))
    return found


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(Workspace.create(tmp_path / "w"), clock=SystemClock()) as opened:
        yield opened


def supervisor_of(database: Database, starters: dict[str, Any], **more: Any) -> Supervisor:
    return Supervisor(
        database.workspace,
        database,
        Changes(),
        SystemClock(),
        Ingest(APPLIERS),
        starters=starters,
        **{"jobs_at_once": 1, "keep_warm": False} | more,
    )


def queue(database: Database, number: int, kind: JobKind, spec: dict[str, Any]) -> None:
    queued = Job(
        id=number,
        kind=kind,
        title=kind,
        state="queued",
        spec=spec,
        result={},
        created_at=SystemClock().now(),
        created_by="ana",
    )
    database.write(lambda c: jobs.create_job(c, queued))


def job(database: Database, number: int) -> Job:
    found = database.read(lambda c: jobs.get_job(c, number))
    assert found is not None
    return found


def test_a_job_that_cannot_be_prepared_fails_and_the_next_one_starts(
    database: Database, spawned: list[list[str]]
) -> None:
    def stumble(_connection: Any, job: Job) -> dict[str, Any]:
        return {"needed": job.spec["never given"]}

    supervisor = supervisor_of(database, {"check": stumble})
    queue(database, 1, "check", {})
    queue(database, 2, "command", {"command": ["true"]})
    asyncio.run(supervisor.tick())
    first, second = job(database, 1), job(database, 2)
    assert (first.state, first.exit_code) == ("failed", None)
    assert "could not be prepared (KeyError)" in first.reason
    assert second.state == "starting"
    assert spawned == [["true"]]


def test_a_training_waits_for_the_imports_and_an_ingest_does_not(
    database: Database, spawned: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery = FakeNursery()
    nursery.is_alive = True
    monkeypatch.setattr(children, "Nursery", lambda *_: nursery)
    supervisor = supervisor_of(database, {}, jobs_at_once=9, keep_warm=True)
    queue(database, 1, "train", {})
    queue(database, 2, "ingest", {})

    async def story() -> None:
        await supervisor.tick()
        assert (job(database, 1).state, job(database, 2).state) == ("queued", "starting")
        assert len(spawned) == 1 and spawned[0][-1].endswith("/2"), "started afresh"
        nursery.is_ready, nursery.given = True, []
        await supervisor.tick()
        assert job(database, 1).state == "starting"
        assert nursery.given == ["1"]
        supervisor.launcher.dismiss()

    asyncio.run(story())
    assert len(spawned) == 1


def test_a_training_starts_afresh_where_no_nursery_can_be_kept(
    database: Database, spawned: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[FakeNursery] = []

    def make(*_: Any) -> FakeNursery:
        made.append(FakeNursery())
        made[-1].has_failed = True
        return made[-1]

    monkeypatch.setattr(children, "Nursery", make)
    supervisor = supervisor_of(database, {}, keep_warm=True)
    queue(database, 1, "train", {})

    async def story() -> None:
        await supervisor.tick()
        await supervisor.tick()

    asyncio.run(story())
    assert job(database, 1).state == "starting"
    assert len(spawned) == len(made) == 1
