"""Alerts: open and resolved apart, the chain to the cause, remedies with their numbers."""

from __future__ import annotations

from dataclasses import replace

from console.tui.areas.base import Choice
from tests.tui.areas.invented import (
    ALERT,
    ALERT_DETAIL,
    ALERTS,
    NOW,
    alerts_empty,
    alerts_snapshot,
    answer,
)
from tests.tui.areas.shown import seen
from tests.tui.reading import ink_of

WIDE = (160, 45)


async def test_firing_rows_have_colour_and_seen_ones_are_grey() -> None:
    async with seen("alerts", alerts_snapshot(), answer) as it:
        screen = await it.text()
        assert "Open 4" in screen and "oldest 2 h" in screen
        assert it.row(screen, "✗", "56", "accuracy").endswith("26 m")
        assert "▲" in it.row(screen, "58", "slo")
        assert "seen ben" in it.row(screen, "55")
        assert ink_of(it.app, "drift")[0] == "#f2837b"
        assert ink_of(it.app, "p99 171")[0] == "#95a2af"
        assert screen.splitlines()[-2].strip() == "3 fire, 1 seen, 1 resolved"


async def test_resolved_ones_say_how_long_they_lasted() -> None:
    async with seen("alerts", alerts_snapshot(), answer) as it:
        screen = await it.text()
        assert it.row(screen, "dewp moved").endswith("6 h 12 m")
        assert "Last 30 days open at once" in screen and "0–4" in screen


async def test_enter_opens_the_chain_to_the_cause_and_esc_comes_back() -> None:
    async with seen("alerts", alerts_snapshot(), answer) as it:
        screen = await it.press("enter")
        assert it.app.wants[-1] == ("detail", {"id": 56})
        assert "recall of delays v4 is 0.588" in screen and "humid moved, PSI 0.41" in screen
        assert "before" in screen and "now" in screen
        assert it.row(screen, "move the threshold to 0.30").endswith("+92 alerts a day")
        assert "alert 56 · firing since 09:15:07 · nobody took it" in screen
        await it.press("j", "enter")
        assert it.app.jumps == ["drift:delays/humid"]
        assert "Open 4" in await it.press("escape")


async def test_a_wide_terminal_shows_list_chain_and_rules_at_once() -> None:
    async with seen("alerts", alerts_snapshot(), answer, WIDE) as it:
        screen = await it.text()
        assert "Why" in screen and "What would help" in screen and "History" in screen
        assert "recall under 0.600, 5 min" in screen
        await it.press("j")
        assert it.app.wants[-1] == ("detail", {"id": 57})


async def test_a_remedy_is_asked_with_the_numbers_it_gives() -> None:
    async with seen("alerts", alerts_snapshot(), answer) as it:
        await it.press("enter", "tab", "enter")
        action, arguments = it.app.acts[0]
        assert action == "set_threshold" and arguments["value"] == "0.3"
        assert dict(arguments["ask"].facts)["gives"] == "recall 0.696, +92 alerts a day"
        await it.press("j", "enter")
        assert it.app.acts[1][0] == "start_training" and it.app.acts[1][1]["params"] == {}


async def test_taking_and_silencing() -> None:
    async with seen("alerts", alerts_snapshot(), answer) as it:
        it.app.area.choose(Choice(id="acknowledge_alert", label=""))
        it.app.area.choose(Choice(id="silence_alert", label=""))
        await it.text()
        assert [(name, each["id"]) for name, each in it.app.acts] == [
            ("acknowledge_alert", 56), ("silence_alert", 56),
        ]  # fmt: skip
        minutes = it.app.acts[1][1]["ask"].fields[0]
        assert minutes.id == "minutes" and minutes.fault("0") and not minutes.fault("30")


async def test_what_is_resolved_cannot_be_taken() -> None:
    over = replace(ALERT, state="resolved", resolved_at=NOW)
    async with seen("alerts", alerts_snapshot((over,)), answer) as it:
        screen = await it.text()
        assert "● Nothing fires; 1 rule holds." in screen
        it.app.area.query_one("#resolved").focus()
        await it.text()
        assert {each.why_not for each in it.app.area.actions()} == {"it is resolved"}


async def test_without_rules_it_says_where_they_are_declared() -> None:
    async with seen("alerts", alerts_empty(), answer) as it:
        screen = await it.text()
        assert "No rule is declared." in screen and "$ mlops-console alert test NAME" in screen
        assert "Resolved" not in screen


async def test_the_filter_finds_by_kind() -> None:
    async with seen("alerts", alerts_snapshot(), answer) as it:
        screen = await it.press("slash", *"kind:drift", "enter")
        assert "humid moved" in screen and "p99 186" not in screen


async def test_a_jump_opens_the_alert() -> None:
    async with seen("alerts", alerts_snapshot(), answer) as it:
        it.app.area.reveal("alert", "57")
        await it.text()
        assert it.app.wants[-1] == ("detail", {"id": 57})


async def test_foreign_text_is_shown_not_obeyed() -> None:
    evil = "\x1b[31m[u]x\u202e"
    shown = (replace(ALERTS[0], title=evil, acknowledged_by=evil),)
    detail = replace(ALERT_DETAIL, causes=(replace(ALERT_DETAIL.causes[0], title=evil),))
    async with seen("alerts", alerts_snapshot(shown), lambda *_: detail, WIDE) as it:
        screen = await it.text()
        assert "[u]x" in screen and "\x1b" not in screen and "\u202e" not in screen
