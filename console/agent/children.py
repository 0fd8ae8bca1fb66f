"""Starting child processes so that they outlive the agent, and knowing them again afterwards.

A process is named by boot id, pid and start time, never by pid alone. Children are spawned (never
forked: a fork would keep the agent's lock) through `console/worker/shim.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil

from storage.records.jobs import ProcessEnd

SHIM = Path(__file__).resolve().parent.parent / "worker" / "shim.py"
_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class ProcessName:
    """One process, for certain."""

    pid: int
    started: float
    """Clock ticks since boot."""
    boot_id: str

    @property
    def is_alive(self) -> bool:
        return self.boot_id == boot_id() and _start_ticks(self.pid) == self.started

    def signal_group(self, number: signal.Signals) -> bool:
        """Send a signal to the whole process group it leads; False when it is gone."""
        if not self.is_alive:
            return False
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _start_ticks(pid: int) -> float | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1].split()
    except OSError:
        return None
    return None if stat[0] == b"Z" else float(stat[19])


def read_identity(path: Path) -> ProcessName | None:
    """Who the child is; None before it runs."""
    document = _read(path)
    if document is None:
        return None
    return ProcessName(
        pid=document["pid"], started=float(document["started"]), boot_id=document["boot_id"]
    )


def open_shim(identity: Path) -> int | None:
    """A descriptor that is readable once the child's shim has ended; None when it has already."""
    document = _read(identity)
    try:
        return os.pidfd_open(document["shim_pid"]) if document else None
    except OSError:
        return None


def read_shim(path: Path) -> ProcessName | None:
    """Who looks after the child; None before it runs."""
    document = _read(path)
    if document is None or "shim_started" not in document:
        return None
    return ProcessName(
        pid=document["shim_pid"],
        started=float(document["shim_started"]),
        boot_id=document["boot_id"],
    )


def read_exit(path: Path) -> ProcessEnd | None:
    """How the child ended; None while it runs, or when its shim was killed too."""
    document = _read(path)
    if document is None:
        return None
    named = tuple(f"{each['name']} ({each['pid']})" for each in document.pop("survivors"))
    return msgspec.convert(document | {"survivors": named}, ProcessEnd)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def environment(threads: int = 1, also: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: the agent's and `also`, numeric libraries held to `threads`.

    Two busy processes with OpenMP's default of one thread a core each slow one another down by an
    order of magnitude.
    """
    limits = dict.fromkeys(_THREAD_LIMITS, str(threads))
    return os.environ | limits | {"PYTHONUNBUFFERED": "1"} | dict(also or {})


def spawn(
    directory: Path,
    log: Path,
    command: list[str],
    *,
    cwd: Path,
    threads: int = 1,
    also: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` behind a shim that records it in `directory`; returns the shim."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(SHIM), str(directory), str(log), "--", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=cwd,
        env=environment(threads, also),
    )


class Nursery:
    """A process that has imported what workers need and forks one for each job.

    It hides the seconds that pandas and scikit-learn take to import; it leaves by itself when the
    agent dies, because its stdin closes.
    """

    def __init__(self, command: list[str], cwd: Path, threads: int = 1) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=cwd,
            env=environment(threads),
        )
        self._said_ready = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def output(self) -> int:
        """Readable when it says that it is ready, or ends."""
        assert self._process.stdout is not None  # it was asked for
        return self._process.stdout.fileno()

    @property
    def is_warming(self) -> bool:
        """Still importing."""
        return not self.is_ready and self.is_alive

    @property
    def has_failed(self) -> bool:
        """It ended before it was ever ready; another one would do the same."""
        return not self.is_alive and not self._said_ready

    @property
    def is_ready(self) -> bool:
        """Whether a job given now begins at once."""
        output = self._process.stdout
        if not self._said_ready and output is not None and select.select([output], [], [], 0)[0]:
            self._said_ready = bool(os.read(output.fileno(), 64))
        return self._said_ready and self.is_alive

    def start(self, directory: Path, log: Path) -> bool:
        """Have a worker do the job in `directory`; False when it has to be started otherwise."""
        pipe = self._process.stdin
        if pipe is None or not self.is_ready:
            return False
        try:
            pipe.write(os.fsencode(directory) + b"\t" + os.fsencode(log) + b"\n")
            pipe.flush()
        except OSError:
            return False
        return True

    def dismiss(self) -> None:
        """Let it go; the workers it made go on."""
        if not self.is_ready:
            self._process.kill()  # it has been given nothing yet and need not import the rest
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)


def usage(name: ProcessName) -> tuple[float, int] | None:
    """CPU seconds so far and resident bytes of the process and its children; None when gone."""
    if not name.is_alive:
        return None
    cpu, rss = 0.0, 0
    try:
        parent = psutil.Process(name.pid)
        for process in (parent, *parent.children(recursive=True)):
            try:
                times = process.cpu_times()
                cpu += times.user + times.system
                rss += process.memory_info().rss
            except psutil.Error:
                continue
    except psutil.Error:
        return None
    return cpu, rss
