"""What every level of tests may ask for: a workspace, a real agent, a client, the command line.

Nothing here waits a fixed time: `until` looks again until something holds or a deadline passes.
Agents started by a test are stopped by pid when it ends, and so are their jobs and endpoints.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

from console.cli.main import main
from console.client.client import Client
from console.client.starting import is_listening
from storage.workspace import Workspace

# Two cores are shared by many: how long one example takes says nothing about it.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """What is imported is never garbage: not walking it over and over saves a third of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_unconfigure() -> None:
    gc.unfreeze()


SAMPLE_DATA = Path(__file__).resolve().parent.parent / "sample_data"
Value = TypeVar("Value")


def until(look: Callable[[], Value], what: str, *, timeout_s: float = 30.0) -> Value:
    """Return the first truthy thing `look` gives; fails naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    pause = 0.01
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {timeout_s:.0f} s; last: {found!r}")
        time.sleep(pause)
        # Looking costs as much CPU as what is waited for: less often the longer it takes.
        pause = min(0.1, pause * 1.2)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a file that share an agent stay together on one worker (--dist loadgroup)."""
    for item in items:
        is_shared = item.get_closest_marker("process") is not None
        if is_shared and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@dataclass
class RunningAgent:
    """An agent process that belongs to a test."""

    workspace: Workspace
    process: subprocess.Popen[bytes]

    def __enter__(self) -> RunningAgent:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.process.stderr is not None:
            self.process.stderr.close()

    def kill(self) -> None:
        """SIGKILL, as an out-of-memory killer would."""
        self.process.kill()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()

    def start_again(self) -> None:
        self.process = start_agent_process(self.workspace)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start_agent_process(workspace: Workspace, *, is_warm: bool = False) -> subprocess.Popen[bytes]:
    """Start an agent and return when it listens.

    Workers' imports cost CPU seconds: they are done ahead only with `is_warm`, for an agent that
    will be given many jobs; the first training brings them about in any case.
    """
    warm_after_s = 0 if is_warm else 86_400
    process = subprocess.Popen(
        [
            sys.executable, "-m", "console.agent.main", "--workspace", str(workspace.root),
            "--warm-after", str(warm_after_s),
        ],
        cwd=workspace.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=child_environment(),
        start_new_session=True,
    )  # fmt: skip

    def look() -> bool:
        if process.poll() is not None:
            said = process.stderr.read().decode() if process.stderr else ""
            log = workspace.log.read_text() if workspace.log.exists() else ""
            pytest.fail(f"the agent ended with {process.returncode}: {said}\n{log[-3000:]}")
        return is_listening(workspace.socket)

    until(look, "the agent listening")
    return process


def child_environment() -> dict[str, str]:
    """The test's environment without what would change how a child reads its workspace."""
    dropped = {"MLOPS_WORKSPACE", "NO_COLOR", "PYTHONDONTWRITEBYTECODE"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    root = str(Path(__file__).resolve().parent.parent)
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [root, kept.get("PYTHONPATH", "")]))
    return kept


def end_children(workspace: Workspace) -> None:
    """End every job and endpoint process this workspace still has, by its recorded pid."""
    from console.agent.children import read_identity

    for identity in workspace.state.glob("*/*/identity.json"):
        name = read_identity(identity)
        if name is not None and name.is_alive:
            name.signal_group(signal.SIGKILL)


@contextmanager
def agent_in(workspace: Workspace, *, is_warm: bool = False) -> Iterator[RunningAgent]:
    """A real agent process in `workspace`, ended with all that it started."""
    with RunningAgent(workspace, start_agent_process(workspace, is_warm=is_warm)) as running:
        yield running
    end_children(workspace)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace."""
    made = Workspace.create(tmp_path / "w")
    yield made
    end_children(made)


@pytest.fixture
def flights_workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with the sample declaration, contracts, SQL and data files; nothing added yet."""
    shutil.copytree(SAMPLE_DATA, tmp_path / "w")
    made = Workspace.create(tmp_path / "w")
    yield made
    end_children(made)


@pytest.fixture
def agent(workspace: Workspace) -> Iterator[RunningAgent]:
    """A real agent process in `workspace`."""
    with agent_in(workspace) as running:
        yield running


@pytest.fixture
def flights_agent(flights_workspace: Workspace) -> Iterator[RunningAgent]:
    """A real agent process in `flights_workspace`."""
    with agent_in(flights_workspace) as running:
        yield running


@pytest.fixture
def client(agent: RunningAgent) -> Iterator[Client]:
    """A client of `agent` that never starts one itself."""
    made = Client(agent.workspace, start=False)
    yield made
    made.close()


@pytest.fixture
def flights_client(flights_agent: RunningAgent) -> Iterator[Client]:
    """A client of `flights_agent` that never starts one itself."""
    made = Client(flights_agent.workspace, start=False)
    yield made
    made.close()


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


def run_command(
    workspace: Workspace | None, *words: str, cwd: Path | None = None, module: str = "console"
) -> Said:
    """Run the command line, or another module that takes --workspace, as a process."""
    done = subprocess.run(
        [sys.executable, "-m", module, *_where(workspace), *words],
        cwd=cwd or (workspace.root if workspace else None),
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def call_command(workspace: Workspace | None, *words: str, cwd: Path | None = None) -> Said:
    """Run the command line in this process: the same main(), the same streams, no interpreter."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        Path(os.devnull).open() as nothing,
    ):
        patch.chdir(cwd or (workspace.root if workspace else Path.cwd()))
        patch.setattr(sys, "stdin", nothing)
        for name in ("MLOPS_WORKSPACE", "NO_COLOR"):
            patch.delenv(name, raising=False)
        try:
            code = main([*_where(workspace), *words])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Said(code, _written(out), _written(err))


def _where(workspace: Workspace | None) -> list[str]:
    return ["--workspace", str(workspace.root)] if workspace else []


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@pytest.fixture
def cli() -> Callable[..., Said]:
    """Run the command line: `cli(workspace, "data", "list", "--json")`."""
    return call_command
