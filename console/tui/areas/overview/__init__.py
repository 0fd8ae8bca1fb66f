"""1 Overview: the short list of what needs a person, every stage in a line, what is served now.

Healthy things are quiet. With nothing to do the first list is one line and the chart grows; in an
empty workspace four first steps stand there instead and tick themselves.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from console import text
from console.tui.areas import adding_data
from console.tui.areas.base import Area, AreaEntry, Choice
from console.tui.areas.overview.first_steps import FirstSteps
from console.tui.areas.overview.parts import (
    action_columns,
    data_columns,
    folded,
    need_columns,
    need_second,
    people_lines,
    rate_and_errors,
    running_columns,
    running_second,
    said_right,
    stage_columns,
)
from console.tui.ink import Line
from console.tui.keymaps import bind
from console.tui.pictures import Signals, SignalsOf, accuracy_chart, latency_chart, verdict
from console.tui.signs import said
from console.tui.snapshots.overview import Snapshot
from console.tui.widgets.boxes import Row, Stack
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.wire.agent import FirstStep

TREND_CELLS, TREND_CELLS_NARROW = 11, 7
_CHART_ROWS = 8
"""Rows that the chart keeps on a small terminal: heading, plot and times."""


class OverviewArea(Area):
    """The first screen."""

    help_text: ClassVar[str] = "What needs you, how every stage stands, what is being served."
    help_words: ClassVar[Words] = (
        ("needs you", "worst first; enter opens the cause"),
        ("stages", "the way from data to monitoring, in the order of work"),
        ("p99", "99 of 100 requests were answered faster"),
        ("band", "accuracy estimated without labels, 95 %"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("demo", "demo", keys="d", verb="demo", meaning="open the demo", place=12, rank=2),
    ]
    DEFAULT_CSS = """
    OverviewArea #side { display: none; width: 56; margin: 0 0 0 4; }
    OverviewArea.-wide #side { display: block; }
    OverviewArea Pane { margin: 0 0 1 0; }
    OverviewArea #chart-pane { height: 1fr; margin: 0; }
    OverviewArea.-wide #chart-pane { margin: 0 0 1 0; max-height: 15; }
    OverviewArea #chart { height: 1fr; max-height: 14; }
    OverviewArea #side-chart { height: 11; }
    OverviewArea #actions-pane { display: none; }
    OverviewArea.-wide #actions-pane { display: block; }
    OverviewArea FirstSteps { display: none; }
    OverviewArea.-empty FirstSteps { display: block; }
    OverviewArea.-wide FirstSteps { margin: 5 0 0 0; }
    OverviewArea.-wide FirstSteps #where-pane { display: block; }
    OverviewArea.-empty { align-horizontal: center; }
    OverviewArea.-empty #full { display: none; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None

    def compose(self) -> ComposeResult:
        yield FirstSteps()
        with Row(id="full"):
            with Stack(id="main"):
                needs = Table(
                    need_columns(self._now), key=lambda each: each.target or each.title,
                    has_head=False, id="needs", classes="main",
                )  # fmt: skip
                yield Pane("Needs you", needs, id="needs-pane",
                           help="What waits for a person, worst first.")  # fmt: skip
                stages = Table(
                    stage_columns(self._now, TREND_CELLS), key=lambda each: each.stage,
                    has_head=False, id="stages",
                )  # fmt: skip
                yield Pane("Stages", stages, id="stages-pane",
                           help="How every stage stands; enter goes there.")  # fmt: skip
                yield Pane("Serving now", LineChart(id="chart"), is_stop=False, id="chart-pane")
                actions = Table(action_columns(self._now), key=lambda each: str(each.seq),
                                has_head=False, has_cursor=False, id="actions")  # fmt: skip
                yield Pane("Last actions", actions, right="@ all, with commands", is_stop=False,
                           id="actions-pane")  # fmt: skip
            with Stack(id="side"):
                yield Pane("Serving now", Signals(id="signals"), is_stop=False, id="signals-pane")
                yield Pane("Latency", LineChart(id="side-chart"), is_stop=False, id="latency-pane")
                running = Table(running_columns(), key=lambda each: str(each.id), has_head=False,
                                has_cursor=False, second=running_second, id="running")  # fmt: skip
                yield Pane("Running", running, is_stop=False, id="running-pane")
                data = Table(data_columns(), key=lambda each: each.name, has_head=False,
                             has_cursor=False, id="data")  # fmt: skip
                yield Pane("Data", data, facts="rows by version", is_stop=False, id="data-pane")
                yield Pane("People", Lines(id="people"), is_stop=False, id="people-pane")

    def _now(self) -> datetime | None:
        return self._snapshot.at if self._snapshot else None

    # ------------------------------------------------------------------ what is shown

    def show(self, snapshot: Snapshot) -> None:
        was_empty = self.has_class("-empty")
        self._snapshot = snapshot
        found = snapshot.overview
        self.set_class(found.is_empty, "-empty")
        if found.is_empty:
            self._show_first_steps(snapshot)
        else:
            self._show_needs(snapshot)
            self._show_serving(snapshot)
            self._show_side(snapshot)
            self._say(snapshot)
        if was_empty != found.is_empty or self.screen.focused is None:
            self.query_one("#first" if found.is_empty else "#needs", Table).focus()

    def _show_first_steps(self, snapshot: Snapshot) -> None:
        steps = snapshot.overview.first_steps
        self.query_one(FirstSteps).show(steps, is_wide=self.size_class == "wide")
        self.say(f"empty workspace {snapshot.overview.status.workspace} · x adds data")

    def _show_needs(self, snapshot: Snapshot) -> None:
        found = snapshot.overview
        needs = self.query_one("#needs", Table)
        needs.rows = found.needs
        if not found.needs:
            needs.say(said("ok", "Nothing needs you."))
        self.query_one("#needs-pane", Pane).title(facts=str(len(found.needs) or ""))
        self.query_one("#stages", Table).rows = folded(found.stages, self._room_for_stages())
        self.query_one("#actions", Table).rows = found.actions[:6]

    def _room_for_stages(self) -> int:
        """On a small terminal the healthy ones share a line, so that the chart can be read."""
        if self.size_class == "wide" or self._snapshot is None:
            return len(self._snapshot.overview.stages) if self._snapshot else 0
        needs = max(1, len(self._snapshot.overview.needs))
        return max(3, self.size.height - (needs + 2) - 2 - _CHART_ROWS)

    def _show_serving(self, snapshot: Snapshot) -> None:
        view = snapshot.overview.endpoint
        pane = self.query_one("#chart-pane", Pane)
        chart = self.query_one("#chart", LineChart)
        if view is None:
            pane.title("Serving now", facts="nothing is served", right="")
            chart.data = None
        elif self.size_class == "wide":
            pane.title(
                "Is it still right?",
                facts=f"{view.endpoint.name} · {view.accuracy_metric}, band: estimated 95 %",
                right=said_right(view),
            )
            chart.data = accuracy_chart(view)
        else:
            pane.title(
                "Serving now",
                facts=f"{view.endpoint.name} · latency ms · {text.age(view.window_s)}",
                right=rate_and_errors(view),
            )
            chart.data = latency_chart(view)

    def _show_side(self, snapshot: Snapshot) -> None:
        found, view = snapshot.overview, snapshot.overview.endpoint
        pane = self.query_one("#signals-pane", Pane)
        signals = self.query_one("#signals", Signals)
        latency = self.query_one("#side-chart", LineChart)
        if view is None:
            pane.title(facts="nothing is served", right="")
            signals.data, latency.data = None, None
        else:
            pane.title(facts=view.endpoint.name, right=verdict(view))
            signals.data = SignalsOf(view=view)
            facts = f"ms · {text.age(view.window_s)}"
            self.query_one("#latency-pane", Pane).title(facts=facts)
            latency.data = latency_chart(view)
        running = self.query_one("#running", Table)
        running.rows = found.running
        if not found.running:
            running.say(Line(("No job runs.", "quiet")))
        queued = f"{found.queued_count} queued" if found.queued_count else ""
        number = str(len(found.running) or "")
        self.query_one("#running-pane", Pane).title(facts=number, right=queued)
        data = self.query_one("#data", Table)
        data.rows = found.data
        if not found.data:
            data.say(Line(("No data yet.", "quiet")))
        self.query_one("#people", Lines).data = tuple(people_lines(found))
        self.query_one("#people-pane", Pane).title(facts=str(len(found.people)))

    def _say(self, snapshot: Snapshot) -> None:
        found = snapshot.overview
        count = len(found.needs)
        needs = f"{text.counted(count, 'thing needs', 'things need')} you"
        parts = [needs if count else "nothing needs you"]
        if found.status.declaration_error:
            parts.append(f"mlops.toml: {found.status.declaration_error}")
        parts += found.status.warnings
        if found.status.mode == "demo":
            parts.append("demo data, real training, real requests")
        parts.append("all times UTC")
        self.say(" · ".join(parts))

    def settle(self) -> None:
        is_wide = self.size_class == "wide"
        needs = self.query_one("#needs", Table)
        needs.reform(second=need_second if is_wide else None, is_airy=is_wide)
        stages = self.query_one("#stages", Table)
        stages.reform(has_head=is_wide)
        cells = TREND_CELLS_NARROW if self.size_class == "narrow" else TREND_CELLS
        stages.columns = stage_columns(self._now, cells)
        self._show_again()

    def on_resize(self) -> None:
        self._show_again()

    def _show_again(self) -> None:
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

    def action_demo(self) -> None:
        """Leave this workspace for the demo."""
        self.post_message(self.Acts(self, "open_demo"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "demo":
            return self.has_class("-empty")
        return super().check_action(action, parameters)

    def actions(self) -> list[Choice]:
        found = self._snapshot.overview if self._snapshot else None
        if found is None:
            return []
        choices = [adding_data.add_choice("")]
        if found.endpoint is not None:
            model = found.endpoint.endpoint.model
            choices += [
                Choice(id="start_training", label=f"train {model} on the latest data", key="t",
                       command=f"mlops-console train {model}"),
                Choice(id="rollback_model", label=f"roll {model} back to the version before",
                       key="b", command=f"mlops-console model rollback {model}",
                       is_destructive=True),
            ]  # fmt: skip
        return choices

    def choose(self, action: Choice) -> None:
        found = self._snapshot.overview if self._snapshot else None
        endpoint = found.endpoint.endpoint if found is not None and found.endpoint else None
        if action.id == "add_data":
            adding_data.ask_files(self, "")
        elif endpoint is not None and action.id == "start_training":
            self.post_message(
                self.Acts(self, action.id, pipeline=endpoint.model, params={}, data={})
            )
        elif endpoint is not None:
            from console.tui.areas.questions import rollback

            question = rollback(endpoint.model, f"endpoint {endpoint.name}")
            self.post_message(self.Acts(self, action.id, ask=question, model=endpoint.model))
