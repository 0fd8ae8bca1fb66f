"""What a job that reads files from outside may use, and whether there is room for them at all.

Used when an ingest or a check is queued. Nobody has vouched for such files: one that was made to be
expensive ends its own job and nothing else, and one that cannot fit is not begun. Invariant: what
the workspace declares or the person asks for goes before what is worked out here.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from console import errors, text
from console.agent import admission

if TYPE_CHECKING:
    from console.agent.context import Call

MIB = 2**20
LEAST_MEMORY_BYTES = 2048 * MIB
MEMORY_SHARE = 3
"""A third of the machine, so that another job and the endpoints have theirs."""
LEAST_TIME_S = 1800.0
TIME_S_PER_MIB = 10.0
"""A hundred times of what reading a CSV file takes on a slow machine."""
_ROW_BYTES = 100
"""Of a stored version, about."""


def limits(call: Call, files: Sequence[str], rows: int) -> dict[str, float]:
    """Limits of the job that reads `files` beside a version of `rows`, for its spec."""
    declared = call.agent.declaration.limits
    found: dict[str, float] = {}
    if not declared.memory_gb:
        third = psutil.virtual_memory().total // MEMORY_SHARE
        found["memory_bytes"] = max(LEAST_MEMORY_BYTES, third)
    if not declared.minutes:
        size = sum(_sizes(files)) + rows * _ROW_BYTES
        found["time_s"] = LEAST_TIME_S + TIME_S_PER_MIB * (size // MIB)
    return found


def check_room(call: Call, what: str, files: Sequence[str]) -> None:
    """Raise `UnavailableError` where the disk would be full before the files are read.

    Chunks are smaller than what they came from; texts may have to be written once more on the way.
    """
    needed = sum(_sizes(files))
    free = call.agent.database.free_bytes
    if free - needed >= admission.DISK_FLOOR_BYTES:
        return
    raise errors.UnavailableError(
        f"cannot {what}: it may need {text.byte_size(needed)} on the disk of {call.root}, and "
        f"{text.byte_size(free)} are free ({text.byte_size(admission.DISK_FLOOR_BYTES)} of them "
        "are kept in reserve).",
        hint="Make room first, for example: mlops-console data gc --remove",
        needed_bytes=needed,
        free_bytes=free,
    )


def _sizes(files: Sequence[str]) -> Iterator[int]:
    """Of files and of what lies in directories; patterns are for the worker."""
    for file in files:
        path = Path(file)
        try:
            found = path.stat()
            if stat.S_ISDIR(found.st_mode):
                yield from (each.stat().st_size for each in path.iterdir() if each.is_file())
            else:
                yield found.st_size
        except OSError:
            continue  # reading says what is wrong with it
