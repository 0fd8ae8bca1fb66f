"""Moving an alias: against which gates, with whose yes, and the way back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console import errors
from console.agent.context import Call
from console.agent.model_lookup import check_known, find_version, read_gates
from console.rules import gates as gate_rules
from console.wire.models import PromoteModel, Promotion, RollbackModel
from storage.records.models import AliasChange, GateReport, ModelVersion
from storage.records.people import Role
from storage.tables import models, people

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

APPROVER: Role = "devops"
"""Whose yes a promotion in a team workspace needs."""


async def promote(call: Call, request: PromoteModel) -> Promotion:
    is_team = call.agent.declaration_file.is_team
    plan = await call.read(lambda c: _plan(c, request))
    if plan.current == plan.version.version:
        raise errors.ConflictError(
            f"{plan.version.name} is {request.alias} already; nothing was changed."
        )
    _refuse_unless_gates_allow(plan, request)
    if is_team and request.alias == "champion" and not plan.is_approved:
        return await _ask_for_approval(call, request, plan)
    at = call.agent.clock.now()

    def change(connection: DuckDBPyConnection) -> AliasChange:
        plan = _plan(connection, request)
        moved = AliasChange(
            model=plan.version.model,
            alias=request.alias,
            version=plan.version.version,
            previous=plan.current,
            at=at,
            by=call.actor.name,
            reason=request.reason,
            is_override=plan.needs_override,
        )
        models.record_alias_change(connection, moved)
        if plan.approval_id is not None:
            people.set_approval_state(connection, plan.approval_id, "used", plan.approved_by, at)
        call.record(
            connection,
            "model.promote",
            plan.version.name,
            f"promotes {plan.version.name} to {request.alias}"
            + (", against its gates" if plan.needs_override else ""),
            command=f"mlops-console model promote {plan.version.name} --alias {request.alias}"
            + (f" --override --reason {request.reason!r}" if plan.needs_override else ""),
            detail={
                "previous": f"v{plan.current}" if plan.current else "none",
                "verdict": plan.gates.verdict,
                "reason": request.reason,
                "approved_by": plan.approved_by,
            },
        )
        return moved

    moved = await call.change(change, "models", "endpoints", "people")
    await call.agent.endpoint_processes.follow_model(moved.model)
    was = f", was v{moved.previous}" if moved.previous else ""
    return Promotion(
        change=moved, message=f"{moved.model}@v{moved.version} is {moved.alias} now{was}."
    )


async def roll_back(call: Call, request: RollbackModel) -> Promotion:
    at = call.agent.clock.now()

    def change(connection: DuckDBPyConnection) -> AliasChange:
        check_known(connection, request.model)
        current = models.get_alias(connection, request.model, request.alias)
        if current is None:
            raise errors.ConflictError(
                f"cannot roll back {request.model}: nothing is its {request.alias} yet.",
                hint=f"Promote a version first: mlops-console model promote {request.model}@latest",
            )
        target = _rollback_target(connection, request, current)
        moved = AliasChange(
            model=request.model,
            alias=request.alias,
            version=target,
            previous=current,
            at=at,
            by=call.actor.name,
            reason=request.reason,
            is_rollback=True,
        )
        models.record_alias_change(connection, moved)
        call.record(
            connection,
            "model.rollback",
            f"{request.model}@v{target}",
            f"rolls {request.alias} of {request.model} back from v{current} to v{target}",
            command=f"mlops-console model rollback {request.model} --alias {request.alias}",
            detail={"previous": f"v{current}", "reason": request.reason},
        )
        return moved

    moved = await call.change(change, "models", "endpoints")
    await call.agent.endpoint_processes.follow_model(moved.model)
    return Promotion(
        change=moved,
        message=f"{moved.alias} of {moved.model} is v{moved.version} again, was v{moved.previous}.",
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a promotion would do and what stands against it."""

    version: ModelVersion
    gates: GateReport
    current: int | None
    approval_id: int | None
    approval_state: str
    approved_by: str

    @property
    def needs_override(self) -> bool:
        return self.gates.verdict not in gate_rules.ALLOWS_PROMOTION

    @property
    def is_approved(self) -> bool:
        return self.approval_state == "approved"


def _plan(connection: DuckDBPyConnection, request: PromoteModel) -> _Plan:
    version = find_version(connection, request.model, request.version)
    approval = people.find_approval(connection, "promote_model", _subject(version, request.alias))
    return _Plan(
        version=version,
        gates=read_gates(connection, version),
        current=models.get_alias(connection, version.model, request.alias),
        approval_id=approval.id if approval else None,
        approval_state=approval.state if approval else "",
        approved_by=approval.decided_by if approval else "",
    )


def _subject(version: ModelVersion, alias: str) -> str:
    return f"{version.name} -> {alias}"


def _refuse_unless_gates_allow(plan: _Plan, request: PromoteModel) -> None:
    if not plan.needs_override:
        return
    name = plan.version.name
    if not request.override:
        counts = Counter(result.verdict for result in plan.gates.results)
        worst = next(
            (r for r in plan.gates.results if r.verdict not in gate_rules.ALLOWS_PROMOTION), None
        )
        stands = (
            f"gate {worst.name!r} is {worst.verdict} ({worst.reason})"
            if worst
            else "it was not judged by any gate"
        )
        raise errors.RefusedError(
            f"cannot promote {name} to {request.alias}: {stands}.",
            hint=f"See mlops-console gate show {name}. To do it all the same: "
            '--override --reason "…", which the ledger keeps as such.',
            verdict=plan.gates.verdict,
            counts=dict(counts),
        )
    if not request.reason.strip():
        raise errors.InvalidError(
            f"overriding the gates of {name} needs a reason.", hint='Add --reason "…".'
        )


async def _ask_for_approval(call: Call, request: PromoteModel, plan: _Plan) -> Promotion:
    subject = _subject(plan.version, request.alias)
    if plan.approval_state == "waiting":
        raise errors.ConflictError(
            f"{subject} already waits for approval {plan.approval_id}.",
            hint=f"Somebody else with the role {APPROVER} gives it: "
            f"mlops-console model approve {plan.approval_id}",
        )
    at = call.agent.clock.now()

    def change(connection: DuckDBPyConnection) -> Promotion:
        approval = people.create_approval(
            connection,
            action="promote_model",
            subject=subject,
            requested_by=call.actor.name,
            requested_at=at,
            needs_role=APPROVER,
            reason=request.reason,
        )
        call.record(
            connection,
            "approval.request",
            plan.version.name,
            f"asks to promote {plan.version.name} to {request.alias}",
            command=f"mlops-console model promote {plan.version.name} --alias {request.alias}",
            detail={"approval": str(approval.id), "reason": request.reason},
        )
        return Promotion(
            approval=approval,
            message=f"{subject} waits for the yes of somebody else with the role {APPROVER}: "
            f"mlops-console model approve {approval.id}",
        )

    return await call.change(change, "people", "models")


def _rollback_target(connection: DuckDBPyConnection, request: RollbackModel, current: int) -> int:
    if request.version:
        target = find_version(connection, request.model, request.version).version
        if target == current:
            raise errors.ConflictError(f"{request.model} v{target} is {request.alias} already.")
        return target
    # Walk the moves back past rollbacks, so that two rollbacks go two versions back.
    history: list[int] = []
    for move in reversed(models.list_alias_changes(connection, request.model)):
        if move.alias != request.alias or move.version is None:
            continue
        if move.is_rollback:
            while history and history[-1] != move.version:
                history.pop()
        if not history or history[-1] != move.version:
            history.append(move.version)
    earlier = [number for number in history[:-1] if number != current]
    if not earlier:
        raise errors.ConflictError(
            f"cannot roll back {request.model}: {request.alias} was never another version "
            f"than v{current}."
        )
    return earlier[-1]
