"""The parameters a search may try: lists of values and ranges, drawn from or laid out as a grid.

Pure and seeded: the same space and seed give the same candidates. Standard library only.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.errors import InvalidError

GRID_STEPS = 5
"""A range without a step is so many values of a grid."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One parameter. Either `choices`, or a range from `low` to `high`."""

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    """Drawn evenly on a logarithmic scale."""
    is_whole: bool = False
    step: float | None = None

    def draw(self, rng: random.Random) -> Any:
        if self.choices:
            return rng.choice(self.choices)
        if self.step is not None:
            return rng.choice(self.values())
        if self.is_log:
            value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = rng.uniform(self.low, self.high)
        # Six digits say enough, and can be typed again.
        return round(value) if self.is_whole else float(f"{value:.6g}")

    def values(self) -> tuple[Any, ...]:
        """Every choice; of a range the steps, or `GRID_STEPS` values evenly spread."""
        if self.choices:
            return self.choices
        if self.step is not None:
            count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
            found = [self.low + k * self.step for k in range(count)]
        elif self.is_log:
            low, width = math.log(self.low), math.log(self.high / self.low)
            found = [math.exp(low + width * k / (GRID_STEPS - 1)) for k in range(GRID_STEPS)]
        else:
            width = self.high - self.low
            found = [self.low + width * k / (GRID_STEPS - 1) for k in range(GRID_STEPS)]
        if self.is_whole:
            return tuple(dict.fromkeys(round(each) for each in found))
        return tuple(float(f"{each:.6g}") for each in found)


def dimension(name: str, given: Any) -> Dimension:
    """Read a parameter's part of a space.

    >>> dimension("max_depth", [3, 5]).choices
    (3, 5)
    >>> dimension("learning_rate", {"low": 0.01, "high": 0.1, "log": True}).is_log
    True
    """
    if isinstance(given, Sequence) and not isinstance(given, str):
        if not given:
            raise InvalidError(f"the search has no value for {name}.", hint="Give at least one.")
        return Dimension(name, choices=tuple(given))
    if not isinstance(given, Mapping):
        raise InvalidError(
            f"the search space of {name} is {given!r}.",
            hint="Write a list of values, or { low = 0.01, high = 0.3, log = true }.",
        )
    unknown = [key for key in given if key not in ("low", "high", "log", "step")]
    if unknown or "low" not in given or "high" not in given:
        what = f"has an unknown {unknown[0]!r}" if unknown else "needs low and high"
        raise InvalidError(
            f"the search space of {name} {what}.",
            hint="For example: { low = 0.01, high = 0.3, log = true }",
        )
    low, high, step = given["low"], given["high"], given.get("step")
    numbers = [each for each in (low, high, step) if each is not None]
    if not all(type(each) in (int, float) for each in numbers) or not low < high:
        raise InvalidError(f"the range of {name} goes from {low} to {high}.", hint="Swap them?")
    is_log = bool(given.get("log", False))
    if is_log and low <= 0:
        raise InvalidError(
            f"the range of {name} starts at {low}, which has no logarithm.",
            hint="Start above 0, or leave log out.",
        )
    is_whole = all(type(each) is int for each in numbers)
    return Dimension(name, (), low, high, is_log, is_whole, step)


def dimensions(space: Mapping[str, Any]) -> tuple[Dimension, ...]:
    if not space:
        raise InvalidError(
            "the search has no space: no parameter to vary.",
            hint="Declare it under [pipelines.NAME.search.space], or add --vary max_depth=3,5,8",
        )
    return tuple(dimension(name, given) for name, given in space.items())


def grid(space: Sequence[Dimension]) -> Iterator[dict[str, Any]]:
    """Every combination, the last parameter moving fastest."""
    for values in itertools.product(*(each.values() for each in space)):
        yield {each.name: value for each, value in zip(space, values, strict=True)}


def grid_size(space: Sequence[Dimension]) -> int:
    return math.prod(len(each.values()) for each in space)


def drawn(space: Sequence[Dimension], seed: int) -> Iterator[dict[str, Any]]:
    """Different candidates at random, until a hundred draws in a row bring nothing new."""
    rng = random.Random(seed)
    seen: set[str] = set()
    misses = 0
    while misses < 100:
        candidate = {each.name: each.draw(rng) for each in space}
        key = candidate_key(candidate)
        if key in seen:
            misses += 1
            continue
        misses = 0
        seen.add(key)
        yield candidate


def candidate_key(params: Mapping[str, Any]) -> str:
    """Equal for equal parameters."""
    return json.dumps(params, sort_keys=True, default=str)


def read_vary(text: str) -> tuple[str, Any]:
    """Read `max_depth=3,5,8` or `learning_rate=0.01..0.3:log` from a command line.

    >>> read_vary("learning_rate=0.01..0.3:log")
    ('learning_rate', {'low': 0.01, 'high': 0.3, 'log': True})
    >>> read_vary("max_depth=3,5,null")
    ('max_depth', [3, 5, None])
    """
    name, equals, values = text.partition("=")
    if not name or not equals or not values:
        raise InvalidError(
            f"{text!r} does not say what to vary.",
            hint="Write max_depth=3,5,8 or learning_rate=0.01..0.3:log",
        )
    if ".." in values:
        limits, _, scale = values.partition(":")
        low, _, high = limits.partition("..")
        found = {"low": _value(low), "high": _value(high)}
        if scale == "log":
            found["log"] = True
        elif scale:
            found["step"] = _value(scale)
        return name, found
    return name, [_value(each) for each in values.split(",")]


def written(given: Any) -> str:
    """The part of a space as `read_vary` reads it.

    >>> written({"low": 0.01, "high": 0.3, "log": True}), written([3, None])
    ('0.01..0.3:log', '3,null')
    """
    if isinstance(given, Mapping):
        scale = ":log" if given.get("log") else f":{given['step']}" if "step" in given else ""
        return f"{given['low']}..{given['high']}{scale}"
    return ",".join(each if isinstance(each, str) else json.dumps(each) for each in given)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)
