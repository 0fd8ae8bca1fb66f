"""Following a job from the shell: progress on stderr while it runs, its outcome as ours.

Used by every command that queues a job:

    job = invocation.client.call(wire.start_training, request)
    ended = following.follow(invocation, job)        # None with --detach

Invariant: nothing here reaches stdout except the queued job of `--detach`, and interrupting the
follower never touches the job.
"""

from __future__ import annotations

import shutil
import sys
import time
from datetime import UTC, datetime

from console import errors, text
from console.cli.commands import Argument, Invocation, argument
from console.client.client import Client
from console.rules import pace
from console.wire import agent as agent_wire
from console.wire import jobs as wire
from console.wire.agent import AwaitChanges
from console.wire.jobs import JobId
from storage.records.jobs import FINAL_STATES, Job

DETACH: Argument = argument(
    "--detach", "-d", action="store_true", help="queue it and return; follow it with job logs -f"
)
"""The option of every command that queues a job."""

AGENT_AWAY_LIMIT_S = 15.0
LOOK_AT_MOST_EVERY_S = 0.1
WAIT_S = 2.0


def follow(invocation: Invocation, job: Job) -> Job | None:
    """Show how the job goes until it has ended; return it when it succeeded.

    With `--detach` the job is printed and None returned. Raises a refusal with the job's own reason
    and kind when it failed, was cancelled or lost.
    """
    output = invocation.output
    if getattr(invocation.arguments, "detach", False):
        output.show(job, lambda j: output.line(f"job {j.id} {j.state}: {text.clean(j.title)}"))
        output.note(f"Follow it: mlops-console job logs -f {job.id}")
        return None
    line = _Line(is_quiet=output.quiet or output.as_json)
    try:
        ended = _await_end(invocation.client, job, line)
    except KeyboardInterrupt:
        line.end()
        output.note(
            f"job {job.id} goes on without you. Follow it: mlops-console job logs -f {job.id}; "
            f"stop it: mlops-console job cancel {job.id}"
        )
        raise
    line.end()
    return outcome(ended)


def outcome(job: Job) -> Job:
    """Return the job when it succeeded, else raise why it did not."""
    if job.state == "succeeded":
        return job
    how = {"cancelled": "was cancelled", "lost": "was lost"}.get(job.state, job.state)
    kinds = {kind.exit_code: name for name, kind in errors.KINDS.items()}
    # Exit codes of other people's programs mean something else than ours.
    is_ours = job.state == "failed" and job.kind != "command"
    kind = kinds.get(job.exit_code or 0, "failed") if is_ours else "failed"
    raise errors.from_wire(
        kind,
        f"job {job.id}, {job.title}, {how}: {job.reason or 'it did not say why'}",
        "" if "mlops-console " in job.reason else f"Its log: mlops-console job logs {job.id}",
        {"job": job.id, "state": job.state, "exit_code": job.exit_code},
    )


def _await_end(client: Client, job: Job, line: _Line) -> Job:
    seen = 0
    away_since: float | None = None
    while True:
        started = time.monotonic()
        try:
            job = client.call(wire.get_job, JobId(id=job.id))
            line.show(job)
            if job.state in FINAL_STATES:
                return job
            changes = client.call(
                agent_wire.await_changes, AwaitChanges(since=seen, timeout_s=WAIT_S)
            )
            seen = sum(changes.revisions.values())
            away_since = None
        except (errors.UnavailableError, errors.TimedOutError):
            # The agent was stopped or killed; the job goes on and the next agent takes it over.
            away_since = away_since or started
            if started - away_since > AGENT_AWAY_LIMIT_S:
                raise
        time.sleep(max(0.0, LOOK_AT_MOST_EVERY_S - (time.monotonic() - started)))


class _Line:
    """Progress on stderr: one line written over on a terminal, else a line for each new text."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._is_terminal = sys.stderr.isatty()
        self._shown = ""

    def show(self, job: Job) -> None:
        words = describe(job)
        # Off a terminal a line for each step will do: neither counts nor states on the way to it.
        shown = words if self._is_terminal or job.state in FINAL_STATES else _step(job)
        if self._is_quiet or shown == self._shown:
            return
        self._shown = shown
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[K{text.cut(words, width)}")
        else:
            sys.stderr.write(shown + "\n")
        sys.stderr.flush()

    def end(self) -> None:
        if self._is_terminal and self._shown and not self._is_quiet:
            sys.stderr.write("\n")
            sys.stderr.flush()


def _step(job: Job) -> str:
    return f"job {job.id}  {text.clean(job.progress.text or job.title)}"


def describe(job: Job) -> str:
    """A job in one line: `job 118  running  fold 3 of 5, AUC 0.741  3/5 fold`."""
    head = f"job {job.id}  {job.state}"
    progress = job.progress
    if job.state in FINAL_STATES:
        took = ""
        if job.started_at and job.ended_at:
            took = f"  {text.duration((job.ended_at - job.started_at).total_seconds())}"
        return f"{head}{took}"
    parts = [head, text.clean(progress.text or job.title)]
    if progress.total:
        done = f"{text.count(progress.done)}/{text.count(progress.total)}"
        parts.append(f"{text.percent(progress.done / progress.total, 0)}  {done} {progress.unit}")
    elif progress.done:
        parts.append(f"{text.count(progress.done)} {progress.unit}")
    now = datetime.now(UTC)
    left = pace.left_s(job, now)
    parts += [rate] if (rate := pace.rate_words(job, now)) else []
    parts += [f"{text.age(left, short=True)} left"] if left is not None else []
    return "  ".join(parts).rstrip()
