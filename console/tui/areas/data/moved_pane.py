"""What moved between two versions, or in the rows that came with the later one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from console import text
from console.tui.areas.data.filters import MOVED_FIELDS
from console.tui.areas.data.tables import moved_columns
from console.tui.ink import Line
from console.tui.widgets.pane import Pane
from console.tui.widgets.table import Table
from storage.records.datasets import DatasetVersion
from storage.records.drift import ColumnDrift, DriftReport


class MovedPane(Pane):
    """Columns, worst first, with the pair of versions they are about."""

    def __init__(self) -> None:
        self._table: Table[ColumnDrift] = Table(
            moved_columns(), key=lambda each: each.column, id="moved", fields=MOVED_FIELDS,
            verbs={"open": "shape"},
        )  # fmt: skip
        super().__init__("Moved", self._table, id="moved-pane",
                         help="Columns whose distribution moved, worst first.")  # fmt: skip
        self.report: DriftReport | None = None
        self.pair: tuple[str, str, str] = ("", "", "")
        """Dataset, before and after."""
        self.is_delivery = False
        """Whether only the rows that came with the later version are looked at."""

    def begin(self, version: DatasetVersion, known: Collection[int], wanted: Sequence[int]) -> bool:
        """Turn to a version against the first of `wanted`, else the one before; True = ask."""
        others = [n for n in wanted if n != version.version and n in known]
        before = others[0] if others else (version.parent or version.version - 1)
        if before < 1 or before not in known:
            self.title("Moved", facts="nothing to compare with", right="")
            self._table.rows = ()
            self._table.say(Line(("This is the first version.", "quiet")))
            self.pair, self.report = ("", "", ""), None
            return False
        pair = (version.dataset, f"v{before}", f"v{version.version}")
        if pair == self.pair and self.report is not None:
            return False
        self.pair, self.report = pair, None
        # The rows before are in both tables: what came is held against them, not diluted by them.
        self.is_delivery = bool(version.delivery_profile) and before == version.parent
        self._table.rows = ()
        self._table.wait()
        return True

    def show(self, report: DriftReport, *, is_narrow: bool) -> None:
        """Show the answer; a narrow terminal has no other place that names the version."""
        self.report = report
        dataset, before, after = self.pair
        rows = text.counted(report.rows_after, "row")
        looked_at = f"the {rows} added" if self.is_delivery else f"{rows} of {after}"
        if is_narrow:
            looked_at = f"{dataset}@{after}, {looked_at}"
        limits = "" if is_narrow else "warn 0.10   fail 0.25"
        self.title(f"Moved since {before}", facts=f"{looked_at} · worst first", right=limits)
        self._table.rows = report.columns
        if not report.columns:
            self._table.say(Line(("No column can be compared.", "quiet")))

    @property
    def words(self) -> str:
        """About the column at the cursor while the table has the focus, else about all."""
        chosen = self._table.cursor_row if self._table.has_focus else None
        if chosen is not None and chosen.words:
            return chosen.words
        return self.report.words if self.report is not None else ""
