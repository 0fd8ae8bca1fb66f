"""How a job's process comes to be: a program as it was typed, a worker forked warm or begun cold.

Used by the supervisor alone. Invariant: whatever way it starts, a shim keeps it that knows nothing
of this agent.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from console.agent import children
from storage.records.jobs import Job

if TYPE_CHECKING:
    from storage.workspace import JobPaths, Workspace

log = logging.getLogger("console.agent")

WORKER = [sys.executable, "-P", "-m", "console.worker.main"]
"""`-P`: a module of the workspace, say random.py, must not stand in for one of Python's or ours."""

NURSERY = [sys.executable, "-P", "-m", "console.worker.nursery"]

SLOW_KINDS = frozenset({"train", "search", "evaluate"})
"""Their imports take seconds: they wait for the nursery to do them, so that later jobs need not."""

Environment = Callable[[Job], Awaitable[dict[str, str]]]
"""Gives what the program of a job is told beside the usual."""


class Launcher:
    """Starts processes, and keeps what workers import ready."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        keep_warm: bool,
        environment: Environment | None,
        wake: Callable[[], None],
    ) -> None:
        self._workspace = workspace
        self._keep_warm = keep_warm
        self._environment = environment
        self._wake = wake
        """Called when a worker can begin at once."""
        self._nursery: children.Nursery | None = None

    def prepare(self) -> None:
        """Have what workers import ready; worthwhile once somebody is here."""
        if self._nursery is not None and self._nursery.has_failed:
            log.warning("no worker can be kept warm; jobs begin a few seconds later")
            self._keep_warm = False
        if self._nursery is not None and not self._nursery.is_alive:
            self.dismiss()
        if self._keep_warm and self._nursery is None:
            self._nursery = children.Nursery(NURSERY, self._workspace.root)
            loop = asyncio.get_running_loop()
            loop.add_reader(self._nursery.output, self._nursery_spoke, self._nursery.output)

    def dismiss(self) -> None:
        if self._nursery is not None:
            asyncio.get_running_loop().remove_reader(self._nursery.output)
            self._nursery.dismiss()
            self._nursery = None

    def _nursery_spoke(self, output: int) -> None:
        asyncio.get_running_loop().remove_reader(output)
        self._wake()

    def is_soon_warm(self, job: Job) -> bool:
        """Whether the nursery will have this job's imports before a worker of its own had them."""
        if job.kind not in SLOW_KINDS:
            return False
        self.prepare()
        return self._nursery is not None and self._nursery.is_warming

    async def launch(self, job: Job, paths: JobPaths) -> None:
        """Start the process of a job whose order is written; raises `OSError`."""
        if job.kind == "command":
            await self._spawn_program(job, paths)
        else:
            self._spawn_worker(paths)

    async def _spawn_program(self, job: Job, paths: JobPaths) -> None:
        """Start somebody's program, told where it runs and how it can report."""
        root = self._workspace.root
        also = {"MLOPS_WORKSPACE": str(root), "MLOPS_JOB_ID": str(job.id)}
        if job.spec.get("path"):
            also["PATH"] = job.spec["path"]
        if self._environment is not None:
            also |= await self._environment(job)
        cwd = Path(job.spec.get("directory") or root)
        children.spawn(paths.directory, paths.log, list(job.spec["command"]), cwd=cwd, also=also)

    def _spawn_worker(self, paths: JobPaths) -> None:
        if self._nursery is None or not self._nursery.start(paths.directory, paths.log):
            command = [*WORKER, str(paths.directory)]
            children.spawn(paths.directory, paths.log, command, cwd=self._workspace.root)
