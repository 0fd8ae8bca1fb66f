"""5 Serving: an endpoint as it lives. Latency against its limit is the first thing seen.

Cause and effect stand in one picture: what was changed is a line through the charts. On a small
terminal `m` shows the other measures in the place of latency; a wide one shows everything at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType

from console import text
from console.rules.filtering import Field as FilterField
from console.tui.areas.base import Area, AreaEntry, Choice, nothing_yet
from console.tui.areas.serving import deeds
from console.tui.areas.serving.beside import compared, compared_columns
from console.tui.areas.serving.parts import (
    SaturationRows,
    budget,
    drift_columns,
    endpoint_columns,
    errors_right,
    realised,
    routes_in_words,
)
from console.tui.drift_pictures import moved_chart, moved_in_words
from console.tui.ink import EMPTY, Line, Part
from console.tui.keymaps import bind
from console.tui.pictures import (
    Signals,
    SignalsOf,
    accuracy_chart,
    error_chart,
    latency_chart,
    rate_chart,
    signals_in_short,
    verdict,
)
from console.tui.signs import said, sign
from console.tui.snapshots.serving import Snapshot
from console.tui.widgets.boxes import Row, Stack
from console.tui.widgets.chart import Chart
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from storage.records.alerts import Alert
from storage.records.drift import ColumnDrift, DriftReport
from storage.records.endpoints import EndpointView

WINDOWS_S = (300.0, 600.0, 1800.0, 3600.0, 6 * 3600.0, 24 * 3600.0, 7 * 24 * 3600.0)
DRIFT_EVERY = 10
"""Snapshots between two looks at drift: it moves slowly and costs more."""
CHARTS = ("latency", "rate", "errors", "accuracy")


class ServingArea(Area):
    """Endpoints, live."""

    help_text: ClassVar[str] = "How an endpoint answers: rate, errors, latency, accuracy, drift."
    help_words: ClassVar[Words] = (
        ("p99", "99 of 100 requests were answered faster"),
        ("limit", "declared latency_limit_ms; beyond it the line changes colour"),
        ("budget", "requests that may still be slow or fail in 30 days, of those that may"),
        ("in flight", "requests being answered, of how many may be"),
        ("PSI", "how far a feature moved from training: 0.10 warns, 0.25 fails"),
        ("band", "accuracy estimated without labels, 95 %"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("freeze", "freeze"),
        bind("window-longer", "window(1)"),
        bind("window-shorter", "window(-1)", keys="minus", meaning="a shorter time window"),
        bind("range", "range"),
        bind("next-chart", "next_chart", keys="m", verb="measure", place=37, rank=6,
             meaning="latency, rate, errors or accuracy in the chart"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    ServingArea #head { height: auto; margin: 0 0 1 0; }
    ServingArea #side { width: 54; margin: 0 0 0 4; display: none; }
    ServingArea.-wide #side { display: block; }
    ServingArea Pane { margin: 0 0 1 0; }
    ServingArea #latency-pane { height: 1fr; min-height: 6; }
    ServingArea #latency { height: 1fr; }
    ServingArea.-none #full { display: none; }
    ServingArea #small { height: auto; display: none; }
    ServingArea.-wide #small { display: block; }
    ServingArea #rate, ServingArea #errors { height: 5; }
    ServingArea #rate-pane { margin: 0 4 1 0; }
    ServingArea #accuracy-pane { display: none; }
    ServingArea.-wide #accuracy-pane { display: block; }
    ServingArea #accuracy { height: 8; }
    ServingArea #below { height: auto; max-height: 6; }
    ServingArea.-medium #below { max-height: 9; }
    ServingArea.-wide #below { display: none; }
    ServingArea #drift-below-pane { height: 1fr; margin: 0 4 0 0; }
    ServingArea #drift-below { height: 1fr; }
    ServingArea #compared-below-pane { width: 36; margin: 0; }
    ServingArea #list-pane { display: none; max-height: 8; }
    ServingArea.-many #list-pane { display: block; }
    ServingArea #drift { max-height: 7; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._drift: DriftReport | None = None
        self._endpoint = ""
        self._window_s = 1800.0
        self._since_drift = DRIFT_EVERY
        self._is_frozen = False
        self._chart = CHARTS[0]
        self._shaped = ""
        """The column whose training and served rows are drawn instead of the latency."""

    def compose(self) -> ComposeResult:
        yield Lines(id="head")
        with Row(id="full"):
            with Stack():
                yield Pane(
                    "Endpoints",
                    Table(endpoint_columns(), key=lambda each: each.endpoint.name, id="list",
                          fields=_ENDPOINT_FIELDS),
                    id="list-pane",
                )  # fmt: skip
                yield Pane("Latency", LineChart(id="latency"), id="latency-pane",
                           help="p50, p95 and p99 with the limit; deploys are lines.")  # fmt: skip
                with Row(id="small"):
                    yield Pane("Rate", LineChart(id="rate"), facts="req/s", is_stop=False,
                               id="rate-pane")  # fmt: skip
                    yield Pane("Errors", LineChart(id="errors"), facts="% of requests",
                               is_stop=False, id="errors-pane")  # fmt: skip
                yield Pane("Accuracy", LineChart(id="accuracy"), is_stop=False,
                           id="accuracy-pane")  # fmt: skip
                with Row(id="below"):
                    yield self._drift_pane("-below")
                    yield self._compared_pane("-below")
            with Stack(id="side"):
                yield Pane("Now", Signals(id="now"), is_stop=False, right="limit", id="now-pane")
                yield Pane("Saturation", SaturationRows(id="saturation"),
                           facts="warn 0.70, fail 0.90", is_stop=False,
                           id="saturation-pane")  # fmt: skip
                yield self._compared_pane("")
                yield self._drift_pane("")
                yield Pane(
                    "Events",
                    Table(self._event_columns(), key=lambda each: str(each.id), has_head=False,
                          id="events"),
                    id="events-pane",
                    help="Alerts of this endpoint, newest first; enter opens one.",
                )  # fmt: skip

    def _drift_pane(self, place: str) -> Pane:
        table: Table[ColumnDrift] = Table(
            drift_columns(is_wide=not place), key=lambda each: each.column, has_head=False,
            id=f"drift{place}", fields=_DRIFT_FIELDS, verbs={"open": "shape"},
        )  # fmt: skip
        return Pane("Drift", table, id=f"drift{place}-pane",
                    help="Features against training; enter draws both.")  # fmt: skip

    def _compared_pane(self, place: str) -> Pane:
        table = Table(compared_columns(), key=lambda each: each.name, has_cursor=False,
                      id=f"compared{place}")  # fmt: skip
        return Pane("Versions", table, is_stop=False, id=f"compared{place}-pane")

    # ------------------------------------------------------------------ what is shown

    @property
    def is_live(self) -> bool:
        view = self._snapshot.view if self._snapshot else None
        return view is not None and view.endpoint.state not in ("stopped", "failed")

    def show(self, snapshot: Snapshot) -> None:
        if self._is_frozen and self._snapshot is not None:
            return
        self._snapshot = snapshot
        view = snapshot.view
        self.set_class(view is None, "-none")
        if view is None:
            self.show_empty()
            return
        self.set_class(len(snapshot.endpoints) > 1, "-many")
        if self._endpoint != view.endpoint.name:
            self._endpoint, self._drift = view.endpoint.name, None
        self._show_head(view)
        self._show_charts(view)
        self._show_numbers(view, snapshot)
        self._ask_drift(view)
        self._say(view, snapshot)

    def show_empty(self) -> None:
        self.query_one("#head", Lines).data = tuple(
            nothing_yet(
                "Nothing is served yet.",
                "An endpoint answers over HTTP; its traffic, latency and drift are watched here.",
                "mlops-console endpoint start NAME",
                "x",
                "serves a model",
            )
        )
        self.say("no endpoint is declared or started")

    def show_note(self, *note: Part) -> None:
        self.query_one("#head", Lines).data = tuple(note)

    def _show_head(self, view: EndpointView) -> None:
        endpoint = view.endpoint
        is_narrow = self.size_class == "narrow"
        routes = routes_in_words(endpoint, is_short=is_narrow)
        address = "" if is_narrow else f"http {endpoint.host}:{endpoint.port}   "
        left = Line((endpoint.name, "bright bold"), (f"   {address}{routes}", "quiet"))
        right = verdict(view)
        room = max(2, self.size.width - 2 - left.width - right.width)
        lines: list[Part] = [left + " " * room + right]
        if self.size_class != "wide":
            lines.append(signals_in_short(view, self.size.width - 2))
        self.query_one("#head", Lines).data = tuple(lines)

    def _show_charts(self, view: EndpointView) -> None:
        is_wide = self.size_class == "wide"
        window = text.age(view.window_s)
        name = CHARTS[0] if is_wide else self._chart
        title, facts, right, data = self._shaped_chart() or self._main_chart(name, view)
        self.query_one("#latency-pane", Pane).title(title, facts=f"{facts} · {window}", right=right)
        self.query_one("#latency", LineChart).data = data
        if is_wide:
            now = view.now
            rate = text.fixed(now.rate, 0) if now else text.MISSING
            self.query_one("#rate-pane", Pane).title(right=rate)
            self.query_one("#rate", LineChart).data = rate_chart(view)
            self.query_one("#errors-pane", Pane).title(right=errors_right(view))
            self.query_one("#errors", LineChart).data = error_chart(view)
            title, facts, right, data = self._main_chart("accuracy", view)
            self.query_one("#accuracy-pane", Pane).title(title, facts=facts, right=right)
            self.query_one("#accuracy", LineChart).data = data

    def _shaped_chart(self) -> tuple[str, str, Part, Chart] | None:
        """The chosen column: its training rows and the served ones on the same bins."""
        known = self._drift.columns if self._drift else ()
        drift = next((each for each in known if each.column == self._shaped), None)
        picture = moved_chart(drift, "training", "served") if drift is not None else None
        if drift is None or picture is None:
            return None
        return drift.column, "share of rows", moved_in_words(drift), picture

    def _main_chart(self, name: str, view: EndpointView) -> tuple[str, str, Part, Chart]:
        """Title, facts, right end and picture of one measure."""
        if name == "rate":
            return "Rate", "req/s", "", rate_chart(view)
        if name == "errors":
            return "Errors", "% of requests", errors_right(view), error_chart(view)
        if name == "accuracy":
            title = view.accuracy_metric.replace("_", " ").capitalize()
            facts = "band: estimated without labels, 95 %"
            return title, facts, realised(view), accuracy_chart(view)
        return "Latency", "ms", budget(view, self.size_class), latency_chart(view)

    def _show_numbers(self, view: EndpointView, snapshot: Snapshot) -> None:
        self.query_one("#list", Table).rows = snapshot.endpoints
        self.query_one("#now", Signals).data = SignalsOf(view=view, has_all=True)
        self.query_one("#saturation", SaturationRows).data = view
        leader = view.saturation.leader[0] if view.saturation else ""
        self.query_one("#saturation-pane", Pane).title(right=f"{leader} leads" if leader else "")
        self._show_compared(view)
        events = self.query_one("#events", Table)
        events.rows = snapshot.alerts[:8]
        if not snapshot.alerts:
            events.say(Line(("No alert yet.", "quiet")))

    def _show_compared(self, view: EndpointView) -> None:
        """The canary beside the champion; with one version alone the pane goes away."""
        found = compared(view)
        for place in ("", "-below"):
            pane = self.query_one(f"#compared{place}-pane", Pane)
            pane.display = found is not None
            if found is None:
                continue
            champion, other, rows = found
            table = self.query_one(f"#compared{place}", Table)
            heads = (f"v{champion.version}", f"v{other.version}")
            if [column.head for column in table.columns][1:3] != list(heads):
                table.columns = compared_columns(*heads)
            table.rows = rows if not place or self.size_class == "medium" else rows[2:]
            worst = next((row for row in rows if row.verdict in ("worse", "warn")), None)
            name = other.name.capitalize() if other.name in ("canary", "shadow") else "Versions"
            right = said("warn", "hold") if worst is not None and name == "Canary" else EMPTY
            window = text.age(view.window_s)
            pane.title(name, facts=f"{other.name} {heads[1]} · {window}", right=right)

    def _ask_drift(self, view: EndpointView) -> None:
        self._since_drift += 1
        if self._since_drift >= DRIFT_EVERY and view.total_requests:
            self._since_drift = 0
            self.post_message(
                self.Wants(self, "drift", endpoint=self._endpoint, window_s=self._window_s)
            )
        elif self._drift is None and not view.total_requests:
            for name in ("#drift", "#drift-below"):
                self.query_one(name, Table).say(Line(("No requests to compare yet.", "quiet")))

    def show_part(self, what: str, value: Any) -> None:
        report: DriftReport = value
        self._drift = report
        of = f"{report.drifted_count} of {len(report.columns)} moved"
        against = f"against {report.before}" if report.before else "PSI"
        self.query_one("#drift", Table).rows = report.columns
        self.query_one("#drift-pane", Pane).title(facts=f"{against} · {of}")
        self.query_one("#drift-below", Table).rows = report.columns
        self.query_one("#drift-below-pane", Pane).title(facts=f"PSI {against} · {of}")

    def _say(self, view: EndpointView, snapshot: Snapshot) -> None:
        age = 0.0
        if view.sampled_at is not None:
            age = max(0.0, (snapshot.at - view.sampled_at).total_seconds())
        dropped = view.saturation.dropped_count if view.saturation else 0
        parts = [f"window {text.age(view.window_s)}"]
        if self.is_live:
            parts.append(f"sampled {text.age(age)} ago")
        parts.append(f"{text.count(view.total_requests)} requests, {text.count(dropped)} dropped")
        if self._is_frozen:
            parts.insert(0, "frozen, p goes on")
        focused = self.screen.focused
        if isinstance(focused, Table) and (focused.id or "").startswith("drift"):
            parts = [focused.cursor_row.words] if focused.cursor_row is not None else []
            if not any(parts) and self._drift is not None:
                parts = [self._drift.words]
        self.say(" · ".join(parts))

    def reveal(self, kind: str, name: str) -> None:
        endpoint = name.split("/")[0]
        if endpoint and endpoint != self._endpoint:
            self._endpoint = endpoint
            self._want()

    def _want(self) -> None:
        self._since_drift = DRIFT_EVERY
        self.post_message(
            self.Wants(self, "main", endpoint=self._endpoint, window_s=self._window_s)
        )

    # ------------------------------------------------------------------ what can be done

    def action_freeze(self) -> None:
        """Hold the picture, so that it can be read."""
        self._is_frozen = not self._is_frozen
        if self._is_frozen and self._snapshot and self._snapshot.view:
            self._say(self._snapshot.view, self._snapshot)
        elif not self._is_frozen:
            self._want()

    def action_window(self, direction: int) -> None:
        place = min(range(len(WINDOWS_S)), key=lambda i: abs(WINDOWS_S[i] - self._window_s))
        self._window_s = WINDOWS_S[min(max(place + direction, 0), len(WINDOWS_S) - 1)]
        self._want()

    @on(Table.Opened, "#list")
    def open_endpoint(self, event: Table.Opened) -> None:
        self._endpoint = event.key
        self._want()

    def action_next_chart(self) -> None:
        """Another measure in the chart of a terminal that has room for one."""
        self._chart = CHARTS[(CHARTS.index(self._chart) + 1) % len(CHARTS)]
        if self._snapshot and self._snapshot.view:
            self._show_charts(self._snapshot.view)

    def action_range(self) -> None:
        """Choose the time range from a list."""
        from console.tui.dialogs.menu import Menu

        choices = [Choice(id=f"{each:g}", label=text.age(each)) for each in WINDOWS_S]

        def chosen(choice: Choice | None) -> None:
            if choice is not None:
                self._window_s = float(choice.id)
                self._want()

        self.app.push_screen(Menu("Time range", choices, current=f"{self._window_s:g}"), chosen)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("freeze", "window", "range", "next_chart"):
            has_view = self._snapshot is not None and self._snapshot.view is not None
            return has_view and (action != "next_chart" or self.size_class != "wide")
        return super().check_action(action, parameters)

    def settle(self) -> None:
        self._show_again()

    def on_resize(self) -> None:
        self._show_again()

    def _show_again(self) -> None:
        if self._snapshot is not None and self._snapshot.view is not None:
            view = self._snapshot.view
            self._show_head(view)
            self._show_charts(view)
            self._show_numbers(view, self._snapshot)
            self._say(view, self._snapshot)

    @on(Table.Opened, "#drift, #drift-below")
    def open_column(self, event: Table.Opened) -> None:
        """Draw what the model was trained on and what it is asked now, in the large chart."""
        self._shaped = "" if event.key == self._shaped else event.key
        self._show_again()
        self.refresh_bindings()

    @on(Table.Moved, "#drift, #drift-below")
    @on(events.DescendantFocus)
    def look_at_column(self, event: Table.Moved | events.DescendantFocus) -> None:
        if self._shaped and isinstance(event, Table.Moved) and event.key:
            self._shaped = event.key
        self._show_again()

    @property
    def can_go_back(self) -> bool:
        return bool(self._shaped)

    def go_back(self) -> bool:
        if not self._shaped:
            return False
        self._shaped = ""
        self._show_again()
        self.refresh_bindings()
        return True

    @on(Table.Opened, "#events")
    def open_event(self, event: Table.Opened) -> None:
        self.post_message(self.Jumps(self, f"alert:{event.key}"))

    def actions(self) -> list[Choice]:
        return deeds.choices(self._snapshot.view) if self._snapshot is not None else []

    def choose(self, action: Choice) -> None:
        deeds.do(self, self._snapshot.view if self._snapshot else None, action.id)

    def _event_columns(self) -> list[Column[Alert]]:
        def when(each: Alert) -> str:
            at: datetime = self._snapshot.at if self._snapshot else each.opened_at
            return text.clock(each.opened_at, at)

        return [
            Column(key="when", cell=when, ink="quiet", width=8),
            Column(key="what", cell=lambda each: each.title, least=16, grow=1),
            Column(key="state", cell=lambda each: sign(each.state), width=1),
        ]


_ENDPOINT_FIELDS: dict[str, FilterField[EndpointView]] = {
    "name": FilterField(lambda each: each.endpoint.name),
    "model": FilterField(lambda each: each.endpoint.model),
    "state": FilterField(lambda each: each.endpoint.state),
}
_DRIFT_FIELDS: dict[str, FilterField[ColumnDrift]] = {
    "column": FilterField(lambda each: each.column),
    "verdict": FilterField(lambda each: each.verdict),
    "psi": FilterField(lambda each: each.primary.value, "number"),
}
