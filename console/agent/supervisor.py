"""Runs the queue: starts jobs, listens to them, ends them, and takes over those of an agent before.

Every job is a process that does not need the agent. This class only looks: it reads identity and
exit files, ingests journals, samples CPU and memory. Killing the agent therefore changes nothing
but who looks; `adopt` is the same code path as a normal tick.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console import errors, text
from console.agent import admission, children
from console.agent.ingest import Ingest, Source, Starter
from console.agent.launching import Environment, Launcher
from console.clock import Clock
from console.rules import lifecycle, terminal_lines
from storage.errors import StorageError
from storage.ingest import Ingest as JournalIngest
from storage.records.jobs import Job, JobState, ProcessEnd, Progress
from storage.tables import jobs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.changes import Changes
    from storage.database import Database
    from storage.workspace import JobPaths, Workspace

log = logging.getLogger("console.agent")

TICK_S = 0.2
FIRST_TICK_S = 0.03
FIRST_TICKS_FOR_S = 0.6
"""A job that has just been started is soon met; a small one has soon ended."""
IDLE_TICK_S = 1.0
USAGE_EVERY_S = 2.0
CANCEL_GRACE_S = 5.0
EXIT_GRACE_S = 3.0
"""The shim may take so long to write how its child ended; it looks for survivors first."""
START_LIMIT_S = 30.0
"""A job that has neither identity nor exit after so long was never started."""

TAIL_BYTES = 4096

TURN = "turn"
"""Jobs whose specs have an equal text under this key run one after another, in queue order."""


@dataclass(slots=True)
class _Watched:
    """What the supervisor remembers of a running job; all of it can be found out again."""

    since: float
    name: children.ProcessName | None = None
    shim: children.ProcessName | None = None
    journal: JournalIngest | None = None
    topics: set[str] = field(default_factory=set)
    """What its reports changed since the clients were last told."""
    cpu_s: float | None = None
    sampled_at: float = 0.0
    cancelled_at: float | None = None
    killed: bool = False
    gone_at: float | None = None
    """When it was first seen to be gone without an exit."""
    shim_fd: int | None = None
    """Readable when its shim has written how it ended."""


class Supervisor:
    """The queue of one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        changes: Changes,
        clock: Clock,
        ingest: Ingest,
        *,
        jobs_at_once: int,
        keep_warm: bool = True,
        starters: dict[str, Starter] | None = None,
        environment: Environment | None = None,
    ) -> None:
        self._workspace = workspace
        self._database = database
        self._changes = changes
        self._clock = clock
        self._ingest = ingest
        self._jobs_at_once = jobs_at_once
        self._starters = starters or {}
        self.launcher = Launcher(
            workspace, keep_warm=keep_warm, environment=environment, wake=self.wake
        )
        self._watched: dict[int, _Watched] = {}
        self._failures: dict[int, type[Exception]] = {}
        """Job -> why it could not be looked after the last time."""
        self._wake = asyncio.Event()
        self.running_count = 0
        self.queued_count = 0

    @property
    def is_busy(self) -> bool:
        return bool(self.running_count or self.queued_count)

    def wake(self) -> None:
        """Look now instead of at the next tick; called after a job was queued or cancelled."""
        self._wake.set()

    async def run(self) -> None:
        """Look after the jobs until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.tick()
            except Exception:
                log.exception("the queue could not be looked after this time")
            pause = self._pause_s()
            try:
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                continue

    def _pause_s(self) -> float:
        if not self.is_busy:
            return IDLE_TICK_S
        newest = max((each.since for each in self._watched.values()), default=0.0)
        is_new = self._clock.monotonic() - newest < FIRST_TICKS_FOR_S
        return FIRST_TICK_S if is_new else TICK_S

    async def tick(self) -> None:
        """One look at every unfinished job."""
        unfinished = await self._database.aread(jobs.list_unfinished_jobs)
        active = [job for job in unfinished if job.state != "queued"]
        queued = [job for job in unfinished if job.state == "queued"]
        for job in active:
            try:
                await self._look_after(job)
                self._failures.pop(job.id, None)
            except Exception as error:
                # Whatever keeps this one from being recorded must not keep the others waiting,
                # and is said once, not at every look.
                if self._failures.get(job.id) is not type(error):
                    log.exception("job %d could not be looked after this time", job.id)
                self._failures[job.id] = type(error)
        self.running_count = len(active)
        self.queued_count = len(queued)
        if queued:
            await self._serve(queued, active)

    async def _serve(self, queued: list[Job], active: list[Job]) -> None:
        """Start what may start, and say what the others wait for."""
        machine = admission.look(self._workspace.state)
        running = list(active)
        taken = {job.spec[TURN] for job in active if TURN in job.spec}
        for job in queued:
            if job.cancel_requested_by:
                await self._end(job, "cancelled", f"cancelled by {job.cancel_requested_by}")
                continue
            waits = await self._waits_for_others(job)
            if waits is None:
                continue
            if not waits and job.spec.get(TURN) in taken:
                waits = "waits for its turn"
            waits = waits or admission.waits_for(job, running, machine, self._jobs_at_once)
            if not waits and self.launcher.is_soon_warm(job):
                waits = "loading libraries"
            if not waits:
                if await self._start(job):
                    taken.update({job.spec[TURN]} if TURN in job.spec else ())
                    running.append(job)
            elif waits != job.progress.text:
                told = Progress(text=waits, at=self._clock.now())
                await self._database.awrite(
                    partial(jobs.set_job_progress, job_id=job.id, progress=told)
                )
                self._changes.bump("jobs")

    async def _waits_for_others(self, job: Job) -> str | None:
        """The jobs it still waits for; None when one of them cannot succeed and it has ended."""
        waits = []
        for needed in job.after:
            other = await self._database.aread(partial(jobs.get_job, job_id=needed))
            if other is None or (other.state in lifecycle.FINAL and other.state != "succeeded"):
                state = other.state if other else "unknown"
                await self._end(job, "cancelled", f"job {needed}, which it waits for, is {state}")
                return None
            if other.state != "succeeded":
                waits.append(str(needed))
        return f"after {text.listed(waits)}" if waits else ""

    async def _start(self, job: Job) -> bool:
        """Start its process; False when it has ended instead, or was taken out of the queue."""
        paths = self._workspace.job(str(job.id))
        paths.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        starter = self._starters.get(job.kind)
        try:
            spec = await self._database.aread(lambda c: starter(c, job)) if starter else job.spec
        except (errors.ConsoleError, StorageError) as refusal:
            await self._end(job, "failed", str(refusal))
            return False
        except Exception as error:
            # One job that cannot be prepared must not keep the others waiting.
            log.exception("job %d could not be prepared", job.id)
            why = f"it could not be prepared ({type(error).__name__}), a defect of mlops-console"
            await self._end(job, "failed", f"{why}; see mlops-console agent logs.")
            return False
        limits = {"disk_floor_bytes": admission.DISK_FLOOR_BYTES, **job.spec.get("limits", {})}
        document = {
            **spec, "id": job.id, "kind": job.kind, "created_by": job.created_by, "limits": limits
        }  # fmt: skip
        paths.spec.write_text(json.dumps(document), encoding="utf-8")
        now = self._clock.now()

        def starts(connection: DuckDBPyConnection) -> bool:
            if job.progress.text:
                jobs.set_job_progress(connection, job.id, Progress())
            return jobs.set_job_starting(connection, job.id, now)

        if not await self._database.awrite(starts):
            return False
        self._watched[job.id] = _Watched(since=self._clock.monotonic())
        self.running_count += 1
        self.queued_count -= 1
        try:
            await self.launcher.launch(job, paths)
        except OSError as error:
            await self._end(job, "failed", f"cannot start it: {error.filename}: {error.strerror}")
            return False
        self._changes.bump("jobs")
        return True

    async def _look_after(self, job: Job) -> None:
        watched = self._watched.setdefault(job.id, _Watched(since=self._clock.monotonic()))
        paths = self._workspace.job(str(job.id))
        await self._meet(job, watched, paths)
        ended = children.read_exit(paths.exit)
        is_alive = watched.name is not None and watched.name.is_alive
        waited = self._clock.monotonic() - watched.since
        # Read the journal after the exit: what was written before the end is then all there.
        await self._listen(job, watched, paths)
        if ended is not None:
            await self._conclude(job, ended)
        elif watched.name is not None and not is_alive and not self._is_kept(watched, paths):
            # The shim writes the exit a moment after the process is gone; give it that moment.
            now = self._clock.monotonic()
            watched.gone_at = watched.gone_at or now
            is_restarted = watched.name.boot_id != children.boot_id()
            if is_restarted or now - watched.gone_at > EXIT_GRACE_S:
                await self._end(job, "lost", _why_lost(watched.name))
        elif watched.name is None and waited > START_LIMIT_S:
            await self._end(job, "lost", "its process was never started")
        else:
            await self._sample(job, watched)
            self._stop_if_asked(job, watched)

    def _is_kept(self, watched: _Watched, paths: JobPaths) -> bool:
        """Its keeper is there and will write how it ended, as soon as the disk lets it."""
        if watched.shim is None:
            watched.shim = children.read_shim(paths.identity)
        return watched.shim is not None and watched.shim.is_alive

    async def _meet(self, job: Job, watched: _Watched, paths: JobPaths) -> None:
        if watched.name is not None:
            return
        name = children.read_identity(paths.identity)
        if name is None:
            return
        watched.name = name
        watched.shim_fd = children.open_shim(paths.identity)
        if watched.shim_fd is not None:
            loop = asyncio.get_running_loop()
            loop.add_reader(watched.shim_fd, self._shim_ended, watched)
        if job.state == "starting" or job.pid is None:
            await self._database.awrite(
                lambda c: jobs.set_job_process(
                    c,
                    job.id,
                    pid=name.pid,
                    pid_started_at=name.started,
                    boot_id=name.boot_id,
                )
            )
            self._changes.bump("jobs")

    def _shim_ended(self, watched: _Watched) -> None:
        self._forget_shim(watched)
        self.wake()

    def _forget_shim(self, watched: _Watched) -> None:
        if watched.shim_fd is not None:
            asyncio.get_running_loop().remove_reader(watched.shim_fd)
            os.close(watched.shim_fd)
            watched.shim_fd = None

    async def _listen(self, job: Job, watched: _Watched, paths: JobPaths) -> None:
        if watched.journal is None:
            if not paths.journal.is_dir():
                return

            def apply(connection: DuckDBPyConnection, documents: list[dict[str, Any]]) -> None:
                source = Source(at=self._clock.now(), job=job)
                watched.topics.update(self._ingest.apply(connection, source, documents))

            # What became of a job is known when it has filled the disk, too.
            watched.journal = JournalIngest(
                self._database, f"job/{job.id}", paths.journal, apply, even_if_full=True
            )
        report = await asyncio.to_thread(watched.journal.run)
        if report.bad_count:
            log.warning(
                "job %d: %d reports could not be used; %s",
                job.id,
                report.bad_count,
                report.last_problem,
            )
        if watched.topics:
            self._changes.bump(*watched.topics)
            watched.topics.clear()

    async def _sample(self, job: Job, watched: _Watched) -> None:
        now = self._clock.monotonic()
        if watched.name is None or now - watched.sampled_at < USAGE_EVERY_S:
            return
        found = children.usage(watched.name)
        if found is None:
            return
        cpu_s, rss_bytes = found
        if watched.cpu_s is not None:
            ratio = max(0.0, cpu_s - watched.cpu_s) / max(now - watched.sampled_at, 1e-3)
            await self._database.awrite(
                lambda c: jobs.set_job_usage(c, job.id, cpu_ratio=ratio, rss_bytes=rss_bytes)
            )
            self._changes.bump("jobs")
        watched.cpu_s, watched.sampled_at = cpu_s, now
        if job.kind == "command":
            await self._read_progress(job)

    async def _read_progress(self, job: Job) -> None:
        """How far a program is by the last line it printed: progress bars say it there."""
        told = terminal_lines.progress_of(_tail(self._workspace.job(job.id).log))
        if told is not None and told != replace(job.progress, at=None):
            told = replace(told, at=self._clock.now())
            await self._database.awrite(
                partial(jobs.set_job_progress, job_id=job.id, progress=told)
            )
            self._changes.bump("jobs")

    def _stop_if_asked(self, job: Job, watched: _Watched) -> None:
        if not job.cancel_requested_by or watched.name is None:
            return
        now = self._clock.monotonic()
        if watched.cancelled_at is None:
            watched.cancelled_at = now
            watched.name.signal_group(signal.SIGTERM)
        elif now - watched.cancelled_at > CANCEL_GRACE_S and not watched.killed:
            watched.killed = True
            watched.name.signal_group(signal.SIGKILL)

    async def _conclude(self, job: Job, ended: ProcessEnd) -> None:
        fresh = await self._database.aread(lambda c: jobs.get_job(c, job.id))
        printed = terminal_lines.progress_of(_tail(self._workspace.job(job.id).log))
        state, reason = lifecycle.verdict(fresh or job, ended, printed.text if printed else "")
        await self._end(
            job,
            state,
            reason,
            exit_code=ended.exit_code,
            signal_number=ended.signal,
            peak_rss_bytes=ended.max_rss_bytes,
        )

    async def _end(
        self,
        job: Job,
        state: JobState,
        reason: str,
        *,
        exit_code: int | None = None,
        signal_number: int | None = None,
        peak_rss_bytes: int = 0,
    ) -> None:
        now = self._clock.now()

        def end(connection: DuckDBPyConnection) -> tuple[str, ...]:
            jobs.set_job_ended(
                connection,
                job.id,
                state=state,
                at=now,
                reason=reason,
                exit_code=exit_code,
                signal=signal_number,
                peak_rss_bytes=peak_rss_bytes,
            )
            return self._ingest.job_ended(connection, job, state, reason, now)

        # What has happened is recorded even when the disk is nearly full.
        topics = await self._database.awrite(end, even_if_full=True)
        watched = self._watched.pop(job.id, None)
        if watched is not None:
            self._forget_shim(watched)
        self._changes.bump("jobs", *topics)
        self._wake.set()


def _why_lost(name: children.ProcessName) -> str:
    if name.boot_id != children.boot_id():
        return "the machine was restarted while it ran"
    return f"process {name.pid} and its shim disappeared without a word"


def _tail(log: Path) -> str:
    """The end of a log, enough for its last line."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(0, os.fstat(handle.fileno()).st_size - TAIL_BYTES))
            return handle.read(TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def default_jobs_at_once() -> int:
    """As many as there are cores to keep busy, at least two so that a replay can run beside."""
    return max(2, len(os.sched_getaffinity(0)))
