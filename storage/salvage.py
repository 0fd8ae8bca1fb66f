"""Looks at the files of a store before anything opens it, and keeps copies of doubtful ones.

Called by `storage.database` under the agent lock. DuckDB turns a missing file with its log beside
it into a new empty database and removes the log: such states are refused here. After a crash the
files are copied first, so that whatever opening does can be undone. Invariant: nothing here
changes or removes a database or its log.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from storage.durable import copy_file, sync_directory
from storage.errors import RESTORE, DamagedError, from_os_error
from storage.mark import Mark
from storage.workspace import Workspace

KEPT_COPIES: Final = 3
COPY_SUFFIX: Final = ".unclean"
REPLACED_SUFFIX: Final = ".replaced"
"""Of directories with what a restore took out; those are for people to remove."""
_MAGIC: Final = b"DUCK"
_MAGIC_OFFSET: Final = 8
_HINT: Final = f"Nothing was changed. Put the missing files back, or: {RESTORE}"


def check_files(workspace: Workspace, mark: Mark | None) -> bool:
    """Return whether there is a store to open; False means a new one may be made.

    Raises `DamagedError` when files that belong together are not all there.
    """
    store, wal = workspace.store, workspace.store_wal
    if store.exists():
        try:
            with store.open("rb") as file:
                head = file.read(_MAGIC_OFFSET + len(_MAGIC))
        except OSError as error:
            raise from_os_error("read", store, error) from error
        if head[_MAGIC_OFFSET:] != _MAGIC:
            raise DamagedError(
                f"{store} is not a DuckDB file ({store.stat().st_size} bytes).",
                hint=_HINT,
                path=str(store),
            )
        return True
    if wal.exists():
        raise DamagedError(
            f"{store} is missing but its log {wal.name} ({wal.stat().st_size} bytes) is there.",
            hint=_HINT,
            path=str(store),
        )
    if mark is not None:
        raise DamagedError(
            f"{store} is missing; {mark.sequence} committed writes were recorded for it.",
            hint=_HINT,
            path=str(store),
            sequence=mark.sequence,
        )
    return False


def copy_aside(workspace: Workspace, now: datetime, reserve_bytes: int) -> tuple[Path | None, str]:
    """Copy database, log and mark, and return the directory, or None and why there is no copy.

    Files that were copied before and have not changed since are not copied again, so that an agent
    refused over and over does not push the first copy out.
    """
    sources = [p for p in (workspace.store, workspace.store_wal, workspace.mark) if p.exists()]
    shape = {p.name: (p.stat().st_size, p.stat().st_mtime_ns) for p in sources}
    kept = list_copies(workspace)
    if kept and _shape_of(kept[-1]) == shape:
        return kept[-1], ""
    needed = sum(size for size, _ in shape.values())
    free = shutil.disk_usage(workspace.state).free
    if free - needed < reserve_bytes:
        return None, f"no room to copy {needed} bytes aside: {free} bytes are free"
    target = workspace.salvage / (now.strftime("%Y%m%dT%H%M%S_%fZ") + COPY_SUFFIX)
    try:
        target.mkdir(parents=True, mode=0o700)
        for source in sources:
            copy_file(source, target / source.name)
        (target / "origin.json").write_bytes(msgspec.json.encode(shape))
        sync_directory(target)
        sync_directory(workspace.salvage)
        for old in kept[: max(0, len(kept) + 1 - KEPT_COPIES)]:
            shutil.rmtree(old)
    except OSError as error:
        raise from_os_error("copy the store to", target, error) from error
    return target, ""


def list_copies(workspace: Workspace) -> list[Path]:
    """The copies there are, oldest first; what a restore replaced is not among them."""
    if not workspace.salvage.is_dir():
        return []
    kept = workspace.salvage.iterdir()
    return sorted(path for path in kept if path.is_dir() and path.suffix == COPY_SUFFIX)


def _shape_of(copy: Path) -> dict[str, tuple[int, int]] | None:
    try:
        data = (copy / "origin.json").read_bytes()
        return msgspec.json.decode(data, type=dict[str, tuple[int, int]])
    except (OSError, msgspec.MsgspecError):
        return None  # A copy that was cut off; it counts as different.
