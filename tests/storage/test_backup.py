"""Backups: consistent while writers go on, checked before they are used, nothing thrown away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storage import backup
from storage.database import Database
from storage.errors import ConflictError, DamagedError, NotFoundError
from storage.workspace import Workspace

Opener = Callable[..., Database]


def add(n: int) -> Callable[[duckdb.DuckDBPyConnection], Any]:
    return lambda connection: connection.execute("INSERT INTO t VALUES ($n)", {"n": n}).fetchall()


def numbers(connection: duckdb.DuckDBPyConnection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n").fetchall()]


@pytest.fixture
def store(workspace: Workspace, open_store: Opener) -> Database:
    database = open_store(workspace)
    database.write(lambda connection: connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    database.write(add(1))
    return database


def test_a_restored_backup_is_the_store_of_that_moment(
    store: Database, workspace: Workspace, open_store: Opener, clock: Any
) -> None:
    made = store.backup()
    store.write(add(2))
    store.close()
    replaced = backup.restore(workspace, Path(made.directory), clock)
    with open_store(workspace) as restored:
        assert restored.read(numbers) == [1]
        assert restored.opening.store_id == store.opening.store_id
        assert restored.opening.notes == ()
        with pytest.raises(duckdb.ConstraintException):
            restored.write(add(1))
    assert (replaced / workspace.store.name).exists()


def test_a_backup_may_go_to_another_place(store: Database, tmp_path: Path) -> None:
    made = store.backup(tmp_path / "elsewhere")
    assert made.directory == str(tmp_path / "elsewhere")
    assert backup.read(tmp_path / "elsewhere") == made
    assert backup.list_backups(store.workspace) == []
    assert list(store.workspace.backups.iterdir()) == []
    with pytest.raises(ConflictError, match="exists already"):
        store.backup(tmp_path / "elsewhere")


def test_backups_are_listed_newest_first(store: Database) -> None:
    first, second = store.backup(), store.backup()
    (store.workspace.backups / "cut-off.partial").mkdir()
    assert backup.list_backups(store.workspace) == [second, first]
    assert second.created_at > first.created_at
    assert first.sequence == second.sequence == store.sequence


def test_a_store_behind_its_mark_can_be_restored(
    store: Database, workspace: Workspace, open_store: Opener, clock: Any
) -> None:
    made = store.backup()
    store.write(add(2))
    store.close()
    workspace.store.unlink()
    with pytest.raises(DamagedError, match="is missing"):
        open_store(workspace)
    backup.restore(workspace, Path(made.directory), clock)
    assert open_store(workspace).read(numbers) == [1]


def test_a_damaged_backup_is_refused_and_the_store_stays(
    store: Database, workspace: Workspace, open_store: Opener, clock: Any
) -> None:
    made = Path(store.backup().directory)
    store.close()
    data = bytearray((made / "store.duckdb").read_bytes())
    data[len(data) // 2] ^= 1
    (made / "store.duckdb").write_bytes(data)
    with pytest.raises(DamagedError, match="does not match its manifest"):
        backup.restore(workspace, made, clock)
    assert open_store(workspace).read(numbers) == [1]


def test_a_directory_that_is_no_backup_is_named(workspace: Workspace, clock: Any) -> None:
    with pytest.raises(NotFoundError, match="is not a backup"):
        backup.restore(workspace, workspace.jobs, clock)


def test_nothing_is_restored_under_a_running_agent(store: Database, clock: Any) -> None:
    made = store.backup()
    with pytest.raises(ConflictError, match="is its agent"):
        backup.restore(store.workspace, Path(made.directory), clock)
    assert store.read(numbers) == [1]
