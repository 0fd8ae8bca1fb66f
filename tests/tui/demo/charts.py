"""Charts of invented numbers."""

from __future__ import annotations

import math
import random

from console.tui.widgets.chart import Axis, Band, Chart, Crosshair, Event, Limit, Range, Series

NOW_S = 1385199667


def latency_chart(*, minutes: int = 30, points: int = 180) -> Chart:
    rng = random.Random(3)
    start = NOW_S - minutes * 60
    step = minutes * 60 / points
    event = int(points * 0.66)

    def line(base: float, noise: float, slope: float) -> list[tuple[float, float | None]]:
        return [
            (
                start + i * step,
                base
                + math.sin(i / 9) * noise
                + rng.uniform(-noise, noise)
                + max(0, i - event) * slope,
            )
            for i in range(points + 1)
        ]

    return Chart(
        series=(
            Series(points=line(20, 1.5, 0), label="p50  21", ink="faint"),
            Series(points=line(61, 3, 0.3), label="p95  83", ink="quiet"),
            Series(points=line(115, 5, 1.15), label="p99 186", ink="accent", is_judged=True),
        ),
        limits=(Limit(value=150, label="limit 150"),),
        events=(Event(x=start + event * step, label="v5 10 %"),),
        x=Axis(is_time=True),
        y=Axis(floor=0),
    )


def recall_chart() -> Chart:
    def at(week: float) -> float:
        return 0.662 + 0.002 * math.sin(week) - max(0, week - 30) * 0.0065

    weeks = [week / 2 for week in range(86)]
    return Chart(
        series=(
            Series(points=[(w, at(w)) for w in weeks if w >= 36], label="estimated"),
            Series(
                points=[(w, at(w)) for w in weeks if w <= 37],
                label="realised",
                ink="accent",
                is_judged=True,
            ),
        ),
        limits=(Limit(value=0.60, label="must 0.60", ink="accent", is_floor=True),),
        bands=(Band(points=[(w, at(w) - 0.022, at(w) + 0.02) for w in weeks]),),
        events=(Event(x=30, label="humid moves"),),
        x=Axis(
            ticks=[
                (i * 7, m) for i, m in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul"))
            ]
        ),
    )


def threshold_chart(*, is_wide: bool) -> Chart:
    def s(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    xs = [i / 200 for i in range(201)]
    recall = [(x, 1 - s((x - 0.38) * 9) + 0.03 * (1 - x)) for x in xs]
    return Chart(
        series=(
            *(
                ()
                if is_wide
                else (
                    Series(
                        points=[(x, 0.05 + 0.43 * s((x - 0.45) * 12)) for x in xs],
                        label="cost shape",
                        ink="faint",
                    ),
                )
            ),
            Series(
                points=[(x, 0.31 + 0.6 * s((x - 0.5) * 8)) for x in xs],
                label="precision",
                ink="ink",
            ),
            Series(points=recall, label="recall", ink="accent", is_judged=True),
        ),
        bands=(Band(points=[(x, max(0, y - 0.035), y + 0.035) for x, y in recall]),)
        if is_wide
        else (),
        events=(Event(x=0.34, label="now 0.34", side="right"),),
        ranges=() if is_wide else (Range(low=0.21, high=0.33),),
        crosshair=Crosshair(x=0.30, tag="0.30"),
        y=Axis(floor=0),
        x=Axis(low=0, high=1),
    )


def cost_chart() -> Chart:
    xs = [i / 200 for i in range(201)]
    cost = [(x, 348 + 600 * (x - 0.27) ** 2 - 300 * max(0, x - 0.27) ** 3) for x in xs]
    return Chart(
        series=(Series(points=cost, ink="ink"),),
        ranges=(Range(low=0.21, high=0.33, label="choose freely in the band"),),
        events=(Event(x=0.34),),
        crosshair=Crosshair(x=0.30),
        label_width=4,
        end_width=10,
        x=Axis(low=0, high=1),
    )
