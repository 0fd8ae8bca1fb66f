"""What the serving area shows: all endpoints, one of them over a window, its drift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from console.client.client import Client
from console.wire import alerts as alert_wire
from console.wire import endpoints as wire
from console.wire.alerts import ListAlerts
from console.wire.endpoints import EndpointWindow
from console.wire.routes import Nothing
from storage.records.alerts import Alert
from storage.records.drift import DriftReport
from storage.records.endpoints import EndpointView


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading."""

    endpoints: tuple[EndpointView, ...]
    view: EndpointView | None
    """The chosen endpoint over the chosen window."""
    alerts: tuple[Alert, ...]
    """Newest first, of the chosen endpoint."""
    at: datetime


def load(client: Client, *, endpoint: str = "", window_s: float = 1800.0) -> Snapshot:
    """`endpoint` empty = the busiest one."""
    found = client.call(wire.list_endpoints, Nothing())
    names = [each.endpoint.name for each in found]
    chosen = endpoint if endpoint in names else _busiest(found)
    view = None
    alerts: list[Alert] = []
    if chosen:
        request = EndpointWindow(endpoint=chosen, window_s=window_s)
        view = client.call(wire.get_endpoint, request)
        alerts = client.call(alert_wire.list_alerts, ListAlerts(limit=20))
    return Snapshot(
        endpoints=tuple(found),
        view=view,
        alerts=tuple(each for each in alerts if each.endpoint == chosen),
        at=datetime.now(UTC),
    )


def load_drift(client: Client, *, endpoint: str, window_s: float = 1800.0) -> DriftReport:
    """How far the features of an endpoint moved from its model's training."""
    return client.call(
        wire.get_endpoint_drift, EndpointWindow(endpoint=endpoint, window_s=window_s)
    )


def _busiest(found: list[EndpointView]) -> str:
    if not found:
        return ""
    ready = [each for each in found if each.endpoint.state == "ready"] or found
    return max(ready, key=lambda each: each.total_requests).endpoint.name
