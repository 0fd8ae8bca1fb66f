"""The pane with the table of runs: its columns follow the runs, its heading the filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from console import text
from console.rules.run_fields import run_fields
from console.tui.areas.jobs import runs as run_table
from console.tui.widgets.pane import Pane
from console.tui.widgets.table import Table
from storage.records.runs import Run


class RunsPane(Pane):
    """Every training."""

    DEFAULT_CSS = """
    RunsPane #runs { height: 1fr; }
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._formed: object = None
        self.table: Table[Run] = Table(
            run_table.columns((), None, now), key=lambda run: str(run.id), has_marks=True,
            has_baseline=True, id="runs", classes="main", fields={},
        )  # fmt: skip
        super().__init__(
            "Runs",
            self.table,
            id="runs-pane",
            help="Every training, its metrics and their distance to the baseline.",
        )

    def show(self, runs: Sequence[Run], base: Run | None, declared: Sequence[str]) -> None:
        """Show runs; columns are made anew only when there are others, so that nothing sways."""
        table = self.table
        names = run_table.metric_names(runs, declared)
        form = (names, base, len({run.pipeline for run in runs}) > 1)
        if form != self._formed:
            self._formed = form
            table.columns = run_table.columns(runs, base, self._now, declared)
        table.baseline = str(base.id) if base else ""
        table.filter_fields = run_fields(runs)
        table.rows = runs
        self.show_heading()

    def show_heading(self) -> None:
        """`delays · 12 of 63`, and the order."""
        table = self.table
        names = {run.pipeline for run in table.rows}
        total = text.count(len(table.rows))
        count = f"{text.count(table.hits)} of {total}" if table.filter_text else total
        name = f"{names.pop()} · " if len(names) == 1 else ""
        by = table.sort[0].key if table.sort else ""
        head = next((column.head for column in table.columns if column.key == by), "")
        self.title(facts=f"{name}{count}", right=f"sorted by {head}" if head else "newest first")
