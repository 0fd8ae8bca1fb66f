"""How far a job is, how fast it goes and when it ends, from what it said last.

Used by the command line and the console; standard library only. Invariant: nothing is said about
the end before enough has been done to say it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from console import text
from console.rules.lifecycle import FINAL
from storage.records.jobs import Job

LEAST_SHARE: Final = 0.02
"""Below this share nothing can be said about when it ends."""
COUNTED: Final = frozenset({"rows", "requests", "iteration"})
"""Units whose rate means something; steps are of different length."""


def is_active(job: Job) -> bool:
    return job.state not in FINAL


def ratio(job: Job) -> float | None:
    """How far a job is, from 0 to 1; None when it cannot say."""
    found = job.progress
    return min(max(found.done / found.total, 0.0), 1.0) if found.total > 0 else None


def duration_s(job: Job, now: datetime | None) -> float | None:
    """How long it ran, up to `now` while it does."""
    end = job.ended_at or now
    if job.started_at is None or end is None:
        return None
    return max(0.0, (end - job.started_at).total_seconds())


def left_s(job: Job, now: datetime) -> float | None:
    """How long it will still run when it goes on at this pace; None when that is not known yet."""
    done, ran = ratio(job), duration_s(job, now)
    if done is None or ran is None or done < LEAST_SHARE or not is_active(job):
        return None
    told = job.progress.at
    since = max(0.0, (now - told).total_seconds()) if told is not None else 0.0
    return max(0.0, (ran - since) * (1 - done) / done - since)


def rate_words(job: Job, now: datetime) -> str:
    """`12 000 rows/s` of a job that counts something; empty otherwise."""
    told, ran = job.progress, duration_s(job, now)
    if told.unit not in COUNTED or not told.done or not ran or not is_active(job):
        return ""
    since = max(0.0, (now - told.at).total_seconds()) if told.at is not None else 0.0
    if ran - since <= 0:
        return ""
    return f"{text.count(round(told.done / (ran - since)))} {told.unit}/s"
