"""Consistent copies of a store, and the way back.

`create` is called by `storage.database` while the agent works; `restore` by a command while no
agent runs. A backup is a directory with a database of its own, made through SQL (nobody may read
the live file), and a manifest with its digest. Objects are not part of it: they never change.
Invariant: a directory with a manifest is a whole backup; what `restore` replaces is kept.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from duckdb import DuckDBPyConnection

from storage import engine, opening, salvage
from storage.durable import copy_file, replace_file, sync_directory
from storage.errors import ConflictError, DamagedError, NotFoundError, from_os_error
from storage.lock import AgentLock
from storage.mark import MarkFile
from storage.workspace import Workspace

_STORE: Final = "store.duckdb"
_MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup, as its manifest tells."""

    created_at: datetime
    store_id: str
    epoch: int
    sequence: int
    sha256: str
    size_bytes: int
    directory: str = ""
    """Where it lies now; not part of the manifest."""


def create(
    workspace: Workspace, connection: DuckDBPyConnection, now: datetime, target: Path | None
) -> Backup:
    """Copy the store as of one moment to `target` (a directory that must not exist yet)."""
    name = now.strftime("%Y%m%dT%H%M%S_%fZ")
    final = target or workspace.backups / name
    if final.exists():
        raise ConflictError(
            f"cannot back up to {final}: it exists already.", hint="Name another directory."
        )
    partial = workspace.backups / f"{name}.partial"
    try:
        partial.mkdir(parents=True, mode=0o700)
        try:
            with engine.told(partial / _STORE):
                made = _copied(connection, partial / _STORE, now)
            replace_file(partial / _MANIFEST, msgspec.json.encode(made))
            _move(partial, final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise from_os_error("back up to", final, error) from error
    return replace(made, directory=str(final))


def list_backups(workspace: Workspace) -> list[Backup]:
    """The backups in the workspace, newest first."""
    if not workspace.backups.is_dir():
        return []
    found = [
        read(path)
        for path in workspace.backups.iterdir()
        if (path / _MANIFEST).is_file() and path.suffix != ".partial"
    ]
    return sorted(found, key=lambda each: each.created_at, reverse=True)


def read(directory: Path) -> Backup:
    """Return what the backup in `directory` says of itself."""
    try:
        data = (directory / _MANIFEST).read_bytes()
        return replace(msgspec.json.decode(data, type=Backup), directory=str(directory))
    except FileNotFoundError:
        raise NotFoundError(
            f"{directory} is not a backup: it has no {_MANIFEST}.",
            hint="Backups are made by mlops-console backup; some may be in .mlops/backups.",
            path=str(directory),
        ) from None
    except OSError as error:
        raise from_os_error("read", directory / _MANIFEST, error) from error
    except msgspec.MsgspecError as error:
        raise DamagedError(
            f"{directory / _MANIFEST} cannot be read: {error}.", hint="Use another backup."
        ) from error


def restore(workspace: Workspace, directory: Path, clock: opening.Clock) -> Path:
    """Put a backup in the place of the store; return where the replaced files went.

    Takes the agent lock. A crash in between leaves a state that the next start refuses with the
    hint to restore again.
    """
    found = read(directory)
    os.umask(0o077)
    lock = AgentLock.acquire(workspace.lock)
    marks = MarkFile(workspace.mark)
    name = clock.now().strftime("%Y%m%dT%H%M%S_%fZ") + salvage.REPLACED_SUFFIX
    replaced = workspace.salvage / name
    incoming = workspace.state / "store.duckdb.new"
    try:
        if copy_file(directory / _STORE, incoming) != found.sha256:
            incoming.unlink()
            raise DamagedError(
                f"{directory / _STORE} does not match its manifest: the backup is damaged.",
                hint="Use another backup; some may be in .mlops/backups.",
                path=str(directory),
            )
        marks.read()
        replaced.mkdir(parents=True, mode=0o700)
        for path in (workspace.store, workspace.store_wal):
            if path.exists():
                path.rename(replaced / path.name)
        sync_directory(replaced)
        incoming.rename(workspace.store)
        sync_directory(workspace.state)
        marks.write(
            opening.mark_of(workspace, found.store_id, found.epoch, found.sequence, is_clean=True)
        )
    except OSError as error:
        raise from_os_error("restore", directory, error) from error
    finally:
        marks.close()
        lock.release()
    return replaced


def _copied(connection: DuckDBPyConnection, path: Path, now: datetime) -> Backup:
    """Copy the store into a new database file and describe it."""
    epoch, sequence, store_id = engine.copy_database(connection, path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return Backup(
        created_at=now,
        store_id=store_id,
        epoch=epoch,
        sequence=sequence,
        sha256=digest,
        size_bytes=path.stat().st_size,
    )


def _move(partial: Path, final: Path) -> None:
    """Give a finished backup its place, on another disk if need be; the manifest comes last."""
    try:
        partial.rename(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        final.mkdir(mode=0o700)
        for name in (_STORE, _MANIFEST):
            copy_file(partial / name, final / name)
        sync_directory(final)
    sync_directory(final.parent)
