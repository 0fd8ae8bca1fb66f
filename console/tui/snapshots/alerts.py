"""What the alerts area shows: all alerts, and one of them with its causes and remedies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from console.client.client import Client
from console.wire import alerts as wire
from console.wire.alerts import AlertId, ListAlerts
from console.wire.routes import Nothing
from storage.records.alerts import Alert, AlertDetail, AlertRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading."""

    alerts: tuple[Alert, ...]
    """Firing first, newest first."""
    rules: tuple[AlertRule, ...]
    at: datetime


def load(client: Client) -> Snapshot:
    alerts = client.call(wire.list_alerts, ListAlerts(limit=200))
    rules = client.call(wire.list_alert_rules, Nothing())
    return Snapshot(alerts=tuple(alerts), rules=tuple(rules), at=datetime.now(UTC))


def load_detail(client: Client, *, id: int) -> AlertDetail:
    """One alert with the chain to its cause and what would help."""
    return client.call(wire.get_alert, AlertId(id=id))
