"""One table of a TOML file turned into a record, with mistakes pointed at by line and column.

Used by `console.rules.declaration`. The keys of a table are the fields of its record, so the
records are the one place that says what may be declared. Invariant: an unknown key, a wrong type
or a missing value is an `InvalidError` that names the place and the nearest valid word.
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Collection, Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from functools import cache
from typing import Any, NoReturn, TypeVar

from console.errors import InvalidError
from console.rules.toml_positions import Path, Position, place_of

Record = TypeVar("Record")

FILE = "mlops.toml"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


class Table:
    """A table and where it stands."""

    def __init__(self, values: dict[str, Any], path: Path, positions: dict[Path, Position]) -> None:
        self.values = values
        self.path = path
        self._positions = positions

    @property
    def name(self) -> str:
        """`pipelines.delays`, `steps[2]` …, as the file would spell it."""
        shown = ""
        for part in self.path:
            shown += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
        return shown.removeprefix(".")

    def fail(self, message: str, *, key: str = "", hint: str = "") -> NoReturn:
        """Raise `InvalidError` that points at `key`, or at the table."""
        path = (*self.path, key) if key else self.path
        place = place_of(self._positions, path)
        where = f"{FILE} line {place[0]}, column {place[1]}: " if place else f"{FILE}: "
        data = {"line": place[0], "column": place[1]} if place else {}
        raise InvalidError(where + message, hint=hint, **data)

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Raise for the first key that is not in `known`."""
        allowed = list(known)
        for key in self.values:
            if key in allowed:
                continue
            inside = f" in {self.name}" if self.path else ""
            self.fail(
                f"unknown key {key!r}{inside}.", key=key, hint=nearest(key, allowed, "It takes")
            )

    def table(self, key: str) -> Table:
        """The table under `key`; empty when there is none."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.fail(f"{self._spelled(key)} is {_kind(value)}, but a table is wanted.", key=key)
        return Table(value, (*self.path, key), self._positions)

    def tables(self, key: str) -> list[Table]:
        """The tables of the array `[[key]]`."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.fail(
                f"{self._spelled(key)} is {_kind(value)}, but a list of tables is wanted.",
                key=key,
                hint=f"Write each one as [[{self._spelled(key)}]].",
            )
        return [
            Table(each, (*self.path, key, number), self._positions)
            for number, each in enumerate(value)
        ]

    def named(self, key: str, what: str) -> Iterator[tuple[str, Table]]:
        """The tables `[key.name]` with their names checked."""
        outer = self.table(key)
        for name in outer.values:
            if NAME.fullmatch(name) is None:
                outer.fail(
                    f"{what} {name!r} is not allowed: a name has 1 to 64 characters a-z 0-9 . _ - "
                    "and starts with a letter or digit.",
                    key=name,
                )
            yield name, outer.table(name)

    def text(self, key: str, default: str = "") -> str:
        value = self.values.get(key, default)
        return typing.cast(str, self._typed(key, value, str))

    def read(
        self,
        cls: type[Record],
        *,
        skip: Collection[str] = (),
        also: Collection[str] = (),
        **given: Any,
    ) -> Record:
        """Make the record of this table.

        `given` are fields that do not come from the table, `skip` are fields that may not be
        written there, `also` are keys that somebody else reads.
        """
        hints = _hints(typing.cast(Any, cls))
        own = [f for f in fields(cls) if f.name not in given and f.name not in skip]  # type: ignore[arg-type]
        self.refuse_unknown([*(field.name for field in own), *also])
        values: dict[str, Any] = dict(given)
        for field in own:
            if field.name in self.values:
                values[field.name] = self._typed(
                    field.name, self.values[field.name], hints[field.name]
                )
            elif field.default is MISSING and field.default_factory is MISSING:
                self.fail(f"{self.name} has no {field.name!r}.", hint=f"Add {field.name} = …")
        return cls(**values)

    def _typed(self, key: str, value: Any, hint: Any) -> Any:
        """Return the value as the field wants it, or raise what it is and what is wanted."""
        if is_dataclass(hint):
            return self.table(key).read(typing.cast(Any, hint))
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            options = [each for each in typing.get_args(hint) if each is not type(None)]
            return self._typed(key, value, options[0])
        if typing.get_origin(hint) is typing.Literal:
            return self._choice(key, value, typing.get_args(hint))
        if typing.get_origin(hint) is tuple:
            wanted = typing.get_args(hint)[0]
            if not isinstance(value, list):
                value = [value]  # one word need not be a list
            return tuple(self._typed(key, each, wanted) for each in value)
        if typing.get_origin(hint) is dict:
            if not isinstance(value, dict):
                self._mistyped(key, value, dict)
            return self._plain(key, value)
        if hint is float and type(value) in (int, float):
            if not math.isfinite(value):
                self.fail(
                    f"{self._spelled(key)} is {value}, but a finite number is wanted.", key=key
                )
            return float(value)
        if type(value) is not hint:
            self._mistyped(key, value, hint)
        return value

    def _choice(self, key: str, value: Any, options: tuple[Any, ...]) -> Any:
        if value not in options:
            self.fail(
                f"{self._spelled(key)} is {value!r}.",
                key=key,
                hint=nearest(str(value), [str(each) for each in options], "It can be"),
            )
        return value

    def _plain(self, key: str, value: Any) -> Any:
        """A free table: everything in it must be storable as JSON."""
        if isinstance(value, dict):
            return {name: self._plain(key, each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._plain(key, each) for each in value]
        if isinstance(value, (date, datetime, time)):
            self.fail(
                f"{self._spelled(key)} holds the time {value}; write it as text in quotes.", key=key
            )
        return value

    def _mistyped(self, key: str, value: Any, wanted: Any) -> NoReturn:
        self.fail(
            f"{self._spelled(key)} is {_kind(value)}, but {_WORDS.get(wanted, 'text')} is wanted.",
            key=key,
        )

    def _spelled(self, key: str) -> str:
        return f"{self.name}.{key}" if self.path else key


def nearest(word: str, options: Collection[str], lead: str) -> str:
    """`Did you mean 'estimator'?`, or the options when nothing is near."""
    near = get_close_matches(word, options, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"{lead}: {', '.join(options)}."


def _kind(value: Any) -> str:
    for cls, words in _WORDS.items():
        if type(value) is cls:
            return f"{words} ({value!r})" if cls in (int, float, bool) else words
    return "a time"


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)
