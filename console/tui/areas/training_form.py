"""The form that trains: a field for every declared parameter, typed like its default.

Shared by runs (train again, with other parameters) and pipelines (train). Only what differs from
the declaration is sent, so that the recorded request says what was changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from console import text
from console.tui.dialogs.fields import Field

PREFIX = "param-"
MORE = "more-params"
FIELDS_AT_MOST = 10
"""More parameters than this do not fit a dialog; the command line takes them all."""


def param_fields(params: Mapping[str, Any]) -> list[Field]:
    """A field per parameter, filled with its value."""
    return [
        Field(id=f"{PREFIX}{place}", label=name, value=written(value),
              check=partial(fault, like=value))
        for place, (name, value) in enumerate(list(params.items())[:FIELDS_AT_MOST])
    ]  # fmt: skip


def more_field() -> Field:
    """A field for parameters that the declaration does not name."""
    return Field(id=MORE, label="more", hint="max_depth=4 learning_rate=0.05", check=_more_fault)


def changed_params(params: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed that is not what was there; an emptied field stays as declared."""
    found: dict[str, Any] = {}
    for name, _, value in (word.partition("=") for word in typed.get(MORE, "").split()):
        found[name] = parsed(value, like=None)
    for place, (name, value) in enumerate(list(params.items())[:FIELDS_AT_MOST]):
        given = typed.get(f"{PREFIX}{place}", "").strip()
        if given and given != written(value):
            found[name] = parsed(given, like=value)
    return found


def _more_fault(value: str) -> str:
    wrong = next((w for w in value.split() if not all(w.partition("=")[::2])), "")
    return f"{wrong} is not name=value" if wrong else ""


def written(value: Any) -> str:
    """A parameter as it is typed: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def parsed(given: str, *, like: Any) -> Any:
    """The value of what was typed: JSON where it is that, otherwise text."""
    if isinstance(like, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        return given


def fault(given: str, *, like: Any) -> str:
    """Why a value cannot be meant, judged by the one that was there; empty when it can."""
    value = parsed(given, like=like)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(like, bool) and not isinstance(value, bool):
        return "true or false"
    wants_number = isinstance(like, int | float) and not isinstance(like, bool)
    if wants_number and not is_number and value is not None:
        return f"a number such as {text.general(float(like))}"
    return ""


def param_words(params: Mapping[str, Any]) -> str:
    """`--param max_depth=8` for every parameter, as on the command line."""
    return " ".join(f"--param {name}={written(value)}" for name, value in params.items())
