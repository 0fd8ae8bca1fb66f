"""Starts the agent of a workspace when it is not running, as tmux starts its server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from console import errors
from storage.workspace import Workspace

LIMIT_S = 20.0


def is_listening(path: Path) -> bool:
    """Whether somebody accepts connections on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def start_agent(workspace: Workspace, *, idle_stop_s: float = 300.0) -> None:
    """Start the agent and return when it listens; two callers at once end up with one agent.

    Raises the agent's own refusal when it cannot start, `UnavailableError` when it says nothing.
    """
    path = workspace.prepare_socket_directory()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [
            sys.executable,
            "-P",  # a random.py in the workspace must not stand in for Python's
            "-m",
            "console.agent.main",
            "--workspace",
            str(workspace.root),
            "--idle-stop",
            str(idle_stop_s),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=workspace.root,
        env=environment,
    )
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if is_listening(path):
            _let_go(process)
            return
        code = process.poll()
        if code is not None and not _another_is_starting(code, path, deadline):
            said = (process.stderr.read() if process.stderr else b"").decode(errors="replace")
            raise _refusal(workspace, code, said.strip())
        time.sleep(0.01)
    raise errors.UnavailableError(
        f"the agent of {workspace.root} did not listen within {LIMIT_S:.0f} s.",
        hint=f"Its log may tell why: {workspace.log}",
    )


def _refusal(workspace: Workspace, code: int, said: str) -> errors.ConsoleError:
    """What the agent said before it ended, with the kind that its exit code stands for."""
    if not said:
        return errors.UnavailableError(
            f"the agent of {workspace.root} ended at once with exit code {code}.",
            hint=f"Its log may tell why: {workspace.log}",
        )
    kinds = {kind.exit_code: name for name, kind in errors.KINDS.items()}
    return errors.from_wire(kinds.get(code, "unavailable"), said.splitlines()[-1], "", {})


def _another_is_starting(code: int, path: Path, deadline: float) -> bool:
    """A refused lock means that another client's agent is coming up: wait for that one."""
    if code != errors.KINDS["conflict"].exit_code:
        return False
    while time.monotonic() < min(deadline, time.monotonic() + 5.0):
        if is_listening(path):
            return True
        time.sleep(0.02)
        if time.monotonic() > deadline - LIMIT_S + 5.0:
            return False
    return False


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """The agent stays; what it may print later is nobody's business."""
    if process.stderr is not None:
        process.stderr.close()
    process.returncode = 0  # keeps Popen from warning about a child that is meant to live on
