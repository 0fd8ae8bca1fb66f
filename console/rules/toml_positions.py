"""Where in a TOML text every key stands, so that a mistake can be pointed at.

The standard library's parser gives values without positions; this reads the same text a second
time and only for keys. It is called on text that `tomllib` has accepted and may therefore be
simple: what it cannot place (keys deep inside inline tables) is missing from the answer.
"""

from __future__ import annotations

import re

Path = tuple[str | int, ...]
"""Keys from the top; a number is the position in an array of tables."""
Position = tuple[int, int]
"""Line and column, both from 1."""

_KEY = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)


def positions(text: str) -> dict[Path, Position]:
    """Return where each key and table header stands.

    >>> positions("a = 1\\n[b]\\nc = 2")
    {('a',): (1, 1), ('b',): (2, 2), ('b', 'c'): (3, 1)}
    """
    found: dict[Path, Position] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    at = 0
    while at < len(text):
        if text[at] in " \t\r\n":
            at += 1
        elif text[at] == "#":
            at = _line_end(text, at)
        elif text[at] == "[":
            is_array = text.startswith("[[", at)
            start = at + (2 if is_array else 1)
            names, at = _dotted(text, start)
            table = (*_resolved(names[:-1], counts), names[-1])
            if is_array:
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            else:
                table = _resolved(names, counts)
            for depth in range(1, len(table) + 1):
                found.setdefault(table[:depth], _place(text, start))
            at = _line_end(text, at)
        else:
            names, end = _dotted(text, at)
            for depth in range(1, len(names) + 1):
                found.setdefault((*table, *names[:depth]), _place(text, at))
            at = _value_end(text, end + 1)
    return found


def place_of(found: dict[Path, Position], path: Path) -> Position | None:
    """Return where `path` stands, or the nearest thing around it that has a place."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return None


def _resolved(names: tuple[str, ...], counts: dict[Path, int]) -> Path:
    """A header's path with the number of the array element it belongs to put in."""
    path: Path = ()
    for name in names:
        path = (*path, name)
        if path in counts:
            path = (*path, counts[path])
    return path


def _dotted(text: str, at: int) -> tuple[tuple[str, ...], int]:
    names: list[str] = []
    while match := _KEY.match(text, at):
        name = match[1]
        names.append(name[1:-1] if name[0] in "\"'" else name)
        at = match.end()
        if not text.startswith(".", at):
            break
        at += 1
    return tuple(names), at


def _value_end(text: str, at: int) -> int:
    """The end of the value that starts at `at`: a line end outside of strings and brackets."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char in "\"'":
            match = _STRING.match(text, at)
            at = match.end() if match else at + 1
            continue
        if char == "#":
            at = _line_end(text, at)
            continue
        if char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif char == "\n" and depth <= 0:
            return at
        at += 1
    return at


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _place(text: str, at: int) -> Position:
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
