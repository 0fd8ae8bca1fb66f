"""What a command says: data on stdout, talk on stderr; text for people, JSON for machines.

A command builds one value. `show` prints it as JSON when asked to, else calls the function that
writes it for people, so both always come from the same facts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO, TypeVar

from console import text

Value = TypeVar("Value")

_COLOURS = {
    "ok": "32",
    "warn": "33",
    "fail": "31",
    "info": "35",
    "accent": "36",
    "quiet": "2",
    "bold": "1",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a printed table."""

    head: str
    align: str = "<"
    """`<` names, `>` numbers."""
    colour: Callable[[str], str] | None = None
    """Cell text -> colour name."""


class Painted(str):
    """Words of our own with their colours: not to be cleaned any more."""

    __slots__ = ()


class Output:
    """Where a command's words go."""

    def __init__(
        self,
        *,
        as_json: bool = False,
        colour: bool | None = None,
        quiet: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        if colour is None:
            colour = (
                self._out.isatty()
                and not os.environ.get("NO_COLOR")
                and os.environ.get("TERM") != "dumb"
            )
        self._colour = colour

    def show(self, value: Value, people: Callable[[Value], None]) -> None:
        """Print `value`: as one JSON document with --json, else through `people(value)`."""
        if self.as_json:
            self.json(value)
        else:
            people(value)

    def json(self, value: Any) -> None:
        """One JSON document on a line of its own."""
        import msgspec

        self._write(msgspec.json.encode(value).decode() + "\n")

    def line(self, words: str = "") -> None:
        """A line of data for people; foreign control characters are made visible."""
        self._write(words + "\n")

    def raw(self, words: str) -> None:
        """A document for another program, as it is."""
        self._write(words)

    def note(self, words: str) -> None:
        """Talk: goes to stderr, silenced by --quiet, never part of --json."""
        if not self.quiet:
            self._err.write(words + "\n")
            self._err.flush()

    def paint(self, words: str, colour: str) -> Painted:
        """`words`, which are clean, in a colour."""
        code = _COLOURS.get(colour)
        return Painted(f"\x1b[{code}m{words}\x1b[0m" if self._colour and code else words)

    def verdict(self, word: str) -> Painted:
        """A verdict or state in its colour, with its sign."""
        sign, colour = {
            "pass": ("●", "ok"),
            "ok": ("●", "ok"),
            "succeeded": ("●", "ok"),
            "ready": ("●", "ok"),
            "warn": ("▲", "warn"),
            "fail": ("✗", "fail"),
            "failed": ("✗", "fail"),
            "lost": ("✗", "fail"),
            "error": ("✗", "fail"),
            "firing": ("✗", "fail"),
            "inconclusive": ("◇", "info"),
            "running": ("►", "accent"),
            "starting": ("►", "accent"),
            "queued": ("◌", "quiet"),
            "cancelled": ("‖", "quiet"),
        }.get(word, ("○", "quiet"))
        return self.paint(f"{sign} {word}", colour)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
        """Aligned columns, two spaces apart, heads in quiet lower case."""
        cells = [[text.clean(_cell(value)) for value in row] for row in rows]
        widths = [
            max([len(column.head), *(text.cells(row[i]) for row in cells)])
            for i, column in enumerate(columns)
        ]
        head = "  ".join(
            f"{column.head:{column.align}{width}}"
            for column, width in zip(columns, widths, strict=True)
        )
        self.line(self.paint(head.rstrip(), "quiet"))
        for row in cells:
            shown = []
            for column, width, cell in zip(columns, widths, row, strict=True):
                padded = text.pad(cell, width, "right" if column.align == ">" else "left")
                shown.append(self.paint(padded, column.colour(cell)) if column.colour else padded)
            self.line("  ".join(shown).rstrip())

    def facts(self, pairs: Iterable[tuple[str, Any]]) -> None:
        """Label and value lines, labels padded."""
        known = [
            (label, value if isinstance(value, Painted) else text.clean(_cell(value)))
            for label, value in pairs
        ]
        width = max((len(label) for label, _ in known), default=0)
        for label, value in known:
            self.line(f"{self.paint(f'{label:<{width}}', 'quiet')}  {value}")

    def heading(self, name: str, facts: str = "") -> None:
        self.line(f"{self.paint(text.clean(name), 'bold')}  {text.clean(facts)}".rstrip())

    def refusal(self, kind: str, message: str, hint: str, data: dict[str, Any]) -> None:
        """Why a command did not do it: one sentence on stderr, or one JSON document there."""
        if self.as_json:
            document = {"error": kind, "message": message, "hint": hint, "data": data}
            self._err.write(json.dumps(document, default=str) + "\n")
        else:
            self._err.write(f"{self.paint('error', 'fail')}: {text.clean(message)}\n")
            if {"text", "start", "end"} <= data.keys():
                self._point_at(str(data["text"]), int(data["start"]), int(data["end"]))
            if hint:
                self._err.write(f"{text.clean(hint)}\n")
        self._err.flush()

    def _point_at(self, words: str, start: int, end: int) -> None:
        """The text that was typed, and under it where it is wrong."""
        before, wrong = text.clean(words[:start]), text.clean(words[start:end])
        marks = " " * text.cells(before) + "^" * max(1, text.cells(wrong))
        self._err.write(f"  {text.clean(words)}\n  {self.paint(marks, 'fail')}\n")

    def _write(self, words: str) -> None:
        self._out.write(words)
        self._out.flush()


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "–"
    return str(value)
