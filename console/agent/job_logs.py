"""Reading a job's log: any stretch of it, whole characters only, over what was given back.

Of a very long log the keeper returns the middle to the disk (see `console/worker/shim.py`). Places
in the file stay what they are, so a reader who goes on where it stopped steps over the hole, told
how much is missing.
"""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import BinaryIO

from console import errors, text
from storage.records.jobs import LogChunk

LOG_LIMIT_BYTES = 256 * 1024


def read_log(path: Path, start: int, limit: int, *, has_ended: bool) -> LogChunk:
    """At most `limit` bytes from `start` on; a negative `start` counts from the end.

    Raises `UnavailableError` when the file cannot be read; no file is an empty log.
    """
    try:
        with path.open("rb") as log:
            return _read(log, start, min(max(1, limit), LOG_LIMIT_BYTES), has_ended=has_ended)
    except FileNotFoundError:
        return LogChunk(text="", start=0, end=0, size=0, is_final=has_ended)
    except OSError as error:
        raise errors.UnavailableError(f"cannot read {path}: {error.strerror}.") from error


def _read(log: BinaryIO, start: int, limit: int, *, has_ended: bool) -> LogChunk:
    size = os.fstat(log.fileno()).st_size
    start = min(start if start >= 0 else max(0, size + start), size)
    data, hole = _written_stretch(log, start, size)
    if data > start:
        missing = f"\n… {text.byte_size(data - start)} of output were not kept …\n"
        is_final = has_ended and data >= size
        return LogChunk(text=missing, start=start, end=data, size=size, is_final=is_final)
    log.seek(start)
    wanted = min(limit, hole - start)
    raw = log.read(wanted)
    # A chunk may end inside a character; the next one starts where whole characters ended.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    shown = decoder.decode(raw)
    waiting = len(decoder.getstate()[0])
    if waiting and (start + wanted >= size or waiting == len(raw)):
        shown += decoder.decode(b"", final=True)
        waiting = 0
    end = start + len(raw) - waiting
    return LogChunk(text=shown, start=start, end=end, size=size, is_final=has_ended and end >= size)


def _written_stretch(log: BinaryIO, start: int, size: int) -> tuple[int, int]:
    """Where the next written bytes begin and end at or after `start`."""
    if start >= size:
        return start, size
    try:
        data = os.lseek(log.fileno(), start, os.SEEK_DATA)
        return data, os.lseek(log.fileno(), data, os.SEEK_HOLE)
    except OSError:
        return start, size  # the file system knows no holes, or nothing but a hole is left
