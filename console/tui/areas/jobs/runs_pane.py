"""The pane with the table of runs: its columns follow the runs, its heading the filter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from console import text
from console.rules.run_fields import run_fields
from console.tui.areas.base import Area
from console.tui.areas.jobs import run_views
from console.tui.areas.jobs import runs as run_table
from console.tui.keymaps import bind
from console.tui.snapshots.jobs import NEWEST_RUNS
from console.tui.widgets.pane import Pane
from console.tui.widgets.table import Table
from storage.records.runs import Run, SavedView

_NAME = re.compile(r"[\w.]+")


class RunsPane(Pane):
    """Every training."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("jobs.group", "group", "group", keys="o",
             meaning="put runs with the same value under one heading", place=43, rank=12),
        bind("jobs.views", "views", "views", keys="V",
             meaning="saved views of runs: filter, order, groups, columns", place=45, rank=11),
    ]  # fmt: skip
    DEFAULT_CSS = """
    RunsPane #runs { height: 1fr; }
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._formed: object = None
        self._params: tuple[str, ...] = ()
        self._views: Sequence[SavedView] = ()
        self._view = ""
        """The saved view that was chosen last."""
        self._asked: frozenset[str] = frozenset()
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

    def show(
        self,
        runs: Sequence[Run],
        base: Run | None,
        declared: Sequence[str],
        views: Sequence[SavedView] = (),
    ) -> None:
        """Show runs; columns are made anew only when there are others, so that nothing sways."""
        table = self.table
        self._views = views
        fields = run_fields(runs)
        metrics = _named("metrics.", fields)
        self._params = _named("params.", fields)
        names = run_table.metric_names(runs, declared)
        form = (names, metrics, self._params, base, len({run.pipeline for run in runs}) > 1)
        if form != self._formed:
            self._formed = form
            table.columns = run_table.columns(
                runs, base, self._now, declared, metrics=metrics, params=self._params
            )
        table.baseline = str(base.id) if base else ""
        table.filter_fields = fields
        table.rows = runs
        self.show_heading()

    def metrics_in_use(self) -> frozenset[str]:
        """Metrics that the reader sorts by, filters by or has taken as columns.

        Older runs carry only their first metrics, so these must be asked for.
        """
        table = self.table
        words = {*table.taken_columns, *(level.key for level in table.sort)}
        words.update(_NAME.findall(table.filter_text))
        names = {word.removeprefix("Δ").removeprefix("metrics.") for word in words}
        return frozenset(name for name in names if f"metrics.{name}" in (table.filter_fields or {}))

    def on_table_ordered(self) -> None:
        self.show_heading()
        self._want_metrics()

    def on_descendant_focus(self) -> None:
        self._want_metrics()  # a filter was kept, or columns were chosen

    def _want_metrics(self) -> None:
        """Ask for metrics that are in use and that older runs do not carry."""
        used = self.metrics_in_use()
        if len(self.table.rows) > NEWEST_RUNS and not used <= self._asked:
            self._asked |= used
            area = self._area
            area.post_message(area.Wants(area, "main", metrics=tuple(sorted(self._asked))))

    @property
    def _area(self) -> Area:
        return next(each for each in self.ancestors if isinstance(each, Area))

    def action_views(self) -> None:
        """The menu of saved views."""

        def done(name: str) -> None:
            self._view = name
            table = self.table
            table.post_message(Table.Ordered(table, table.cursor_key))

        known = any(view.name == self._view for view in self._views)
        shown = self._view if known else ""
        run_views.open_views(self._area, self.table, self._views, shown, done)

    def action_group(self) -> None:
        """The menu of fields to group by."""
        run_views.open_groups(self._area, self.table, self._params)

    def show_heading(self) -> None:
        """`delays · 12 of 63`, and the order."""
        table = self.table
        names = {run.pipeline for run in table.rows}
        total = text.count(len(table.rows))
        count = f"{text.count(table.hits)} of {total}" if table.filter_text else total
        name = f"{names.pop()} · " if len(names) == 1 else ""
        heads = {column.key: column.head for column in table.columns}
        order = [heads[level.key] for level in table.sort if level.key in heads]
        group = table.group_key.removeprefix("params.")
        words = [f"by {group}"] if group else []
        words.append(f"sorted by {', '.join(order)}" if order else "newest first")
        self.title(facts=f"{name}{count}", right=", ".join(words))


def _named(prefix: str, fields: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.removeprefix(prefix) for name in fields if name.startswith(prefix))
