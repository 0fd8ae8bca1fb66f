"""How full this process is, read once a second.

Used by `telemetry`. Each figure is a share of its limit; limits that the operating system sets
(cores, memory) are found once. Linux's /proc is read directly: psutil would cost 10 MB.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from console.serving.counters import Counters
from storage.records.endpoints import Saturation
from storage.records.reports import EndpointGauge

WAIT_LIMIT_MS: Final = 50.0
"""A quarter of the usual latency objective of 200 ms; waiting so long for the model is full."""
LAG_LIMIT_MS: Final = 100.0
_Number = TypeVar("_Number", int, float)
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Load:
    """What the event loop knows of itself."""

    in_flight: int
    limit: int


class Gauges:
    """Reads saturation; keeps what it needs to make rates of running totals."""

    def __init__(self, endpoint: str, directory: Path) -> None:
        self._endpoint = endpoint
        self._directory = directory
        self._cores = allotted_cores()
        self._memory_bytes = memory_limit_bytes()
        self._cpu_s = time.process_time()
        self._read_at = time.monotonic()

    def read(self, load: Load, counters: Counters, dropped_count: int) -> EndpointGauge:
        """Return the load since the last call and begin to count anew."""
        in_flight = _take(counters.in_flight) or [load.in_flight]
        waits = _take(counters.recent_queue_ms)
        lags = _take(counters.lag_ms)
        rss = rss_bytes()
        return EndpointGauge(
            endpoint=self._endpoint,
            saturation=Saturation(
                at=datetime.now(UTC),
                in_flight=_share(sum(in_flight) / len(in_flight), load.limit),
                queue_wait=_share(_p95(waits), WAIT_LIMIT_MS),
                cpu=self._cpu(),
                memory=_share(rss, self._memory_bytes),
                event_loop=_share(_p95(lags), LAG_LIMIT_MS),
                disk=self._disk(),
                rss_bytes=rss,
                dropped_count=dropped_count,
            ),
        )

    def _cpu(self) -> float:
        cpu_s, now = time.process_time(), time.monotonic()
        share = _share(cpu_s - self._cpu_s, (now - self._read_at) * self._cores)
        self._cpu_s, self._read_at = cpu_s, now
        return share

    def _disk(self) -> float:
        try:
            found = os.statvfs(self._directory)
        except OSError:
            return 0.0
        used = found.f_blocks - found.f_bfree
        return _share(used, used + found.f_bavail)


def rss_bytes() -> int:
    """Memory of this process that is in RAM."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        import psutil

        return int(psutil.Process().memory_info().rss)


def allotted_cores() -> float:
    """Cores this process may use: by affinity, and by the quota of its control group."""
    cores = float(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else 1.0
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return cores if quota == "max" else min(cores, int(quota) / int(period))
    except (OSError, ValueError):
        return cores


def memory_limit_bytes() -> int:
    """Memory this process may use: that of the machine, or of its control group."""
    total = os.sysconf("SC_PHYS_PAGES") * _PAGE
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        return total if text == "max" else min(total, int(text))
    except (OSError, ValueError):
        return total


def _share(value: float, limit: float) -> float:
    return round(value / limit, 4) if limit > 0 else 0.0


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))] if values else 0.0


def _take(values: deque[_Number]) -> list[_Number]:
    """Empty a deque that the event loop may be appending to."""
    taken: list[_Number] = []
    while values:
        taken.append(values.popleft())
    return taken
