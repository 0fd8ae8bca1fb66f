"""The console in a terminal of its own: leaving it takes a moment, whatever the agent does."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from storage.workspace import Workspace
from tests.conftest import child_environment

pytestmark = pytest.mark.process


@contextmanager
def console_in_terminal(workspace: Workspace) -> Iterator[tuple[int, int]]:
    """A console on a pseudo-terminal: its pid and the terminal's other end."""
    pid, terminal = pty.fork()
    if pid == 0:
        home = str(workspace.root / "home")
        os.environ.update(child_environment(), TERM="xterm-256color", XDG_STATE_HOME=home)
        os.execv(
            sys.executable,
            [sys.executable, "-m", "console", "--workspace", str(workspace.root), "--theme=dark"],
        )
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        yield pid, terminal
    finally:
        with suppress(ChildProcessError):  # it was waited for
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        os.close(terminal)


def read_until(terminal: int, word: bytes, timeout_s: float = 30.0) -> bytes:
    """What came until the word did; whatever follows it in the same moment is kept too."""
    seen = b""
    deadline = time.monotonic() + timeout_s
    while word not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"{word!r} never came; last: {seen[-300:]!r}"
        seen += os.read(terminal, 65536)
    return seen


def test_leaving_does_not_wait_for_an_agent_that_never_answers(workspace: Workspace) -> None:
    """Every call of the console hangs here until it times out, half a minute later."""
    workspace.prepare_socket_directory()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        mute.bind(str(workspace.socket))
        mute.listen(16)
        with console_in_terminal(workspace) as (pid, terminal):
            read_until(terminal, b"Overview")
            mute.settimeout(30.0)
            with mute.accept()[0]:
                os.write(terminal, b"\x11")
                last = read_until(terminal, b"\x1b[?1049l")
                ended, status = _wait(pid, timeout_s=10.0)
    assert ended == pid and os.waitstatus_to_exitcode(status) == 0
    assert b"defect" not in last and b"Traceback" not in last


def _wait(pid: int, timeout_s: float) -> tuple[int, int]:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return ended, status
        time.sleep(0.02)
    pytest.fail(f"the console was still there {timeout_s:.0f} s after it gave the terminal back")
