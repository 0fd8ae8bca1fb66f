"""Models: versions, gates worst first on one axis, in words, promotion with its way back."""

from __future__ import annotations

from dataclasses import replace

from console.tui.areas.base import Choice
from tests.tui.areas.invented import (
    MODEL_VERSIONS,
    answer,
    models_empty,
    models_snapshot,
)
from tests.tui.areas.shown import seen
from tests.tui.reading import ink_of

WIDE = (160, 45)


async def test_a_small_terminal_lists_versions_with_what_they_serve() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        screen = await it.text()
        row = it.row(screen, "v4", "● pass")
        assert "0.732" in row and "champion 90 %" in row
        assert "◇ inconclusive" in it.row(screen, "v5")
        assert "champion v4" in screen or "judged on flights@v7" in screen


async def test_enter_shows_gates_worst_first_with_the_reason_in_words() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        screen = await it.press("enter")
        rows = screen.splitlines()
        assert "Gates of delays@v5" in screen and "◇ inconclusive, 1 of 4" in screen
        first = next(i for i, row in enumerate(rows) if "recall" in row and "≥ 0.600" in row)
        assert "0.606" in rows[first] and "◆" in rows[first]
        assert rows[first].endswith("◇ inconclusive")
        assert "ECE" in rows[first + 1] and "▲ warn" in rows[first + 1]
        assert "straddles the threshold 0.600" in screen
        assert "It meets the limit with probability 0.8" in " ".join(screen.split())
        assert ink_of(it.app, "0.606")[0] == "#bba8f5"
        assert "0.744" in await it.press("escape")


async def test_a_wide_terminal_shows_intervals_slices_and_what_promotion_would_do() -> None:
    async with seen("models", models_snapshot(), answer, WIDE) as it:
        screen = await it.text()
        assert "0.596 to 0.616" in it.row(screen, "recall", "≥ 0.600")
        assert "Slices recall by group" in screen and "0.563" in it.row(screen, "origin=LGA")
        assert "◇ stops: recall stands against it; an override needs a reason" in screen
        assert "5be0aa…91c4" in screen and "AUC by version" in screen


async def test_the_gate_under_the_cursor_is_explained() -> None:
    async with seen("models", models_snapshot(), answer, WIDE) as it:
        screen = await it.press("tab", "j")
        assert "ECE ▲ warn" in screen and "misses the target 0.030" in screen


async def test_moving_through_versions_asks_for_each() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        await it.press("j")
        assert it.app.wants[-1] == ("main", {"model": "delays", "version": "4"})


async def test_an_older_version_that_is_opened_stays_open() -> None:
    async with seen("models", models_snapshot(4), answer) as it:
        await it.text()
        assert it.app.wants == []


async def test_b_pins_the_version_that_auc_stands_against() -> None:
    async with seen("models", models_snapshot(4), answer) as it:
        screen = await it.press("b")
        assert "Δv4" in screen and "+0.012" in it.row(screen, "v5")
        assert "base" in it.row(screen, "★", "v4")
        assert "Δv4" not in await it.press("b")


async def test_promotion_against_gates_needs_a_reason_and_the_name() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        it.app.area.choose(Choice(id="promote_model", label=""))
        await it.text()
        action, arguments = it.app.acts[0]
        question = arguments["ask"]
        assert action == "promote_model" and arguments["override"] is True
        assert question.sentence == "Promote delays@v5 against its gates?"
        assert question.type_this == "delays@v5" and question.fields[0].is_required
        assert dict(question.facts)["changes"].startswith("champion goes from v4 to v5")


async def test_the_champion_cannot_be_promoted_again() -> None:
    async with seen("models", models_snapshot(4), answer) as it:
        why = {action.id: action.why_not for action in it.app.area.actions()}
        assert why["promote_model"] == "it is the champion"
        assert why["next_model"] == "there is only one"


async def test_rollback_and_judging_again_are_posted() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        it.app.area.choose(Choice(id="rollback_model", label=""))
        it.app.area.choose(Choice(id="check_gates", label=""))
        await it.text()
        assert it.app.acts[0][1]["model"] == "delays"
        assert it.app.acts[1] == ("check_gates", {"model": "delays", "version": "5"})


async def test_a_version_without_gates_says_how_to_get_some() -> None:
    found = models_snapshot()
    assert found.detail is not None
    bare = replace(found.detail, gates=replace(found.detail.gates, results=(), verdict="skipped"))
    async with seen("models", replace(found, detail=bare), answer, WIDE) as it:
        screen = await it.text()
        assert "No gate judged this version." in screen
        assert "mlops-console gate check delays@v5" in screen


async def test_nothing_yet() -> None:
    async with seen("models", models_empty(), answer) as it:
        screen = await it.text()
        assert "No model yet." in screen and "$ mlops-console train NAME" in screen
        await it.press("t")
        assert not it.app.wants


async def test_a_jump_opens_the_version_and_its_threshold() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        it.app.area.reveal("model", "delays@v4")
        it.app.area.reveal("threshold", "delays@v3")
        await it.text()
        assert ("main", {"model": "delays", "version": "4"}) in it.app.wants
        assert it.app.wants[-1] == ("threshold", {"model": "delays", "version": "3"})


async def test_foreign_text_is_shown_not_obeyed() -> None:
    evil = "\x1b[2J[bold]x\u202e"
    versions = (replace(MODEL_VERSIONS[0], aliases=(evil,), note=evil), *MODEL_VERSIONS[1:])
    async with seen("models", replace(models_snapshot(), versions=versions), answer) as it:
        screen = await it.text()
        assert "[bold]x" in screen and "\x1b" not in screen
