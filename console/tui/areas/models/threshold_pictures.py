"""Pictures of the threshold inspector: from a score grid to charts, heaps, matrix and lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console import text
from console.rules import thresholds
from console.tui.ink import Line
from console.tui.look import Look
from console.tui.widgets.bars import histogram_rows
from console.tui.widgets.chart import Axis, Band, Chart, Crosshair, Event, Range, Series
from console.tui.widgets.matrix import MatrixCell, MatrixData
from console.tui.widgets.painted import Drawing
from storage.records.pipelines import Cost
from storage.records.thresholds import ScoreGrid

POINTS = 101
_SCORE_TICKS = [(i / 10, f"{i / 10:.1f}") for i in range(11)]
_END = 10


def rates_chart(
    curves: thresholds.Curves,
    cost: Cost,
    prevalence: float | None,
    *,
    at: float,
    now: float,
    best: thresholds.Optimum | None = None,
) -> Chart:
    """Recall with its band and precision over all thresholds; with `best` where cost is as low."""
    recall = thresholds.curve(curves, "recall", cost, points=POINTS, prevalence=prevalence)
    precision = thresholds.curve(curves, "precision", cost, points=POINTS, prevalence=prevalence)
    band = [(x, f.low, f.high) for x, f in recall if f is not None]
    return Chart(
        series=(
            Series(points=[(x, f.value if f else None) for x, f in precision],
                   label="precision", ink="ink"),
            Series(points=[(x, f.value if f else None) for x, f in recall],
                   label="recall", ink="accent", is_judged=True),
        ),
        bands=(Band(points=band),),
        ranges=(Range(low=best.flat_low, high=best.flat_high),) if best is not None else (),
        events=(Event(x=now, label=f"now {now:.2f}", side="right"),),
        crosshair=Crosshair(x=at, tag=f"{at:.2f}"),
        x=Axis(low=0.0, high=1.0, ticks=_SCORE_TICKS),
        y=Axis(low=0.0, high=1.0, floor=0.0),
        end_width=_END,
    )  # fmt: skip


def cost_chart(
    curves: thresholds.Curves,
    cost: Cost,
    prevalence: float | None,
    best: thresholds.Optimum | None,
    *,
    at: float,
    now: float,
) -> Chart:
    """Cost per 1 000 cases over all thresholds, with the stretch that is as good as the best."""
    found = thresholds.curve(curves, "cost_per_1000", cost, points=POINTS, prevalence=prevalence)
    ranges: tuple[Range, ...] = ()
    if best is not None:
        ranges = (Range(low=best.flat_low, high=best.flat_high, label="choose freely"),)
    return Chart(
        series=(Series(points=[(x, f.value if f else None) for x, f in found], ink="ink"),),
        ranges=ranges,
        events=(Event(x=now, label=""),),
        crosshair=Crosshair(x=at),
        x=Axis(low=0.0, high=1.0, ticks=_SCORE_TICKS),
        end_width=_END,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapsOf:
    """Scores of both classes and where the reader stands."""

    grid: ScoreGrid
    at: float


class Heaps(Drawing[HeapsOf]):
    """Negatives above, positives below, as wide as the curves over them."""

    DEFAULT_CSS = "Heaps { padding: 0 1 0 7; }"

    def draw(self, data: HeapsOf, width: int, height: int, look: Look) -> list[Line]:
        return list(heap_lines(data.grid, width, data.at))

    def measure(self, data: HeapsOf, width: int) -> int:
        return 4


def heap_lines(grid: ScoreGrid, width: int, at: float) -> Iterator[Line]:
    """Two rows a class; the cursor's column bright."""
    positives, negatives = thresholds.heaps(grid, max(10, width - _END))
    cursor = min(len(positives) - 1, int(at * len(positives)))
    for counts, ink, name in ((negatives, "faint", "no"), (positives, "fill", "yes")):
        rows = histogram_rows([float(c) for c in counts], len(counts), 2, ink=ink, cursor=cursor)
        yield rows[0]
        yield rows[1] + Line((f"  {name}", "accent" if ink == "fill" else "quiet"))


def matrix_of(here: thresholds.Figures) -> MatrixData:
    """Caught, missed, false alarm, left alone."""
    total = max(1, here.tp + here.fp + here.fn + here.tn)

    def cell(count: int, word: str, tint: str = "") -> MatrixCell:
        return MatrixCell(count=count, share=count / total, word=word, tint=tint)

    return MatrixData(
        columns=("said yes", "said no"),
        rows=("was yes", "was no"),
        cells=(
            (cell(here.tp, "caught", "ok"), cell(here.fn, "missed", "fail")),
            (cell(here.fp, "false alarm", "warn"), cell(here.tn, "left alone")),
        ),
    )


def share_rows(grid: ScoreGrid, at: float, cost: Cost) -> Iterator[Line]:
    """Recall by group at this threshold, with intervals, the lowest first."""
    found = [
        (figures.by_name["recall"], name)
        for name, figures in thresholds.figures_by_slice(grid, at, cost).items()
        if "recall" in figures.by_name
    ]
    for figure, name in sorted(found, key=lambda pair: pair[0].value)[:6]:
        interval = text.interval(figure.low, figure.high, 3)
        yield Line((f"{text.cut(name, 22):<23}", "ink"), (f"{interval:>16}", "quiet"),
                   (f"{text.fixed(figure.value, 3):>9}", "ink"))  # fmt: skip


def calibration_chart(grid: ScoreGrid) -> Chart:
    """What was said against what was seen; the straight line is ideal."""
    seen = thresholds.seen_shares(grid)
    top = max([each.score for each in seen] + [each.seen for each in seen], default=1.0)
    return Chart(
        series=(
            Series(points=[(0.0, 0.0), (top, top)], label="ideal", ink="faint"),
            Series(points=[(each.score, each.seen) for each in seen], label="seen", ink="accent",
                   is_judged=True),
        ),
        x=Axis(low=0.0, high=top),
        y=Axis(low=0.0, high=top, floor=0.0),
    )  # fmt: skip
