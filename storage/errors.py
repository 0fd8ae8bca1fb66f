"""The refusals of the store: what kind, one sentence, what to type next, the facts.

Raised by everything in `storage`; whoever talks to a person maps `kind`, `message`, `hint` and
`data` one to one. This package knows nothing of HTTP statuses or exit codes.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, Final


class StorageError(Exception):
    """A refusal in one sentence.

    `message` says what was wanted and what stopped it, with its numbers; `hint` what to type next;
    `data` the same facts for a program (JSON-safe values only).
    """

    kind = "internal"

    def __init__(self, message: str, *, hint: str = "", **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data: dict[str, Any] = data

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class NotFoundError(StorageError):
    """No such thing in this workspace."""

    kind = "not_found"


class ConflictError(StorageError):
    """The present state does not allow it."""

    kind = "conflict"


class DamagedError(StorageError):
    """A stored file does not match what was recorded."""

    kind = "damaged"


class InvalidError(StorageError):
    """The input was read and does not hold."""

    kind = "invalid"


class UnavailableError(StorageError):
    """A file system, a lock or the store itself is not there (now)."""

    kind = "unavailable"


class TooLargeError(StorageError):
    """The input is over a limit."""

    kind = "too_large"


RESTORE: Final = (
    "Restore a backup: mlops-console restore DIRECTORY --force (some may be in .mlops/backups)."
)
"""The way out of a damaged store."""

_WAYS_OUT = {
    errno.ENOSPC: "Free some disk space, then try again.",
    errno.EDQUOT: "Your disk quota is used up: free some space, then try again.",
    errno.EROFS: "The file system is mounted read-only: choose another directory with --workspace.",
    errno.EACCES: "Ask the owner for permission, or choose another directory with --workspace.",
    errno.EPERM: "Ask the owner for permission, or choose another directory with --workspace.",
    errno.ENOTDIR: "A file stands where a directory is needed: move it away.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n), then try again.",
}


def from_os_error(wanted: str, path: Path, error: OSError) -> StorageError:
    """Turn what the operating system said about `path` into a sentence; `wanted` is a verb phrase.

    >>> print(from_os_error("write", Path("/x"), OSError(errno.ENOSPC, "No space left on device")))
    cannot write /x: no space left on device. Free some disk space, then try again.
    """
    said = (error.strerror or str(error) or type(error).__name__).rstrip(".")
    said = said[:1].lower() + said[1:]
    cls = NotFoundError if isinstance(error, FileNotFoundError) else UnavailableError
    return cls(
        f"cannot {wanted} {path}: {said}.",
        hint=_WAYS_OUT.get(error.errno or 0, ""),
        path=str(path),
        errno=error.errno,
    )
