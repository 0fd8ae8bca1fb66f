"""6 Pipelines: the declared way from data to a model, and whether it has to be walked again.

At 80 columns the pipelines, the graph of one and its last runs; a station's text or the rows of a
preview open over them. Wide terminals show those at the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console import text
from console.rules.lifecycle import FINAL
from console.tui.areas.base import Area, AreaEntry, Choice
from console.tui.areas.jobs import runs as run_table
from console.tui.areas.pipelines import deeds, flow, preview
from console.tui.areas.pipelines.flow import Station
from console.tui.ink import Line, Part
from console.tui.signs import said
from console.tui.snapshots.pipelines import Snapshot
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from console.wire.pipelines import PipelineView
from storage.records.jobs import Job
from storage.records.pipelines import Step
from storage.records.runs import Run

Mode = Literal["list", "text", "rows"]


class PipelinesArea(Area):
    """Flows, runs, checks."""

    SPLIT: ClassVar[str] = "#lists"
    help_text: ClassVar[str] = "The declared way from data to a model, checked and trained here."
    help_words: ClassVar[Words] = (
        ("train", "stations that the rows of a training pass"),
        ("serve", "stations that every request passes, the very same text as in training"),
        ("stale", "there is newer data, or another declaration, than the last good run saw"),
        ("check", "runs every step on no rows: names and types, in seconds"),
    )
    DEFAULT_CSS = """
    PipelinesArea Pane { margin: 0 0 1 0; }
    PipelinesArea #list-pane { max-height: 6; }
    PipelinesArea #flow-pane { height: auto; }
    PipelinesArea #runs-pane { height: 1fr; margin: 0; }
    PipelinesArea #runs { height: 1fr; }
    PipelinesArea #side { display: none; }
    PipelinesArea #text-pane, PipelinesArea #rows-pane { display: none; height: 1fr; margin: 0; }
    PipelinesArea #text, PipelinesArea #rows { height: 1fr; }
    PipelinesArea.-text #side, PipelinesArea.-rows #side { display: block; }
    PipelinesArea.-text #text-pane, PipelinesArea.-rows #rows-pane { display: block; }
    PipelinesArea.-narrow.-text #lists, PipelinesArea.-narrow.-rows #lists { display: none; }
    PipelinesArea.-medium.-text #lists, PipelinesArea.-medium.-rows #lists { display: none; }
    PipelinesArea.-wide #side { display: block; margin: 0 0 0 3; }
    PipelinesArea.-wide #text-pane { display: block; margin: 0 0 1 0; }
    PipelinesArea.-wide #rows-pane { display: block; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._name = ""
        """The chosen pipeline; empty = the first."""
        self._mode: Mode = "list"
        self._seen_look = 0
        """The newest preview that was here when the reader came: a newer one opens by itself."""
        self._shown_look = 0
        self._formed: object = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="lists"):
                yield Pane(
                    "Pipelines",
                    Table(self._columns(), key=lambda view: view.pipeline.name, id="list",
                          classes="main", holds_cursor=True, verbs={"open": "stations"}),
                    id="list-pane",
                    help="Every declared pipeline and whether it is up to date.",
                )  # fmt: skip
                yield Pane(
                    "Flow",
                    Table(flow.columns(), key=lambda row: row.key, id="flow",
                          verbs={"open": "text"}),
                    id="flow-pane",
                    help="Stations from the input to the answer; ● is passed by that flow.",
                )  # fmt: skip
                yield Pane(
                    "Last runs",
                    Table(run_table.columns((), None, self._now), key=lambda run: str(run.id),
                          id="runs", verbs={"open": "open"}),
                    id="runs-pane",
                )  # fmt: skip
            with Vertical(id="side"):
                yield Pane(
                    "Text",
                    Table(_text_columns(), key=lambda line: str(line[0]), has_head=False, id="text",
                          verbs={"open": ""}),
                    id="text-pane",
                )  # fmt: skip
                yield Pane(
                    "Rows",
                    Table((), key=lambda row: str(row[0]), id="rows", verbs={"open": ""}),
                    id="rows-pane",
                    help="What came out of the step that was looked at.",
                )  # fmt: skip

    # ------------------------------------------------------------------ what is shown

    def _now(self) -> datetime:
        return self._snapshot.at if self._snapshot else datetime.now(UTC)

    def show(self, snapshot: Snapshot) -> None:
        is_first = self._snapshot is None
        self._snapshot = snapshot
        table = self.query_one("#list", Table)
        table.rows = snapshot.views
        if not snapshot.views:
            self.show_empty()
            return
        stale = sum(view.is_stale for view in snapshot.views)
        self.query_one("#list-pane", Pane).title(
            facts=str(len(snapshot.views)), right=f"{stale} stale" if stale else ""
        )
        if self._name:
            table.cursor_key = self._name
        previews = [job.id for job in snapshot.looks if not flow.is_check(job)]
        if is_first:
            self._seen_look = max(previews, default=0)
        self._show_pipeline()
        if any(id > self._seen_look and self._is_done(id) for id in previews):
            self._seen_look = max(previews)
            self._go("rows")

    def _is_done(self, id: int) -> bool:
        return any(job.id == id and job.state == "succeeded" for job in self._looks())

    def show_empty(self) -> None:
        self.query_one("#list", Table).say(
            Line(("No pipeline is declared.", "bright bold")),
            Line(("A pipeline says which data, steps and estimator make a model.", "quiet")),
            Line(("Declare [pipelines.NAME] in mlops.toml, then ", "quiet"),
                 ("mlops-console pipeline check NAME", "accent")),
        )  # fmt: skip
        for pane in ("#flow-pane", "#runs-pane"):
            self.query_one(pane, Pane).display = False
        self.say("no pipeline · the declaration is read anew when it changes")

    def _show_pipeline(self) -> None:
        view = self.view
        if view is None:
            return
        for each in ("#flow-pane", "#runs-pane"):
            self.query_one(each, Pane).display = True
        check = next((job for job in self._looks() if flow.is_check(job)), None)
        known = check if check is not None and flow.is_current(check, view.pipeline) else None
        self.query_one("#flow", Table).rows = flow.stations(view, known)
        self.query_one("#flow-pane", Pane).title(
            view.pipeline.name, facts=view.pipeline.description,
            right=flow.check_line(check, view.pipeline),
        )  # fmt: skip
        self._show_runs(view)
        self._show_text()
        self._show_rows()
        self._say(view)

    def _show_runs(self, view: PipelineView) -> None:
        table = self.query_one("#runs", Table)
        base = run_table.champion_run(view.runs, (view.champion,))
        declared = view.pipeline.metrics
        form = (run_table.metric_names(view.runs, declared), base, view.pipeline.name)
        if form != self._formed:
            self._formed = form
            table.columns = run_table.columns(view.runs, base, self._now, declared)
        table.rows = view.runs
        if not view.runs:
            table.say(
                Line(("No run yet. ", "ink"), ("x then t trains it.", "quiet")),
                Line(("$ ", "quiet"), (f"mlops-console train {view.pipeline.name}", "accent")),
            )
        running = next((job for job in self._trainings(view)), None)
        right: Part = said(running.state, running.progress.text or running.title) if running else ""
        self.query_one("#runs-pane", Pane).title(
            facts=f"{len(view.runs)}, newest first" if view.runs else "", right=right
        )

    def _trainings(self, view: PipelineView) -> list[Job]:
        found = self._snapshot.trainings if self._snapshot else ()
        name = view.pipeline.name
        return [job for job in found if _pipeline_of(job) == name]

    def _show_text(self) -> None:
        view, row = self.view, self._station()
        if view is None or row is None:
            return
        lines = flow.text_of(row, view.pipeline)
        self.query_one("#text", Table).rows = tuple(enumerate(lines, 1))
        facts = row.step.source if row.step is not None and row.step.sql else row.kind
        flows = {(True, True): "both flows", (True, False): "training only"}
        right = flows.get((row.is_trained, row.is_served), "serving only")
        self.query_one("#text-pane", Pane).title(row.name, facts=facts, right=right)

    def _show_rows(self) -> None:
        table, pane = self.query_one("#rows", Table), self.query_one("#rows-pane", Pane)
        look = next((job for job in self._looks() if not flow.is_check(job)), None)
        if look is None:
            pane.title("Rows", facts="", right="")
            table.say(Line(("x then v looks at rows after a step; nothing is kept.", "quiet")))
            return
        step = look.spec.get("step") or "the last step"
        pane.title("Rows", facts=f"after {step}, {look.spec.get('flow', '')}")
        if look.state != "succeeded":
            pane.title(right="")
            words = look.reason if look.state in FINAL else look.progress.text
            table.say(said(look.state), Line((words, "ink")))
            return
        found = look.result
        pane.title(
            right=f"{text.count(found.get('rows_in'))} rows in, "
            f"{text.count(found.get('rows_out'))} out"
        )
        if self._shown_look != look.id:
            self._shown_look = look.id
            table.rows = ()  # never old rows under new columns
            table.columns = preview.columns(found.get("columns", ()), found.get("rows", ()))
            table.rows = tuple(enumerate(found.get("rows", ()), 1))

    def _say(self, view: PipelineView) -> None:
        if self._mode == "text":
            row = self._station()
            self.say(f"{view.pipeline.name} · {row.name if row else ''} · esc back to the graph")
        elif self._mode == "rows":
            self.say("a preview; ← and → show further columns, nothing of it is kept")
        else:
            self.say(f"{view.pipeline.name} · {flow.reason(view)}")

    # ------------------------------------------------------------------ selection

    @property
    def table(self) -> Table[Any] | None:
        if self._mode == "list":
            return super().table
        return self.query_one(f"#{self._mode}", Table)

    @property
    def view(self) -> PipelineView | None:
        """The chosen pipeline."""
        row: PipelineView | None = self.query_one("#list", Table).cursor_row
        return row

    def _looks(self) -> list[Job]:
        view = self.view
        found = self._snapshot.looks if self._snapshot else ()
        return flow.of_pipeline(found, view.pipeline) if view is not None else []

    def _station(self) -> Station | None:
        row: Station | None = self.query_one("#flow", Table).cursor_row
        return row

    def _step(self) -> Step | None:
        row = self._station()
        return row.step if row is not None else None

    @on(Table.Moved, "#list")
    def _chosen(self, event: Table.Moved) -> None:
        if event.key and event.key != self._name:
            self._name = event.key
            self._show_pipeline()

    @on(Table.Moved, "#flow")
    def _station_chosen(self) -> None:
        self._show_text()

    @on(Table.Opened, "#list")
    def _pipeline_opened(self) -> None:
        self.query_one("#flow", Table).focus()

    @on(Table.Opened, "#flow")
    def _station_opened(self) -> None:
        row, view = self._station(), self.view
        if row is None or view is None:
            return
        if row.key == "input":
            self.post_message(self.Jumps(self, f"data:{view.pipeline.input}"))
        elif row.key == "answer" and view.champion:
            self.post_message(self.Jumps(self, f"model:{view.champion}"))
        else:
            self._go("text")

    @on(Table.Opened, "#runs")
    def _run_opened(self, event: Table.Opened) -> None:
        self.post_message(self.Jumps(self, f"run:{event.key}"))

    def _go(self, mode: Mode) -> None:
        self._mode = mode
        for each in ("text", "rows"):
            self.set_class(each == mode, f"-{each}")
        focus = {"text": "#text", "rows": "#rows", "list": "#flow"}
        self.query_one(focus[mode]).focus()
        if self.view is not None:
            self._say(self.view)

    @property
    def can_go_back(self) -> bool:
        return self._mode != "list"

    def go_back(self) -> bool:
        if self._mode == "list":
            return False
        self._go("list")
        return True

    def reveal(self, kind: str, name: str) -> None:
        self._name = name
        self.query_one("#list", Table).cursor_key = name
        self._show_pipeline()

    def settle(self) -> None:
        self.query_one("#flow", Table).reform(has_head=self.size_class != "narrow")
        if self._snapshot is not None:
            self._show_pipeline()

    # ------------------------------------------------------------------ what can be done

    def actions(self) -> Sequence[Choice]:
        return deeds.choices(self.view, self._step())

    def choose(self, action: Choice) -> None:
        view = self.view
        if view is not None:
            deeds.carry_out(self, action, view, self._step())

    def copies(self) -> Sequence[Choice]:
        view = self.view
        if view is None:
            return ()
        command = f"mlops-console pipeline show {view.pipeline.name}"
        row = self._station()
        shown = "\n".join(flow.text_of(row, view.pipeline)) if row is not None else ""
        return [
            *super().copies(),
            Choice(id="text", label="text of the station", key="t", detail=shown),
            Choice(id="command", label="command", key="c", detail=command),
        ]

    def _columns(self) -> list[Column[PipelineView]]:
        def age(view: PipelineView) -> str:
            at = view.last_run_at
            return text.MISSING if at is None else text.age(
                (self._now() - at).total_seconds(), short=True
            )  # fmt: skip

        def measured(view: PipelineView) -> str:
            last = flow.last_good(view)
            first = run_table.metric_names(view.runs, view.pipeline.metrics)
            name = next((each for each in first if last and each in last.metrics), "")
            if last is None or not name:
                return text.MISSING
            return f"{run_table.head(name)} {run_table.number(last.metrics[name], name)}"

        return [
            Column(key="state", head="state", width=13, is_pinned=True,
                   cell=lambda view: said(*flow.freshness(view)),
                   sort=lambda view: flow.freshness(view)[0] == "ok"),
            Column(key="name", head="pipeline", cell=lambda view: view.pipeline.name, least=10,
                   grow=1, is_name=True, sort=lambda view: view.pipeline.name),
            Column(key="data", head="data", cell=_data_words, rank=40),
            Column(key="run", head="last run", cell=_last_words, rank=45),
            Column(key="metric", head="measured", cell=measured, rank=55),
            Column(key="champion", head="champion", rank=50, ink="quiet",
                   cell=lambda view: view.champion.partition("@")[2] or text.MISSING),
            Column(key="age", head="age", align="right", cell=age, ink="quiet"),
        ]  # fmt: skip


def _data_words(view: PipelineView) -> str:
    version = f"v{view.input_version}" if view.input_version else text.MISSING
    return f"{view.pipeline.input} {version}"


def _last_words(view: PipelineView) -> Part:
    if not view.runs:
        return Line((text.MISSING, "quiet"))
    run: Run = view.runs[0]
    return Line((f"{run.id} ", "ink")) + said(run.state)


def _pipeline_of(job: Job) -> str:
    found: Any = job.spec.get("pipeline")
    return str(found.get("name", "")) if isinstance(found, dict) else str(found or "")


def _text_columns() -> list[Column[tuple[int, str]]]:
    return [
        Column(key="number", cell=lambda line: str(line[0]), align="right", ink="faint"),
        Column(key="text", cell=lambda line: _written(line[1]), least=20, grow=1),
    ]


def _written(line: str) -> Line:
    """A line of a step; its comments in quiet."""
    shown = line.expandtabs(4)
    return Line((shown, "quiet" if shown.lstrip().startswith(("--", "#")) else "ink"))
