"""A few letters in order find a name; the best fit comes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.tui.fuzzy import match

NAMES = ["go to threshold", "go to alerts", "theme contrast-dark", "roll back delays", "refresh"]


def best(query: str) -> str:
    scored = [(found[0], name) for name in NAMES if (found := match(query, name))]
    return max(scored)[1] if scored else ""


def test_the_best_fit_is_first() -> None:
    assert best("gthr") == "go to threshold"
    assert best("thdark") == "theme contrast-dark"
    assert best("rbd") == "roll back delays"
    assert best("alerts") == "go to alerts"


def test_letters_that_are_not_there_or_out_of_order_find_nothing() -> None:
    assert match("xyz", "go to alerts") is None
    assert match("strela", "go to alerts") is None


@given(st.text(max_size=8), st.text(max_size=20))
def test_the_places_are_of_the_letters_that_were_asked_for(query: str, name: str) -> None:
    found = match(query, name)
    if found is not None and name.isascii() and query.isascii():
        letters = "".join(name[place] for place in found[1]).casefold()
        assert "".join(letters.split()) == "".join(query.casefold().split())
