"""What opening the console costs: `python -m tests.benchmarks.start`.

A bare Textual app and the console take turns on a pseudo-terminal of 120 x 40, so that both meet
the same noise: CPU and time until the names of the areas are on the terminal, with the agent
running and with none. Then what a still screen and an idle agent use, and how long leaving takes.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from console.client.starting import is_listening
from storage.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
RUNS = 9
STILL_S = 5.0
BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("Overview")

Bare().run()
"""


@dataclass(frozen=True)
class Opened:
    """One start, until `Overview` was on the terminal."""

    wall_ms: float
    cpu_ms: float


class Terminal:
    """A program on a pseudo-terminal, which answers what a real one would be asked."""

    def __init__(self, command: list[str], home: Path) -> None:
        self.began = time.monotonic()
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            os.environ.update(
                TERM="xterm-256color",
                COLORTERM="truecolor",
                PYTHONPATH=str(ROOT),
                XDG_STATE_HOME=str(home),
                XDG_CONFIG_HOME=str(home),
            )
            os.execv(command[0], command)
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = psutil.Process(self.pid)

    def read(self, seconds: float) -> bytes:
        if not select.select([self.end], [], [], seconds)[0]:
            return b""
        try:
            said = os.read(self.end, 65536)
        except OSError:
            return b""
        if b"\x1b]11;?" in said:
            os.write(self.end, b"\x1b]11;rgb:1212/1616/1c1c\x1b\\")
        if b"\x1b[c" in said:
            os.write(self.end, b"\x1b[?62c")
        return said

    def until_overview(self) -> Opened:
        seen = b""
        while b"Overview" not in seen:
            said = self.read(20.0)
            if not said:
                raise SystemExit(f"never painted; last: {seen[-200:]!r}")
            seen += said
        return Opened(wall_ms=1000 * (time.monotonic() - self.began), cpu_ms=self.cpu_ms())

    def cpu_ms(self) -> float:
        used = self.process.cpu_times()
        return 1000 * (used.user + used.system)

    def bytes_in(self, seconds: float) -> int:
        end, n = time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            n += len(self.read(left))
        return n

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.end)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / "w")
        home = Path(folder) / "home"
        bare = [sys.executable, "-c", BARE]
        console = [sys.executable, "-m", "console", "-W", str(workspace.root), "--theme", "dark"]
        try:
            _starts(bare, console, workspace, home)
            _still(console, workspace, home)
        finally:
            _agent(workspace, "stop")
    took = [_timed([sys.executable, "-m", "console", "--version"]) for _ in range(RUNS)]
    print(f"{'--version':<28}{statistics.median(took):7.0f} ms")


def _starts(bare: list[str], console: list[str], workspace: Workspace, home: Path) -> None:
    rows: dict[str, list[Opened]] = {"bare Textual app": [], "console": [], "console, no agent": []}
    for turn in range(RUNS + 1):
        for name, command in zip(rows, (bare, console, console), strict=True):
            if name != "bare Textual app":
                _agent(workspace, "stop" if "no agent" in name else "start")
            terminal = Terminal(command, home)
            opened = terminal.until_overview()
            terminal.kill()
            if turn:  # the first round compiles and fills caches
                rows[name].append(opened)
    base = statistics.median(each.cpu_ms for each in rows["bare Textual app"])
    print(f"{'until the first picture':<28}{'CPU':>10}{'ratio':>8}{'time':>11}")
    for name, starts in rows.items():
        cpu = statistics.median(each.cpu_ms for each in starts)
        wall = statistics.median(each.wall_ms for each in starts)
        print(f"{name:<28}{cpu:7.0f} ms{cpu / base:7.2f}x{wall:8.0f} ms")


def _still(console: list[str], workspace: Workspace, home: Path) -> None:
    _agent(workspace, "start")
    agents = [
        each
        for each in psutil.process_iter(["cmdline"])
        if "console.agent.main" in (words := each.info["cmdline"] or [])
        and str(workspace.root) in words
    ]
    terminal = Terminal(console, home)
    terminal.until_overview()
    terminal.bytes_in(3.0)
    before = terminal.cpu_ms(), [sum(each.cpu_times()[:2]) for each in agents]
    sent = terminal.bytes_in(STILL_S)
    console_share = (terminal.cpu_ms() - before[0]) / 1000 / STILL_S
    print(
        f"{'still console':<28}{sent:7d} bytes, {console_share:.1%} of a core,"
        f" {terminal.process.memory_info().rss / 2**20:.0f} MiB"
    )
    for agent, used in zip(agents, before[1], strict=True):
        share = (sum(agent.cpu_times()[:2]) - used) / STILL_S
        memory = agent.memory_info().rss / 2**20
        print(f"{'its agent':<28}{share:.1%} of a core, {memory:.0f} MiB")
    began = time.monotonic()
    os.write(terminal.end, b"q")
    while os.waitpid(terminal.pid, os.WNOHANG) == (0, 0):
        terminal.read(0.01)
    print(f"{'leaving':<28}{1000 * (time.monotonic() - began):7.0f} ms")


def _agent(workspace: Workspace, verb: str) -> None:
    is_wanted = verb == "start"
    if is_listening(workspace.socket) != is_wanted:
        words = [sys.executable, "-m", "console", "-W", str(workspace.root), "agent", verb]
        subprocess.run(words, check=True, capture_output=True, cwd=ROOT)


def _timed(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return 1000 * (time.monotonic() - began)


if __name__ == "__main__":
    main()
