"""The queue: how far each job is, what it is doing, what is left; then what ended.

Pure: jobs in, lines and columns out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from console import text
from console.rules.filtering import Field
from console.rules.lifecycle import FINAL
from console.rules.pace import duration_s, left_s, ratio
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import said, state
from console.tui.widgets.bars import progress
from console.tui.widgets.table_layout import Column
from storage.records.jobs import Job

BAR_CELLS = 10
PERCENT_CELLS = 6
LEAST_WORDS = 6

FIELDS: Mapping[str, Field[Job]] = {
    "id": Field(lambda job: job.id, "number"),
    "state": Field(lambda job: job.state),
    "kind": Field(lambda job: job.kind),
    "title": Field(lambda job: job.title),
    "by": Field(lambda job: job.created_by),
    "reason": Field(lambda job: job.reason or None),
    "started": Field(lambda job: job.started_at, "time"),
    "took": Field(lambda job: duration_s(job, None), "seconds"),
}
"""What `/` can ask of a job."""


def left_words(job: Job, now: datetime) -> str:
    """`4 m left`; how long it ran where the end is not known."""
    left = left_s(job, now)
    if left is not None:
        return f"{text.age(left, short=True)} left"
    ran = duration_s(job, now)
    return "" if ran is None else text.duration(ran)


def doing(job: Job, width: int) -> Line:
    """What a job is doing, waits for, or came to, in `width` cells."""
    if job.state == "queued":
        return Line((_waits_for(job), "quiet")).cut(width)
    if job.state in FINAL:
        return Line((job.reason or made_words(job), "quiet")).cut(width)
    what = "asked to stop" if job.cancel_requested_by else job.progress.text
    share = ratio(job)
    if share is None:
        nothing_said = "starting" if job.state == "starting" else "at work"
        return Line((what or nothing_said, "quiet")).cut(width)
    bar = progress(share, min(BAR_CELLS, max(4, width - PERCENT_CELLS)))
    line = bar + Line((f"{text.percent(share, 0):>{PERCENT_CELLS}}", "ink"))
    room = width - line.width
    return line + Line((f"  {what}", "quiet")).cut(room) if room >= LEAST_WORDS else line


def _waits_for(job: Job) -> str:
    if job.cancel_requested_by:
        return f"cancelled by {job.cancel_requested_by}"
    # The agent says what for; it has not looked yet when nothing stands there.
    return job.progress.text or "waits"


def made_words(job: Job) -> str:
    """What a job made or found, in a few words: `made flights@v3`, `repeats run 104`."""
    made = job.result
    if made.get("reproduces"):
        word = "repeats" if made.get("is_same") else "differs from"
        return f"{word} run {made['reproduces']}"
    for kind in ("dataset", "model"):
        if made.get(kind):
            version = made.get("version")
            name = str(made[kind])
            return f"made {name}@v{version}" if version and "@" not in name else f"made {name}"
    return ""


def columns(now: Callable[[], datetime]) -> list[Column[Job]]:
    """The columns of the queue."""

    def last(job: Job) -> Part:
        if job.state in FINAL:
            return Line((text.clock(job.ended_at, now(), seconds=False), "quiet"))
        return Line((left_words(job, now()), "quiet")) if job.started_at else EMPTY

    return [
        Column(key="job", align="right", cell=lambda job: str(job.id),
               is_pinned=True, sort=lambda job: job.id, first_descending=True,
               meaning="the number of the job; a training and its run have the same"),
        Column(key="state", width=11, is_pinned=True, cell=_state,
               sort=lambda job: job.state),
        Column(key="what", cell=lambda job: job.title, least=14, grow=1,
               sort=lambda job: job.title),
        Column(key="doing", draw=doing, width=34, least=16, rank=40,
               grow=2,
               meaning="share done, what it is doing; for what waits, what it waits for"),
        Column(key="left", rank=30, align="right", cell=last, width=9,
               meaning="time left at the pace so far; when it ended"),
    ]  # fmt: skip


def _state(job: Job) -> Line:
    return said(job.state)


def heading(jobs: tuple[Job, ...]) -> str:
    """`2 run, 2 wait`."""
    running = sum(job.state in ("running", "starting") for job in jobs)
    waiting = sum(job.state == "queued" for job in jobs)
    if not running and not waiting:
        return "nothing runs"
    parts = [f"{running} run" if running != 1 else "1 runs"] if running else []
    parts += [f"{waiting} wait" if waiting != 1 else "1 waits"] if waiting else []
    return ", ".join(parts)


def ended_words(jobs: tuple[Job, ...]) -> str:
    """`41 ended, 2 badly`."""
    ended = [job for job in jobs if job.state in FINAL]
    badly = sum(not state(job.state).is_quiet for job in ended)
    return f"{len(ended)} ended" + (f", {badly} badly" if badly else "") if ended else ""
