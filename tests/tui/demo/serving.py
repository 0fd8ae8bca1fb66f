"""Golden signals, saturation, drift and a canary."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult

from console.text import fixed
from console.tui.areas.base import Area
from console.tui.ink import Line, Part, join
from console.tui.signs import said, sign, value_ink
from console.tui.widgets.bars import (
    Gauge,
    gauge,
    gauge_gap,
    sparkline,
)
from console.tui.widgets.boxes import Row, Stack
from console.tui.widgets.chart import Axis, Chart, Series
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from tests.tui.demo.charts import NOW_S, latency_chart, recall_chart


@dataclass(frozen=True)
class Signal:
    name: str
    value: str
    unit: str
    trend: list[float]
    limit: str
    verdict: str = "ok"


SIGNALS = [
    Signal("rate", "38.2", "req/s", [3, 2, 3, 2, 4, 3, 5, 3, 2, 3, 7, 2], "–"),
    Signal("errors", "0.04", "%", [7, 3, 0, 4, 2, 5, 1, 5, 2, 1, 2, 2], "0.50"),
    Signal("p50", "21", "ms", [1, 1, 3, 2, 1, 3, 2, 3, 4, 5, 6, 7], "–"),
    Signal("p95", "83", "ms", [1, 2, 1, 2, 1, 2, 1, 2, 3, 4, 6, 7], "–"),
    Signal("p99", "186", "ms", [1, 1, 2, 1, 2, 3, 3, 4, 4, 5, 7, 7], "150", "warn"),
    Signal("queue wait", "3", "ms", [5, 5, 3, 4, 6, 3, 4, 3, 4, 5, 4, 5], "38"),
]


def now_table() -> Table[Signal]:
    def value_of(signal: Signal) -> Part:
        return signal.value, "warn bold" if signal.verdict == "warn" else "bright bold"

    def trend_of(signal: Signal, width: int) -> Line:
        return sparkline(
            signal.trend, width, last_ink="warn" if signal.verdict == "warn" else "ink"
        )

    columns = [
        Column[Signal](key="name", cell=lambda s: s.name, rank=0),
        Column[Signal](key="value", cell=value_of, align="right", rank=0),
        Column[Signal](key="unit", cell=lambda s: s.unit, ink="quiet", gap=1, grow=1, rank=0),
        Column[Signal](key="trend", draw=trend_of, width=16, rank=9),
        Column[Signal](key="limit", cell=lambda s: s.limit, ink="quiet", align="right", grow=1),
    ]
    table = Table(columns, key=lambda s: s.name, has_head=False, has_cursor=False)
    table.rows = SIGNALS
    return table


@dataclass(frozen=True)
class Level:
    name: str
    value: float
    verdict: str = ""


def _gauge_of(level: Level, limits: tuple[float, ...], high: float, leads: str) -> Gauge:
    ink = "accent" if level.name == leads else value_ink(level.verdict).split()[0]
    return Gauge(value=level.value, high=high, limits=limits, ink="faint" if ink == "ink" else ink)


def saturation_table() -> Table[Level]:
    levels = [
        Level("in flight", 0.41),
        Level("cpu", 0.37),
        Level("memory", 0.28),
        Level("queue wait", 0.08),
        Level("event loop", 0.03),
        Level("disk", 0.22),
    ]

    def bar(level: Level, width: int) -> Line:
        return gauge(_gauge_of(level, (0.7, 0.9), 1.0, "in flight"), width)

    def value_of(level: Level) -> Part:
        return fixed(level.value, 2), "bright bold" if level.name == "in flight" else "ink"

    columns = [
        Column[Level](key="name", cell=lambda s: s.name, rank=0),
        Column[Level](key="bar", draw=bar, width=10, grow=1, rank=0),
        Column[Level](key="value", cell=value_of, align="right", rank=0),
    ]
    table = Table(columns, key=lambda s: s.name, has_head=False, has_cursor=False)
    table.rows = levels
    return table


DRIFTS = [
    Level("humid", 0.41, "fail"),
    Level("dewp", 0.33, "fail"),
    Level("temp", 0.17, "warn"),
    Level("pressure", 0.12, "warn"),
    Level("precip", 0.06, "pass"),
    Level("wind_speed", 0.03, "pass"),
    Level("carrier", 0.01, "pass"),
]


def drift_table() -> Table[Level]:
    def given(level: Level) -> Gauge:
        return _gauge_of(level, (0.10, 0.25), 0.45, "")

    columns = [
        Column[Level](key="sign", cell=lambda s: sign(s.verdict), width=1, rank=0),
        Column[Level](key="name", cell=lambda s: s.name, gap=1, rank=0, is_name=True),
        Column[Level](
            key="bar",
            draw=lambda s, w: gauge(given(s), w),
            width=8,
            grow=1,
            rank=0,
            draw_gap=lambda w: gauge_gap(given(DRIFTS[0]), w),
        ),
        Column[Level](
            key="value",
            cell=lambda s: (fixed(s.value, 2), value_ink(s.verdict)),
            align="right",
            rank=0,
        ),
        Column[Level](
            key="trend",
            draw=lambda s, w: sparkline([s.value * x / 10 for x in range(14)], w, high=0.5),
            width=14,
            rank=9,
        ),
    ]
    return Table(columns, key=lambda s: s.name, has_head=False, id="drift")


@dataclass(frozen=True)
class Canary:
    name: str
    v4: str
    v5: str
    difference: str
    word: str
    verdict: str


CANARY = [
    Canary("p99 ms", "112", "342", "+193 to +268", "slower", "warn"),
    Canary("errors %", "0.04", "0.00", "−0.13 to +0.13", "noise", "noise"),
    Canary("late %", "31.0", "33.8", "+0.8 to +4.8", "watch", "unclear"),
]


def canary_table() -> Table[Canary]:
    columns = [
        Column[Canary](key="name", cell=lambda c: c.name, ink="quiet", rank=0),
        Column[Canary](key="v4", head="v4", cell=lambda c: c.v4, align="right", rank=0),
        Column[Canary](
            key="v5",
            head="v5",
            align="right",
            rank=0,
            cell=lambda c: (c.v5, "warn bold" if c.verdict == "warn" else "ink"),
        ),
        Column[Canary](
            key="difference",
            head="difference, 95 %",
            cell=lambda c: (c.difference, "quiet"),
            align="right",
            grow=1,
        ),
        Column[Canary](key="verdict", cell=lambda c: said(c.verdict, c.word), gap=1, rank=0),
    ]
    table = Table(columns, key=lambda c: c.name, has_cursor=False)
    table.rows = CANARY
    return table


class Serving(Area):
    DEFAULT_CSS = """
    Serving Pane { margin-bottom: 1; }
    Serving .main { height: 1fr; width: 1fr; }
    Serving #latency { height: 1fr; }
    Serving #pair { height: 8; display: none; }
    Serving.-wide #pair { display: block; }
    Serving #pair Pane, Serving #recall { height: 8; }
    Serving #recall { display: none; height: 10; margin: 0; }
    Serving.-wide #recall { display: block; }
    Serving #now { height: auto; }
    Serving.-narrow #now { display: none; }
    Serving .columns { height: 1fr; }
    Serving .right { width: 54; margin-left: 3; }
    Serving.-narrow .columns { layout: vertical; }
    Serving.-narrow .main { height: 1fr; }
    Serving.-narrow .right { width: 1fr; margin: 0; height: 6; layout: horizontal; }
    Serving.-narrow .right Pane { height: 100%; margin: 0; }
    Serving.-narrow #drift-pane { width: 5fr; }
    Serving.-narrow #canary-pane { width: 4fr; margin-left: 3; }
    Serving.-narrow #now-pane, Serving.-narrow #saturation-pane { display: none; }
    Serving #head { margin-bottom: 1; }
    """

    def compose(self) -> ComposeResult:
        yield Lines(id="head")
        with Row(classes="columns"):
            with Stack(classes="main"):
                yield Pane(
                    "Latency",
                    LineChart(latency_chart()),
                    facts="ms · 30 min",
                    right="budget left 61 % of 30 d",
                    id="latency",
                )
                with Row(id="pair"):
                    yield Pane("Rate", LineChart(_small(38, 3)), facts="req/s", right="38")
                    yield Pane("Errors", LineChart(_small(0.06, 0.05)), facts="% of requests")
                yield Pane(
                    "Recall",
                    LineChart(recall_chart()),
                    right="realised 0.588, labels 81 %",
                    facts="by week · band: estimated without labels, 95 %",
                    id="recall",
                )
            with Stack(classes="right"):
                yield Pane("Now", now_table(), right="limit", id="now-pane", is_stop=False)
                yield Pane(
                    "Saturation",
                    saturation_table(),
                    facts="warn 0.70, fail 0.90",
                    right="in flight leads",
                    id="saturation-pane",
                    is_stop=False,
                )
                yield Pane("Drift", drift_table(), facts="PSI, 24 h", id="drift-pane")
                yield Pane(
                    "Canary",
                    canary_table(),
                    facts="10 min",
                    right=said("warn", "hold"),
                    id="canary-pane",
                )

    def on_mount(self) -> None:
        self.show(None)

    def show(self, snapshot: Any) -> None:
        self.query_one("#drift", Table).rows = DRIFTS
        pairs = (
            ("rate", "38", " req/s"),
            ("errors", "0.04", " %"),
            ("p50", "21", ""),
            ("p95", "83", ""),
            ("p99", "186", " ms"),
            ("busy", "0.41", ""),
        )
        numbers = join(
            [
                Line(
                    (name + " ", "quiet"),
                    (value, "warn bold" if name == "p99" else "bright bold"),
                    (unit, "quiet"),
                )
                for name, value, unit in pairs
            ],
            "    ",
        )
        head = Line(("delays", "bright bold"), ("  v4 90 %, v5 10 % canary", "quiet"))
        self.query_one("#head", Lines).data = (
            head + "      " + said("warn", "slow") + Line((" since 09:37", "quiet")),
            numbers,
        )
        self.say("window 30 min · sampled 1 s ago, 0 dropped")


def _small(level: float, noise: float) -> Chart:
    rng = random.Random(5)
    start = NOW_S - 1800
    points = [(start + i * 20, level + rng.uniform(-noise, noise)) for i in range(91)]
    return Chart(
        series=(Series(points=points, ink="accent", is_judged=True),),
        x=Axis(is_time=True),
        y=Axis(floor=0),
    )
