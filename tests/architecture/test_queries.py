"""Every named query is used by a table function and prepares on an empty store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
    sql = queries.catalog()[name].sql

    def prepare(connection) -> bool:  # type: ignore[no-untyped-def]
        connection.execute(f"PREPARE checked AS {sql}")
        connection.execute("DEALLOCATE checked")
        return True

    assert database.read(prepare)


@pytest.mark.parametrize("name", sorted(queries.catalog()))
def test_query_is_written_as_agreed(name: str) -> None:
    query = queries.catalog()[name]
    assert query.purpose.endswith(".")
    assert not re.search(r"select\s+\*", query.sql, re.IGNORECASE)
