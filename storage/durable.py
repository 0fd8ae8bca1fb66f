"""Files that exist whole or not at all, also after a power cut.

For every process that leaves a file for another: configurations, identities, manifests, objects.
Invariant: a name appears only when its content is on the disk. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

BLOCK_BYTES: Final = 1024 * 1024


def sync_directory(path: Path) -> None:
    """Make names created, renamed or removed in a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Return when the content of the file is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def replace_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Give `path` this content in one step: a reader finds the old one or the new one, whole."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def copy_file(source: Path, target: Path) -> str:
    """Copy a file down to the disk and return the SHA-256 of what was read, in hex."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(BLOCK_BYTES):
            digest.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()
