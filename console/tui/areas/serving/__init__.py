"""5 Serving: an endpoint as it lives. Latency against its limit is the first thing seen.

Cause and effect stand in one picture: what was changed is a line through the charts. At 80 columns
`tab` leads from the charts to drift and events; wide terminals show everything at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from console import text
from console.tui.areas.base import Area, AreaEntry, Choice
from console.tui.areas.serving.parts import (
    budget,
    drift_columns,
    endpoint_columns,
    errors_right,
    now_rows,
    realised,
    saturation_rows,
    verdict,
    version_columns,
)
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from console.tui.ink import Line
from console.tui.keymaps import bind
from console.tui.pictures import (
    accuracy_chart,
    error_chart,
    latency_chart,
    rate_chart,
    signal_rows,
)
from console.tui.signs import sign
from console.tui.snapshots.serving import Snapshot
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from storage.records.alerts import Alert
from storage.records.drift import DriftReport
from storage.records.endpoints import EndpointView

WINDOWS_S = (300.0, 600.0, 1800.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
DRIFT_EVERY = 10
"""Snapshots between two looks at drift: it moves slowly and costs more."""


class ServingArea(Area):
    """Endpoints, live."""

    help_text: ClassVar[str] = "How an endpoint answers: rate, errors, latency, accuracy, drift."
    help_words: ClassVar[Words] = (
        ("p99", "99 of 100 requests were answered faster"),
        ("limit", "declared latency_limit_ms; beyond it the line changes colour"),
        ("in flight", "requests being answered, of how many may be"),
        ("PSI", "how far a feature moved from training: 0.10 warns, 0.25 fails"),
        ("band", "accuracy estimated without labels, 95 %"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("freeze", "freeze"),
        bind("window-longer", "window(1)"),
        bind("window-shorter", "window(-1)", keys="minus", meaning="a shorter time window"),
    ]
    DEFAULT_CSS = """
    ServingArea #head { height: 1; margin: 0 0 1 0; }
    ServingArea #side { width: 54; margin: 0 0 0 4; display: none; }
    ServingArea.-wide #side { display: block; }
    ServingArea Pane { margin: 0 0 1 0; }
    ServingArea #latency-pane { height: 1fr; min-height: 8; }
    ServingArea #latency { height: 1fr; }
    ServingArea #small { height: auto; display: none; }
    ServingArea.-wide #small { display: block; }
    ServingArea #rate, ServingArea #errors { height: 5; }
    ServingArea #rate-pane { margin: 0 4 1 0; }
    ServingArea #accuracy-pane { display: none; }
    ServingArea.-wide #accuracy-pane, ServingArea.-medium #accuracy-pane { display: block; }
    ServingArea #accuracy { height: 8; }
    ServingArea #now-pane-narrow { display: block; }
    ServingArea.-wide #now-pane-narrow { display: none; }
    ServingArea #drift-narrow-pane { display: block; height: auto; max-height: 8; }
    ServingArea.-wide #drift-narrow-pane { display: none; }
    ServingArea #list-pane { display: none; }
    ServingArea.-many #list-pane { display: block; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._drift: DriftReport | None = None
        self._endpoint = ""
        self._window_s = 1800.0
        self._since_drift = DRIFT_EVERY
        self._is_frozen = False

    def compose(self) -> ComposeResult:
        yield Lines(id="head")
        with Horizontal():
            with Vertical():
                yield Pane(
                    "Endpoints",
                    Table(endpoint_columns(), key=lambda each: each.endpoint.name,
                          id="list", classes="main"),
                    id="list-pane",
                )  # fmt: skip
                yield Pane("Latency", LineChart(id="latency"), id="latency-pane",
                           help="p50, p95 and p99 with the limit; deploys are lines.")  # fmt: skip
                with Horizontal(id="small"):
                    yield Pane("Rate", LineChart(id="rate"), facts="req/s", id="rate-pane")
                    yield Pane("Errors", LineChart(id="errors"), facts="% of requests",
                               id="errors-pane")  # fmt: skip
                yield Pane("Accuracy", LineChart(id="accuracy"), id="accuracy-pane")
                yield Pane("Now", Lines(id="now-narrow"), is_stop=False, id="now-pane-narrow")
                yield Pane(
                    "Drift by column",
                    Table(drift_columns(is_wide=False), key=lambda each: each.column,
                          has_head=False, id="drift-narrow"),
                    id="drift-narrow-pane",
                )  # fmt: skip
            with Vertical(id="side"):
                yield Pane("Now", Lines(id="now"), is_stop=False, right="limit", id="now-pane")
                yield Pane("Saturation", Lines(id="saturation"), facts="warn 0.70, fail 0.90",
                           is_stop=False, id="saturation-pane")  # fmt: skip
                yield Pane(
                    "Versions",
                    Table(version_columns(), key=lambda each: str(each.version),
                          has_cursor=False, id="versions"),
                    is_stop=False,
                    id="versions-pane",
                )  # fmt: skip
                yield Pane(
                    "Drift by column",
                    Table(drift_columns(is_wide=True), key=lambda each: each.column,
                          has_head=False, id="drift"),
                    id="drift-pane",
                )  # fmt: skip
                yield Pane(
                    "Events",
                    Table(self._event_columns(), key=lambda each: str(each.id), has_head=False,
                          id="events"),
                    id="events-pane",
                )  # fmt: skip

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
        if view is None:
            self.show_empty()
            return
        self.set_class(len(snapshot.endpoints) > 1, "-many")
        self._endpoint = view.endpoint.name
        self._show_head(view)
        self._show_charts(view)
        self._show_numbers(view, snapshot)
        self._ask_drift(view)
        self._say(view, snapshot)

    def show_empty(self) -> None:
        self.query_one("#head", Lines).data = (
            Line(("Nothing is served yet.", "bright bold"),
                 ("  Serve a promoted model: ", "quiet"),
                 ("mlops-console endpoint start NAME", "accent")),
        )  # fmt: skip
        for chart in self.query(LineChart):
            chart.data = None
        self.say("no endpoint · an endpoint answers over HTTP and reports here")

    def _show_head(self, view: EndpointView) -> None:
        endpoint = view.endpoint
        routes = "   ".join(
            f"v{route.version} {route.name} "
            + ("shadow" if route.is_shadow else text.percent(route.weight, 0))
            for route in endpoint.routes
        )
        left = Line((endpoint.name, "bright bold"),
                    (f"   http {endpoint.host}:{endpoint.port}   {routes}", "quiet"))  # fmt: skip
        right = verdict(view)
        room = max(1, self.size.width - left.width - right.width - 2)
        self.query_one("#head", Lines).data = (left + " " * room + right,)

    def _show_charts(self, view: EndpointView) -> None:
        window = text.age(view.window_s)
        self.query_one("#latency-pane", Pane).title(facts=f"ms · {window}", right=budget(view))
        self.query_one("#latency", LineChart).data = latency_chart(view)
        if self.size_class == "wide":
            now = view.now
            self.query_one("#rate-pane", Pane).title(
                right=text.fixed(now.rate, 0) if now else text.MISSING
            )
            self.query_one("#rate", LineChart).data = rate_chart(view)
            self.query_one("#errors-pane", Pane).title(right=errors_right(view))
            self.query_one("#errors", LineChart).data = error_chart(view)
        if self.size_class != "narrow":
            self.query_one("#accuracy-pane", Pane).title(
                view.accuracy_metric.replace("_", " ").capitalize(),
                facts="band: estimated without labels, 95 %",
                right=realised(view),
            )
            self.query_one("#accuracy", LineChart).data = accuracy_chart(view)

    def _show_numbers(self, view: EndpointView, snapshot: Snapshot) -> None:
        self.query_one("#list", Table).rows = snapshot.endpoints
        narrow = max(40, self.size.width - 4)
        self.query_one("#now", Lines).data = tuple(now_rows(view, 50))
        self.query_one("#now-narrow", Lines).data = tuple(signal_rows(view, narrow))
        self.query_one("#saturation", Lines).data = tuple(saturation_rows(view, 50))
        leader = view.saturation.leader[0] if view.saturation else ""
        self.query_one("#saturation-pane", Pane).title(right=f"{leader} leads" if leader else "")
        self.query_one("#versions", Table).rows = view.versions
        events = self.query_one("#events", Table)
        events.rows = snapshot.alerts[:8]
        if not snapshot.alerts:
            events.say(Line(("No alert yet.", "quiet")))

    def _ask_drift(self, view: EndpointView) -> None:
        self._since_drift += 1
        if self._since_drift >= DRIFT_EVERY and view.total_requests:
            self._since_drift = 0
            self.post_message(
                self.Wants(self, "drift", endpoint=self._endpoint, window_s=self._window_s)
            )

    def show_part(self, what: str, value: Any) -> None:
        self._drift = value
        moved = [each for each in value.columns if each.verdict in ("warn", "fail")]
        for pane_id, table_id, most in (
            ("#drift-pane", "#drift", 9),
            ("#drift-narrow-pane", "#drift-narrow", 5),
        ):
            table = self.query_one(table_id, Table)
            table.rows = value.columns[:most]
            facts = f"PSI · {len(moved)} of {len(value.columns)} moved"
            self.query_one(pane_id, Pane).title(facts=facts, right="warn 0.10   fail 0.25")

    def _say(self, view: EndpointView, snapshot: Snapshot) -> None:
        age = 0.0
        if view.sampled_at is not None:
            age = max(0.0, (snapshot.at - view.sampled_at).total_seconds())
        dropped = view.saturation.dropped_count if view.saturation else 0
        parts = [f"window {text.age(view.window_s)}", f"sampled {text.age(age)} ago"]
        parts.append(f"{text.count(view.total_requests)} requests, {text.count(dropped)} dropped")
        if self._is_frozen:
            parts.insert(0, "frozen, p goes on")
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

    @on(Table.Opened, "#events")
    def open_event(self, event: Table.Opened) -> None:
        self.post_message(self.Jumps(self, f"alert:{event.key}"))

    def actions(self) -> list[Choice]:
        view = self._snapshot.view if self._snapshot else None
        if view is None:
            return []
        name, model = view.endpoint.name, view.endpoint.model
        is_running = view.endpoint.state in ("ready", "starting")
        command = "mlops-console"
        return [
            Choice(id="rollback_model", label=f"roll {model} back to the version before", key="b",
                   command=f"{command} model rollback {model}"),
            Choice(id="set_traffic", label="share the traffic between versions", key="t",
                   command=f"{command} endpoint traffic {name} champion=90 latest=10"),
            Choice(id="start_training", label=f"train {model} on the latest data", key="r",
                   command=f"{command} train {model}"),
            Choice(id="stop_endpoint", label=f"stop {name}", key="s", is_destructive=True,
                   command=f"{command} endpoint stop {name}",
                   why_not="" if is_running else "it does not run"),
            Choice(id="start_endpoint", label=f"start {name}", key="g",
                   command=f"{command} endpoint start {name}",
                   why_not="it runs already" if is_running else ""),
        ]  # fmt: skip

    def choose(self, action: Choice) -> None:
        view = self._snapshot.view if self._snapshot else None
        if view is None:
            return
        name, model = view.endpoint.name, view.endpoint.model
        if action.id == "rollback_model":
            question = Question(
                sentence=f"Roll {model} back to the version before?",
                facts=(("changes", f"endpoint {name} answers with the earlier version at once"),
                       ("undo", "promote the present version again")),
                fields=(Field(id="reason", label="reason"),),
                yes="roll back",
            )  # fmt: skip
            self.post_message(self.Acts(self, action.id, ask=question, model=model))
        elif action.id == "set_traffic":
            self._ask_traffic(view)
        elif action.id == "start_training":
            self.post_message(self.Acts(self, action.id, pipeline=model, params={}, data={}))
        elif action.id == "stop_endpoint":
            question = Question(
                sentence=f"Stop endpoint {name}?",
                facts=(("changes", "requests are refused until it is started again"),
                       ("undo", f"mlops-console endpoint start {name}")),
                yes="stop it",
            )  # fmt: skip
            self.post_message(self.Acts(self, action.id, ask=question, endpoint=name))
        else:
            self.post_message(self.Acts(self, action.id, endpoint=name))

    def _ask_traffic(self, view: EndpointView) -> None:
        """A canary in one question: the newest version gets a tenth."""
        from console.tui.dialogs.form import Form

        name = view.endpoint.name
        now = ", ".join(f"v{r.version} {text.percent(r.weight, 0)}" for r in view.endpoint.routes)
        form = Form(
            f"Share the traffic of {name}",
            (
                Field(id="version", label="version", value="latest", is_required=True,
                      hint="v5, latest, challenger"),
                Field(id="percent", label="percent", value="10", is_required=True,
                      check=_percent_fault),
            ),
            facts=(("now", now), ("undo", f"mlops-console endpoint traffic {name} champion=100")),
            yes="share it",
        )  # fmt: skip

        def answered(answer: Any) -> None:
            if answer is None:
                return
            share = float(answer.values["percent"])
            weights = {"champion": 100.0 - share, answer.values["version"]: share}
            self.post_message(self.Acts(self, "set_traffic", endpoint=name, weights=weights))

        self.app.push_screen(form, answered)

    def _event_columns(self) -> list[Column[Alert]]:
        def when(each: Alert) -> str:
            at: datetime = self._snapshot.at if self._snapshot else each.opened_at
            return text.clock(each.opened_at, at)

        return [
            Column(key="when", cell=when, ink="quiet", width=8),
            Column(key="what", cell=lambda each: each.title, least=16, grow=1),
            Column(key="state", cell=lambda each: sign(each.state), width=1),
        ]


def _percent_fault(value: str) -> str:
    try:
        share = float(value)
    except ValueError:
        return "a number from 0 to 100"
    return "" if 0 <= share <= 100 else "a number from 0 to 100"
