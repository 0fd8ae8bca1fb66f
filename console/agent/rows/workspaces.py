"""Handlers: the workspace as a whole."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from console import errors
from console.agent.context import Call
from console.wire.workspaces import BackupMade, CreateBackup
from storage.errors import from_os_error

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


async def create_backup(call: Call, request: CreateBackup) -> BackupMade:
    target = Path(request.path) if request.path else None
    if target is not None and not target.is_absolute():
        raise errors.UsageError(f"the path {request.path} is not absolute.")
    made = await asyncio.to_thread(call.agent.database.backup, target)
    directory = Path(made.directory)
    copied = 0
    if target is not None:
        copied = await asyncio.to_thread(
            _copy_objects, call.agent.workspace.objects, directory / "objects"
        )

    def note(connection: DuckDBPyConnection) -> None:
        call.record(
            connection,
            "workspace.backup",
            "workspace",
            f"backs the workspace up to {directory}",
            command=f"mlops-console backup {request.path}".rstrip(),
        )

    await call.change(note)
    size = await asyncio.to_thread(_size, directory)
    return BackupMade(path=str(directory), bytes=size, objects=copied)


def _copy_objects(source: Path, target: Path) -> int:
    """Objects are whole and never change: copying file by file gives a consistent set."""
    copied = 0
    try:
        for entry in source.rglob("*"):
            if entry.is_file() and not entry.name.startswith("."):
                wanted = target / entry.relative_to(source)
                wanted.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.copy2(entry, wanted)
                copied += 1
    except OSError as error:
        raise from_os_error("back up to", target, error) from error
    return copied


def _size(directory: Path) -> int:
    return sum(entry.stat().st_size for entry in directory.rglob("*") if entry.is_file())
