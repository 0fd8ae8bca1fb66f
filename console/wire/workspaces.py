"""The workspace as a whole: copies of it."""

from __future__ import annotations

from dataclasses import dataclass

from console.wire.routes import OPERATE, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBackup:
    path: str = ""
    """Absolute directory that does not exist yet; empty = inside the workspace, without objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupMade:
    path: str
    bytes: int
    objects: int
    """Objects copied beside the store; 0 when the backup stays in the workspace."""


create_backup = Route(
    "create_backup",
    "POST",
    "/v1/workspace/backup",
    OPERATE,
    CreateBackup,
    BackupMade,
    "Copy the store as of one moment, and every object when it goes elsewhere.",
)
ROUTES = (create_backup,)
