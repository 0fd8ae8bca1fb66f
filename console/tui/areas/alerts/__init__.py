"""7 Alerts: what fires, the chain to its cause, and what would help with the numbers it would give.

Firing rows have colour; what somebody has taken or silenced is grey. Opened, an alert is one rail:
alert, column, data, versions. Each step opens with enter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from console import text
from console.tui.areas.alerts.parts import (
    FIELDS,
    HISTORY_DAYS,
    NARROW_HIDDEN,
    cause_columns,
    cause_second,
    history_lines,
    open_columns,
    open_second,
    open_short_columns,
    remedy_columns,
    resolved_columns,
    rule_columns,
    shown_state,
)
from console.tui.areas.base import Area, AreaEntry, Choice, nothing_yet
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from console.tui.ink import Line
from console.tui.signs import said, sign
from console.tui.snapshots.alerts import Snapshot
from console.tui.widgets.boxes import Row, Stack
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from storage.records.alerts import Alert, AlertDetail, CauseStep, Remedy


class AlertsArea(Area):
    """Open alerts and how they came about."""

    help_text: ClassVar[str] = "What fired, why, and what would help."
    help_words: ClassVar[Words] = (
        ("firing", "the rule's limit is passed and nobody has taken it"),
        ("seen", "somebody acknowledged it"),
        ("silenced", "quiet until the time that was chosen"),
        ("resolved", "the rule has held again for a while"),
        ("cause chain", "from the alert to the column that moved, to the data, to the versions"),
    )
    DEFAULT_CSS = """
    AlertsArea #left { width: 1fr; }
    AlertsArea.-wide #left { width: 58; }
    AlertsArea #left > Pane { margin: 0 0 1 0; }
    AlertsArea #list { max-height: 16; }
    AlertsArea #resolved { max-height: 6; }
    AlertsArea.-wide #resolved { max-height: 8; }
    AlertsArea #rules-pane { display: none; }
    AlertsArea.-wide #rules-pane { display: block; }
    AlertsArea #rules { max-height: 8; }
    AlertsArea #detail { display: none; width: 1fr; }
    AlertsArea.-open #detail { display: block; }
    AlertsArea.-narrow.-open #left, AlertsArea.-medium.-open #left { display: none; }
    AlertsArea.-wide #detail { display: block; margin: 0 0 0 4; }
    AlertsArea #title { margin: 0 0 1 0; }
    AlertsArea #why-pane, AlertsArea #help-pane { margin: 0 0 1 0; }
    AlertsArea.-none #resolved-pane, AlertsArea.-none #days-pane, AlertsArea.-none #detail {
        display: none; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._detail: AlertDetail | None = None
        self._wanted = 0
        """Number of the alert whose detail is shown."""

    def compose(self) -> ComposeResult:
        with Row():
            with Stack(id="left"):
                yield Pane(
                    "Open",
                    Table(open_columns(self._now), key=lambda each: str(each.id), id="list",
                          classes="main", fields=FIELDS, holds_cursor=True,
                          verbs={"open": "why"}),
                    id="list-pane",
                    help="Firing first, newest first.",
                )  # fmt: skip
                yield Pane(
                    "Resolved",
                    Table(resolved_columns(self._now), key=lambda each: str(each.id),
                          has_head=False, id="resolved", fields=FIELDS, verbs={"open": "why"}),
                    right="lasted",
                    id="resolved-pane",
                    help="Alerts that are over; the rule has held again for a while.",
                )  # fmt: skip
                yield Pane(f"Last {HISTORY_DAYS} days", Lines(id="days"), facts="open at once",
                           is_stop=False, id="days-pane")  # fmt: skip
                yield Pane(
                    "Rules",
                    Table(rule_columns(), key=lambda each: f"{each.endpoint} {each.name}",
                          has_head=False, id="rules"),
                    id="rules-pane",
                    help="Declared in mlops.toml; beyond its limit a rule fires.",
                )  # fmt: skip
            with Stack(id="detail"):
                yield Lines(id="title")
                yield Pane(
                    "Why",
                    Table(cause_columns(), key=lambda each: each.target or each.title,
                          second=cause_second, has_head=False, has_rail=True, id="why",
                          verbs={"open": "follow"}),
                    facts="cause chain, enter opens a step",
                    id="why-pane",
                )  # fmt: skip
                yield Pane(
                    "What would help",
                    Table(remedy_columns(), key=lambda each: each.command, has_head=False,
                          id="help", verbs={"open": "do it"}),
                    id="help-pane",
                )  # fmt: skip
                yield Pane("History", Lines(id="history"), is_stop=False, id="history-pane")

    def _now(self) -> datetime | None:
        return self._snapshot.at if self._snapshot else None

    # ------------------------------------------------------------------ what is shown

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        waiting = tuple(each for each in snapshot.alerts if each.state != "resolved")
        over = tuple(each for each in snapshot.alerts if each.state == "resolved")
        self.set_class(not snapshot.alerts, "-none")
        table = self.query_one("#list", Table)
        table.rows = waiting
        self._shape_list(waiting)
        self.query_one("#resolved", Table).rows = over
        if not over:
            self.query_one("#resolved", Table).say(Line(("None so far.", "quiet")))
        self.query_one("#resolved-pane", Pane).title(facts=str(len(over) or ""))
        self.query_one("#rules", Table).rows = snapshot.rules
        self.query_one("#rules-pane", Pane).title(facts=str(len(snapshot.rules) or ""))
        oldest = min((each.opened_at for each in waiting), default=None)
        since = text.age((snapshot.at - oldest).total_seconds()) if oldest else ""
        self.query_one("#list-pane", Pane).title(
            facts=str(len(waiting) or ""), right=f"oldest {since}" if since else ""
        )
        width = 44 if self.size_class == "wide" else self.size.width - 10
        days = history_lines(snapshot.alerts, snapshot.at, width)
        self.query_one("#days", Lines).data = tuple(days)
        if not waiting:
            self.show_empty()
        if snapshot.alerts and (self.size_class == "wide" or self._wanted):
            self._want_detail(self._wanted or snapshot.alerts[0].id)
        self._say()

    def _shape_list(self, waiting: tuple[Alert, ...]) -> None:
        """Two lines a row where a detail stands beside the list."""
        table = self.query_one("#list", Table)
        is_wide = self.size_class == "wide"
        columns = open_short_columns(self._now) if is_wide else open_columns(self._now)
        if self.size_class == "narrow":
            columns = [column for column in columns if column.key not in NARROW_HIDDEN]
        table.columns = columns
        table.reform(second=open_second if is_wide else None, is_airy=is_wide,
                     has_head=self.size_class == "medium" and bool(waiting))  # fmt: skip

    def settle(self) -> None:
        if self._snapshot is not None:
            self.show(self._snapshot)

    def show_empty(self) -> None:
        rules = self._snapshot.rules if self._snapshot else ()
        table = self.query_one("#list", Table)
        if rules:
            held = text.counted(len(rules), "rule holds", "rules hold")
            table.say(said("ok", f"Nothing fires; {held}."))
        else:
            table.say(
                *nothing_yet(
                    "No rule is declared.",
                    "A rule watches one number: [[endpoints.NAME.alerts]] in mlops.toml.",
                    "mlops-console alert test NAME",
                    "5",
                    "shows what is served",
                )
            )

    def show_part(self, what: str, value: Any) -> None:
        detail: AlertDetail = value
        self._detail = detail
        alert = detail.alert
        title = Line(sign(shown_state(alert)), (f" {alert.id} ", "quiet"),
                     (alert.title, "bright bold"))  # fmt: skip
        self.query_one("#title", Lines).data = (title,)
        self.query_one("#why", Table).rows = detail.causes
        remedies = self.query_one("#help", Table)
        remedies.rows = detail.remedies
        if not detail.remedies:
            remedies.say(Line(("Nothing is known that would help.", "quiet")))
        at = self._snapshot.at if self._snapshot else alert.changed_at
        self.query_one("#history", Lines).data = tuple(
            Line((f"{text.clock(each.at, at):<10}", "quiet"), (f"{each.by}  ", "quiet"), each.text)
            for each in detail.events[:8]
        )
        self._say()

    def _say(self) -> None:
        if self._detail is not None and self.has_class("-open"):
            alert = self._detail.alert
            taken = (
                f"taken by {alert.acknowledged_by}" if alert.acknowledged_by else "nobody took it"
            )
            self.say(f"alert {alert.id} · {alert.state} since {alert.opened_at:%H:%M:%S} · {taken}")
            return
        found = self._snapshot.alerts if self._snapshot else ()
        counts = [
            (sum(each.state == state for each in found), word)
            for state, word in (("firing", "fire"), ("acknowledged", "seen"),
                                ("silenced", "silenced"), ("resolved", "resolved"))
        ]  # fmt: skip
        self.say(", ".join(f"{number} {word}" for number, word in counts if number) or "no alerts")

    def _want_detail(self, alert_id: int) -> None:
        self._wanted = alert_id
        self.post_message(self.Wants(self, "detail", id=alert_id))

    @on(Table.Moved, "#list, #resolved")
    def look_at(self, event: Table.Moved) -> None:
        has_focus = self.screen.focused is event.table
        if self.size_class == "wide" and event.key and has_focus:
            self._want_detail(int(event.key))

    @on(Table.Opened, "#list, #resolved")
    def open_alert(self, event: Table.Opened) -> None:
        if event.key:
            self._open(int(event.key))

    def _open(self, alert_id: int) -> None:
        self.add_class("-open")
        self._want_detail(alert_id)
        self.query_one("#why", Table).focus()

    @property
    def can_go_back(self) -> bool:
        return self.has_class("-open")

    def go_back(self) -> bool:
        if not self.has_class("-open"):
            return False
        self.remove_class("-open")
        self._wanted = 0
        self.query_one("#list", Table).focus()
        self._say()
        return True

    def reveal(self, kind: str, name: str) -> None:
        if name.isdigit():
            self.query_one("#list", Table).cursor_key = name
            self._open(int(name))

    @on(Table.Opened, "#why")
    def follow_cause(self, event: Table.Opened) -> None:
        step: CauseStep | None = event.table.cursor_row
        if step is not None and step.target and not step.target.startswith("alert:"):
            self.post_message(self.Jumps(self, step.target))

    @on(Table.Opened, "#help")
    def take_remedy(self, event: Table.Opened) -> None:
        remedy: Remedy | None = event.table.cursor_row
        if remedy is not None:
            self._ask_remedy(remedy)

    def _ask_remedy(self, remedy: Remedy) -> None:
        fields: list[Field] = []
        if remedy.action in ("set_threshold", "rollback_model"):
            is_required = remedy.action == "set_threshold"
            reason = f"alert {self._wanted}"
            fields.append(Field(id="reason", label="reason", value=reason, is_required=is_required))
        question = Question(
            sentence=f"{remedy.title[:1].upper()}{remedy.title[1:]}?",
            facts=(("gives", remedy.outcome or "not known yet"), ("command", remedy.command)),
            fields=fields,
            yes="do it",
        )
        arguments: dict[str, Any] = dict(remedy.arguments)
        if remedy.action == "start_training":
            arguments |= {"params": {}, "data": {}}
        self.post_message(self.Acts(self, remedy.action, ask=question, **arguments))

    # ------------------------------------------------------------------ what can be done

    def _chosen(self) -> Alert | None:
        if self.has_class("-open") and self._detail is not None:
            return self._detail.alert
        resolved = self.query_one("#resolved", Table)
        table = resolved if self.screen.focused is resolved else self.query_one("#list", Table)
        row: Alert | None = table.cursor_row
        return row

    def actions(self) -> list[Choice]:
        alert = self._chosen()
        if alert is None:
            return []
        is_over = "it is resolved" if alert.state == "resolved" else ""
        return [
            Choice(id="acknowledge_alert", label=f"take alert {alert.id}", key="a",
                   command=f"mlops-console alert ack {alert.id}",
                   why_not=is_over or ("it is taken" if alert.state == "acknowledged" else "")),
            Choice(id="silence_alert", label="keep it quiet for a while", key="s",
                   command=f"mlops-console alert silence {alert.id} --minutes 60",
                   why_not=is_over),
            *(
                Choice(id=f"remedy-{number}", label=remedy.title, command=remedy.command,
                       detail=remedy.outcome, key=str(number))
                for number, remedy in enumerate(self._detail.remedies if self._detail else (), 1)
            ),
        ]  # fmt: skip

    def choose(self, action: Choice) -> None:
        alert = self._chosen()
        if alert is None:
            return
        if action.id.startswith("remedy-") and self._detail is not None:
            self._ask_remedy(self._detail.remedies[int(action.id.removeprefix("remedy-")) - 1])
            return
        is_silence = action.id == "silence_alert"
        fields = [Field(id="note", label="note", hint="what you know so far")]
        if is_silence:
            fields.insert(0, Field(id="minutes", label="minutes", value="60", is_required=True,
                                   check=_minutes_fault))  # fmt: skip
        question = Question(
            sentence=f"{'Silence' if is_silence else 'Take'} alert {alert.id}?",
            facts=(("about", alert.title),),
            fields=fields,
            yes="silence it" if is_silence else "take it",
            warns=False,
        )
        self.post_message(self.Acts(self, action.id, ask=question, id=alert.id))


def _minutes_fault(value: str) -> str:
    try:
        minutes = float(value)
    except ValueError:
        return "a number of minutes"
    return "" if 0 < minutes <= 7 * 24 * 60 else "between 0 and a week"
