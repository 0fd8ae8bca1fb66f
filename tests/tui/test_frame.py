"""The frame at every size: what is left out, where keys go, what is said, what stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from console.text import cells
from console.tui.areas.base import Area, size_class
from console.tui.frame_rows import (
    FooterKey,
    Gone,
    Status,
    Tab,
    Tabs,
    choose_keys,
    draw_footer,
    draw_status,
    draw_tabs,
)
from console.tui.ink import Line
from console.tui.viewstate import ViewState
from console.tui.widgets.table import Table
from tests.tui.demo.app import ENTRIES, STATUS, Demo
from tests.tui.reading import ink_of, opened, rows_of, strips_of, text_of, until, write

AREAS = ("overview", "models", "serving", "pipelines")
SIZES = ((60, 16), (80, 24), (110, 30), (160, 45), (300, 80))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("area", AREAS)
async def test_every_area_opens_at_every_size_without_a_fault(
    area: str, size: tuple[int, int]
) -> None:
    app = Demo()
    app.first = area
    async with opened(app, size):
        rows = rows_of(app)
        assert len(rows) == size[1]
        assert all(cells(row) <= size[0] for row in rows)
        assert "flights-nyc" in rows[0] and "09:41:07" in rows[0]
        assert "? help" in rows[-1]
        entry = next(entry for entry in ENTRIES if entry.id == area)
        assert entry.short in rows[1] or entry.title in rows[1]


async def test_under_forty_by_ten_the_status_is_left_and_what_to_do() -> None:
    app = Demo()
    async with opened(app, (38, 8)) as pilot:
        rows = [row for row in rows_of(app) if row.strip()]
        assert "flights-nyc" in rows[0]
        assert [row.strip() for row in rows[1:]] == ["38x8 is too small.", "Make it 40x10 or more."]
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Needs you" in text_of(app))


def test_the_size_classes() -> None:
    from textual.geometry import Size

    found = [
        size_class(Size(*size)) for size in ((80, 24), (110, 30), (149, 60), (160, 39), (150, 40))
    ]
    assert found == ["narrow", "medium", "medium", "medium", "wide"]


async def test_an_area_shows_more_when_the_terminal_grows() -> None:
    app = Demo()
    async with opened(app, (80, 24)) as pilot:
        await until(pilot, lambda: "Is it still right?" not in text_of(app))
        await pilot.resize_terminal(160, 45)
        await pilot.pause()
        await until(pilot, lambda: "Is it still right?" in text_of(app))
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        await until(pilot, lambda: "Is it still right?" not in text_of(app))


# ------------------------------------------------------------------ rows


@pytest.mark.parametrize("width", [40, 60, 80, 110, 160, 300])
def test_the_status_keeps_store_mode_and_life_and_never_overflows(width: int) -> None:
    status = replace(STATUS, store="a-rather-long-store-name", modes=("demo data", "read-only"))
    line = draw_status(status, width)
    assert line.width == width
    assert "a-rather-long" in line.plain
    assert "live 1 s" in line.plain
    assert ("demo data · read-only" in line.plain) == (width >= 60)


def test_a_lost_agent_is_said_first_and_counts_are_not_shown_as_if_they_were_new() -> None:
    line = draw_status(replace(STATUS, live="gone", live_age_s=175), 80).plain
    assert "~ agent gone 2 m 55 s" in line and "✗ 2" not in line


@pytest.mark.parametrize("width", [30, 58, 78, 108, 158])
def test_every_area_keeps_its_digit_and_the_open_one_its_name(width: int) -> None:
    tabs = tuple(Tab(id=e.id, digit=e.digit, title=e.title, short=e.short) for e in ENTRIES)
    line = draw_tabs(Tabs(tabs=tabs, current="serving"), width)
    assert line.width <= width
    assert "Serving" in line.plain
    assert all(entry.digit in line.plain for entry in ENTRIES)


def test_the_footer_has_at_most_seven_keys_at_eighty_columns_and_always_help() -> None:
    keys = [
        FooterKey(id=str(n), key=str(n), verb=f"verb{n}", place=n, rank=9 - n) for n in range(1, 10)
    ]
    keys.append(FooterKey(id="help", key="?", verb="help", place=80, rank=0))
    assert len(choose_keys(keys, 78)) == 7
    for width in (20, 40, 78, 158):
        line = draw_footer(keys, width)
        assert line.width <= width
        assert "? help" in line.plain
        assert "…" not in line.plain


# ------------------------------------------------------------------ moving about


async def test_digits_open_areas_and_minus_goes_back() -> None:
    app = Demo()
    async with opened(app, (80, 24)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: "Latency" in text_of(app))
        await pilot.press("4", "minus")
        assert app.frame.current is not None and app.frame.current.entry.id == "serving"
        await pilot.press("minus")
        assert app.frame.current.entry.id == "models"


async def test_an_area_is_made_once_and_keeps_its_cursor() -> None:
    app = Demo()
    async with opened(app, (80, 24)) as pilot:
        await pilot.press("j", "5", "1")
        table = app.frame.query_one("#needs", Table)
        assert table.cursor_key == "slo" and table.has_focus
        assert len(app.frame.query("Overview")) == 1


async def test_a_click_on_a_tab_opens_it_and_one_on_a_footer_key_presses_it() -> None:
    app = Demo()
    async with opened(app, (80, 24)) as pilot:
        await pilot.click(offset=(rows_of(app)[1].index("Serving") + 2, 1))
        await pilot.pause()
        await until(pilot, lambda: "Latency" in text_of(app))
        await pilot.click(offset=(rows_of(app)[23].index("? help") + 1, 23))
        await pilot.pause()
        await until(pilot, lambda: "one row down" in text_of(app) or "next pane" in text_of(app))


async def test_tab_goes_from_pane_to_pane_and_the_heading_shows_where() -> None:
    app = Demo()
    async with opened(app, (80, 24)) as pilot:
        accent = ink_of(app, "Needs you")
        await until(pilot, lambda: "━" in rows_of(app)[3])
        await pilot.press("tab")
        await until(pilot, lambda: "─" in rows_of(app)[3] and "━" not in rows_of(app)[3])
        await until(pilot, lambda: ink_of(app, "Stages") == accent)
        await pilot.press("shift+tab")
        await until(pilot, lambda: ink_of(app, "Needs you") == accent)


async def test_zoom_gives_one_pane_the_body_and_esc_takes_it_back() -> None:
    app = Demo()
    app.first = "serving"
    async with opened(app, (80, 24)) as pilot:
        await pilot.press("z")
        await until(pilot, lambda: "Drift" not in text_of(app) and "Latency" in text_of(app))
        await until(
            pilot, lambda: "flights-nyc" in rows_of(app)[0] and "? help" in rows_of(app)[-1]
        )
        await pilot.press("escape")
        await until(pilot, lambda: "Drift" in text_of(app))


async def test_keys_that_do_nothing_now_are_not_in_the_footer() -> None:
    app = Demo()
    async with opened(app, (160, 45)) as pilot:
        await until(
            pilot, lambda: "x actions" in rows_of(app)[-1] and "/ filter" not in rows_of(app)[-1]
        )
        await until(pilot, lambda: "esc" not in rows_of(app)[-1])
        await pilot.press("4")
        await pilot.pause()
        await until(
            pilot, lambda: "x actions" not in rows_of(app)[-1] and "/ filter" in rows_of(app)[-1]
        )


async def test_the_pane_at_the_left_can_be_made_wider_and_comes_back_so() -> None:
    class Split(Demo):
        pass

    views = ViewState()
    app = Split(views=views)
    async with opened(app, (160, 45)) as pilot:
        area = app.frame.current
        assert area is not None
        type(area).SPLIT = ".left"
        try:
            left = area.query_one(".left")
            before = left.outer_size.width
            await pilot.press("less_than_sign", "less_than_sign")
            await pilot.pause()
            await until(pilot, lambda: left.outer_size.width == before - 8)
            assert views.get("wide", "overview") == {"split": before - 8}
            await pilot.press("0")
            await pilot.pause()
            await until(pilot, lambda: left.outer_size.width == before)
        finally:
            type(area).SPLIT = ""


# ------------------------------------------------------------------ saying


async def test_a_toast_stands_over_the_state_line_and_goes_on_esc() -> None:
    app = Demo()
    async with opened(app, (80, 24)) as pilot:
        app.frame.toast("promoted v5", key="u", verb="undo")
        await pilot.pause()
        await until(pilot, lambda: rows_of(app)[21].endswith("● promoted v5   u undo"))
        await until(pilot, lambda: "3 need you" in rows_of(app)[22])
        await pilot.press("escape")
        await until(pilot, lambda: "promoted" not in text_of(app))
        assert [toast.sentence for toast in app.frame.toasts] == ["promoted v5"]


async def test_where_there_is_no_row_for_a_toast_the_state_line_says_it() -> None:
    app = Demo()
    async with opened(app, (60, 16)) as pilot:
        app.frame.toast("promoted v5")
        await pilot.pause()
        await until(pilot, lambda: "promoted v5" in rows_of(app)[14])


async def test_waiting_is_said_after_a_moment_and_esc_stops_it() -> None:
    stopped: list[Area] = []

    class Waits(Demo):
        def on_area_stops(self, event: Area.Stops) -> None:
            stopped.append(event.area)

    app = Waits()
    async with opened(app, (80, 24)) as pilot:
        area = app.frame.current
        assert area is not None
        area.show_loading()
        await until(pilot, lambda: "reading" not in text_of(app))
        for _ in range(40):
            await pilot.pause(0.05)
            if "reading" in text_of(app):
                break
        await until(pilot, lambda: "reading" in rows_of(app)[22])
        await pilot.press("escape")
        await pilot.pause()
        await until(pilot, lambda: stopped == [area])
        await until(pilot, lambda: "3 need you" in rows_of(app)[22])


async def test_a_lost_agent_leaves_the_last_picture_in_one_grey() -> None:
    app = Demo()
    app.first = "serving"
    async with opened(app, (80, 24)) as pilot:
        warn = ink_of(app, "p99 186")[0]
        gone = Gone(since="09:38:12", picture_from="09:38:11", next_try_s=3, attempt=7)
        app.frame.show_gone(gone)
        await pilot.pause()
        rows = rows_of(app)
        assert "The agent stopped answering at 09:38:12." in rows[21]
        assert "Jobs and endpoints run on" in rows[22] and "attempt 7" in rows[22]
        grey = ink_of(app, "p99 186")
        assert grey[0] != warn and not grey[2]
        colours = {
            segment.style.color.name
            for strip in strips_of(app)[3:20]
            for segment in strip
            if segment.style and segment.style.color and segment.text.strip()
        }
        assert len(colours) <= 3  # quiet, faint and line
        app.frame.show_gone(None)
        await pilot.pause()
        await until(pilot, lambda: ink_of(app, "p99 186")[0] == warn)
        await until(pilot, lambda: "stopped answering" not in text_of(app))


# ------------------------------------------------------------------ remembering


async def test_order_columns_and_filter_come_back_in_the_next_session(tmp_path: Path) -> None:
    path = tmp_path / "views.json"
    app = Demo(views=ViewState.load(path))
    app.first = "models"
    async with opened(app, (110, 30)) as pilot:
        gates = app.frame.query_one("#gates", Table)
        gates.order_by("got")
        await pilot.press("slash")
        await write(pilot, "verdict:pass")
        await pilot.press("enter")
        await pilot.press("w", "j", "space", "enter")
        await pilot.pause()
        hidden = gates.hidden_columns
        assert hidden
    again = Demo(views=ViewState.load(path))
    again.first = "models"
    async with opened(again, (110, 30)) as pilot:
        await pilot.pause()
        gates = again.frame.query_one("#gates", Table)
        assert [level.key for level in gates.sort] == ["got"]
        assert gates.hidden_columns == hidden
        await until(pilot, lambda: gates.hits == 5)
        await until(
            pilot, lambda: "/ verdict:pass" in rows_of(again)[-2] and "5 of 8" in rows_of(again)[-2]
        )
        await pilot.press("escape")
        await until(pilot, lambda: gates.hits == 8)
    assert ViewState.load(path).get("medium", "frame") == {"last": "models"}


async def test_nonsense_in_the_kept_state_is_passed_over() -> None:
    views = ViewState()
    views.put("narrow", "models", split="wide")
    views.put("narrow", "models.gates", sort=[["gone", True], 5], hidden=["x", 7], filter="zzz >")
    app = Demo(views=views)
    app.first = "models"
    async with opened(app, (80, 24)):
        assert "recall, origin LGA" in text_of(app)


def test_a_status_without_anything_is_still_a_line() -> None:
    assert draw_status(Status(store="x"), 40).width == 40
    assert isinstance(draw_status(Status(store="x", live="stale", live_age_s=90), 40), Line)
