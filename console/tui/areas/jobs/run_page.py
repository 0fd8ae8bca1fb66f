"""The panes of one run: what it measured, how it learned, where it is worst, what it came from.

One long page; `tab` goes from pane to pane and brings each into sight.
"""

from __future__ import annotations

from datetime import datetime

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from console import text
from console.rules.lifecycle import FINAL
from console.tui.areas.jobs import detail
from console.tui.areas.jobs.compare import label_of
from console.tui.ink import Line
from console.tui.signs import BASELINE, said
from console.tui.snapshots.jobs import RunView
from console.tui.widgets.intervals import IntervalChart
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import FactLines, Facts, Lines, Prose, Text
from console.tui.widgets.table import Table
from storage.records.runs import Run


class RunPage(VerticalScroll, can_focus=False):
    """One run."""

    DEFAULT_CSS = """
    RunPage { scrollbar-size-vertical: 1; }
    RunPage #curve { height: 8; }
    RunPage #run-head { margin: 0 0 1 0; }
    """

    def compose(self) -> ComposeResult:
        yield Lines(id="run-head")
        yield Pane("What stopped it", Prose(id="error"), is_stop=False, id="error-pane")
        yield Pane(
            "Measured",
            Table(detail.result_columns(None), key=lambda row: row.result.name, id="results",
                  verbs={"open": ""}),
            id="results-pane",
            help="Every metric on rows that the model never saw, with its interval.",
        )  # fmt: skip
        yield Pane(
            "Learning curve", LineChart(id="curve"), id="curve-pane",
            help="The loss after every round, on rows it learned from and on others.",
        )  # fmt: skip
        yield Pane(
            "Made from", FactLines(id="made"), id="made-pane",
            help="Data, parameters, seed, code; bold where the baseline has another.",
        )  # fmt: skip
        yield Pane("By fold", IntervalChart(id="run-folds"), id="run-folds-pane")
        yield Pane(
            "Where it is worst", IntervalChart(id="slices"), id="slices-pane",
            help="The leading metric in the groups where it is worst; the upright is all rows.",
        )  # fmt: skip
        yield Pane(
            "What it looks at",
            Table(detail.importance_columns(1.0), key=lambda each: each[0], has_head=False,
                  id="importance", verbs={"open": ""}),
            id="importance-pane",
            help="How much the metric falls when a column is shuffled.",
        )  # fmt: skip

        yield Pane(
            "Files",
            Table(detail.file_columns(), key=lambda each: each.name, has_head=False, id="files",
                  verbs={"open": ""}),
            id="files-pane",
            help="Predictions on held-out rows, importance, calibration, the model itself.",
        )  # fmt: skip

    def show(self, view: RunView, now: datetime) -> None:
        """Show a run beside the one it is held against."""
        found, base = view.detail, view.base.run if view.base else None
        run = found.run
        self.query_one("#run-head", Lines).data = (_head(run, now),)
        self.query_one("#error", Prose).data = Text(
            paragraphs=(
                Line((run.error, "fail")),
                Line(("f shows what it printed, x trains again", "quiet")),
            )
        )
        self.query_one("#error-pane", Pane).display = bool(run.error)
        table = self.query_one("#results", Table)
        table.columns = detail.result_columns(base)
        table.rows = detail.measured(view)
        if not table.rows:
            is_over = run.state in FINAL
            table.say(
                Line(("It measured nothing." if is_over else "Nothing measured yet.", "quiet"))
            )
        held = f"{text.count(run.rows_holdout)} held-out rows" if run.rows_holdout else ""
        self.query_one("#results-pane", Pane).title(
            facts=", ".join(part for part in (held, run.holdout) if part),
            right=f"against {BASELINE} {base.id}" if base is not None else "",
        )
        self.query_one("#made", FactLines).data = Facts(
            facts=detail.made_from(view), value_align="left"
        )
        self.query_one("#made-pane", Pane).title(right=f"commit {run.code['commit'][:7]}" if (
            run.code.get("commit")) else "")  # fmt: skip
        self._show_curve(view)
        self._show_groups(view)
        self._show_importance(view)
        self.query_one("#files", Table).rows = found.artifacts
        pane = self.query_one("#files-pane", Pane)
        pane.display = bool(found.artifacts)
        pane.title(right=f"mlops-console run file {run.id} NAME -o FILE")

    def _show_curve(self, view: RunView) -> None:
        curve = detail.learning_curve(view.detail)
        self.query_one("#curve", LineChart).data = curve
        pane = self.query_one("#curve-pane", Pane)
        pane.display = curve is not None
        pane.title(facts=detail.curve_name(view.detail), right=detail.curve_words(view.detail))

    def _show_groups(self, view: RunView) -> None:
        found = view.detail
        folds, slices = detail.fold_chart(found), detail.slice_chart(found)
        self.query_one("#run-folds", IntervalChart).data = folds
        pane = self.query_one("#run-folds-pane", Pane)
        pane.display = folds is not None
        pane.title(f"{label_of(detail.fold_metric(found))} by fold",
                   facts="95 % interval, │ the holdout")  # fmt: skip
        self.query_one("#slices", IntervalChart).data = slices
        pane = self.query_one("#slices-pane", Pane)
        pane.display = slices is not None
        pane.title(facts=f"{label_of(detail.leading(found))} by group, │ all rows")

    def _show_importance(self, view: RunView) -> None:
        every = view.detail.importance
        shown = every[: detail.FEATURES_AT_MOST]
        table = self.query_one("#importance", Table)
        table.columns = detail.importance_columns(max((value for _, value in shown), default=1.0))
        table.rows = shown
        pane = self.query_one("#importance-pane", Pane)
        pane.display = bool(shown)
        pane.title(facts=f"{len(shown)} of {len(every)} columns, what is lost when shuffled")


def _head(run: Run, now: datetime) -> Line:
    parts = [text.duration(run.duration_s)] if run.duration_s is not None else []
    parts.append(f"{text.clock(run.started_at, now, seconds=False)} by {run.created_by}")
    left = Line((f"Run {run.id}", "bright bold"), (f" {run.pipeline}  ", "quiet"))
    line = left + said(run.state) + Line((f"  {', '.join(parts)}", "quiet"))
    return line + Line(("   made ", "quiet"), (run.model, "ink")) if run.model else line
