"""Opens a store, or says exactly what is wrong with it.

Called by `storage.database` under the agent lock. Order matters: files are looked at, then copied
when the last agent did not close them, then opened, then compared with the mark, and only then
changed. Invariant: a store that is refused is left as it was found.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from duckdb import DuckDBPyConnection

from storage import engine, queries, salvage
from storage.durable import sync_directory
from storage.engine import Limits
from storage.errors import RESTORE, DamagedError, from_os_error
from storage.mark import Mark, MarkFile
from storage.migrate import Migration, migrate
from storage.workspace import Workspace


class Clock(Protocol):
    """Where the store takes the time from."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a store was written."""

    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What was found and done when the store was opened."""

    store_id: str
    epoch: int
    sequence: int
    is_new: bool = False
    is_copy: bool = False
    """The workspace was copied or moved to another disk: processes it names are not its own."""
    was_clean: bool = True
    migrations: tuple[str, ...] = ()
    """Schema files applied now."""
    copied_to: Path | None = None
    """Where database and log were put aside after an unclean end."""
    notes: tuple[str, ...] = ()
    """Sentences for the log and the screen: nothing is wrong now, but somebody should know."""


def open_store(
    workspace: Workspace,
    marks: MarkFile,
    clock: Clock,
    limits: Limits,
    migrations: Sequence[Migration],
    *,
    accept_loss: bool,
) -> tuple[list[DuckDBPyConnection], Opening]:
    """Return the writer's connection, `limits.readers` more, and what happened on the way.

    With `accept_loss` a store behind its mark is opened all the same and the loss becomes a note.
    """
    notes: list[str] = []
    mark = marks.read()
    is_new = not salvage.check_files(workspace, mark)
    copied_to = None
    was_clean = is_new or (mark is not None and mark.is_clean and not workspace.store_wal.exists())
    if is_new:
        _create(workspace, clock, limits, migrations)
    elif not was_clean:
        copied_to, why_not = salvage.copy_aside(workspace, clock.now(), limits.reserve_bytes)
        notes.extend([f"Opened after a crash without a copy: {why_not}."] if why_not else [])
    connections = connect(workspace, limits)
    writer = connections[0]
    try:
        with engine.told(workspace.store):
            _check_owner(workspace, writer)
            notes.extend(_compare(workspace, writer, mark, is_new, accept_loss))
            applied = migrate(writer, migrations, clock.now)
            opening = _begin_epoch(workspace, writer, mark)
            if not was_clean:
                # A log with a torn end is folded in before anything is written behind it.
                writer.execute("CHECKPOINT")
        marks.write(mark_of(workspace, opening.store_id, opening.epoch, opening.sequence))
    except OSError as error:
        engine.close_all(connections)
        raise from_os_error("write", marks.path, error) from error
    except BaseException:
        engine.close_all(connections)
        raise
    return connections, Opening(
        store_id=opening.store_id,
        epoch=opening.epoch,
        sequence=opening.sequence,
        is_new=is_new,
        is_copy=opening.is_copy,
        was_clean=was_clean,
        migrations=tuple(f"{each.version:04d}_{each.name}" for each in applied),
        copied_to=copied_to,
        notes=tuple(notes),
    )


def connect(workspace: Workspace, limits: Limits) -> list[DuckDBPyConnection]:
    """Return a writer's connection and one per reader; SQL reaches backups and archive only."""
    directories = [workspace.backups, workspace.archive]
    try:
        for directory in (*directories, workspace.temp):
            directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise from_os_error("write in", workspace.state, error) from error
    return engine.connect(
        workspace.store,
        workspace.temp,
        limits,
        readable=directories,
        count=1 + limits.readers,
    )


def read_position(connection: DuckDBPyConnection) -> Position:
    """How far the store is written."""
    position = queries.row(connection, "get_store_position", into=Position)
    if position is None:
        raise DamagedError("the store has lost its position.", hint=RESTORE)
    return position


def mark_of(
    workspace: Workspace, store_id: str, epoch: int, sequence: int, *, is_clean: bool = False
) -> Mark:
    """The mark that belongs to a store in this very directory."""
    return Mark(
        store_id=store_id,
        epoch=epoch,
        sequence=sequence,
        is_clean=is_clean,
        home=str(workspace.state.stat().st_ino),
    )


def _create(
    workspace: Workspace, clock: Clock, limits: Limits, migrations: Sequence[Migration]
) -> None:
    """Make a store under another name and give it its own when it is complete."""
    unfinished = workspace.state / "store.duckdb.new"
    try:
        for leftover in (unfinished, unfinished.with_name("store.duckdb.new.wal")):
            leftover.unlink(missing_ok=True)
        [connection] = engine.connect(unfinished, workspace.temp, limits, readable=[], count=1)
        try:
            with engine.told(unfinished):
                migrate(connection, migrations, clock.now)
                queries.run(
                    connection, "set_store_meta", {"name": "store_id", "value": uuid.uuid4().hex}
                )
                connection.execute("CHECKPOINT")
        finally:
            connection.close()
        unfinished.rename(workspace.store)
        sync_directory(workspace.state)
    except OSError as error:
        raise from_os_error("create", workspace.store, error) from error


def _check_owner(workspace: Workspace, writer: DuckDBPyConnection) -> None:
    if not queries.row(writer, "count_own_tables", into=int):
        raise DamagedError(
            f"{workspace.store} is a DuckDB database of another program.",
            hint=RESTORE,
            path=str(workspace.store),
        )


def _compare(
    workspace: Workspace,
    writer: DuckDBPyConnection,
    mark: Mark | None,
    is_new: bool,
    accept_loss: bool,
) -> list[str]:
    """Hold the store against its mark; return notes, or raise `DamagedError`."""
    if mark is None:
        return [] if is_new else ["The mark of the store was missing and was written anew."]
    position = read_position(writer)
    known_ids = {_meta(writer, "store_id"), _meta(writer, "copied_from")}
    lost = mark.sequence - position.sequence
    facts = {
        "path": str(workspace.store),
        "store_id": _meta(writer, "store_id"),
        "marked_store_id": mark.store_id,
        "sequence": position.sequence,
        "marked_sequence": mark.sequence,
    }
    if mark.store_id not in known_ids:
        problem = f"{workspace.store} is not the store that was used here last"
    elif lost > 0:
        problem = (
            f"{workspace.store} has lost its last {lost} of {mark.sequence} writes: database or "
            "log was cut off or replaced by an older one"
        )
    elif position.epoch < mark.epoch:
        problem = (
            f"{workspace.store} was opened {position.epoch} times where {mark.epoch} were "
            "recorded: it was replaced by another copy"
        )
    else:
        return []
    if accept_loss:
        return [problem + "; this was accepted."]
    raise DamagedError(
        problem + ".",
        hint=f"Nothing was changed. Put the right files back, or: {RESTORE}",
        **facts,
    )


def _begin_epoch(workspace: Workspace, writer: DuckDBPyConnection, mark: Mark | None) -> Opening:
    """Count this opening, and give a copied store an identity of its own."""
    store_id = _meta(writer, "store_id")
    if not store_id:
        raise DamagedError(
            f"{workspace.store} does not know its own id.",
            hint=RESTORE,
        )
    found = read_position(writer)
    epoch = max(found.epoch, mark.epoch if mark else 0) + 1
    sequence = max(found.sequence, mark.sequence if mark else 0) + 1
    is_copy = mark is not None and mark.home != mark_of(workspace, "", 0, 0).home
    writer.execute("BEGIN TRANSACTION")
    if is_copy:
        queries.run(writer, "set_store_meta", {"name": "copied_from", "value": store_id})
        store_id = uuid.uuid4().hex
        queries.run(writer, "set_store_meta", {"name": "store_id", "value": store_id})
    queries.run(writer, "set_store_position", {"epoch": epoch, "sequence": sequence})
    writer.execute("COMMIT")
    return Opening(store_id=store_id, epoch=epoch, sequence=sequence, is_copy=is_copy)


def _meta(connection: DuckDBPyConnection, name: str) -> str:
    return queries.row(connection, "get_store_meta", {"name": name}, into=str) or ""
