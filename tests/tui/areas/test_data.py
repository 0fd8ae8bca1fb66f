"""Data: the timeline, a version's columns and what moved, the difference row by row, the rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from console.tui.areas.base import Choice
from console.tui.areas.data.difference import told
from console.tui.dialogs.fields import FieldInput
from console.wire.datasets import DiffAnswer
from storage.records.drift import DriftReport
from tests.tui.areas.invented import (
    COLUMNS,
    DIFF,
    DRIFT,
    JOB,
    VERSIONS,
    answer,
    data_empty,
    data_snapshot,
)
from tests.tui.areas.shown import seen
from tests.tui.reading import ink_of

WIDE = (160, 45)
EVIL = "\x1b]0;x\x07[red]x\u202e\tz"


async def test_a_small_terminal_lists_versions_one_a_line() -> None:
    async with seen("data", data_snapshot(), answer) as it:
        screen = await it.text()
        assert "weather 3 versions" in screen and "key origin time_hour" in screen
        row = it.row(screen, "v3", "July")
        assert "15 242" in row and "+2 228" in row and "▲ 1 warning" in row and "run 117" in row
        assert it.row(screen, "v1", "May").count("–") == 2
        assert "null rate: 10.6 %, exact, is within the threshold" in screen


async def test_enter_opens_a_version_and_esc_comes_back() -> None:
    async with seen("data", data_snapshot(), answer) as it:
        screen = await it.press("enter")
        assert "weather@v3 15 242 rows" in screen and "Moved since v2" in screen
        row = it.row(screen, "humid", "0.41")
        assert "0.37 to 0.45" in row and row.endswith("57 → 70")
        assert "esc back" in screen.splitlines()[-1]
        assert "July" in await it.press("escape")


async def test_enter_on_a_column_draws_it_and_a_text_shows_its_values() -> None:
    async with seen("data", data_snapshot(), answer) as it:
        screen = await it.press("enter", "enter")
        assert "humid share of rows" in screen and "PSI 0.41, 0.37 to 0.45" in screen
        assert "v3" in screen and "Moved since" not in screen
        screen = await it.press("escape", "tab", "end", "enter")
        assert "33.3 %" in it.row(screen, "EWR")


async def test_a_wide_terminal_shows_columns_contract_and_shape_beside_the_list() -> None:
    async with seen("data", data_snapshot(), answer, WIDE) as it:
        screen = await it.text()
        assert "10.6 %" in it.row(screen, "pressure", "double")
        assert "EWR 33 %" in it.row(screen, "origin", "varchar")
        assert "Contract 2 rules" in screen and "▲ 1 of 2" in screen
        assert "humid share of rows" in screen
        assert ink_of(it.app, "0.41")[0] == "#f2837b"


async def test_moving_asks_for_the_version_and_what_moved_in_it() -> None:
    async with seen("data", data_snapshot(), answer) as it:
        await it.press("j")
        assert it.app.wants[-1] == ("main", {"dataset": "weather", "version": "2"})
    async with seen("data", data_snapshot(2), answer) as it:
        assert it.app.wants == [
            ("drift", {"dataset": "weather", "before": "v1", "after": "v2", "is_delivery": False})
        ]


async def test_the_first_version_has_nothing_to_be_compared_with() -> None:
    async with seen("data", data_snapshot(1), answer, WIDE) as it:
        screen = await it.text()
        assert "This is the first version." in screen and "nothing to compare with" in screen


async def test_b_pins_a_version_and_marks_choose_another_one() -> None:
    async with seen("data", data_snapshot(), answer) as it:
        await it.press("end")
        await it.show(data_snapshot(1))
        screen = await it.press("b")
        assert "★" in it.row(screen, "v1", "May")
        await it.show(data_snapshot(3))
        assert it.app.wants[-1] == (
            "drift",
            {"dataset": "weather", "before": "v1", "after": "v3", "is_delivery": False},
        )


async def test_space_marks_and_the_state_line_says_what_c_does() -> None:
    async with seen("data", data_snapshot(2), answer) as it:
        await it.press("g", "space")
        screen = await it.show(data_snapshot(2))
        assert "1 marked · c compares v3 with v2" in screen


async def test_c_tells_the_difference_worst_first() -> None:
    async with seen("data", data_snapshot(), answer) as it:
        screen = await it.press("c")
        assert "weather@v2 → weather@v3" in screen and "2 228 added, 0 removed" in screen
        assert "Schema" in screen and "added DOUBLE" in it.row(screen, "gust")
        assert "PSI 0.41; moved 0.90 σ" in it.row(screen, "✗ humid")
        assert "PSI 0.17" in it.row(screen, "≈ temp")
        assert "precip" not in screen
        assert "12 cells changed" in it.row(screen, "~ humid")
        assert "humid 57 → 70" in it.row(screen, "~ EWR")
        assert "rows are named by origin and time_hour" in screen
        assert "July" in await it.press("escape")


async def test_a_difference_that_must_be_computed_waits_for_its_job_and_says_when_it_fails() -> (
    None
):
    jobs = [replace(JOB, id=7), replace(JOB, id=8)]

    def slow(what: str, arguments: dict[str, Any]) -> Any:
        return DiffAnswer(job=jobs[0]) if what == "diff" else answer(what, arguments)

    async with seen("data", data_snapshot(), slow) as it:
        assert "Reading the chunks that differ" in await it.press("c")
        it.app.area.show_part("diff", DiffAnswer(job=jobs[1]))
        screen = await it.text()
        assert "could not be compared" in screen and "mlops-console job logs 7" in screen


def test_equal_versions_have_no_rows_to_tell() -> None:
    same = replace(DIFF, schema=(), differences=(), examples=(), rows_added=0, rows_changed=0)
    assert told(same) == []


async def test_o_shows_rows_and_brackets_turn_pages() -> None:
    async with seen("data", data_snapshot(), answer) as it:
        screen = await it.press("o")
        assert "Rows of weather@v3, 1 to 2 of 15 242" in screen
        assert it.row(screen, "2  JFK").endswith("–")
        await it.press("right_square_bracket")
        assert it.app.wants[-1][1]["offset"] == 200


async def test_brackets_go_through_datasets() -> None:
    async with seen("data", data_snapshot(), answer) as it:
        await it.press("right_square_bracket")
        assert it.app.wants[-1] == ("main", {"dataset": "planes", "version": ""})


async def test_nothing_yet_names_the_command_and_x_asks_for_a_file() -> None:
    async with seen("data", data_empty(), answer) as it:
        screen = await it.text()
        assert "No data yet." in screen and "$ mlops-console data add NAME FILE" in screen
        assert "Datasets" not in screen
        screen = await it.press("x", "a")
        assert "Add a version from files" in screen


async def test_adding_data_posts_absolute_files(tmp_path: Path) -> None:
    for month in (1, 2):
        (tmp_path / f"m{month}.csv").write_text("a\n1\n")
    async with seen("data", data_empty(), answer) as it:
        await it.press("x", "a")
        fields = list(it.app.screen.query(FieldInput))
        fields[0].value, fields[1].value = "planes", f"{tmp_path}/m*.csv"
        await it.press("escape", "y")
        action, arguments = it.app.acts[0]
        assert action == "add_data" and arguments["dataset"] == "planes"
        assert arguments["files"] == (str(tmp_path / "m1.csv"), str(tmp_path / "m2.csv"))
        assert arguments["append"] is False and arguments["options"] == {}


async def test_a_file_that_is_not_there_is_not_taken() -> None:
    async with seen("data", data_empty(), answer) as it:
        await it.press("x", "a")
        fields = list(it.app.screen.query(FieldInput))
        fields[0].value, fields[1].value = "planes", "/nowhere/at/all.csv"
        assert "no such file" in await it.press("escape", "y")
        assert it.app.acts == []


async def test_actions_name_the_version() -> None:
    async with seen("data", data_snapshot(), answer) as it:
        it.app.area.choose(Choice(id="verify_data", label=""))
        it.app.area.choose(Choice(id="check_contract", label=""))
        it.app.area.choose(Choice(id="set_version_tag", label=""))
        await it.text()
        asked = {"dataset": "weather", "version": "3"}
        assert it.app.acts[0] == ("verify_data", asked)
        assert it.app.acts[1] == ("check_contract", asked)
        assert it.app.acts[2][1]["ask"].sentence == "Tag weather@v3?"


async def test_foreign_text_is_shown_not_obeyed() -> None:
    versions = (replace(VERSIONS[0], note=EVIL, source=EVIL, tags=(EVIL,)), *VERSIONS[1:])
    detail = data_snapshot().detail
    assert detail is not None
    columns = (replace(COLUMNS[2], name=EVIL, top=((EVIL, 9),)), *COLUMNS)
    found = replace(detail, version=versions[0], profile=replace(detail.profile, columns=columns))
    snapshot = replace(data_snapshot(), versions=versions, detail=found)
    moved = replace(DRIFT.columns[0], column=EVIL, new_values=((EVIL, 1),), median_before=None)
    report: DriftReport = replace(DRIFT, columns=(moved,), words=EVIL)
    async with seen("data", snapshot, lambda what, _: report, WIDE) as it:
        screen = await it.text()
        assert "[red]x" in screen and "\x1b" not in screen and "\u202e" not in screen
