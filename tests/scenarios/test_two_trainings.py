"""Two trainings from the shell and the console: follow one, stop one, lose the agent, compare.

With real processes: an agent, its workers, the command line as a process, the console on it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pyarrow.parquet as pq
import pytest
from textual.pilot import Pilot

from console.client.client import Client
from console.tui.app import Console
from console.tui.widgets.table import Table
from storage.workspace import Workspace
from tests.conftest import RunningAgent, Said, run_command
from tests.tui.reading import text_of
from tests.worker.test_train import TOML, trips

pytestmark = [pytest.mark.scenario, pytest.mark.process]

PLACES = "place,rain\ndale,0.1\nhill,0.8\nshore,0.3\n"


class Reader:
    """Somebody at the console."""

    def __init__(self, app: Console, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def leaves(self, word: str) -> None:
        """Back until this word is gone: the first esc may take a toast away."""
        for _ in range(3):
            await self.press("escape")
            if word not in text_of(self.app):
                return
        pytest.fail(f"{word!r} stays on the screen:\n{text_of(self.app)}")

    async def sees(self, *wanted: str, timeout_s: float = 60.0) -> str:
        """The screen once all of these words stand on it."""
        return await self._waits(lambda screen: all(w in screen for w in wanted), wanted, timeout_s)

    async def _waits(
        self, holds: Callable[[str], bool], wanted: tuple[str, ...], timeout_s: float
    ) -> str:
        deadline = monotonic() + timeout_s
        while True:
            screen = text_of(self.app)
            if holds(screen):
                return screen
            if monotonic() > deadline:
                pytest.fail(f"never saw {wanted} in\n{screen}")
            await self.pilot.pause(0.05)

    def put_cursor(self, run_id: int) -> None:
        """On a run, as the mouse would."""
        table = self.app.screen.query_one("#runs", Table)
        table.focus()
        table.cursor_key = str(run_id)

    def row(self, screen: str, *words: str) -> str:
        return next((row for row in screen.splitlines() if all(word in row for word in words)), "")


@asynccontextmanager
async def console_on(workspace: Workspace) -> AsyncIterator[Reader]:
    app = Console(Client(workspace, start=False), first="jobs")
    async with app.run_test(size=(120, 40)) as pilot:
        yield Reader(app, pilot)


@pytest.fixture
def declared(agent: RunningAgent) -> RunningAgent:
    """An agent whose workspace is a repository with a pipeline and its data."""
    root = agent.workspace.root
    (root / "mlops.toml").write_text(TOML.replace("folds = 3", "folds = 2"))
    (root / "places.csv").write_text(PLACES)
    (root / ".gitignore").write_text(".mlops/\n*.parquet\n")
    pq.write_table(trips(400), root / "trips.parquet")
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=ana", "-c", "user.email=ana@example.org", "commit", "-qm", "first"),
    ):
        subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)
    for dataset, file in (("trips", "trips.parquet"), ("places", "places.csv")):
        done = run_command(agent.workspace, "data", "add", dataset, file)
        assert done.code == 0, done
    return agent


async def test_two_trainings_are_started_followed_stopped_survived_compared_and_repeated(
    declared: RunningAgent,
) -> None:
    workspace = declared.workspace

    def shell(*words: str, code: int = 0) -> Said:
        said = run_command(workspace, *words)
        assert said.code == code, f"{words}: {said}"
        assert "Traceback" not in said.out + said.err
        return said

    def started(*words: str) -> int:
        return int(json.loads(shell("train", "late", *words, "--detach", "--json").out)["id"])

    quick = started("--param", "max_iter=12", "--note", "the quick one")
    endless = started("--param", "max_iter=1000000")
    async with console_on(workspace) as reader:
        # The newest run is on top: follow it until its fit has begun.
        screen = await reader.sees("the quick one", f"{endless} ► running")
        await reader.press("g", "f")
        await reader.sees("follows, f holds it", "fitting HistGradientBoostingClassifier")
        await reader.leaves("follows, f holds it")

        # Stop it; the console asks first, and enter alone does nothing.
        await reader.press("x", "c")
        await reader.sees(f"Stop job {endless}, train late?")
        await reader.press("enter", "y")
        screen = await reader.sees(f"{endless} ‖ cancelled")

        # The agent dies while another one trains; the job lives on, and so does the picture.
        third = started("--param", "max_iter=40")
        await reader.sees(f"{third} ► running")
        declared.kill()
        screen = await reader.sees("agent stopped answering")
        assert f"{third} ► running" in screen
        declared.start_again()
        reader.app.feed.retry_now()
        await reader.sees(f"{third} ● done")

        # Side by side: the quick one is the baseline, pinned; what was changed, what it did.
        reader.put_cursor(quick)
        await reader.press("b", "space")
        reader.put_cursor(third)
        await reader.press("space", "c")
        screen = await reader.sees(f"★ {quick} baseline", "max_iter")
        assert "12" in reader.row(screen, "max_iter") and "40" in reader.row(screen, "max_iter")
        await reader.leaves("Compare 2 runs")

        # And again, with a file changed since: the same scores, and what differs is said.
        (workspace.root / "places.csv").write_text(PLACES + "moor,0.5\n")
        reader.put_cursor(quick)
        await reader.press("x", "r")
        await reader.sees(f"reproduce run {quick}", f"repeats run {quick}")

    compared = json.loads(shell("run", "compare", str(quick), str(third), "--json").out)
    assert compared["params"] == [["max_iter", ["12", "40"]]]
    assert compared["apart"] == ["", ""]
    assert compared["words"][0].startswith(f"Run {third} differs from run {quick} in max_iter")
    told = shell("run", "compare", str(quick), str(endless)).out
    assert f"Run {endless} was cancelled, so their metrics cannot be compared." in told

    repetition = json.loads(shell("job", "list", "--json").out)[0]["result"]
    assert repetition["words"][0].endswith("held-out rows are equal, bit by bit.")
    assert "is_dirty no → yes" in repetition["words"][-1]
