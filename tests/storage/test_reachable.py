"""What the store still refers to, found without knowing its tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from storage import migrate
from storage.objects import Objects
from storage.reachable import closure, stored_references

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        for migration in migrate.shipped():
            opened.execute(migration.sql)
        yield opened


def test_a_digest_in_any_text_column_is_a_reference(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("CREATE TABLE later (id INTEGER, told VARCHAR)")
    connection.execute("INSERT INTO later VALUES (1, ?), (2, NULL)", [json.dumps({"x": [A, B]})])
    assert stored_references(connection) == {A, B}


def test_what_callers_of_endpoints_sent_refers_to_nothing(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    columns = connection.execute("SELECT * FROM requests LIMIT 0").description or []
    values = ", ".join("NULL" if c[0] != "features" else "$features" for c in columns)
    connection.execute("CREATE OR REPLACE TABLE requests AS SELECT * FROM requests")
    connection.execute(f"INSERT INTO requests VALUES ({values})", {"features": C})
    assert stored_references(connection) == set()


def test_documents_keep_what_they_name_and_data_files_name_nothing(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    chunk = objects.put_bytes(b"PAR1 rows " + A.encode())
    manifest = objects.put_json({"parts": [{"object": chunk}], "digest": B})
    report = objects.put_json([manifest])
    orphan = objects.put_json({"mentions": manifest})
    lonely = objects.put_bytes(b"PAR1 nobody wants me")
    assert closure(objects, {report, C}) == {report, manifest, chunk}
    assert closure(objects, set()) == set()
    assert set(objects) == {chunk, manifest, report, orphan, lonely}
