"""Which queued job may start now, and what the others wait for.

Used by the supervisor. Invariant: a job that runs alone is never kept waiting for memory, so the
queue always goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from console import text
from storage.records.jobs import Job

MIB = 2**20
MEMORY_FLOOR_BYTES = 512 * MIB
"""A second job needs so much free memory."""
DISK_FLOOR_BYTES = 64 * MIB
"""With less, no job starts, and one that writes is ended. The store keeps half of it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is, in bytes."""

    memory_total: int
    memory_available: int
    disk_free: int


def look(directory: Path) -> Machine:
    memory = psutil.virtual_memory()
    return Machine(memory.total, memory.available, shutil.disk_usage(directory).free)


def waits_for(job: Job, running: Sequence[Job], machine: Machine, jobs_at_once: int) -> str:
    """What keeps a job whose turn it is from starting; empty when nothing does."""
    if machine.disk_free < DISK_FLOOR_BYTES:
        return f"waits for room on the disk: {text.byte_size(machine.disk_free)} are free"
    if len(running) >= jobs_at_once:
        return "waits for a free place"
    if not running:
        return ""
    wanted = max(MEMORY_FLOOR_BYTES, memory_limit(job))
    promised = sum(max(0, memory_limit(each) - (each.rss_bytes or 0)) for each in running)
    left = machine.memory_available - promised
    if left < wanted:
        return (
            f"waits for memory: it may need {text.byte_size(wanted)}, and "
            f"{text.byte_size(max(0, left))} are free"
        )
    return ""


def memory_limit(job: Job) -> int:
    """Bytes it may use; 0 = nobody said."""
    return int(job.spec.get("limits", {}).get("memory_bytes", 0))
