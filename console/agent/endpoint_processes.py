"""Keeps one serving process per endpoint as people want it, and counts what the processes report.

What is wanted stands in the store (`desired`, routes, generation); this class compares it with
what is: it starts, stops and restarts processes, hands them their configuration and ingests their
journals. A serving process needs no agent, so killing the agent changes nothing but who counts;
`run` of the next one knows its processes again by pid, start time and boot, and goes on counting
where the store says.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from console import text
from console.agent import children, ports, shares
from console.agent.ingest import Ingest, Source
from console.clock import Clock
from storage.durable import replace_file
from storage.errors import StorageError
from storage.ingest import Ingest as Journal
from storage.records.endpoints import Endpoint, EndpointConfig, EndpointState
from storage.records.jobs import ProcessEnd
from storage.tables import endpoints, ledger, models

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.changes import Changes
    from storage.database import Database
    from storage.workspace import EndpointPaths, Workspace

log = logging.getLogger("console.agent")

TICK_S = 0.5
MOVING_TICK_S = 0.1
"""While one starts or drains: somebody waits for it."""
QUIET_TICK_S = 1.0
"""While nothing is asked; a quiet endpoint still reports its load every second."""
IDLE_TICK_S = 2.0
QUIET_AFTER_S = 5.0
START_LIMIT_S = 30.0
"""A process that has neither identity nor exit after so long was never started."""
SHIM_MOMENT_S = 2.0
"""The shim writes the exit a moment after the process is gone."""
ADOPTION_MOMENT_S = 3.0
"""An agent killed while starting a process may have left one whose identity comes in a moment."""
STEADY_S = 60.0
"""A process that lived so long has not failed at starting."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
DRAIN_S = 15.0
"""Beyond the longest request; then the process is killed."""
LOG_BYTES = 4 * 2**20

SERVING = [sys.executable, "-P", "-m", "console.serving.main"]
"""`-P`: a module of the workspace, say random.py, must not stand in for one of Python's or ours."""


@dataclass(slots=True)
class _Process:
    """What is remembered of one endpoint's process; all of it can be found out again."""

    paths: EndpointPaths
    journal: Journal
    topics: set[str] = field(default_factory=set)
    name: children.ProcessName | None = None
    shim: subprocess.Popen[bytes] | None = None
    spawned_at: float | None = None
    gone_at: float | None = None
    is_concluded: bool = False
    """Its end was told; nothing runs until the next start."""
    failures: int = 0
    """Starts in a row that did not last."""
    retry_at: float = 0.0
    written_generation: int = 0
    writing: threading.Lock = field(default_factory=threading.Lock)
    stopping_since: float | None = None
    is_killed: bool = False

    @property
    def is_alive(self) -> bool:
        return self.name is not None and self.name.is_alive


class EndpointProcesses:
    """The serving processes of one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        changes: Changes,
        clock: Clock,
        ingest: Ingest,
    ) -> None:
        self._workspace = workspace
        self._database = database
        self._changes = changes
        self._clock = clock
        self._ingest = ingest
        self._processes: dict[str, _Process] = {}
        self._held_up: dict[str, str] = {}
        """Endpoint -> kind of what the store refused, so that it is said once."""
        self._wake = asyncio.Event()
        self._began = self._news_at = clock.monotonic()
        self._is_moving = False
        self.is_busy = False
        """Something is served or on its way up or down."""

    def wake(self) -> None:
        """Look now instead of at the next tick; called after the store says something new."""
        self._wake.set()

    def start_soon(self, name: str) -> None:
        """Try to start it at once, whatever pause earlier failures have earned."""
        process = self._processes.get(name)
        if process is not None:
            process.failures, process.retry_at = 0, 0.0
        self.wake()

    async def run(self) -> None:
        """Look after the endpoints until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.tick()
            except Exception:
                log.exception("the endpoints could not be looked after this time")
            try:
                await asyncio.wait_for(self._wake.wait(), self._pause_s())
            except TimeoutError:
                continue

    def _pause_s(self) -> float:
        if not self.is_busy:
            return IDLE_TICK_S
        if self._is_moving:
            return MOVING_TICK_S
        is_quiet = self._clock.monotonic() - self._news_at > QUIET_AFTER_S
        return QUIET_TICK_S if is_quiet else TICK_S

    async def tick(self) -> None:
        """One look at every endpoint."""
        known = await self._database.aread(endpoints.list_endpoints)
        for endpoint in known:
            try:
                await self._look_after(endpoint)
                self._held_up.pop(endpoint.name, None)
            except StorageError as error:
                # A full disk says so once, not at every tick; the journal waits on disk.
                if self._held_up.get(endpoint.name) != error.kind:
                    log.error("endpoint %s is held up: %s", endpoint.name, error)
                self._held_up[endpoint.name] = error.kind
            except Exception:
                log.exception("endpoint %s could not be looked after this time", endpoint.name)
        self._is_moving = any(each.state in ("starting", "draining") for each in known)
        self.is_busy = any(each.desired == "started" for each in known) or any(
            each.is_alive for each in self._processes.values()
        )

    async def follow_model(self, model: str) -> None:
        """Let the endpoints of a model go where its aliases and thresholds point now."""

        def change(connection: DuckDBPyConnection) -> list[str]:
            versions = {v.version: v for v in models.list_model_versions(connection, model)}
            moved = []
            for endpoint in endpoints.list_endpoints(connection):
                if endpoint.model != model:
                    continue
                routes = shares.followed(endpoint.routes, versions)
                if routes != endpoint.routes:
                    endpoints.set_endpoint_routes(
                        connection,
                        endpoint.name,
                        routes=routes,
                        generation=endpoint.generation + 1,
                    )
                    moved.append(endpoint.name)
            return moved

        moved = await self._database.awrite(change)
        if moved:
            self._changes.bump("endpoints")
            await self.reconfigure(*moved)

    async def reconfigure(self, *names: str) -> None:
        """Hand running processes what the store says now; returns when the files are written."""
        for endpoint in await self._database.aread(endpoints.list_endpoints):
            if endpoint.name in names and endpoint.desired == "started":
                await asyncio.to_thread(self._write_config, endpoint)

    # One endpoint.

    def _process(self, endpoint: Endpoint) -> _Process:
        found = self._processes.get(endpoint.name)
        if found is not None:
            return found
        name = endpoint.name
        paths = self._workspace.endpoint(name)

        def apply(connection: DuckDBPyConnection, documents: list[dict[str, Any]]) -> None:
            source = Source(at=self._clock.now(), endpoint=name)
            made.topics.update(self._ingest.apply(connection, source, documents))

        made = _Process(paths, Journal(self._database, f"endpoint/{name}", paths.journal, apply))
        self._processes[name] = made
        return made

    async def _look_after(self, endpoint: Endpoint) -> None:
        process = self._process(endpoint)
        await self._meet(endpoint, process)
        ended = None if process.is_concluded else children.read_exit(process.paths.exit)
        # The journal is read after the exit: what was written before the end is then all there.
        if await self._listen(process):
            fresh = await self._database.aread(lambda c: endpoints.get_endpoint(c, endpoint.name))
            endpoint = fresh or endpoint
        if process.is_alive:
            process.gone_at = None
            await self._tend(endpoint, process)
        elif not await self._is_over(endpoint, process, ended):
            return
        elif endpoint.desired == "stopped":
            process.stopping_since, process.failures = None, 0
            await self._tell(endpoint, "stopped", "")
        elif self._clock.monotonic() >= process.retry_at:
            await self._start(endpoint, process)

    async def _meet(self, endpoint: Endpoint, process: _Process) -> None:
        """Learn who the process is, ours or one an agent before us has started."""
        if process.name is not None or process.is_concluded:
            return
        name = children.read_identity(process.paths.identity)
        if name is None:
            return
        process.name = name
        if (endpoint.pid, endpoint.pid_started_at) != (name.pid, name.started):
            await self._database.awrite(
                lambda c: endpoints.set_endpoint_process(
                    c,
                    endpoint.name,
                    pid=name.pid,
                    pid_started_at=name.started,
                    boot_id=name.boot_id,
                )
            )
            self._changes.bump("endpoints")

    async def _listen(self, process: _Process) -> bool:
        """Count what was reported; True when the endpoint itself may have changed."""
        report = await asyncio.to_thread(process.journal.run)
        if report.bad_count:
            log.warning(
                "%d lines of %s could not be used (%s); they are kept in quarantine",
                report.bad_count,
                process.paths.journal,
                report.last_problem or "damaged",
            )
        topics, process.topics = process.topics, set()
        if topics:
            self._news_at = self._clock.monotonic()
        self._changes.bump(*topics)
        return "endpoints" in topics

    async def _tend(self, endpoint: Endpoint, process: _Process) -> None:
        """A process that is there: hand it its configuration, or see it out."""
        now = self._clock.monotonic()
        if endpoint.desired == "stopped" or process.stopping_since is not None:
            await self._see_out(endpoint, process, now)
            return
        if process.spawned_at is not None and now - process.spawned_at > STEADY_S:
            process.failures = 0
        await asyncio.to_thread(self._write_config, endpoint)

    async def _see_out(self, endpoint: Endpoint, process: _Process, now: float) -> None:
        assert process.name is not None  # it is alive
        if process.stopping_since is None:
            process.stopping_since = now
            process.is_killed = False
            process.name.signal_group(signal.SIGTERM)
            await self._tell(endpoint, "draining", "")
        elif now - process.stopping_since > endpoint.limits.timeout_s + DRAIN_S:
            if not process.is_killed:
                log.warning("endpoint %s did not drain in time and is killed", endpoint.name)
            process.is_killed = True
            process.name.signal_group(signal.SIGKILL)

    async def _is_over(
        self, endpoint: Endpoint, process: _Process, ended: ProcessEnd | None
    ) -> bool:
        """Whether nothing runs any more, its end told; False while that is not certain yet."""
        if process.is_concluded:
            return True
        now = self._clock.monotonic()
        if ended is None:
            process.gone_at = process.gone_at or now
            if process.name is not None:
                rebooted = process.name.boot_id != children.boot_id()
                if not rebooted and now - process.gone_at < SHIM_MOMENT_S:
                    return False
            elif process.spawned_at is not None:
                if now - process.spawned_at < START_LIMIT_S:
                    return False
            elif endpoint.state == "starting" and now - self._began < ADOPTION_MOMENT_S:
                return False
            elif endpoint.pid is None:
                process.is_concluded = True  # never started: nothing has ended
                return True
        await self._conclude(endpoint, process, ended)
        return True

    async def _conclude(
        self, endpoint: Endpoint, process: _Process, ended: ProcessEnd | None
    ) -> None:
        """Tell once how a process ended, and when the next one follows."""
        was_asked = process.stopping_since is not None or endpoint.desired == "stopped"
        process.is_concluded = True
        process.name, process.gone_at, process.stopping_since = None, None, None
        if process.shim is not None:
            process.shim.poll()
        reason = _why(endpoint, ended)
        at = self._clock.now()

        def change(connection: DuckDBPyConnection) -> None:
            endpoints.set_endpoint_process(connection, endpoint.name, pid=None)
            if was_asked:
                return
            endpoints.set_endpoint_state(
                connection, endpoint.name, "failed", at=at, reason=f"{reason}; {again}"
            )
            if endpoint.state == "ready":
                ledger.record(
                    connection,
                    at=at,
                    actor="mlops-console",
                    action="endpoint.restart",
                    subject=f"endpoint {endpoint.name}",
                    summary=f"starts endpoint {endpoint.name} again: {reason}",
                )

        if was_asked:
            process.failures, process.retry_at = 0, 0.0
            again = ""
        else:
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**process.failures)
            process.failures = min(process.failures + 1, 20)
            process.retry_at = self._clock.monotonic() + pause
            again = f"starts again in {text.duration(pause)}"
            log.warning("endpoint %s: %s; %s", endpoint.name, reason, again)
        await self._database.awrite(change)
        self._changes.bump("endpoints", "ledger")

    async def _start(self, endpoint: Endpoint, process: _Process) -> None:
        taken = ports.why_taken(endpoint.host, endpoint.port)
        if taken:
            process.failures = min(process.failures + 1, 20)
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**process.failures)
            process.retry_at = self._clock.monotonic() + pause
            await self._tell(endpoint, "failed", f"{taken}; it is tried again and again")
            return
        await asyncio.to_thread(self._spawn, endpoint, process)
        process.name, process.gone_at, process.is_concluded = None, None, False
        process.spawned_at = self._clock.monotonic()
        process.stopping_since = None
        await self._tell(endpoint, "starting", "")
        log.info("endpoint %s starts on %s:%d", endpoint.name, endpoint.host, endpoint.port)
        self._wake.set()

    def _spawn(self, endpoint: Endpoint, process: _Process) -> None:
        paths = process.paths
        process.written_generation = 0
        self._write_config(endpoint)
        paths.identity.unlink(missing_ok=True)
        paths.exit.unlink(missing_ok=True)
        if paths.log.exists() and paths.log.stat().st_size > LOG_BYTES:
            paths.log.replace(paths.log.with_name("log.1"))
        command = [
            *SERVING, "--workspace", str(self._workspace.root), "--endpoint", endpoint.name,
        ]  # fmt: skip
        process.shim = children.spawn(
            paths.directory, paths.log, command, cwd=self._workspace.root, threads=endpoint.threads
        )

    def _write_config(self, endpoint: Endpoint) -> None:
        """Write what it shall serve, unless that or something newer is there already."""
        process = self._process(endpoint)
        config = EndpointConfig(
            name=endpoint.name,
            model=endpoint.model,
            host=endpoint.host,
            port=endpoint.port,
            routes=endpoint.routes,
            limits=endpoint.limits,
            generation=endpoint.generation,
            threads=endpoint.threads,
        )
        with process.writing:
            if process.written_generation >= endpoint.generation:
                return
            process.paths.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(process.paths.config, msgspec.json.format(msgspec.json.encode(config)))
            process.written_generation = endpoint.generation

    async def _tell(self, endpoint: Endpoint, state: EndpointState, reason: str) -> None:
        if (endpoint.state, endpoint.reason) == (state, reason):
            return
        at = self._clock.now()
        await self._database.awrite(
            lambda c: endpoints.set_endpoint_state(c, endpoint.name, state, at=at, reason=reason)
        )
        self._changes.bump("endpoints")


def _why(endpoint: Endpoint, ended: ProcessEnd | None) -> str:
    """How the process ended; what it said itself is the best explanation."""
    if endpoint.state == "failed" and endpoint.reason:
        return endpoint.reason.split("; starts again in")[0]
    if ended is None:
        if endpoint.boot_id and endpoint.boot_id != children.boot_id():
            return "the machine was restarted"
        return f"its process {endpoint.pid or ''} disappeared without a word".replace("  ", " ")
    if ended.signal is not None:
        memory = ", out of memory" if ended.oom_kills and ended.signal == signal.SIGKILL else ""
        return f"its process was killed by {signal.Signals(ended.signal).name}{memory}"
    return (
        f"its process ended with exit code {ended.exit_code}; see "
        f"mlops-console endpoint logs {endpoint.name}"
    )
