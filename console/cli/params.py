"""`--param name=value`: parameters typed on a command line, as JSON where that reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from console import errors
from console.cli.commands import argument

PARAM = argument(
    "--param",
    "-p",
    action="append",
    default=[],
    metavar="NAME=VALUE",
    help="a parameter of the estimator instead of the declared one; may be repeated",
)


def read_params(given: Sequence[str]) -> dict[str, Any]:
    """Return name and value of each; a value that is no JSON is text.

    >>> read_params(["max_iter=200", "loss=log_loss", "max_depth=null"])
    {'max_iter': 200, 'loss': 'log_loss', 'max_depth': None}
    """
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise errors.UsageError(
                f"{each!r} is not a parameter.", hint="Write it as --param max_iter=200"
            )
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return json.loads(text)
    except ValueError:
        return text
