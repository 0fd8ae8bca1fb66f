"""What is odd about a file is read in one way, and the person is told which and how else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from console.errors import InvalidError, NotFoundError, TooLargeError, UsageError
from console.worker.data.options import ReadOptions
from console.worker.data.reading import Reading, read

Add = Callable[..., Reading]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": "2"})


@pytest.fixture
def add(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Add:
    def write_and_read(content: str | bytes, name: str = "x.csv", **options: Any) -> Reading:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read(connection, path, ReadOptions(**options), scratch=tmp_path)

    return write_and_read


def types(reading: Reading) -> dict[str, str]:
    return {column.name: column.type for column in reading.columns}


def test_a_column_that_is_nearly_a_number_says_what_keeps_it_from_being_one(add: Add) -> None:
    found = add("id,x\n1,2.5\n2,1e400\n3,4\n")
    assert types(found) == {"id": "BIGINT", "x": "VARCHAR"}
    assert found.facts.notes == (
        "x is text: 1 of 3 values is no number, the first in row 2: '1e400' (--type x=DOUBLE "
        "insists, --null '1e400' takes it for no value)",
    )
    assert types(add("id,x\n1,2.5\n2,1e400\n3,4\n", null_tokens=("1e400",)))["x"] == "DOUBLE"
    assert add("id,x\n1,2.5\n2,1e400\n", types={"x": "DOUBLE"}).problems[0].count == 1


def test_columns_of_texts_are_no_news(add: Add) -> None:
    assert add("id,x\n1,a\n2,b\n3,4\n").facts.notes == ()


@pytest.mark.parametrize(
    ("values", "note", "form"),
    [
        (["13/03/2024", "01/02/2024"], "dates with the day first", "DATE %d/%m/%Y"),
        (["3.13.2024", "1.2.2024"], "dates with the month first", "DATE %m.%d.%Y"),
        (["1/2/2024", "3/4/2024"], "cannot be told", "DATE %d/%m/%Y"),
        (["13-03-2024 07:15", "NA"], "the day first", "TIMESTAMP %d-%m-%Y %H:%M"),
    ],
)
def test_dates_as_people_write_them_are_recognised_and_can_be_asked_for(
    values: list[str], note: str, form: str, add: Add
) -> None:
    content = "n,day\n" + "".join(f"{n},{value}\n" for n, value in enumerate(values))
    found = add(content)
    assert types(found)["day"] == "VARCHAR"
    assert note in found.facts.notes[0]
    assert f"--type day='{form}'" in found.facts.notes[0]
    again = add(content, types={"day": form})
    assert types(again)["day"] == form.split(" ")[0]
    assert not again.problems
    assert not again.facts.notes


def test_a_guessed_encoding_is_said(add: Add) -> None:
    found = add("id,name\n1,Zoë\n".encode("cp1252"))
    assert "was read as cp1252, a guess: --encoding names another" in found.facts.notes[0]
    assert not add("id,name\n1,Zoë\n".encode("cp1252"), encoding="cp1252").facts.notes


def test_a_type_for_a_column_that_is_not_there_is_refused(add: Add) -> None:
    with pytest.raises(UsageError, match="there is no column zipp to have a type") as refused:
        add("zip,x\n00123,1\n", types={"zipp": "VARCHAR"})
    assert refused.value.hint == "Did you mean zip?"


def test_nothing_but_line_ends_and_brackets_without_end_are_refused(add: Add) -> None:
    with pytest.raises(InvalidError, match=r"nothing but line ends and spaces \(6 bytes\)"):
        add("\n\r\n \n\n")
    with pytest.raises(InvalidError, match=r"x\.json"):
        add("[" * 30_000 + "]" * 30_000, "x.json")


def test_links_in_a_circle_are_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").symlink_to("b.csv")
    (tmp_path / "b.csv").symlink_to("a.csv")
    with pytest.raises(NotFoundError, match="a link that leads in a circle"):
        read(connection, tmp_path / "a.csv", scratch=tmp_path)


def test_a_row_over_the_limit_names_the_option_that_allows_it(add: Add) -> None:
    content = "id,text\n1," + "a" * (3 << 20) + "\n"
    with pytest.raises(TooLargeError) as refused:
        add(content, max_line_bytes=2 << 20)
    assert "--longest-row MIB" in refused.value.hint
    assert add(content, max_line_bytes=4 << 20).facts.rows == 1


def test_a_wide_table_keeps_its_order_types_and_wrong_cells(add: Add) -> None:
    width, height = 250, 30
    lines = [",".join(f"c{n}" for n in range(width))]
    for row in range(height):
        cells = [str(row * n) if n % 2 else f"t{row}" for n in range(width)]
        cells[201] = "oops" if row == 7 else cells[201]
        lines.append(",".join(cells))
    found = add("\n".join(lines) + "\n", types={"c201": "BIGINT"})
    assert found.facts.rows == height
    assert [column.name for column in found.columns] == [f"c{n}" for n in range(width)]
    assert types(found) | {"c0": "VARCHAR", "c1": "BIGINT", "c249": "BIGINT"} == types(found)
    assert [(p.column, p.examples) for p in found.problems] == [("c201", ((8, "oops"),))]


def test_rows_of_a_wide_table_belong_together(
    add: Add, connection: duckdb.DuckDBPyConnection
) -> None:
    found = add(
        ",".join(f"c{n}" for n in range(150))
        + "\n"
        + "".join(",".join([str(row)] * 150) + "\n" for row in range(5000))
    )
    other, first, last = connection.execute(
        f"SELECT count_if(c0 <> c149 OR c0 <> {found.rows.position}), min(c77), max(c77) "
        f"FROM {found.rows.relation}"
    ).fetchall()[0]
    assert (other, first, last) == (0, 0, 4999)
