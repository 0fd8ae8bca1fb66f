"""1 Overview: the short list of what needs a person, every stage in a line, what is served now.

Healthy things are quiet. With nothing to do the first list is one line and the chart grows; in an
empty workspace four first steps stand there instead and tick themselves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console import text
from console.tui.areas.base import Area, AreaEntry, Choice
from console.tui.ink import EMPTY, Line, Part
from console.tui.pictures import accuracy_chart, latency_chart, signal_rows
from console.tui.signs import said, sign, state
from console.tui.snapshots.overview import Snapshot
from console.tui.widgets.bars import progress, sparkline
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from console.wire.agent import DataTrend, FirstStep, Need, Stage
from storage.records.jobs import Job
from storage.records.people import LedgerEntry

NEED_WORDS = {
    "drift": "drift",
    "slo": "slo",
    "latency": "slow",
    "errors": "errors",
    "accuracy": "wrong",
    "gate": "gate",
    "contract": "data",
    "job": "job",
    "approval": "ask",
}
TREND_CELLS = 11


class OverviewArea(Area):
    """The first screen."""

    help_text: ClassVar[str] = "What needs you, how every stage stands, what is being served."
    help_words: ClassVar[Words] = (
        ("needs you", "worst first; enter opens the cause"),
        ("stages", "the way from data to monitoring, in the order of work"),
        ("p99", "99 of 100 requests were answered faster"),
        ("band", "accuracy estimated without labels, 95 %"),
    )

    DEFAULT_CSS = """
    OverviewArea #side { display: none; width: 56; margin: 0 0 0 4; }
    OverviewArea.-wide #side { display: block; }
    OverviewArea Pane { margin: 0 0 1 0; }
    OverviewArea #chart-pane { height: 1fr; margin: 0; }
    OverviewArea #chart { height: 1fr; max-height: 14; }
    OverviewArea #side-chart { height: 11; }
    OverviewArea #first-pane { display: none; }
    OverviewArea.-empty #first-pane { display: block; }
    OverviewArea.-empty #needs-pane { display: none; }
    OverviewArea.-empty #stages-pane { display: none; }
    OverviewArea.-empty #chart-pane { display: none; }
    OverviewArea.-empty #actions-pane { display: none; }
    OverviewArea.-empty #side { display: none; }
    OverviewArea #actions-pane { display: none; }
    OverviewArea.-wide #actions-pane { display: block; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._at: datetime | None = None
        self._is_demo = False
        self._snapshot: Snapshot | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="main"):
                yield Pane(
                    "First steps",
                    Table(_step_columns(), key=lambda each: each.name, second=_step_second,
                          has_head=False, id="first"),
                    Lines((
                        EMPTY,
                        Line(("Or look around first", "bright bold")),
                        Line(("d ", "accent bold"), ("opens a demo: ", "ink"),
                             ("a year of flights, trained, served and drifting.", "quiet")),
                    ), id="first-note"),
                    id="first-pane",
                )  # fmt: skip
                yield Pane(
                    "Needs you",
                    Table(
                        self._need_columns(), key=lambda each: each.target or each.title,
                        has_head=False, id="needs", classes="main",
                    ),
                    id="needs-pane",
                    help="What waits for a person, worst first.",
                )  # fmt: skip
                yield Pane(
                    "Stages",
                    Table(self._stage_columns(), key=lambda each: each.stage, has_head=False,
                          has_cursor=True, id="stages"),
                    id="stages-pane",
                )  # fmt: skip
                yield Pane("Serving now", LineChart(id="chart"), id="chart-pane")
                yield Pane(
                    "Last actions",
                    Table(self._action_columns(), key=lambda each: str(each.seq), has_head=False,
                          has_cursor=False, id="actions"),
                    right="@ all, with commands",
                    is_stop=False,
                    id="actions-pane",
                )  # fmt: skip
            with Vertical(id="side"):
                yield Pane("Serving now", Lines(id="signals"), is_stop=False, id="signals-pane")
                yield Pane("Latency", LineChart(id="side-chart"), is_stop=False, id="latency-pane")
                yield Pane(
                    "Running",
                    Table(_running_columns(), key=lambda each: str(each.id), has_head=False,
                          has_cursor=False, second=_running_second, id="running"),
                    is_stop=False,
                    id="running-pane",
                )  # fmt: skip
                yield Pane(
                    "Data",
                    Table(_data_columns(), key=lambda each: each.name, has_head=False,
                          has_cursor=False, id="data"),
                    is_stop=False,
                    id="data-pane",
                )  # fmt: skip
                yield Pane("People", Lines(id="people"), is_stop=False, id="people-pane")

    # ------------------------------------------------------------------ what is shown

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._at = snapshot.at
        found = snapshot.overview
        self.set_class(found.is_empty, "-empty")
        if found.is_empty:
            self._show_first_steps(found.first_steps)
            return
        needs = self.query_one("#needs", Table)
        if found.needs:
            needs.rows = found.needs
        else:
            needs.rows = ()
            needs.say(said("ok", "Nothing needs you."))
        self.query_one("#needs-pane", Pane).title(facts=str(len(found.needs) or ""))
        self.query_one("#stages", Table).rows = found.stages
        self.query_one("#actions", Table).rows = found.actions[:6]
        self._show_serving(snapshot)
        self._show_side(snapshot)
        self._say(snapshot)

    def _show_first_steps(self, steps: tuple[FirstStep, ...]) -> None:
        done = sum(step.is_done for step in steps)
        self.query_one("#first-pane", Pane).title(facts=f"{done} of {len(steps)}")
        self.query_one("#first", Table).rows = steps
        self.say("Four steps take a model from its data to its traffic. Each ticks itself.")

    def _show_serving(self, snapshot: Snapshot) -> None:
        view = snapshot.overview.endpoint
        pane = self.query_one("#chart-pane", Pane)
        chart = self.query_one("#chart", LineChart)
        if self.size_class == "wide" and view is not None:
            metric = view.accuracy_metric
            pane.title(
                "Is it still right?",
                facts=f"{view.endpoint.name} · {metric}, band: estimated 95 %",
                right=_coverage(view.label_coverage),
            )
            chart.data = accuracy_chart(view)
            return
        if view is None:
            pane.title("Serving now", facts="nothing is served", right="")
            chart.data = None
            return
        pane.title(
            "Serving now",
            facts=f"{view.endpoint.name} · latency ms · {text.age(view.window_s)}",
            right=_rate_and_errors(snapshot),
        )
        chart.data = latency_chart(view)

    def _show_side(self, snapshot: Snapshot) -> None:
        found, view = snapshot.overview, snapshot.overview.endpoint
        signals = self.query_one("#signals", Lines)
        latency = self.query_one("#side-chart", LineChart)
        if view is not None:
            self.query_one("#signals-pane", Pane).title(
                facts=view.endpoint.name, right=said(view.endpoint.state)
            )
            signals.data = tuple(signal_rows(view, 52))
            window = text.age(view.window_s)
            self.query_one("#latency-pane", Pane).title(facts=f"ms · {window}")
            latency.data = latency_chart(view)
        else:
            signals.data = (Line(("Nothing is served yet.", "quiet")),)
            latency.data = None
        running = self.query_one("#running", Table)
        running.rows = found.running
        if not found.running:
            running.say(Line(("No job runs.", "quiet")))
        queued = f"{found.queued_count} queued" if found.queued_count else ""
        self.query_one("#running-pane", Pane).title(
            facts=str(len(found.running) or ""), right=queued
        )
        self.query_one("#data", Table).rows = found.data
        self.query_one("#people", Lines).data = tuple(_people_lines(snapshot))
        self.query_one("#people-pane", Pane).title(facts=f"{len(found.people)} here")

    def _say(self, snapshot: Snapshot) -> None:
        found = snapshot.overview
        parts = [
            f"{text.counted(len(found.needs), 'thing needs', 'things need')} you"
            if found.needs
            else "nothing needs you"
        ]
        if found.status.mode == "demo":
            parts.append("demo data, real training, real requests")
        parts.append("all times UTC")
        self.say(" · ".join(parts))

    def settle(self) -> None:
        is_wide = self.size_class == "wide"
        needs = self.query_one("#needs", Table)
        needs.reform(second=_need_second if is_wide else None, is_airy=is_wide)
        stages = self.query_one("#stages", Table)
        stages.reform(has_head=is_wide)
        if self._snapshot is not None:
            self.show(self._snapshot)

    @property
    def is_live(self) -> bool:
        view = self._snapshot.overview.endpoint if self._snapshot else None
        return view is not None and view.now is not None and view.now.rate > 0

    # ------------------------------------------------------------------ what can be done

    @on(Table.Opened)
    def open_row(self, event: Table.Opened) -> None:
        row = event.table.cursor_row
        target = getattr(row, "target", "")
        if isinstance(row, FirstStep):
            self.post_message(self.Acts(self, "copy_text", text=row.command))
        elif target:
            self.post_message(self.Jumps(self, target))

    def actions(self) -> list[Choice]:
        found = self._snapshot.overview if self._snapshot else None
        if found is None or found.endpoint is None:
            return []
        model = found.endpoint.endpoint.model
        return [
            Choice(id="rollback_model", label=f"roll {model} back to the version before", key="b",
                   command=f"mlops-console model rollback {model}", is_destructive=True),
            Choice(id="start_training", label=f"train {model} on the latest data", key="t",
                   command=f"mlops-console train {model}"),
        ]  # fmt: skip

    def choose(self, action: Choice) -> None:
        found = self._snapshot.overview if self._snapshot else None
        if found is None or found.endpoint is None:
            return
        model = found.endpoint.endpoint.model
        arguments: dict[str, Any] = (
            {"model": model}
            if action.id == "rollback_model"
            else {"pipeline": model, "params": {}, "data": {}}
        )
        self.post_message(self.Acts(self, action.id, **arguments))

    # ------------------------------------------------------------------ columns

    def _age(self, at: datetime | None, *, short: bool = False) -> str:
        if at is None or self._at is None:
            return ""
        return text.age((self._at - at).total_seconds(), short=short)

    def _need_columns(self) -> list[Column[Need]]:
        return [
            Column(key="kind", cell=_need_kind, width=9, is_pinned=True),
            Column(key="title", cell=lambda each: each.title, least=20, grow=1, is_name=True),
            Column(key="age", cell=lambda each: self._age(each.at), align="right", ink="quiet"),
        ]

    def _stage_columns(self) -> list[Column[Stage]]:
        return [
            Column(key="stage", head="stage", cell=lambda each: each.stage, width=10),
            Column(key="state", head="state", cell=_stage_state, width=14),
            Column(key="latest", head="latest", cell=lambda each: each.latest, least=12, grow=1),
            Column(key="fact", head="fact", cell=lambda each: each.fact, least=12, grow=2,
                   ink="quiet"),
            Column(key="trend", head="last 24 h", draw=_stage_trend, width=TREND_CELLS, rank=60),
            Column(key="age", head="age", cell=lambda each: self._age(each.at, short=True),
                   align="right", ink="quiet", width=5),
        ]  # fmt: skip

    def _action_columns(self) -> list[Column[LedgerEntry]]:
        def when(each: LedgerEntry) -> str:
            return text.clock(each.at, self._at or each.at)

        return [
            Column(key="when", cell=when, ink="quiet", width=8),
            Column(key="who", cell=lambda each: each.actor, ink="quiet"),
            Column(key="what", cell=lambda each: each.summary, least=20, grow=1),
            Column(key="subject", cell=lambda each: each.subject, ink="quiet", align="right"),
        ]


def _need_kind(need: Need) -> Line:
    shown = state(need.verdict)
    word = NEED_WORDS.get(need.kind, need.kind)
    return Line((f"{shown.sign} ", shown.token), (word, shown.token))


def _need_second(need: Need) -> list[tuple[str, Part]]:
    return [("title", Line((need.detail, "quiet"))), ("", Line((need.next, "quiet")))]


def _stage_state(stage: Stage) -> Line:
    return said(stage.state)


def _stage_trend(stage: Stage, width: int) -> Line:
    if stage.progress_ratio is not None:
        return progress(stage.progress_ratio, width)
    if not stage.trend:
        return EMPTY
    shown = state(stage.state)
    return sparkline(stage.trend, width, last_ink="ink" if shown.is_quiet else shown.token)


def _step_columns() -> list[Column[FirstStep]]:
    return [
        Column(key="done", cell=lambda each: sign("ok" if each.is_done else "idle"), width=2),
        Column(key="name", cell=lambda each: each.name, width=10, is_name=True),
        Column(key="command", cell=lambda each: Line(("$ ", "quiet"), (each.command, "accent")),
               grow=1, least=20),
    ]  # fmt: skip


def _step_second(step: FirstStep) -> list[tuple[str, Part]]:
    return [("command", Line((step.detail, "quiet")))]


def _running_columns() -> list[Column[Job]]:
    return [
        Column(key="id", cell=lambda each: str(each.id), align="right", width=4),
        Column(key="title", cell=lambda each: each.title, least=8, grow=1),
        Column(key="bar", draw=lambda each, width: progress(_ratio(each), width), width=14),
        Column(key="percent", cell=lambda each: text.percent(_ratio(each), 0), align="right",
               width=5, ink="quiet"),
    ]  # fmt: skip


def _running_second(job: Job) -> list[tuple[str, Part]]:
    return [("title", Line((job.progress.text, "quiet")))]


def _ratio(job: Job) -> float:
    return job.progress.done / job.progress.total if job.progress.total else 0.0


def _data_columns() -> list[Column[DataTrend]]:
    return [
        Column(key="name", cell=lambda each: each.name, width=12),
        Column(key="rows", cell=lambda each: text.count(each.rows), align="right", width=8),
        Column(key="bar", draw=lambda each, width: progress(each.share or 0.0, width, ink="faint"),
               grow=1, width=10),
        Column(key="note", cell=lambda each: each.note, align="right", ink="quiet"),
    ]  # fmt: skip


def _people_lines(snapshot: Snapshot) -> list[Part]:
    found = snapshot.overview
    lines: list[Part] = [
        Line((person.name, "ink"), ("  " + (", ".join(person.roles) or "no role"), "quiet"))
        for person in found.people[:4]
    ]
    waiting = [each for each in found.approvals if each.state == "waiting"]
    if waiting:
        asks = text.counted(len(waiting), "approval waits", "approvals wait")
        lines.append(said("warn", asks))
    return lines


def _rate_and_errors(snapshot: Snapshot) -> Part:
    view = snapshot.overview.endpoint
    now = view.now if view else None
    if now is None:
        return "no requests"
    errors = text.percent(now.error_ratio or 0.0)
    return f"{text.fixed(now.rate, 0)} req/s   errors {errors}"


def _coverage(ratio: float | None) -> str:
    return "" if ratio is None else f"labels {text.percent(ratio, 0)}"
