"""What a text after the `@` means."""

from __future__ import annotations

import pytest

from console.rules.references import Named, find, is_reserved

KNOWN = [
    Named(version=1, digest="aaaaaa11" + "0" * 56, tags=("baseline",)),
    Named(version=2, digest="aaaaaa22" + "0" * 56),
    Named(version=12, digest="bbbbbb33" + "0" * 56, tags=("2013", "launch")),
    Named(version=13, digest="aaaaaa11" + "0" * 56),
]


@pytest.mark.parametrize(
    ("reference", "versions"),
    [
        ("latest", [13]),
        ("", [13]),
        ("v2", [2]),
        ("2", [2]),
        ("12", [12]),
        ("baseline", [1]),
        ("2013", [12]),  # no version has this number, a tag has this name
        ("v99", []),
        ("bbbbbb", [12]),
        ("BBBBBB33", [12]),
        ("bbbbb", []),  # too short for a digest
        ("nothing", []),
    ],
)
def test_a_reference_finds_its_version(reference: str, versions: list[int]) -> None:
    assert find(reference, KNOWN) == versions


def test_equal_contents_stand_for_the_newest_of_them() -> None:
    assert find("aaaaaa11", KNOWN) == [13]


def test_a_prefix_of_two_contents_gives_both() -> None:
    assert sorted(find("aaaaaa", KNOWN)) == [2, 13]


def test_nothing_is_latest_when_there_is_nothing() -> None:
    assert find("latest", []) == []


def test_a_tag_must_not_look_like_a_version() -> None:
    assert [t for t in ("v3", "3", "latest", "v3-final", "launch") if is_reserved(t)] == [
        "v3",
        "3",
        "latest",
    ]
