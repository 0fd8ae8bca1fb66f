"""A list becomes a file: what is seen, in its order, numbers plain, nothing overwritten."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from console.errors import UsageError
from console.tabular import fault_of, written
from console.tui.exporting import cells_of, export
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column

Row = tuple[str, str]


def table(*rows: Row) -> Table[Row]:
    made: Table[Row] = Table(
        [
            Column(key="name", head="name", cell=lambda row: row[0], is_name=True),
            Column(key="rows", head="rows", cell=lambda row: row[1], align="right"),
            Column(key="spare", head="spare", cell=lambda row: "x"),
            Column(key="chart", draw=lambda row, width: None),  # type: ignore[arg-type, return-value]
        ],
        key=lambda row: row[0],
    )
    made.rows = rows
    made.hidden_columns = frozenset({"spare"})
    return made


def test_csv_has_plain_numbers_and_no_formulas() -> None:
    text = written(".csv", *cells_of(table(("a,b", "195 583"), ("=1+1", "−0.5"), ("-3", "–"))))
    assert list(csv.reader(text.splitlines())) == [
        ["name", "rows"], ["a,b", "195583"], ["'=1+1", "-0.5"], ["-3", ""],
    ]  # fmt: skip


def test_json_is_a_list_of_objects() -> None:
    assert json.loads(written(".json", *cells_of(table(("é", "1 000"))))) == [
        {"name": "é", "rows": "1000"}
    ]


def test_the_filter_decides_what_is_written(tmp_path: Path) -> None:
    made = table(("keep", "1"), ("drop", "2"))
    made.filter = lambda row: row[0] == "keep"
    said = export(made, str(tmp_path / "out.csv"))
    assert said == f"1 rows written to {tmp_path}/out.csv"
    assert "drop" not in (tmp_path / "out.csv").read_text()


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    assert fault_of(str(path)) == "it is there already"
    with pytest.raises(UsageError, match="cannot write"):
        export(table(("a", "1")), str(path))
    assert path.read_text() == "mine"


def test_what_cannot_be_a_file_is_said(tmp_path: Path) -> None:
    assert fault_of(str(tmp_path / "out.xlsx")) == "a name that ends in .csv or .json"
    assert fault_of(str(tmp_path / "no" / "out.csv")).startswith("there is no directory")
    assert fault_of(str(tmp_path / "out.json")) == ""
