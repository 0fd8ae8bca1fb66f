"""One agent per workspace, enforced by a lock of our own.

Taken by `storage.database` before DuckDB sees the file, held until the process ends. DuckDB's own
lock is not enough: it is a POSIX record lock, which vanishes as soon as any code in the process
opens and closes the same file. `flock` belongs to the open file, the kernel drops it with the
process, and a child that replaced its image does not inherit it. A fork without exec would: spawn.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import psutil

from storage.errors import ConflictError, from_os_error


class AgentLock:
    """The held lock; `release` gives it back. The file stays: removing it would race."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path) -> AgentLock:
        """Take the lock at once, or raise `ConflictError` that names the process holding it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise from_os_error("lock", path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            text = os.pread(descriptor, 200, 0)
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise _refusal(path, text) from None
            raise from_os_error("lock", path, error) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid()}).encode(), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)


def _refusal(path: Path, text: bytes) -> ConflictError:
    try:
        pid = int(json.loads(text)["pid"])
    except (ValueError, KeyError, TypeError):
        # The holder is between taking the lock and writing its name.
        return ConflictError(
            f"cannot open the store: another agent is just taking {path}.",
            hint="Try again in a moment.",
            path=str(path),
        )
    try:
        state = psutil.Process(pid).status()
    except psutil.Error:
        state = "in another container or of another user"
    hint = "Use that agent, or stop it: mlops-console agent stop"
    if state == psutil.STATUS_STOPPED:
        hint = f"Let it go on: kill -CONT {pid}"
    return ConflictError(
        f"cannot open the store: process {pid} ({state}) is its agent and holds {path}.",
        hint=hint,
        pid=pid,
        state=state,
        path=str(path),
    )
