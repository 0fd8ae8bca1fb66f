"""The queue goes on whatever becomes of a single job."""

from __future__ import annotations

import asyncio
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


def test_a_job_that_cannot_be_prepared_fails_and_the_next_one_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawned: list[list[str]] = []
    monkeypatch.setattr(children, "spawn", lambda _d, _l, command, **_o: spawned.append(command))
    workspace, clock = Workspace.create(tmp_path / "w"), SystemClock()

    def stumble(_connection: Any, job: Job) -> dict[str, Any]:
        return {"needed": job.spec["never given"]}

    with Database.open(workspace, clock=clock) as database:
        supervisor = Supervisor(
            workspace,
            database,
            Changes(),
            clock,
            Ingest(APPLIERS),
            jobs_at_once=1,
            keep_warm=False,
            starters={"check": stumble},
        )

        def queue(number: int, kind: JobKind, spec: dict[str, Any]) -> None:
            queued = Job(
                id=number,
                kind=kind,
                title=kind,
                state="queued",
                spec=spec,
                result={},
                created_at=clock.now(),
                created_by="ana",
            )
            database.write(lambda c: jobs.create_job(c, queued))

        queue(1, "check", {})
        queue(2, "command", {"command": ["true"]})
        asyncio.run(supervisor.tick())
        first = database.read(lambda c: jobs.get_job(c, 1))
        second = database.read(lambda c: jobs.get_job(c, 2))
    assert first is not None
    assert (first.state, first.exit_code) == ("failed", None)
    assert "could not be prepared (KeyError)" in first.reason
    assert second is not None
    assert second.state == "starting"
    assert spawned == [["true"]]
