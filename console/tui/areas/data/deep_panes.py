"""What opens over the whole data area: rows of a version, and what differs between two."""

from __future__ import annotations

from typing import Any

from console import text
from console.tui.areas.data.difference import how_compared, told, told_columns
from console.tui.areas.data.filters import TOLD_FIELDS
from console.tui.areas.data.tables import row_columns
from console.tui.ink import Line
from console.tui.signs import said
from console.tui.widgets.pane import Pane
from console.tui.widgets.table import Table
from console.wire.datasets import DiffAnswer, Rows
from storage.records.datasets import DatasetVersion
from storage.records.drift import DriftReport

PAGE_ROWS = 200


class RowsPane(Pane):
    """A page of the rows of a version."""

    def __init__(self) -> None:
        self._table: Table[Any] = Table([], key=lambda each: str(each[0]), id="rows")
        super().__init__("Rows", self._table, id="rows-view",
                         help="Rows as they are stored; ← → shows more columns.")  # fmt: skip
        self.first_row = 0
        """Of the first row shown."""

    def begin(self) -> None:
        self._table.rows = ()
        self._table.say(Line(("reading …", "quiet")))
        self._table.focus()

    def show(self, page: Rows, version: DatasetVersion | None) -> None:
        self.first_row = page.offset
        self._table.columns = row_columns(page)
        self._table.rows = tuple(
            (str(page.offset + place + 1), *row) for place, row in enumerate(page.rows)
        )
        first, last = text.count(page.offset + 1), text.count(page.offset + len(page.rows))
        of = f"of {version.name}, " if version is not None else ""
        self.title(facts=f"{of}{first} to {last} of {text.count(page.total)}",
                   right="← → columns   [ ] pages")  # fmt: skip


class DifferencePane(Pane):
    """Two versions row by row; the first time a job has to compare them."""

    def __init__(self) -> None:
        self._table = Table(
            told_columns(), key=lambda each: str(each.place), has_head=False,
            section=lambda each: each.section, id="difference", fields=TOLD_FIELDS,
        )  # fmt: skip
        super().__init__("Difference", self._table, id="difference-view",
                         help="Schema, what moved, cells changed, then examples.")  # fmt: skip
        self._job = 0
        self.words = ""
        """How the versions were compared, for the state line."""

    def begin(self) -> None:
        self._job, self.words = 0, "reading"
        self._table.rows = ()
        self._table.say(Line(("reading …", "quiet")))
        self._table.focus()

    def show(self, answer: DiffAnswer, moved: DriftReport | None = None) -> bool:
        """True while a job still compares: ask again in a moment."""
        diff = answer.diff
        if diff is None:
            return self._wait(answer)
        counts = ((diff.rows_added, "added"), (diff.rows_removed, "removed"),
                  (diff.rows_changed, "changed"))  # fmt: skip
        self.title(
            f"{diff.before} → {diff.after}",
            facts=", ".join(f"{text.count(number)} {word}" for number, word in counts),
            right=text.counted(diff.chunks_shared, "chunk") + " shared",
        )
        self.words = how_compared(diff)
        self._table.rows = told(diff, moved)
        if not self._table.rows:
            self._table.say(Line((f"{self.words[:1].upper()}{self.words[1:]}.", "ink")))
        return False

    def _wait(self, answer: DiffAnswer) -> bool:
        """A second job for the same pair means that the first one failed."""
        job = answer.job
        if job is None or self._job not in (0, job.id):
            command = f"mlops-console job logs {self._job}"
            self._table.say(
                Line(said("fail", "The versions could not be compared.")),
                Line((command, "accent"), (" tells why", "quiet")),
            )
            self.words = f"job {self._job} failed"
            return False
        self._job = job.id
        self._table.say(Line(("Reading the chunks that differ …", "quiet")))
        self.words = f"job {job.id} compares the versions"
        return True
