"""The threshold inspector: move the score that says yes and see at once what it would have cost.

Everything is computed here from the stored grid of scores, so a step takes a moment whatever the
number of rows. Nothing is saved until the reader asks for it, with a reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console import text
from console.rules import thresholds
from console.tui.areas.base import Area, Choice
from console.tui.areas.models.threshold_pictures import (
    Heaps,
    HeapsOf,
    calibration_chart,
    cost_chart,
    matrix_of,
    rates_chart,
    share_rows,
)
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from console.tui.ink import Line, Part
from console.tui.keymaps import bind
from console.tui.signs import said
from console.tui.widgets.boxes import Row, Stack
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.matrix import ConfusionMatrix
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Lines
from storage.records.pipelines import Cost

if TYPE_CHECKING:
    from console.wire.models import ThresholdView as View

STEP = 0.01
_INTERVAL_CELLS = 15
_SHOWN = (
    ("recall", "recall", 3),
    ("precision", "precision", 3),
    ("specificity", "specificity", 3),
    ("f1", "F1", 3),
    ("mcc", "MCC", 3),
    ("alerts_per_day", "alerts a day", 0),
    ("cost_per_1000", "cost / 1 000", 0),
)


_LONG_ONLY = ("specificity", "mcc")


class ThresholdView(Stack, can_focus=True):
    """Curves, price and people affected at the threshold under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("threshold-left", "move(-1)", keys="left,h", verb="move", place=10, rank=1,
             meaning="a lower threshold", shown="← →"),
        bind("threshold-right", "move(1)", keys="right,l", meaning="a higher threshold"),
        bind("threshold-far-left", "move(-10)", keys="shift+left,H", verb="×10", place=12, rank=5,
             meaning="ten steps lower", shown="shift"),
        bind("threshold-far-right", "move(10)", keys="shift+right,L", meaning="ten steps higher"),
        bind("optimum", "optimum", keys="o", verb="optimum", place=14, rank=3,
             meaning="go to the cheapest threshold"),
        bind("now", "now", keys="n", verb="now", place=16, rank=6,
             meaning="back to the threshold in force"),
        bind("costs", "costs", keys="dollar_sign", verb="costs", place=18, rank=7,
             meaning="change what mistakes cost, just to look"),
        bind("prevalence", "prevalence", keys="percent_sign", verb="prevalence", place=20, rank=8,
             meaning="as if so many cases were positive"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    ThresholdView { height: 1fr; }
    ThresholdView Pane { margin: 0 0 1 0; }
    ThresholdView #t-left { width: 1fr; }
    ThresholdView #t-right { width: 56; margin: 0 0 0 4; }
    ThresholdView #t-rates-pane { height: 3fr; min-height: 6; }
    ThresholdView #t-cost-pane { height: 2fr; min-height: 4; }
    ThresholdView #t-rates, ThresholdView #t-cost { height: 1fr; }
    ThresholdView #t-scores-pane { height: 6; }
    ThresholdView #t-matrix { height: 6; }
    ThresholdView #t-calibration { height: 6; }
    """

    def __init__(self, area: Area) -> None:
        super().__init__(id="threshold")
        self._area = area
        self._view: View | None = None
        self._curves: thresholds.Curves | None = None
        self._cost = Cost()
        self._prevalence: float | None = None
        self._at = 0.5
        self._best: thresholds.Optimum | None = None

    def compose(self) -> ComposeResult:
        with Row(id="t-both"):
            with Stack(id="t-left"):
                yield Pane("Threshold", LineChart(id="t-rates"), is_stop=False, id="t-rates-pane")
                yield Pane("Cost", LineChart(id="t-cost"), is_stop=False, id="t-cost-pane",
                           classes="extra")  # fmt: skip
                facts = "by score, each group to its own height"
                yield Pane("Scores", Heaps(id="t-scores"), facts=facts, is_stop=False,
                           id="t-scores-pane")  # fmt: skip
            with Stack(id="t-right"):
                yield Pane("At", Lines(id="t-figures"), is_stop=False, id="t-figures-pane")
                yield Pane("Who is right", ConfusionMatrix(id="t-matrix"), is_stop=False,
                           id="t-matrix-pane")  # fmt: skip
                yield Pane("Against now", Lines(id="t-change"), facts="paired, same rows",
                           is_stop=False, id="t-change-pane", classes="extra")  # fmt: skip
                yield Pane("Is the choice solid?", Lines(id="t-solid"), is_stop=False,
                           classes="extra")  # fmt: skip
                yield Pane("By group", Lines(id="t-slices"), is_stop=False, id="t-slices-pane")
                yield Pane("Calibration", LineChart(id="t-calibration"), is_stop=False,
                           facts="seen share by score", id="t-calibration-pane")  # fmt: skip

    def show(self, view: View) -> None:
        """Open on the threshold in force; a newer reading of the same version keeps the cursor."""
        is_same = self._view is not None and (self._view.model, self._view.version) == (
            view.model,
            view.version,
        )
        self._view = view
        self._curves = thresholds.curves_of(view.grid)
        if not is_same:
            self._cost, self._prevalence, self._at = view.cost, None, view.threshold
        self._best = thresholds.optimum(view.grid, self._cost, prevalence=self._prevalence)
        self._show_still()
        self._show_moving()
        self.focus()

    # ------------------------------------------------------------------ what is shown

    def settle(self) -> None:
        """Score heaps, groups and calibration only where there is room for them."""
        is_wide = self._area.size_class == "wide"
        for name in ("#t-scores-pane", "#t-slices-pane", "#t-calibration-pane"):
            self.query_one(name, Pane).display = is_wide
        self._again()

    def _show_still(self) -> None:
        """What does not depend on the cursor."""
        view = self._view
        if view is None:
            return
        name = f"{view.model}@v{view.version}"
        self.query_one("#t-rates-pane", Pane).title(
            "Threshold", facts=f"{name} · {view.judged_on}", right=self._yardstick()
        )
        cost = self._cost
        facts = f"false alarm {cost.false_positive:g}, missed {cost.false_negative:g}"
        if cost.review:
            facts += f", review {cost.review:g}"
        if self._prevalence is not None:
            facts += f" · as if {text.percent(self._prevalence)} were positive"
        right = ""
        if self._best is not None:
            best = self._best
            flat = f"{best.flat_low:.2f} to {best.flat_high:.2f}"
            right = f"lowest {best.threshold:.2f}, as good from {flat}"
        self.query_one("#t-cost-pane", Pane).title("Cost per 1 000", facts=facts, right=right)
        calibration = calibration_chart(view.grid)
        self.query_one("#t-calibration", LineChart).data = calibration

    def _yardstick(self) -> str:
        best = self._best
        if self._area.size_class != "narrow" or best is None:
            return "bands 95 %, pointwise"
        return f"cost is as low from {best.flat_low:.2f} to {best.flat_high:.2f}"

    def _show_moving(self) -> None:
        view, curves = self._view, self._curves
        if view is None or curves is None:
            return
        here = self._figures(self._at)
        now = self._figures(view.threshold)
        is_narrow = self._area.size_class == "narrow"
        marks = {"at": self._at, "now": view.threshold}
        self.query_one("#t-rates", LineChart).data = rates_chart(
            curves, self._cost, self._prevalence, best=self._best if is_narrow else None, **marks
        )
        self.query_one("#t-cost", LineChart).data = cost_chart(
            curves, self._cost, self._prevalence, self._best, **marks
        )
        self.query_one("#t-scores", Heaps).data = HeapsOf(grid=view.grid, at=self._at)
        figures = tuple(_figure_rows(here, now, is_short=is_narrow))
        self.query_one("#t-figures", Lines).data = figures
        self.query_one("#t-figures-pane", Pane).title(
            f"At {self._at:.2f}",
            right="95 %" if is_narrow else f"now {view.threshold:.2f}   change",
        )
        self.query_one("#t-matrix", ConfusionMatrix).data = matrix_of(here)
        self.query_one("#t-matrix-pane", Pane).title(
            facts=text.counted(curves.n, "row") + " judged"
        )
        self.query_one("#t-change", Lines).data = tuple(self._change_rows())
        self.query_one("#t-solid", Lines).data = tuple(self._solid_rows())
        groups = tuple(share_rows(view.grid, self._at, self._cost))
        self.query_one("#t-slices", Lines).data = groups
        self._say()

    def _figures(self, threshold: float) -> thresholds.Figures:
        assert self._curves is not None and self._view is not None
        return thresholds.figures_at(
            self._curves,
            threshold,
            self._cost,
            prevalence=self._prevalence,
            rows_per_day=self._view.rows_per_day,
        )

    def _change_rows(self) -> list[Part]:
        view, curves = self._view, self._curves
        assert view is not None and curves is not None
        if abs(self._at - view.threshold) < STEP / 2:
            return [Line(("This is the threshold in force.", "quiet"))]
        moved = thresholds.change(
            curves, self._at, view.threshold, self._cost, rows_per_day=view.rows_per_day
        )
        cost = moved.cost_per_1000
        word = "pass" if cost.high < 0 else "fail" if cost.low > 0 else "noise"
        rows: list[Part] = [
            said(word, f"{text.delta(cost.value, 0)} cost per 1 000")
            + Line((f"  {text.delta(cost.low, 0)} to {text.delta(cost.high, 0)}", "quiet")),
            Line((f"  {text.delta(moved.caught, 0)} caught", "ink"),
                 (f" of {text.count(curves.positives)}", "quiet")),
        ]  # fmt: skip
        per_day = moved.alerts_per_day
        if per_day is not None:
            rows.append(Line((f"  {text.delta(per_day.value, 0)} alerts a day", "ink"),
                             (f"  {text.delta(per_day.low, 0)} to {text.delta(per_day.high, 0)}",
                              "quiet")))  # fmt: skip
        else:
            rows.append(Line((f"  {text.delta(moved.alerts, 0)} alerts", "ink"),
                             (f" in {text.count(moved.n)} rows", "quiet")))  # fmt: skip
        return rows

    def _solid_rows(self) -> list[Part]:
        view, best = self._view, self._best
        if view is None or best is None:
            return []
        is_flat = best.flat_low <= self._at <= best.flat_high
        rows: list[Part] = [
            said("pass" if is_flat else "warn",
                 f"as good from {best.flat_low:.2f} to {best.flat_high:.2f}")
        ]  # fmt: skip
        moved = thresholds.transfer(view.grid, self._cost)
        if moved is not None:
            share = moved.regret / best.cost_per_1000 if best.cost_per_1000 > 0 else 0.0
            word = "pass" if share <= 0.02 else "warn"
            rows.append(said(word, f"chosen on other rows: {moved.regret:.0f} more, "
                                   f"{text.percent(share)}"))  # fmt: skip
        if best.bayes is not None:
            gap = abs(best.bayes - best.threshold)
            is_near = best.flat_low <= best.bayes <= best.flat_high
            rows.append(said("pass" if is_near else "warn",
                             f"Bayes threshold {best.bayes:.2f}, gap {gap:.2f}"))  # fmt: skip
        return rows

    def _say(self) -> None:
        view = self._view
        if view is None:
            return
        since = ""
        if view.history:
            last = view.history[0]
            since = f' since {last.at:%d %b %H:%M}, set by {last.by}: "{last.reason}"'
        unsaved = abs(self._at - view.threshold) >= STEP / 2
        own = f" · your {self._at:.2f} is not saved" if unsaved else ""
        if unsaved and self._area.size_class == "narrow":
            own = f" · your {self._at:.2f}: " + "".join(
                part.plain.strip("● ◇✗≈▲") if isinstance(part, Line) else ""
                for part in self._change_rows()[:1]
            )
        self._area.say(f"in force {view.threshold:.2f}{since}{own}")

    # ------------------------------------------------------------------ what can be done

    def action_move(self, steps: int) -> None:
        self._at = min(0.99, max(0.01, round(self._at + steps * STEP, 2)))
        self._show_moving()

    def action_optimum(self) -> None:
        if self._best is not None:
            self._at = round(self._best.threshold, 2)
            self._show_moving()

    def action_now(self) -> None:
        if self._view is not None:
            self._at = self._view.threshold
            self._show_moving()

    def action_costs(self) -> None:
        from console.tui.dialogs.form import Form

        cost = self._cost
        fields = [
            Field(id="false_positive", label="false alarm", value=f"{cost.false_positive:g}",
                  is_required=True, check=_number_fault),
            Field(id="false_negative", label="missed", value=f"{cost.false_negative:g}",
                  is_required=True, check=_number_fault),
            Field(id="review", label="review of an alert", value=f"{cost.review:g}",
                  is_required=True, check=_number_fault),
        ]  # fmt: skip
        form = Form("What mistakes cost", fields, yes="look",
                    facts=(("saved", "in mlops.toml; here it is only to look"),))  # fmt: skip

        def answered(answer: Any) -> None:
            if answer is not None and self._view is not None:
                self._cost = replace(cost, **{k: float(v) for k, v in answer.values.items()})
                self._again()

        self.app.push_screen(form, answered)

    def action_prevalence(self) -> None:
        from console.tui.dialogs.form import Form

        now = "" if self._prevalence is None else f"{100 * self._prevalence:g}"
        field = Field(id="percent", label="percent positive", value=now, check=_percent_fault,
                      hint="empty = as it was seen")  # fmt: skip
        form = Form("As if so many cases were positive", (field,), yes="look")

        def answered(answer: Any) -> None:
            if answer is not None:
                given = answer.values["percent"]
                self._prevalence = float(given) / 100 if given.strip() else None
                self._again()

        self.app.push_screen(form, answered)

    def _again(self) -> None:
        if self._view is not None:
            self._best = thresholds.optimum(
                self._view.grid, self._cost, prevalence=self._prevalence
            )
            self._show_still()
            self._show_moving()

    def actions(self) -> list[Choice]:
        view = self._view
        if view is None:
            return []
        name = f"{view.model}@v{view.version}"
        same = abs(self._at - view.threshold) < STEP / 2
        command = f"mlops-console threshold set {name} {self._at:g} --reason …"
        return [
            Choice(id="set_threshold", label=f"set {self._at:.2f}", key="s", command=command,
                   why_not="it is in force" if same else ""),
        ]  # fmt: skip

    def choose(self, action: Choice) -> None:
        view = self._view
        if view is None:
            return
        here = self._figures(self._at).by_name
        gives = ", ".join(
            f"{name} {text.fixed(here[key].value, 3)}"
            for key, name in (("recall", "recall"), ("precision", "precision"))
            if key in here
        )
        question = Question(
            sentence=f"Say yes from {self._at:.2f} on instead of {view.threshold:.2f}?",
            facts=(
                ("gives", gives),
                ("changes", "every endpoint of this version, at once, without a reload"),
                ("undo", f"set {view.threshold:.2f} again"),
            ),
            fields=(Field(id="reason", label="reason", is_required=True),),
            yes="set it",
        )
        self._area.post_message(
            Area.Acts(self._area, action.id, ask=question, model=view.model,
                      version=str(view.version), value=self._at)
        )  # fmt: skip


def _figure_rows(
    here: thresholds.Figures, now: thresholds.Figures, *, is_short: bool
) -> list[Line]:
    """Name, value, interval, value now, change; without the last two on small terminals."""
    rows = []
    for key, name, decimals in _SHOWN:
        figure, before = here.by_name.get(key), now.by_name.get(key)
        if figure is None or (is_short and key in _LONG_ONLY):
            continue
        was = before.value if before is not None else None
        delta = figure.value - was if was is not None else None
        interval = text.interval(figure.low, figure.high, decimals)
        if len(interval) > _INTERVAL_CELLS:
            interval = text.plus_minus((figure.high - figure.low) / 2, decimals)
        value = text.fixed(figure.value, decimals)
        row = Line((f"{name:<12}", "ink"), (f"{value:>8}", "bright bold"),
                   (f"{interval:>16}", "quiet"))  # fmt: skip
        if not is_short:
            row = row + Line((f"{text.fixed(was, decimals):>8}", "quiet"),
                             (f"{text.delta(delta, decimals):>8}", "ink"))  # fmt: skip
        rows.append(row)
    return rows


def _number_fault(value: str) -> str:
    try:
        return "" if float(value) >= 0 else "not below 0"
    except ValueError:
        return "a number"


def _percent_fault(value: str) -> str:
    if not value.strip():
        return ""
    try:
        return "" if 0 < float(value) < 100 else "between 0 and 100"
    except ValueError:
        return "a number"
