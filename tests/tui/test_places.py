"""What a typed id can mean, and what can be opened by name."""

from __future__ import annotations

import pytest

from console.tui.places import Names, meant, named
from console.tui.registry import PLACES

NAMES = Names(datasets=("flights",), models=("delays",), endpoints=("delays",))


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("run 117", ["open:run:117"]),
        ("open job #9", ["open:job:9"]),
        ("4", ["open:run:4", "open:job:4", "open:alert:4", "open:approval:4"]),
        ("flights@v3", ["open:data:flights@v3"]),
        ("delays@5", ["open:model:delays@v5", "open:threshold:delays@v5"]),
        ("model delays@champion", ["open:model:delays@champion"]),
        ("new@v1", ["open:data:new@v1", "open:model:new@v1", "open:threshold:new@v1"]),
        ("theme dark", []),
        ("@", []),
        ("", []),
    ],
)
def test_what_is_meant(typed: str, ids: list[str]) -> None:
    assert [choice.id for choice in meant(typed, NAMES)] == ids


def test_every_name_is_an_entry_and_every_entry_has_a_place() -> None:
    found = named(NAMES)
    assert [choice.label for choice in found] == [
        "open data flights", "open model delays", "open threshold of delays@latest",
        "open endpoint delays",
    ]  # fmt: skip
    assert all(choice.id.split(":")[1] in PLACES for choice in found)
