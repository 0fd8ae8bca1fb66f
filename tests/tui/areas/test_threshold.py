"""The threshold inspector: move, see the price, come back; nothing is saved without a reason."""

from __future__ import annotations

from console.tui.areas.models.threshold import ThresholdView
from tests.tui.areas.invented import THRESHOLD, answer, models_snapshot
from tests.tui.areas.shown import Seen, seen

WIDE = (160, 45)


def position(it: Seen) -> float:
    return it.app.area.query_one(ThresholdView)._at


async def test_it_opens_on_the_threshold_in_force() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        screen = await it.press("t")
        assert "Threshold delays@v5 · July" in screen and "now 0.34" in screen
        assert "At 0.34" in screen and "recall" in screen and "Who is right" in screen
        assert "in force 0.34" in screen.splitlines()[-2]
        assert "cost is as low from" in screen


async def test_arrows_move_by_hundredths_and_letters_by_tenths() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        screen = await it.press("t", "left", "left", "right")
        assert position(it) == 0.33 and "your 0.33" in screen
        await it.press("L")
        assert position(it) == 0.43
        await it.press("n")
        assert position(it) == THRESHOLD.threshold


async def test_o_goes_to_the_cheapest_threshold() -> None:
    async with seen("models", models_snapshot(), answer, WIDE) as it:
        screen = await it.press("t", "o")
        assert f"lowest {position(it):.2f}, as good from" in screen
        assert "choose freely" in screen and position(it) != THRESHOLD.threshold


async def test_a_wide_terminal_shows_the_price_of_the_step() -> None:
    async with seen("models", models_snapshot(), answer, WIDE) as it:
        screen = await it.press("t", "left", "left", "left", "left")
        assert "At 0.30" in screen and "now 0.34   change" in screen
        for pane in ("Cost per 1 000", "Scores", "Who is right", "Against now", "By group",
                     "Is the choice solid?", "Calibration"):  # fmt: skip
            assert pane in screen
        row = it.row(screen, "recall", " to ")
        assert "+0." in row
        assert "caught" in screen and "false alarm" in screen and "origin=LGA" in screen
        assert "false alarm 0.5, missed 1.6" in screen


async def test_costs_are_only_to_look() -> None:
    async with seen("models", models_snapshot(), answer, WIDE) as it:
        await it.press("t", "dollar_sign")
        await it.press("ctrl+u", *"9", "escape", "y")
        assert "false alarm 9" in await it.text()
        assert it.app.acts == []


async def test_saving_asks_for_a_reason_and_names_the_way_back() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        await it.press("t", "left")
        action = it.app.area.actions()[0]
        assert action.id == "set_threshold" and "threshold set delays@v5 0.33" in action.command
        it.app.area.choose(action)
        await it.text()
        name, arguments = it.app.acts[0]
        assert name == "set_threshold"
        assert (arguments["model"], arguments["version"], arguments["value"]) == (
            "delays", "5", 0.33,
        )  # fmt: skip
        assert arguments["ask"].fields[0].is_required
        assert dict(arguments["ask"].facts)["undo"] == "set 0.34 again"


async def test_the_threshold_in_force_cannot_be_set_again() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        await it.press("t")
        assert it.app.area.actions()[0].why_not == "it is in force"


async def test_esc_comes_back_to_the_gates() -> None:
    async with seen("models", models_snapshot(), answer, WIDE) as it:
        await it.press("t")
        assert "Gates of delays@v5" in await it.press("escape")


async def test_a_newer_reading_keeps_the_cursor_where_it_is() -> None:
    async with seen("models", models_snapshot(), answer) as it:
        await it.press("t", "left")
        it.app.area.show_part("threshold", THRESHOLD)
        await it.text()
        assert position(it) == 0.33
