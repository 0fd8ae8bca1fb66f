"""Alerts and their history: one typed function per named query."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from storage import queries
from storage.records.alerts import Alert, AlertEvent, AlertState
from storage.records.results import Result

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def next_alert_id(connection: DuckDBPyConnection) -> int:
    number = queries.row(connection, "next_alert_id", into=int)
    assert number is not None  # a sequence always has a next value
    return number


def create_alert(connection: DuckDBPyConnection, alert: Alert) -> None:
    queries.run(connection, "create_alert", queries.params_of(alert))


def get_alert(connection: DuckDBPyConnection, alert_id: int) -> Alert | None:
    return queries.row(connection, "get_alert", {"id": alert_id}, into=Alert)


def list_alerts(
    connection: DuckDBPyConnection, *, state: str = "", endpoint: str = "", limit: int = 200
) -> list[Alert]:
    """`state` is one state, `open` for all that are not resolved, or empty for everything."""
    params = {"state": state, "endpoint": endpoint, "limit": limit}
    return queries.rows(connection, "list_alerts", params, into=Alert)


def get_last_alert(
    connection: DuckDBPyConnection, *, endpoint: str, rule: str, column: str
) -> Alert | None:
    """The newest alert of one watched thing, whatever became of it."""
    params = {"endpoint": endpoint, "rule": rule, "column": column}
    return queries.row(connection, "get_last_alert", params, into=Alert)


def set_alert_reading(
    connection: DuckDBPyConnection,
    alert_id: int,
    *,
    severity: Literal["warn", "fail"],
    title: str,
    value: float | None,
    result: Result,
    version: int | None,
) -> None:
    params = {
        "id": alert_id,
        "severity": severity,
        "title": title,
        "value": value,
        "result": result,
        "version": version,
    }
    queries.run(connection, "set_alert_reading", params)


def set_alert_state(
    connection: DuckDBPyConnection,
    alert: Alert,
    state: AlertState,
    *,
    at: datetime,
    by: str,
    text: str,
    acknowledged_by: str | None = None,
    silenced_until: datetime | None = None,
    note: str | None = None,
) -> None:
    """Move an alert and write the line of its history; what is not given stays as it is."""
    params = {
        "id": alert.id,
        "state": state,
        "at": at,
        "acknowledged_by": alert.acknowledged_by if acknowledged_by is None else acknowledged_by,
        "silenced_until": silenced_until,
        "note": alert.note if note is None else note,
    }
    queries.run(connection, "set_alert_state", params)
    add_alert_event(connection, AlertEvent(alert_id=alert.id, at=at, state=state, by=by, text=text))


def add_alert_event(connection: DuckDBPyConnection, event: AlertEvent) -> None:
    queries.run(connection, "add_alert_event", queries.params_of(event))


def list_alert_events(connection: DuckDBPyConnection, alert_id: int) -> list[AlertEvent]:
    return queries.rows(connection, "list_alert_events", {"alert_id": alert_id}, into=AlertEvent)


def count_recent_alert_changes(
    connection: DuckDBPyConnection, *, endpoint: str, rule: str, column: str, since: datetime
) -> int:
    """Raised or resolved since a moment."""
    params = {"endpoint": endpoint, "rule": rule, "column": column, "since": since}
    return queries.row(connection, "count_recent_alert_changes", params, into=int) or 0
