"""What an alert may do by itself when its rule says so: roll back, or train on the latest data.

The console acts under its own name, writes the ledger like a person and only does what a person
could undo with one command.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from console import errors
from console.agent import promotion
from console.agent.context import Call
from console.agent.endpoint_view import main_manifest
from console.agent.rows.runs import start_training
from console.wire.models import RollbackModel
from console.wire.runs import StartTraining
from storage.errors import StorageError
from storage.records.alerts import AlertEvent
from storage.records.people import Person
from storage.tables import alerts

if TYPE_CHECKING:
    from console.agent.context import Agent
    from storage.records.alerts import Alert, AlertRule
    from storage.records.endpoints import Endpoint

log = logging.getLogger("console.agent")
NAME = "mlops-console"


async def answer(agent: Agent, endpoint: Endpoint, rule: AlertRule, alert: Alert) -> None:
    """Do what the rule asks for; a refusal becomes a line in the alert's history."""
    if rule.action == "none":
        return
    actor = Person(
        name=NAME, roles=("devops", "data-scientist"), granted_at=agent.clock.now(), granted_by=NAME
    )
    call = Call(agent=agent, actor=actor)
    try:
        if rule.action == "rollback":
            request = RollbackModel(model=endpoint.model, reason=f"alert {alert.id}: {alert.title}")
            said = (await promotion.roll_back(call, request)).message
        else:
            manifest = main_manifest(agent, endpoint)
            pipeline = manifest.pipeline if manifest else endpoint.model
            job = await start_training(call, StartTraining(pipeline=pipeline, params={}, data={}))
            said = f"starts job {job.id}: {job.title}"
    except (errors.ConsoleError, StorageError) as refusal:
        said = f"cannot {rule.action}: {refusal.message}"
        log.warning("alert %d %s", alert.id, said)
    event = AlertEvent(alert_id=alert.id, at=agent.clock.now(), state="firing", by=NAME, text=said)
    await agent.write(lambda c: alerts.add_alert_event(c, event), "alerts")
