"""Alerts: see, understand, take, silence."""

from __future__ import annotations

from dataclasses import dataclass

from console.wire.routes import ANYONE, OPERATE, WRITERS, Nothing, Route
from storage.records.alerts import Alert, AlertDetail, AlertRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAlerts:
    state: str = ""
    """One state, `open` (not resolved) or empty for all."""
    limit: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertId:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeAlert:
    id: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceAlert:
    id: int
    minutes: float = 60.0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestAlert:
    """Evaluate a rule now and say what it would do, without firing it."""

    endpoint: str
    rule: str = ""


list_alerts = Route(
    "list_alerts", "GET", "/v1/alerts", ANYONE, ListAlerts, list[Alert],
    "Alerts, firing first, newest first.",
)  # fmt: skip
get_alert = Route(
    "get_alert", "GET", "/v1/alerts/{id}", ANYONE, AlertId, AlertDetail,
    "An alert with the chain to its cause and what would help.",
)  # fmt: skip
list_alert_rules = Route(
    "list_alert_rules", "GET", "/v1/alert-rules", ANYONE, Nothing, list[AlertRule],
    "The declared rules.",
)  # fmt: skip
acknowledge_alert = Route(
    "acknowledge_alert", "POST", "/v1/alerts/{id}/acknowledge", WRITERS, AcknowledgeAlert, Alert,
    "Say that you have taken it.",
)  # fmt: skip
silence_alert = Route(
    "silence_alert", "POST", "/v1/alerts/{id}/silence", WRITERS, SilenceAlert, Alert,
    "Keep an alert quiet for a while.",
)  # fmt: skip
test_alert = Route(
    "test_alert", "POST", "/v1/alert-rules/test", OPERATE, TestAlert, list[Alert],
    "What the rules of an endpoint would say right now.",
)  # fmt: skip
ROUTES = (
    list_alerts, get_alert, list_alert_rules, acknowledge_alert, silence_alert, test_alert,
)  # fmt: skip
