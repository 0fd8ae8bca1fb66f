"""Dialogs: enter never confirms, no comes first, letters type in fields, everything has a name."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from console.tui.areas.base import Choice
from console.tui.dialogs.confirm import Answer, Confirm, Question
from console.tui.dialogs.fields import Field
from console.tui.dialogs.form import Form
from console.tui.dialogs.menu import Menu, Picker
from console.tui.dialogs.palette import Palette
from console.tui.widgets.table import Table
from tests.tui.demo.app import Demo
from tests.tui.reading import ink_of, opened, rows_of, text_of, until, write

QUESTION = Question(
    sentence="Promote delays v5 against its gates?",
    facts=[("changes", "champion  v4 → v5"), ("undo", "u, or promote v4 again")],
    yes="promote it",
)
WORST = Question(
    sentence="Delete the workspace's history?",
    fields=[Field(id="reason", label="reason", is_required=True)],
    type_this="v5",
    yes="delete it",
    explanation=["Nothing brings it back."],
)


class Asked(Demo):
    """A demo that remembers what a dialog answered."""

    def __init__(self) -> None:
        super().__init__()
        self.first = "models"
        self.answers: list[Any] = []

    async def ask(self, pilot: Pilot[Any], dialog: Any) -> None:
        self.push_screen(dialog, self.answers.append)
        await pilot.pause()


@pytest.mark.parametrize(
    "keys", [["enter"], ["enter"] * 3, ["space"], ["j", "enter"], ["4"], ["q"]]
)
async def test_only_y_says_yes(keys: list[str]) -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Confirm(QUESTION))
        await pilot.press(*keys)
        await until(pilot, lambda: app.answers == [] and "Promote delays v5" in text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: app.answers == [Answer({})])


@pytest.mark.parametrize("key", ["n", "escape"])
async def test_no_changes_nothing(key: str) -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Confirm(QUESTION))
        await pilot.press(key)
        await until(pilot, lambda: app.answers == [None])
        await until(pilot, lambda: "Promote" not in text_of(app))


async def test_no_comes_first_underlined_and_says_that_enter_does_nothing() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Confirm(QUESTION))
        row = next(row for row in rows_of(app) if "no, leave it" in row)
        assert row.index("n no, leave it") < row.index("y promote it")
        await until(pilot, lambda: "enter does nothing here" in text_of(app))
        await until(pilot, lambda: "n no" in rows_of(app)[-1] and "y yes" in rows_of(app)[-1])


async def test_the_picture_behind_is_grey_and_the_header_stays() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        accent = ink_of(app, "Gates")
        store = ink_of(app, "flights-nyc")
        await app.ask(pilot, Confirm(QUESTION))
        await until(pilot, lambda: ink_of(app, "Gates")[0] != accent[0])
        await until(pilot, lambda: ink_of(app, "flights-nyc") == store)
        await pilot.press("n")
        await pilot.pause()
        await until(pilot, lambda: ink_of(app, "Gates") == accent)


async def test_the_worst_wants_a_reason_and_the_name_typed() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Confirm(WORST))
        await write(pilot, "yes, n")  # letters type while a field has the focus
        await until(pilot, lambda: app.answers == [])
        await pilot.press("escape", "y")
        await until(pilot, lambda: app.answers == [] and "type v5 first" in text_of(app))
        await pilot.press("shift+tab", *"v6")
        await until(pilot, lambda: "this is not v5" in text_of(app))
        await pilot.press("backspace", "5", "enter", "tab", "y")
        await until(pilot, lambda: app.answers == [Answer({"reason": "yes, n"})])


async def test_a_reason_that_is_missing_is_named() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Confirm(WORST))
        await pilot.press("tab", *"v5", "tab", "y")
        await until(pilot, lambda: app.answers == [] and "reason is missing" in text_of(app))


async def test_the_explanation_opens_with_the_help_key() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Confirm(WORST))
        await until(pilot, lambda: "Nothing brings it back." not in text_of(app))
        await pilot.press("escape", "question_mark")
        await pilot.pause()
        await until(pilot, lambda: "Nothing brings it back." in text_of(app))


async def test_a_form_checks_while_it_is_typed() -> None:
    fields = [
        Field(
            id="folds", label="folds", value="5", check=lambda v: "" if v.isdigit() else "a number"
        ),
        Field(id="kind", label="kind", choices=("train", "search", "evaluate")),
    ]
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Form("New job", fields, yes="start it"))
        await pilot.press("x")
        await until(pilot, lambda: "▲ a number" in text_of(app))
        await pilot.press("backspace", "tab")
        await write(pilot, "serch")
        await until(pilot, lambda: "did you mean search?" in text_of(app))
        await pilot.press("escape", "y")
        await until(pilot, lambda: app.answers == [])
        await pilot.press("shift+tab", *["backspace"] * 5)
        await write(pilot, "search")
        await pilot.press("tab", "y")
        await until(pilot, lambda: app.answers == [Answer({"folds": "5", "kind": "search"})])


# ------------------------------------------------------------------ menus


CHOICES = [
    Choice(id="ack", label="acknowledge", key="a", command="mlops-console alert ack 57"),
    Choice(id="train", label="train again", key="t", why_not="needs role data-scientist"),
    Choice(id="back", label="roll back", key="b"),
]


async def test_a_menu_is_chosen_by_letter_or_by_cursor() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Menu("Actions", CHOICES))
        await until(pilot, lambda: "mlops-console alert ack 57" in text_of(app))
        await pilot.press("b")
        await app.ask(pilot, Menu("Actions", CHOICES))
        await pilot.press("enter")
        await until(pilot, lambda: [choice.id for choice in app.answers] == ["back", "ack"])


async def test_what_cannot_be_chosen_says_why_and_stays() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Menu("Actions", CHOICES))
        await until(pilot, lambda: "needs role data-scientist" in text_of(app))
        await pilot.press("t", "j", "enter")
        await until(pilot, lambda: app.answers == [])
        await pilot.press("escape")
        await until(pilot, lambda: app.answers == [None])


async def test_an_empty_menu_says_so() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Menu("Actions", []))
        await until(pilot, lambda: "nothing can be done here now" in text_of(app))


async def test_columns_are_picked_with_space() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Picker("Columns", CHOICES, frozenset({"ack"})))
        await pilot.press("space", "space", "enter")
        await until(pilot, lambda: app.answers == [frozenset({"train"})])


async def test_the_sort_menu_sorts() -> None:
    app = Asked()
    async with opened(app, (110, 30)) as pilot:
        await pilot.press("s")
        await pilot.pause()
        await until(pilot, lambda: "Sort by" in text_of(app) and "got" in text_of(app))
        await pilot.press("j", "enter")
        await pilot.pause()
        table = app.frame.query_one("#gates", Table)
        assert [level.key for level in table.sort] == ["got"]


# ------------------------------------------------------------------ palette and help


async def test_the_palette_finds_a_place_by_a_few_letters() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await pilot.press("colon")
        await write(pilot, "gserv")
        await pilot.press("enter")
        await pilot.pause()
        assert app.frame.current is not None and app.frame.current.entry.id == "serving"


async def test_both_palette_keys_open_it_and_it_shows_keys_and_commands() -> None:
    app = Demo()
    async with opened(app, (110, 30)) as pilot:
        for key in ("colon", "ctrl+p"):
            await pilot.press(key)
            await pilot.pause()
            shown = text_of(app)
            assert "go to serving" in shown and "latency, errors, drift" in shown
            await write(pilot, "ackn")
            await pilot.pause()
            await until(pilot, lambda: "mlops-console alert ack 57" in text_of(app))
            await until(pilot, lambda: "1 of " in text_of(app))
            await pilot.press("escape")


async def test_the_palette_moves_with_arrows_while_letters_type() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Palette(CHOICES))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: [choice.id for choice in app.answers] == ["back"])


async def test_no_entry_is_said() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Palette(CHOICES))
        await write(pilot, "zzz")
        await until(pilot, lambda: "no entry has these letters" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.answers == [])


async def test_the_palette_offers_what_the_app_makes_of_the_typed_text() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        more = lambda text: [Choice(id=f"open:{text}", label=f"open {text}")]  # noqa: E731 # a stand-in
        await app.ask(pilot, Palette(CHOICES, more))
        await write(pilot, "117")
        await pilot.press("enter")
        await until(pilot, lambda: [choice.id for choice in app.answers] == ["open:117"])


@pytest.mark.parametrize("key", ["question_mark", "f1"])
async def test_help_explains_the_pane_that_has_the_focus(key: str) -> None:
    app = Demo()
    async with opened(app, (110, 45)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        shown = text_of(app)
        assert "Needs you" in shown and "What is wrong, worst first." in shown
        assert "↓ j" in shown and "one row down" in shown
        assert "a limit that a model must meet" in shown
        assert "$ mlops-console alert ack 57" in shown
        await pilot.press("q")
        await pilot.pause()
        await until(pilot, lambda: "one row down" not in text_of(app))


async def test_long_help_can_be_scrolled_and_says_how_much_is_left() -> None:
    app = Demo()
    async with opened(app, (60, 16)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        await until(pilot, lambda: "more lines" in text_of(app))
        await pilot.press("G")
        await until(
            pilot, lambda: "more lines" not in text_of(app) and "In the shell" in text_of(app)
        )


async def test_keys_of_the_frame_do_nothing_behind_a_dialog() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await app.ask(pilot, Menu("Actions", CHOICES))
        await pilot.press("5", "colon", "z")
        assert app.frame.current is not None and app.frame.current.entry.id == "models"
        await until(pilot, lambda: "Actions" in text_of(app))


# ------------------------------------------------------------------ filter


async def test_a_filter_is_live_and_kept_by_enter() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await pilot.press("slash")
        await write(pilot, "verdict:inc")
        await pilot.pause()
        await until(pilot, lambda: "2 of 8" in text_of(app) and "precision" not in text_of(app))
        await pilot.press("enter")
        await pilot.pause()
        await until(pilot, lambda: "/ verdict:inc" in rows_of(app)[22])
        assert app.frame.query_one("#gates", Table).has_focus
        await pilot.press("escape")
        await pilot.pause()
        await until(pilot, lambda: "precision" in text_of(app))


async def test_esc_brings_back_the_filter_before() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await pilot.press("slash")
        await write(pilot, "verdict:inc")
        await pilot.press("enter")
        await pilot.press("slash")
        await write(pilot, "zzz")
        await pilot.press("escape")
        await pilot.pause()
        assert app.frame.query_one("#gates", Table).filter_text == "verdict:inc"


async def test_a_typo_is_explained_and_the_hits_stay() -> None:
    app = Asked()
    async with opened(app, (100, 30)) as pilot:
        await pilot.press("slash")
        await write(pilot, "verdict:pass")
        await write(pilot, " gott>1")
        await pilot.pause()
        await until(
            pilot,
            lambda: (
                'there is no field "gott"' in text_of(app) and "Did you mean got?" in text_of(app)
            ),
        )
        await until(pilot, lambda: "precision" in text_of(app))


async def test_without_a_hit_the_word_at_fault_is_underlined() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await pilot.press("slash")
        await write(pilot, "recall zebra")
        await pilot.pause()
        shown = text_of(app)
        assert "0 of 8" in shown and "esc clears" in shown
        assert "precision" not in shown


async def test_a_bang_inverts() -> None:
    app = Asked()
    async with opened(app, (80, 24)) as pilot:
        await pilot.press("slash")
        await write(pilot, "!verdict:pass")
        await pilot.pause()
        await until(pilot, lambda: "3 of 8" in text_of(app))
