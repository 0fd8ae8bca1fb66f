"""Foreign text on every sink is only text: no escape, no bidi trick, no markup that acts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.screen import Screen

from console.tui.areas.base import Choice
from console.tui.dialogs.confirm import Confirm, Question
from console.tui.dialogs.fields import Field
from console.tui.dialogs.help import Help, HelpPage
from console.tui.dialogs.menu import Menu
from console.tui.dialogs.palette import Palette
from console.tui.frame_rows import Gone
from console.tui.ink import Line
from console.tui.signs import said
from console.tui.widgets.chart import Chart, Event, Limit, Series
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane
from console.tui.widgets.table import Table
from tests.tui.demo.app import STATUS, Demo
from tests.tui.demo.overview import NEEDS
from tests.tui.reading import opened, strips_of, text_of, until, write

EVIL = "\x1b[31mred\x1b]0;t\x07 \x9b1m \u202egpj.exe\u2066 [@click=app.quit]x[/] [/nope] [bold\n\tz"
SHOWN = "[@click=app.quit]x[/] [/nope] [bold"


def assert_harmless(app: Demo) -> None:
    for strip in strips_of(app):
        for segment in strip:
            assert segment.text.isprintable(), repr(segment.text)
            assert not (segment.style and segment.style.meta and "@click" in segment.style.meta)


async def test_in_rows_headings_charts_and_the_frame() -> None:
    app = Demo()
    async with opened(app, (160, 45)) as pilot:
        app.frame.status = replace(STATUS, store=EVIL, place=EVIL, modes=(EVIL,), actor=EVIL)
        pane = app.frame.query(Pane).first()
        pane.title(EVIL, facts=EVIL, right=said("fail", EVIL))
        table = app.frame.query_one("#needs", Table)
        table.rows = [replace(NEEDS[0], kind=EVIL, sentence=EVIL, cause=EVIL, age=EVIL)]
        app.frame.query(LineChart).last().data = Chart(
            series=(Series(points=[(0, 1.0), (1, 2.0)], label=EVIL, is_judged=True),),
            limits=(Limit(value=1.5, label=EVIL),),
            events=(Event(x=0.8, label=EVIL),),
        )
        area = app.frame.current
        assert area is not None
        area.say(EVIL)
        app.frame.toast(EVIL, "fail", key=EVIL, verb=EVIL)
        await pilot.pause()
        assert_harmless(app)
        await until(pilot, lambda: SHOWN in text_of(app))
        app.frame.show_gone(
            Gone(since=EVIL, picture_from=EVIL, next_try_s=1, attempt=1, last_words=EVIL)
        )
        await pilot.pause()
        assert_harmless(app)


@pytest.mark.parametrize("dialog", ["confirm", "menu", "palette", "help"])
async def test_in_dialogs(dialog: str) -> None:
    choice = Choice(id=EVIL, label=EVIL, detail=EVIL, command=EVIL, why_not=EVIL)
    fine = replace(choice, id="fine", why_not="")
    screens: dict[str, Screen[Any]] = {
        "confirm": Confirm(
            Question(
                sentence=EVIL,
                facts=[(EVIL, EVIL), ("changes", Line(EVIL))],
                fields=[Field(id="reason", label=EVIL, hint=EVIL, value="x")],
                yes=EVIL,
                no=EVIL,
                explanation=[EVIL],
            )
        ),
        "menu": Menu(EVIL, [choice, fine]),
        "palette": Palette([choice, fine]),
        "help": Help(HelpPage(title=EVIL, purpose=EVIL, keys=[(EVIL, EVIL)], words=[(EVIL, EVIL)])),
    }
    app = Demo()
    async with opened(app, (100, 40)) as pilot:
        app.push_screen(screens[dialog])
        await pilot.pause()
        if dialog == "confirm":
            await pilot.press("escape", "question_mark")
        if dialog == "palette":
            await write(pilot, "app.quit")
        await pilot.pause()
        assert_harmless(app)
        await until(pilot, lambda: "app.quit" in text_of(app))


async def test_typed_and_pasted_text_is_not_markup_either() -> None:
    app = Demo()
    app.first = "models"
    async with opened(app, (100, 30)) as pilot:
        await pilot.press("slash")
        await write(pilot, "[@click=app.quit]x")
        await pilot.pause()
        assert_harmless(app)
        await until(pilot, lambda: "[@click=app.quit]x" in text_of(app))
        assert app.is_running
