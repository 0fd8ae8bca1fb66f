"""Every registered area opens at every size and in every state, and explains each of its keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console.tui.frame_rows import Gone
from console.tui.keymaps import KEYS
from console.tui.registry import ENTRIES, SOURCES
from tests.tui.areas import invented, invented_runs, test_pipelines
from tests.tui.areas.shown import seen

SIZES = ((60, 16), (80, 24), (160, 45), (300, 80))
FULL: dict[str, Callable[[], Any]] = {
    "overview": invented.overview_snapshot,
    "data": invented.data_snapshot,
    "jobs": invented_runs.snapshot,
    "models": invented.models_snapshot,
    "serving": invented.serving_snapshot,
    "pipelines": test_pipelines.snapshot,
    "alerts": invented.alerts_snapshot,
    "people": invented.people_snapshot,
}
EMPTY: dict[str, Callable[[], Any]] = {
    "overview": invented.overview_empty,
    "data": invented.data_empty,
    "jobs": invented_runs.empty,
    "models": invented.models_empty,
    "serving": invented.serving_empty,
    "pipelines": invented.pipelines_empty,
    "alerts": invented.alerts_empty,
    "people": invented.people_empty,
}
GONE = Gone(since="09:38:12", picture_from="09:38:11", next_try_s=3, attempt=7)
AREAS = [entry.id for entry in ENTRIES]


def answer(what: str, arguments: dict[str, Any]) -> Any:
    return invented.answer(what, arguments) or invented_runs.answer(what, arguments)


def test_every_area_has_snapshots_here_and_a_source() -> None:
    assert set(FULL) == set(EMPTY) == set(AREAS) == set(SOURCES)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("area", AREAS)
async def test_every_state_at_every_size(area: str, size: tuple[int, int]) -> None:
    async with seen(area, None, answer, size) as it:
        entry = next(entry for entry in ENTRIES if entry.id == area)
        it.app.area.show_loading()
        loading = await it.text()
        assert (entry.title if size[0] >= 110 else entry.short) in loading
        full = await it.show(FULL[area]())
        assert full != loading
        it.app.area.show_error("cannot read this: the disk is gone.", "Look at the cable.")
        assert "the disk is gone" in await it.text()
        it.app.frame.show_gone(GONE)
        gone = await it.text()
        assert "stopped answering at 09:38:12" in gone
        it.app.frame.show_gone(None)
        empty = await it.show(EMPTY[area]())
        assert empty != full


@pytest.mark.parametrize("area", AREAS)
async def test_an_empty_area_names_a_command_and_a_key(area: str) -> None:
    async with seen(area, EMPTY[area](), answer) as it:
        screen = await it.text()
        if area == "people":
            assert "Nothing was changed yet." in screen
        else:
            assert "mlops-console" in screen
            assert it.app.frame.verbs is not None and "?" in screen.splitlines()[-1]


@pytest.mark.parametrize("area", AREAS)
async def test_every_key_is_explained(area: str) -> None:
    async with seen(area, FULL[area](), answer, (160, 45)) as it:
        for node in [it.app.area, *it.app.area.walk_children()]:
            for binding in node._bindings.key_to_bindings.values():
                for each in binding:
                    if each.id is not None:
                        assert KEYS[each.id].meaning, f"{each.id} has no meaning"
        assert it.app.area.help_text
        assert all(word and meaning for word, meaning in it.app.area.help_words)


@pytest.mark.parametrize("area", AREAS)
async def test_every_action_has_its_command_and_a_key_of_its_own(area: str) -> None:
    async with seen(area, FULL[area](), answer, (160, 45)) as it:
        actions = it.app.area.actions()
        keys = [action.key for action in actions if action.key]
        assert len(keys) == len(set(keys))
        for action in actions:
            assert action.command.startswith("mlops-console") or action.id.startswith("next_")


@pytest.mark.parametrize("area", AREAS)
async def test_a_resize_rearranges_and_comes_back(area: str) -> None:
    async with seen(area, FULL[area](), answer, (80, 24)) as it:
        before = await it.text()
        for width, height in ((160, 45), (80, 24)):
            await it.pilot.resize_terminal(width, height)
            await it.text()
        assert (await it.text()).splitlines()[:-1] == before.splitlines()[:-1]
