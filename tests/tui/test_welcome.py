"""The first screen where no workspace is: data at hand, empty, another one, the demo."""

from __future__ import annotations

from pathlib import Path

from console.tui.dialogs.fields import FieldInput
from console.tui.welcome import Chosen, Welcome, nearest_data_file
from tests.tui.reading import text_of


def data_file(directory: Path) -> Path:
    path = directory / "Flights 2013.csv"
    path.write_text("a,b\n1,2\n")
    return path


async def test_it_offers_the_data_file_that_lies_there(tmp_path: Path) -> None:
    data_file(tmp_path)
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        screen = text_of(app)
        assert "No workspace here yet." in screen
        assert "$ mlops-console init" in screen and "Flights 2013.csv is here" in screen
        assert "opens a demo" in screen and screen.splitlines()[-1].strip().startswith("enter")


async def test_enter_asks_for_file_and_name_and_starts(tmp_path: Path) -> None:
    path = data_file(tmp_path)
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.query(FieldInput).first().value == str(path)
        await pilot.press("escape", "y")
        await pilot.pause()
    assert app.chosen is not None and app.chosen.what == "init" and app.chosen.file == path
    assert app.chosen.dataset and " " not in app.chosen.dataset


async def test_d_chooses_the_demo_and_q_nothing(tmp_path: Path) -> None:
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("d")
        await pilot.pause()
    assert app.chosen == Chosen(what="demo", path=tmp_path)
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert app.chosen is None


async def test_another_workspace_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "w" / ".mlops").mkdir(parents=True)
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        field = app.screen.query_one(FieldInput)
        field.value = str(tmp_path / "nowhere")
        await pilot.press("escape", "y")
        await pilot.pause()
        assert "it has no .mlops directory" in text_of(app)
        field.value = str(tmp_path / "w")
        await pilot.press("y")
        await pilot.pause()
    assert app.chosen == Chosen(what="open", path=tmp_path / "w")


def test_the_first_data_file_by_name_is_offered(tmp_path: Path) -> None:
    assert nearest_data_file(tmp_path) is None
    for name in ("z.parquet", "b.csv.gz", "a.txt"):
        (tmp_path / name).touch()
    assert nearest_data_file(tmp_path) == tmp_path / "b.csv.gz"
    assert nearest_data_file(tmp_path / "nowhere") is None
