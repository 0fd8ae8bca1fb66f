"""The right column of a wide overview: signals, latency, what runs, data by version, people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from console import text
from console.tui.areas.overview.parts import (
    data_columns,
    people_lines,
    running_columns,
    running_second,
)
from console.tui.ink import Line
from console.tui.pictures import Signals, SignalsOf, latency_chart, verdict
from console.tui.widgets.boxes import Stack
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table

if TYPE_CHECKING:
    from console.wire.agent import Overview


class Side(Stack):
    """Everything that explains, beside what needs somebody."""

    DEFAULT_CSS = """
    Side { width: 56; margin: 0 0 0 4; }
    Side #side-chart { height: 11; }
    """

    def compose(self) -> ComposeResult:
        yield Pane("Serving now", Signals(id="signals"), is_stop=False, id="signals-pane")
        yield Pane("Latency", LineChart(id="side-chart"), is_stop=False, id="latency-pane")
        running = Table(running_columns(), key=lambda each: str(each.id), has_head=False,
                        has_cursor=False, second=running_second, id="running")  # fmt: skip
        yield Pane("Running", running, is_stop=False, id="running-pane")
        data = Table(data_columns(), key=lambda each: each.name, has_head=False,
                     has_cursor=False, id="data")  # fmt: skip
        yield Pane("Data", data, facts="rows by version", is_stop=False, id="data-pane")
        yield Pane("People", Lines(id="people"), is_stop=False, id="people-pane")

    def show(self, found: Overview) -> None:
        if not self.query("#people"):
            return  # not composed yet; shown again after the next refresh
        view = found.endpoint
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
