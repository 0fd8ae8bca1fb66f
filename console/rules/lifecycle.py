"""What the end of a process says about its job.

The agent asks here before it writes a final state; standard library only. Invariants: a final state
is never left (running the same thing again is a new job that names the old one, `retry_of`), and
what a job said itself is believed last: a worker that reported success and then crashed has failed.
"""

from __future__ import annotations

import signal
from typing import Final

from console import text
from storage.records.jobs import FINAL_STATES, Job, JobState, ProcessEnd

FULL_DISK_BYTES: Final = 1 << 20
FINAL: Final[frozenset[str]] = FINAL_STATES


def verdict(job: Job, end: ProcessEnd, printed_last: str = "") -> tuple[JobState, str]:
    """State and reason of a job whose process ended; the reason of a success is mostly empty.

    `printed_last` is the last line of its log, for programs that say why only there.
    """
    left = f"it left behind {', '.join(end.survivors)}" if end.survivors else ""
    if end.stopped_for:
        return "failed", _joined(_over_limit(job, end), left)
    if end.exit_code == 0:
        return "succeeded", left
    if job.cancel_requested_by:
        how = "killed after ignoring the request" if end.signal == signal.SIGKILL else "stopped"
        return "cancelled", _joined(f"cancelled by {job.cancel_requested_by}, {how}", left)
    if end.signal is not None:
        return "failed", _joined(_killed(end), left)
    said = printed_last or "it printed nothing"
    if end.disk_free_bytes is not None and end.disk_free_bytes < FULL_DISK_BYTES:
        said += "; the disk was full"
    told = job.reason or f"ended with exit code {end.exit_code}: {said}"
    return "failed", _joined(told, left)


def _over_limit(job: Job, end: ProcessEnd) -> str:
    limits = job.spec.get("limits", {})
    if end.stopped_for == "start":
        return f"cannot start {end.said}. Is it installed, and spelled like this?"
    if end.stopped_for == "memory":
        allowed = limits.get("memory_bytes", 0)
        return (
            f"ended because it used {text.byte_size(end.used)} of memory and may use "
            f"{text.byte_size(allowed)}. Give it more: "
            f"mlops-console job retry {job.id} --memory {2 * allowed / 1e9:.3g}GB"
        )
    if end.stopped_for == "time":
        allowed = limits.get("time_s", 0.0)
        return (
            f"ended because it ran for {text.duration(end.used)} and may run for "
            f"{text.duration(allowed)}. Give it more: "
            f"mlops-console job retry {job.id} --time {2 * allowed:.0f}s"
        )
    return (
        f"ended because it filled the disk: {text.byte_size(end.used)} were left. "
        f"Make room (mlops-console data gc --remove), then: mlops-console job retry {job.id}"
    )


def _killed(end: ProcessEnd) -> str:
    name = signal.Signals(end.signal or 0).name
    if end.oom_kills and end.signal == signal.SIGKILL:
        return (
            "killed by the system because the machine was out of memory. Give it less data, or a "
            "limit of its own: --memory SIZE"
        )
    return f"killed by {name}"


def _joined(reason: str, left: str) -> str:
    return f"{reason.rstrip('.')}; {left}" if left else reason
