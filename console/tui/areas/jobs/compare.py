"""Runs side by side: bold is what differs from the baseline, grey what equals it.

Pure: a comparison in, rows, columns and pictures out. Words come from the measured, paired
differences; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from console import text
from console.rules import metrics as catalog
from console.rules import run_histories
from console.rules.run_comparison import side_by_side
from console.tui.areas.jobs.runs import head, number
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import BASELINE, said
from console.tui.snapshots.jobs import Comparison
from console.tui.widgets.intervals import Interval, IntervalRow, IntervalRows, Vertical, Yardstick
from console.tui.widgets.table_layout import Column
from storage.records.results import Result
from storage.records.runs import MetricComparison, Run, RunComparison

_DECIDED = frozenset({"better", "worse"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRow:
    """One thing of every run; the baseline first."""

    section: str
    name: str
    texts: tuple[str, ...] = ()
    metric: MetricComparison | None = None
    is_measure: bool = False
    """A cost of the run itself, such as its time: shown with differences, never judged."""
    deltas: tuple[str, ...] = ()


def rows(
    comparison: RunComparison, declared: Sequence[str] = (), *, is_all: bool
) -> list[CompareRow]:
    """What is shown: what differs, or with `is_all` what is equal too; `declared` metrics first."""
    runs = comparison.runs
    data, params, code = comparison.data, comparison.params, comparison.code
    if is_all:
        params, data, code = (tuple(each) for each in side_by_side(runs))
    found = [
        CompareRow(section="", name="", texts=_registered(runs)),
        *(CompareRow(section="data", name=name, texts=texts) for name, texts in data),
        *(CompareRow(section="params", name=name, texts=texts) for name, texts in params),
        *(CompareRow(section="code", name=name, texts=texts) for name, texts in code),
    ]
    section = _metric_section(runs)
    found += [
        CompareRow(section=section, name=head(each.metric), metric=each)
        for each in in_order(comparison.metrics, declared)
        if is_all or any(each.deltas[1:])
    ]
    return [*found, *_measures(runs, section), *_curves(comparison)]


def _curves(comparison: RunComparison) -> list[CompareRow]:
    """Metrics with steps, each condensed to one number a run, and the step it is of."""
    section = f"curves, {comparison.aggregate} value"
    found = []
    for each in comparison.condensed:
        metric = run_histories.metric_of(each.metric)
        arrow = {"ge": " ↑", "le": " ↓"}.get(run_histories.direction_of(each.metric), "")
        found.append(
            CompareRow(
                section=section,
                name=run_histories.label_of(each.metric) + arrow,
                texts=tuple(
                    # Where the last value is from says little, where the best is says a lot.
                    number(value, metric)
                    + (f" @{step}" if step is not None and comparison.aggregate != "last" else "")
                    for value, step in zip(each.values, each.at_steps, strict=True)
                ),
                deltas=tuple(number(value, metric, signed=True) for value in each.deltas),
                is_measure=True,
            )
        )
    return found


def in_order(found: Sequence[MetricComparison], declared: Sequence[str]) -> list[MetricComparison]:
    """The declared metrics in their order, then the others."""
    places = {name: place for place, name in enumerate(declared)}
    return sorted(found, key=lambda each: places.get(each.metric, len(places)))


def _registered(runs: Sequence[Run]) -> tuple[str, ...]:
    """The version each was registered as; with its model's name where there are several."""
    models = {run.model.partition("@")[0] for run in runs if run.model}
    return tuple(
        (run.model if len(models) > 1 else run.model.partition("@")[2]) or text.MISSING
        for run in runs
    )


def _metric_section(runs: Sequence[Run]) -> str:
    """Names the rows that judged, when all runs were judged on the same."""
    holdouts = {run.holdout for run in runs}
    return f"metrics on {holdouts.pop()}" if len(holdouts) == 1 and runs[0].holdout else "metrics"


def _measures(runs: Sequence[Run], section: str) -> list[CompareRow]:
    seconds = [run.duration_s for run in runs]
    peaks = [None if run.peak_rss_bytes is None else run.peak_rss_bytes / 1e6 for run in runs]
    found = []
    for name, values in (("took s ↓", seconds), ("peak memory MB ↓", peaks)):
        if any(value is not None for value in values):
            base = values[0]
            deltas = tuple(
                text.delta(None if value is None or base is None else value - base, 0)
                for value in values
            )
            texts = tuple(text.fixed(value, 0) for value in values)
            found.append(CompareRow(section=section, name=name, texts=texts, deltas=deltas,
                                    is_measure=True))  # fmt: skip
    return found


def columns(compared: RunComparison) -> list[Column[CompareRow]]:
    """A name, then for every run its value, and for all but the baseline what it changed."""
    runs = compared.runs
    found: list[Column[CompareRow]] = [
        Column(key="name", is_pinned=True, cell=lambda row: row.name, least=12)
    ]
    for place, run in enumerate(runs):
        star = f"{BASELINE} " if place == 0 else ""
        found.append(
            Column(key=f"value{place}", draw_head=partial(_run_head, f"{star}{run.id}"),
                   head=f"{star}{run.id}", cell=partial(_value, place), align="right", least=7,
                   is_pinned=place == 0, rank=place)
        )  # fmt: skip
        if place:
            found += [
                Column(key=f"delta{place}", cell=partial(_delta, place), align="right", gap=1,
                       rank=place),
                Column(key=f"word{place}", gap=1, rank=place,
                       cell=partial(_word, place, _is_apart(compared, place))),
            ]  # fmt: skip
    return found


def _run_head(name: str, width: int) -> Line:
    return Line((name, "bright bold")).pad(width, "right")


def _value(place: int, row: CompareRow) -> Part:
    if row.metric is not None:
        value = row.metric.values[place]
        return Line((number(value, row.metric.metric), "ink"))
    own, base = row.texts[place], row.texts[0]
    if not row.section:
        return Line((own, "quiet"))
    if place == 0 or row.is_measure:
        return Line((own, "ink"))
    return Line((own, "quiet" if own == base else "bright bold"))


def _delta(place: int, row: CompareRow) -> Part:
    if row.deltas:
        return Line((row.deltas[place], "quiet"))
    if row.metric is None:
        return EMPTY
    word = row.metric.words[place] if row.metric.words else ""
    shown = number(row.metric.deltas[place], row.metric.metric, signed=True)
    return Line((shown, "ink" if word in _DECIDED else "quiet"))


def _is_apart(compared: RunComparison, place: int) -> bool:
    """Whether a run was judged on other rows than the baseline: nothing could be paired."""
    return bool(len(compared.apart) > place and compared.apart[place])


def _word(place: int, is_apart: bool, row: CompareRow) -> Part:
    if row.metric is None or not row.metric.words or row.metric.values[place] is None:
        return EMPTY
    word = row.metric.words[place]
    if word == "not comparable":
        return Line(("≠ rows" if is_apart else "", "quiet"))
    return EMPTY if word in ("base", "plain") else said(word)


def can_compare(comparison: RunComparison) -> bool:
    """Whether any difference was measured on equal rows."""
    words = {word for each in comparison.metrics for word in each.words[1:]}
    return bool(words - {"not comparable", "base", "plain"})


def hidden_words(found: Comparison, *, is_all: bool) -> str:
    """What the state line says of a comparison."""
    count = text.counted(found.comparison.equal_count, "equal row")
    parts = [f"{count} {'shown, = hides' if is_all else 'hidden, = shows'} them"]
    if not can_compare(found.comparison):
        reason = next((each for each in found.comparison.apart if each), "nothing was paired")
        parts.insert(0, f"{reason}: differences mean nothing")
    return " · ".join(parts)


# ---------------------------------------------------------------------- fold by fold


def fold_metric(found: Comparison, declared: Sequence[str] = ()) -> str:
    """The metric shown by fold: the leading one that both runs have folds of."""
    names = [{each.name for each in folds} for folds in found.folds]
    shared = set.intersection(*names) if names else set()
    ordered = in_order(found.comparison.metrics, declared)
    return next((each.metric for each in ordered if each.metric in shared), "")


def fold_rows(found: Comparison, name: str) -> IntervalRows | None:
    """Baseline and the run beside it, fold under fold on one axis."""
    runs = found.comparison.runs[:2]
    sides = [_by_scope(folds, name) for folds in found.folds]
    shown: list[IntervalRow] = []
    for scope in sides[0]:
        for place, (run, side) in enumerate(zip(runs, sides, strict=True)):
            result = side.get(scope)
            if result is None or result.value is None:
                continue
            ink = "accent" if place else "quiet"
            shown.append(
                IntervalRow(
                    label=scope.replace(":", " ") if not place else "",
                    interval=Interval(value=result.value, low=result.ci_low, high=result.ci_high,
                                      ink=ink),
                    text=f"{run.id}   {number(result.value, name)}",
                )
            )  # fmt: skip
    if not shown:
        return None
    return IntervalRows(rows=shown, yardstick=around([row.interval for row in shown]))


def _by_scope(folds: Sequence[Result], name: str) -> dict[str, Result]:
    return {each.scope: each for each in folds if each.name == name}


def around(intervals: Sequence[Interval], verticals: tuple[Vertical, ...] = ()) -> Yardstick:
    """An axis that holds all intervals and verticals, with a little air on both sides."""
    ends = [each.at for each in verticals]
    for each in intervals:
        ends += [end for end in (each.low, each.value, each.high) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    air = (high - low) * 0.05 or 0.01
    return Yardstick(low=low - air, high=high + air, verticals=verticals)


def label_of(name: str) -> str:
    """For headings: `AUC`, `Recall`."""
    label = catalog.label_of(name)
    return label[:1].upper() + label[1:]
