"""Overview: what needs somebody first, healthy stages folded, the first steps of an empty place."""

from __future__ import annotations

from dataclasses import replace

from console.tui.areas.base import Choice
from console.tui.areas.overview.parts import folded
from tests.tui.areas.invented import (
    ANA,
    LEDGER,
    NEEDS,
    OVERVIEW,
    STAGES,
    STATUS,
    overview_empty,
    overview_snapshot,
)
from tests.tui.areas.shown import seen
from tests.tui.reading import ink_of

WIDE = (160, 45)
EVIL = "\x1b[31mred [b]bold[/b] \u202e\nnext"


async def test_what_needs_somebody_stands_first_worst_on_top() -> None:
    async with seen("overview", overview_snapshot()) as it:
        screen = await it.text()
        rows = [row for row in screen.splitlines() if row.strip()]
        assert "Needs you 3" in rows[2]
        assert "✗ drift" in rows[3] and "humid moved" in rows[3] and rows[3].endswith("12 min")
        assert "▲ slo" in rows[4] and "◇ gate" in rows[5]
        assert screen.splitlines()[-2].strip().startswith("3 things need you")


async def test_healthy_stages_share_a_line_on_a_small_terminal_only() -> None:
    async with seen("overview", overview_snapshot()) as it:
        screen = await it.text()
        assert "data, pipeline" in it.row(screen, "● ok")
        assert "► running" in it.row(screen, "training", "fold 3 of 5")
    async with seen("overview", overview_snapshot(), size=WIDE) as it:
        screen = await it.text()
        assert "data, pipeline" not in screen
        assert "195 583 rows" in it.row(screen, "data", "flights@v7")


def test_folding_never_hides_what_needs_somebody() -> None:
    few = folded(STAGES, 3)
    kept = [each.stage for each in few]
    assert {"training", "validation", "serving", "monitoring"} <= set(kept)
    assert folded(STAGES, 6) == STAGES


async def test_the_chart_shows_p99_beyond_its_limit_with_the_cause() -> None:
    async with seen("overview", overview_snapshot()) as it:
        screen = await it.text()
        assert "p99  186" in screen and "limit 150" in screen and "v5 10 %" in screen
        assert "38 req/s   errors 0.04 %" in screen
        assert ink_of(it.app, "p99  186")[0] == "#e6b566"


async def test_a_wide_terminal_shows_signals_actions_data_and_people() -> None:
    async with seen("overview", overview_snapshot(), size=WIDE) as it:
        screen = await it.text()
        assert "slo 0.50 %" in it.row(screen, "errors", "0.04")
        assert "limit 150 ms" in it.row(screen, "p99", "186 ms")
        assert "realised 0.598, labels 81 %" in screen
        assert "gives v5 10 % of the traffic" in screen and "@ all, with commands" in screen
        assert "▲ 1 approval waits" in screen and "ben  data-engineer" in screen
        assert "2 queued" in screen and "62 %" in screen


async def test_with_nothing_to_do_it_says_so_in_one_line() -> None:
    async with seen("overview", overview_snapshot(needs=())) as it:
        screen = await it.text()
        assert "● Nothing needs you." in screen
        assert "nothing needs you" in screen.splitlines()[-2]


async def test_enter_opens_the_cause_and_a_stage_its_area() -> None:
    async with seen("overview", overview_snapshot()) as it:
        await it.press("enter", "j", "enter")
        assert it.app.jumps == ["alert:56", "alert:58"]
        await it.press("tab", "enter")
        assert it.app.jumps[-1] == "run:118"


async def test_an_empty_workspace_shows_the_first_steps() -> None:
    async with seen("overview", overview_empty()) as it:
        screen = await it.text()
        assert "Nothing here yet." in screen and "First steps 0 of 4" in screen
        assert "x choose a file" in screen and "Stages" not in screen
        assert "demo" in screen.splitlines()[-1]
        await it.press("enter", "d")
        assert it.app.acts == [
            ("copy_text", {"text": "mlops-console data add NAME FILE"}), ("open_demo", {}),
        ]  # fmt: skip
        await it.show(overview_snapshot())
        assert "Needs you 3" in await it.text()


async def test_d_does_nothing_where_there_is_something() -> None:
    async with seen("overview", overview_snapshot()) as it:
        await it.press("d")
        assert it.app.acts == []


async def test_steps_that_are_done_are_ticked() -> None:
    found = overview_empty()
    steps = (replace(found.overview.first_steps[0], is_done=True), *found.overview.first_steps[1:])
    snapshot = replace(found, overview=replace(found.overview, first_steps=steps))
    async with seen("overview", snapshot, size=WIDE) as it:
        screen = await it.text()
        assert "First steps 1 of 4" in screen and "Where things will be" in screen
        assert "●" in it.row(screen, "add data")


async def test_actions_ask_before_they_write() -> None:
    async with seen("overview", overview_snapshot()) as it:
        ids = [action.id for action in it.app.area.actions()]
        assert ids == ["add_data", "start_training", "rollback_model"]
        it.app.area.choose(Choice(id="rollback_model", label=""))
        it.app.area.choose(Choice(id="start_training", label=""))
        await it.text()
        (first, arguments), second = it.app.acts
        assert first == "rollback_model" and arguments["model"] == "delays"
        assert "Roll delays back" in arguments["ask"].sentence
        assert second == ("start_training", {"pipeline": "delays", "params": {}, "data": {}})


async def test_a_broken_declaration_is_said() -> None:
    broken = replace(STATUS, declaration_error="line 3: unknown key")
    async with seen("overview", overview_snapshot(status=broken)) as it:
        assert "mlops.toml: line 3: unknown key" in await it.text()


async def test_foreign_text_is_shown_not_obeyed() -> None:
    needs = (replace(NEEDS[0], title=EVIL, detail=EVIL),)
    actions = (replace(LEDGER[0], summary=EVIL, subject=EVIL),)
    people = (replace(ANA, name=EVIL), replace(ANA, name=EVIL, is_owner=False))
    changes = {"needs": needs, "actions": actions, "people": people}
    async with seen("overview", overview_snapshot(**changes), size=WIDE) as it:
        screen = await it.text()
        assert "[b]bold[/b]" in screen
        assert "\x1b" not in screen and "\u202e" not in screen


async def test_it_is_live_only_while_requests_come() -> None:
    async with seen("overview", overview_snapshot()) as it:
        assert it.app.area.is_live
        view = OVERVIEW.endpoint
        assert view is not None and view.now is not None
        still = replace(view, now=replace(view.now, rate=0.0))
        await it.show(overview_snapshot(endpoint=still))
        assert not it.app.area.is_live
