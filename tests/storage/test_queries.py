"""Named queries: their text, what they return and how a misfit is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import duckdb
import pytest

from storage import queries
from storage.errors import DamagedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    thing_id: str
    seen_at: datetime
    n: int
    score: float | None
    parts: tuple[Part, ...]
    labels: dict[str, str]


THING = Thing(
    thing_id="a",
    seen_at=datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    n=3,
    score=None,
    parts=(Part(name="x"), Part(name="y", weight=2.5)),
    labels={"k": "v"},
)

SQL = """\
-- name: insert_thing
-- Keeps one.
INSERT INTO things VALUES ($thing_id, $seen_at, $n, $score, $parts, $labels);

-- name: list_things
-- All of them,
-- oldest first.
SELECT thing_id, seen_at, n, score, parts, labels
FROM things
ORDER BY seen_at;

-- name: list_ids
-- Ids only.
SELECT thing_id FROM things WHERE list_contains($ids, thing_id);

-- name: list_short
-- Lacks a column and has one too many.
SELECT thing_id, seen_at, n, score, parts, 1 AS surprise FROM things;

-- name: list_wrong_type
-- A text where a number belongs.
SELECT thing_id, seen_at, 'three' AS n, score, parts, labels FROM things;

-- name: list_torn
-- A document cut off.
SELECT thing_id, seen_at, n, score, '[{' AS parts, labels FROM things;

-- name: delete_things
-- Forgets all.
DELETE FROM things;
"""


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    known = {query.name: query for query in queries.parse("things", SQL)}
    monkeypatch.setattr(queries, "catalog", lambda: known)
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE things (thing_id VARCHAR, seen_at TIMESTAMP, n BIGINT, score DOUBLE,"
            " parts JSON, labels VARCHAR)"
        )
        yield con


def test_a_record_comes_back_as_it_was_written(connection: duckdb.DuckDBPyConnection) -> None:
    assert queries.run(connection, "insert_thing", queries.params_of(THING)) == 1
    assert queries.rows(connection, "list_things", into=Thing) == [THING]
    assert queries.row(connection, "list_things", into=Thing) == THING


def test_a_time_from_another_zone_is_stored_as_utc(connection: duckdb.DuckDBPyConnection) -> None:
    local = THING.seen_at.astimezone(timezone(timedelta(hours=-5)))
    queries.run(connection, "insert_thing", queries.params_of(THING, seen_at=local))
    stored = connection.execute("SELECT seen_at FROM things").fetchall()
    assert stored == [(THING.seen_at.replace(tzinfo=None),)]


def test_a_time_without_a_zone_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    naive = THING.seen_at.replace(tzinfo=None)
    with pytest.raises(queries.QueryError, match="no time zone"):
        queries.run(connection, "insert_thing", queries.params_of(THING, seen_at=naive))


def test_a_list_parameter_is_an_sql_list(connection: duckdb.DuckDBPyConnection) -> None:
    things = [queries.params_of(THING, thing_id=each) for each in "abc"]
    queries.run_many(connection, "insert_thing", things)
    found = queries.rows(connection, "list_ids", {"ids": ["a", "c", "z"]}, into=str)
    assert sorted(found) == ["a", "c"]


def test_no_row_is_none_and_two_are_a_defect(connection: duckdb.DuckDBPyConnection) -> None:
    assert queries.row(connection, "list_things", into=Thing) is None
    queries.run_many(connection, "insert_thing", [queries.params_of(THING)] * 2)
    with pytest.raises(queries.QueryError, match="at most one row and gave 2"):
        queries.row(connection, "list_things", into=Thing)
    assert queries.run(connection, "delete_things") == 2


def test_columns_and_fields_that_differ_are_both_named_even_without_rows(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(queries.QueryError) as caught:
        queries.rows(connection, "list_short", into=Thing)
    assert str(caught.value) == (
        "query list_short does not fit Thing: columns without a field: surprise; "
        "fields without a column: labels"
    )


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("list_wrong_type", queries.QueryError, r"Expected `int`, got `str` - at `\$\[0\]\.n`"),
        ("list_torn", DamagedError, "column parts of query list_torn holds a document"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(
    connection: duckdb.DuckDBPyConnection, name: str, error: type[Exception], said: str
) -> None:
    queries.run(connection, "insert_thing", queries.params_of(THING))
    with pytest.raises(error, match=said):
        queries.rows(connection, name, into=Thing)


def test_an_unknown_query_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(queries.QueryError, match="no query is named 'list_nothing'"):
        queries.run(connection, "list_nothing")


def test_a_query_keeps_its_purpose_and_loses_its_semicolon() -> None:
    found = {query.name: query for query in queries.parse("things", SQL)}
    assert found["list_things"].purpose == "All of them, oldest first."
    assert found["delete_things"].sql == "DELETE FROM things"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT 1", "before its first"),
        ("-- name: List Things\n-- p\nSELECT 1", "not a name"),
        ("-- name: no_purpose\nSELECT 1", "needs a purpose"),
        ("-- name: no_sql\n-- only words\n", "needs a purpose, then SQL"),
    ],
)
def test_a_badly_written_query_file_is_refused(text: str, said: str) -> None:
    with pytest.raises(queries.QueryError, match=said):
        queries.parse("x", text)


def test_every_shipped_query_has_a_unique_name_and_a_purpose() -> None:
    shipped: Any = queries.catalog()
    assert shipped
    assert all(query.purpose and query.sql for query in shipped.values())
