"""What two runs were made with, line by line: data versions, declaration, code.

`enter` on a data version goes to the difference of its rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical

from console import text
from console.rules.filtering import Field
from console.tui.ink import Ink, Line
from console.tui.widgets.pane import Pane
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from storage.records.runs import RunDiff

_INKS: dict[str, Ink] = {"+": "ok", "-": "fail", "@": "quiet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """One line of the page."""

    place: int
    section: str
    words: str
    ink: Ink = "ink"
    opens: str = ""
    """Where enter leads, `data:flights@v4`."""


class DiffPage(Vertical):
    """A diff of two runs."""

    DEFAULT_CSS = """
    DiffPage #diff-pane, DiffPage #diff { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        yield Pane(
            "Made with",
            Table(
                [Column(key="words", cell=_words, least=10, grow=1)],
                key=lambda row: str(row.place), section=lambda row: row.section, has_head=False,
                id="diff", fields={"line": Field(lambda row: row.words)},
            ),
            id="diff-pane",
            help="Data versions, the pipeline as each job was given it, the code in git.",
        )  # fmt: skip

    def show(self, found: RunDiff) -> None:
        """Show a diff, or say that there is none."""
        table = self.query_one("#diff", Table)
        table.rows = lines_of(found)
        if not table.rows:
            table.say(Line(("Data, declaration and code are equal.", "quiet")))
        self.query_one("#diff-pane", Pane).title(
            facts=f"run {found.before} → run {found.after}",
            right="enter on a data version: its rows" if found.data else "",
        )


def _words(row: DiffLine) -> Line:
    return Line((row.words, row.ink))


def lines_of(found: RunDiff) -> tuple[DiffLine, ...]:
    """Everything that differs, a line each."""
    rows: list[DiffLine] = []

    def add(section: str, words: str, ink: Ink = "ink", opens: str = "") -> None:
        place = len(rows)
        rows.append(DiffLine(place=place, section=section, words=words, ink=ink, opens=opens))

    for dataset, before, after in found.data:
        versions = [f"v{each}" if each else text.ABSENT for each in (before, after)]
        opens = f"data:{dataset}@v{before}..v{after}" if before and after else ""
        add("data", f"{dataset}  {versions[0]} → {versions[1]}", "bright bold", opens)
    for section, patch in (
        ("declaration", found.declaration),
        ("code, from commit to commit", found.code),
        ("uncommitted changes", found.uncommitted),
    ):
        for line in text.clean_lines(patch) if patch else ():
            add(section, line, _INKS.get(line[:1], "quiet"))
    for note in found.notes:
        add("not compared", note, "warn")
    return tuple(rows)
