"""What needs somebody, the stages, a chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult

from console.tui.areas.base import Area, Choice
from console.tui.ink import Line, Part
from console.tui.signs import said
from console.tui.widgets.bars import (
    progress,
    sparkline,
    strip_of_states,
)
from console.tui.widgets.boxes import Stack
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from tests.tui.demo.charts import latency_chart, recall_chart
from tests.tui.demo.serving import now_table, saturation_table


@dataclass(frozen=True)
class Need:
    kind: str
    verdict: str
    sentence: str
    cause: str
    age: str
    step: Part


NEEDS = [
    Need(
        "drift",
        "fail",
        "humid moved: PSI 0.41, fails at 0.25",
        "delays v4 was trained on Jan–May; recall fell as the air became wetter",
        "12 min",
        Line(("enter", "ink bold"), (" see cause", "quiet")),
    ),
    Need(
        "slo",
        "warn",
        "p99 latency 186 ms is over its limit of 150 ms",
        "since delays v5 took 10 % of the traffic at 09:31; v4 alone stays at 112 ms",
        "4 min",
        "roll back",
    ),
    Need(
        "gate",
        "inconclusive",
        "delays v5: recall 0.606 ± 0.010 straddles the threshold 0.600",
        "136 000 more judged rows would settle it, five months; at 0.30 it passes",
        "40 min",
        "inspect",
    ),
]


@dataclass(frozen=True)
class Stage:
    name: str
    verdict: str
    word: str
    latest: str
    fact: str
    trend: str
    age: str


STAGES = [
    Stage("data", "ok", "ok", "flights@v7", "195 583 rows, 2 warnings", "grow", "2 h"),
    Stage(
        "training", "running", "running", "delays run 118", "fold 3 of 5, AUC 0.741", "bar", "11 m"
    ),
    Stage(
        "validation",
        "inconclusive",
        "inconclusive",
        "delays v5",
        "7 of 9 gates pass",
        "gates",
        "40 m",
    ),
    Stage(
        "serving", "warn", "warn", "delays v4 90 %, v5 10 %", "38 req/s, p99 186 ms", "up", "1 s"
    ),
    Stage("monitoring", "fail", "drift", "delays", "2 of 14 columns moved", "late", "12 m"),
    Stage("pipeline", "ok", "ok", "monthly #31", "took 6 m 12 s", "fall", "2 h"),
]
_TRENDS = {
    "grow": ([2, 2.4, 3, 4, 4, 6, 6, 6, 6.6, 6.6, 6.8], "faint"),
    "up": ([1, 1.6, 2, 2.5, 3, 3.1, 4, 4.6, 5, 6.8, 7], "warn"),
    "late": ([1, 1, 1, 1, 1.2, 1.6, 2, 3, 4.5, 6, 7], "fail"),
    "fall": ([7, 7, 5, 2, 1, 1, 2, 2.2, 2, 1, 1], "faint"),
}


def _trend(stage: Stage, width: int) -> Line:
    if stage.trend == "bar":
        return progress(0.62, width)
    if stage.trend == "gates":
        return strip_of_states(["pass"] * 6 + ["warn", "inconclusive", "inconclusive"], width)
    values, last = _TRENDS[stage.trend]
    return sparkline(values, width, last_ink=last)


def need_table() -> Table[Need]:
    columns = [
        Column[Need](key="kind", cell=lambda n: said(n.verdict, n.kind), rank=0, width=8),
        Column[Need](
            key="sentence", cell=lambda n: n.sentence, is_name=True, least=20, rank=0, grow=1
        ),
        Column[Need](key="age", cell=lambda n: n.age, align="right", ink="quiet", rank=0),
    ]
    return Table(columns, key=lambda n: n.kind, has_head=False, id="needs")


def _need_second(need: Need) -> list[tuple[str, Part]]:
    return [("sentence", need.cause), ("", need.step)]


class Overview(Area):
    DEFAULT_CSS = """
    Overview { layout: horizontal; }
    Overview > .left { width: 7fr; }
    Overview > .right { width: 4fr; margin-left: 3; display: none; }
    Overview.-wide > .right { display: block; }
    Overview Pane { margin-bottom: 1; }
    Overview .charts { height: 1fr; }
    Overview #recall, Overview #actions { display: none; }
    Overview.-wide #recall { display: block; height: 12; margin-top: 1; }
    Overview.-wide #actions { display: block; margin: 0; }
    Overview.-wide #small { display: none; }
    """
    help_text = "What needs you, the stages in the order of work, and what was done last."
    help_words = (
        ("drift", "a column's values are spread otherwise than when the model was trained"),
        ("gate", "a limit that a model must meet before it is promoted"),
    )

    def compose(self) -> ComposeResult:
        stages = [
            Column[Stage](key="stage", head="stage", cell=lambda s: s.name, is_name=True, rank=0),
            Column[Stage](
                key="state", head="state", cell=lambda s: said(s.verdict, s.word), rank=0
            ),
            Column[Stage](key="latest", head="latest", cell=lambda s: s.latest, least=12, rank=5),
            Column[Stage](
                key="fact",
                head="fact",
                cell=lambda s: s.fact,
                ink="quiet",
                least=12,
                grow=1,
                rank=6,
            ),
            Column[Stage](key="trend", head="last 24 h", draw=_trend, width=11, rank=9),
            Column[Stage](
                key="age", head="age", cell=lambda s: s.age, align="right", ink="quiet", rank=0
            ),
        ]
        with Stack(classes="left"):
            yield Pane("Needs you", need_table(), facts="3", help="What is wrong, worst first.")
            yield Pane("Stages", Table(stages, key=lambda s: s.name, id="stages"))
            yield Pane(
                "Is it still right?",
                LineChart(recall_chart()),
                facts="delays · recall by week, band: estimated 95 %",
                right="realised 0.588, labels 81 %",
                id="recall",
            )
            yield Pane(
                "Serving now",
                LineChart(latency_chart()),
                facts="delays · latency ms · 30 min",
                right="38 req/s   errors 0.04 %",
                id="small",
                classes="charts",
            )
            yield Pane(
                "Last actions",
                Lines(
                    (
                        Line(
                            (" 09:31:12  ana      ", "quiet"),
                            "serves delays v5 to 10 % of the traffic",
                        ),
                        Line((" 09:02:40  monthly  ", "quiet"), "registers delays v5 from run 117"),
                        Line((" 07:14:55  monthly  ", "quiet"), "trains on flights@v7, weather@v7"),
                        Line((" Fri 17:40 cleo     ", "quiet"), "sets threshold 0.34, was 0.30"),
                    )
                ),
                right="@ all, with commands",
                id="actions",
            )
        with Stack(classes="right"):
            yield Pane("Serving now", now_table(), facts="delays", right=said("warn"))
            yield Pane("Latency", LineChart(latency_chart()), facts="ms · 30 min", classes="charts")
            yield Pane("Saturation", saturation_table(), facts="warn 0.70, fail 0.90")

    def on_mount(self) -> None:
        self.show(None)

    def settle(self) -> None:
        table = self.query_one("#needs", Table)
        is_wide = self.size_class == "wide"
        table.reform(second=_need_second if is_wide else None, is_airy=is_wide)
        self.query_one("#stages", Table).reform(has_head=is_wide)

    def show(self, snapshot: Any) -> None:
        self.query_one("#needs", Table).rows = NEEDS
        self.query_one("#stages", Table).rows = STAGES
        self.say("3 need you · demo data, nothing here is real")

    def actions(self) -> list[Choice]:
        return [
            Choice(id="ack", label="acknowledge", key="a", command="mlops-console alert ack 57"),
            Choice(
                id="rollback",
                label="roll back to v4",
                key="b",
                is_destructive=True,
                command="mlops-console model rollback delays",
            ),
            Choice(id="retrain", label="train again", key="t", why_not="needs role data-scientist"),
        ]
