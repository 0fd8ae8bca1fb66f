"""Handlers: jobs. `queue_job` is how every other row starts one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from console import errors
from console.agent.context import Call
from console.rules import lifecycle
from console.wire.jobs import GetLog, JobId, ListJobs, RetryJob, StartCommand
from storage.records.jobs import Job, JobKind, LogChunk
from storage.tables import jobs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LOG_LIMIT_BYTES = 256 * 1024


async def queue_job(
    call: Call,
    kind: JobKind,
    title: str,
    spec: dict[str, Any],
    *,
    command: str,
    priority: int = 0,
    after: tuple[int, ...] = (),
    retry_of: int | None = None,
) -> Job:
    """Queue a job and write its ledger entry. `command` is the shell form of the request."""

    def create(connection: DuckDBPyConnection) -> Job:
        for needed in after:
            if jobs.get_job(connection, needed) is None:
                raise errors.NotFoundError(f"cannot queue {title} after job {needed}: no such job.")
        job = Job(
            id=jobs.next_job_id(connection),
            kind=kind,
            title=title,
            spec=spec,
            state="queued",
            priority=priority,
            after=after,
            retry_of=retry_of,
            created_at=call.agent.clock.now(),
            created_by=call.actor.name,
            result={},
        )
        jobs.create_job(connection, job)
        call.record(connection, f"job.{kind}", f"job {job.id}", f"starts {title}", command=command)
        return job

    job = await call.change(create, "jobs")
    call.agent.supervisor.wake()
    return job


async def list_jobs(call: Call, request: ListJobs) -> list[Job]:
    return await call.read(
        lambda c: jobs.list_jobs(
            c,
            state=request.state,
            kind=request.kind,
            before=request.before,
            limit=max(1, min(request.limit, 1000)),
        )
    )


async def get_job(call: Call, request: JobId) -> Job:
    job = await call.read(lambda c: jobs.get_job(c, request.id))
    if job is None:
        raise errors.NotFoundError(
            f"there is no job {request.id}.", hint="See them: mlops-console job list"
        )
    return job


async def get_log(call: Call, request: GetLog) -> LogChunk:
    job = await get_job(call, JobId(id=request.id))
    path = call.agent.workspace.job(str(job.id)).log
    is_final = job.state in lifecycle.FINAL
    try:
        with path.open("rb") as log:
            size = os.fstat(log.fileno()).st_size
            start = request.start if request.start >= 0 else max(0, size + request.start)
            start = min(start, size)
            log.seek(start)
            raw = log.read(max(1, min(request.limit, LOG_LIMIT_BYTES)))
    except FileNotFoundError:
        return LogChunk(text="", start=0, end=0, size=0, is_final=is_final)
    except OSError as error:
        raise errors.UnavailableError(f"cannot read {path}: {error.strerror}.") from error
    # A chunk may end inside a character; the next one starts where whole characters ended.
    text = raw.decode("utf-8", "ignore" if len(raw) == request.limit else "replace")
    used = len(raw) if len(raw) < request.limit else len(text.encode("utf-8"))
    used = used or len(raw)
    end = start + used
    return LogChunk(text=text, start=start, end=end, size=size, is_final=is_final and end >= size)


async def cancel_job(call: Call, request: JobId) -> Job:
    def change(connection: DuckDBPyConnection) -> None:
        job = jobs.get_job(connection, request.id)
        if job is None:
            raise errors.NotFoundError(
                f"cannot cancel job {request.id}: there is no such job.",
                hint="See them: mlops-console job list",
            )
        if job.state in lifecycle.FINAL:
            raise errors.ConflictError(f"cannot cancel job {job.id}: it has already {job.state}.")
        jobs.set_job_cancel_requested(connection, job.id, call.actor.name)
        call.record(
            connection,
            "job.cancel",
            f"job {job.id}",
            f"cancels {job.title}",
            command=f"mlops-console job cancel {job.id}",
        )

    await call.change(change, "jobs")
    call.agent.supervisor.wake()
    return await get_job(call, request)


async def retry_job(call: Call, request: RetryJob) -> Job:
    job = await get_job(call, JobId(id=request.id))
    if job.state not in lifecycle.FINAL:
        raise errors.ConflictError(
            f"cannot retry job {job.id}: it is still {job.state}.",
            hint=f"Stop it first: mlops-console job cancel {job.id}",
        )
    spec = dict(job.spec)
    if request.params:
        if job.kind != "train":
            raise errors.UsageError(f"job {job.id} is a {job.kind}; only trainings take params.")
        spec["params"] = {**spec.get("params", {}), **request.params}
    return await queue_job(
        call,
        job.kind,
        job.title,
        spec,
        command=f"mlops-console job retry {job.id}",
        priority=job.priority,
        retry_of=job.id,
    )


async def start_command(call: Call, request: StartCommand) -> Job:
    if not request.command:
        raise errors.UsageError(
            "no command was given.", hint="For example: mlops-console job run -- python train.py"
        )
    shown = " ".join(request.command)
    return await queue_job(
        call,
        "command",
        request.title or (shown if len(shown) <= 60 else shown[:59] + "…"),
        {"command": list(request.command), "directory": request.directory},
        command=f"mlops-console job run -- {shown}",
        priority=request.priority,
        after=request.after,
    )
