"""Handlers: alerts. They are raised and resolved by `Watching`; people take and silence them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from console import errors
from console.agent import causes, judging
from console.agent.context import Call
from console.wire.alerts import AcknowledgeAlert, AlertId, ListAlerts, SilenceAlert, TestAlert
from console.wire.routes import Nothing
from storage.records.alerts import Alert, AlertDetail, AlertRule
from storage.tables import alerts, endpoints

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONGEST_SILENCE_MIN = 30 * 24 * 60.0


async def list_alerts(call: Call, request: ListAlerts) -> list[Alert]:
    limit = max(1, min(request.limit, 1000))
    return await call.read(lambda c: alerts.list_alerts(c, state=request.state, limit=limit))


async def get_alert(call: Call, request: AlertId) -> AlertDetail:
    alert, events = await call.read(
        lambda c: (_find(c, request.id), alerts.list_alert_events(c, request.id))
    )
    chain, remedies = await causes.explain(call.agent, alert)
    return AlertDetail(alert=alert, events=tuple(events), causes=chain, remedies=remedies)


async def list_alert_rules(call: Call, _request: Nothing) -> list[AlertRule]:
    known = await call.read(endpoints.list_endpoints)
    return [rule for each in known for rule in judging.rules_for(call.agent, each)]


async def acknowledge_alert(call: Call, request: AcknowledgeAlert) -> Alert:
    at = call.agent.clock.now()

    def change(connection: DuckDBPyConnection) -> Alert:
        alert = _open(connection, request.id, "take")
        words = f"{call.actor.name} takes it" + (f": {request.note}" if request.note else "")
        alerts.set_alert_state(
            connection,
            alert,
            "acknowledged",
            at=at,
            by=call.actor.name,
            text=words,
            acknowledged_by=call.actor.name,
            note=request.note or None,
        )
        call.record(
            connection,
            "alert.acknowledge",
            f"alert {alert.id}",
            f"takes alert {alert.id}: {alert.title}",
            command=f"mlops-console alert ack {alert.id}",
            detail={"note": request.note},
        )
        return _find(connection, alert.id)

    return await call.change(change, "alerts")


async def silence_alert(call: Call, request: SilenceAlert) -> Alert:
    if not 0.0 < request.minutes <= LONGEST_SILENCE_MIN:
        raise errors.InvalidError(
            f"an alert cannot be silenced for {request.minutes:g} minutes; it can be up to 30 days."
        )
    at = call.agent.clock.now()
    until = at + timedelta(minutes=request.minutes)

    def change(connection: DuckDBPyConnection) -> Alert:
        alert = _open(connection, request.id, "silence")
        words = f"{call.actor.name} silences it until {until:%Y-%m-%d %H:%M} UTC"
        alerts.set_alert_state(
            connection,
            alert,
            "silenced",
            at=at,
            by=call.actor.name,
            text=words + (f": {request.note}" if request.note else ""),
            silenced_until=until,
            note=request.note or None,
        )
        call.record(
            connection,
            "alert.silence",
            f"alert {alert.id}",
            f"silences alert {alert.id} for {request.minutes:g} minutes: {alert.title}",
            command=f"mlops-console alert silence {alert.id} --minutes {request.minutes:g}",
            detail={"note": request.note},
        )
        return _find(connection, alert.id)

    return await call.change(change, "alerts")


async def test_alert(call: Call, request: TestAlert) -> list[Alert]:
    """Every reading of the endpoint's rules right now, dressed as the alert it would be."""
    known = await call.read(lambda c: endpoints.get_endpoint(c, request.endpoint))
    if known is None:
        raise errors.NotFoundError(
            f"there is no endpoint {request.endpoint!r}.",
            hint="See them: mlops-console endpoint list",
        )
    rules = judging.rules_for(call.agent, known)
    if request.rule:
        rules = [rule for rule in rules if rule.name == request.rule]
        if not rules:
            raise errors.NotFoundError(
                f"no rule {request.rule!r} watches {known.name}.",
                hint="See them: mlops-console alert rules",
            )
    at = call.agent.clock.now()
    readings = [each for rule in rules for each in await judging.judge(call.agent, known, rule)]
    return [each.as_alert(0, at) for each in readings]


def _find(connection: DuckDBPyConnection, alert_id: int) -> Alert:
    found = alerts.get_alert(connection, alert_id)
    if found is None:
        raise errors.NotFoundError(
            f"there is no alert {alert_id}.", hint="See them: mlops-console alert list --all"
        )
    return found


def _open(connection: DuckDBPyConnection, alert_id: int, verb: str) -> Alert:
    alert = _find(connection, alert_id)
    if alert.state == "resolved":
        raise errors.ConflictError(f"cannot {verb} alert {alert_id}: it is resolved already.")
    return alert
