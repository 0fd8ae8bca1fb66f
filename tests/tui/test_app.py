"""The console against a real agent: connects, loses it, keeps the picture, finds it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.client.client import Client
from console.errors import KINDS
from console.tui.app import Console, status_of
from console.tui.dialogs.action_log import ActionLog
from console.tui.dialogs.fields import FieldInput
from console.tui.host import DEFECT, Host
from storage.workspace import Workspace
from tests.conftest import RunningAgent
from tests.tui.areas.invented import OVERVIEW
from tests.tui.reading import opened, text_of


async def wait_for(pilot: Pilot[Any], look: Callable[[], bool], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    while not look():
        assert asyncio.get_running_loop().time() < deadline, f"{what}\n{text_of(pilot.app)}"
        await pilot.pause(0.02)


async def shows(pilot: Pilot[Any], *words: str) -> None:
    await wait_for(pilot, lambda: all(word in text_of(pilot.app) for word in words), str(words))


def console(workspace: Workspace, **options: Any) -> Console:
    return Console(Client(workspace, start=False), **options)


async def test_it_connects_and_shows_the_workspace(agent: RunningAgent) -> None:
    app = console(agent.workspace)
    async with opened(app, (120, 34)) as pilot:
        await shows(pilot, "Nothing here yet.", "● live", "First steps 0 of 4")


async def test_a_killed_agent_is_told_the_picture_stays_and_it_comes_back(
    agent: RunningAgent,
) -> None:
    app = console(agent.workspace, first="people")
    async with opened(app, (80, 24)) as pilot:
        await shows(pilot, "chain is whole")
        agent.kill()
        await shows(pilot, "~ agent gone", "The agent stopped answering at", "You see the picture")
        assert "Ledger" in text_of(app) and "try now" in text_of(app)
        await shows(pilot, "Next try in", "attempt")
        agent.start_again()
        await pilot.press("r")
        await shows(pilot, "● live")
        assert "stopped answering" not in text_of(app)


async def test_an_agent_that_is_not_there_is_told_before_any_picture(workspace: Workspace) -> None:
    app = console(workspace)
    async with opened(app, (80, 24)) as pilot:
        await shows(pilot, "The agent stopped answering at")
        assert "You see the picture" not in text_of(app)


async def test_a_change_by_somebody_else_is_seen_and_undone(agent: RunningAgent) -> None:
    app = console(agent.workspace, first="people")
    async with opened(app, (80, 24)) as pilot:
        await shows(pilot, "chain is whole")
        app.doing.act("grant_role", {"name": "cleo", "role": "devops"})
        await shows(pilot, "cleo may act as devops now", "u undo")
        await pilot.press("u")
        await shows(pilot, "take devops from cleo again")
        await pilot.press("y")
        await shows(pilot, "cleo may act as nobody now")


async def test_a_refusal_stays_until_it_is_read_and_is_in_the_log(agent: RunningAgent) -> None:
    app = console(agent.workspace, first="people")
    async with opened(app, (120, 34)) as pilot:
        await shows(pilot, "chain is whole")
        app.doing.act("rollback_model", {"model": "nothing"})
        await shows(pilot, "✗ ")
        await pilot.press("at")
        await wait_for(pilot, lambda: isinstance(app.screen, ActionLog), "the log")
        await shows(pilot, "What was done", "✗ refused", "nothing")


async def test_a_read_only_console_changes_nothing(agent: RunningAgent) -> None:
    app = console(agent.workspace, is_read_only=True)
    async with opened(app, (120, 34)) as pilot:
        await shows(pilot, "read-only", "First steps")
        await pilot.press("x", "a")
        await pilot.pause()
        first, second = list(app.screen.query(FieldInput))[:2]
        first.value, second.value = "planes", __file__
        await pilot.press("escape", "y")
        await shows(pilot, "this console is read-only; nothing was changed")


async def test_the_palette_opens_by_id(agent: RunningAgent) -> None:
    app = console(agent.workspace)
    async with opened(app, (120, 34)) as pilot:
        await shows(pilot, "First steps")
        await pilot.press("colon", *"run", "space", *"117")
        await shows(pilot, "open run 117")
        await pilot.press("enter")
        await wait_for(
            pilot, lambda: app.frame.current is not None and app.frame.current.entry.id == "jobs",
            "the jobs area",
        )  # fmt: skip


async def test_d_leaves_for_the_demo(agent: RunningAgent) -> None:
    app = console(agent.workspace)
    async with opened(app, (80, 24)) as pilot:
        await shows(pilot, "First steps")
        await pilot.press("d")
        await pilot.pause()
    assert app.wants_demo and app.return_code == 0


async def test_a_reference_that_nothing_answers_to_is_said(agent: RunningAgent) -> None:
    app = console(agent.workspace)
    async with opened(app, (80, 24)) as pilot:
        await app.open_reference("moon:1")
        await shows(pilot, "nothing here is called moon:1")


def test_the_first_row_counts_what_needs_somebody() -> None:
    status = status_of(OVERVIEW, is_read_only=True)
    assert (status.fails, status.warnings, status.people) == (1, 2, 3)
    assert status.modes[:2] == ("demo data", "read-only") and status.role == "owner"


async def test_a_defect_ends_with_a_sentence_and_is_kept_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    class Broken(Host):
        def on_key(self) -> None:
            raise ZeroDivisionError("somewhere deep")

    app = Broken()
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            await pilot.press("k")
    kept = tmp_path / "mlops-console" / "defect.log"
    assert "somewhere deep" in kept.read_text()
    assert app.return_code == KINDS["internal"].exit_code
    assert app.defect == DEFECT.format(place=kept)
    assert capsys.readouterr() == ("", "")
