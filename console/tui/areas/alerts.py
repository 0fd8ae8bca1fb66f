"""7 Alerts: what fires, the chain to its cause, and what would help with the numbers it would give.

Firing rows have colour; what somebody has taken or silenced is grey. Opened, an alert is one rail:
alert, column, data, versions. Each step opens with enter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console import text
from console.rules import metrics
from console.tui.areas.base import Area, AreaEntry, Choice
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from console.tui.ink import EMPTY, Line, Part, words
from console.tui.signs import said, sign, state, value_ink
from console.tui.snapshots.alerts import Snapshot
from console.tui.widgets.bars import histogram
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from storage.records.alerts import Alert, AlertDetail, CauseStep, Remedy

HISTOGRAM_CELLS = 14


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
    AlertsArea #list-pane { height: 1fr; }
    AlertsArea #list { height: 1fr; }
    AlertsArea #detail { display: none; }
    AlertsArea.-open #detail { display: block; }
    AlertsArea.-narrow.-open #list-pane, AlertsArea.-medium.-open #list-pane { display: none; }
    AlertsArea.-wide #detail { display: block; margin: 0 0 0 4; }
    AlertsArea #title { margin: 0 0 1 0; }
    AlertsArea #why-pane, AlertsArea #help-pane { margin: 0 0 1 0; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._detail: AlertDetail | None = None
        self._wanted = 0
        """Number of the alert whose detail is shown."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Pane(
                "Alerts",
                Table(self._columns(), key=lambda each: str(each.id), id="list", classes="main",
                      verbs={"open": "why"}),
                id="list-pane",
                help="Firing first, newest first.",
            )  # fmt: skip
            with Vertical(id="detail"):
                yield Lines(id="title")
                yield Pane(
                    "Why",
                    Table(_cause_columns(), key=lambda each: each.target or each.title,
                          second=_cause_second, has_head=False, has_rail=True, id="why",
                          verbs={"open": "follow"}),
                    facts="cause chain, enter opens a step",
                    id="why-pane",
                )  # fmt: skip
                yield Pane(
                    "What would help",
                    Table(_remedy_columns(), key=lambda each: each.command, has_head=False,
                          id="help", verbs={"open": "do it"}),
                    id="help-pane",
                )  # fmt: skip
                yield Pane("History", Lines(id="history"), is_stop=False, id="history-pane")

    # ------------------------------------------------------------------ what is shown

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        table = self.query_one("#list", Table)
        table.rows = snapshot.alerts
        if not snapshot.alerts:
            self.show_empty()
            return
        firing = sum(each.state == "firing" for each in snapshot.alerts)
        self.query_one("#list-pane", Pane).title(
            facts=f"{firing} firing, {len(snapshot.alerts)} in all",
            right=text.counted(len(snapshot.rules), "rule"),
        )
        if self.size_class == "wide" or self._wanted:
            self._want_detail(self._wanted or snapshot.alerts[0].id)
        self._say()

    def show_empty(self) -> None:
        rules = self._snapshot.rules if self._snapshot else ()
        held = text.counted(len(rules), "rule")
        self.show_note(
            said("ok", f"Nothing fires; {held} hold." if rules else "No rule is declared."),
            Line(("Declare one under [[endpoints.NAME.alerts]] in mlops.toml; ", "quiet"),
                 ("mlops-console alert test", "accent")),
        )  # fmt: skip
        self.say("no alerts")

    def show_part(self, what: str, value: Any) -> None:
        detail: AlertDetail = value
        self._detail = detail
        alert = detail.alert
        title = Line(sign(_shown_state(alert)), (f" {alert.id} ", "quiet"),
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
        self.say(f"{text.counted(len(found), 'alert')}, firing first")

    def _want_detail(self, alert_id: int) -> None:
        self._wanted = alert_id
        self.post_message(self.Wants(self, "detail", id=alert_id))

    @on(Table.Moved, "#list")
    def look_at(self, event: Table.Moved) -> None:
        if self.size_class == "wide" and event.key:
            self._want_detail(int(event.key))

    @on(Table.Opened, "#list")
    def open_alert(self, event: Table.Opened) -> None:
        if event.key:
            self._open(int(event.key))

    def _open(self, alert_id: int) -> None:
        self.add_class("-open")
        self._want_detail(alert_id)
        self.query_one("#why", Table).focus()

    def go_back(self) -> bool:
        if not self.has_class("-open"):
            return False
        self.remove_class("-open")
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
        row: Alert | None = self.query_one("#list", Table).cursor_row
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

    def _columns(self) -> list[Column[Alert]]:
        def age(each: Alert) -> str:
            now: datetime = self._snapshot.at if self._snapshot else each.changed_at
            end = each.resolved_at or now
            return text.age((end - each.opened_at).total_seconds(), short=True)

        def ink(each: Alert) -> str:
            return "ink" if each.state == "firing" else "quiet"

        return [
            Column(key="state", head="state", width=11, is_pinned=True,
                   cell=lambda each: said(_shown_state(each)),
                   sort=lambda each: _ORDER.get(each.state, 9)),
            Column(key="id", head="id", align="right", cell=lambda each: str(each.id),
                   ink="quiet", sort=lambda each: each.id, first_descending=True),
            Column(key="title", head="what", least=20, grow=1, is_name=True,
                   cell=lambda each: Line((each.title, ink(each)))),
            Column(key="value", head="value", align="right", rank=40,
                   cell=lambda each: Line((metrics.show(each.value, each.result.name),
                                           value_ink("fail" if each.state == "firing" else "ok")))),
            Column(key="limit", head="limit", align="right", rank=60, ink="quiet",
                   cell=lambda each: metrics.show(each.limit, each.result.name)),
            Column(key="endpoint", head="endpoint", rank=70, ink="quiet",
                   cell=lambda each: each.endpoint),
            Column(key="who", head="who", rank=80, ink="quiet",
                   cell=lambda each: each.acknowledged_by),
            Column(key="age", head="for", align="right", cell=age, ink="quiet",
                   sort=lambda each: each.opened_at, first_descending=True),
        ]  # fmt: skip


_ORDER = {"firing": 0, "acknowledged": 1, "silenced": 2, "resolved": 3}


def _shown_state(alert: Alert) -> str:
    return "warn" if alert.state == "firing" and alert.severity == "warn" else alert.state


def _minutes_fault(value: str) -> str:
    try:
        minutes = float(value)
    except ValueError:
        return "a number of minutes"
    return "" if 0 < minutes <= 7 * 24 * 60 else "between 0 and a week"


def _cause_columns() -> list[Column[CauseStep]]:
    def bullet(each: CauseStep) -> Line:
        return sign("version") if each.verdict == "none" else sign(each.verdict)

    return [
        Column(key="sign", cell=bullet, width=1, is_bullet=True, is_pinned=True),
        Column(key="kind", cell=lambda each: each.kind, width=8, ink="quiet"),
        Column(key="title", cell=lambda each: each.title, least=20, grow=1, is_name=True),
        Column(key="target", cell=lambda each: each.target.partition(":")[2], ink="quiet",
               align="right", rank=60),
    ]  # fmt: skip


def _cause_second(step: CauseStep) -> list[tuple[str, Part]]:
    if not step.before or not step.after:
        return [("title", Line((step.detail, "quiet")))]
    ink = "fill" if step.verdict == "fail" else "faint"
    picture = Line(("before ", "quiet")) + histogram(step.before, HISTOGRAM_CELLS)
    picture = picture + Line(("  now ", "quiet")) + histogram(step.after, HISTOGRAM_CELLS, ink=ink)
    return [("title", picture + Line((f"  {step.detail}", "ink")))]


def _remedy_columns() -> list[Column[Remedy]]:
    def bullet(each: Remedy) -> Line:
        return sign("running") if each.verdict == "none" else sign(each.verdict)

    def outcome(each: Remedy) -> Part:
        known = state(each.verdict)
        return words(each.outcome, "quiet" if known.is_quiet else known.token) or EMPTY

    return [
        Column(key="sign", cell=bullet, width=1),
        Column(key="title", cell=lambda each: each.title, least=20, grow=1, is_name=True),
        Column(key="outcome", cell=outcome, align="right", ink="quiet"),
    ]
