"""A worker process: its orders, its last word, its exit code, and how it stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.errors import KINDS
from storage import journal
from storage.workspace import JobPaths, Workspace

ROOT = Path(__file__).resolve().parents[2]

# A worker whose table of kinds has one more entry: a module the test wrote.
LAUNCHER = (
    "import sys; sys.path.insert(0, {folder!r}); from console.worker import main as m; "
    "m.KINDS['custom'] = 'custom_job'; sys.exit(m.main(sys.argv[1:]))"
)


def order(workspace: Workspace, kind: str, **spec: Any) -> JobPaths:
    paths = workspace.job(1)
    paths.directory.mkdir(parents=True)
    paths.spec.write_text(json.dumps({"id": 1, "kind": kind, "created_by": "ana", **spec}))
    return paths


def start(folder: Path, paths: JobPaths) -> subprocess.Popen[bytes]:
    with paths.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-c", LAUNCHER.format(folder=str(folder)), str(paths.directory)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=folder,
        )


def reports(paths: JobPaths) -> list[dict[str, Any]]:
    return [doc for batch in journal.pending(paths.journal, {}) for doc in batch.docs]


def until(look: Any, what: str) -> None:
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield Workspace.create(tmp_path / "w")


def test_the_result_of_a_job_is_its_last_report(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "custom_job.py").write_text(
        "def run(job):\n"
        "    job.progress(1, 2, 'fold', 'fold 1 of 2')\n"
        "    return {'by': job.created_by, 'x': job.spec['x']}\n"
    )
    paths = order(workspace, "custom", x=3)
    assert start(tmp_path, paths).wait(30) == 0
    first, last = reports(paths)
    assert first["t"] == "progress"
    assert first["d"]["text"] == "fold 1 of 2"
    assert last == {
        "t": "end",
        "d": {"ok": True, "reason": "", "hint": "", "kind": "", "result": {"by": "ana", "x": 3}},
    }
    assert "fold 1 of 2" in paths.log.read_text()


def test_a_refusal_is_told_with_its_hint_and_exit_code(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "custom_job.py").write_text(
        "from console.errors import InvalidError\n"
        "def run(job):\n    raise InvalidError('cannot do it: 3 of 4.', hint='Do that.')\n"
    )
    paths = order(workspace, "custom")
    assert start(tmp_path, paths).wait(30) == KINDS["invalid"].exit_code
    end = reports(paths)[-1]["d"]
    assert (end["ok"], end["reason"], end["hint"], end["kind"]) == (
        False,
        "cannot do it: 3 of 4.",
        "Do that.",
        "invalid",
    )


def test_an_unforeseen_error_is_one_sentence_and_its_traceback_is_in_the_log(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "custom_job.py").write_text("def run(job):\n    return [][1]\n")
    paths = order(workspace, "custom")
    assert start(tmp_path, paths).wait(30) == KINDS["failed"].exit_code
    end = reports(paths)[-1]["d"]
    assert end["reason"] == "it ended with IndexError: list index out of range"
    assert end["hint"] == "The whole story: mlops-console job logs 1"
    assert "Traceback" in paths.log.read_text()


@pytest.mark.parametrize(
    "body",
    [
        "    job.progress(1, text='going')\n    threading.Event().wait(60)\n",
        # Code that shrugs at every error must not swallow the request to stop.
        "    job.progress(1, text='going')\n"
        "    while True:\n"
        "        try:\n            threading.Event().wait(60)\n"
        "        except Exception:\n            pass\n",
        # A library that turns the request into an error of its own.
        "    job.progress(1, text='going')\n"
        "    try:\n        threading.Event().wait(60)\n"
        "    except BaseException as error:\n        raise RuntimeError('gone') from error\n",
    ],
    ids=["waiting", "swallowing", "wrapping"],
)
def test_a_job_asked_to_stop_stops_and_says_so(
    workspace: Workspace, tmp_path: Path, body: str
) -> None:
    (tmp_path / "custom_job.py").write_text(f"import threading\ndef run(job):\n{body}")
    paths = order(workspace, "custom")
    process = start(tmp_path, paths)
    until(lambda: paths.log.exists() and "going" in paths.log.read_text(), "the job going")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    end = reports(paths)[-1]
    assert end["t"] == "end"
    assert end["d"]["ok"] is False
    assert "Traceback" not in paths.log.read_text()
