"""The agent of one workspace: started on demand by any client, leaves when nobody needs it.

    python -m console.agent.main --workspace DIRECTORY [--idle-stop SECONDS] [--warm-after SECONDS]

It alone opens the store. Jobs and endpoints are processes of their own and go on without it; the
next agent takes them over. Exit codes are those of the error table; the first line on stderr is the
sentence for the user, everything else goes to the log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import logging.handlers
import os
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from console import __version__, errors
from console.agent import server
from console.agent.changes import Changes
from console.agent.context import Agent
from console.agent.declaring import DeclarationFile
from console.agent.endpoint_processes import EndpointProcesses
from console.agent.identity import PeerProtocol
from console.agent.ingest import Ingest
from console.agent.reporting import APPLIERS, ENDERS, STARTERS
from console.agent.supervisor import Supervisor, default_jobs_at_once
from console.agent.tracking.listener import Listener
from console.agent.watching import Watching
from console.clock import Clock, SystemClock
from storage.database import Database
from storage.errors import StorageError
from storage.objects import Objects
from storage.workspace import Workspace

log = logging.getLogger("console.agent")

CLIENT_MEMORY_S = 10.0
"""A client counts as present for so long after its last call; a waiting one counts throughout."""
LOG_BYTES = 4 * 2**20
WARM_AFTER_S = 8.0
"""Somebody who stays this long will start a job: have what workers import ready."""


def main(argv: list[str] | None = None) -> int:
    options = _options(argv)
    os.umask(0o077)
    try:
        workspace = Workspace.find(Path.cwd(), options.workspace)
        _log_to(workspace.log)
        return asyncio.run(_serve(workspace, options))
    except (errors.ConsoleError, StorageError) as refusal:
        log.error("the agent cannot start: %s", refusal)
        print(refusal, file=sys.stderr)
        return errors.KINDS[refusal.kind].exit_code
    except KeyboardInterrupt:
        return 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mlops-console agent", description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--idle-stop", type=float, default=300.0)
    parser.add_argument("--warm-after", type=float, default=WARM_AFTER_S)
    return parser.parse_args(argv)


async def _serve(workspace: Workspace, options: argparse.Namespace) -> int:
    clock = SystemClock()
    database = Database.open(workspace, clock=clock)
    try:
        stop = asyncio.Event()
        agent = _assemble(workspace, database, clock, options.idle_stop, stop)
        await agent.tracking.resume()
        listening = _listen(workspace)
        http = _http_server(agent)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        watching = Watching(agent)
        tasks = [
            asyncio.create_task(http.serve(sockets=[listening])),
            asyncio.create_task(agent.supervisor.run()),
            asyncio.create_task(agent.endpoint_processes.run()),
            asyncio.create_task(watching.run()),
            asyncio.create_task(_leave_when_idle(agent, stop, options.warm_after)),
        ]
        for note in database.opening.notes:
            log.warning("%s", note)
        log.info("ready in %s, version %s, pid %d", workspace.root, __version__, os.getpid())
        await stop.wait()
        await _leave(agent, http, tasks, workspace)
    finally:
        database.close()
    log.info("left")
    return 0


def _assemble(
    workspace: Workspace,
    database: Database,
    clock: Clock,
    idle_stop_s: float,
    stop: asyncio.Event,
) -> Agent:
    changes = Changes()
    declaration_file = DeclarationFile(workspace.root, workspace.declaration)
    declaration_file.on_change(lambda: changes.bump("pipelines", "datasets", "endpoints"))
    declared = declaration_file.last_good
    ingest = Ingest(APPLIERS, ENDERS)
    tracking = Listener(workspace, database, changes, clock)
    supervisor = Supervisor(
        workspace,
        database,
        changes,
        clock,
        ingest,
        jobs_at_once=(declared.jobs_at_once if declared else 0) or default_jobs_at_once(),
        starters=STARTERS,
        environment=tracking.environment,
    )
    return Agent(
        workspace=workspace,
        database=database,
        objects=Objects(workspace.objects),
        changes=changes,
        clock=clock,
        declaration_file=declaration_file,
        supervisor=supervisor,
        tracking=tracking,
        endpoint_processes=EndpointProcesses(workspace, database, changes, clock, ingest),
        request_stop=stop.set,
        started_monotonic=clock.monotonic(),
        idle_stop_s=idle_stop_s,
    )


def _listen(workspace: Workspace) -> socket.socket:
    """Bind the socket; a stale file is removed, which only the holder of the lock may do."""
    path = workspace.prepare_socket_directory()
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
    except OSError as error:
        raise errors.UnavailableError(f"cannot listen on {path}: {error.strerror}.") from error
    # A directory its group may write to is a team's: they reach the socket, and roles decide.
    is_shared = bool(workspace.root.stat().st_mode & 0o020)
    path.chmod(0o660 if is_shared else 0o600)
    if is_shared and path.parent == workspace.state:
        # The group may pass through to the socket; it can neither list nor read what is beside it.
        workspace.state.chmod(0o710)
        os.chown(path, -1, workspace.root.stat().st_gid)
        os.chown(workspace.state, -1, workspace.root.stat().st_gid)
    listening.listen(128)
    listening.setblocking(False)
    return listening


def _http_server(agent: Agent) -> uvicorn.Server:
    config = uvicorn.Config(
        server.build(agent),
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=32768,
        backlog=128,
    )
    http = uvicorn.Server(config)
    # Signals are ours: the agent leaves in its own order.
    http.capture_signals = _no_signals  # type: ignore[method-assign,assignment]
    return http


class _no_signals:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_exception: object) -> None:
        return None


async def _leave_when_idle(agent: Agent, stop: asyncio.Event, warm_after_s: float) -> None:
    """Stop after `idle_stop_s` without clients, jobs and endpoints."""
    quiet_since = agent.clock.monotonic()
    if warm_after_s <= 0.0:
        agent.supervisor.launcher.prepare()
    while True:
        await asyncio.sleep(1.0)
        now = agent.clock.monotonic()
        for pid, seen in list(agent.callers.items()):
            if now - seen > CLIENT_MEMORY_S and not Path(f"/proc/{pid}").exists():
                del agent.callers[pid]
        recent = [seen for seen in agent.callers.values() if now - seen < CLIENT_MEMORY_S]
        is_needed = bool(recent) or agent.supervisor.is_busy or agent.endpoint_processes.is_busy
        if recent and not agent.supervisor.is_busy and now - agent.started_monotonic > warm_after_s:
            agent.supervisor.launcher.prepare()
        if is_needed:
            quiet_since = now
        elif now - quiet_since > 60.0:
            agent.supervisor.launcher.dismiss()
        if agent.idle_stop_s and now - quiet_since > agent.idle_stop_s:
            log.info("nobody here for %.0f s: leaving", agent.idle_stop_s)
            stop.set()
            return


async def _leave(
    agent: Agent, http: uvicorn.Server, tasks: list[asyncio.Task[Any]], workspace: Workspace
) -> None:
    agent.supervisor.launcher.dismiss()
    await agent.tracking.close()
    agent.changes.bump("jobs")  # lets waiting clients go
    http.should_exit = True
    try:
        await asyncio.wait_for(tasks[0], 2.0)
    except TimeoutError:
        http.force_exit = True
    for task in tasks[1:]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    workspace.socket.unlink(missing_ok=True)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False)


def _log_to(path: Path) -> None:
    try:
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8"
        )
    except OSError as error:
        raise errors.UnavailableError(
            f"cannot write {path}: {error.strerror}.",
            hint="Check the permissions of the workspace, or choose another with --workspace.",
        ) from error
    handler.setFormatter(_JsonLines())
    handler.formatter.converter = time.gmtime  # type: ignore[union-attr]
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
