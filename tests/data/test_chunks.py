"""A version reads back as exactly what was stored, and stores only what is new."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import chunk_files, chunking
from storage.chunking import cut, numbered, verify, write_version
from storage.chunks import decode, encode, page_sql, read_sql
from storage.errors import ConflictError, DamagedError, InvalidError, StorageError
from storage.objects import Objects
from storage.records.chunks import Manifest

if TYPE_CHECKING:
    from conftest import Files

Connection = duckdb.DuckDBPyConnection

VALUES = {
    "BOOLEAN": "true",
    "TINYINT": "(-128)::TINYINT",
    "UBIGINT": "18446744073709551615::UBIGINT",
    "HUGEINT": "170141183460469231731687303715884105727::HUGEINT",
    "UHUGEINT": "340282366920938463463374607431768211455::UHUGEINT",
    "BIGNUM": "123456789012345678901234567890123456789012::BIGNUM",
    "FLOAT": "0.1::FLOAT",
    "DOUBLE": "-0.0::DOUBLE",
    "DOUBLE nan": "'nan'::DOUBLE",
    "DOUBLE inf": "'-inf'::DOUBLE",
    "DECIMAL(4,1)": "1.5::DECIMAL(4,1)",
    "DECIMAL(38,10)": "12345.678::DECIMAL(38,10)",
    "VARCHAR": "'a'||chr(0)||'ß\n\"'",
    "VARCHAR empty": "''",
    "BLOB": "'\\x00\\xFF'::BLOB",
    "BIT": "'10101'::BIT",
    "UUID": "'00000000-0000-0000-0000-000000000001'::UUID",
    "DATE": "'-infinity'::DATE",
    "TIME": "'12:34:56.789012'::TIME",
    "TIME_NS": "'12:34:56.123456789'::TIME_NS",
    "TIMETZ": "'12:34:56+05:30'::TIMETZ",
    "TIMESTAMP": "'infinity'::TIMESTAMP",
    "TIMESTAMP_S": "'2013-01-01 12:00:00'::TIMESTAMP_S",
    "TIMESTAMP_MS": "'2013-01-01 12:00:00.123'::TIMESTAMP_MS",
    "TIMESTAMP_NS": "'2013-01-01 12:00:00.123456789'::TIMESTAMP_NS",
    "TIMESTAMPTZ": "'2013-07-01 12:00:00.000001+02'::TIMESTAMPTZ",
    "INTERVAL": "INTERVAL '1 month 3 days 5 microseconds'",
    "ENUM": "'it''s'::ENUM('a', 'it''s')",
    "JSON": "'{\"a\": [1, null]}'::JSON",
    "VARIANT": "[1, 2]::VARIANT",
    "LIST": "[1, NULL]",
    "LIST empty": "[]::INTEGER[]",
    "ARRAY": "[1, 2]::INTEGER[2]",
    "STRUCT": "{'a b': 1, 'b': NULL::VARCHAR, 'select': [INTERVAL '1 day']}",
    "MAP": "MAP {'a': 1::HUGEINT, 'b': NULL}",
    "TUPLE": "(1, 'x')",
    "nested": "[{'a': [-0.0::DOUBLE], 't': TIMESTAMP_S '2013-01-01 00:00:00'}]",
}


def store(
    connection: Connection,
    files: Files,
    query: str,
    parent: Manifest | None = None,
    *,
    append: bool = False,
) -> Manifest:
    rows = numbered(connection, query, "source")
    return write_version(connection, rows, files, files.root.parent, parent=parent, append=append)


def rows_of(connection: Connection, relation: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Types and cells, the latter as text that tells apart what compares as equal."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    listed = ", ".join(f'"{name}"::VARCHAR' for name, *_ in described)
    return (
        [row[1] for row in described],
        connection.execute(f"SELECT {listed} FROM {relation}").fetchall(),
    )


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "ROWS_PER_CHUNK", 64)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_every_type_comes_back_with_its_values_and_nulls(
    value: str, connection: Connection, files: Files
) -> None:
    query = f"SELECT {value} AS x UNION ALL SELECT NULL UNION ALL SELECT {value}"
    manifest = store(connection, files, query)
    assert rows_of(connection, read_sql(manifest, files)) == rows_of(connection, "source")
    assert verify(connection, manifest, files) == []


def test_a_type_that_parquet_cannot_hold_is_refused_with_its_column(
    connection: Connection, files: Files
) -> None:
    with pytest.raises(InvalidError, match=r"cannot store column u: .* UNION"):
        store(connection, files, "SELECT union_value(n := 1) AS u")
    assert files.puts == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.0::DOUBLE", "-0.0::DOUBLE"),
        ("0.0::FLOAT", "-0.0::FLOAT"),
        ("INTERVAL '30 days'", "INTERVAL '1 month'"),
        ("[]::INTEGER[]", "[NULL]::INTEGER[]"),
        ("[NULL]::VARCHAR[]", "['NULL']::VARCHAR[]"),
        ("NULL::INTEGER[]", "[NULL]::INTEGER[]"),
        ("['a, b']", "['a', 'b']"),
        ("{'a': NULL::INTEGER}", "NULL::STRUCT(a INTEGER)"),
        ("''", "NULL::VARCHAR"),
        ("1::INTEGER", "1::BIGINT"),
        ("'12:00:00+00'::TIMETZ", "'13:00:00+01'::TIMETZ"),
    ],
)
def test_what_compares_as_equal_but_is_not_the_same_is_another_version(
    one: str, other: str, connection: Connection, files: Files
) -> None:
    first = store(connection, files, f"SELECT {one} AS x")
    second = store(connection, files, f"SELECT {other} AS x", first)
    assert first.digest != second.digest
    assert rows_of(connection, read_sql(second, files)) == rows_of(connection, "source")


def test_zero_rows_keep_their_columns(connection: Connection, files: Files) -> None:
    manifest = store(connection, files, "SELECT 1 AS a, [1]::HUGEINT[] AS b WHERE false")
    assert manifest.rows == 0
    assert manifest.chunks == ()
    assert rows_of(connection, read_sql(manifest, files)) == (["INTEGER", "HUGEINT[]"], [])


def test_two_thousand_columns_come_back(connection: Connection, files: Files) -> None:
    listed = ", ".join(f"i + {n} AS c{n}" for n in range(2000))
    manifest = store(connection, files, f"SELECT {listed} FROM range(100) AS t(i)")
    found = connection.execute(f"SELECT sum(c0), sum(c1999) FROM {read_sql(manifest, files)}")
    assert found.fetchall() == [(4950, 4950 + 100 * 1999)]
    assert manifest.target_rows * 2000 <= chunking.CELLS_PER_CHUNK


def test_odd_column_names_come_back(connection: Connection, files: Files) -> None:
    query = 'SELECT i AS rowid, i * 2 AS "a""b", i AS "Größe €", i AS "x=1" FROM range(9) AS t(i)'
    manifest = store(connection, files, query)
    names = [
        row[0] for row in connection.execute(f"DESCRIBE {read_sql(manifest, files)}").fetchall()
    ]
    assert names == ["rowid", 'a"b', "Größe €", "x=1"]
    found = connection.execute(f"SELECT max(rowid) FROM {read_sql(manifest, files)}").fetchall()
    assert found == [(8,)]


@pytest.mark.usefixtures("small_chunks")
def test_the_same_rows_again_write_nothing(connection: Connection, files: Files) -> None:
    query = "SELECT i, i % 7 AS m FROM range(3000) AS t(i)"
    first = store(connection, files, query)
    written = files.puts
    assert written == len(first.chunks) > 20
    assert store(connection, files, query, first) == first
    assert files.puts == written


@pytest.mark.usefixtures("small_chunks")
def test_an_insertion_moves_only_the_chunks_around_it(connection: Connection, files: Files) -> None:
    base = "SELECT i, i % 7 AS m FROM range(9000) AS t(i)"
    first = store(connection, files, base)
    written = files.puts
    query = f"({base} LIMIT 4000) UNION ALL SELECT -1, 0 UNION ALL ({base} OFFSET 4000)"
    second = store(connection, files, query, first)
    assert files.puts - written <= 3
    assert rows_of(connection, read_sql(second, files)) == rows_of(connection, "source")


@pytest.mark.usefixtures("small_chunks")
def test_many_changes_of_one_column_store_that_column_only(
    connection: Connection, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_files, "PATCH_SHARE", 0.001)
    base = "SELECT i, repeat(md5(i::VARCHAR), 4) AS heavy, i % 5 AS light FROM range(6000) AS t(i)"
    first = store(connection, files, base)
    before = files.bytes
    query = f"SELECT * REPLACE (CASE WHEN i % 50 = 0 THEN -1 ELSE light END AS light) FROM ({base})"
    second = store(connection, files, query, first)
    assert not any(part.is_patch for chunk in second.chunks for part in chunk.parts)
    assert (files.bytes - before) < before / 4
    assert max(len(chunk.parts) for chunk in second.chunks) == 2
    assert rows_of(connection, read_sql(second, files)) == rows_of(connection, "source")
    assert verify(connection, second, files) == []
    third = store(connection, files, query.replace("-1", "-2"), second)
    assert rows_of(connection, read_sql(third, files)) == rows_of(connection, "source")
    assert max(len(chunk.parts) for chunk in third.chunks) == 2


CHANGES = {
    "number": "x * 2 + 1",
    "null": "NULL",
    "from null": "coalesce(x, 7)",
    "nan": "'nan'::DOUBLE",
    "negative zero": "-0.0::DOUBLE",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_few_changes_store_only_the_rows_that_changed(
    change: str, connection: Connection, files: Files
) -> None:
    base = (
        "SELECT i AS id, CASE WHEN i % 3 > 0 THEN (hash(i) % 1000000)::DOUBLE ELSE NULL END AS x, "
        "[i, hash(i) % 9] AS l FROM range(20000) AS t(i)"
    )
    first = store(connection, files, base)
    written = files.bytes
    query = f"SELECT * REPLACE (CASE WHEN hash(id) % 100 = 0 THEN {change} ELSE x END AS x)"
    second = store(connection, files, f"{query} FROM ({base})", first)
    assert files.bytes - written < written / 40
    assert [part.is_patch for part in second.chunks[0].parts] == [False, True]
    assert rows_of(connection, read_sql(second, files)) == rows_of(connection, "source")
    assert verify(connection, second, files) == []
    connection.execute("CREATE TABLE kept AS SELECT id, x AS y, l FROM source")
    renamed = store(connection, files, "SELECT * FROM kept", second)
    assert rows_of(connection, read_sql(renamed, files)) == rows_of(connection, "kept")
    # Back again, and then the column in most rows: the patches are of no use any more.
    third = store(connection, files, base, second)
    assert third.digest == first.digest
    whole = store(connection, files, f"SELECT * REPLACE (id * 0.5 AS x) FROM ({base})", second)
    assert not any(part.is_patch for part in whole.chunks[0].parts)
    assert rows_of(connection, read_sql(whole, files)) == rows_of(connection, "source")


def test_patches_pile_up_to_a_few_and_are_put_together_then(
    connection: Connection, files: Files
) -> None:
    base = "SELECT i AS id, hash(i) % 1000 AS x, md5(i::VARCHAR) AS s FROM range(3000) AS t(i)"
    version = store(connection, files, base)
    counts = []
    for day in range(1, 12):
        base = f"SELECT * REPLACE (CASE WHEN hash(id, {day}) % 100 = 0 THEN {day} ELSE x END AS x) "
        base += "FROM source"
        connection.execute("CREATE OR REPLACE TABLE source_before AS SELECT * FROM source")
        version = store(connection, files, base.replace("source", "source_before"), version)
        assert rows_of(connection, read_sql(version, files)) == rows_of(connection, "source")
        counts.append(len(version.chunks[0].parts))
    assert counts == [2, 3, 4, 5, 6, 7, 8, 2, 3, 4, 5]


@pytest.mark.usefixtures("small_chunks")
def test_a_renamed_column_stores_nothing_and_reads_under_its_new_name(
    connection: Connection, files: Files
) -> None:
    first = store(connection, files, "SELECT i AS a, i * 2 AS b FROM range(1000) AS t(i)")
    written = files.puts
    second = store(connection, files, "SELECT i AS a, i * 2 AS c FROM range(1000) AS t(i)", first)
    assert files.puts == written
    assert second.digest != first.digest
    assert rows_of(connection, read_sql(second, files)) == rows_of(connection, "source")
    third = store(connection, files, "SELECT i AS a, i * 2 AS b FROM range(1000) AS t(i)", second)
    assert third == first


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("split", [0, 1, 63, 500, 1999, 2000])
def test_appending_gives_the_version_that_adding_everything_gives(
    split: int, connection: Connection, files: Files
) -> None:
    query = "SELECT i, hash(i) % 11 AS h, (i * 0.5)::DOUBLE AS x FROM range(2000) AS t(i)"
    whole = store(connection, files, query)
    start = store(connection, files, f"SELECT * FROM ({query}) LIMIT {split}")
    written = files.puts
    grown = store(connection, files, f"SELECT * FROM ({query}) OFFSET {split}", start, append=True)
    assert grown.digest == whole.digest
    assert rows_of(connection, read_sql(grown, files)) == rows_of(
        connection, read_sql(whole, files)
    )
    if split == 1999:
        assert files.puts - written == 1


@pytest.mark.parametrize("append", [True, False])
def test_rows_at_the_end_are_all_that_a_small_table_writes(
    append: bool, connection: Connection, files: Files
) -> None:
    """Months of a table that fits into one chunk: each is written once, however it arrives."""
    query = "SELECT i AS id, hash(i) % 100000 AS x, 'row ' || i AS name FROM range({}) AS t(i)"
    versions = [store(connection, files, query.format(3000))]
    for month in range(2, 11):
        rows = query.format(3000 * month)
        if append:
            rows += f" OFFSET {3000 * (month - 1)}"
        versions.append(store(connection, files, rows, versions[-1], append=append))
    for month, version in enumerate(versions, start=1):
        assert (version.rows, len(version.chunks)) == (3000 * month, 1)
        assert verify(connection, version, files) == []
        found = connection.execute(f"SELECT id FROM {read_sql(version, files)}").fetchall()
        assert [row[0] for row in found] == list(range(3000 * month))
    assert len(versions[7].chunks[0].pieces) == 8
    assert len(versions[8].chunks[0].pieces) == 1, "too many files are put together again"
    written = files.bytes
    assert written < 2.5 * versions[8].bytes
    assert decode(encode(versions[7])) == versions[7]
    renamed = f"SELECT id AS number, x, name FROM ({query.format(24_000)})"
    other = store(connection, files, renamed, versions[7])
    assert files.bytes == written
    assert rows_of(connection, read_sql(other, files)) == rows_of(connection, f"({renamed})")


def test_a_changed_beginning_is_written_anew(connection: Connection, files: Files) -> None:
    query = "SELECT i AS id, {} AS x FROM range({}) AS t(i)"
    first = store(connection, files, query.format("i % 7", 3000))
    grown = store(connection, files, query.format("i % 7", 4000), first)
    assert len(grown.chunks[0].head) == 1
    changed = store(
        connection, files, query.format("CASE i WHEN 9 THEN -1 ELSE i % 7 END", 4000), grown
    )
    assert changed.chunks[0].head == ()
    assert verify(connection, changed, files) == verify(connection, grown, files) == []
    files.path(first.chunks[0].parts[0].object).unlink()
    assert "is missing" in verify(connection, grown, files)[0]
    assert verify(connection, changed, files) == []


def test_appending_other_columns_is_refused_and_says_which(
    connection: Connection, files: Files
) -> None:
    first = store(connection, files, "SELECT 1 AS a, 'x' AS b")
    with pytest.raises(ConflictError, match=r"lacks b and adds c and retypes a \(INTEGER became"):
        store(connection, files, "SELECT 'y' AS a, 2 AS c", first, append=True)


@pytest.mark.usefixtures("small_chunks")
def test_another_row_hash_shares_nothing_but_is_read_and_appended_to(
    connection: Connection, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "SELECT i FROM range(500) AS t(i)"
    first = store(connection, files, query)
    monkeypatch.setattr(chunking, "RECIPE", "rows-of-another-release")
    second = store(connection, files, query, first)
    assert not {c.digest for c in first.chunks} & {c.digest for c in second.chunks}
    assert rows_of(connection, read_sql(first, files)) == rows_of(connection, "source")
    assert verify(connection, first, files) == []
    assert store(connection, files, query, first, append=True).rows == 1000


@pytest.mark.usefixtures("small_chunks")
def test_a_page_opens_only_its_chunks(connection: Connection, files: Files) -> None:
    manifest = store(connection, files, "SELECT i FROM range(2000) AS t(i)")
    page = page_sql(manifest, files, 1500, 20)
    assert connection.execute(f"SELECT * FROM {page}").fetchall() == [
        (n,) for n in range(1500, 1520)
    ]
    assert sum(chunk.parts[0].object in page for chunk in manifest.chunks) <= 2
    beyond = connection.execute(f"SELECT * FROM {page_sql(manifest, files, 1995, 20)}").fetchall()
    assert [row[0] for row in beyond] == [1995, 1996, 1997, 1998, 1999]


def test_a_store_may_lie_under_any_name(connection: Connection, tmp_path: Path) -> None:
    for name in ("a [1] *?", "it's", "x=1"):
        objects = Objects(tmp_path / name)
        rows = numbered(connection, "SELECT 1 AS a", "source")
        manifest = write_version(connection, rows, objects, tmp_path)
        found = connection.execute(f"SELECT * FROM {read_sql(manifest, objects)}").fetchall()
        assert found == [(1,)]


@pytest.mark.usefixtures("small_chunks")
def test_verify_names_the_damaged_chunk(connection: Connection, files: Files) -> None:
    manifest = store(connection, files, "SELECT i FROM range(1000) AS t(i)")
    first, second, third = (files.path(chunk.parts[0].object) for chunk in manifest.chunks[:3])
    first.unlink()
    second.chmod(0o600)
    second.write_bytes(second.read_bytes()[:40])
    connection.execute(
        f"COPY (SELECT i + 1 AS i FROM read_parquet('{third}')) TO '{third}.new' (FORMAT parquet)"
    )
    Path(f"{third}.new").replace(third)
    found = verify(connection, manifest, files)
    assert [sentence.split(":")[0].split(" (")[0] for sentence in found] == [
        f"chunk {n} of {len(manifest.chunks)}" for n in (1, 2, 3)
    ]
    assert "missing" in found[0]
    assert "cannot be read" in found[1]
    assert "not those that were written" in found[2]


def test_a_missing_file_of_the_parent_is_written_again(
    connection: Connection, files: Files
) -> None:
    query = "SELECT i FROM range(1000) AS t(i)"
    first = store(connection, files, query)
    files.path(first.chunks[0].parts[0].object).unlink()
    assert store(connection, files, query, first) == first
    assert verify(connection, first, files) == []


def test_an_altered_manifest_is_refused(connection: Connection, files: Files) -> None:
    manifest = store(connection, files, "SELECT 1 AS a")
    assert decode(encode(manifest)) == manifest
    with pytest.raises(DamagedError, match="2 rows under"):
        decode(encode(replace(manifest, rows=2)))
    with pytest.raises(DamagedError, match="cannot be read"):
        decode(encode(manifest)[:-3])


def test_a_directory_that_cannot_be_written_is_said(connection: Connection, files: Files) -> None:
    rows = numbered(connection, "SELECT 1 AS a", "source")
    with pytest.raises(StorageError, match=r"cannot write chunks to .*absent: no such file"):
        write_version(connection, rows, files, files.root / "absent")


@pytest.mark.usefixtures("small_chunks")
def test_progress_counts_rows_and_can_stop_the_work(
    connection: Connection, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_files, "BATCH_ROWS", 200)
    rows = numbered(connection, "SELECT i FROM range(2000) AS t(i)", "source")
    seen: list[tuple[int, int]] = []
    write_version(
        connection, rows, files, files.root, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[0] == (0, 2000)
    assert seen[-1] == (2000, 2000)
    assert seen == sorted(seen)

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    rows = numbered(connection, "SELECT i + 1 AS i FROM range(2000) AS t(i)", "source")
    with pytest.raises(KeyboardInterrupt):
        write_version(connection, rows, files, files.root, progress=stop)
    assert not list(files.root.glob("chunk-*"))


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=600),
    st.lists(st.integers(0, 600), max_size=6),
    st.sampled_from([1, 4, 16, 64]),
)
def test_cuts_do_not_depend_on_batches(hashes: list[int], marks: list[int], target: int) -> None:
    array = np.array(hashes, dtype=np.uint64)
    whole = [len(part) for part in cut([array], target)]
    batches = np.split(array, sorted(mark for mark in marks if mark <= len(array)))
    assert [len(part) for part in cut(batches, target)] == whole
    assert sum(whole) == len(hashes)
    assert all(max(target // 4, 1) <= rows <= target * 4 for rows in whole[:-1])


INSTANTS = st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1))
CELL = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.decimal128(20, 4): st.decimals(-(10**15), 10**15, places=4),
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.timestamp("us"): INSTANTS,
    pa.timestamp("us", "UTC"): INSTANTS.map(lambda at: at.replace(tzinfo=UTC)),
    pa.struct([("a b", pa.string()), ("b", pa.list_(pa.int8()))]): st.fixed_dictionaries(
        {
            "a b": st.text(max_size=3) | st.none(),
            "b": st.lists(st.integers(-128, 127), max_size=2) | st.none(),
        }
    ),
    pa.float64(): st.floats(),
    pa.string(): st.text(max_size=8),
    pa.bool_(): st.booleans(),
    pa.binary(): st.binary(max_size=4),
    pa.list_(pa.float64()): st.lists(st.floats() | st.none(), max_size=3),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(list(CELL)), min_size=1, max_size=4))
    count = draw(st.integers(0, 80))
    columns = [
        pa.array(draw(st.lists(CELL[k] | st.none(), min_size=count, max_size=count)), type=k)
        for k in kinds
    ]
    return pa.table(columns, names=[f"c{n}" for n in range(len(kinds))])


def bits(value: object) -> object:
    """NaN equal to NaN, 0.0 different from −0.0."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, list):
        return [bits(item) for item in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    return value


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=tables(), split=st.integers(0, 80))
def test_any_table_round_trips_and_grows(
    table: pa.Table, split: int, connection: Connection, files: Files
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunking, "ROWS_PER_CHUNK", 8)
        connection.register("given", table)
        whole = store(connection, files, "SELECT * FROM given")
        found = connection.sql(f"SELECT * FROM {read_sql(whole, files)}").to_arrow_table()
        assert bits(list(map(list, zip(*found.to_pydict().values(), strict=True)))) == bits(
            list(map(list, zip(*table.to_pydict().values(), strict=True)))
        )
        start = store(connection, files, f"SELECT * FROM given LIMIT {split}")
        grown = store(connection, files, f"SELECT * FROM given OFFSET {split}", start, append=True)
        assert grown.digest == whole.digest
        assert verify(connection, grown, files) == []
