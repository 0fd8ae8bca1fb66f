"""The panes of a comparison: the table, fold by fold, in words."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from console import text
from console.tui.areas.jobs import compare
from console.tui.ink import Line
from console.tui.signs import BASELINE
from console.tui.snapshots.jobs import Comparison
from console.tui.widgets.intervals import IntervalChart
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Prose, Text, draw_text
from console.tui.widgets.table import Table

WORDS_WIDTH = 90


class ComparePage(Vertical):
    """Runs side by side."""

    DEFAULT_CSS = """
    ComparePage #compare-pane, ComparePage #compare-table { height: 1fr; }
    ComparePage #folds-pane, ComparePage #words-pane { display: none; }
    ComparePage #words-pane { margin: 0; }
    """

    def compose(self) -> ComposeResult:
        yield Pane(
            "Compare",
            Table((), key=lambda row: f"{row.section}/{row.name}", id="compare-table",
                  section=lambda row: row.section, has_baseline=True, verbs={"open": ""}),
            id="compare-pane",
            help="Bold is what differs from the baseline, grey what equals it.",
        )  # fmt: skip
        yield Pane("By fold", IntervalChart(id="folds"), is_stop=False, id="folds-pane")
        yield Pane("In words", Prose(id="words"), is_stop=False, id="words-pane")

    def show(
        self, found: Comparison, declared: Sequence[str], *, is_all: bool, is_wide: bool
    ) -> None:
        """Show a comparison; pictures and words only where the table leaves room for them."""
        compared = found.comparison
        table = self.query_one("#compare-table", Table)
        rows = compare.rows(compared, declared, is_all=is_all)
        held = table.cursor_key
        table.rows = ()  # never old rows under new columns: they may have fewer runs
        table.columns = compare.columns(compared)
        table.rows = rows
        table.cursor_key = held
        count = compared.equal_count
        facts = "every row" if is_all else f"differences only, {text.count(count)} equal hidden"
        self.query_one("#compare-pane", Pane).title(
            facts=f"{text.counted(len(compared.runs), 'run')} · {facts}",
            right=f"{BASELINE} {compared.runs[0].id} baseline",
        )
        lines = 2 + len(rows) + len({row.section for row in rows if row.section})
        room = self.size.height - lines - 2
        room -= self._show_words(compared.words, room)
        self._show_folds(found, declared, room if is_wide else 0)

    def _show_words(self, words: tuple[str, ...], room: int) -> int:
        """Returns the lines that were taken."""
        shown = Text(
            paragraphs=[Line((each, "quiet" if n else "ink")) for n, each in enumerate(words)],
            most_width=WORDS_WIDTH,
        )
        wanted = len(draw_text(shown, max(20, self.size.width - 3))) + 2
        pane = self.query_one("#words-pane", Pane)
        pane.display = bool(words) and wanted <= room
        self.query_one("#words", Prose).data = shown
        return wanted if pane.display else 0

    def _show_folds(self, found: Comparison, declared: Sequence[str], room: int) -> None:
        name = compare.fold_metric(found, declared)
        chart = compare.fold_rows(found, name) if name else None
        pane = self.query_one("#folds-pane", Pane)
        pane.display = chart is not None and len(chart.rows) + 3 <= room
        self.query_one("#folds", IntervalChart).data = chart
        pane.title(f"{compare.label_of(name)} by fold", facts="95 % interval")

    def show_nothing(self, base_id: int, *, has_runs: bool) -> None:
        """Nothing to compare yet: say how it comes about."""
        table = self.query_one("#compare-table", Table)
        table.rows = ()
        table.columns = ()
        how = "Mark two runs with space, or move to one that is not the baseline."
        table.say(Line((how if has_runs else "Runs stand here side by side.", "quiet")))
        base = f"{BASELINE} {base_id} baseline" if base_id else ""
        self.query_one("#compare-pane", Pane).title(facts="", right=base)
        for pane in ("#folds-pane", "#words-pane"):
            self.query_one(pane, Pane).display = False
