"""Schema files: applied once, in order, whole or not at all, never backwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storage import queries
from storage.database import Database
from storage.errors import ConflictError
from storage.migrate import AppliedMigration, Migration, migrate, read_migrations
from storage.workspace import Workspace

Core = tuple[Migration, ...]
SECOND = Migration(
    2, "colours", "CREATE TABLE colours (name VARCHAR); INSERT INTO colours VALUES ('red')"
)
THIRD = Migration(3, "shades", "ALTER TABLE colours ADD COLUMN shade INTEGER DEFAULT 1")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def versions(connection: duckdb.DuckDBPyConnection) -> list[int]:
    found = queries.rows(connection, "list_migrations", into=AppliedMigration)
    return [each.version for each in found]


def test_files_are_applied_once_and_in_order(
    connection: duckdb.DuckDBPyConnection, core: Core, clock: Any
) -> None:
    assert migrate(connection, [*core, SECOND], clock.now) == (*core, SECOND)
    assert migrate(connection, [*core, SECOND], clock.now) == ()
    assert versions(connection) == [1, 2]
    assert connection.execute("SELECT name FROM colours").fetchall() == [("red",)]


def test_an_old_workspace_upgrades_and_keeps_its_rows(
    workspace: Workspace, core: Core, open_store: Callable[..., Database]
) -> None:
    with open_store(workspace, migrations=[*core, SECOND]) as old:
        old.write(lambda connection: connection.execute("INSERT INTO colours VALUES ('blue')"))
    new = open_store(workspace, migrations=[*core, SECOND, THIRD])
    assert new.opening.migrations == ("0003_shades",)
    found = new.read(lambda c: c.execute("SELECT name, shade FROM colours ORDER BY 1").fetchall())
    assert found == [("blue", 1), ("red", 1)]


def test_a_file_that_fails_leaves_nothing_of_itself(
    connection: duckdb.DuckDBPyConnection, core: Core, clock: Any
) -> None:
    broken = Migration(3, "broken", "CREATE TABLE half (x INTEGER); SELECT * FROM nowhere")
    with pytest.raises(duckdb.CatalogException):
        migrate(connection, [*core, SECOND, broken], clock.now)
    assert versions(connection) == [1, 2]
    with pytest.raises(duckdb.CatalogException):
        connection.execute("SELECT * FROM half")
    migrate(connection, [*core, SECOND, THIRD], clock.now)
    assert versions(connection) == [1, 2, 3]


def test_a_store_of_a_newer_release_is_refused_unchanged(
    workspace: Workspace, core: Core, open_store: Callable[..., Database]
) -> None:
    open_store(workspace, migrations=[*core, SECOND]).close()
    with pytest.raises(ConflictError) as caught:
        open_store(workspace, migrations=core)
    assert caught.value.message == (
        "the store has shape 2 (colours); this mlops-console knows shapes up to 1."
    )
    assert "Upgrade" in caught.value.hint
    assert open_store(workspace, migrations=[*core, SECOND]).opening.was_clean


def test_a_file_changed_after_it_was_applied_is_refused(
    connection: duckdb.DuckDBPyConnection, core: Core, clock: Any
) -> None:
    migrate(connection, [*core, SECOND], clock.now)
    edited = Migration(2, "colours", SECOND.sql + " ")
    with pytest.raises(ConflictError, match="0002_colours"):
        migrate(connection, [*core, edited], clock.now)


def test_files_are_read_by_number_and_no_number_comes_twice(tmp_path: Path) -> None:
    (tmp_path / "0003_b.sql").write_text("SELECT 1")
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    assert [each.version for each in read_migrations(tmp_path)] == [1, 3]
    (tmp_path / "0003_c.sql").write_text("SELECT 1")
    with pytest.raises(queries.QueryError, match="one number twice"):
        read_migrations(tmp_path)
    (tmp_path / "0003_c.sql").rename(tmp_path / "2_c.sql")
    with pytest.raises(queries.QueryError, match="is not named like"):
        read_migrations(tmp_path)
