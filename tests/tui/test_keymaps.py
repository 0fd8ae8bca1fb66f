"""Keys can be moved by id; no default key is one that terminals or tmux take for themselves."""

from __future__ import annotations

import re

import pytest

from console.errors import UsageError
from console.tui.keymaps import KEYS, MAPS, all_keys, bind, keymap, shown_key
from tests.tui.demo.app import Demo
from tests.tui.reading import opened, text_of, until


def test_no_default_key_is_taken_by_terminals_or_needs_alt() -> None:
    for name in MAPS:
        for keys in [key.keys for key in KEYS.values()] + list(keymap(name).values()):
            for key in keys.split(","):
                assert key not in {"ctrl+s", "ctrl+z", "ctrl+b", "ctrl+a", "ctrl+c"}
                assert "alt" not in key and not re.match(r"ctrl\+shift|shift\+ctrl", key)


def test_every_key_has_a_meaning_for_the_help() -> None:
    assert all(key.meaning for key in KEYS.values())


def test_a_key_is_shown_as_it_stands_on_the_keyboard() -> None:
    assert shown_key("filter") == "/"
    assert shown_key("palette") == ":"
    assert all_keys("palette") == ": ^p"
    assert all_keys("down") == "↓ j"
    assert shown_key("filter", {"filter": "ctrl+f"}) == "^f"


def test_named_maps_change_only_what_they_are_about() -> None:
    assert keymap("default") == {}
    assert keymap("arrows")["down"] == "down"
    assert keymap("emacs")["down"] == "down,ctrl+n"
    assert "filter" not in keymap("emacs")


def test_own_keys_lie_over_the_map() -> None:
    assert keymap("arrows", {"down": "n, down"})["down"] == "n,down"


@pytest.mark.parametrize(
    ("name", "own", "message"),
    [
        ("vim", {}, 'there is no key map "vim"'),
        ("default", {"filtre": "f"}, 'did you mean "filter"'),
        ("default", {"filter": " , "}, 'no key is given for "filter"'),
    ],
)
def test_a_mistake_in_the_settings_is_explained(
    name: str, own: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        keymap(name, own)
    assert message in caught.value.message and caught.value.hint


def test_an_area_enters_its_own_keys_into_the_catalog() -> None:
    binding = bind("test.threshold", "open_threshold", "threshold", keys="t", meaning="move it")
    assert binding.id == "test.threshold" and binding.show
    assert shown_key("test.threshold") == "t"
    KEYS.pop("test.threshold")


async def test_a_moved_key_works_and_the_footer_shows_it() -> None:
    app = Demo(own_keys={"zoom": "Z"})
    async with opened(app, (160, 45)) as pilot:
        await until(pilot, lambda: "Z zoom" in text_of(app))
        await pilot.press("z")
        await until(pilot, lambda: app.frame.zoomed is None)
        await pilot.press("Z")
        await until(pilot, lambda: app.frame.zoomed is not None)


async def test_the_arrow_map_leaves_letters_alone() -> None:
    app = Demo(keys="arrows")
    async with opened(app, (80, 24)) as pilot:
        table = app.frame.query_one("#needs")
        await pilot.press("j")
        assert getattr(table, "cursor_key", "") == "drift"
        await pilot.press("down")
        assert getattr(table, "cursor_key", "") == "slo"
