"""3 Jobs: what runs and when it ends; then every run against the baseline, and what made it so.

At 80 columns a list that opens one run, a comparison or a log over the whole body; wide terminals
keep the list and show the comparison of what is marked, or of the run at the cursor, beside it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from console import text
from console.tui.areas.base import Area, AreaEntry, Choice
from console.tui.areas.jobs import compare, deeds, queue, runs, shape
from console.tui.areas.jobs.compare_page import ComparePage
from console.tui.areas.jobs.diff_page import DiffPage
from console.tui.areas.jobs.live_pane import LivePane
from console.tui.areas.jobs.log_pane import LogPane
from console.tui.areas.jobs.run_page import RunPage
from console.tui.areas.jobs.runs_pane import RunsPane
from console.tui.ink import Line, Part
from console.tui.keymaps import bind
from console.tui.signs import BASELINE
from console.tui.snapshots.jobs import Comparison, RunView, Snapshot
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.table import Table
from storage.records.jobs import Job
from storage.records.runs import Run

COMPARED_AT_MOST = 12
Mode = Literal["list", "run", "compare", "diff", "log"]


class JobsArea(Area):
    """Queue, runs, comparison, log."""

    SPLIT: ClassVar[str] = "#lists"
    help_text: ClassVar[str] = "What runs and when it ends; every run against the baseline."
    help_words: ClassVar[Words] = shape.WORDS
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("compare", "compare"),
        bind("follow", "follow"),
        bind("jobs.equal", "equal", "all rows", keys="equals_sign",
             meaning="show or hide what is equal in all runs", place=15, rank=3),
        bind("jobs.aggregate", "aggregate", "last, best", keys="a",
             meaning="what stands for a curve: its last, smallest, largest, best value",
             place=16, rank=9),
        bind("jobs.diff", "diff", "made with", keys="d",
             meaning="data, declaration and code of two runs, line by line", place=17, rank=9),
    ]  # fmt: skip
    DEFAULT_CSS = shape.CSS

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._mode: Mode = "list"
        self._before: Mode = "list"
        """Where `esc` in a log leads."""
        self._pinned = 0
        """The baseline that the reader chose; 0 = the champion's run."""
        self._run_id = 0
        self._job_id = 0
        """Whose log the reader opened; 0 = what runs."""
        self._run: RunView | None = None
        self._found: Comparison | None = None
        self._ids: tuple[int, ...] = ()
        """Compared now, the baseline first."""
        self._awaited: tuple[str, str] | None = None
        """What somebody jumped to before the snapshot was here."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="lists"):
                yield Pane(
                    "Queue",
                    Table(queue.columns(self._now), key=lambda job: str(job.id), has_head=False,
                          id="queue", fields=queue.FIELDS, verbs={"open": "log"}),
                    id="queue-pane",
                    help="What runs, what waits in the order it will start, then what ended.",
                )  # fmt: skip
                yield RunsPane(self._now)
                yield LivePane()
                yield LogPane()
            with Vertical(id="side"):
                yield ComparePage(id="compare")
                yield RunPage(id="run")
                yield DiffPage(id="diff-page")

    # ------------------------------------------------------------------ what is shown

    def _now(self) -> datetime:
        return self._snapshot.at if self._snapshot else datetime.now(UTC)

    def show(self, snapshot: Snapshot) -> None:
        if self._snapshot is None and self.query_one("#queue").has_focus:
            self.query_one("#runs").focus()
        self._snapshot = snapshot
        self.query_one(LogPane).usage.take(snapshot.jobs)
        self._show_queue(snapshot)
        self._show_runs(snapshot)
        if self._awaited is not None:
            awaited, self._awaited = self._awaited, None
            self.reveal(*awaited)
        self._want_more()
        self._say()

    def _show_queue(self, snapshot: Snapshot) -> None:
        table = self.query_one("#queue", Table)
        table.rows = snapshot.jobs
        if not snapshot.jobs:
            table.say(Line(("Nothing waits. Everything long runs here: data, training, replay.",
                            "quiet")))  # fmt: skip
        self.query_one("#queue-pane", Pane).title(
            facts=queue.heading(snapshot.jobs), right=queue.ended_words(snapshot.jobs)
        )

    def _show_runs(self, snapshot: Snapshot) -> None:
        pane = self.query_one(RunsPane)
        pane.show(snapshot.runs, self._base(), snapshot.metrics, snapshot.views)
        if not snapshot.runs:
            self.show_empty()

    def show_empty(self) -> None:
        self.query_one("#runs", Table).say(
            Line(("No run yet.", "bright bold")),
            Line(("A run is one training: what it used, how it learned, what it gave.", "quiet")),
            Line(("$ ", "quiet"), ("mlops-console train PIPELINE", "accent"),
                 ("   or 6, where a pipeline has its train action", "quiet")),
        )  # fmt: skip

    def show_note(self, *note: Part) -> None:
        """What could not be read is said where the runs would be."""
        self.query_one("#runs", Table).say(*note)
        self.query_one("#queue", Table).say(Line((text.MISSING, "quiet")))

    def _say(self) -> None:
        snapshot, base = self._snapshot, self._base()
        if snapshot is None:
            return
        if self._mode == "compare" and self._found is not None:
            self.say(compare.hidden_words(self._found, is_all=self.query_one(ComparePage).is_all))
            return
        if self._mode == "run" and self._run is not None:
            self.say(f"run {self._run_id} · tab goes on to what it was made from · f its log")
            return
        if self._mode == "diff":
            self.say("what they were made with · esc goes back to what it did")
            return
        if self._mode == "log":
            job, words = self.job_here(), self.query_one(LogPane).words
            reason = job.reason if job is not None else ""
            self.say(Line(("✗ ", "fail"), reason) if reason else words)
            return
        table = self.query_one("#runs", Table)
        parts = [text.counted(len(snapshot.runs), "run")]
        if table.filter_text:
            parts.append(f"{text.count(table.hits)} match {table.filter_text}")
        if table.marked:
            parts.append(f"{len(table.marked)} marked")
        if base is not None:
            parts.append(f"{BASELINE} {base.id} is the baseline")
        elif snapshot.runs:
            parts.append("no baseline, b pins one")
        self.say(" · ".join(parts))

    # ------------------------------------------------------------------ baseline and selection

    @property
    def table(self) -> Table[Any] | None:
        """The one that is meant by filter, sort and copy: none in a log."""
        places = {"run": "#results", "compare": "#compare-table", "diff": "#diff"}
        if self._mode in places:
            return self.query_one(places[self._mode], Table)
        return None if self._mode == "log" else super().table

    def _base(self) -> Run | None:
        snapshot = self._snapshot
        if snapshot is None:
            return None
        chosen = next((run for run in snapshot.runs if run.id == self._pinned), None)
        return chosen or runs.champion_run(snapshot.runs, snapshot.champions)

    def _cursor_run(self) -> Run | None:
        row: Run | None = self.query_one("#runs", Table).cursor_row
        return row

    def run_here(self) -> Run | None:
        """The run that keys and actions mean."""
        if self._mode == "run" and self._run is not None:
            return self._run.detail.run
        if self.query_one("#queue", Table).has_focus or self._mode == "log":
            job = self.job_here()
            return self._run_of(job.id) if job is not None else None
        return self._cursor_run()

    def job_here(self) -> Job | None:
        """The job that keys and actions mean; that of the run where a run is meant."""
        if self._mode == "log":
            return self._job(self.query_one(LogPane).view.job_id)
        table = self.query_one("#queue", Table)
        if self._mode == "list" and table.has_focus:
            row: Job | None = table.cursor_row
            return row
        run = self.run_here()
        return self._job(run.job_id) if run is not None else None

    def _job(self, id: int) -> Job | None:
        found = self._snapshot.jobs if self._snapshot else ()
        return next((job for job in found if job.id == id), None)

    def _run_of(self, job_id: int) -> Run | None:
        found = self._snapshot.runs if self._snapshot else ()
        return next((run for run in found if run.job_id == job_id), None)

    def _wanted_ids(self) -> tuple[int, ...]:
        """What a comparison would hold: the baseline, then what is marked or under the cursor."""
        base = self._base()
        marked = [run.id for run in self.query_one("#runs", Table).marked_rows]
        here = self.run_here() if self._mode == "run" else self._cursor_run()
        if not marked and here is not None:
            marked = [here.id]
            if base is None and self._snapshot is not None:
                base = runs.earlier_run(self._snapshot.runs, here)
        first = [base.id] if base is not None else []
        return tuple(dict.fromkeys([*first, *marked]))[:COMPARED_AT_MOST]

    # ------------------------------------------------------------------ what is asked for

    def _want_more(self) -> None:
        """Ask for what stands beside the lists: comparison, curve, log."""
        if self.size_class == "wide" and self._mode not in ("compare", "diff"):
            self._want_compare(self._wanted_ids())
        if self.size_class == "wide":
            self._want_curve()
            self._want_log()
        elif self._mode == "log":
            self._read_on()

    def _want_compare(self, ids: tuple[int, ...]) -> None:
        if len(ids) < 2:
            self._ids, self._found = (), None
            self.refresh_bindings()
            self.query_one(ComparePage).show_nothing(
                ids[0] if ids and self._base() else 0,
                has_runs=bool(self._snapshot and self._snapshot.runs),
            )
        elif ids != self._ids:
            self._ids = ids
            self.post_message(self.Wants(self, "compare", ids=ids))

    def _want_curve(self) -> None:
        found = self._snapshot.runs if self._snapshot else ()
        running = next((run for run in found if run.state == "running"), None)
        run = running or self._cursor_run()
        if self.query_one(LivePane).show(run, self._job(run.job_id) if run else None, self._now()):
            self.post_message(self.Wants(self, "curve", id=run.id if run else 0))

    def _want_log(self) -> None:
        """Whose log is shown: the opened one, else what runs, else the run at the cursor."""
        active = (
            [job.id for job in self._snapshot.jobs if job.state == "running"]
            if (self._snapshot)
            else []
        )
        run = self._cursor_run()
        id = self._job_id or (active[0] if active else run.job_id if run is not None else 0)
        if id:
            self._open_log(id)

    def _open_log(self, id: int) -> None:
        self.query_one(LogPane).open(id, self._job(id))

    def _read_on(self) -> None:
        pane = self.query_one(LogPane)
        pane.read_on(self._job(pane.view.job_id))

    @on(LogPane.Wanted)
    def _log_wanted(self, event: LogPane.Wanted) -> None:
        if self.display and (self.size_class == "wide" or self._mode == "log"):
            self.post_message(self.Wants(self, "log", id=event.job_id, start=event.start))

    # ------------------------------------------------------------------ what comes

    def show_part(self, what: str, value: Any) -> None:
        if what == "compare":
            self._found = value
            declared = self._snapshot.metrics if self._snapshot else ()
            self.query_one(ComparePage).show(value, declared)
            self.refresh_bindings()
        elif what == "run":
            self._run = value
            self.query_one(RunPage).show(value, self._now())
        elif what == "diff":
            self.query_one(DiffPage).show(value)
        elif what == "curve":
            self.query_one(LivePane).show_curve(value)
        elif what == "log":
            self.query_one(LogPane).take(value, self._job(value.id))
        self._say()

    # ------------------------------------------------------------------ moving about

    def _go(self, mode: Mode) -> None:
        opened_over = {"log": ("run",), "diff": ("compare", "run")}.get(mode, ())
        self._before = self._mode if self._mode in opened_over else "list"
        self._mode = mode
        for each in ("run", "compare", "diff", "log"):
            self.set_class(each == mode, f"-{each}")
        focus = {"run": "#results", "compare": "#compare-table", "diff": "#diff", "log": "#log",
                 "list": "#runs"}  # fmt: skip
        self.query_one(focus[mode]).focus()
        self._say()

    def open_run(self, id: int) -> None:
        """Show one run, over the list where there is no room beside it."""
        base = self._base()
        self._run_id = id
        self._go("run")
        base_id = base.id if base is not None and base.id != id else 0
        self.post_message(self.Wants(self, "run", id=id, base=base_id))

    def open_log(self, id: int) -> None:
        """Show the log of a job."""
        self._job_id = id
        self._go("log")
        self._open_log(id)

    def _open_compare(self, ids: tuple[int, ...]) -> None:
        self._go("compare")
        self._want_compare(ids)

    @property
    def can_go_back(self) -> bool:
        return self._mode != "list"

    def go_back(self) -> bool:
        if self._mode == "list":
            return False
        if self._mode == "log":
            self._job_id = 0
        self._go(self._before)
        self._want_more()
        return True

    def reveal(self, kind: str, name: str) -> None:
        if self._snapshot is None:
            self._awaited = (kind, name)
            return
        if not name.isdigit():
            return
        id = int(name)
        run = self._run_of(id) if kind == "job" else None
        if kind == "run" or run is not None:
            self.query_one("#runs", Table).cursor_key = str(run.id if run else id)
            self.open_run(run.id if run else id)
        else:
            self.query_one("#queue", Table).cursor_key = name
            self.open_log(id)

    def settle(self) -> None:
        if self._snapshot is not None:
            self.show(self._snapshot)

    @on(Table.Opened, "#runs")
    def _run_opened(self, event: Table.Opened) -> None:
        self.open_run(int(event.key))

    @on(Table.Opened, "#queue")
    def _job_opened(self, event: Table.Opened) -> None:
        self.open_log(int(event.key))

    @on(Table.Moved, "#runs")
    def _moved(self, event: Table.Moved) -> None:
        if self.size_class == "wide" and self._mode == "list" and event.key:
            self._want_more()

    @on(Table.MarksChanged, "#runs")
    def _marked(self) -> None:
        if self.size_class == "wide":
            self._want_compare(self._wanted_ids())
        self._say()

    @on(Table.BaselineWanted, "#runs")
    def _pin(self) -> None:
        run = self._cursor_run()
        if run is not None and not run.metrics:
            self.say(f"run {run.id} measured nothing, so nothing can be held against it")
        elif run is not None:
            self._pin_run(0 if run.id == self._pinned else run.id)

    @on(Table.BaselineWanted, "#compare-table")
    def _pin_next(self) -> None:
        """The next of the compared runs becomes the one that all are held against."""
        if len(self._ids) > 1:
            ids = (*self._ids[1:], self._ids[0])
            self._pin_run(ids[0])
            self._want_compare(ids)

    def _pin_run(self, id: int) -> None:
        self._pinned = id
        if self._snapshot is not None:
            self._show_runs(self._snapshot)
        if self.size_class == "wide" and self._mode != "compare":
            self._want_compare(self._wanted_ids())
        self._say()

    def on_descendant_focus(self) -> None:
        # A filter was kept or taken back: the rows' heading counts what is left.
        if self._snapshot is not None:
            self.query_one(RunsPane).show_heading()
            self._say()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "compare":
            return self._mode in ("list", "run") and len(self._wanted_ids()) > 1
        if action == "equal":
            return self._is_comparing
        if action == "aggregate":
            return self._is_comparing and self.query_one(ComparePage).has_curves
        if action == "diff":
            return self._mode != "diff" and len(self._diffed()) == 2
        if action == "follow":
            return self._mode == "log" or (self._mode != "compare" and self.job_here() is not None)
        return super().check_action(action, parameters)

    def action_compare(self) -> None:
        self._open_compare(self._wanted_ids())

    @property
    def _is_comparing(self) -> bool:
        """Whether a comparison is seen."""
        is_beside = self.size_class == "wide" and self._mode == "list"
        return self._found is not None and (self._mode == "compare" or is_beside)

    def _diffed(self) -> tuple[int, ...]:
        """The two runs whose making is compared: the baseline and the run after it."""
        ids = self._ids if self._mode == "compare" else self._wanted_ids()
        return ids[:2]

    def action_diff(self) -> None:
        before, after = self._diffed()
        self._go("diff")
        self.query_one("#diff", Table).wait()
        self.post_message(self.Wants(self, "diff", before=before, after=after))

    @on(Table.Opened, "#diff")
    def _diff_opened(self, event: Table.Opened) -> None:
        opens = getattr(event.table.cursor_row, "opens", "")
        if opens:
            self.post_message(self.Jumps(self, opens))

    def action_aggregate(self) -> None:
        """The next way to condense a curve."""
        self.say(f"curves by their {self.query_one(ComparePage).next_aggregate()} value")

    def action_equal(self) -> None:
        self.query_one(ComparePage).toggle_equal()
        self._say()

    def action_follow(self) -> None:
        """Open the log of what the cursor is on; in a log, hold it or go on following."""
        pane = self.query_one(LogPane)
        if self._mode == "log" or pane.view.has_focus:
            pane.toggle()
            self._say()
            return
        job = self.job_here()
        if job is not None:
            self.open_log(job.id)

    # ------------------------------------------------------------------ what can be done

    def actions(self) -> list[Choice]:
        return deeds.choices(self.job_here(), self.run_here())

    def choose(self, action: Choice) -> None:
        deeds.carry_out(self, action, self.job_here(), self.run_here())

    def copies(self) -> list[Choice]:
        if self._mode == "log":
            return deeds.log_copies(self.query_one(LogPane).view)
        run = self.run_here()
        command = f"mlops-console run show {run.id}" if run else "mlops-console job list"
        verb, ids = {"compare": ("compare", self._ids), "diff": ("diff", self._diffed())}.get(
            self._mode, ("", ())
        )
        if ids:
            command = f"mlops-console run {verb} {' '.join(map(str, ids))}"
        return [*super().copies(), Choice(id="command", label="command", key="c", detail=command)]
