"""What an empty workspace shows: four steps that tick themselves, the demo, what will be where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from console.tui.areas.overview.parts import step_sign
from console.tui.ink import Line, Part
from console.tui.widgets.boxes import Stack
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column

if TYPE_CHECKING:
    from console.wire.agent import FirstStep

_PLACES = (
    (("1", "Overview", "what needs you"), ("5", "Serving", "latency, errors, drift")),
    (("2", "Data", "versions, profiles, diffs"), ("6", "Pipelines", "steps and their state")),
    (("3", "Jobs", "queue, runs, compare"), ("7", "Alerts", "what fires, and why")),
    (("4", "Models", "gates, thresholds"), ("8", "People", "who may what, ledger")),
)


class FirstSteps(Stack):
    """The way from data to traffic, one command at a time."""

    DEFAULT_CSS = """
    FirstSteps { width: 1fr; max-width: 104; height: auto; }
    FirstSteps #welcome { margin: 0 0 1 0; }
    FirstSteps #where-pane { display: none; }
    """

    def compose(self) -> ComposeResult:
        yield Lines(
            (
                Line(("Nothing here yet.", "bright bold")),
                Line(("Four steps take a model from its data to its traffic. "
                      "Each ticks itself.", "quiet")),
            ),
            id="welcome",
        )  # fmt: skip
        yield Pane(
            "First steps",
            Table(_columns(), key=lambda each: each.name, second=_second, has_head=False,
                  id="first", verbs={"open": "copy command"}),
            id="first-pane",
            help="Four commands; enter copies the one under the cursor.",
        )  # fmt: skip
        yield Pane(
            "Or look around first",
            Lines(
                (
                    Line((" d", "accent bold"), ("  opens a demo: a year of New York flights, "
                         "trained, served and drifting.", "ink")),
                    Line(("    It lives in a directory of its own and leaves this one alone.",
                          "quiet")),
                ),
            ),
            is_stop=False,
        )  # fmt: skip
        lines = [_place(*left) + _place(*right) for left, right in _PLACES]
        yield Pane("Where things will be", Lines(tuple(lines)), is_stop=False, id="where-pane")

    def show(self, steps: Sequence[FirstStep], *, is_wide: bool) -> None:
        if not self.query("#first"):
            return  # not composed yet; shown again after the next refresh
        done = sum(step.is_done for step in steps)
        self.query_one("#first-pane", Pane).title(facts=f"{done} of {len(steps)}")
        table = self.query_one("#first", Table)
        table.reform(is_airy=is_wide)
        table.rows = steps


def _place(digit: str, name: str, what: str) -> Line:
    return Line((f" {digit} ", "ink bold"), (f"{name:<12}", "ink"), (f"{what:<38}", "quiet"))


def _columns() -> list[Column[FirstStep]]:
    return [
        Column(key="done", cell=lambda each: step_sign(each.is_done), width=2),
        Column(key="name", cell=lambda each: each.name, width=10, is_name=True),
        Column(key="command", cell=lambda each: Line(("$ ", "quiet"), (each.command, "accent")),
               grow=1, least=20),
    ]  # fmt: skip


def _second(step: FirstStep) -> list[tuple[str, Part]]:
    is_first = "data add" in step.command and not step.is_done
    own = Line(("x ", "ink bold"), ("choose a file", "quiet")) if is_first else Line()
    return [("command", Line((step.detail, "quiet"))), ("", own)]
