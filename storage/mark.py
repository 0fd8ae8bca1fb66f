"""The high-water mark: what the store must at least contain.

Kept by `storage.database`. DuckDB opens a store whose log was cut off without a word; the mark, a
small file beside it, tells. Invariant: a mark on disk never claims more than what was committed
before it was written, so a store behind its mark has lost something.

Two slots are written in turn, each with a checksum: a write torn by a power cut leaves the other.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from storage.durable import sync_directory
from storage.errors import from_os_error

_SLOT_BYTES: Final = 4096
_SLOTS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Which store, how often opened, how far written."""

    store_id: str
    epoch: int
    """Rises by one with every opening."""
    sequence: int
    """Rises by one with every committed group of writes."""
    is_clean: bool
    """The agent closed the store; False while it is open and after a crash."""
    home: str
    """Identity of the state directory, to notice a copied workspace."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """What one slot holds."""

    turn: int
    """Rises with every write; the higher one counts."""
    mark: Mark


class MarkFile:
    """The file of one workspace; `write` returns when the mark is on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = 0
        self._descriptor = -1

    def read(self) -> Mark | None:
        """Return the newest whole mark, or None when there is none."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise from_os_error("read", self.path, error) from error
        slots = [data[i * _SLOT_BYTES : (i + 1) * _SLOT_BYTES] for i in range(_SLOTS)]
        found = [parsed for parsed in map(_parse, slots) if parsed is not None]
        if not found:
            return None
        newest = max(found, key=lambda each: each.turn)
        self._turn = newest.turn + 1
        return newest.mark

    def write(self, mark: Mark) -> None:
        """Put `mark` on the disk in place of the older of the two slots. Raises `OSError`."""
        if self._descriptor < 0:
            self._open()
        body = msgspec.json.encode(_Slot(self._turn, mark))
        line = b"%08x %s\n" % (zlib.crc32(body), body)
        os.pwrite(self._descriptor, line, self._turn % _SLOTS * _SLOT_BYTES)
        os.fsync(self._descriptor)
        self._turn += 1

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _open(self) -> None:
        is_new = not self.path.exists()
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if is_new:
            # Blocks now, so that later marks need none on a full disk.
            os.pwrite(self._descriptor, b" " * (_SLOT_BYTES * _SLOTS), 0)
            sync_directory(self.path.parent)


def _parse(slot: bytes) -> _Slot | None:
    head, _, body = slot.split(b"\n", 1)[0].partition(b" ")
    try:
        if int(head, 16) != zlib.crc32(body):
            return None
        return msgspec.json.decode(body, type=_Slot)
    except (ValueError, msgspec.MsgspecError):
        return None
