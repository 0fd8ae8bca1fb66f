"""2 Data: what came in, is it what was agreed, what changed since, and does it matter.

Left the timeline of a dataset; right the chosen version: columns, what moved since the version
before (or since the marked one), the contract. `c` opens the difference row by row, `o` the rows.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from console import text
from console.rules.filtering import Field as FilterField
from console.tui.areas.base import Area, AreaEntry, Choice
from console.tui.areas.data.difference import difference_lines
from console.tui.areas.data.tables import (
    dataset_columns,
    moved_chart,
    moved_columns,
    profile_columns,
    row_columns,
    rule_columns,
    version_columns,
    version_second,
)
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from console.tui.ink import EMPTY, Line
from console.tui.keymaps import bind
from console.tui.signs import said
from console.tui.snapshots.data import Snapshot
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.wire.datasets import DiffAnswer, Rows
from storage.records.datasets import DatasetVersion
from storage.records.drift import DriftReport
from storage.records.profiles import ColumnProfile
from storage.records.results import Result

PAGE_ROWS = 200


class DataArea(Area):
    """Versions of data."""

    help_text: ClassVar[str] = "Data versions: what came in, whether it holds, what moved."
    help_words: ClassVar[Words] = (
        ("PSI", "how far a column moved: 0.10 warns, 0.25 fails; noise is what chance reaches"),
        ("before, after", "both distributions on the same bins"),
        ("contract", "rules of the declared ODCS file, with the rate at which they are broken"),
        ("shared", "chunks of rows that versions have in common are stored once"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("compare", "difference"),
        bind("rows", "rows", keys="o", verb="rows", meaning="the rows of the version", place=26,
             rank=6),
        bind("next-dataset", "next_dataset(1)", keys="right_square_bracket",
             meaning="the next dataset"),
        bind("previous-dataset", "next_dataset(-1)", keys="left_square_bracket",
             meaning="the dataset before"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    DataArea #left { width: 54; }
    DataArea.-narrow #left { width: 1fr; }
    DataArea #right { margin: 0 0 0 4; width: 1fr; }
    DataArea.-narrow #right { display: none; margin: 0; }
    DataArea.-narrow.-open #right { display: block; }
    DataArea.-narrow.-open #left { display: none; }
    DataArea Pane { margin: 0 0 1 0; }
    DataArea #versions { max-height: 18; }
    DataArea.-narrow #versions { max-height: 12; }
    DataArea #columns { max-height: 14; }
    DataArea.-narrow #columns { max-height: 9; }
    DataArea #moved { max-height: 9; }
    DataArea.-narrow #moved { max-height: 6; }
    DataArea #rules-pane { display: none; }
    DataArea.-wide #rules-pane, DataArea.-medium #rules-pane { display: block; }
    DataArea #rules { max-height: 9; }
    DataArea #shape-pane { display: none; }
    DataArea.-wide #shape-pane { display: block; }
    DataArea #shape { height: 9; }
    DataArea #rows-view, DataArea #difference-view { display: none; height: 1fr; }
    DataArea #rows, DataArea #difference { height: 1fr; }
    DataArea.-rows #rows-view, DataArea.-difference #difference-view { display: block; }
    DataArea.-rows #main-view, DataArea.-difference #main-view { display: none; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._drift: DriftReport | None = None
        self._pair: tuple[str, str, str] = ("", "", "")
        """Dataset, before and after of what moved."""
        self._diff_job = 0
        """Job that compares; 0 before the first answer."""

    def compose(self) -> ComposeResult:
        versions: Table[DatasetVersion] = Table(
            version_columns(None), key=lambda each: str(each.version), second=version_second,
            has_head=False, has_marks=True, has_rail=True, holds_cursor=True, id="versions",
            classes="main", fields=_VERSION_FIELDS,
        )  # fmt: skip
        columns: Table[ColumnProfile] = Table(
            profile_columns(0), key=lambda each: each.name, id="columns", fields=_COLUMN_FIELDS,
            verbs={"open": "shape"},
        )  # fmt: skip
        with Horizontal(id="main-view"):
            with Vertical(id="left"):
                yield Pane("Data", versions, right="rows", id="versions-pane")
                yield Pane("Datasets", Table(dataset_columns(), key=lambda each: each.name,
                                             has_head=False, id="datasets"),
                           facts="latest version, rows, on disk", id="datasets-pane")  # fmt: skip
                rules: Table[Result] = Table(
                    rule_columns(), key=lambda each: f"{each.name} {each.scope}", has_head=False,
                    has_cursor=False, id="rules",
                )  # fmt: skip
                yield Pane("Contract", rules, is_stop=False, id="rules-pane")
            with Vertical(id="right"):
                yield Pane("Columns", columns, id="columns-pane")
                moved = Table(moved_columns(), key=lambda each: each.column, id="moved")
                yield Pane("Moved", moved, id="moved-pane")
                yield Pane("Shape", LineChart(id="shape"), is_stop=False, id="shape-pane")
        yield Pane("Rows", Table([], key=lambda each: str(each), id="rows"), id="rows-view")
        yield Pane("Difference", Lines(id="difference"), id="difference-view")

    # ------------------------------------------------------------------ what is shown

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        versions = self.query_one("#versions", Table)
        if not snapshot.datasets or not snapshot.versions:
            self.show_empty()
            return
        versions.columns = version_columns(snapshot.at)
        versions.rows = snapshot.versions
        self.query_one("#versions-pane", Pane).title(
            snapshot.dataset, facts=text.counted(len(snapshot.versions), "version")
        )
        self.query_one("#datasets", Table).rows = snapshot.datasets
        detail = snapshot.detail
        if detail is None:
            return
        version = detail.version
        versions.cursor_key = str(version.version)
        self.query_one("#columns", Table).rows = detail.profile.columns
        facts = f"{text.count(version.rows)} rows · {text.byte_size(version.bytes)}"
        added = f"{version.created_at:%d %b %H:%M} by {version.created_by}"
        self.query_one("#columns-pane", Pane).title(version.name, facts=facts, right=added)
        self._show_contract()
        self._ask_moved(version)
        self._say()

    def show_empty(self) -> None:
        self.query_one("#versions", Table).say(
            Line(("No data yet.", "bright bold")),
            Line(("A version is an immutable state of a table, read from files: ", "quiet")),
            Line(
                ("mlops-console data add NAME FILE", "accent"), ("   or ", "quiet"), ("x", "ink bold")
            ),
        )
        self.query_one("#columns", Table).say(EMPTY)
        self.query_one("#moved", Table).say(EMPTY)
        self.say("no dataset · x adds one")

    def _show_contract(self) -> None:
        detail = self._snapshot.detail if self._snapshot else None
        if detail is None:
            return
        pane = self.query_one("#rules-pane", Pane)
        table = self.query_one("#rules", Table)
        if not detail.results:
            pane.title(facts="none declared", right="")
            draft = f"mlops-console contract infer {detail.version.dataset}"
            table.say(Line(("Draft one: ", "quiet"), (draft, "accent")))
            return
        bad = [each for each in detail.results if each.verdict in ("fail", "warn", "error")]
        verdict = said(detail.version.verdict, f"{len(bad)} of {len(detail.results)}")
        pane.title(facts=text.counted(len(detail.results), "rule"), right=verdict)
        table.rows = detail.results

    def _ask_moved(self, version: DatasetVersion) -> None:
        """What moved since the marked version, else since the one before."""
        found = self._snapshot.versions if self._snapshot else ()
        marked = [int(key) for key in self.query_one("#versions", Table).marked]
        others = [number for number in marked if number != version.version]
        before = max(others) if others else (version.parent or version.version - 1)
        if before < 1 or before not in {each.version for each in found}:
            self.query_one("#moved-pane", Pane).title("Moved", facts="nothing to compare with")
            self.query_one("#moved", Table).say(Line(("This is the first version.", "quiet")))
            self._pair = ("", "", "")
            return
        pair = (version.dataset, f"v{before}", f"v{version.version}")
        if pair == self._pair and self._drift is not None:
            return
        self._pair = pair
        self._drift = None
        self.query_one("#moved", Table).wait()
        self.post_message(self.Wants(self, "drift", dataset=pair[0], before=pair[1], after=pair[2]))

    def show_part(self, what: str, value: Any) -> None:
        if what == "drift":
            self._show_moved(value)
        elif what == "rows":
            self._show_rows(value)
        else:
            self._show_difference(value)

    def _show_moved(self, report: DriftReport) -> None:
        self._drift = report
        _, before, after = self._pair
        noise = f"   noise {text.fixed(report.noise, 3)}" if report.noise is not None else ""
        self.query_one("#moved-pane", Pane).title(
            f"Moved since {before}", facts=f"{after} against {before} · PSI, worst first",
            right=f"warn 0.10   fail 0.25{noise}",
        )  # fmt: skip
        table = self.query_one("#moved", Table)
        table.rows = report.columns
        self._show_shape()
        self._say()

    def _show_shape(self) -> None:
        table = self.query_one("#moved", Table)
        chosen = table.cursor_row or (self._drift.columns[0] if self._drift and self._drift.columns
                                      else None)  # fmt: skip
        pane = self.query_one("#shape-pane", Pane)
        chart = self.query_one("#shape", LineChart)
        if chosen is None:
            chart.data = None
            return
        _, before, after = self._pair
        shown = moved_chart(chosen, before, after)
        interval = text.interval(chosen.primary.ci_low, chosen.primary.ci_high, 2)
        value = f"PSI {text.fixed(chosen.primary.value, 2)}, {interval}"
        pane.title(chosen.column, facts="share of rows", right=said(chosen.verdict, value))
        chart.data = shown

    def _show_rows(self, page: Rows) -> None:
        table = self.query_one("#rows", Table)
        table.columns = row_columns(page)
        table.rows = page.rows
        last = page.offset + len(page.rows)
        self.query_one("#rows-view", Pane).title(
            "Rows", facts=f"{text.count(page.offset + 1)} to {text.count(last)} of "
            f"{text.count(page.total)}", right="← → more columns",
        )  # fmt: skip
        table.focus()

    def _show_difference(self, answer: DiffAnswer) -> None:
        if answer.diff is None:
            self._await_difference(answer)
            return
        diff = answer.diff
        self.query_one("#difference-view", Pane).title(
            f"{diff.before} → {diff.after}",
            facts=f"{text.count(diff.rows_added)} added, {text.count(diff.rows_removed)} removed, "
            f"{text.count(diff.rows_changed)} changed",
            right=f"{diff.chunks_shared} chunks shared",
        )
        self.query_one("#difference", Lines).data = tuple(difference_lines(diff))
        self._say()

    def _await_difference(self, answer: DiffAnswer) -> None:
        """The comparison is a job; a second one for the same pair means that the first failed."""
        job = answer.job
        lines = self.query_one("#difference", Lines)
        if job is None or self._diff_job not in (0, job.id):
            lines.data = (
                Line(said("fail", "The versions could not be compared.")),
                Line(
                    (f"mlops-console job logs {self._diff_job}", "accent"), (" tells why", "quiet")
                ),
            )
            return
        self._diff_job = job.id
        lines.data = (Line(("Reading the chunks that differ …", "quiet")),)
        self.say(f"job {job.id} compares the versions")
        self.set_timer(0.5, self._ask_difference)

    def _say(self) -> None:
        snapshot = self._snapshot
        if snapshot is None or snapshot.detail is None:
            return
        if self._drift is not None and self._drift.words:
            self.say(self._drift.words)
            return
        version = snapshot.detail.version
        used = f"used by {', '.join(version.used_by)}" if version.used_by else "not used yet"
        self.say(f"{version.name} · {version.source.rsplit('/', 1)[-1]} · {used}")

    # ------------------------------------------------------------------ moving about

    @on(Table.Moved, "#versions")
    def look_at(self, event: Table.Moved) -> None:
        detail = self._snapshot.detail if self._snapshot else None
        if event.key and detail is not None and event.key != str(detail.version.version):
            self._want(detail.version.dataset, event.key)

    @on(Table.MarksChanged, "#versions")
    def compare_with_mark(self) -> None:
        detail = self._snapshot.detail if self._snapshot else None
        if detail is not None:
            self._ask_moved(detail.version)

    @on(Table.Moved, "#moved")
    def look_at_column(self) -> None:
        self._show_shape()

    @on(Table.Opened, "#versions")
    def open_version(self) -> None:
        self.add_class("-open")
        self.query_one("#columns", Table).focus()

    @on(Table.Opened, "#datasets")
    def open_dataset(self, event: Table.Opened) -> None:
        self._want(event.key, "")
        self.query_one("#versions", Table).focus()

    def action_next_dataset(self, step: int) -> None:
        names = [each.name for each in self._snapshot.datasets] if self._snapshot else []
        if self._snapshot and self._snapshot.dataset in names:
            place = (names.index(self._snapshot.dataset) + step) % len(names)
            self._want(names[place], "")

    def _want(self, dataset: str, version: str) -> None:
        self._drift = None
        self.post_message(self.Wants(self, "main", dataset=dataset, version=version))

    def action_rows(self) -> None:
        detail = self._snapshot.detail if self._snapshot else None
        if detail is None:
            return
        self.add_class("-rows")
        version = detail.version
        self.post_message(
            self.Wants(self, "rows", dataset=version.dataset, version=str(version.version))
        )

    def action_difference(self) -> None:
        """The chosen version against the marked one or the one before, row by row."""
        if self._pair[0]:
            self._diff_job = 0
            self.add_class("-difference")
            self.query_one("#difference", Lines).data = (Line(("reading …", "quiet")),)
            self.query_one("#difference-view", Pane).focus()
            self._ask_difference()

    def _ask_difference(self) -> None:
        dataset, before, after = self._pair
        if self.has_class("-difference"):
            self.post_message(self.Wants(self, "diff", dataset=dataset, before=before, after=after))

    def go_back(self) -> bool:
        for name, target in (("-rows", "#columns"), ("-difference", "#versions"),
                             ("-open", "#versions")):  # fmt: skip
            if self.has_class(name):
                self.remove_class(name)
                self.query_one(target, Table).focus()
                return True
        return False

    def reveal(self, kind: str, name: str) -> None:
        dataset, _, version = name.partition("@")
        first, _, last = version.partition("..")
        self._want(dataset, (last or first).removeprefix("v"))

    # ------------------------------------------------------------------ what can be done

    def actions(self) -> list[Choice]:
        detail = self._snapshot.detail if self._snapshot else None
        name = detail.version.name if detail else "NAME"
        dataset = detail.version.dataset if detail else "NAME"
        none = "" if detail else "there is no version yet"
        base = "mlops-console"
        return [
            Choice(id="add_data", label="add a version from files", key="a",
                   command=f"{base} data add {dataset} FILE"),
            Choice(id="set_version_tag", label=f"tag {name}", key="t", why_not=none,
                   command=f"{base} data tag {name} TAG"),
            Choice(id="check_contract", label=f"check {name} against the contract again", key="k",
                   why_not=none, command=f"{base} contract check {name}"),
            Choice(id="infer_contract", label="draft a contract from it", key="i", why_not=none,
                   command=f"{base} contract infer {name}"),
            Choice(id="export_data", label=f"write {name} to a file", key="e", why_not=none,
                   command=f"{base} data export {name} FILE"),
            Choice(id="verify_data", label="read every chunk again and compare digests", key="v",
                   why_not=none, command=f"{base} data verify {name}"),
        ]  # fmt: skip

    def choose(self, action: Choice) -> None:
        detail = self._snapshot.detail if self._snapshot else None
        dataset = detail.version.dataset if detail else ""
        version = str(detail.version.version) if detail else ""
        asked = {"dataset": dataset, "version": version}
        if action.id == "add_data":
            self._ask_files(dataset)
        elif action.id == "set_version_tag":
            question = Question(
                sentence=f"Tag {dataset}@v{version}?",
                fields=(Field(id="tag", label="tag", is_required=True),
                        Field(id="note", label="note")),
                yes="tag it", warns=False,
            )  # fmt: skip
            self.post_message(self.Acts(self, action.id, ask=question, **asked))
        elif action.id == "export_data":
            question = Question(
                sentence=f"Write {dataset}@v{version} to a file?",
                fields=(Field(id="path", label="path", is_required=True,
                              hint="absolute; .parquet, .csv or .arrow"),),
                yes="write it", warns=False,
            )  # fmt: skip
            self.post_message(self.Acts(self, action.id, ask=question, **asked))
        elif action.id == "infer_contract":
            self.post_message(self.Acts(self, "check_contract", infer=True, **asked))
        else:
            self.post_message(self.Acts(self, action.id, **asked))

    def _ask_files(self, dataset: str) -> None:
        from console.tui.dialogs.form import Form

        form = Form(
            "Add a version from files",
            (
                Field(id="dataset", label="dataset", value=dataset, is_required=True),
                Field(id="files", label="file", is_required=True, hint="absolute path or pattern"),
                Field(id="how", label="how", value="append" if dataset else "replace",
                      choices=("append", "replace")),
                Field(id="note", label="note"),
            ),
            facts=(("append", "the rows are more rows of the latest version"),
                   ("replace", "the files are the whole new state")),
            yes="add it",
        )  # fmt: skip

        def answered(answer: Any) -> None:
            if answer is None:
                return
            values = answer.values
            self.post_message(
                self.Acts(self, "add_data", dataset=values["dataset"], files=(values["files"],),
                          append=values["how"] == "append", note=values["note"], options={})
            )  # fmt: skip

        self.app.push_screen(form, answered)


_VERSION_FIELDS: dict[str, FilterField[DatasetVersion]] = {
    "version": FilterField(lambda each: each.version, "number"),
    "rows": FilterField(lambda each: each.rows, "number"),
    "verdict": FilterField(lambda each: each.verdict),
    "note": FilterField(lambda each: each.note),
    "tag": FilterField(lambda each: each.tags),
    "used": FilterField(lambda each: each.used_by),
}
_COLUMN_FIELDS: dict[str, FilterField[ColumnProfile]] = {
    "name": FilterField(lambda each: each.name),
    "type": FilterField(lambda each: each.type),
    "nulls": FilterField(lambda each: each.null_count, "number"),
    "distinct": FilterField(lambda each: each.distinct_count, "number"),
}
