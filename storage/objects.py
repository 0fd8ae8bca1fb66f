"""Content-addressed files: data chunks, models, profiles, reports.

For every process of a workspace. A file is named by the SHA-256 of its content,
`objects/ab/cdef…`, and never changes. Invariant: an object exists whole or not at all; it is
written under another name, brought to the disk, then renamed. Writing the same content twice keeps
the first.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

import msgspec

from storage.durable import copy_file, sync_directory
from storage.errors import DamagedError, InvalidError, NotFoundError, from_os_error

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_UNFINISHED: Final = "unfinished-"
UNFINISHED_AGE_S: Final = 24 * 3600.0
"""Unfinished files older than this were left by a crash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What a collection removed, or would remove."""

    object_count: int = 0
    size_bytes: int = 0
    kept_count: int = 0
    unfinished_count: int = 0
    """Leftovers of crashes, besides the objects."""


class Objects:
    """The object files under one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_bytes(self, data: bytes) -> str:
        """Keep `data` and return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        if not self._renew(digest):
            self._put(lambda unfinished: _write(unfinished, data), f"{len(data)} bytes")
        return digest

    def put_json(self, document: Any) -> str:
        """Keep a document; equal documents have equal digests (keys are sorted)."""
        return self.put_bytes(msgspec.json.encode(document, order="deterministic"))

    def put_file(self, path: Path) -> str:
        """Keep the content of a file, which is read once, and return its digest."""
        return self._put(lambda unfinished: copy_file(path, unfinished), str(path))

    def path(self, digest: str) -> Path:
        """Where the object is, or would be. Raises `InvalidError` for what is not a digest."""
        if _DIGEST.fullmatch(digest) is None:
            raise InvalidError(f"{digest[:80]!r} is not a digest: it has 64 digits 0-9 a-f.")
        return self.root / digest[:2] / digest[2:]

    def has(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def size_bytes(self, digest: str) -> int:
        try:
            return self.path(digest).stat().st_size
        except OSError as error:
            raise self._missing(digest, error) from error

    def open(self, digest: str) -> BufferedReader:
        """Open an object for reading; close it. Its content is not checked, see `verify`."""
        try:
            return self.path(digest).open("rb")
        except OSError as error:
            raise self._missing(digest, error) from error

    def read_bytes(self, digest: str) -> bytes:
        """Return an object's content after checking it against its name."""
        with self.open(digest) as file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() != digest:
            raise self._damaged(digest)
        return data

    def read_json(self, digest: str) -> Any:
        """Return the document of an object after checking it against its name."""
        data = self.read_bytes(digest)
        try:
            return msgspec.json.decode(data)
        except msgspec.MsgspecError as error:
            raise InvalidError(f"object {digest} is not a JSON document: {error}.") from error

    def verify(self, digest: str) -> None:
        """Raise `DamagedError` unless the object's content matches its name."""
        with self.open(digest) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise self._damaged(digest)

    def __iter__(self) -> Iterator[str]:
        """The digests of all objects, in no order."""
        for path in self._files():
            digest = path.parent.name + path.name
            if _DIGEST.fullmatch(digest):
                yield digest

    def remove_except(
        self, kept: Collection[str], *, now_s: float, min_age_s: float = 3600.0, dry_run: bool
    ) -> Removal:
        """Remove objects not in `kept`, and what crashes left; with `dry_run` only count them.

        `now_s` is the time in seconds since 1970. Objects younger than `min_age_s` stay: whoever
        wrote them may be about to refer to them.
        """
        objects, sizes, kept_count, unfinished_count = 0, 0, 0, 0
        for path in self._files():
            try:
                is_unfinished = path.name.startswith(_UNFINISHED)
                limit_s = UNFINISHED_AGE_S if is_unfinished else min_age_s
                if path.parent.name + path.name in kept:
                    kept_count += 1
                    continue
                with self._turn(fcntl.LOCK_EX):
                    stat = path.stat()
                    is_old = now_s - stat.st_mtime >= limit_s
                    if is_old and not dry_run:
                        path.unlink()
                if not is_old:
                    kept_count += not is_unfinished
                    continue
            except FileNotFoundError:
                continue  # Finished or removed by somebody else just now.
            except OSError as error:
                raise from_os_error("remove", path, error) from error
            unfinished_count += is_unfinished
            objects += not is_unfinished
            sizes += stat.st_size
        return Removal(
            object_count=objects,
            size_bytes=sizes,
            kept_count=kept_count,
            unfinished_count=unfinished_count,
        )

    def _put(self, fill: Callable[[Path], str], what: str) -> str:
        """Write a file with `fill`, which returns its digest, and give it its place."""
        unfinished = self.root / f"{_UNFINISHED}{os.getpid()}-{secrets.token_hex(8)}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            try:
                digest = fill(unfinished)
                if not self._renew(digest):
                    unfinished.chmod(0o400)
                    place = self.path(digest)
                    place.parent.mkdir(mode=0o700, exist_ok=True)
                    unfinished.rename(place)
                    sync_directory(place.parent)
                    sync_directory(self.root)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise from_os_error(f"keep {what} in", self.root, error) from error
        return digest

    def _renew(self, digest: str) -> bool:
        """Whether the object is there; it counts as new then and survives a running collection."""
        if not self.has(digest):
            return False
        with self._turn(fcntl.LOCK_SH):
            try:
                os.utime(self.path(digest))
            except FileNotFoundError:
                return False
            return True

    @contextmanager
    def _turn(self, kind: int) -> Iterator[None]:
        """Keep those who renew objects and the one who removes them apart."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _files(self) -> Iterator[Path]:
        """Everything in the directory and its subdirectories of two digits."""
        for path in self.root.iterdir() if self.root.is_dir() else ():
            if path.is_dir() and len(path.name) == 2:
                yield from path.iterdir()
            elif path.name.startswith(_UNFINISHED):
                yield path

    def _missing(self, digest: str, error: OSError) -> Exception:
        if not isinstance(error, FileNotFoundError):
            return from_os_error("read", self.path(digest), error)
        return NotFoundError(
            f"object {digest} is not in {self.root}.",
            hint="It was removed, or the workspace was copied without its objects.",
            digest=digest,
        )

    def _damaged(self, digest: str) -> DamagedError:
        path = self.path(digest)
        return DamagedError(
            f"object {digest} does not match its name: {path} was changed on disk "
            f"({path.stat().st_size} bytes now).",
            hint=f"Put back a good copy of {path}, or make it again from its source.",
            digest=digest,
            path=str(path),
        )


def _write(path: Path, data: bytes) -> str:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()
