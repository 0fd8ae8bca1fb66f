"""Serving: latency against its limit, drift and canary beside it, windows, freeze, traffic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from console.tui.areas.base import Choice
from console.tui.areas.serving.beside import compared
from tests.tui.areas.invented import (
    ENDPOINT,
    POINTS,
    VIEW,
    answer,
    serving_empty,
    serving_snapshot,
)
from tests.tui.areas.shown import seen
from tests.tui.reading import ink_of

WIDE = (160, 45)


async def test_a_small_terminal_shows_signals_latency_drift_and_canary() -> None:
    async with seen("serving", serving_snapshot(), answer) as it:
        screen = await it.text()
        head = it.row(screen, "delays", "v4 90 %, v5 canary 10 %")
        assert head.endswith("▲ slow, p99 186, limit 150")
        assert "rate 38 req/s    errors 0.04 %    p50 21    p95 83    p99 186 ms" in screen
        assert "budget left 61 % of 30 d, burning 7.2×" in screen
        assert "✗ humid" in screen and "0.41" in it.row(screen, "humid")
        assert "Canary" in screen and "▲ hold" in screen
        row = it.row(screen, "p99 ms")
        assert "112" in row and "342" in row and "limit 150" in row
        assert ink_of(it.app, "342")[0] == "#e6b566"


async def test_a_wide_terminal_shows_everything_at_once() -> None:
    async with seen("serving", serving_snapshot(), answer, WIDE) as it:
        screen = await it.text()
        for name in ("Latency", "Rate", "Errors", "Recall", "Now", "Saturation", "Canary",
                     "Drift", "Events"):  # fmt: skip
            assert name in screen
        assert "in flight leads" in screen and it.row(screen, "cpu").endswith("0.37")
        assert "http 127.0.0.1:8100" in screen and "20 606  2 294" in screen
        assert "realised 0.598, labels 81 %" in screen


async def test_m_changes_the_measure_of_the_one_chart() -> None:
    async with seen("serving", serving_snapshot(), answer) as it:
        assert "Rate req/s" in await it.press("m")
        assert "Errors % of requests" in await it.press("m")
        assert "Recall band: estimated" in await it.press("m")
        assert "Latency ms" in await it.press("m")


async def test_plus_and_minus_change_the_window_and_t_chooses_it() -> None:
    async with seen("serving", serving_snapshot(), answer) as it:
        await it.press("plus")
        await it.press("minus", "minus")
        asked = [arguments["window_s"] for what, arguments in it.app.wants if what == "main"]
        assert asked == [3600.0, 1800.0, 600.0]
        await it.press("t", "home", "enter")
        assert it.app.wants[-1] == ("main", {"endpoint": "delays", "window_s": 300.0})


async def test_p_holds_the_picture_until_it_is_pressed_again() -> None:
    async with seen("serving", serving_snapshot(), answer) as it:
        assert "frozen, p goes on" in await it.press("p")
        await it.show(serving_snapshot(now=replace(POINTS[-1], rate=99.0)))
        assert "99 req/s" not in await it.text()
        await it.press("p")
        assert it.app.wants[-1][0] == "main"
        assert "rate 99 req/s" in await it.show(serving_snapshot(now=replace(POINTS[-1], rate=99)))


async def test_drift_is_asked_for_once_in_a_while_only() -> None:
    async with seen("serving", serving_snapshot(), answer) as it:
        for _ in range(9):
            await it.show(serving_snapshot())
        assert [what for what, _ in it.app.wants] == ["drift"]
        await it.show(serving_snapshot())
        assert [what for what, _ in it.app.wants] == ["drift", "drift"]


async def test_enter_on_a_feature_draws_training_and_served_rows_in_one_chart() -> None:
    async with seen("serving", serving_snapshot(), answer) as it:
        await it.press("tab")
        screen = await it.press("enter")
        assert "humid share of rows" in screen and "PSI 0.41, 0.37 to 0.45" in screen
        assert "training" in screen and "served" in screen and "esc back" in screen
        assert "humid moved 0.90 σ; by itself at most 0.80 σ in 4 388 rows" in screen
        screen = await it.press("down")
        assert "dewp share of rows" in screen
        screen = await it.press("escape")
        assert "Latency" in screen and "served" not in screen


async def test_an_endpoint_that_is_not_ready_says_why() -> None:
    failed = replace(ENDPOINT, state="failed", reason="port 8100 is taken")
    async with seen("serving", serving_snapshot(endpoint=failed), answer) as it:
        assert "✗ failed port 8100 is taken" in await it.text()
        assert not it.app.area.is_live


async def test_without_an_endpoint_one_command_and_one_key() -> None:
    async with seen("serving", serving_empty(), answer) as it:
        screen = await it.text()
        assert "Nothing is served yet." in screen and "Latency" not in screen
        assert "$ mlops-console endpoint start NAME" in screen and "or x serves a model" in screen
        it.app.area.choose(Choice(id="start_endpoint", label=""))
        await it.text()
        assert it.app.acts[0][0] == "start_endpoint"


async def test_several_endpoints_are_a_list_to_choose_from() -> None:
    other = replace(VIEW, endpoint=replace(ENDPOINT, name="arrivals"))
    snapshot = replace(serving_snapshot(), endpoints=(VIEW, other))
    async with seen("serving", snapshot, answer) as it:
        assert "Endpoints" in await it.text()
        it.app.area.query_one("#list").focus()
        await it.press("j", "enter")
        assert it.app.wants[-1] == ("main", {"endpoint": "arrivals", "window_s": 1800.0})


async def test_sharing_traffic_asks_and_knows_the_way_back() -> None:
    async with seen("serving", serving_snapshot(), answer) as it:
        it.app.area.choose(Choice(id="set_traffic", label=""))
        screen = await it.text()
        assert "Share the traffic of delays" in screen and "v4 90 %, v5 10 %" in screen
        await it.press("escape", "y")
        action, arguments = it.app.acts[0]
        assert action == "set_traffic"
        assert arguments["weights"] == {"champion": 90.0, "latest": 10.0}
        assert arguments["undo"].arguments["weights"] == {"v4": 90.0, "v5": 10.0}


async def test_actions_that_make_no_sense_now_say_why() -> None:
    async with seen("serving", serving_snapshot(), answer) as it:
        why: dict[str, Any] = {each.id: each.why_not for each in it.app.area.actions()}
        assert why["start_endpoint"] == "it runs already" and not why["stop_endpoint"]
        it.app.area.choose(Choice(id="stop_endpoint", label=""))
        await it.text()
        assert it.app.acts[0][1]["endpoint"] == "delays"


def test_a_canary_is_compared_beyond_chance() -> None:
    found = compared(VIEW)
    assert found is not None
    champion, other, rows = found
    verdicts = {row.name: row.verdict for row in rows}
    assert (champion.version, other.version) == (4, 5)
    assert verdicts["p99 ms"] == "warn" and verdicts["errors %"] == "noise"
    assert verdicts["yes %"] == "unclear"
    assert compared(replace(VIEW, versions=VIEW.versions[:1])) is None
