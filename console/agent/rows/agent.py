"""Handlers: the agent itself, what changed, and how the whole workspace stands."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

import psutil

from console import __version__
from console.agent import overview
from console.agent.context import Agent, Call
from console.wire.agent import AgentStatus, AwaitChanges, Changes, Overview
from console.wire.routes import Done, Nothing
from storage.engine import Limits
from storage.tables import endpoints

CLIENT_S = 10.0
WAIT_LIMIT_S = 60.0
DISK_WARN_BYTES = 2 * 2**30


async def get_status(call: Call, _request: Nothing) -> AgentStatus:
    return await status(call.agent)


async def stop_agent(call: Call, _request: Nothing) -> Done:
    await call.change(
        lambda c: call.record(
            c, "agent.stop", "agent", "lets the agent leave", command="mlops-console agent stop"
        )
    )
    # The answer goes out first.
    asyncio.get_running_loop().call_later(0.05, call.agent.request_stop)
    running = call.agent.supervisor.running_count
    served = await _ready_count(call.agent)
    left = [f"{n} {what}{'s' * (n != 1)}" for n, what in ((running, "job"), (served, "endpoint"))]
    return Done(message=f"the agent leaves; {' and '.join(left)} go on without it.")


async def await_changes(call: Call, request: AwaitChanges) -> Changes:
    changes = call.agent.changes
    await changes.wait(request.since, min(max(request.timeout_s, 0.0), WAIT_LIMIT_S))
    return Changes(revisions=changes.revisions, at=call.agent.clock.now())


async def get_overview(call: Call, _request: Nothing) -> Overview:
    return await overview.overview(call, await status(call.agent))


async def status(agent: Agent) -> AgentStatus:
    """How the agent stands."""
    now = agent.clock.monotonic()
    uptime_s = now - agent.started_monotonic
    file = agent.declaration_file
    declared = file.last_good
    free_bytes = agent.database.free_bytes
    is_read_only = free_bytes < Limits().reserve_bytes
    warnings = list(agent.database.opening.notes)
    if is_read_only:
        warnings.append(
            f"the disk has {free_bytes // 2**20} MiB left: nothing more is written until there is "
            "space."
        )
    elif free_bytes < DISK_WARN_BYTES:
        warnings.append(f"the disk has {free_bytes // 2**20} MiB left.")
    return AgentStatus(
        workspace=str(agent.workspace.root),
        name=declared.name if declared else agent.workspace.root.name,
        mode=declared.mode if declared else "solo",
        version=__version__,
        pid=os.getpid(),
        started_at=agent.clock.now() - timedelta(seconds=uptime_s),
        uptime_s=uptime_s,
        clients=sum(now - seen < CLIENT_S for seen in agent.callers.values()),
        jobs_running=agent.supervisor.running_count,
        jobs_queued=agent.supervisor.queued_count,
        endpoints_ready=await _ready_count(agent),
        rss_bytes=psutil.Process().memory_info().rss,
        store_bytes=_store_bytes(agent),
        disk_free_bytes=free_bytes,
        idle_stop_s=agent.idle_stop_s,
        is_read_only=is_read_only,
        warnings=tuple(warnings),
        declaration_error=file.error,
    )


async def _ready_count(agent: Agent) -> int:
    known = await agent.read(endpoints.list_endpoints)
    return sum(each.state == "ready" for each in known)


def _store_bytes(agent: Agent) -> int:
    """Size of the database and its log; asked of the file system, the files stay closed."""
    total = 0
    for path in (agent.workspace.store, agent.workspace.store_wal):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
