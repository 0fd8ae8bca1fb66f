"""1 Overview: the short list of what needs a person, every stage in a line, what is served now.

Healthy things are quiet. With nothing to do the first list is one line and the chart grows; in an
empty workspace four first steps stand there instead and tick themselves.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from console import text
from console.tui.areas.base import Area, AreaEntry, Choice
from console.tui.areas.overview.first_steps import FirstSteps
from console.tui.areas.overview.parts import (
    action_columns,
    folded,
    need_columns,
    need_second,
    rate_and_errors,
    said_right,
    stage_columns,
)
from console.tui.areas.overview.side import Side
from console.tui.keymaps import bind
from console.tui.pictures import accuracy_chart, latency_chart
from console.tui.signs import said
from console.tui.widgets.boxes import Row, Stack
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.table import Table

if TYPE_CHECKING:
    from console.tui.snapshots.overview import Snapshot

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
    OverviewArea Side { display: none; }
    OverviewArea.-wide Side { display: block; }
    OverviewArea Pane { margin: 0 0 1 0; }
    OverviewArea #chart-pane { height: 1fr; margin: 0; }
    OverviewArea.-wide #chart-pane { margin: 0 0 1 0; max-height: 15; }
    OverviewArea #chart { height: 1fr; max-height: 14; }
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
        with Row(id="full"), Stack(id="main"):
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
            for side in self.query(Side):
                side.show(snapshot.overview)
            self._say(snapshot)
        if was_empty != found.is_empty or self.screen.focused is None:
            for table in self.query("#first" if found.is_empty else "#needs"):
                table.focus()

    def _show_first_steps(self, snapshot: Snapshot) -> None:
        shown = self.query(FirstSteps)
        if not shown:
            self.mount(FirstSteps(), before=0)  # made only where it is needed
            self.call_after_refresh(self._show_again)
        for first in shown:
            first.show(snapshot.overview.first_steps, is_wide=self.size_class == "wide")
            if self.screen.focused is None:
                first.query_one("#first", Table).focus()
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
        if is_wide and not self.query(Side):
            self.query_one("#full", Row).mount(Side())  # made only where there is room for it
            self.call_after_refresh(self._show_again)
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
        if event.table.id == "first" and row is not None:
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
        from console.tui.areas import adding_data

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
            from console.tui.areas import adding_data

            adding_data.ask_files(self, "")
        elif endpoint is not None and action.id == "start_training":
            self.post_message(
                self.Acts(self, action.id, pipeline=endpoint.model, params={}, data={})
            )
        elif endpoint is not None:
            from console.tui.areas.questions import rollback

            question = rollback(endpoint.model, f"endpoint {endpoint.name}")
            self.post_message(self.Acts(self, action.id, ask=question, model=endpoint.model))
