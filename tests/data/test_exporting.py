"""An export is whole or absent, reads back, and runs no formula in a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from console.errors import ConflictError, ConsoleError, UsageError
from console.worker.data.exporting import export
from console.worker.data.options import ReadOptions
from console.worker.data.reading import read
from storage.errors import StorageError

Connection = duckdb.DuckDBPyConnection
SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.mark.parametrize("name", ["x.parquet", "x.csv", "x.csv.gz", "x.arrow", "x.feather"])
def test_an_export_reads_back_as_it_was(name: str, connection: Connection, tmp_path: Path) -> None:
    relation = f"read_parquet('{SAMPLE}/weather-2013.parquet')"
    done = export(connection, relation, tmp_path / name)
    assert done.rows == 26115
    assert done.bytes == (tmp_path / name).stat().st_size
    reading = read(connection, tmp_path / name, scratch=tmp_path)
    differing = connection.execute(
        f"(SELECT * FROM {relation} EXCEPT ALL SELECT * FROM {reading.relation}) UNION ALL "
        f"(SELECT * FROM {reading.relation} EXCEPT ALL SELECT * FROM {relation})"
    )
    assert differing.fetchall() == []
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_cells_that_look_like_formulas_are_harmless_unless_raw(
    connection: Connection, tmp_path: Path
) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT "
        "unnest(['=1+1', '+x', '-x', '@x', chr(9) || '=1', 'a=b', '', NULL]) AS s, "
        "unnest([-1, -2, 3, 4, 5, 6, 7, 8]) AS \"=n\", 'x' AS calm"
    )
    done = export(connection, "t", tmp_path / "safe.csv")
    assert done.escaped_columns == ("s",)
    lines = (tmp_path / "safe.csv").read_text().splitlines()
    assert lines[0] == "s,'=n,calm"
    assert [line.split(",")[0] for line in lines[1:]] == [
        "'=1+1", "'+x", "'-x", "'@x", "'\t=1", "a=b", '""', "",
    ]  # fmt: skip
    assert lines[1].split(",")[1] == "-1"
    raw = export(connection, "t", tmp_path / "raw.csv", raw=True)
    assert raw.escaped_columns == ()
    options = ReadOptions(null_tokens=())
    reading = read(connection, tmp_path / "raw.csv", options, scratch=tmp_path)
    assert (
        connection.execute(f"SELECT * FROM {reading.relation}").fetchall()
        == connection.execute("SELECT * FROM t").fetchall()
    )


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.arrow"])
def test_rows_keep_their_order(name: str, connection: Connection, tmp_path: Path) -> None:
    connection.execute("CREATE TABLE t AS SELECT i, 'row ' || i AS s FROM range(400000) AS t(i)")
    export(connection, "t", tmp_path / name)
    tokens = ReadOptions(null_tokens=("NA", "N/A", "-", "", "?", "none", "null"))
    reading = read(connection, tmp_path / name, tokens, scratch=tmp_path)
    moved = connection.execute(
        f"SELECT count_if(i != before + 1) FROM (SELECT i, lag(i) OVER () AS before "
        f"FROM {reading.relation})"
    )
    assert moved.fetchall() == [(0,)]


def test_types_that_parquet_rounds_are_exported_as_text(
    connection: Connection, tmp_path: Path
) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT 170141183460469231731687303715884105727::HUGEINT AS h"
    )
    export(connection, "t", tmp_path / "x.parquet")
    found = connection.execute(f"SELECT h FROM '{tmp_path}/x.parquet'").fetchall()
    assert found == [("170141183460469231731687303715884105727",)]


def test_an_existing_file_is_kept_unless_replaced(connection: Connection, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("precious")
    with pytest.raises(ConflictError, match="exists already"):
        export(connection, "(SELECT 1 AS a)", path)
    assert path.read_text() == "precious"
    export(connection, "(SELECT 1 AS a)", path, replace=True)
    assert path.read_text() == "a\n1\n"


def test_a_failed_export_leaves_nothing(connection: Connection, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    with pytest.raises(duckdb.Error):
        export(connection, "(SELECT error('no') AS a)", path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises((ConsoleError, StorageError), match="cannot write"):
        export(connection, "(SELECT 1 AS a)", tmp_path / "absent" / "x.parquet")


@pytest.mark.parametrize("name", ["x.xlsx", "x", "x.parquet.gz"])
def test_an_unknown_kind_is_refused(name: str, connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        export(connection, "(SELECT 1 AS a)", tmp_path / name)


def test_the_kind_can_be_named(connection: Connection, tmp_path: Path) -> None:
    seen: list[float] = []
    done = export(
        connection,
        "(SELECT i FROM range(5) t(i))",
        tmp_path / "x",
        format="arrow",
        watch=seen.append,
    )
    assert done.format == "arrow"
    assert pa.ipc.open_file(str(tmp_path / "x")).read_all().num_rows == 5
    assert seen[-1] == 1.0
