"""A decision threshold and its price."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult

from console.text import count, delta
from console.tui.areas.base import Area
from console.tui.ink import Line
from console.tui.widgets.bars import (
    histogram_rows,
)
from console.tui.widgets.boxes import Stack
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.matrix import ConfusionMatrix, MatrixCell, MatrixData
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from tests.tui.demo.charts import cost_chart, threshold_chart


@dataclass(frozen=True)
class Rate:
    name: str
    value: str
    interval: str
    now: str
    change: float
    decimals: int = 3


RATES = [
    Rate("recall", "0.696", "0.686 to 0.706", "0.606", 0.090),
    Rate("precision", "0.389", "0.380 to 0.398", "0.412", -0.023),
    Rate("F1", "0.499", "0.491 to 0.507", "0.491", 0.009),
    Rate("alerts a day", "514", "469 to 558", "422", 92, 0),
    Rate("cost per 1 000", "348", "343 to 353", "353", -6, 0),
]


def rate_table() -> Table[Rate]:
    columns = [
        Column[Rate](key="name", cell=lambda r: r.name, rank=0),
        Column[Rate](
            key="value", cell=lambda r: (r.value, "bright bold"), align="right", rank=0, grow=1
        ),
        Column[Rate](key="interval", cell=lambda r: r.interval, ink="quiet", align="right", rank=1),
        Column[Rate](key="now", cell=lambda r: r.now, ink="quiet", align="right", rank=8, grow=1),
        Column[Rate](
            key="change", cell=lambda r: delta(r.change, r.decimals), align="right", rank=7, grow=1
        ),
    ]
    table = Table(columns, key=lambda r: r.name, has_head=False, has_cursor=False, id="rates")
    table.rows = RATES
    return table


MATRIX = MatrixData(
    columns=("said late", "said on time"),
    rows=("was late", "on time"),
    cells=(
        (
            MatrixCell(count=6203, share=0.219, word="caught", tint="ok"),
            MatrixCell(count=2709, share=0.096, word="missed", tint="fail"),
        ),
        (
            MatrixCell(count=9727, share=0.344, word="false alarm", tint="warn"),
            MatrixCell(count=9654, share=0.341, word="left alone"),
        ),
    ),
)


class ScoreHistograms(Lines):
    DEFAULT_CSS = "ScoreHistograms { padding: 0 1; height: 4; }"

    def lines(self, width: int, height: int, look: Any) -> list[Line]:
        left, right = 5, 10
        plot = width - left - right
        cursor = round(0.3 * plot)
        rows: list[Line] = []
        for peak, ink, name, name_ink in (
            (0.28, "faint", "on time", "quiet"),
            (0.44, "fill", "late", "accent bold"),
        ):
            shares = [math.exp(-(((i / 100) - peak) ** 2) / 0.03) for i in range(101)]
            drawn = histogram_rows(shares, plot, 2, ink=ink, cursor=cursor)
            rows.append(Line(" " * left) + drawn[0])
            rows.append(Line(" " * left) + drawn[1] + Line(" ", (name, name_ink)))
        return rows


class Threshold(Area):
    DEFAULT_CSS = """
    Threshold { layout: horizontal; }
    Threshold Pane { margin-bottom: 1; }
    Threshold .left { width: 1fr; }
    Threshold .right { width: 56; margin-left: 3; }
    Threshold #cost, Threshold #scores { display: none; }
    Threshold.-wide #cost { display: block; height: 11; }
    Threshold.-wide #scores { display: block; margin: 0; }
    Threshold #curve { height: 1fr; }
    Threshold.-narrow { layout: vertical; }
    Threshold.-narrow .left { height: 1fr; }
    Threshold.-narrow .right { width: 1fr; height: 7; margin: 0; layout: horizontal; }
    Threshold.-narrow .right > Stack { width: 1fr; }
    Threshold .right > Stack { height: auto; }
    Threshold.-narrow #solid { display: none; }
    """

    def compose(self) -> ComposeResult:
        with Stack(classes="left"):
            yield Pane(
                "Threshold",
                LineChart(id="chart"),
                facts="delays v5 · July, 28 293 rows",
                right="cost is as low from 0.21 to 0.33",
                id="curve",
            )
            yield Pane(
                "Cost per 1 000",
                LineChart(cost_chart()),
                id="cost",
                facts="false alarm 0.50, missed 1.60",
                right="lowest 0.28",
            )
            yield Pane("Scores", ScoreHistograms(), facts="flights by score", id="scores")
        with Stack(classes="right"):
            with Stack():
                yield Pane("At 0.30", rate_table(), right="95 %", is_stop=False)
            with Stack():
                yield Pane("Who is right", ConfusionMatrix(MATRIX), facts=f"{count(28293)} flights")
                yield Lines(
                    (Line(" ", ("● ", "ok"), ("−6 cost", "bright bold"), " and +92 alerts a day"),),
                    id="solid",
                )

    def on_mount(self) -> None:
        self.settle()
        self.show(None)

    def settle(self) -> None:
        self.query_one("#chart", LineChart).data = threshold_chart(
            is_wide=self.size_class == "wide"
        )

    def show(self, snapshot: Any) -> None:
        self.say("serving at 0.34 since Fri 17:40, by cleo · your 0.30 is not saved")
