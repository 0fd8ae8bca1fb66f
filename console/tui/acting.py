"""Carries out what the reader decided on: one call of the route that the action is named after.

An area posts `Acts(self, "promote_model", model=…, ask=Question(…))`. With `ask` the question is
put first, and what was typed joins the arguments. The answer becomes a toast, and, where there is
one, the way back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from console import errors, text
from console.wire import table
from console.wire.datasets import Decided
from storage.records.alerts import Alert
from storage.records.endpoints import Endpoint
from storage.records.jobs import Job
from storage.records.models import ThresholdChange
from storage.records.people import Approval, Person
from storage.records.runs import SavedView

if TYPE_CHECKING:
    from console.client.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """An action with its arguments: what to do, or what would take something back."""

    action: str
    arguments: dict[str, Any]
    words: str = ""
    """`roll delays back to v4`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done."""

    sentence: str
    undo: Deed | None = None


def carry_out(client: Client, action: str, arguments: dict[str, Any]) -> Outcome:
    """Call the route `action`; `undo` among the arguments is the way back that the area knows."""
    route = table.BY_NAME.get(action)
    if route is None:
        raise errors.ConsoleError(f"there is no action {action!r}.")
    given = dict(arguments)
    known: Deed | None = given.pop("undo", None)
    try:
        request = msgspec.convert(given, route.request, strict=False)
    except msgspec.ValidationError as error:
        raise errors.UsageError(f"cannot {action.replace('_', ' ')}: {error}.") from error
    answer = client.call(route, request, timeout_s=60.0)
    return Outcome(sentence=_sentence(action, answer), undo=known or undo_of(action, given, answer))


def undo_of(action: str, arguments: dict[str, Any], answer: Any) -> Deed | None:
    """What takes an action back, as far as its answer tells; None where nothing can."""
    if action in ("promote_model", "rollback_model"):
        change = getattr(answer, "change", None)
        if change is None or change.previous is None:
            return None
        return Deed(
            action="rollback_model",
            arguments={"model": change.model, "alias": change.alias,
                       "version": str(change.previous), "reason": "taken back"},
            words=f"point {change.alias} of {change.model} back to v{change.previous}",
        )  # fmt: skip
    if action == "set_threshold" and getattr(answer, "previous", None) is not None:
        return Deed(
            action=action,
            arguments={**arguments, "value": answer.previous, "reason": "taken back"},
            words=f"set the threshold to {answer.previous:g} again",
        )
    opposite = {"grant_role": "revoke_role", "revoke_role": "grant_role"}.get(action)
    if opposite is not None:
        role, name = arguments["role"], arguments["name"]
        verb = "give" if opposite == "grant_role" else "take"
        at = "to" if opposite == "grant_role" else "from"
        return Deed(
            action=opposite, arguments=dict(arguments), words=f"{verb} {role} {at} {name} again"
        )
    if action == "stop_endpoint":
        name = arguments["endpoint"]
        return Deed(
            action="start_endpoint", arguments={"endpoint": name}, words=f"start {name} again"
        )
    return None


def _sentence(action: str, answer: Any) -> str:
    message = getattr(answer, "message", "")
    if message:
        return str(message).rstrip(".")
    match answer:
        case Job():
            return f"job {answer.id} {answer.state}: {answer.title}"
        case ThresholdChange():
            return f"{answer.model}@v{answer.version} says yes from {answer.value:g} on now"
        case Endpoint():
            return f"endpoint {answer.name} is {answer.state}{_shares(answer)}"
        case Alert():
            word = {"acknowledged": "taken", "silenced": "quiet"}.get(answer.state, answer.state)
            return f"alert {answer.id} is {word}"
        case Person():
            return f"{answer.name} may act as {text.listed(answer.roles) or 'nobody'} now"
        case Decided():
            return _decided(answer)
        case Approval():
            return f"{answer.subject} is {answer.state}"
        case SavedView():
            return f"view {answer.name} is kept: run list --view {answer.name}"
        case _:
            return f"{action.replace('_', ' ')} done"


def _decided(answer: Decided) -> str:
    parts = [
        f"{verb} {text.counted(len(rules), 'rule')} of {answer.contract.name}"
        for verb, rules in (("accepted", answer.accepted), ("refused", answer.refused))
        if rules
    ]
    left = sum(rule.is_open for rule in answer.contract.rules)
    rest = f"{text.counted(left, 'draft')} left" if left else "nothing is left to decide"
    return f"{text.listed(parts)}, {rest}"


def _shares(endpoint: Endpoint) -> str:
    shares = [f"v{each.version} {text.percent(each.weight, 0)}" for each in endpoint.routes]
    return f", {text.listed(shares)}" if shares and endpoint.state == "ready" else ""
