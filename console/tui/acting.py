"""Carries out what the reader decided on: one call of the route that the action is named after.

An area posts `Acts(self, "promote_model", model=…, ask=Question(…))`. With `ask` the question is
put first, and what was typed joins the arguments. The answer becomes a toast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from console import errors
from console.tui.areas.base import Area
from console.wire import table
from storage.records.jobs import Job

if TYPE_CHECKING:
    from console.client.client import Client


def carry_out(client: Client, action: str, arguments: dict[str, Any]) -> str:
    """Call the route `action`; returns one sentence for the reader."""
    route = table.BY_NAME.get(action)
    if route is None:
        raise errors.ConsoleError(f"there is no action {action!r}.")
    try:
        request = msgspec.convert(arguments, route.request, strict=False)
    except msgspec.ValidationError as error:
        raise errors.UsageError(f"cannot {action.replace('_', ' ')}: {error}.") from error
    answer = client.call(route, request, timeout_s=60.0)
    return _sentence(action, answer)


def _sentence(action: str, answer: Any) -> str:
    message = getattr(answer, "message", "")
    if message:
        return str(message).rstrip(".")
    if isinstance(answer, Job):
        return f"job {answer.id} {answer.state}: {answer.title}"
    return f"{action.replace('_', ' ')} done"


def split_question(event: Area.Acts) -> tuple[Any, dict[str, Any]]:
    """The question to ask first, if any, and the arguments of the route."""
    arguments = dict(event.arguments)
    return arguments.pop("ask", None), arguments
