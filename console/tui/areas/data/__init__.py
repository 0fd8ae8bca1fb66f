"""2 Data: what came in, is it what was agreed, what changed since, and does it matter.

Left the timeline of a dataset; right the chosen version: columns, what moved since the version
before (since the pinned or marked one, where there is one), the contract. `c` opens the difference
row by row, `o` the rows, `enter` on a column its shape.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType

from console import text
from console.tui.areas.base import Area, AreaEntry, Choice, nothing_yet
from console.tui.areas.data import deeds, filters
from console.tui.areas.data.contract_pane import ContractPane, refused_words
from console.tui.areas.data.deep_panes import PAGE_ROWS, DifferencePane, RowsPane
from console.tui.areas.data.moved_pane import MovedPane
from console.tui.areas.data.places import CSS
from console.tui.areas.data.shapes import profile_chart, value_lines
from console.tui.areas.data.tables import (
    dataset_columns,
    profile_columns,
    rule_columns,
    version_columns,
    version_second,
)
from console.tui.drift_pictures import moved_chart, moved_in_words
from console.tui.ink import Line
from console.tui.keymaps import bind
from console.tui.signs import said
from console.tui.snapshots.data import Snapshot
from console.tui.widgets.boxes import Row, Stack
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Lines, Prose, Text
from console.tui.widgets.table import Table
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.drift import DriftReport
from storage.records.profiles import ColumnProfile
from storage.records.results import Result

ASK_AGAIN_S = 0.5
_DEEP = ("-rows", "-difference", "-contract")
"""Views over the whole area."""
BAD = ("fail", "warn", "error")


class DataArea(Area):
    """Versions of data."""

    SPLIT: ClassVar[str] = "#left"
    help_text: ClassVar[str] = "Data versions: what came in, whether it holds, what moved."
    help_words: ClassVar[Words] = (
        ("PSI", "how far a column moved: 0.10 warns, 0.25 fails"),
        ("by itself", "what chance and its own habit reach: stretches of as many older rows"),
        ("≈", "beyond a line, yet no further than it moves by itself"),
        ("before, after", "both distributions on the same bins"),
        ("contract", "rules of the declared ODCS file, with the rate at which they are broken"),
        ("★", "b pins the version that the others are held against"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("compare", "difference"),
        bind("rows", "rows", keys="o", verb="rows", meaning="the rows of the version", place=26,
             rank=6),
        bind("contract", "contract", keys="a", verb="contract", place=27, rank=6,
             meaning="what was agreed, and drafts to decide on"),
        bind("next-dataset", "next(1)", keys="right_square_bracket",
             meaning="the next dataset, or page of rows"),
        bind("previous-dataset", "next(-1)", keys="left_square_bracket",
             meaning="the dataset or page before"),
    ]  # fmt: skip
    DEFAULT_CSS = CSS

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._shaped_from = ""
        """Table whose column is drawn over the whole place."""

    def compose(self) -> ComposeResult:
        versions: Table[DatasetVersion] = Table(
            [], key=lambda each: str(each.version), second=version_second,
            has_head=False, has_marks=True, has_rail=True, has_baseline=True, holds_cursor=True,
            id="versions", classes="main", fields=filters.VERSION_FIELDS,
        )  # fmt: skip
        columns: Table[ColumnProfile] = Table(
            profile_columns(), key=lambda each: each.name, id="columns",
            fields=filters.COLUMN_FIELDS, verbs={"open": "shape"},
        )  # fmt: skip
        datasets: Table[Dataset] = Table(
            dataset_columns(), key=lambda each: each.name, has_head=False, id="datasets",
            fields=filters.DATASET_FIELDS,
        )  # fmt: skip
        rules: Table[Result] = Table(
            rule_columns(), key=lambda each: f"{each.name} {each.scope}", has_head=False,
            id="rules", fields=filters.RULE_FIELDS,
        )  # fmt: skip
        with Row(id="main-view"):
            with Stack(id="left"):
                yield Prose(id="refused")
                yield Pane("Data", versions, id="versions-pane",
                           help="Versions of one dataset, newest first.")  # fmt: skip
                yield Pane("Datasets", datasets, facts="latest version, rows, on disk",
                           id="datasets-pane")  # fmt: skip
                yield Prose(id="worst")
                yield Pane("Contract", rules, id="rules-pane",
                           help="The rules that were checked, worst first.")  # fmt: skip
            with Stack(id="right"):
                yield Pane("Columns", columns, id="columns-pane")
                yield MovedPane()
                yield Pane("Shape", LineChart(id="shape"), Lines(id="values"), is_stop=False,
                           id="shape-pane")  # fmt: skip
        yield RowsPane()
        yield DifferencePane()
        yield ContractPane()

    # ------------------------------------------------------------------ what is shown

    @property
    def _version(self) -> DatasetVersion | None:
        detail = self._snapshot.detail if self._snapshot else None
        return detail.version if detail else None

    def show(self, snapshot: Snapshot) -> None:
        is_other = self._snapshot is None or self._snapshot.dataset != snapshot.dataset
        self._snapshot = snapshot
        is_empty = not snapshot.datasets or not snapshot.versions
        self.set_class(is_empty, "-none")
        if is_empty:
            self.show_empty()
            return
        versions = self.query_one("#versions", Table)
        if is_other:
            versions.marked, versions.baseline = frozenset(), ""
        self.query_one("#refused", Prose).data = refused_words(snapshot.refused)
        self._shape_versions()
        versions.rows = snapshot.versions
        last = snapshot.versions[0]
        size = sum(each.added_bytes for each in snapshot.versions)
        facts = f"{text.counted(len(snapshot.versions), 'version')} · {text.byte_size(size)}"
        key = next((each.key_columns for each in snapshot.datasets
                    if each.name == last.dataset), ())  # fmt: skip
        is_short = self.size_class == "narrow"
        right = f"key {' '.join(key)}" if key and is_short else ""
        self.query_one("#versions-pane", Pane).title(snapshot.dataset, facts=facts, right=right)
        self.query_one("#datasets", Table).rows = snapshot.datasets
        if snapshot.detail is not None:
            self._show_version(snapshot)

    def _show_version(self, snapshot: Snapshot) -> None:
        detail = snapshot.detail
        if detail is None:
            return
        version = detail.version
        self.query_one("#versions", Table).cursor_key = str(version.version)
        self.query_one("#columns", Table).rows = detail.profile.columns
        facts = f"{text.count(version.rows)} rows · {text.byte_size(version.bytes)}"
        added = f"{text.clock(version.created_at, snapshot.at)} by {version.created_by}"
        self.query_one("#columns-pane", Pane).title(version.name, facts=facts, right=added)
        self._show_contract(detail.results)
        self._ask_moved(version)
        self._say()

    def _shape_versions(self) -> None:
        """One line a version on small terminals, two where a detail stands beside it."""
        snapshot = self._snapshot
        if snapshot is None:
            return
        is_short = self.size_class == "narrow"
        rows = {each.version: each.rows for each in snapshot.versions}
        changes = {
            each.version: each.rows - rows[each.parent]
            for each in snapshot.versions
            if each.parent in rows
        }
        right, moved = self.query_one("#right", Stack), self.query_one(MovedPane)
        if is_short != (right.children[0] is moved):
            right.move_child(moved, before=0) if is_short else right.move_child(moved, after=1)
        versions = self.query_one("#versions", Table)
        versions.columns = version_columns(
            snapshot.at, changes, baseline=versions.baseline, is_short=is_short
        )
        versions.reform(second=None if is_short else version_second, has_head=is_short,
                        has_rail=not is_short)  # fmt: skip

    def settle(self) -> None:
        if self._snapshot is not None:
            self.show(self._snapshot)

    def show_empty(self) -> None:
        self.query_one("#versions", Table).say(
            *nothing_yet(
                "No data yet.",
                "A version is an immutable state of a table, read from files and profiled.",
                "mlops-console data add NAME FILE",
                "x",
                "chooses a file",
            )
        )
        self.query_one("#versions-pane", Pane).title("Data", facts="", right="")
        self.say("no dataset · x adds one")

    def _show_contract(self, results: tuple[Result, ...]) -> None:
        version = self._version
        pane = self.query_one("#rules-pane", Pane)
        table = self.query_one("#rules", Table)
        worst = self.query_one("#worst", Prose)
        bad = [each for each in results if each.verdict in BAD]
        worst.data = None
        if bad and version is not None:
            first = bad[0]
            scope = first.scope.removeprefix("column:")
            said_of = f"{version.name}  {scope} {first.name.replace('_', ' ')}: {first.reason}"
            worst.data = Text(paragraphs=(said(first.verdict, said_of),), indent=2)
        if not results:
            pane.title(facts="none declared", right="")
            table.rows = ()
            table.say(Line(("a", "ink bold"), (" opens it, or drafts one", "quiet")))
            return
        words = f"{len(bad)} of {len(results)}" if bad else "all hold"
        verdict = version.verdict if version is not None else "pass"
        pane.title(facts=text.counted(len(results), "rule"), right=said(verdict, words))
        table.rows = results

    @property
    def _drift(self) -> DriftReport | None:
        return self.query_one(MovedPane).report

    @property
    def _pair(self) -> tuple[str, str, str]:
        return self.query_one(MovedPane).pair

    @property
    def _first_of_detail(self) -> str:
        """What moved comes first on a small terminal; of a first version nothing did."""
        is_first = self.size_class == "narrow" and self._pair[0]
        return "#moved" if is_first else "#columns"

    def _ask_moved(self, version: DatasetVersion) -> None:
        """What moved since the pinned version, the marked one, or the one before."""
        versions = self.query_one("#versions", Table)
        known = {each.version for each in versions.rows}
        pinned = [int(versions.baseline)] if versions.baseline else []
        marked = sorted((int(key) for key in versions.marked), reverse=True)
        moved = self.query_one(MovedPane)
        if moved.begin(version, known, (*pinned, *marked)):
            dataset, before, after = moved.pair
            self.post_message(
                self.Wants(self, "drift", dataset=dataset, before=before, after=after,
                           is_delivery=moved.is_delivery)
            )  # fmt: skip
        elif moved.report is None:
            self._show_shape()

    def show_part(self, what: str, value: Any) -> None:
        if what == "drift":
            self.query_one(MovedPane).show(value, is_narrow=self.size_class == "narrow")
            self._show_shape()
            self._say()
        elif what == "rows":
            self.query_one(RowsPane).show(value, self._version)
        elif what == "contract":
            detail = self._snapshot.detail if self._snapshot else None
            results = detail.results if detail else ()
            self.query_one(ContractPane).show(value, self._version, results)
            self._say()
        else:
            difference = self.query_one(DifferencePane)
            if difference.show(value, self._drift):
                self.set_timer(ASK_AGAIN_S, self._ask_difference)
            self.say(difference.words)

    def _show_shape(self) -> None:
        """The chosen column, drawn large: before and after where both are known."""
        pane = self.query_one("#shape-pane", Pane)
        chart = self.query_one("#shape", LineChart)
        name = self._shaped_column()
        detail = self._snapshot.detail if self._snapshot else None
        drift = next((each for each in (self._drift.columns if self._drift else ())
                      if each.column == name), None)  # fmt: skip
        profile = next((each for each in (detail.profile.columns if detail else ())
                        if each.name == name), None)  # fmt: skip
        if drift is not None:
            _, before, after = self._pair
            after = "added" if self.query_one(MovedPane).is_delivery else after
            pane.title(name, facts="share of rows", right=moved_in_words(drift))
            picture = moved_chart(drift, before, after)
        else:
            pane.title(name or "Shape", facts="share of rows", right="")
            picture = profile_chart(profile) if profile is not None else None
        values = self.query_one("#values", Lines)
        values.data = None if picture else value_lines(profile, drift, pane.size.width - 4)
        chart.display, chart.data = picture is not None, picture

    def _shaped_column(self) -> str:
        focused = self.screen.focused
        columns, moved = self.query_one("#columns", Table), self.query_one("#moved", Table)
        row = moved.cursor_row
        if focused is columns or (self.has_class("-shape") and self._shaped_from == "columns"):
            return columns.cursor_key
        return row.column if row is not None else columns.cursor_key

    def _say(self) -> None:
        version = self._version
        if version is None:
            return
        if self.has_class("-difference"):
            return
        if self.has_class("-contract"):
            self.say(self.query_one(ContractPane).words)
            return
        marked = len(self.query_one("#versions", Table).marked)
        parts = [f"{marked} marked · c compares {self._pair[1]} with {self._pair[2]}"] if marked \
            and self._pair[0] else []  # fmt: skip
        words = self.query_one(MovedPane).words
        if words:
            parts.append(words)
        else:
            used = f"used by {', '.join(version.used_by)}" if version.used_by else "not used yet"
            parts += [version.name, version.source.rsplit("/", 1)[-1], used]
        self.say(" · ".join(parts))

    # ------------------------------------------------------------------ moving about

    @on(Table.Moved, "#versions")
    def look_at(self, event: Table.Moved) -> None:
        version = self._version
        if event.key != event.table.cursor_key:
            return  # the cursor was moved on to the version that is shown
        if event.key and version is not None and event.key != str(version.version):
            self._want(version.dataset, event.key)

    @on(Table.MarksChanged, "#versions")
    def compare_with_mark(self) -> None:
        if self._version is not None:
            self._ask_moved(self._version)
            self._say()

    @on(Table.BaselineWanted, "#versions")
    def pin(self, event: Table.BaselineWanted) -> None:
        table = event.table
        table.baseline = "" if table.baseline == event.key else event.key
        self._shape_versions()
        self.compare_with_mark()

    @on(Table.Moved, "#moved, #columns")
    @on(events.DescendantFocus)
    def look_at_column(self) -> None:
        self._show_shape()
        self._say()

    @on(Table.Opened, "#moved, #columns")
    def open_column(self, event: Table.Opened) -> None:
        if self.size_class == "wide":
            self._show_shape()
            return
        self._shaped_from = event.table.id or ""
        self._show_shape()
        self.add_class("-shape")
        self.refresh_bindings()

    @on(Table.Moved, "#contract-rules")
    def look_at_rule(self) -> None:
        self.query_one(ContractPane).tell()

    @on(Table.MarksChanged, "#contract-rules")
    def say_drafts(self) -> None:
        self._say()

    @on(Table.Opened, "#rules")
    def open_rule(self, event: Table.Opened) -> None:
        row = event.table.cursor_row
        self._open_contract(dict(row.detail).get("rule", "") if row is not None else "")

    @on(Table.Opened, "#versions")
    def open_version(self) -> None:
        self.add_class("-open")
        self.query_one(self._first_of_detail, Table).focus()

    @on(Table.Opened, "#datasets")
    def open_dataset(self, event: Table.Opened) -> None:
        self._want(event.key, "")
        self.query_one("#versions", Table).focus()

    def action_next(self, step: int) -> None:
        """The next dataset; in the rows the next page."""
        snapshot = self._snapshot
        if self.has_class("-rows"):
            version = self._version
            offset = max(0, self.query_one(RowsPane).first_row + step * PAGE_ROWS)
            if version is not None and offset < version.rows:
                self._want_rows(version, offset)
        elif snapshot is not None:
            names = [each.name for each in snapshot.datasets if each.version_count]
            if snapshot.dataset in names:
                self._want(names[(names.index(snapshot.dataset) + step) % len(names)], "")

    def _want(self, dataset: str, version: str) -> None:
        self.query_one(MovedPane).report = None
        self.post_message(self.Wants(self, "main", dataset=dataset, version=version))

    def _want_rows(self, version: DatasetVersion, offset: int) -> None:
        self.post_message(
            self.Wants(self, "rows", dataset=version.dataset, version=str(version.version),
                       offset=offset, limit=PAGE_ROWS)
        )  # fmt: skip

    def action_rows(self) -> None:
        version = self._version
        if version is not None:
            self.add_class("-rows")
            self.query_one(RowsPane).begin()
            self._want_rows(version, 0)

    def action_contract(self) -> None:
        """The rules as a table, drafts first."""
        self._open_contract("")

    def _open_contract(self, rule: str) -> None:
        snapshot = self._snapshot
        if snapshot is not None and snapshot.dataset:
            self.add_class("-contract")
            self.query_one(ContractPane).begin(rule)
            refused = snapshot.refused if not rule else None
            self.post_message(self.Wants(self, "contract", dataset=snapshot.dataset,
                                         job=refused.id if refused else 0))  # fmt: skip
            self._say()
            self.refresh_bindings()

    def action_difference(self) -> None:
        """The chosen version against the pinned, the marked one or the one before, by rows."""
        if self._pair[0]:
            self.add_class("-difference")
            self.query_one(DifferencePane).begin()
            self._ask_difference()

    def _ask_difference(self) -> None:
        dataset, before, after = self._pair
        if self.has_class("-difference"):
            self.post_message(self.Wants(self, "diff", dataset=dataset, before=before, after=after))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        is_deep = any(self.has_class(name) for name in _DEEP)
        if action in ("rows", "contract"):
            return self._version is not None and not is_deep
        if action == "difference":
            return bool(self._pair[0]) and not is_deep
        return super().check_action(action, parameters)

    @property
    def can_go_back(self) -> bool:
        is_open = self.has_class("-open") and self.size_class == "narrow"
        return is_open or any(self.has_class(name) for name in (*_DEEP, "-shape"))

    def go_back(self) -> bool:
        if not self.can_go_back:
            return False
        name = next(each for each in (*_DEEP, "-shape", "-open")
                    if self.has_class(each))  # fmt: skip
        self.remove_class(name)
        is_in_detail = self.has_class("-open") and self.size_class == "narrow"
        target = self._first_of_detail if is_in_detail else "#versions"
        if name == "-shape":
            target = f"#{self._shaped_from}"
        self.query_one(target, Table).focus()
        self._say()
        self.refresh_bindings()
        return True

    def reveal(self, kind: str, name: str) -> None:
        dataset, _, version = name.partition("@")
        first, _, last = version.partition("..")
        wanted = last or first
        self._want(dataset, wanted[1:] if wanted[:1] == "v" and wanted[1:].isdigit() else wanted)

    # ------------------------------------------------------------------ what can be done

    def actions(self) -> list[Choice]:
        if self.has_class("-contract"):
            return self.query_one(ContractPane).choices()
        return deeds.choices(self._version) if self._snapshot is not None else []

    def choose(self, action: Choice) -> None:
        if self.has_class("-contract"):
            self.query_one(ContractPane).choose(self, self._version, action.id)
            return
        deeds.do(self, self._version, action.id)
