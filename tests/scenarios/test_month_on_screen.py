"""A month arrives broken and is refused on the screen with reasons; the mended one is compared.

In the console, with a real agent and real workers: the contract is drafted and accepted there, the
refusal is read there, and so are the difference and the drift of the version that follows.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from console.client.client import Client
from console.tui.app import Console
from console.tui.dialogs.fields import FieldInput
from console.tui.widgets.table import Table
from storage.workspace import Workspace
from tests.agent.data_at_work import Data
from tests.conftest import agent_in
from tests.scenarios.test_two_trainings import Reader
from tests.tui.reading import opened, text_of

pytestmark = [pytest.mark.scenario, pytest.mark.process]

MONTH = (
    "SELECT {month} AS month, i AS trip, 'N' || (i % 40) AS tail, "
    "CASE WHEN i % 50 > 0 THEN (i * 37 + {month}) % 97 + {shift} END AS delay "
    "FROM range({month} * 2000, {month} * 2000 + {rows}) t(i)"
)


def write(path: Path, query: str, null: str = "") -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT csv, HEADER, NULLSTR '{null}')")
    return path


def month(number: int, *, rows: int = 2000, shift: int = 0) -> str:
    return MONTH.format(month=number, rows=rows, shift=shift)


async def test_a_broken_month_is_refused_on_screen_and_the_mended_one_compared(
    tmp_path: Path,
) -> None:
    workspace = Workspace.create(tmp_path / "w")
    broken = write(tmp_path / "april.csv", month(4).replace("AS tail", "AS tail_num"), "missing")
    mended = write(tmp_path / "april-again.csv", month(4, shift=30))
    with agent_in(workspace, is_warm=True):
        client = Client(workspace, start=False)
        trips = Data(client, "trips")
        for number in (1, 2, 3):
            path = write(tmp_path / f"{number}.csv", month(number))
            trips.add(path, append=number > 1, key=("trip",))
        app = Console(Client(workspace, start=False), first="data")
        async with opened(app, (120, 36)) as pilot:
            reader = Reader(app, pilot)
            await reader.sees("trips", "3 versions")

            # What was there becomes the contract: drafted, read, decided on. Which month it is has
            # to change, and how late trips are may.
            await reader.press("a")
            await reader.sees("No contract yet.")
            await reader.press("x", "i")
            await reader.sees("Drafts to decide on", "all 2,000 values are BIGINT")
            rules = app.screen.query_one("#contract-rules", Table)
            for rule in ("month.range", "trip.range", "delay.range"):
                rules.cursor_key = rule
                await reader.press("space")
            await reader.sees("3 drafts marked")
            await reader.press("x", "r", "y")
            await reader.sees("refused 3 rules of trips")
            await reader.press("x", "l", "y")
            await reader.sees("nothing is left to decide", "Agreed")
            await back(reader, "Contract of")

            # April says `missing` where it means nothing, and a column has another name.
            await add(reader, broken)
            await reader.sees("cannot add april.csv to trips", "shows why")
            await reader.press("a")
            screen = await reader.sees("april.csv was refused", "Broken")
            assert "tail is missing (tail_num is new: renamed?)" in " ".join(screen.split())
            rules.focus()
            rules.cursor_key = "delay.type"
            await reader.sees("'missing'", "rules broken · nothing of it was stored")
            assert [version.version for version in trips.versions] == [3, 2, 1]
            await back(reader, "Contract of")

            # The mended file becomes the next version, and it matters.
            await add(reader, mended)
            screen = await reader.sees("4 versions")
            assert "was refused" not in screen and "shows why" not in screen
            await reader.press("g")
            screen = await reader.sees("Moved since v3", "3 of 4 columns moved: month")
            assert "✗" in reader.row(screen, "delay", "2.30")
            await reader.press("c")
            await reader.sees("trips@v3 → trips@v4", "2 000 added, 0 removed")
            await back(reader, "trips@v3 → trips@v4")
        assert trips.version("v4").rows == 8000
        client.close()


async def back(reader: Reader, words: str) -> None:
    """Leave what these words head; a message on the screen takes the first esc."""
    while words in text_of(reader.app):
        await reader.press("escape")


async def add(reader: Reader, path: Path) -> None:
    """Fill in the form that adds rows from a file."""
    await reader.press("x", "a")
    await reader.sees("Add a version from files")
    _, file, *_ = reader.app.screen.query(FieldInput)
    file.value = str(path)
    await reader.press("escape", "y")
