"""`mlops-console alert …`: what needs somebody, why, and what would help."""

from __future__ import annotations

from datetime import UTC, datetime

from console import text
from console.cli.commands import Invocation, argument, command
from console.cli.endpoint_views import spark
from console.cli.output import Column, Output
from console.wire import alerts as wire
from console.wire.alerts import AcknowledgeAlert, AlertId, ListAlerts, SilenceAlert, TestAlert
from console.wire.routes import Nothing
from storage.records.alerts import Alert, AlertDetail, AlertRule

_ID = argument("id", type=int, help="number of the alert")


@command(
    "list",
    argument("--all", action="store_true", help="resolved ones too"),
    argument("--state", default="", choices=("firing", "acknowledged", "silenced", "resolved")),
    examples=("mlops-console alert list", "mlops-console alert list --all"),
)
def list_alerts(invocation: Invocation) -> None:
    """Alerts, firing first."""
    given = invocation.arguments
    state = given.state or ("" if given.all else "open")
    output = invocation.output
    output.show(
        invocation.client.call(wire.list_alerts, ListAlerts(state=state)),
        lambda found: _alerts(output, found),
    )


@command("show", _ID, examples=("mlops-console alert show 56",))
def show(invocation: Invocation) -> None:
    """An alert with the chain to its cause and what would help."""
    output = invocation.output
    detail = invocation.client.call(wire.get_alert, AlertId(id=invocation.arguments.id))
    output.show(detail, lambda found: _detail(output, found))


@command(
    "ack",
    _ID,
    argument("--note", default="", help="what you are going to do"),
    examples=("mlops-console alert ack 56 --note 'training on July'",),
)
def acknowledge(invocation: Invocation) -> None:
    """Say that you have taken it."""
    given = invocation.arguments
    request = AcknowledgeAlert(id=given.id, note=given.note)
    alert = invocation.client.call(wire.acknowledge_alert, request)
    _changed(invocation, alert)


@command(
    "silence",
    _ID,
    argument("--minutes", type=float, default=60.0, help="for so long (default 60)"),
    argument("--note", default="", help="why"),
    examples=("mlops-console alert silence 56 --minutes 240 --note season",),
)
def silence(invocation: Invocation) -> None:
    """Keep an alert quiet for a while."""
    given = invocation.arguments
    request = SilenceAlert(id=given.id, minutes=given.minutes, note=given.note)
    _changed(invocation, invocation.client.call(wire.silence_alert, request))


@command(
    "test",
    argument("endpoint", help="name of the endpoint"),
    argument("rule", nargs="?", default="", help="one rule; all when left out"),
    examples=("mlops-console alert test delays",),
)
def test(invocation: Invocation) -> None:
    """What the rules of an endpoint would say right now; nothing is raised."""
    given = invocation.arguments
    output = invocation.output
    request = TestAlert(endpoint=given.endpoint, rule=given.rule)
    output.show(
        invocation.client.call(wire.test_alert, request), lambda found: _tested(output, found)
    )


@command("rules", examples=("mlops-console alert rules",))
def rules(invocation: Invocation) -> None:
    """What is watched, and from where on it is an alert."""
    output = invocation.output
    output.show(
        invocation.client.call(wire.list_alert_rules, Nothing()),
        lambda found: _rules(output, found),
    )


def _alerts(output: Output, found: list[Alert]) -> None:
    if not found:
        output.line("No alert is open.")
        return
    now = datetime.now(UTC)
    output.table(
        [
            Column("id", ">"),
            Column("state"),
            Column("kind"),
            Column("endpoint"),
            Column("what"),
            Column("since", ">"),
            Column("taken by"),
        ],
        [
            (
                each.id,
                f"{each.state} {each.severity}" if each.state == "firing" else each.state,
                each.kind,
                each.endpoint,
                each.title,
                text.age((now - each.opened_at).total_seconds(), short=True),
                each.acknowledged_by,
            )
            for each in found
        ],
    )


def _detail(output: Output, found: AlertDetail) -> None:
    alert = found.alert
    taken = f"taken by {alert.acknowledged_by}" if alert.acknowledged_by else "nobody has taken it"
    output.heading(f"{alert.id}  {alert.title}", f"{alert.state}, {taken}")
    output.line("why")
    for step in found.causes:
        output.line(f"  {step.kind:<8} {text.clean(step.title)}")
        if step.detail:
            output.line(f"           {text.clean(step.detail)}")
        if step.before or step.after:
            output.line(f"           {spark(step.before)}  →  {spark(step.after)}")
    if found.remedies:
        output.line("what would help")
    for remedy in found.remedies:
        figures = f"  {text.clean(remedy.outcome)}" if remedy.outcome else ""
        output.line(f"  {output.verdict(remedy.verdict)}  {text.clean(remedy.title)}{figures}")
        output.line(f"           {remedy.command}")
    if found.events:
        output.line("history")
    for event in found.events:
        by = f"  {event.by}" if event.by else ""
        output.line(f"  {event.at:%Y-%m-%d %H:%M:%S}  {text.clean(event.text)}{by}")


def _tested(output: Output, found: list[Alert]) -> None:
    if not found:
        output.line("No rule watches this endpoint.")
        return
    output.table(
        [Column("rule"), Column("column"), Column("says"), Column("value", ">"), Column("why")],
        [
            (
                each.rule,
                each.column,
                each.result.verdict,
                None if each.value is None else text.general(each.value),
                each.title,
            )
            for each in found
        ],
    )


def _rules(output: Output, found: list[AlertRule]) -> None:
    if not found:
        output.line("No rule is declared and nothing is served.")
        return
    output.table(
        [
            Column("endpoint"),
            Column("rule"),
            Column("kind"),
            Column("metric"),
            Column("must"),
            Column("over"),
            Column("at least", ">"),
            Column("then"),
        ],
        [
            (
                each.endpoint,
                each.name,
                each.kind,
                each.metric,
                f"{'≤' if each.direction == 'le' else '≥'} {text.general(each.must)}",
                text.duration(each.window_s),
                each.min_count,
                each.action if each.action != "none" else "",
            )
            for each in found
        ],
    )


def _changed(invocation: Invocation, alert: Alert) -> None:
    until = f" until {alert.silenced_until:%H:%M} UTC" if alert.silenced_until else ""
    by = f" by {alert.acknowledged_by}" if alert.acknowledged_by else ""
    invocation.output.show(
        alert, lambda found: invocation.output.line(f"alert {found.id} is {found.state}{by}{until}")
    )
