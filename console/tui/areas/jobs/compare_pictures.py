"""Pictures of a comparison: curves over each other, what each looks at, said against seen.

Pure: a comparison in, plain values for widgets out. Every run keeps its ink in all pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from console import text
from console.rules import run_histories
from console.tui.areas.jobs.runs import number
from console.tui.ink import Ink, Line
from console.tui.widgets.bars import progress
from console.tui.widgets.chart import Axis, Chart, Series
from console.tui.widgets.table_layout import Column
from storage.records.runs import History, RunComparison

INKS: tuple[Ink, ...] = ("quiet", "accent", "ink", "other", "info")
"""The baseline is context, the run after it is judged."""
DRAWN_AT_MOST = len(INKS)
FEATURES_AT_MOST = 10
_TICKS = tuple((tick / 4, f"{tick / 4:g}") for tick in range(5))
Feature = tuple[str, tuple[float | None, ...]]


def curve_name(found: RunComparison) -> str:
    """The history worth a picture: judged on unseen rows before others, most runs first."""
    counts: dict[str, int] = {}
    for each in found.histories:
        if len(each.values) > 1 and not each.metric.startswith("fold_"):
            counts[each.metric] = counts.get(each.metric, 0) + 1
    ordered = sorted(counts, key=lambda name: (not name.startswith("valid"), -counts[name], name))
    return ordered[0] if ordered else ""


def curves(found: RunComparison) -> Chart | None:
    """That history of every run in one plot; None when none has one."""
    name = curve_name(found)
    if not name:
        return None
    by_run = {each.run_id: each for each in found.histories if each.metric == name}
    series = [
        _series(by_run[run.id], str(run.id), place)
        for place, run in enumerate(found.runs[:DRAWN_AT_MOST])
        if run.id in by_run
    ]
    return Chart(series=series, x=Axis(low=0.0, unit="rounds"))


def _series(history: History, label: str, place: int) -> Series:
    pairs = zip(history.steps, history.values, strict=True)
    metric = run_histories.metric_of(history.metric)
    return Series(
        points=[(float(step), value) for step, value in pairs],
        label=f"{label} {number(history.values[-1], metric)}",
        ink=INKS[place],
        is_judged=place == 1,
        is_dashed=place >= len(INKS) - 2,
    )


def calibration(found: RunComparison) -> Chart | None:
    """Mean score against the share seen, per run, with the line of a perfect one."""
    series = [
        Series(
            points=[(each.score, each.seen) for each in bins],
            label=str(run.id),
            ink=INKS[place],
            is_judged=place == 1,
        )
        for place, (run, bins) in enumerate(
            zip(found.runs[:DRAWN_AT_MOST], found.calibration, strict=False)
        )
        if bins
    ]
    if not series:
        return None
    exact = Series(points=[(0.0, 0.0), (1.0, 1.0)], ink="faint", is_dashed=True)
    return Chart(
        series=[exact, *series],
        x=Axis(low=0.0, high=1.0, ticks=_TICKS),
        y=Axis(low=0.0, high=1.0),
    )


def importance_columns(found: RunComparison) -> list[Column[Feature]]:
    """A feature, then for every run a bar against the largest of all and its number."""
    most = max((v for _, values in found.importance for v in values if v is not None), default=0.0)
    columns: list[Column[Feature]] = [
        Column(key="name", cell=lambda row: row[0], least=10, is_pinned=True)
    ]
    for place, run in enumerate(found.runs):
        columns += [
            Column(key=f"value{place}", head=str(run.id), align="right", rank=2 * place,
                   cell=partial(_loss, place)),
            Column(key=f"bar{place}", draw=partial(_bar, place, most), width=8, gap=1,
                   rank=40 + place),
        ]  # fmt: skip
    return columns


def _loss(place: int, row: Feature) -> str:
    return text.fixed(row[1][place], 4)


def _bar(place: int, most: float, row: Feature, width: int) -> Line:
    value = row[1][place]
    ink = INKS[place] if 0 < place < len(INKS) else "faint"
    return progress((value or 0.0) / most if most > 0 else 0.0, width, ink=ink)


def features(found: RunComparison) -> Sequence[Feature]:
    """The columns that any of the runs leans on most."""
    return found.importance[:FEATURES_AT_MOST]
