"""What running jobs take of the machine: a short history of each, as the snapshots tell it.

Pure but for what it remembers; the newest samples are the last ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from console import text
from console.rules.pace import is_active
from console.tui.ink import EMPTY, Line
from console.tui.widgets.bars import sparkline
from storage.records.jobs import Job

SAMPLES = 60
BARS = 12


class Usage:
    """Processor use of jobs over the last looks."""

    def __init__(self) -> None:
        self._cpu: dict[int, deque[float]] = {}

    def take(self, jobs: Sequence[Job]) -> None:
        """Remember what running jobs use now; forget those that ended."""
        running = {job.id: job for job in jobs if is_active(job) and job.cpu_ratio is not None}
        self._cpu = {id: kept for id, kept in self._cpu.items() if id in running}
        for id, job in running.items():
            self._cpu.setdefault(id, deque(maxlen=SAMPLES)).append(job.cpu_ratio or 0.0)

    def words(self, job: Job) -> Line:
        """`▂▅▇ 1.9 cores · 412.0 MB` of a running job; empty for any other."""
        if not is_active(job) or job.cpu_ratio is None:
            return EMPTY
        cores = f" {text.fixed(job.cpu_ratio, 1)} cores"
        memory = f" · {text.byte_size(job.rss_bytes)}" if job.rss_bytes else ""
        samples = list(self._cpu.get(job.id, ()))
        return sparkline(samples, min(BARS, len(samples))) + Line((cores + memory, "quiet"))
