"""Gates of one model version, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult

from console.rules.filtering import Field
from console.text import fixed
from console.tui.areas.base import Area
from console.tui.ink import Line
from console.tui.signs import said, value_ink
from console.tui.widgets.intervals import (
    Interval,
    Yardstick,
    interval_line,
    relative_to,
    verticals_line,
)
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Lines, Prose, Text
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column


@dataclass(frozen=True)
class Gate:
    name: str
    op: str
    must: float
    want: float
    got: float
    half: float
    probability: float
    verdict: str
    decimals: int = 3


GATES = [
    Gate("recall", "≥", 0.6, 0.65, 0.606, 0.010, 0.88, "inconclusive"),
    Gate("recall, origin LGA", "≥", 0.55, 0.6, 0.563, 0.020, 0.90, "inconclusive"),
    Gate("ECE", "≤", 0.05, 0.03, 0.031, 0.006, 1.0, "warn"),
    Gate("precision", "≥", 0.38, 0.4, 0.412, 0.009, 1.0, "pass"),
    Gate("AUC", "≥", 0.7, 0.73, 0.744, 0.006, 1.0, "pass"),
    Gate("not worse than v4", "≥", -0.01, 0.0, 0.024, 0.019, 1.0, "pass"),
    Gate("calibration slope", "≥", 0.8, 0.9, 1.04, 0.06, 1.0, "pass", 2),
    Gate("p95 one row ms", "≤", 20.0, 10.0, 6.4, 0.35, 1.0, "pass", 1),
]
YARDSTICK = Yardstick.between()


def _on_axis(gate: Gate) -> Interval:
    def at(value: float) -> float:
        return relative_to(gate.must, gate.want, value)

    ends = sorted((at(gate.got - gate.half), at(gate.got + gate.half)))
    return Interval(value=at(gate.got), low=ends[0], high=ends[1], verdict=gate.verdict)


def gate_table() -> Table[Gate]:
    columns = [
        Column[Gate](
            key="gate",
            head="gate",
            cell=lambda g: g.name,
            is_name=True,
            least=12,
            rank=0,
            sort=lambda g: g.name,
            meaning="what is measured, and on which slice",
        ),
        Column[Gate](
            key="must",
            head="must",
            cell=lambda g: f"{g.op} {fixed(g.must, g.decimals)}",
            ink="quiet",
            align="right",
            rank=4,
            meaning="the limit",
        ),
        Column[Gate](
            key="want",
            head="want",
            cell=lambda g: fixed(g.want, g.decimals),
            ink="quiet",
            align="right",
            rank=8,
        ),
        Column[Gate](
            key="got",
            head="got",
            align="right",
            rank=0,
            sort=lambda g: g.got,
            cell=lambda g: (fixed(g.got, g.decimals), value_ink(g.verdict)),
        ),
        Column[Gate](
            key="half",
            head="±",
            cell=lambda g: fixed(g.half, g.decimals),
            ink="quiet",
            align="right",
            rank=6,
        ),
        Column[Gate](
            key="p",
            head="P",
            cell=lambda g: fixed(g.probability, 2),
            align="right",
            rank=7,
            ink="quiet",
        ),
        Column[Gate](
            key="bar",
            width=18,
            grow=2,
            rank=5,
            gap=3,
            draw=lambda g, w: interval_line(_on_axis(g), YARDSTICK, w),
            draw_gap=lambda w: interval_line(None, YARDSTICK, w),
            draw_head=lambda w: verticals_line(YARDSTICK, w),
        ),
        Column[Gate](key="verdict", head="verdict", cell=lambda g: said(g.verdict), rank=0),
    ]
    fields = {
        "gate": Field[Gate](lambda g: g.name),
        "got": Field[Gate](lambda g: g.got, "number"),
        "verdict": Field[Gate](lambda g: g.verdict),
    }
    return Table(
        columns,
        key=lambda g: g.name,
        is_airy=True,
        fields=fields,
        id="gates",
        verbs={"open": "gate"},
        has_marks=True,
        has_baseline=True,
    )


class Gates(Area):
    DEFAULT_CSS = """
    Gates > Lines { margin-bottom: 1; }
    Gates #gates-pane { height: 1fr; }
    Gates #gates { height: 1fr; }
    Gates #words { height: auto; margin: 1 0; }
    """

    def compose(self) -> ComposeResult:
        yield Lines(
            (Line(("delays v5", "bright bold"), ("  run 117, flights@v7 weather@v7", "quiet")),)
        )
        yield Pane(
            "Gates",
            gate_table(),
            facts="worst first",
            right=said("inconclusive", "inconclusive, 2 of 8"),
            id="gates-pane",
        )
        yield Prose(
            Text(
                paragraphs=[
                    Line(
                        ("◇ ", "info"),
                        "recall 0.606, 95 % from 0.596 to 0.616, straddles the threshold 0.600. ",
                        ("It meets it with probability ", "quiet"),
                        ("0.88", "bright bold"),
                        (
                            ". 136 000 more judged rows settle it, five months of flights. At a "
                            "threshold of 0.30 it passes now: 0.696.",
                            "quiet",
                        ),
                    )
                ],
                indent=2,
            ),
            id="words",
        )

    def on_mount(self) -> None:
        self.show(None)

    def show(self, snapshot: Any) -> None:
        self.query_one("#gates", Table).rows = GATES
        self.say("8 gates, worst first · rule file r9 · judged on July, 28 293 rows")
