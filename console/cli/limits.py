"""The options `--memory` and `--time` of commands that start jobs."""

from __future__ import annotations

from typing import Any

from console.cli.commands import argument
from console.rules.amounts import memory_bytes, seconds

MEMORY = argument(
    "--memory", default="", metavar="SIZE", help="end it when it holds more, e.g. 512MB or 4GB"
)
TIME = argument("--time", default="", metavar="LENGTH", help="end it when it runs longer, e.g. 2h")


def read_limits(given: Any) -> dict[str, Any]:
    """The fields `memory_bytes` and `time_s` of a request, 0 where nothing was said."""
    return {
        "memory_bytes": memory_bytes(given.memory) if given.memory else 0,
        "time_s": seconds(given.time) if given.time else 0.0,
    }
