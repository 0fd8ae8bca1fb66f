"""Journals: what a child process reports, kept on disk until it has been counted once.

Workers and serving processes write them (`JournalWriter`), the agent reads them (`pending`, mostly
through `storage.ingest`). A journal is a directory of append-only segments, at least one per
writer; a line is `crc32 json`, and a `#` before the JSON says that the line is about the journal
itself. Invariant: what `flush` returned for survives a power cut, what was written survives a
kill, and a torn or damaged line is never taken for a document.

A writer holds a lock on its open segment: the kernel tells when it is gone, however it died.
Standard library and msgspec only: a serving process imports this before it answers.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from storage.durable import sync_directory
from storage.errors import UnavailableError, from_os_error

SUFFIX: Final = ".journal"

_MIB: Final = 1024 * 1024
_LINE_BYTES: Final = 16 * _MIB
"""Longest line; what goes on longer without an end is damage."""


class JournalWriter:
    """Appends documents without making the caller wait for a disk.

    A thread writes what was appended every `flush_interval_s` and syncs it every `sync_interval_s`.
    When the disk does not keep up, at most `spool_bytes` wait in memory; what comes then is
    dropped and counted, and the count is written to the journal as soon as there is room.
    """

    def __init__(
        self,
        directory: Path,
        *,
        flush_interval_s: float = 0.2,
        sync_interval_s: float = 2.0,
        segment_bytes: int = 64 * _MIB,
        spool_bytes: int = 8 * _MIB,
    ) -> None:
        self.directory = directory
        self.dropped_count = 0
        """Documents that found no room, since the writer started."""
        self.last_error: OSError | None = None
        """Why nothing can be written at the moment."""
        self._flush_interval_s = flush_interval_s
        self._sync_interval_s = sync_interval_s
        self._segment_bytes = segment_bytes
        self._spool_bytes = spool_bytes
        self._encode = msgspec.json.Encoder().encode
        self._spool: list[bytes] = []
        self._spooled_bytes = 0
        self._spool_lock = threading.Lock()
        self._unreported_drops = 0
        self._disk_lock = threading.Lock()
        self._rest = b""
        """Lines taken from the spool of which the disk has not had everything."""
        self._descriptor = -1
        self._size_bytes = 0
        self._segment_count = 0
        self._is_dirty = False
        self._synced_at = time.monotonic()
        self._stop = threading.Event()
        self._open_segment()
        self._thread = threading.Thread(target=self._loop, name="journal", daemon=True)
        self._thread.start()

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, document: Any) -> bool:
        """Take a document; False when it had to be dropped.

        Anything msgspec encodes will do; NaN and infinities arrive as null.
        """
        line = _line(self._encode(document))
        with self._spool_lock:
            is_closed = self._stop.is_set()
            if is_closed or self._spooled_bytes + len(line) > self._spool_bytes:
                self.dropped_count += 1
                self._unreported_drops += 1
                return False
            self._spool.append(line)
            self._spooled_bytes += len(line)
        return True

    def flush(self) -> None:
        """Return when everything appended before is on the disk, or raise `UnavailableError`."""
        try:
            with self._disk_lock:
                self._write_out()
                self._sync()
        except OSError as error:
            raise from_os_error("write a journal in", self.directory, error) from error

    def close(self) -> None:
        """Write and sync what is left and leave the segment to the reader."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join()
        try:
            self.flush()
        except UnavailableError as error:
            lost = len(self._spool) + self._rest.count(b"\n")
            raise UnavailableError(
                f"{lost} journal lines were lost at the end: {error.message}", hint=error.hint
            ) from error
        finally:
            with self._disk_lock:
                self._close_segment()

    def _loop(self) -> None:
        while not self._stop.wait(self._flush_interval_s):
            try:
                with self._disk_lock:
                    self._write_out()
                    if time.monotonic() - self._synced_at >= self._sync_interval_s:
                        self._sync()
            except OSError as error:
                self.last_error = error  # Tried again next time; the spool bounds what waits.

    def _write_out(self) -> None:
        """Hand all whole lines to the kernel; after a kill of this process they are safe."""
        while self._rest or self._take():
            if self._descriptor < 0:
                self._open_segment()
            written = os.write(self._descriptor, self._rest)
            self._rest = self._rest[written:]
            self._size_bytes += written
            self._is_dirty = True
            if not self._rest and self._size_bytes >= self._segment_bytes:
                self._sync()
                self._close_segment()
        self.last_error = None

    def _take(self) -> bool:
        """Move the spool to `_rest`; False when there is nothing."""
        with self._spool_lock:
            lines, self._spool, self._spooled_bytes = self._spool, [], 0
            drops, self._unreported_drops = self._unreported_drops, 0
        if drops:
            lines.append(_line(b"#" + self._encode(_Note(dropped_count=drops))))
        self._rest = b"".join(lines)
        return bool(lines)

    def _open_segment(self) -> None:
        """Start a segment; it gets its name only when it is locked and has its first line."""
        name = f"{time.time_ns():019d}-{os.getpid()}-{self._segment_count:04d}{SUFFIX}"
        unnamed = self.directory / f".{name}"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                head = _line(b"#" + self._encode(_Note(segment=name)))
                if os.write(descriptor, head) != len(head):
                    raise OSError(errno.ENOSPC, "No space left on device")
                unnamed.rename(self.directory / name)
            except BaseException:
                os.close(descriptor)
                unnamed.unlink(missing_ok=True)
                raise
        except OSError as error:
            if self._segment_count == 0:
                raise from_os_error("start a journal in", self.directory, error) from error
            raise
        self._descriptor = descriptor
        self._size_bytes = len(head)
        self._segment_count += 1

    def _sync(self) -> None:
        if self._is_dirty and self._descriptor >= 0:
            os.fsync(self._descriptor)
            sync_directory(self.directory)
            self._is_dirty = False
        self._synced_at = time.monotonic()

    def _close_segment(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOffset:
    """How far one segment was read."""

    segment: str
    offset_bytes: int = 0
    done: bool = False
    """Its writer is gone and everything in it was read."""
    bad_count: int = 0
    """Lines that could not be read or applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A stretch of a segment in whole lines."""

    segment: str
    start: int
    end: int
    """Offset behind the last line; what to record when the documents are applied."""
    docs: list[Any]
    ends: list[int]
    """The offset behind each document, for a reader that applies them one by one."""
    bad_count: int = 0
    """Damaged lines that were skipped."""
    dropped_count: int = 0
    """Documents the writer says it had no room for."""
    is_last: bool = False
    """The writer is gone and nothing follows."""


def pending(
    directory: Path,
    offsets: Mapping[str, SegmentOffset],
    *,
    decode: Callable[[bytes], Any] = msgspec.json.decode,
    batch_bytes: int = 2 * _MIB,
) -> Iterator[Batch]:
    """Yield what lies behind `offsets`, oldest segment first; a line still being written waits.

    A document that `decode` refuses counts as damaged. Segments that are done are passed over.
    """
    for path in list_segments(directory):
        known = offsets.get(path.name, SegmentOffset(segment=path.name))
        if not known.done:
            yield from _read_segment(path, known.offset_bytes, decode, batch_bytes)


def list_segments(directory: Path) -> list[Path]:
    """The segments of a journal, oldest first; links and other files are not segments."""
    try:
        with os.scandir(directory) as entries:
            names = [
                entry.name
                for entry in entries
                if entry.name.endswith(SUFFIX)
                and not entry.name.startswith(".")
                and entry.is_file(follow_symlinks=False)
            ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise from_os_error("read the journal in", directory, error) from error
    return [directory / name for name in sorted(names)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    """A line about the journal itself."""

    segment: str = ""
    """The name the segment was given, so that a copy of it is not counted again."""
    dropped_count: int = 0


@dataclass(slots=True)
class _Lines:
    """What one block of a segment holds."""

    docs: list[Any] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    bad_count: int = 0
    dropped_count: int = 0
    is_foreign: bool = False


def _line(body: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _read_segment(
    path: Path, start: int, decode: Callable[[bytes], Any], batch_bytes: int
) -> Iterator[Batch]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise from_os_error("read", path, error) from error
    with file:
        # Asked before reading: what a writer that is gone has written is all there now.
        is_finished = _is_finished(file)
        while True:
            block = _whole_lines(file, start, batch_bytes)
            if not block:
                break
            lines = _parse(path.name, block, start, decode)
            end = start + len(block)
            if lines.is_foreign:
                yield Batch(
                    segment=path.name,
                    start=start,
                    end=end,
                    docs=[],
                    ends=[],
                    bad_count=1,
                    is_last=True,
                )
                return
            yield Batch(
                segment=path.name,
                start=start,
                end=end,
                docs=lines.docs,
                ends=lines.ends,
                bad_count=lines.bad_count,
                dropped_count=lines.dropped_count,
            )
            start = end
    if is_finished:
        # A torn end of a dead writer was acknowledged to nobody and is left out.
        yield Batch(segment=path.name, start=start, end=start, docs=[], ends=[], is_last=True)


def _is_finished(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def _whole_lines(file: BinaryIO, start: int, batch_bytes: int) -> bytes:
    """Return the lines from `start` on, about `batch_bytes`; nothing when none is whole."""
    size = batch_bytes
    while True:
        file.seek(start)
        block = file.read(size)
        end = block.rfind(b"\n") + 1
        if end or len(block) < size:
            return block[:end]
        if size >= _LINE_BYTES:
            return block  # No line is this long: taken as one damaged line.
        size = min(2 * size, _LINE_BYTES)


def _parse(name: str, block: bytes, start: int, decode: Callable[[bytes], Any]) -> _Lines:
    found = _Lines()
    end = start
    for line in block.removesuffix(b"\n").split(b"\n"):
        end += len(line) + 1
        body = line[9:]
        try:
            if int(line[:8], 16) != zlib.crc32(body):
                raise ValueError("checksum")
            if not body.startswith(b"#"):
                found.docs.append(decode(body))
                found.ends.append(end)
                continue
            note = msgspec.json.decode(body[1:], type=_Note)
        except (ValueError, msgspec.MsgspecError):
            found.bad_count += 1
            continue
        found.dropped_count += note.dropped_count
        found.is_foreign |= note.segment not in ("", name)
    return found
