"""Handlers: jobs. `queue_job` is how every other row starts one."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console import errors, text
from console.agent.context import Call
from console.agent.job_logs import read_log
from console.rules import job_order, lifecycle
from console.wire.jobs import GetLog, JobId, ListJobs, RetryJob, SetJob, StartCommand
from storage.records.declared import DeclaredLimits
from storage.records.jobs import Job, JobKind, JobLimits, LogChunk
from storage.tables import jobs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NO_LIMITS = JobLimits()


async def queue_job(
    call: Call,
    kind: JobKind,
    title: str,
    spec: dict[str, Any],
    *,
    command: str,
    priority: int = 0,
    after: tuple[int, ...] = (),
    limits: JobLimits = NO_LIMITS,
    retry_of: int | None = None,
) -> Job:
    """Queue a job and write its ledger entry. `command` is the shell form of the request.

    Limits that are left open are those its spec has, or else the workspace's.
    """
    spec = _limited(call, spec, limits)

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
    return read_log(path, request.start, request.limit, has_ended=job.state in lifecycle.FINAL)


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
    after = await call.read(lambda c: _still_needed(c, job))
    return await queue_job(
        call,
        job.kind,
        job.title,
        spec,
        command=f"mlops-console job retry {job.id}",
        priority=job.priority,
        after=after,
        limits=JobLimits(memory_bytes=request.memory_bytes, time_s=request.time_s),
        retry_of=job.id,
    )


def _still_needed(connection: DuckDBPyConnection, job: Job) -> tuple[int, ...]:
    """The jobs it waits for: of each the latest try, those that succeeded left out."""
    found = []
    for needed in job.after:
        last = jobs.get_job(connection, needed)
        while last is not None and (tries := jobs.list_job_retries(connection, last.id)):
            last = tries[0]
        if last is None or last.state == "succeeded":
            continue
        if last.state in lifecycle.FINAL:
            raise errors.ConflictError(
                f"cannot retry job {job.id}: it needs job {last.id}, which is {last.state}.",
                hint=f"Do that one again first: mlops-console job retry {last.id}",
            )
        found.append(last.id)
    return tuple(found)


async def set_job(call: Call, request: SetJob) -> Job:
    if request.priority is None and request.after is None:
        raise errors.UsageError(
            f"nothing was said about job {request.id}.", hint="Add --priority 5, or --after JOB."
        )

    def change(connection: DuckDBPyConnection) -> None:
        job = jobs.get_job(connection, request.id)
        if job is None:
            raise errors.NotFoundError(
                f"cannot set job {request.id}: there is no such job.",
                hint="See them: mlops-console job list",
            )
        priority = job.priority if request.priority is None else request.priority
        after = job.after if request.after is None else tuple(dict.fromkeys(request.after))
        _check_order(connection, job.id, after)
        if not jobs.set_job_place(connection, job.id, priority=priority, after=after):
            raise errors.ConflictError(
                f"cannot set job {job.id}: it is {job.state}, and only what waits has a place."
            )
        words = [f"priority {priority}"] + [f"after {text.listed(map(str, after))}"] * bool(after)
        call.record(
            connection,
            "job.set",
            f"job {job.id}",
            f"sets {job.title} to {', '.join(words)}",
            command=_set_command(request),
        )

    await call.change(change, "jobs")
    call.agent.supervisor.wake()
    return await get_job(call, JobId(id=request.id))


def _check_order(connection: DuckDBPyConnection, job_id: int, after: tuple[int, ...]) -> None:
    """Raise for a job that is not there, and for jobs that would wait for one another."""

    def waits_for(number: int) -> tuple[int, ...]:
        job = jobs.get_job(connection, number)
        return job.after if job is not None and job.state not in lifecycle.FINAL else ()

    for needed in after:
        if jobs.get_job(connection, needed) is None:
            raise errors.NotFoundError(f"job {job_id} cannot wait for job {needed}: no such job.")
    way = job_order.cycle(job_id, after, waits_for)
    if way:
        raise errors.ConflictError(
            f"job {job_id} would wait for itself: {' after '.join(map(str, way))}.",
            hint=f"Let one of them go first: mlops-console job set {way[-2]} --after-none",
        )


def _set_command(request: SetJob) -> str:
    words = ["mlops-console", "job", "set", str(request.id)]
    if request.priority is not None:
        words += ["--priority", str(request.priority)]
    if request.after is not None:
        words += [word for each in request.after for word in ("--after", str(each))]
        words += [] if request.after else ["--after-none"]
    return " ".join(words)


def _limited(call: Call, spec: dict[str, Any], limits: JobLimits) -> dict[str, Any]:
    """The spec with what the job may use: as asked for, as before, as the workspace declares."""
    declared = call.agent.declaration_file.last_good
    workspace = declared.limits if declared else DeclaredLimits()
    known = {
        "memory_bytes": int(workspace.memory_gb * 1e9),
        "time_s": workspace.minutes * 60,
        **spec.get("limits", {}),
    }
    asked = {"memory_bytes": limits.memory_bytes, "time_s": limits.time_s}
    known |= {name: value for name, value in asked.items() if value}
    kept = {name: value for name, value in known.items() if value}
    return {**spec, "limits": kept} if kept else spec


async def start_command(call: Call, request: StartCommand) -> Job:
    if not request.command:
        raise errors.UsageError(
            "no command was given.", hint="For example: mlops-console job run -- python train.py"
        )
    if request.directory and not Path(request.directory).is_dir():
        raise errors.NotFoundError(
            f"cannot run {request.command[0]} in {request.directory}: there is no such directory.",
            hint="Name another with -C; without it jobs run in the workspace.",
        )
    shown = " ".join(request.command)
    spec = {"command": list(request.command), "directory": request.directory}
    return await queue_job(
        call,
        "command",
        request.title or (shown if len(shown) <= 60 else shown[:59] + "…"),
        spec | ({"path": request.path} if request.path else {}),
        command=f"mlops-console job run -- {shlex.join(request.command)}",
        priority=request.priority,
        after=request.after,
        limits=JobLimits(memory_bytes=request.memory_bytes, time_s=request.time_s),
    )
