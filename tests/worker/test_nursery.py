"""The nursery: workers that begin at once and cannot be told from those started afresh."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.agent import children
from console.agent.children import Nursery, read_exit, read_identity
from storage import journal
from storage.workspace import JobPaths, Workspace
from tests.conftest import until

pytestmark = pytest.mark.process

# A nursery whose table of kinds has one more entry: a module of the workspace.
LAUNCHER = (
    "import sys; from console.worker import main as m, nursery; "
    "m.KINDS['custom'] = 'custom_job'; {more}; "
    "leaving = m.Leaving(); leaving.exit_code = nursery.main()"
)
JOB = """\
import os, random, signal, sys, threading
import numpy as np

def run(job):
    print("draws", flush=True)
    if job.spec.get("waits"):
        while not (job.workspace.root / "go").exists():
            threading.Event().wait(0.02)
    if job.spec.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    return {
        "is_warm": "sklearn.ensemble" in sys.modules,
        "draws": [random.random(), float(np.random.random())],
        "job": os.environ["MLOPS_JOB_DIRECTORY"],
        "stdin": sys.stdin.read(),
        "group": [os.getpid(), os.getpgrp(), os.getsid(0)],
    }
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.create(tmp_path_factory.mktemp("nursery"))
    (made.root / "custom_job.py").write_text(JOB)
    return made


def launched(workspace: Workspace, more: str = "pass") -> Nursery:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
        return Nursery([sys.executable, "-P", "-c", LAUNCHER.format(more=more)], workspace.root)


@pytest.fixture(scope="module")
def nursery(workspace: Workspace) -> Iterator[Nursery]:
    made = launched(workspace)
    until(lambda: made.is_ready, "the nursery being ready", timeout_s=60)
    yield made
    made.dismiss()
    assert not made.is_alive


def start(nursery: Nursery, workspace: Workspace, number: int, **spec: Any) -> JobPaths:
    paths = workspace.job(number)
    paths.directory.mkdir(parents=True)
    document = {"id": number, "kind": "custom", "created_by": "ana", **spec}
    paths.spec.write_text(json.dumps(document))
    assert nursery.start(paths.directory, paths.log)
    return paths


def result(paths: JobPaths) -> dict[str, Any]:
    until(paths.exit.exists, "the end of the job")
    *_, last = [doc for batch in journal.pending(paths.journal, {}) for doc in batch.docs]
    found: dict[str, Any] = last["d"]["result"]
    return found


def test_workers_are_warm_and_each_is_a_process_and_a_session_of_its_own(
    nursery: Nursery, workspace: Workspace
) -> None:
    both = [start(nursery, workspace, number) for number in (1, 2)]
    first, second = (result(paths) for paths in both)
    assert first["is_warm"] and second["is_warm"]
    for paths, told in zip(both, (first, second), strict=True):
        name, exit = read_identity(paths.identity), read_exit(paths.exit)
        assert name is not None and exit is not None
        assert told["group"] == [name.pid] * 3
        assert told["job"] == str(paths.directory)
        assert told["stdin"] == "", "the other job's line is nobody's input"
        assert (exit.exit_code, exit.signal, exit.survivors) == (0, None, ())
        assert [line for line in paths.log.read_text().splitlines() if "leak" in line] == []
        assert paths.log.read_text().splitlines()[0] == "draws"
    assert first["draws"][0] != second["draws"][0]
    assert first["draws"][1] != second["draws"][1]


def test_a_worker_that_is_killed_is_told_of_and_the_nursery_goes_on(
    nursery: Nursery, workspace: Workspace
) -> None:
    paths = start(nursery, workspace, 3, dies=True)
    until(paths.exit.exists, "the end of the job")
    found = read_exit(paths.exit)
    assert found is not None
    assert (found.exit_code, found.signal) == (None, signal.SIGKILL)
    assert result(start(nursery, workspace, 4))["is_warm"]


def test_a_log_that_cannot_be_opened_is_an_end_like_any_other(
    nursery: Nursery, workspace: Workspace
) -> None:
    paths = workspace.job(5)
    paths.directory.mkdir(parents=True)
    assert nursery.start(paths.directory, paths.directory / "no" / "log")
    until(paths.exit.exists, "the end of the job")
    found = read_exit(paths.exit)
    assert found is not None
    assert found.exit_code not in (0, None)


def test_what_it_made_goes_on_when_the_nursery_leaves(workspace: Workspace) -> None:
    made = launched(workspace, "nursery.IMPORTS = ('numpy',)")
    until(lambda: made.is_ready, "the nursery being ready", timeout_s=60)
    paths = start(made, workspace, 6, waits=True)
    until(lambda: read_identity(paths.identity), "the worker's start")
    made.dismiss()
    assert not made.is_alive
    name = read_identity(paths.identity)
    assert name is not None and name.is_alive
    shim = children.open_shim(paths.identity)
    assert shim is not None
    os.close(shim)
    (workspace.root / "go").touch()
    assert result(paths)["job"] == str(paths.directory)
    assert not made.start(paths.directory, paths.log), "nobody is there to do it"


def test_one_that_is_not_ready_takes_no_job_and_is_let_go_at_once(workspace: Workspace) -> None:
    made = launched(workspace)
    assert not made.start(workspace.job(7).directory, workspace.job(7).log)
    made.dismiss()
    assert not made.is_alive
    assert made.has_failed
