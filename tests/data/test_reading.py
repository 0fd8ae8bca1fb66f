"""Whatever a file is, it becomes one typed table or one sentence."""

from __future__ import annotations

import gzip
import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.feather
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from console.errors import ConflictError, ConsoleError, InvalidError, TooLargeError, UsageError
from console.worker.data import reading as reading_module
from console.worker.data.casting import Wanted
from console.worker.data.options import ReadOptions
from console.worker.data.reading import Done, Reading, read, read_query
from console.worker.data.running import open_engine
from storage.errors import NotFoundError, StorageError

Connection = duckdb.DuckDBPyConnection
SAMPLE = Path(__file__).parents[2] / "sample_data"


def packed(content: bytes) -> bytes:
    """Gzip without a time in its header, so that the names of cases stay the same."""
    return gzip.compress(content, mtime=0)


@pytest.fixture
def add(connection: Connection, tmp_path: Path) -> Callable[..., Reading]:
    """Write bytes to a file of that name and read it."""

    def write_and_read(name: str, content: bytes, **options: Any) -> Reading:
        path = tmp_path / name
        path.write_bytes(content)
        wanted = options.pop("wanted", None)
        return read(connection, path, ReadOptions(**options), scratch=tmp_path, wanted=wanted)

    return write_and_read


def rows(connection: Connection, reading: Reading) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT * FROM {reading.relation}").fetchall()


def types(reading: Reading) -> dict[str, str]:
    return {column.name: column.type for column in reading.columns}


def test_the_february_file_with_literal_na_equals_its_parquet_twin(
    connection: Connection, tmp_path: Path
) -> None:
    csv = read(connection, SAMPLE / "flights/flights-2013-02.csv", scratch=tmp_path, table="a")
    twin = read(connection, SAMPLE / "flights/flights-2013-02.parquet", scratch=tmp_path, table="b")
    assert csv.problems == ()
    assert csv.columns == twin.columns
    assert csv.facts.rows == twin.facts.rows == 24951
    differing = connection.execute(
        "(FROM a EXCEPT ALL FROM b) UNION ALL (FROM b EXCEPT ALL FROM a)"
    )
    assert differing.fetchall() == []
    assert csv.facts.null_tokens == ("NA", "N/A", "-", "")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,x\n2,y\n", [(1, "x"), (2, "y")]),
        (b"a\tb\n1\tx\n2\ty\n", [(1, "x"), (2, "y")]),
        (b"a;b\n1,5;x\n2,25;y\n", [(1.5, "x"), (2.25, "y")]),
        (b"a|b\n1|x,1\n2|y,2\n", [(1, "x,1"), (2, "y,2")]),
        (b"'a','b'\n'1','x,y'\n'2','z'\n", [(1, "x,y"), (2, "z")]),
        (b"\xef\xbb\xbfa,b\r\n1,x\r\n2,y\r\n", [(1, "x"), (2, "y")]),
        (b"a,b\r1,x\r2,y\r", [(1, "x"), (2, "y")]),
        (b"a,b\r\n1,x\n2,y\r\n", [(1, "x"), (2, "y")]),
        (b'a,b\r\n1,"two\nlines"\r\n2,y\r\n', [(1, "two\nlines"), (2, "y")]),
        (b'a,b\n1,"say ""hi"""\n', [(1, 'say "hi"')]),
        (b'a,b\n1,"say \\"hi\\""\n', [(1, 'say "hi"')]),
        (b'a,b\n1,5" pipe\n2,y\n', [(1, '5" pipe'), (2, "y")]),
        (b"a,b\n1,x\n\n\n2,y\n\n", [(1, "x"), (2, "y")]),
        (b"a,b\n1,x\n2,y", [(1, "x"), (2, "y")]),
        (b"1,x\n2,y\n", [(1, "x"), (2, "y")]),
        ("a,b\n1,é\n2,ü\n".encode("latin-1"), [(1, "é"), (2, "ü")]),
        ("a,b\n1,„€“\n2,x\n".encode("cp1252"), [(1, "„€“"), (2, "x")]),
        ("a,b\n1,é\n2,漢\n".encode("utf-16"), [(1, "é"), (2, "漢")]),
        ("a,b\n1,xxxx\n2,yyyy\n".encode("utf-16-le"), [(1, "xxxx"), (2, "yyyy")]),
        ("a,b\n1,xxxx\n2,yyyy\n".encode("utf-16-be"), [(1, "xxxx"), (2, "yyyy")]),
        ("a,b\n1,é\n".encode("utf-32"), [(1, "é")]),
    ],
)
def test_delimiters_quotes_line_ends_and_encodings_are_found_out(
    content: bytes, expected: list[Any], add: Callable[..., Reading], connection: Connection
) -> None:
    reading = add("x.csv", content)
    assert rows(connection, reading) == expected
    assert reading.facts.agreement == "agree"


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "-20", "NA"], "BIGINT", [1, -20, None]),
        (["1", "2.5", "N/A"], "DOUBLE", [1.0, 2.5, None]),
        (["1e3", ".5", "-"], "DOUBLE", [1000.0, 0.5, None]),
        (["1.5", "inf", "-Infinity"], "DOUBLE", [1.5, float("inf"), float("-inf")]),
        (["007", "012", "100"], "VARCHAR", ["007", "012", "100"]),
        (["12345678901234567890"] * 2 + [""], "VARCHAR", ["12345678901234567890"] * 2 + [None]),
        (["0x10", "1_000", "7"], "VARCHAR", ["0x10", "1_000", "7"]),
        ([" 12 ", "13", "14"], "VARCHAR", [" 12 ", "13", "14"]),
        (["true", "False", "no"], "BOOLEAN", [True, False, False]),
        (["2013-01-31", "2013-02-28", ""], "DATE", ["2013-01-31", "2013-02-28", None]),
        (["2013-02-30", "2013-02-28", "x"], "VARCHAR", ["2013-02-30", "2013-02-28", "x"]),
        (["2013-01-31 05:00", "2013-01-31T06:07:08.5", ""], "TIMESTAMP", None),
        (["2013-01-31T05:00:00Z", "2013-01-31 05:00+02", ""], "TIMESTAMP WITH TIME ZONE", None),
        (["31.01.2013", "28.02.2013", ""], "VARCHAR", ["31.01.2013", "28.02.2013", None]),
        (["", "NA", ""], "VARCHAR", [None, None, None]),
    ],
)
def test_types_are_the_narrowest_that_lose_nothing(
    cells: list[str],
    kind: str,
    values: list[Any] | None,
    add: Callable[..., Reading],
    connection: Connection,
) -> None:
    body = "".join(f"{number},{cell}\n" for number, cell in enumerate(cells))
    reading = add("x.csv", f"n,x\n{body}".encode())
    assert types(reading)["x"] == kind
    assert reading.problems == ()
    if values is not None:
        found = [row[1] for row in rows(connection, reading)]
        assert [str(v) if kind == "DATE" and v else v for v in found] == values


def test_a_quoted_empty_text_is_not_null(
    add: Callable[..., Reading], connection: Connection
) -> None:
    reading = add("x.csv", b'a,b\nx,\ny,""\nz,w\n')
    assert rows(connection, reading) == [("x", None), ("y", ""), ("z", "w")]


def test_text_in_a_numeric_column_is_reported_with_rows_and_values(
    add: Callable[..., Reading], connection: Connection
) -> None:
    lines = [f"{n},{n}" for n in range(1, 4001)]
    lines[2999] = "3000,unknown"
    lines[3499] = "3500,1e400"
    reading = add("x.csv", "\n".join(["id,temp", *lines, ""]).encode())
    assert types(reading)["temp"] == "BIGINT"
    (problem,) = reading.problems
    assert (problem.column, problem.count, problem.n) == ("temp", 2, 4000)
    assert problem.examples == ((3000, "unknown"), (3500, "1e400"))
    assert rows(connection, reading)[2999] == (3000, None)
    with pytest.raises(InvalidError, match=r"2 of 4,000 values of temp .* row 3,000: 'unknown'"):
        reading.refuse_problems()


def test_a_text_at_row_900_000_is_found_and_counted(connection: Connection, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    body = "SELECT i AS id, CASE WHEN i = 900000 THEN 'late' ELSE i::VARCHAR END AS v"
    connection.execute(f"COPY ({body} FROM range(1, 1000001) AS t(i)) TO '{path}' (HEADER)")
    reading = read(connection, path, scratch=tmp_path)
    assert reading.problems[0].examples == ((900_000, "late"),)
    assert types(reading) == {"id": "BIGINT", "v": "BIGINT"}


def test_many_texts_make_the_column_a_text_column(add: Callable[..., Reading]) -> None:
    body = "".join(f"{n},{'x' if n % 100 == 0 else n}\n" for n in range(2000))
    reading = add("x.csv", f"a,b\n{body}".encode())
    assert types(reading)["b"] == "VARCHAR"
    assert reading.problems == ()


def test_wanted_types_are_cast_to_and_what_does_not_fit_is_reported(
    add: Callable[..., Reading], connection: Connection
) -> None:
    wanted = {
        "code": Wanted(type="varchar"),
        "n": Wanted(type="INTEGER"),
        "day": Wanted(type="DATE", format="%d.%m.%Y"),
        "gone": Wanted(type="BIGINT"),
    }
    reading = add(
        "x.csv", b"code,n,day\n007,1.5,31.01.2013\n008,0x10,30.02.2013\n,7,\n", wanted=wanted
    )
    assert types(reading) == {"code": "VARCHAR", "n": "INTEGER", "day": "DATE"}
    assert {p.column: p.examples for p in reading.problems} == {
        "n": ((1, "1.5"), (2, "0x10")),
        "day": ((2, "30.02.2013"),),
    }
    assert [row[0] for row in rows(connection, reading)] == ["007", "008", None]


def test_wanted_types_of_a_parquet_file_are_cast_without_loss(
    connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "x.parquet"
    connection.execute(
        f"COPY (SELECT * FROM (VALUES (1.0, '5', 1), (2.5, 'x', 300)) AS t(a, b, c)) TO '{path}'"
    )
    wanted = {name: Wanted(type=kind) for name, kind in
              (("a", "BIGINT"), ("b", "BIGINT"), ("c", "TINYINT"))}  # fmt: skip
    reading = read(connection, path, scratch=tmp_path, wanted=wanted)
    assert rows(connection, reading) == [(1, 5, 1), (None, None, None)]
    assert {p.column: p.examples for p in reading.problems} == {
        "a": ((2, "2.5"),),
        "b": ((2, "x"),),
        "c": ((2, "300"),),
    }


def test_options_override_what_would_be_found_out(
    add: Callable[..., Reading], connection: Connection
) -> None:
    options = ReadOptions.from_mapping(
        {"header": False, "null_tokens": ["?"], "types": {"column_1": "VARCHAR"}}
    )
    reading = add(
        "x.csv",
        b"1,NA\n2,?\n",
        header=options.header,
        null_tokens=options.null_tokens,
        types=options.types,
    )
    assert rows(connection, reading) == [("1", "NA"), ("2", None)]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"delimeter": ";"}, "Did you mean delimiter?"),
        ({"delimiter": "||"}, "one character"),
        ({"decimal_mark": "x"}, "decimal mark"),
        ({"format": "xlsx"}, "cannot read the format"),
    ],
)
def test_a_wrong_option_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as refusal:
        ReadOptions.from_mapping(given)
    assert sentence in str(refusal.value)


def test_columns_without_or_with_repeated_names_get_names_and_a_note(
    add: Callable[..., Reading],
) -> None:
    reading = add("x.csv", b",a,A,a_2\n0,1,2,3\n")
    assert list(types(reading)) == ["column_1", "a", "A_2", "a_2_2"]
    assert reading.facts.notes == (
        "column 1 has no name and is called column_1",
        "column 3 repeats the name A and is called A_2",
        "column 4 repeats the name a_2 and is called a_2_2",
    )


def test_a_header_alone_is_a_table_without_rows(add: Callable[..., Reading]) -> None:
    reading = add("x.csv", b"a,b\n")
    assert reading.facts.rows == 0
    assert list(types(reading)) == ["a", "b"]
    assert "no rows" in reading.facts.notes[-1]


XLSX = b"PK\x03\x04" + b"\x14\0\6\0" + b"[Content_Types].xml" + b"\0" * 40


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.csv", b"", r"is empty \(0 bytes\)"),
        ("x.csv", b"<!DOCTYPE html><html><body>Login</body></html>", "web page"),
        ("x.csv", b"\n  <HTML>\n", "web page"),
        ("x.csv", b"%PDF-1.7 ...", "PDF document"),
        ("x.csv", XLSX, "Excel workbook"),
        ("x.xlsx", XLSX, "Excel workbook"),
        ("x.zip", b"PK\x03\x04abc", "zip archive"),
        ("x.pkl", b"\x80\x04\x95\x00\x00", "pickle, which may run code"),
        ("x.db", b"SQLite format 3\0" + b"\0" * 100, "SQLite database"),
        ("x.db", b"12345678DUCK" + b"\0" * 100, "DuckDB database"),
        ("x.bin", bytes(range(256)) * 4, "is binary: 4 NUL bytes, the first at byte 0"),
        ("x.csv", b"a,b\n1,x\x00y\n", "is binary: 1 NUL bytes, the first at byte 7"),
        ("x.parquet", b"PAR1" + b"\0" * 500, "truncated at 504 bytes"),
        ("x.parquet", b"PAR1" + b"\0" * 500 + b"PAR1", "cannot read .* as parquet"),
        ("x.arrow", b"ARROW1\0\0" + b"\0" * 100, "truncated at 108 bytes"),
        ("x.parquet", b"a,b\n1,2\n", "name says parquet, its content is csv"),
        ("x.csv.gz", b"a,b\n1,2\n", "name says gzip, its content has none"),
        (
            "x.csv",
            packed(b"a,b\n1,2\n"),
            "name says no compression, its content has gzip",
        ),
        ("x.csv.gz", packed(Random(7).randbytes(300_000).hex().encode())[:-9000], "cannot unpack"),
        ("x.csv.gz", b"\x1f\x8b\x08\x00broken", "cannot unpack"),
        ("x.csv.gz", packed(packed(b"a,b\n")), "compressed twice"),
        ("x.parquet.gz", packed(b"PAR1abcPAR1"), "Unpack it first"),
        ("notes", b"Dear all,\nplease find the numbers below. Yours\n", "cannot tell what"),
        ("x.csv", b"a,b\n1,2\n3\n4,5,6\n", "line 3: has 1 column where the others have 2"),
        ("x.csv", b"a,b\n1,2\n3,4,5\n", "line 3: has 3 columns where the others have 2"),
        ("x.csv", b'a,b\n1,"open\n2,3\n4,5\n', "line 2: a quote .* not closed"),
        ("x.csv", b'a,b\n1,"x"y\n', "line 2: a quote .* not closed"),
        ("x.json", b'[{"a": 1}, {"a": 2]', "value 3: this is no JSON"),
        ("x.jsonl", b'{"a": 1}\n{"a": \n{"a": 3}\n', "line 3: this is no JSON"),
        ("x.avro", b"Obj\x01abc", "Avro"),
        ("x.bz2", b"BZh91AY", "bzip2"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(
    name: str, content: bytes, sentence: str, add: Callable[..., Reading]
) -> None:
    with pytest.raises((ConsoleError, StorageError), match=sentence) as refusal:
        add(name, content)
    assert "\n" not in refusal.value.message
    assert refusal.value.message.endswith(".")
    assert name in refusal.value.message


def test_an_encoding_that_is_none_or_wrong_is_refused(add: Callable[..., Reading]) -> None:
    with pytest.raises(InvalidError, match="no encoding 'klingon'"):
        add("x.csv", b"a,b\n1,2\n", encoding="klingon")
    with pytest.raises(InvalidError, match="none of its characters"):
        add("x.csv", "a,b\n1,é\n".encode(), encoding="ascii")


def test_a_row_that_never_ends_is_refused_not_loaded(add: Callable[..., Reading]) -> None:
    field = b"x" * (64 << 20)
    with pytest.raises((TooLargeError, InvalidError), match=r"line 2: .* never closed"):
        add("x.csv", b'a,b\n1,"' + field + b'"\n')


def test_a_long_field_is_read(add: Callable[..., Reading], connection: Connection) -> None:
    reading = add("x.csv", b'a,b\n1,"' + b"x" * (3 << 20) + b'"\n')
    assert connection.execute(f"SELECT length(b) FROM {reading.relation}").fetchall() == [
        (3 << 20,)
    ]


def test_a_meant_mismatch_is_read_and_noted(
    add: Callable[..., Reading], connection: Connection
) -> None:
    reading = add("x.parquet", b"a,b\n1,2\n", format="csv")
    assert rows(connection, reading) == [(1, 2)]
    assert reading.facts.agreement == "mismatch"
    assert "its name says parquet" in reading.facts.notes[0]


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "link out", "dangling"])
def test_pipes_devices_and_links_elsewhere_are_refused(
    kind: str, connection: Connection, tmp_path: Path
) -> None:
    directory = tmp_path / "in"
    directory.mkdir()
    path = directory / "x.csv"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    elif kind == "device":
        path = Path("/dev/null")
    elif kind == "link out":
        (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
        path.symlink_to(tmp_path / "secret.csv")
    else:
        path.symlink_to(directory / "absent")
    with pytest.raises((ConsoleError, StorageError)) as refusal:
        read(connection, path, scratch=tmp_path)
    expected = {
        "fifo": "named pipe",
        "socket": "a socket",
        "device": "a device",
        "link out": "leads out of its directory",
        "dangling": "cannot be reached",
    }[kind]
    assert expected in refusal.value.message


def test_a_link_beside_its_target_is_followed(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("a,b\n1,2\n")
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert read(connection, tmp_path / "link.csv", scratch=tmp_path).facts.rows == 1


def test_a_missing_file_names_its_neighbour(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text("a,b\n1,2\n")
    with pytest.raises((ConsoleError, NotFoundError)) as refusal:
        read(connection, tmp_path / "flihgts.csv", scratch=tmp_path)
    assert "Did you mean" in refusal.value.hint
    assert "flights.csv" in refusal.value.hint


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("layout", ["csv", "jsonl"])
def test_compressed_files_are_read(
    compression: str, layout: str, add: Callable[..., Reading], connection: Connection
) -> None:
    plain = b"a,b\n1,x\n2,y\n" if layout == "csv" else b'{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n'
    if compression == "gzip":
        content, suffix = packed(plain), "gz"
    else:
        content, suffix = pa.compress(plain, codec="zstd", asbytes=True), "zst"
    reading = add(f"x.{layout}.{suffix}", content)
    assert rows(connection, reading) == [(1, "x"), (2, "y")]
    assert reading.facts.compression == compression


def test_json_documents_of_every_layout_are_read(
    add: Callable[..., Reading], connection: Connection
) -> None:
    whole = b'[\n {"a": 1, "b": {"c": [1, null]}},\n {"a": 2.5, "d": "x"}\n]\n'
    lines = b'{"a": 1, "b": {"c": [1, null]}}\n{"a": 2.5, "d": "x"}\n'
    expected = [(1.0, {"c": [1, None]}, None), (2.5, None, "x")]
    assert rows(connection, add("x.json", whole)) == expected
    assert rows(connection, add("x.jsonl", lines)) == expected
    assert rows(connection, add("y.json", b"\xef\xbb\xbf" + whole)) == expected
    assert add("z.json", lines).facts.format == "jsonl"


def test_arrow_files_streams_and_feather_are_read(
    add: Callable[..., Reading], connection: Connection
) -> None:
    table = pa.table({"a": [1, None], "s": pa.array(["x", "y"]).dictionary_encode()})
    stream, file, feather = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    pyarrow.feather.write_feather(table, feather, compression="zstd")
    for name, content in (("a.arrows", stream), ("a.arrow", file), ("a.feather", feather)):
        reading = add(name, content.getvalue())
        assert rows(connection, reading) == [(1, "x"), (None, "y")]
        assert types(reading) == {"a": "BIGINT", "s": "VARCHAR"}


def test_directories_and_patterns_are_read_in_the_order_of_names(
    connection: Connection, tmp_path: Path
) -> None:
    months = tmp_path / "year=2013" / "months"
    months.mkdir(parents=True)
    for month in (3, 1, 2):
        (months / f"m{month}.csv").write_text(f"a,b\n{month},x\n")
    (months / ".hidden").write_text("no")
    (months / "_SUCCESS").write_text("")
    for source in (months, tmp_path / "*" / "months" / "m*.csv", tmp_path / "**" / "*.csv"):
        reading = read(connection, source, scratch=tmp_path)
        assert rows(connection, reading) == [(1, "x"), (2, "x"), (3, "x")]
        assert len(reading.facts.files) == 3
    (months / "m4.csv").write_text("a,c\n4,x\n")
    with pytest.raises(
        InvalidError, match=r"m4.csv has other columns than m1.csv: it lacks b and adds c"
    ):
        read(connection, months, scratch=tmp_path)
    with pytest.raises((ConsoleError, StorageError), match="no file matches"):
        read(connection, tmp_path / "*.parquet", scratch=tmp_path)


@pytest.mark.parametrize("name", ["may[1]", "may*", "may?", "it's", "a b", "größe", "x=1"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_name_with_signs_of_a_pattern_names_one_file(
    name: str, suffix: str, connection: Connection, tmp_path: Path
) -> None:
    directory = tmp_path / name
    directory.mkdir()
    for stem, value in ((name, 1), ("may1", 2), ("mayx", 3)):
        connection.execute(f"CREATE OR REPLACE TABLE t AS SELECT {value} AS a, 'x' AS b")
        layout = {"csv": "csv", "jsonl": "json", "parquet": "parquet"}[suffix]
        path = str(directory / f"{stem}.{suffix}").replace("'", "''")
        connection.execute(f"COPY t TO '{path}' (FORMAT {layout})")
    reading = read(connection, directory / f"{name}.{suffix}", scratch=tmp_path)
    assert rows(connection, reading) == [(1, "x")]


def test_a_parquet_file_that_changes_before_its_rows_are_used_is_refused(
    connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "x.parquet"
    connection.execute(f"COPY (SELECT 1 AS a) TO '{path}'")
    reading = read(connection, path, scratch=tmp_path)
    reading.refuse_changes()
    connection.execute(f"COPY (SELECT 2 AS a, 3 AS b) TO '{path}'")
    with pytest.raises(ConflictError, match="changed while it was read"):
        reading.refuse_changes()


def test_a_file_that_changes_while_it_is_read_is_refused(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    load = reading_module._load

    def load_and_append(*arguments: Any) -> Reading:
        reading = load(*arguments)
        with path.open("a") as file:
            file.write("3,4\n")
        return reading

    monkeypatch.setattr(reading_module, "_load", load_and_append)
    with pytest.raises(ConflictError, match=r"changed while it was read \(8 bytes before, 12"):
        read(connection, path, scratch=tmp_path)


def test_a_parquet_bomb_is_refused_before_it_unfolds(
    connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.parquet"
    connection.execute(f"COPY (SELECT 0 AS x FROM range(60_000_000)) TO '{path}'")
    with pytest.raises(TooLargeError, match="unfolds to 60,000,000 cells"):
        read(connection, path, scratch=tmp_path)
    with pytest.raises(TooLargeError, match="the limit is 10"):
        read(connection, SAMPLE / "planes.parquet", ReadOptions(max_cells=10), scratch=tmp_path)


def test_a_query_is_a_source(connection: Connection) -> None:
    reading = read_query(connection, "SELECT 1 AS a, 'x' AS b -- note\n;")
    assert rows(connection, reading) == [(1, "x")]
    assert reading.facts.format == "sql"


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT 1; SELECT 2", "one SELECT"),
        ("CREATE TABLE t (a INTEGER)", "one SELECT"),
        ("SELEC 1", "the query failed"),
        ("SELECT * FROM nowhere", "the query failed: .*nowhere"),
    ],
)
def test_what_is_not_one_query_is_refused(sql: str, sentence: str, connection: Connection) -> None:
    with pytest.raises(ConsoleError, match=sentence):
        read_query(connection, sql)


def test_a_query_reaches_only_what_it_may(tmp_path: Path) -> None:
    inside, outside, spill = (tmp_path / name for name in ("in", "out", "spill"))
    for directory in (inside, outside, spill):
        directory.mkdir()
        (directory / "x.csv").write_text("a,b\n1,2\n")
    with open_engine(spill, memory_bytes=1 << 28, threads=1, reachable=[inside]) as engine:
        assert read_query(engine, f"SELECT * FROM '{inside}/x.csv'").facts.rows == 1
        assert read(engine, inside / "x.csv", scratch=spill).facts.rows == 1
        for sql in (f"SELECT * FROM '{outside}/x.csv'", "SELECT * FROM read_text('/etc/passwd')"):
            with pytest.raises(InvalidError, match="the query failed: Permission"):
                read_query(engine, sql)


def test_progress_ends_at_everything_and_may_stop_the_reading(
    connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    connection.execute(
        f"COPY (SELECT i, i * 2 AS j FROM range(300000) AS t(i)) TO '{path}' (HEADER)"
    )
    seen: list[Done] = []
    reading = read(connection, path, scratch=tmp_path, progress=seen.append)
    size = path.stat().st_size
    assert seen[-1] == Done(300_000, 300_000, size, size)
    assert [done.bytes for done in seen] == sorted(done.bytes for done in seen)
    assert {done.bytes_total for done in seen} == {size}
    assert seen[0].bytes < 0.2 * size, "the first look is told of too"
    assert reading.facts.rows == 300_000

    def stop(_done: Done) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(connection, path, scratch=tmp_path, table="other", progress=stop)
    assert connection.execute("SELECT 1").fetchall() == [(1,)]
    assert not list(tmp_path.glob("text-*"))


def test_a_file_larger_than_memory_is_read(tmp_path: Path) -> None:
    """More text than DuckDB may hold, and the process stays small."""
    script = f"""
from pathlib import Path
from console.worker.data.running import open_engine
from console.worker.data.reading import Done, read
engine = open_engine(Path({str(tmp_path)!r}), memory_bytes=120 << 20, threads=1)
engine.execute("COPY (SELECT i, md5(i::VARCHAR) AS a, md5((i+1)::VARCHAR) AS b FROM "
               "range(2000000) AS t(i)) TO '{tmp_path}/big.csv' (HEADER)")
found = read(engine, "{tmp_path}/big.csv", scratch=Path({str(tmp_path)!r}))
peak = Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]
print(found.facts.rows, int(peak) >> 10)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows_read, peak_mib = map(int, done.stdout.split())
    assert rows_read == 2_000_000
    assert peak_mib < 400


CELL = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["", "NA", "true", "2013-01-31", "a,b", 'q"q', "two\nlines", "é"]),
    st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=6),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=20))
@example(table=[("\r", "x", "y")])
@example(table=[("0", "0", "\\"), ('"', '\\"x', '"')])
def test_any_table_written_by_pythons_csv_comes_back_as_text(
    table: list[tuple[str, str, str]], connection: Connection, tmp_path: Path
) -> None:
    import csv

    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("a", "b", "c"), *table])
    path = tmp_path / "any.csv"
    path.write_bytes(buffer.getvalue().encode("utf-8"))
    options = ReadOptions(types=dict.fromkeys("abc", "VARCHAR"), null_tokens=(), delimiter=",")
    reading = read(connection, path, options, scratch=tmp_path)
    assert reading.facts.rows == len(table)
    if "\r" not in buffer.getvalue():
        assert rows(connection, reading) == table
