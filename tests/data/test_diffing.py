"""A diff says what changed, by key or as a multiset, and opens only what differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.worker.data.diff_rows import Rows, Sides
from console.worker.data.diffing import diff
from console.worker.data.profile import profile_table
from storage import chunking
from storage.chunking import numbered, write_version
from storage.chunks import read_sql
from storage.records.chunks import Manifest
from storage.records.diffs import DatasetDiff, SchemaChange

if TYPE_CHECKING:
    from conftest import Files

Connection = duckdb.DuckDBPyConnection
NAMES = ("t@v1", "t@v2")
SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "ROWS_PER_CHUNK", 64)


def store(
    connection: Connection, files: Files, query: str, parent: Manifest | None = None
) -> Manifest:
    rows = numbered(connection, query, "source")
    return write_version(connection, rows, files, files.root.parent, parent=parent)


def compare(
    connection: Connection, files: Files, one: str, other: str, key: tuple[str, ...] = ()
) -> DatasetDiff:
    before = store(connection, files, one)
    after = store(connection, files, other, before)
    return diff(connection, files, before, after, names=NAMES, key=key)


BASE = (
    "SELECT i, i % 7 AS m, (i / 4)::DOUBLE AS x, chr(65 + (i % 5)::INT) AS s FROM range(3000) t(i)"
)


def test_rows_added_removed_and_changed_are_counted_by_key(
    connection: Connection, files: Files
) -> None:
    other = (
        f"SELECT * REPLACE (CASE WHEN i BETWEEN 100 AND 102 THEN -1 ELSE m END AS m, "
        f"CASE WHEN i = 101 THEN NULL ELSE s END AS s) FROM ({BASE}) WHERE i NOT IN (5, 2999) "
        f"UNION ALL SELECT 4000, 1, 0.5, 'Z'"
    )
    found = compare(connection, files, BASE, other, ("i",))
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (1, 2, 3)
    assert found.rows_same == 2995
    assert {d.column: d.cells_changed for d in found.differences} == {
        "i": 0,
        "m": 3,
        "x": 0,
        "s": 1,
    }
    changed, added, removed = (
        [e for e in found.examples if e.kind == kind] for kind in ("changed", "added", "removed")
    )
    assert [(e.key, e.changed) for e in changed] == [
        (("100",), ("m",)), (("101",), ("m", "s")), (("102",), ("m",)),
    ]  # fmt: skip
    assert changed[1].before == ("101", "3", "25.25", "B")
    assert changed[1].after == ("101", "-1", "25.25", None)
    assert [(e.key, e.after) for e in added] == [(("4000",), ("4000", "1", "0.5", "Z"))]
    assert [e.key for e in removed] == [("5",), ("2999",)]
    assert found.key == ("i",)
    assert found.note == ""
    assert not found.is_equal


def test_only_differing_chunks_are_opened(connection: Connection, files: Files) -> None:
    before = store(connection, files, BASE)
    other = f"SELECT * REPLACE (CASE WHEN i = 1500 THEN 9 ELSE m END AS m) FROM ({BASE})"
    after = store(connection, files, other, before)
    shared = {c.digest for c in before.chunks} & {c.digest for c in after.chunks}
    for chunk in after.chunks:
        if chunk.digest in shared:
            files.path(chunk.parts[0].object).unlink()
    found = diff(connection, files, before, after, names=NAMES, key=("i",))
    assert (found.rows_changed, found.rows_added, found.rows_removed) == (1, 0, 0)
    assert found.chunks_read <= 6
    assert found.chunks_shared == len(shared)
    assert found.rows_read < 1000


WIDE = (
    "SELECT i, md5(i::VARCHAR) AS heavy, (i % 50) / 8.0 AS x, chr(65 + (i % 5)::INT) AS s "
    "FROM range(3000) t(i)"
)


@pytest.mark.parametrize("tail", ["", " UNION ALL SELECT 9000, 'new', 0.0, 'N'"])
def test_scattered_changes_are_compared_by_place(
    tail: str, connection: Connection, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed = Sides.keyed
    read_rows: list[int] = []

    def watched(sides: Sides, *arguments: Any) -> Rows:
        found = connection.execute('SELECT count(*) FROM "new side"').fetchall()
        read_rows.append(found[0][0])
        return keyed(sides, *arguments)

    monkeypatch.setattr(Sides, "keyed", watched)
    other = (
        "SELECT * REPLACE (CASE WHEN i % 40 = 3 THEN x + 1 ELSE x END AS x, "
        "CASE WHEN i % 300 = 3 THEN NULL ELSE s END AS s) FROM (" + WIDE + ")" + tail
    )
    found = compare(connection, files, WIDE, other, ("i",))
    moved = [n for n in range(3000) if n % 40 == 3 or n % 300 == 3]
    assert (found.rows_changed, found.rows_removed) == (len(moved), 0)
    assert found.rows_added == (1 if tail else 0)
    cells = {d.column: d.cells_changed for d in found.differences}
    assert cells == {"i": 0, "heavy": 0, "x": 75, "s": 10}
    changed = [each for each in found.examples if each.kind == "changed"]
    assert len(changed) == 20
    assert {int(str(each.key[0])) for each in changed} <= set(moved)
    assert changed[0].changed == ("x", "s")
    assert changed[0].before[2:] == ("0.375", "D")
    assert changed[0].after[2:] == ("1.375", None)
    assert changed[1].changed == ("x",)
    assert sum(read_rows) < 1500


def test_equal_versions_have_no_difference(connection: Connection, files: Files) -> None:
    found = compare(connection, files, BASE, BASE, ("i",))
    assert found.is_equal
    assert (found.rows_same, found.chunks_read, found.rows_read) == (3000, 0, 0)


def test_without_a_key_rows_are_a_multiset(connection: Connection, files: Files) -> None:
    one = "SELECT unnest(['a', 'a', 'b', NULL]) AS s"
    other = "SELECT unnest([NULL, 'a', 'c', 'c']) AS s"
    found = compare(connection, files, one, other)
    assert (found.rows_added, found.rows_removed, found.rows_changed, found.rows_same) == (
        2,
        2,
        0,
        2,
    )
    assert "no key" in found.note
    kinds = [(e.kind, (e.after or e.before)[0]) for e in found.examples]
    assert ("added", "c") in kinds
    assert ("removed", "b") in kinds


@pytest.mark.parametrize(
    ("key", "note"),
    [
        (("m",), "is not unique in t@v1: 2,993 rows repeat one"),
        (("s", "m"), "is not unique in t@v1"),
        (("gone",), "the key column gone is not in both versions"),
        (("n",), "is null in 300 rows of t@v1"),
    ],
)
def test_a_key_that_cannot_match_rows_is_said_and_not_used(
    key: tuple[str, ...], note: str, connection: Connection, files: Files
) -> None:
    base = f"SELECT *, CASE WHEN i % 10 = 0 THEN NULL ELSE i END AS n FROM ({BASE})"
    other = f"SELECT * REPLACE (x + 1 AS x) FROM ({base})"
    found = compare(connection, files, base, other, key)
    assert note in found.note
    assert found.key == ()
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (3000, 3000, 0)


def test_a_composite_key_matches(connection: Connection, files: Files) -> None:
    base = "SELECT i // 10 AS a, i % 10 AS b, i AS v FROM range(500) AS t(i)"
    other = f"SELECT * REPLACE (CASE WHEN a = 3 AND b = 4 THEN 0 ELSE v END AS v) FROM ({base})"
    found = compare(connection, files, base, other, ("a", "b"))
    assert found.rows_changed == 1
    assert found.examples[0].key == ("3", "4")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("SELECT i, m, x, s, 1 AS more FROM (%s)", [("more", "added", "", "INTEGER")]),
        ("SELECT i, m, x FROM (%s)", [("s", "removed", "VARCHAR", "")]),
        ("SELECT i, m::VARCHAR AS m, x, s FROM (%s)", [("m", "retyped", "BIGINT", "VARCHAR")]),
        ("SELECT i, m, x, s AS letter FROM (%s)", [("letter", "renamed", "s", "letter")]),
        ("SELECT m, i, x, s FROM (%s)", [("m", "moved", "2", "1"), ("i", "moved", "1", "2")]),
        (
            "SELECT i, m, x, upper(s) || '!' AS letter FROM (%s)",
            [("letter", "added", "", "VARCHAR"), ("s", "removed", "VARCHAR", "")],
        ),
    ],
)
def test_changes_of_columns_are_named(
    other: str, expected: list[Any], connection: Connection, files: Files
) -> None:
    found = compare(connection, files, BASE, other % BASE, ("i",))
    assert list(found.schema) == [
        SchemaChange(column=c, kind=kind, before=b, after=a) for c, kind, b, a in expected
    ]
    assert (found.rows_added, found.rows_removed) == (0, 0)
    assert found.rows_changed == 0


def test_values_that_compare_as_equal_but_differ_are_changes(
    connection: Connection, files: Files
) -> None:
    one = "SELECT 1 AS k, 0.0::DOUBLE AS x, 'nan'::DOUBLE AS y, [NULL]::INT[] AS z"
    other = "SELECT 1 AS k, -0.0::DOUBLE AS x, 'nan'::DOUBLE AS y, []::INT[] AS z"
    found = compare(connection, files, one, other, ("k",))
    assert found.rows_changed == 1
    assert found.examples[0].changed == ("x", "z")


def test_new_and_vanished_categories_and_nulls_come_from_the_profiles(
    connection: Connection, files: Files
) -> None:
    before = store(connection, files, BASE)
    letter = "CASE WHEN s = 'A' THEN 'Z' WHEN i < 9 THEN NULL ELSE s END"
    other = f"SELECT * REPLACE ({letter} AS s) FROM ({BASE})"
    after = store(connection, files, other, before)
    profiles = [profile_table(connection, read_sql(m, files)) for m in (before, after)]
    found = diff(
        connection,
        files,
        before,
        after,
        names=NAMES,
        key=("i",),
        profiles=(profiles[0], profiles[1]),
    )
    column = found.differences[3]
    assert (column.new_values, column.vanished_values) == (("Z",), ("A",))
    assert (column.nulls_before, column.nulls_after) == (0, 7)


def test_versions_of_another_algorithm_are_compared_whole(
    connection: Connection, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store(connection, files, BASE)
    monkeypatch.setattr(chunking, "RECIPE", "rows-of-another-release")
    after = store(connection, files, BASE, before)
    found = diff(connection, files, before, after, names=NAMES, key=("i",))
    assert found.is_equal
    assert found.rows_read == 6000


def test_two_months_of_flights_share_no_flight(
    connection: Connection, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "ROWS_PER_CHUNK", 4096)
    months = [f"SELECT * FROM '{SAMPLE}/flights/flights-2013-0{n}.parquet'" for n in (1, 2)]
    found = compare(connection, files, months[0], months[1], ("time_hour", "carrier", "flight"))
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (24951, 27004, 0)


ROW = st.tuples(st.integers(0, 40), st.sampled_from(["a", "b", None]), st.none() | st.floats())


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    one=st.lists(ROW, max_size=60, unique_by=lambda row: row[0]),
    other=st.lists(ROW, max_size=60, unique_by=lambda row: row[0]),
)
def test_a_keyed_diff_is_that_of_dictionaries(
    one: list[Any], other: list[Any], connection: Connection, files: Files
) -> None:
    manifests = []
    for rows in (one, other):
        connection.execute("CREATE OR REPLACE TABLE given (k BIGINT, s VARCHAR, x DOUBLE)")
        if rows:
            connection.executemany("INSERT INTO given VALUES (?, ?, ?)", rows)
        manifests.append(store(connection, files, "SELECT * FROM given"))
    found = diff(connection, files, manifests[0], manifests[1], names=NAMES, key=("k",))
    before, after = ({row[0]: repr(row) for row in rows} for rows in (one, other))
    assert found.rows_added == len(after.keys() - before.keys())
    assert found.rows_removed == len(before.keys() - after.keys())
    assert found.rows_changed == sum(before[k] != after[k] for k in before.keys() & after.keys())
    assert found.before_rows - found.rows_removed + found.rows_added == found.after_rows
    whole = diff(connection, files, manifests[0], manifests[1], names=NAMES)
    assert whole.rows_removed == found.rows_removed + found.rows_changed
    assert whole.rows_added == found.rows_added + found.rows_changed
