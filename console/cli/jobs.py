"""`mlops-console job …`: running work, its log and its end."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from console import errors, text
from console.cli import following
from console.cli.commands import Invocation, argument, command
from console.cli.following import DETACH, follow
from console.cli.limits import MEMORY, TIME, read_limits
from console.cli.output import Column, Output
from console.cli.params import PARAM, read_params
from console.rules import pace, terminal_lines
from console.wire import jobs as wire
from console.wire.jobs import GetLog, JobId, ListJobs, RetryJob, SetJob, StartCommand
from storage.records.jobs import FINAL_STATES, Job

_ID = argument("id", type=int, help="number of the job")
LOG_EVERY_S = 0.3
TAIL_BYTES = 64 * 1024


@command(
    "list",
    argument("--state", default="", help="queued, running, succeeded, failed … or active"),
    argument("--kind", default="", help="train, ingest, replay …"),
    argument("--limit", "-n", type=int, default=30, help="at most so many, the newest"),
    examples=("mlops-console job list --state active",),
)
def list_jobs(invocation: Invocation) -> None:
    """Jobs, newest first."""
    given = invocation.arguments
    request = ListJobs(state=given.state, kind=given.kind, limit=given.limit)
    found = invocation.client.call(wire.list_jobs, request)
    invocation.output.show(found, lambda jobs: _print_jobs(invocation.output, jobs))


@command("show", _ID, examples=("mlops-console job show 118",))
def show(invocation: Invocation) -> None:
    """A job with its state, reason, progress and what it used."""
    job = invocation.client.call(wire.get_job, JobId(id=invocation.arguments.id))
    invocation.output.show(job, lambda found: _print_job(invocation.output, found))


@command(
    "logs",
    _ID,
    argument("--follow", "-f", action="store_true", help="go on until the job has ended"),
    argument("--all", action="store_true", help=f"from the start, not the last {TAIL_BYTES} bytes"),
    examples=("mlops-console job logs -f 118",),
)
def logs(invocation: Invocation) -> int:
    """What a job printed; with --follow the exit code is the job's outcome."""
    given = invocation.arguments
    start = 0 if given.all or given.follow else -TAIL_BYTES
    line_kept = ""
    while True:
        chunk = invocation.client.call(wire.get_log, GetLog(id=given.id, start=start))
        *lines, line_kept = (line_kept + chunk.text).split("\n")
        for line in lines:
            invocation.output.line(text.clean(terminal_lines.last_state(line)))
        start = chunk.end
        if chunk.end < chunk.size:
            continue
        if chunk.is_final or not given.follow:
            break
        time.sleep(LOG_EVERY_S)
    if line_kept:
        invocation.output.line(text.clean(terminal_lines.last_state(line_kept)))
    if given.follow:
        following.outcome(invocation.client.call(wire.get_job, JobId(id=given.id)))
    return 0


@command("cancel", _ID, examples=("mlops-console job cancel 118",))
def cancel(invocation: Invocation) -> None:
    """Ask a job and everything it started to stop, then make them."""
    job = invocation.client.call(wire.cancel_job, JobId(id=invocation.arguments.id))
    invocation.output.show(
        job,
        lambda j: invocation.output.line(f"job {j.id} was asked to stop: {text.clean(j.title)}"),
    )


@command(
    "retry",
    _ID,
    PARAM,
    MEMORY,
    TIME,
    DETACH,
    examples=(
        "mlops-console job retry 118",
        "mlops-console job retry 118 --memory 8GB",
        "mlops-console job retry 118 --param max_iter=200",
    ),
)
def retry(invocation: Invocation) -> None:
    """Queue the same work again as a new job, a training with changed parameters if you like."""
    given = invocation.arguments
    request = RetryJob(id=given.id, params=read_params(given.param), **read_limits(given))
    _followed(invocation, invocation.client.call(wire.retry_job, request))


@command(
    "set",
    _ID,
    argument("--priority", type=int, help="higher goes first"),
    argument("--after", type=int, action="append", metavar="JOB", help="wait for it; repeatable"),
    argument("--after-none", action="store_true", help="wait for no other job"),
    examples=("mlops-console job set 120 --priority 5", "mlops-console job set 120 --after 118"),
)
def set_job(invocation: Invocation) -> None:
    """Give a waiting job another place in the queue."""
    given = invocation.arguments
    after = () if given.after_none else given.after and tuple(given.after)
    request = SetJob(id=given.id, priority=given.priority, after=after)
    job = invocation.client.call(wire.set_job, request)
    invocation.output.show(job, lambda found: _print_job(invocation.output, found))


@command(
    "run",
    argument("--title", default="", help="what to call it in lists"),
    argument("--directory", "-C", default="", help="where it runs; the workspace by default"),
    argument("--after", type=int, action="append", default=[], metavar="JOB", help="wait for it"),
    argument("--priority", type=int, default=0, help="higher goes first"),
    MEMORY,
    TIME,
    DETACH,
    argument("words", nargs="*", metavar="COMMAND", help="after --: a program and its arguments"),
    examples=(
        "mlops-console job run -- python train.py --epochs 20",
        "mlops-console job run --title nightly -C /srv/etl -- make all",
        "mlops-console job run --memory 4GB --time 2h -- python train.py",
    ),
)
def run(invocation: Invocation) -> int:
    """Run any program as a job, with its log, its use of the machine and a truthful end.

    When it is followed, the exit code is the program's own.
    """
    given = invocation.arguments
    if not given.words:
        raise errors.UsageError(
            "no command was given.", hint="For example: mlops-console job run -- python train.py"
        )
    request = StartCommand(
        command=tuple(given.words),
        directory=str(Path(given.directory).resolve()) if given.directory else "",
        path=os.environ.get("PATH", ""),
        title=given.title,
        priority=given.priority,
        after=tuple(given.after),
        **read_limits(given),
    )
    job = invocation.client.call(wire.start_command, request)
    try:
        _followed(invocation, job)
    except errors.FailedError as refusal:
        code = refusal.data.get("exit_code")
        if not code:
            raise
        output = invocation.output
        output.refusal(refusal.kind, refusal.message, refusal.hint, refusal.data)
        return int(code)
    return 0


def _followed(invocation: Invocation, job: Job) -> None:
    ended = follow(invocation, job)
    if ended is not None:
        invocation.output.show(ended, lambda found: _print_job(invocation.output, found))


def _print_jobs(output: Output, jobs: list[Job]) -> None:
    if not jobs:
        output.line("No jobs. Start one: mlops-console train PIPELINE")
        return
    now = datetime.now(UTC)
    output.table(
        [
            Column("id", ">"),
            Column("state", colour=_colour),
            Column("title"),
            Column("by"),
            Column("started"),
            Column("took", ">"),
            Column("progress or reason"),
        ],
        [
            (
                job.id,
                job.state,
                text.cut(text.clean(job.title), 40),
                job.created_by,
                text.age((now - job.started_at).total_seconds(), short=True)
                if job.started_at
                else None,
                text.duration(_seconds(job, now)),
                text.cut(text.clean(_progress(job)), 60),
            )
            for job in jobs
        ],
    )


def _print_job(output: Output, job: Job) -> None:
    now = datetime.now(UTC)
    output.heading(f"job {job.id}", job.title)
    output.line(output.verdict(job.state) + (f"  {text.clean(job.reason)}" if job.reason else ""))
    facts = [
        ("kind", job.kind),
        ("by", job.created_by),
        ("created", f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("took", text.duration(_seconds(job, now))),
    ]
    if job.after:
        facts.append(("after", ", ".join(map(str, job.after))))
    if job.priority:
        facts.append(("priority", str(job.priority)))
    limits = job.spec.get("limits", {})
    if limits:
        memory, seconds = limits.get("memory_bytes"), limits.get("time_s")
        words = [f"{text.byte_size(memory)} of memory"] if memory else []
        words += [text.duration(seconds)] if seconds else []
        facts.append(("may use", text.listed(words)))
    if job.retry_of:
        facts.append(("again", f"job {job.retry_of}"))
    if job.state not in FINAL_STATES:
        facts.append(("progress", _progress(job)))
        left = pace.left_s(job, now)
        if left is not None:
            facts.append(("left", text.age(left)))
        if rate := pace.rate_words(job, now):
            facts.append(("rate", rate))
    if job.cpu_ratio is not None and job.state not in FINAL_STATES:
        facts.append(("cpu", text.percent(job.cpu_ratio, 0)))
    if job.peak_rss_bytes:
        facts.append(("peak memory", text.byte_size(job.peak_rss_bytes)))
    if job.exit_code:
        facts.append(("exit code", str(job.exit_code)))
    output.facts(facts)


def _progress(job: Job) -> str:
    if job.state in FINAL_STATES:
        return job.reason
    progress = job.progress
    if progress.total:
        return f"{text.percent(progress.done / progress.total, 0)} {progress.text}"
    return progress.text


def _seconds(job: Job, now: datetime) -> float | None:
    if job.started_at is None:
        return None
    return ((job.ended_at or now) - job.started_at).total_seconds()


def _colour(state: str) -> str:
    return {
        "succeeded": "ok", "running": "accent", "starting": "accent", "failed": "fail",
        "lost": "fail",
    }.get(state.strip(), "quiet")  # fmt: skip
