"""Jobs: start, follow, stop, repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.wire.routes import ANYONE, WRITERS, Route
from storage.records.jobs import Job, LogChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class ListJobs:
    state: str = ""
    """One state, `active` (not ended) or empty for all."""
    kind: str = ""
    limit: int = 200
    before: int = 0
    """Only ids below this one: the next page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobId:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLog:
    id: int
    start: int = -1
    """Byte to read from; negative = so many from the end."""
    limit: int = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryJob:
    id: int
    params: dict[str, Any]
    """Changed parameters of a training; empty = the same again."""
    memory_bytes: int = 0
    """Limits instead of those it had; 0 = the same again."""
    time_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SetJob:
    """Another place in the queue for a job that waits in it."""

    id: int
    priority: int | None = None
    """Higher goes first; None = as it is."""
    after: tuple[int, ...] | None = None
    """Jobs that must have succeeded before; empty = none, None = as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCommand:
    command: tuple[str, ...]
    """Program and arguments, no shell."""
    directory: str = ""
    """Absolute; empty = the workspace."""
    path: str = ""
    """Where programs are looked for, as in PATH; empty = where the agent looks."""
    title: str = ""
    priority: int = 0
    after: tuple[int, ...] = ()
    memory_bytes: int = 0
    """It is ended when all its processes together hold more; 0 = what the workspace says."""
    time_s: float = 0.0
    """It is ended when it runs longer; 0 = what the workspace says."""


list_jobs = Route(
    "list_jobs", "GET", "/v1/jobs", ANYONE, ListJobs, list[Job], "Jobs, newest first."
)
get_job = Route("get_job", "GET", "/v1/jobs/{id}", ANYONE, JobId, Job, "One job as it stands.")
get_log = Route(
    "get_log", "GET", "/v1/jobs/{id}/log", ANYONE, GetLog, LogChunk,
    "A stretch of what the job printed.",
)  # fmt: skip
cancel_job = Route(
    "cancel_job", "POST", "/v1/jobs/{id}/cancel", WRITERS, JobId, Job,
    "Ask a job to stop, then make it.",
)  # fmt: skip
retry_job = Route(
    "retry_job", "POST", "/v1/jobs/{id}/retry", WRITERS, RetryJob, Job,
    "Queue the same work again as a new job.",
)  # fmt: skip
set_job = Route(
    "set_job", "POST", "/v1/jobs/{id}/set", WRITERS, SetJob, Job,
    "Give a waiting job another priority, or other jobs to wait for.",
)  # fmt: skip
start_command = Route(
    "start_command", "POST", "/v1/jobs", WRITERS, StartCommand, Job,
    "Run any program as a job, with its log, limits and a truthful end.",
)  # fmt: skip
ROUTES = (list_jobs, get_job, get_log, cancel_job, retry_job, set_job, start_command)
