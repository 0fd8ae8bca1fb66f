"""Raises, updates and resolves alerts from readings; several columns that move are one incident.

Used by `Watching` only. Invariant: at most one open alert for a watched thing; one that comes back
within the cooldown is the same alert again, one that flaps is quiet for an hour and says so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from console import text
from console.agent.judging import Reading
from console.rules import metrics
from console.rules.alerts import QUIET, Memory, is_one_incident, is_raised, raising
from storage.records.alerts import Alert, AlertEvent
from storage.tables import alerts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.context import Agent
    from storage.records.alerts import AlertRule
    from storage.records.endpoints import Endpoint

BY: Final = ""
"""The console itself; people have names."""


class Incidents:
    """The alerts of one agent and the memory of what led to them."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._memory = Memory()
        self._raised: dict[tuple[str, str, int], set[str]] = {}
        """Endpoint, rule and version -> columns that are raised, as far as this agent saw."""

    async def take(
        self,
        endpoint: Endpoint,
        rule: AlertRule,
        readings: list[Reading],
        known: list[Alert],
    ) -> Alert | None:
        """Take a look in; returns the alert when a new one was raised.

        `known` are the open alerts of the rule. One about a version that answers no more is over:
        its successor was trained on other data and is looked at anew.
        """
        version = next((each.version for each in readings if each.version is not None), None)
        past = [each for each in known if version is not None and each.version != version]
        watched = f"{rule.name}@v{version}" if version is not None else rule.name
        moves = {
            each.column: self._memory.look((endpoint.name, watched, each.column), each.result)
            for each in readings
        }
        raised = self._raised.setdefault((endpoint.name, rule.name, version or 0), set())
        raised |= {column for column, move in moves.items() if move == "raise"}
        cleared = {column for column, move in moves.items() if move == "clear"}
        raised -= cleared
        bad = [each for each in readings if each.column in raised]
        mine = {each.column: each for each in known if each not in past}
        if not past and not bad and not (mine and cleared):
            return None
        at = self._agent.clock.now()

        def change(connection: DuckDBPyConnection) -> tuple[Alert | None, bool]:
            for alert in past:
                _resolve(connection, alert, at, _succeeded(alert, version))
            new, has_changed = _settle(connection, mine, bad, cleared, at)
            return new, has_changed or bool(past)

        new, has_changed = await self._agent.write(change)
        if has_changed:
            self._agent.changes.bump("alerts")
        return new

    async def end(self, endpoint: Endpoint) -> None:
        """Resolve what is open about an endpoint that was stopped."""
        self._memory.forget(endpoint.name)
        for key in [key for key in self._raised if key[0] == endpoint.name]:
            del self._raised[key]
        known = await self._agent.read(
            lambda c: alerts.list_alerts(c, state="open", endpoint=endpoint.name)
        )
        if not known:
            return
        at = self._agent.clock.now()

        def change(connection: DuckDBPyConnection) -> None:
            for alert in known:
                _resolve(connection, alert, at, "the endpoint was stopped")

        await self._agent.write(change, "alerts")

    async def wake_silenced(self) -> None:
        """Let alerts speak again whose silence is over."""
        at = self._agent.clock.now()
        known = await self._agent.read(lambda c: alerts.list_alerts(c, state="silenced"))
        over = [each for each in known if each.silenced_until and each.silenced_until <= at]
        if not over:
            return

        def change(connection: DuckDBPyConnection) -> None:
            for alert in over:
                alerts.set_alert_state(
                    connection, alert, "firing", at=at, by=BY, text="the silence is over"
                )

        await self._agent.write(change, "alerts")


def _succeeded(alert: Alert, version: int | None) -> str:
    """Why an alert about a version that answers no more is over."""
    if alert.kind != "drift":
        return f"v{version} answers now"
    return (
        f"v{version} answers now and is held against its own training data, not that of "
        f"v{alert.version}"
    )


def _settle(
    connection: DuckDBPyConnection,
    mine: dict[str, Alert],
    bad: list[Reading],
    cleared: set[str],
    at: datetime,
) -> tuple[Alert | None, bool]:
    """Bring the open alerts of one rule in line with what is raised; new alert, any change."""
    incident = mine.get("")
    has_columns = bool(bad) and bad[0].column != ""
    is_many = has_columns and is_one_incident(len(bad), is_already=incident is not None)
    wanted = {"": _together(bad)} if is_many else {each.column: each for each in bad}
    new: Alert | None = None
    has_changed = False
    for column, reading in wanted.items():
        open_alert = mine.get(column)
        if open_alert is None:
            new = _raise(connection, reading, at) or new
            has_changed = True
        elif is_raised(reading.result):
            # On its way back an alert keeps the last figures that were bad.
            alerts.set_alert_reading(
                connection,
                open_alert.id,
                severity=reading.as_alert(open_alert.id, at).severity,
                title=reading.title,
                value=reading.result.value,
                result=reading.result,
                version=reading.version,
            )
            has_changed |= open_alert.title != reading.title
    for column, alert in mine.items():
        if column in wanted:
            continue
        if is_many:
            _resolve(connection, alert, at, f"joins alert {new.id if new else '?'}: same cause")
            has_changed = True
        elif column in cleared or column == "":
            _resolve(connection, alert, at, "back within its limit in three looks")
            has_changed = True
    return new, has_changed


def _raise(connection: DuckDBPyConnection, reading: Reading, at: datetime) -> Alert | None:
    """A new alert, or the one that was resolved a moment ago; quiet when it flaps."""
    endpoint, rule, column = reading.key
    changes = alerts.count_recent_alert_changes(
        connection, endpoint=endpoint, rule=rule, column=column, since=at - timedelta(hours=1)
    )
    before = alerts.get_last_alert(connection, endpoint=endpoint, rule=rule, column=column)
    if before is not None and before.version != reading.version:
        before = None
    how = raising(at, before.resolved_at if before is not None else None, changes)
    if before is not None and how != "new":
        if how == "quiet":
            alerts.set_alert_state(
                connection,
                before,
                "silenced",
                at=at,
                by=BY,
                text=f"flapping: {changes} changes in an hour, quiet for an hour",
                silenced_until=at + QUIET,
            )
        else:
            alerts.set_alert_state(
                connection, before, "firing", at=at, by=BY, text=f"again: {reading.title}"
            )
        return None
    alert = reading.as_alert(alerts.next_alert_id(connection), at)
    alerts.create_alert(connection, alert)
    why = reading.result.reason or reading.title
    alerts.add_alert_event(
        connection,
        AlertEvent(alert_id=alert.id, at=at, state="firing", by=BY, text=f"fires: {why}"),
    )
    return alert


def _resolve(connection: DuckDBPyConnection, alert: Alert, at: datetime, words: str) -> None:
    alerts.set_alert_state(connection, alert, "resolved", at=at, by=BY, text=words)


def _together(bad: list[Reading]) -> Reading:
    """Many columns as one reading, led by the one that moved most."""
    worst = max(bad, key=_size)
    others = [each for each in sorted(bad, key=_size, reverse=True) if each is not worst]
    names = [worst.column, *(each.column for each in others)]
    shown = (
        text.listed(names)
        if len(names) <= 3
        else f"{', '.join(names[:2])} and {len(names) - 2} more"
    )
    result = worst.result
    value = f"{metrics.label_of(result.name)} {metrics.show(result.value, result.name)}"
    detail = (*result.detail, ("columns", ", ".join(names)))
    return replace(
        worst,
        column="",
        title=f"{shown} moved, {worst.column} {value}",
        result=replace(result, detail=detail),
    )


def _size(reading: Reading) -> float:
    """What to name first: how far beyond its limit, and how much the model listens to it."""
    result = reading.result
    return min(4.0, (result.value or 0.0) / (result.threshold or 1.0)) * reading.weight
