"""4 Models: versions, their gates worst first, the threshold inspector, promotion and rollback."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from console import text
from console.rules import metrics
from console.rules.filtering import Field as FilterField
from console.tui.areas.base import Area, AreaEntry, Choice, nothing_yet
from console.tui.areas.models.gates import (
    CHART_CELLS,
    CHART_CELLS_NARROW,
    explain,
    gate_columns,
    gate_name,
    promotion_words,
)
from console.tui.areas.models.threshold import ThresholdView
from console.tui.areas.questions import rollback
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from console.tui.ink import EMPTY, Line, Part, join
from console.tui.keymaps import bind
from console.tui.signs import said, sign
from console.tui.snapshots.models import Snapshot
from console.tui.widgets.boxes import Row, Stack
from console.tui.widgets.intervals import (
    Interval,
    IntervalChart,
    IntervalRow,
    IntervalRows,
    Yardstick,
)
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Fact, FactLines, Facts, Prose, Text
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from console.wire.models import ModelDetail
from storage.records.models import ModelVersion
from storage.records.results import Result

AIRY_GATES = 9
"""With more gates the blank rows between them are worth more as slices below."""


class ModelsArea(Area):
    """Versions left, what the chosen one is worth right."""

    help_text: ClassVar[str] = "Which versions there are, how they were judged, which one serves."
    help_words: ClassVar[Words] = (
        ("pass", "the interval lies beyond the limit"),
        ("warn", "the limit is met, what is wanted is not"),
        ("inconclusive", "the interval straddles the limit: more rows would settle it"),
        ("must, want", "the two verticals every gate is drawn against, whatever its unit"),
        ("champion", "the version that endpoints serve unless told otherwise"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("threshold", "threshold", keys="t", verb="threshold",
             meaning="move the decision threshold and see the price", place=30, rank=4),
    ]  # fmt: skip
    DEFAULT_CSS = """
    ModelsArea #versions-column { width: 36; }
    ModelsArea.-narrow #versions-column { width: 1fr; }
    ModelsArea.-narrow #gates-column { display: none; }
    ModelsArea.-narrow.-open #gates-column { display: block; }
    ModelsArea.-narrow.-open #versions-column { display: none; }
    ModelsArea #gates-column { margin: 0 0 0 4; width: 1fr; }
    ModelsArea.-narrow #gates-column { margin: 0; }
    ModelsArea Pane { margin: 0 0 1 0; }
    ModelsArea #versions { max-height: 16; }
    ModelsArea #slices-pane { height: 1fr; }
    ModelsArea #slices { height: 1fr; }
    ModelsArea.-narrow #promote-pane { display: none; }
    ModelsArea.-narrow #why-pane { margin: 0; }
    ModelsArea.-none #gates-column, ModelsArea.-none #auc-pane, ModelsArea.-none #made-pane {
        display: none; }
    ModelsArea.-none #versions-column { width: 1fr; }
    ModelsArea #slices-pane, ModelsArea #made-pane, ModelsArea #auc-pane { display: none; }
    ModelsArea.-wide #slices-pane, ModelsArea.-wide #made-pane, ModelsArea.-wide #auc-pane {
        display: block; }
    ModelsArea.-medium #made-pane { display: block; }
    ModelsArea ThresholdView { display: none; }
    ModelsArea.-narrow #t-both { layout: vertical; }
    ModelsArea.-narrow #t-right { layout: horizontal; width: 1fr; height: 6; margin: 0; }
    ModelsArea.-narrow #t-right > Pane { margin: 0; }
    ModelsArea.-narrow #t-right > #t-figures-pane { width: 37; margin: 0 2 0 0; }
    ModelsArea.-narrow #t-matrix { height: 3; }
    ModelsArea.-narrow .extra { display: none; }
    ModelsArea.-threshold ThresholdView { display: block; }
    ModelsArea.-threshold #gates-view { display: none; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._model = ""
        self._version = ""

    def compose(self) -> ComposeResult:
        with Row(id="gates-view"):
            with Stack(id="versions-column"):
                yield Pane(
                    "Versions",
                    Table([], key=lambda each: str(each.version), second=_version_second,
                          has_head=False, has_baseline=True, holds_cursor=True, id="versions",
                          classes="main", fields=_VERSION_FIELDS, verbs={"open": "gates"}),
                    id="versions-pane",
                )  # fmt: skip
                yield Pane("AUC by version", IntervalChart(id="auc"), is_stop=False, id="auc-pane")
                yield Pane("Made from", FactLines(id="made"), is_stop=False, id="made-pane")
            with Stack(id="gates-column"):
                yield Pane(
                    "Gates",
                    Table(gate_columns(), key=lambda each: f"{each.name} {each.scope}",
                          id="gates", fields=_GATE_FIELDS, verbs={"open": "threshold"}),
                    id="gates-pane",
                )  # fmt: skip
                yield Pane("Gate", Prose(id="why"), is_stop=False, id="why-pane")
                yield Pane("Slices", IntervalChart(id="slices"), is_stop=False, id="slices-pane")
                yield Pane("If you promote now", Prose(id="promote"), is_stop=False,
                           id="promote-pane")  # fmt: skip
        yield ThresholdView(self)

    # ------------------------------------------------------------------ what is shown

    def settle(self) -> None:
        gates = self.query_one("#gates", Table)
        gates.columns = gate_columns(
            CHART_CELLS if self.size_class == "wide" else CHART_CELLS_NARROW
        )
        self.query_one(ThresholdView).settle()
        if self._snapshot is not None:
            self.show(self._snapshot)

    def _shape_versions(self) -> None:
        """One line a version on small terminals, two where the gates stand beside it."""
        is_short = self.size_class == "narrow"
        versions = self.query_one("#versions", Table)
        versions.columns = self._version_columns(versions, is_short=is_short)
        versions.reform(second=None if is_short else _version_second, has_head=is_short)

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        table = self.query_one("#versions", Table)
        self.set_class(not snapshot.versions, "-none")
        self._shape_versions()
        table.rows = snapshot.versions
        if not snapshot.versions:
            self.show_empty()
            return
        detail = snapshot.detail
        if detail is None:
            return
        self._model, self._version = detail.version.model, str(detail.version.version)
        table.cursor_key = self._version
        model = next((each for each in snapshot.models if each.name == self._model), None)
        others = len(snapshot.models) - 1
        self.query_one("#versions-pane", Pane).title(
            self._model,
            facts=text.counted(len(snapshot.versions), "version"),
            right=text.counted(others, "other model") if others else "",
        )
        self._show_gates(detail)
        self._show_beside(snapshot, detail)
        serves = f" · champion v{model.champion}" if model and model.champion else ""
        judged = f" · judged on {detail.gates.judged_on}" if detail.gates.judged_on else ""
        gates = text.counted(len(detail.gates.results), "gate")
        self.say(f"{gates} of {detail.version.name}, worst first{judged}{serves}")

    def show_empty(self) -> None:
        self.query_one("#versions", Table).say(
            *nothing_yet(
                "No model yet.",
                "A training registers one, with its gates judged on rows it has not seen.",
                "mlops-console train NAME",
                "6",
                "shows the pipelines",
            )
        )
        self.say("no model is registered")

    def _show_gates(self, detail: ModelDetail) -> None:
        report = detail.gates
        counts: dict[str, int] = {}
        for result in report.results:
            counts[result.verdict] = counts.get(result.verdict, 0) + 1
        verdict: Part = EMPTY
        if report.results:
            number = counts.get(report.verdict, 0)
            verdict = said(report.verdict, f"{report.verdict}, {number} of {len(report.results)}")
        self.query_one("#gates-pane", Pane).title(
            f"Gates of {detail.version.name}", facts="worst first", right=verdict
        )
        gates = self.query_one("#gates", Table)
        gates.reform(is_airy=self.size_class == "wide" and len(report.results) <= AIRY_GATES)
        gates.rows = report.results
        if not report.results:
            gates.say(
                Line(("No gate judged this version.", "bright bold")),
                Line(("Declare some in mlops.toml, then: ", "quiet"),
                     (f"mlops-console gate check {detail.version.name}", "accent")),
            )  # fmt: skip
        self._show_why()
        self.query_one("#promote", Prose).data = Text(paragraphs=(promotion_words(report),))

    def _show_why(self) -> None:
        detail = self._snapshot.detail if self._snapshot else None
        result: Result | None = self.query_one("#gates", Table).cursor_row
        pane = self.query_one("#why-pane", Pane)
        prose = self.query_one("#why", Prose)
        if detail is None or result is None:
            pane.display = False
            return
        pane.display = True
        pane.title(gate_name(result), facts=said(result.verdict))
        told = explain(result, detail.gates)
        if self.size_class == "narrow":
            told = [join(told, " ")]  # every line counts there
        prose.data = Text(paragraphs=tuple(told), most_width=96)

    def _show_beside(self, snapshot: Snapshot, detail: ModelDetail) -> None:
        version, manifest = detail.version, detail.manifest
        code = detail.run.run.code if detail.run else {}
        facts = [
            Fact(label="run", value=str(version.run_id or text.MISSING)),
            *(Fact(label=use.dataset, value=f"v{use.version}") for use in version.data),
            Fact(label="code", value=(code.get("commit", "")[:7] or text.MISSING)),
            Fact(label="features", value=str(len(manifest.features))),
            Fact(label="threshold", value=text.fixed(version.threshold, 2)),
            Fact(label="digest", value=f"{version.digest[:6]}…{version.digest[-4:]}"),
            Fact(label="serves", value=", ".join(version.served_by) or "no"),
        ]  # fmt: skip
        self.query_one("#made", FactLines).data = Facts(facts=facts)
        self.query_one("#auc", IntervalChart).data = _auc_rows(snapshot)
        slices = detail.gates.slices
        self.query_one("#slices-pane", Pane).display = bool(slices) and self.size_class == "wide"
        if slices:
            same = tuple(each for each in slices if each.name == slices[0].name)
            self.query_one("#slices-pane", Pane).title(
                facts=f"{metrics.label_of(slices[0].name)} by group, lowest first",
                right=f"{len(same)} looked at",
            )
            self.query_one("#slices", IntervalChart).data = _slice_rows(same[:14])

    def show_part(self, what: str, value: Any) -> None:
        self.add_class("-threshold")
        self.query_one(ThresholdView).show(value)

    # ------------------------------------------------------------------ moving about

    @on(Table.Moved, "#versions")
    def look_at(self, event: Table.Moved) -> None:
        if event.key != event.table.cursor_key:
            return  # the cursor was moved on to the version that is shown
        if event.key and event.key != self._version and self._snapshot is not None:
            self._want(self._model, event.key)

    @on(Table.Moved, "#gates")
    def look_at_gate(self) -> None:
        self._show_why()

    @on(Table.BaselineWanted, "#versions")
    def pin(self, event: Table.BaselineWanted) -> None:
        """The version that AUC stands against; again takes it away."""
        event.table.baseline = "" if event.table.baseline == event.key else event.key
        self._shape_versions()

    @on(Table.Opened, "#gates")
    def open_gate(self) -> None:
        self.action_threshold()

    @on(Table.Opened, "#versions")
    def open_version(self, event: Table.Opened) -> None:
        self.add_class("-open")
        self.query_one("#gates", Table).focus()

    def _want(self, model: str, version: str) -> None:
        self._model, self._version = model, version
        self.post_message(self.Wants(self, "main", model=model, version=version))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "threshold":
            return bool(self._version) and not self.has_class("-threshold")
        return super().check_action(action, parameters)

    @property
    def can_go_back(self) -> bool:
        is_open = self.has_class("-open") and self.size_class == "narrow"
        return is_open or self.has_class("-threshold")

    def go_back(self) -> bool:
        if self.has_class("-threshold"):
            self.close_threshold()
            return True
        if self.can_go_back:
            self.remove_class("-open")
            self.query_one("#versions", Table).focus()
            return True
        return False

    def close_threshold(self) -> None:
        self.remove_class("-threshold")
        self.query_one("#gates", Table).focus()
        if self._snapshot is not None:
            self.show(self._snapshot)

    def reveal(self, kind: str, name: str) -> None:
        model, _, version = name.partition("@")
        self._want(model, version.removeprefix("v"))
        if kind == "threshold":
            self.action_threshold()

    def action_threshold(self) -> None:
        """Open the inspector of the chosen version."""
        if self._version:
            wanted = {"model": self._model, "version": self._version}
            self.post_message(self.Wants(self, "threshold", **wanted))

    # ------------------------------------------------------------------ what can be done

    def actions(self) -> list[Choice]:
        if self.has_class("-threshold"):
            return self.query_one(ThresholdView).actions()
        detail = self._snapshot.detail if self._snapshot else None
        if detail is None:
            return []
        name = detail.version.name
        has_others = self._snapshot is not None and len(self._snapshot.models) > 1
        is_champion = "champion" in detail.version.aliases
        base = "mlops-console"
        return [
            Choice(id="promote_model", label=f"promote {name} to champion", key="p",
                   command=f"{base} model promote {name}",
                   why_not="it is the champion" if is_champion else ""),
            Choice(id="rollback_model", label=f"roll {self._model} back to the version before",
                   key="b", command=f"{base} model rollback {self._model}", is_destructive=True),
            Choice(id="check_gates", label="judge it again, against the champion of now", key="j",
                   command=f"{base} gate check {name}"),
            Choice(id="threshold", label="inspect the decision threshold", key="t",
                   command=f"{base} threshold show {name}"),
            Choice(id="next_model", label="show the next model", key="n",
                   why_not="" if has_others else "there is only one"),
        ]  # fmt: skip

    def choose(self, action: Choice) -> None:
        if self.has_class("-threshold"):
            self.query_one(ThresholdView).choose(action)
            return
        detail = self._snapshot.detail if self._snapshot else None
        if detail is None or self._snapshot is None:
            return
        if action.id == "promote_model":
            self._ask_promotion(detail)
        elif action.id == "rollback_model":
            self.post_message(
                self.Acts(self, action.id, ask=rollback(self._model), model=self._model)
            )
        elif action.id == "check_gates":
            self.post_message(self.Acts(self, action.id, model=self._model, version=self._version))
        elif action.id == "threshold":
            self.action_threshold()
        else:
            names = [each.name for each in self._snapshot.models]
            self._want(names[(names.index(self._model) + 1) % len(names)], "")

    def _ask_promotion(self, detail: ModelDetail) -> None:
        report, name = detail.gates, detail.version.name
        needs_override = report.verdict not in ("pass", "warn")
        champion = next(
            (each for each in (self._snapshot.versions if self._snapshot else ())
             if "champion" in each.aliases), None,
        )  # fmt: skip
        was = f"v{champion.version}" if champion else "nothing"
        question = Question(
            sentence=f"Promote {name} {'against its gates' if needs_override else 'to champion'}?",
            facts=(
                ("changes", f"champion goes from {was} to v{detail.version.version}; "
                            "endpoints follow at once"),
                ("against", promotion_words(report)),
                ("undo", f"u, or mlops-console model rollback {self._model}"),
                ("needs", "a reason, kept in the ledger as an override" if needs_override
                 else "in a team workspace somebody else's yes"),
            ),
            fields=(Field(id="reason", label="reason", is_required=needs_override),),
            type_this=name if needs_override else "",
            yes="promote",
        )  # fmt: skip
        self.post_message(
            self.Acts(self, "promote_model", ask=question, model=self._model,
                      version=self._version, override=needs_override)
        )  # fmt: skip

    def _version_columns(
        self, versions: Table[ModelVersion], *, is_short: bool
    ) -> list[Column[ModelVersion]]:
        pinned = next((each for each in versions.rows if str(each.version) == versions.baseline),
                      None)  # fmt: skip
        base = pinned.metrics.get("roc_auc") if pinned is not None else None

        def change(each: ModelVersion) -> str:
            value = each.metrics.get("roc_auc")
            if base is None or value is None:
                return text.MISSING
            return "base" if each is pinned else text.delta(value - base, 3)

        columns: list[Column[ModelVersion]] = [
            Column(key="bullet", cell=lambda each: sign("baseline" if each is pinned
                                                        else "version"), width=1, is_bullet=True,
                   is_pinned=True),
            Column(key="version", cell=lambda each: f"v{each.version}", width=3, is_name=True,
                   sort=lambda each: each.version, first_descending=True),
            Column(key="verdict", head="gates", least=8, grow=1,
                   cell=lambda each: said("override" if each.is_override else each.verdict)),
            Column(key="auc", head="AUC ↑", align="right",
                   sort=lambda each: each.metrics.get("roc_auc"), first_descending=True,
                   cell=lambda each: text.fixed(each.metrics.get("roc_auc"), 3)),
        ]  # fmt: skip
        if base is not None and pinned is not None:
            columns.append(Column(key="delta", head=f"Δv{pinned.version}", cell=change,
                                  align="right"))  # fmt: skip
        if is_short:
            columns += [
                Column(key="recall", head="recall ↑", align="right", rank=60,
                       cell=lambda each: text.fixed(each.metrics.get("recall"), 3)),
                Column(key="use", head="serves", least=10, cell=_use),
                Column(key="run", head="run", align="right", ink="quiet", rank=55,
                       cell=lambda each: str(each.run_id or text.MISSING)),
                Column(key="when", head="made", ink="quiet", rank=65,
                       cell=lambda each: text.clock(each.created_at, self._snapshot.at
                                                    if self._snapshot else each.created_at,
                                                    seconds=False)),
            ]  # fmt: skip
        return columns


def _use(version: ModelVersion) -> Line:
    """`champion 100 %`: the endpoint is named only where it is called otherwise than the model."""
    shares = [each.removeprefix(f"{version.model} ") for each in version.served_by]
    words = " ".join((*version.aliases, *shares))
    return Line((words or "not served", "accent" if version.aliases else "quiet"))


def _version_second(version: ModelVersion) -> list[tuple[str, Part]]:
    return [("verdict", _use(version)), ("", Line((f"{version.created_at:%d %b}", "quiet")))]


_VERSION_FIELDS: dict[str, FilterField[ModelVersion]] = {
    "version": FilterField(lambda each: each.version, "number"),
    "verdict": FilterField(lambda each: each.verdict),
    "auc": FilterField(lambda each: each.metrics.get("roc_auc"), "number"),
    "alias": FilterField(lambda each: each.aliases),
}
_GATE_FIELDS: dict[str, FilterField[Result]] = {
    "gate": FilterField(lambda each: each.name),
    "scope": FilterField(lambda each: each.scope),
    "verdict": FilterField(lambda each: each.verdict),
}


def _auc_rows(snapshot: Snapshot) -> IntervalRows:
    rows = []
    for version in snapshot.versions[:6]:
        value = version.metrics.get("roc_auc")
        if value is None:
            continue
        is_chosen = snapshot.detail is not None and version.name == snapshot.detail.version.name
        interval = Interval(value=value, ink="accent" if is_chosen else "faint")
        row = IntervalRow(label=f"v{version.version}", text=text.fixed(value, 3), interval=interval)
        rows.append(row)
    values = [row.interval.value for row in rows]
    low, high = (min(values, default=0.5), max(values, default=1.0))
    air = max((high - low) * 0.2, 0.005)
    return IntervalRows(rows=tuple(rows), yardstick=Yardstick(low=low - air, high=high + air))


def _slice_rows(slices: tuple[Result, ...]) -> IntervalRows:
    rows = []
    ends: list[float] = []
    for result in slices:
        if result.value is None:
            continue
        ends += [result.ci_low or result.value, result.ci_high or result.value]
        rows.append(IntervalRow(
            label=result.scope.removeprefix("slice:"), text=text.fixed(result.value, 3),
            interval=Interval(value=result.value, low=result.ci_low, high=result.ci_high,
                              verdict="" if result.verdict == "skipped" else result.verdict),
        ))  # fmt: skip
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    air = max((high - low) * 0.05, 0.001)
    return IntervalRows(rows=tuple(rows), yardstick=Yardstick(low=low - air, high=high + air))
