"""How people name one state of something: `flights@v3`, `flights@latest`, `delays@champion`.

The agent finds by it what a text after the `@` means. Pure text: what exists comes in as values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

LATEST: Final = "latest"
SHORTEST_PREFIX: Final = 6
"""A digest may be cut to so many characters, as long as it stays the only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One version and everything it can be called by."""

    version: int
    digest: str
    tags: Sequence[str] = ()


def is_reserved(tag: str) -> bool:
    """Whether a tag would hide a version number or a word with a meaning.

    >>> [tag for tag in ("v3", "3", "latest", "v3-final", "launch") if is_reserved(tag)]
    ['v3', '3', 'latest']
    """
    return tag == LATEST or tag.removeprefix("v").isdigit()


def find(reference: str, known: Iterable[Named]) -> list[int]:
    """Return the versions that `reference` can mean: one, none, or several for a short digest.

    Tried in this order: the latest, a number, a tag, a digest or its beginning. Versions with the
    same content have the same digest; the newest of them stands for all.
    """
    versions = sorted(known, key=lambda each: each.version, reverse=True)
    if reference in ("", LATEST):
        return [each.version for each in versions[:1]]
    number = reference.removeprefix("v")
    if number.isascii() and number.isdigit():
        wanted = [each.version for each in versions if each.version == int(number)]
        if wanted or reference.startswith("v"):
            return wanted
    tagged = [each.version for each in versions if reference in each.tags]
    if tagged:
        return tagged
    if len(reference) < SHORTEST_PREFIX:
        return []
    newest: dict[str, int] = {}
    for each in versions:
        if each.digest.startswith(reference.lower()):
            newest.setdefault(each.digest, each.version)
    return list(newest.values())
