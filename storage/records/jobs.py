"""Jobs: one scheduled execution with a truthful state and a directory of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

JobState = Literal["queued", "starting", "running", "succeeded", "failed", "cancelled", "lost"]
JobKind = Literal[
    "ingest",
    "check",
    "diff",
    "train",
    "search",
    "evaluate",
    "measure",
    "predict",
    "replay",
    "export",
    "export-model",
    "import-model",
    "verify",
    "preview",
    "command",
]
FINAL_STATES: frozenset[str] = frozenset({"succeeded", "failed", "cancelled", "lost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a job is. `total` 0 = unknown."""

    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    """`fold`, `rows`, `requests`, `iteration`."""
    text: str = ""
    """What it is doing, e.g. `fold 3 of 5, AUC 0.741`."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """What a job may use before it is ended; 0 = as much as there is."""

    memory_bytes: int = 0
    """Of all its processes together."""
    time_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How a child process ended, as its keeper saw it."""

    exit_code: int | None
    """None when a signal ended it."""
    signal: int | None
    max_rss_bytes: int = 0
    ended_at: float = 0.0
    """Unix time."""
    oom_kills: int = 0
    """How often the kernel killed for memory while it ran."""
    survivors: tuple[str, ...] = ()
    """`name (pid)` of processes it left behind."""
    stopped_for: str = ""
    """`memory`, `time` or `disk`: the limit its keeper ended it for; `start`: it never ran."""
    used: float = 0.0
    """Bytes held, seconds run, or bytes the disk had left."""
    disk_free_bytes: int | None = None
    """On the disk of the workspace when it ended."""
    said: str = ""
    """Why it could not be started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: int
    kind: JobKind
    title: str
    """`train delays`, `data add flights`."""
    spec: dict[str, Any]
    """Everything the worker needs; JSON values. Equal to jobs/<id>/spec.json."""
    state: JobState
    priority: int = 0
    """Higher goes first; ties by id."""
    after: tuple[int, ...] = ()
    """Jobs that must have succeeded before."""
    retry_of: int | None = None
    created_at: datetime
    created_by: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    pid: int | None = None
    pid_started_at: float | None = None
    """Start time of the process, seconds since boot; pid and this name a process for certain."""
    boot_id: str = ""
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    """Why it ended as it did, one sentence; empty while it runs or when it succeeded."""
    progress: Progress = Progress()
    cpu_ratio: float | None = None
    """CPU used / one core, last sample."""
    rss_bytes: int | None = None
    peak_rss_bytes: int | None = None
    result: dict[str, Any]
    """What it made, e.g. `{"dataset": "flights", "version": 3}`; empty before the end."""
    cancel_requested_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """A stretch of a job's log, in bytes of the file, for a reader who goes on where it stopped."""

    text: str
    start: int
    end: int
    size: int
    """Bytes of the log so far."""
    is_final: bool
    """The job has ended and nothing follows `end`."""
