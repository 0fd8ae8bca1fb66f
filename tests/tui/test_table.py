"""The table: what is seen, how it moves, what it cuts, and that it says what was asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.message import Message

from console.text import fixed
from console.tui.host import Host
from console.tui.ink import Line, Part
from console.tui.signs import said, sign
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column, lay_out
from console.tui.widgets.table_view import Sort
from tests.tui.reading import ink_of, rows_of, text_of, until


@dataclass(frozen=True)
class Run:
    id: str
    state: str
    auc: float | None
    note: str = ""


RUNS = [
    Run("117", "done", 0.744),
    Run("116", "done", 0.741),
    Run("115", "failed", None, "out of memory"),
    Run("104", "done", 0.732, "champion"),
]
MANY = [Run(str(number), "done", number / 10_000) for number in range(10_000)]


def columns() -> list[Column[Run]]:
    return [
        Column[Run](
            key="id",
            head="run",
            cell=lambda r: r.id,
            align="right",
            is_name=True,
            is_pinned=True,
            rank=0,
            sort=lambda r: int(r.id),
            first_descending=True,
        ),
        Column[Run](key="state", head="state", cell=lambda r: said(r.state), rank=0),
        Column[Run](
            key="auc",
            head="AUC ↑",
            cell=lambda r: fixed(r.auc),
            align="right",
            rank=5,
            sort=lambda r: r.auc,
            first_descending=True,
        ),
        Column[Run](key="note", head="note", cell=lambda r: r.note, ink="quiet", least=6, rank=9),
    ]


class Lists(Host):
    """A table alone on the screen."""

    def __init__(self, rows: Sequence[Run] = RUNS, **form: Any) -> None:
        super().__init__()
        self.table: Table[Run] = Table(columns(), key=lambda r: r.id, **form)
        self.table.styles.height = "1fr"
        self.first_rows = rows
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.rows = self.first_rows
        self.table.focus()

    def on_table_moved(self, event: Table.Moved) -> None:
        self.heard.append(event)

    def on_table_opened(self, event: Table.Opened) -> None:
        self.heard.append(event)

    def on_table_baseline_wanted(self, event: Table.BaselineWanted) -> None:
        self.table.baseline = event.key


def body(app: Lists) -> list[str]:
    return [row[2:].rstrip() for row in rows_of(app) if row.strip()]


async def test_heads_and_cells_stand_under_each_other() -> None:
    app = Lists()
    async with app.run_test(size=(60, 10)):
        head, first, _, third, _ = rows_of(app)[:5]
        assert head.split() == ["run", "state", "AUC", "↑", "note"]
        assert first.startswith("▌") and "● done" in first and "0.744" in first
        assert third.index("–") == first.index("0.744") + 4  # right aligned, and never a blank
        assert head.index("state") == first.index("●")


@pytest.mark.parametrize(
    ("keys", "at"),
    [
        (["j"], "116"),
        (["down", "down"], "115"),
        (["G"], "104"),
        (["end", "k"], "115"),
        (["G", "g"], "117"),
        (["end", "home"], "117"),
        (["j"] * 20, "104"),
        (["k"], "117"),
    ],
)
async def test_the_cursor_moves_with_arrows_and_letters(keys: list[str], at: str) -> None:
    app = Lists()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press(*keys)
        assert app.table.cursor_key == at


async def test_pages_go_through_ten_thousand_rows() -> None:
    app = Lists(MANY)
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("ctrl+d", "pagedown")
        assert app.table.cursor_key == "20"
        await until(pilot, lambda: any(" 20 " in row for row in rows_of(app)))
        await pilot.press("G")
        await until(pilot, lambda: rows_of(app)[11].split()[:2] == ["▌", "9999"])
        await pilot.press("ctrl+u", "pageup")
        assert app.table.cursor_key == "9979"


async def test_only_what_is_seen_is_asked_for() -> None:
    asked: set[str] = set()

    def cell(run: Run) -> str:
        asked.add(run.id)
        return run.id

    app = Lists(MANY)
    app.table.columns = [Column[Run](key="id", head="run", cell=cell, width=6)]
    async with app.run_test(size=(60, 12)) as pilot:
        asked.clear()
        await pilot.press("G")
        assert 11 <= len(asked) < 60


async def test_the_cursor_stays_on_its_row_when_rows_are_refreshed_or_sorted() -> None:
    app = Lists()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("j")
        app.table.rows = [Run("118", "running", None), *RUNS]
        assert app.table.cursor_key == "116"
        app.table.order_by("auc")
        assert app.table.cursor_key == "116"
        app.table.rows = [run for run in RUNS if run.id != "116"]
        assert app.table.cursor_key in {run.id for run in RUNS}


async def test_sorting_keeps_the_missing_last_both_ways_and_breaks_ties_by_the_order_before() -> (
    None
):
    app = Lists()
    async with app.run_test(size=(60, 10)) as pilot:
        app.table.order_by("auc")
        assert [run.id for run in app.table.shown] == ["117", "116", "104", "115"]
        await until(pilot, lambda: "AUC ↑▾" in rows_of(app)[0])
        await pilot.press("S")
        assert [run.id for run in app.table.shown] == ["104", "116", "117", "115"]
        await until(pilot, lambda: "AUC ↑▴" in rows_of(app)[0])
        app.table.order_by("id")
        assert app.table.sort == (Sort("id", True), Sort("auc", False))


async def test_a_click_on_a_head_sorts_and_a_double_click_opens() -> None:
    app = Lists()
    async with app.run_test(size=(60, 10)) as pilot:
        x = rows_of(app)[0].index("AUC")
        await pilot.click(Table, offset=(x, 0))
        assert app.table.sort == (Sort("auc", True),)
        await pilot.click(Table, offset=(4, 2), times=2)
        await pilot.pause()
        opened = [event for event in app.heard if isinstance(event, Table.Opened)]
        assert [event.key for event in opened] == ["116"]


async def test_the_wheel_moves_the_rows() -> None:
    app = Lists(MANY)
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot._post_mouse_events([_wheel()], Table)
        await until(pilot, lambda: "0.000" in rows_of(app)[1])
        await until(pilot, lambda: " 3 " in rows_of(app)[1])


def _wheel() -> Any:
    from textual.events import MouseScrollDown

    return MouseScrollDown


async def test_marks_and_the_baseline_have_their_signs() -> None:
    app = Lists(has_marks=True, has_baseline=True)
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("space", "space", "G", "b")
        rows = rows_of(app)
        assert app.table.marked == {"117", "116"}
        assert rows[1][2] == "■" and rows[2][2] == "■" and rows[3][2] == " "
        assert rows[4][2:4] == " ★"
        await pilot.press("g", "v")
        assert app.table.marked == {"117", "116"}


async def test_a_range_is_marked_from_the_last_mark_to_the_cursor() -> None:
    app = Lists(has_marks=True)
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("space", "G", "v")
        assert app.table.marked == {"117", "116", "115", "104"}
        assert [run.id for run in app.table.marked_rows] == ["117", "116", "115", "104"]


async def test_a_column_goes_before_a_name_is_cut() -> None:
    long = [Run("117", "inconclusive", 0.744, "a note that is rather long for it")]
    app = Lists(long)
    async with app.run_test(size=(60, 6)) as pilot:
        await until(pilot, lambda: "a note that is rather long" in text_of(app))
        await pilot.resize_terminal(40, 6)
        await until(pilot, lambda: "a note" in text_of(app) and "…" in text_of(app))
        await pilot.resize_terminal(30, 6)
        await until(pilot, lambda: "note" not in text_of(app) and "inconclusive" in text_of(app))
        assert [column.key for column in app.table.cut_columns] == ["note"]


async def test_a_number_is_never_cut_but_shown_as_hashes_until_there_is_room() -> None:
    app = Lists()
    async with app.run_test(size=(60, 10)) as pilot:
        painted: list[Part] = []
        keep = app.table.lines

        def lines(width: int, height: int, look: Any) -> Any:
            found = keep(width, height, look)
            painted.extend(line.plain for line in found)
            return found

        app.table.lines = lines  # type: ignore[method-assign] # to see the frame before the last
        late = [Run(str(number), "done", 0.5) for number in range(200)]
        app.table.rows = late
        app.table.rows = [*late[:70], Run("123456789", "done", 0.5), *late[71:]]
        await pilot.press("g", *["pagedown"] * 9)
        await pilot.pause()
        shown = "\n".join(str(row) for row in painted)
        assert "####" in shown and "123456789" in shown
        assert "12345…" not in shown


async def test_columns_that_have_no_room_are_reached_with_l_while_the_id_stays() -> None:
    app = Lists()
    more = [
        Column[Run](key=f"m{n}", head=f"metric{n}", cell=lambda r: "0.123", align="right")
        for n in range(300)
    ]
    app.table.columns = [*columns()[:1], *more]
    async with app.run_test(size=(60, 10)) as pilot:
        await until(
            pilot, lambda: "metric0" in rows_of(app)[0] and "metric9" not in rows_of(app)[0]
        )
        await pilot.press("l", "l", "l", "l")
        await until(
            pilot, lambda: "metric0" not in rows_of(app)[0] and "metric8" in rows_of(app)[0]
        )
        await until(pilot, lambda: "run" in rows_of(app)[0])
        await pilot.press("h", "h", "h", "h", "h")
        await until(pilot, lambda: "metric0" in rows_of(app)[0])


async def test_two_line_rows_have_a_rail_and_pieces_at_their_columns() -> None:
    def second(run: Run) -> list[tuple[str, Part]]:
        return [("state", f"trained {run.id}"), ("", "inspect")]

    app = Lists(second=second, has_rail=True, has_marks=True)
    bullet = Column[Run](key="bullet", cell=lambda r: sign("version"), width=1, is_bullet=True)
    app.table.columns = [bullet, *columns()]
    async with app.run_test(size=(60, 12)) as pilot:
        rows = rows_of(app)
        assert rows[1][2] == "○" and rows[2][2] == "│"
        assert rows[2].index("trained 117") == rows[1].index("●")
        assert rows[2].endswith("inspect")
        await pilot.press("space")
        await until(
            pilot, lambda: rows_of(app)[1][2] == "■"
        )  # the mark stands where the bullet was


async def test_airy_rows_fill_the_height_they_ask_for() -> None:
    app = Lists(RUNS[:2], second=lambda run: [("state", f"trained {run.id}")], is_airy=True)
    app.table.styles.height = "auto"
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("j")  # the cursor on the last row scrolls nothing away
        rows = rows_of(app)
        assert [line for line in rows if "trained" in line] == [rows[2], rows[5]]


async def test_the_cursor_is_fainter_without_focus_and_only_where_it_is_held() -> None:
    app = Lists(holds_cursor=True)
    async with app.run_test(size=(60, 10)) as pilot:
        app.set_focus(None)
        await pilot.pause()
        await until(pilot, lambda: rows_of(app)[1].startswith("▏"))
        app.table.reform(holds_cursor=False)
        await pilot.pause()
        await until(pilot, lambda: rows_of(app)[1].startswith("  "))


async def test_groups_have_their_names() -> None:
    app = Lists(section=lambda r: "champions" if r.note == "champion" else "others")
    async with app.run_test(size=(60, 12)):
        rows = [row.strip() for row in rows_of(app)]
        assert rows[1] == "others" and rows[5] == "champions"


async def test_what_is_said_takes_the_place_of_rows_and_rows_take_it_back() -> None:
    app = Lists()
    async with app.run_test(size=(60, 10)) as pilot:
        app.table.say(("Nothing here yet.", "bright bold"), "$ mlops-console train delays")
        await until(
            pilot, lambda: "Nothing here yet." in text_of(app) and "117" not in text_of(app)
        )
        app.table.rows = list(RUNS)
        await pilot.pause()
        await until(pilot, lambda: "117" in text_of(app) and "Nothing" not in text_of(app))


async def test_while_it_waits_heads_stay_and_dots_stand_for_cells() -> None:
    app = Lists(rows=())
    async with app.run_test(size=(60, 10)):
        app.table.wait()
        assert "run" in rows_of(app)[0] and "·" in rows_of(app)[1]
        app.table.rows = RUNS
        assert "117" in rows_of(app)[1]
        app.table.wait()
        assert "117" in rows_of(app)[1]  # old rows are better than dots


async def test_equal_data_paints_nothing_and_one_changed_number_only_itself() -> None:
    app = Lists()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        refreshed: list[Any] = []
        keep = app.table.refresh

        def refresh(*regions: Any, **options: Any) -> Any:
            refreshed.extend(regions)
            return keep(*regions, **options)

        app.table.refresh = refresh  # type: ignore[method-assign] # to see what is repainted
        app.table.rows = list(RUNS)
        assert not refreshed
        app.table.rows = [*RUNS[:3], Run("104", "done", 0.999, "champion")]
        assert len(refreshed) == 1
        region = refreshed[0]
        assert region.y == 4 and region.height == 1 and region.width < 20


async def test_keys_that_mean_nothing_here_are_not_offered() -> None:
    app = Lists()
    async with app.run_test(size=(60, 10)):
        offered = {binding.binding.id for binding in app.screen.active_bindings.values()}
        assert "sort" in offered and "columns" in offered
        assert "mark" not in offered and "baseline" not in offered


async def test_the_name_at_the_cursor_is_bold() -> None:
    app = Lists()
    async with app.run_test(size=(60, 10)):
        assert ink_of(app, "117")[2]
        assert not ink_of(app, "116")[2]


def test_columns_keep_their_order_and_stay_inside() -> None:
    given = [
        Column[Run](key=str(n), head="x" * n, rank=n, least=3 if n % 3 == 0 else 0, grow=n % 2)
        for n in range(1, 12)
    ]
    for width in range(5, 120):
        layout = lay_out(given, lambda column: len(column.head), width)
        ends = 0
        for placed in layout.placed:
            assert placed.x >= ends and placed.width > 0
            ends = placed.x + placed.width
        assert ends <= max(width - 1, 3)
        keys = [int(placed.column.key) for placed in layout.placed]
        assert keys == sorted(keys)


async def test_a_copied_row_is_plain_for_other_programs() -> None:
    app = Lists([Run("7", "done", -0.5)])
    async with app.run_test(size=(60, 10)):
        assert app.table.copied_row() == "7\t● done\t-0.500\t"


async def test_the_line_says_what_a_cell_of_a_line_says() -> None:
    app = Lists([Run("7", "done", 0.5, "plain")])
    app.table.columns = [
        Column[Run](key="n", head="n", cell=lambda r: Line(("a", "fail"), ("b", "ok")), width=4)
    ]
    async with app.run_test(size=(60, 5)):
        assert "ab" in rows_of(app)[1]
