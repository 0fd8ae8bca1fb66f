"""Every named query is used by a table function and prepares on an empty store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from console.clock import SystemClock
from storage import queries
from storage.database import Database
from storage.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    workspace = Workspace.create(tmp_path_factory.mktemp("w"))
    with Database.open(workspace, clock=SystemClock()) as opened:
        yield opened


def python_text() -> str:
    sources = [*ROOT.joinpath("storage").rglob("*.py"), *ROOT.joinpath("console").rglob("*.py")]
    return "\n".join(path.read_text() for path in sources)


def test_every_query_is_used() -> None:
    text = python_text()
    unused = [name for name in queries.catalog() if f'"{name}"' not in text]
    assert unused == []


@pytest.mark.parametrize("name", sorted(queries.catalog()))
def test_query_prepares_on_an_empty_store(database: Database, name: str) -> None:
    """On the writer's connection, after every query that makes a temporary table."""
    sql = queries.catalog()[name].sql
    makes = [each.sql for each in queries.catalog().values() if _makes_temporary(each.sql)]

    def prepare(connection: DuckDBPyConnection) -> bool:
        for each in makes:
            connection.execute(each, dict.fromkeys(re.findall(r"\$(\w+)", each)))
        if sql not in makes:
            connection.execute(f"PREPARE checked AS {sql}")
            connection.execute("DEALLOCATE checked")
        return True

    assert database.write(prepare)


def _makes_temporary(sql: str) -> bool:
    return sql.upper().startswith(("CREATE TEMP", "CREATE OR REPLACE TEMP"))


@pytest.mark.parametrize("name", sorted(queries.catalog()))
def test_query_is_written_as_agreed(name: str) -> None:
    query = queries.catalog()[name]
    assert query.purpose.endswith(".")
    assert not re.search(r"select\s+\*", query.sql, re.IGNORECASE)
