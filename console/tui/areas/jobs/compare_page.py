"""The panes of a comparison: the table, in words, curves, calibration, features, fold by fold.

One long page; `tab` goes from pane to pane and brings each into sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from console import text
from console.rules import run_histories
from console.rules.run_histories import AGGREGATES
from console.tui.areas.jobs import compare, compare_pictures
from console.tui.ink import Line
from console.tui.signs import BASELINE
from console.tui.snapshots.jobs import Comparison
from console.tui.widgets.intervals import IntervalChart
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Prose, Text
from console.tui.widgets.table import Table
from storage.records.runs import Aggregate, RunComparison

WORDS_WIDTH = 90


class ComparePage(VerticalScroll, can_focus=False):
    """Runs side by side."""

    DEFAULT_CSS = """
    ComparePage { scrollbar-size-vertical: 1; }
    ComparePage #compare-table { height: auto; }
    ComparePage #compare-pane { height: auto; max-height: 100%; }
    JobsArea.-wide ComparePage #compare-pane { max-height: 65%; }
    ComparePage #compare-curves { height: 9; }
    ComparePage #compare-calibration { height: 11; }
    """

    def compose(self) -> ComposeResult:
        yield Pane(
            "Compare",
            Table((), key=lambda row: f"{row.section}/{row.name}", id="compare-table",
                  section=lambda row: row.section, has_baseline=True, verbs={"open": ""}),
            id="compare-pane",
            help="Bold is what differs from the baseline, grey what equals it.",
        )  # fmt: skip
        yield Pane(
            "In words", Prose(id="words"), id="words-pane",
            help="What was changed, what it did, and whether that is more than noise.",
        )  # fmt: skip
        yield Pane(
            "Learning curves", LineChart(id="compare-curves"), id="curves-pane",
            help="The same metric of every run after every round, in one plot.",
        )  # fmt: skip
        yield Pane("By fold", IntervalChart(id="folds"), id="folds-pane")
        yield Pane(
            "What they look at",
            Table((), key=lambda row: row[0], id="compare-importance", verbs={"open": ""}),
            id="features-pane",
            help="How much each run's metric falls when a column is shuffled.",
        )  # fmt: skip
        yield Pane(
            "Said and seen", LineChart(id="compare-calibration"), id="calibration-pane",
            help="Of rows with a score of 0.3, were three in ten positive? The diagonal is exact.",
        )  # fmt: skip

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.is_all = False
        """Whether rows that are equal everywhere are shown too."""
        self._aggregate: Aggregate = "last"
        self._found: Comparison | None = None
        self._declared: Sequence[str] = ()

    def show(self, found: Comparison, declared: Sequence[str]) -> None:
        """Show a comparison; pictures that no run has data for are not there."""
        self._found, self._declared = found, declared
        compared = self._condensed(found.comparison)
        self._show_table(compared)
        self._show_words(compared.words)
        self._show_curves(compared)
        self._show_folds(found, declared)
        self._show_features(compared)
        self._show_calibration(compared)

    @property
    def has_curves(self) -> bool:
        return self._found is not None and bool(self._found.comparison.condensed)

    def next_aggregate(self) -> Aggregate:
        """Condense curves in the next way, and say in which."""
        place = AGGREGATES.index(self._aggregate)
        self._aggregate = AGGREGATES[(place + 1) % len(AGGREGATES)]
        if self._found is not None:
            self._show_table(self._condensed(self._found.comparison))
        return self._aggregate

    def toggle_equal(self) -> None:
        """Show or hide what is equal in all runs."""
        self.is_all = not self.is_all
        if self._found is not None:
            self._show_table(self._condensed(self._found.comparison))

    def _condensed(self, compared: RunComparison) -> RunComparison:
        if compared.aggregate == self._aggregate:
            return compared
        ids = [run.id for run in compared.runs]
        rows = run_histories.condensed(ids, compared.histories, self._aggregate)
        return replace(compared, aggregate=self._aggregate, condensed=rows)

    def _show_table(self, compared: RunComparison) -> None:
        table = self.query_one("#compare-table", Table)
        held = table.cursor_key
        table.rows = ()  # never old rows under new columns: they may have fewer runs
        table.columns = compare.columns(compared)
        table.rows = compare.rows(compared, self._declared, is_all=self.is_all)
        table.cursor_key = held
        count = compared.equal_count
        facts = (
            "every row" if self.is_all else f"differences only, {text.count(count)} equal hidden"
        )
        self.query_one("#compare-pane", Pane).title(
            facts=f"{text.counted(len(compared.runs), 'run')} · {facts}",
            right=f"{BASELINE} {compared.runs[0].id} baseline",
        )

    def _show_words(self, words: tuple[str, ...]) -> None:
        self.query_one("#words-pane", Pane).display = bool(words)
        self.query_one("#words", Prose).data = Text(
            paragraphs=[Line((each, "quiet" if n else "ink")) for n, each in enumerate(words)],
            most_width=WORDS_WIDTH,
        )

    def _show_curves(self, compared: RunComparison) -> None:
        chart = compare_pictures.curves(compared)
        pane = self.query_one("#curves-pane", Pane)
        pane.display = chart is not None
        self.query_one("#compare-curves", LineChart).data = chart
        pane.title(facts=run_histories.label_of(compare_pictures.curve_name(compared)))

    def _show_folds(self, found: Comparison, declared: Sequence[str]) -> None:
        name = compare.fold_metric(found, declared)
        chart = compare.fold_rows(found, name) if name else None
        pane = self.query_one("#folds-pane", Pane)
        pane.display = chart is not None
        self.query_one("#folds", IntervalChart).data = chart
        pane.title(f"{compare.label_of(name)} by fold", facts="95 % interval")

    def _show_features(self, compared: RunComparison) -> None:
        table = self.query_one("#compare-importance", Table)
        shown = compare_pictures.features(compared)
        table.rows = ()
        table.columns = compare_pictures.importance_columns(compared)
        table.rows = shown
        pane = self.query_one("#features-pane", Pane)
        pane.display = bool(shown)
        every = text.counted(len(compared.importance), "column")
        pane.title(facts=f"{len(shown)} of {every}, what is lost when shuffled")

    def _show_calibration(self, compared: RunComparison) -> None:
        chart = compare_pictures.calibration(compared)
        pane = self.query_one("#calibration-pane", Pane)
        pane.display = chart is not None
        self.query_one("#compare-calibration", LineChart).data = chart
        pane.title(facts="mean score, share of positives")

    def show_nothing(self, base_id: int, *, has_runs: bool) -> None:
        """Nothing to compare yet: say how it comes about."""
        table = self.query_one("#compare-table", Table)
        table.rows = ()
        table.columns = ()
        how = "Mark two runs with space, or move to one that is not the baseline."
        table.say(Line((how if has_runs else "Runs stand here side by side.", "quiet")))
        base = f"{BASELINE} {base_id} baseline" if base_id else ""
        self.query_one("#compare-pane", Pane).title(facts="", right=base)
        for pane in self.query(Pane).results(Pane):
            pane.display = pane.id == "compare-pane"
