"""Handlers: people, approvals, ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from console import errors
from console.agent.context import Call
from console.rules import roles
from console.wire.people import Decide, ListLedger, RoleChange
from console.wire.routes import Nothing
from storage.records.people import Approval, LedgerCheck, LedgerEntry, Person
from storage.tables import ledger, people

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


async def get_me(call: Call, _request: Nothing) -> Person:
    return call.actor


async def list_people(call: Call, _request: Nothing) -> list[Person]:
    return await call.read(people.list_people)


async def grant_role(call: Call, request: RoleChange) -> Person:
    return await _change_role(call, request, is_grant=True)


async def revoke_role(call: Call, request: RoleChange) -> Person:
    return await _change_role(call, request, is_grant=False)


async def _change_role(call: Call, request: RoleChange, *, is_grant: bool) -> Person:
    now = call.agent.clock.now()
    verb = "grant" if is_grant else "revoke"

    def change(connection: DuckDBPyConnection) -> Person:
        person = people.get_person(connection, request.name)
        if person is None and not is_grant:
            raise errors.NotFoundError(
                f"cannot revoke {request.role} from {request.name}: nobody of that name is known.",
                hint="See who is: mlops-console people list",
            )
        if person is None:
            person = Person(name=request.name, granted_by=call.actor.name, granted_at=now)
        if person.is_owner and not is_grant:
            raise errors.ConflictError(
                f"cannot revoke {request.role} from {request.name}: the owner of the workspace "
                "keeps every role.",
            )
        held = set(person.roles) | {request.role}
        if not is_grant:
            held.discard(request.role)
        if held == set(person.roles):
            return person
        person = replace(
            person,
            roles=tuple(sorted(held)),
            granted_by=call.actor.name,
            granted_at=now,
        )
        people.set_person(connection, person)
        word = "gives" if is_grant else "takes"
        direction = "to" if is_grant else "from"
        call.record(
            connection,
            f"people.{verb}",
            request.name,
            f"{word} {request.role} {direction} {request.name}",
            command=f"mlops-console people {verb} {request.name} {request.role}",
            detail={"role": request.role},
        )
        return person

    person = await call.change(change, "people")
    call.agent.caches.pop("people", None)
    return person


async def list_approvals(call: Call, _request: Nothing) -> list[Approval]:
    return await call.read(people.list_approvals)


async def decide_approval(call: Call, request: Decide) -> Approval:
    now = call.agent.clock.now()

    def change(connection: DuckDBPyConnection) -> Approval:
        approval = people.get_approval(connection, request.id)
        if approval is None:
            raise errors.NotFoundError(
                f"there is no approval {request.id}.",
                hint="See what waits: mlops-console model approve",
            )
        if approval.state != "waiting":
            raise errors.ConflictError(
                f"approval {approval.id} was already {approval.state} by {approval.decided_by}."
            )
        if approval.requested_by == call.actor.name:
            raise errors.ForbiddenError(
                f"{call.actor.name} asked for approval {approval.id} and cannot give it: "
                "a second pair of eyes has to.",
                hint=f"Ask somebody with the role {approval.needs_role}.",
            )
        if not roles.may_decide(
            call.actor.name,
            call.actor.roles,
            requested_by=approval.requested_by,
            needs_role=approval.needs_role,
            is_owner=call.actor.is_owner,
        ):
            raise errors.ForbiddenError(
                f"approval {approval.id} needs the role {approval.needs_role}, "
                f"and {call.actor.name} has {', '.join(call.actor.roles) or 'none'}."
            )
        state = "approved" if request.approve else "rejected"
        people.set_approval_state(connection, approval.id, state, call.actor.name, now)
        call.record(
            connection,
            f"approval.{state}",
            approval.subject,
            f"{'approves' if request.approve else 'rejects'} {approval.subject}, "
            f"asked by {approval.requested_by}",
            command=f"mlops-console model approve {approval.id}"
            + ("" if request.approve else " --reject"),
            detail={"reason": request.reason} if request.reason else {},
        )
        return replace(approval, state=state, decided_by=call.actor.name, decided_at=now)  # type: ignore[arg-type]

    return await call.change(change, "people", "models")


async def list_ledger(call: Call, request: ListLedger) -> list[LedgerEntry]:
    limit = max(1, min(request.limit, 1000))
    return await call.read(
        lambda c: ledger.list_ledger(c, limit=limit, before=request.before, subject=request.subject)
    )


async def verify_ledger(call: Call, _request: Nothing) -> LedgerCheck:
    return await call.read(ledger.verify)
