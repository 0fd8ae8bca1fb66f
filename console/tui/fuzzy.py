"""Finds a name by a few of its letters, in order: `gthr` finds *go to threshold*.

Pure. Letters at the start of words and letters in a row count more; a shorter name wins a tie.
"""

from __future__ import annotations

from functools import lru_cache

Match = tuple[float, tuple[int, ...]]
"""Score and the places of the letters."""


@lru_cache(maxsize=4096)
def match(query: str, name: str) -> Match | None:
    """How well `query` fits `name`; None when its letters are not all there, in order."""
    wanted = [char for char in query.casefold() if not char.isspace()]
    if not wanted:
        return 0.0, ()
    folded = name.casefold()
    whole = folded.find(query.casefold().strip())
    if whole >= 0:
        start = 2.0 if whole == 0 or not folded[whole - 1].isalnum() else 1.0
        places = tuple(range(whole, whole + len(query.strip())))
        return 10 * start + len(query) - len(name) / 100, places
    best: Match | None = None
    for start, char in enumerate(folded):
        if char == wanted[0]:
            found = _from(wanted, folded, start)
            if found is not None and (best is None or found[0] > best[0]):
                best = found
    return best


def _from(wanted: list[str], name: str, start: int) -> Match | None:
    """The letters from a given place on; a letter that begins a word is preferred."""
    places: list[int] = []
    score = 0.0
    at = start
    for char in wanted:
        here = name.find(char, at)
        if here < 0:
            return None
        begins = _next_word_start(name, char, at)
        if begins is not None and (not places or here != places[-1] + 1):
            here = begins
        score += 2.0 if here == 0 or not name[here - 1].isalnum() else 0.0
        score += 1.5 if places and here == places[-1] + 1 else 0.0
        places.append(here)
        at = here + 1
    return score - (places[-1] - places[0]) / 10 - len(name) / 100, tuple(places)


def _next_word_start(name: str, char: str, at: int) -> int | None:
    for place in range(at, len(name)):
        if name[place] == char and (place == 0 or not name[place - 1].isalnum()):
            return place
    return None
