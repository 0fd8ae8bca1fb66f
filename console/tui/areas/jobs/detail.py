"""One run in pictures: what it measured, how it learned, what it was made from.

Pure: a run's detail, and that of the baseline, in; plain values for widgets out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console import text
from console.rules import metrics as catalog
from console.tui.areas.jobs.compare import around
from console.tui.areas.jobs.runs import head, number
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import said, value_ink
from console.tui.snapshots.jobs import RunView
from console.tui.widgets.bars import progress
from console.tui.widgets.chart import Axis, Chart, Series
from console.tui.widgets.intervals import Interval, IntervalRow, IntervalRows, Vertical
from console.tui.widgets.prose import Fact
from console.tui.widgets.table_layout import Column
from storage.records.results import Result
from storage.records.runs import Artifact, Run, RunDetail

SLICES_AT_MOST = 8
FEATURES_AT_MOST = 10
MACHINE = ("cpu", "cores", "platform")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One metric of a run beside the baseline's."""

    result: Result
    base: float | None = None

    @property
    def delta(self) -> float | None:
        value = self.result.value
        return None if value is None or self.base is None else value - self.base


def measured(view: RunView) -> tuple[Measured, ...]:
    """Metrics on the whole holdout, the leading one first; one without interval has none kept."""
    run = view.detail.run
    base = view.base.run.metrics if view.base else {}
    whole = {each.name: each for each in view.detail.results if not each.scope}
    names = [*whole, *(name for name in run.metrics if name not in whole)]
    return tuple(
        Measured(
            result=whole.get(name) or Result(name=name, value=run.metrics[name]),
            base=base.get(name),
        )
        for name in names
    )


def result_columns(base: Run | None) -> list[Column[Measured]]:
    """Value, interval and the distance to the baseline."""

    def distance(row: Measured) -> Part:
        return Line((number(row.delta, row.result.name, signed=True), "quiet"))

    columns: list[Column[Measured]] = [
        Column(key="name", head="metric", cell=lambda row: head(row.result.name), least=10,
               is_name=True),
        Column(key="value", head="value", align="right",
               cell=lambda row: Line((number(row.result.value, row.result.name),
                                      _value_ink(row.result)))),
        Column(key="interval", head="95 % interval", align="right", cell=_interval, ink="quiet",
               rank=40, meaning="where the true value lies, 95 times of 100"),
    ]  # fmt: skip
    if base is not None:
        columns.append(
            Column(key="delta", head=f"Δ{base.id}", align="right", cell=distance, rank=30,
                   meaning="distance to the baseline")
        )  # fmt: skip
    columns += [
        Column(key="n", head="rows", align="right", ink="quiet", rank=60,
               cell=lambda row: text.count(row.result.n) if row.result.n else text.MISSING),
        Column(key="verdict", head="", rank=70, cell=_verdict, grow=1),
    ]  # fmt: skip
    return columns


def _value_ink(result: Result) -> str:
    return "bright bold" if result.verdict in ("skipped", "pass") else value_ink(result.verdict)


def _interval(row: Measured) -> str:
    found = row.result
    if found.ci_low is None and found.ci_high is None:
        return text.MISSING
    return f"{number(found.ci_low, found.name)} to {number(found.ci_high, found.name)}"


def _verdict(row: Measured) -> Part:
    return EMPTY if row.result.verdict == "skipped" else said(row.result.verdict)


# ---------------------------------------------------------------------- pictures


def learning_curve(detail: RunDetail) -> Chart | None:
    """The loss by iteration, judged on rows that were not fitted; None when none was kept."""
    lines: dict[str, list[tuple[float, float | None]]] = {}
    for point in detail.points:
        if not point.metric.startswith("fold_"):
            lines.setdefault(point.metric, []).append((float(point.step), point.value))
    if not lines:
        return None
    series = [
        Series(
            points=sorted(points),
            label=f"{name.partition('_')[0]} {text.fixed(sorted(points)[-1][1], 3)}",
            ink="accent" if name.startswith("valid") else "quiet",
            is_judged=name.startswith("valid"),
        )
        for name, points in sorted(lines.items(), key=lambda item: item[0].startswith("valid"))
    ]
    return Chart(series=series, x=Axis(low=0.0, unit="rounds"), empty="no curve was kept")


NO_CURVE = Chart(series=(), empty="no curve was kept")
NO_CURVE_YET = Chart(series=(), empty="the curve appears while it learns")


def curve_name(detail: RunDetail) -> str:
    """What the curve is of: `log loss`."""
    names = [p.metric for p in detail.points if not p.metric.startswith("fold_")]
    return catalog.label_of(names[0].partition("_")[2]) if names else ""


def curve_words(detail: RunDetail) -> Part:
    """What the curve says: whether it still learned, or had begun to learn by heart."""
    valid = sorted((p.step, p.value) for p in detail.points if p.metric.startswith("valid_"))
    if len(valid) < 5:
        return EMPTY
    best_step, best = min(valid, key=lambda pair: pair[1])
    last_step, last = valid[-1]
    if last - best > 0.002 * abs(best) and best_step < 0.9 * last_step:
        return Line(("best at round ", "quiet"), (text.count(best_step), "ink"),
                    (f" of {text.count(last_step)}, worse since", "quiet"))  # fmt: skip
    tail = next(value for step, value in valid if step >= 0.9 * last_step)
    if tail - last > 0.002 * abs(last):
        return Line(("still falling at round ", "quiet"), (text.count(last_step), "ink"))
    return Line((f"level by round {text.count(last_step)}", "quiet"))


def leading(detail: RunDetail) -> str:
    """The metric that leads: the first that was judged."""
    return next((each.name for each in detail.results if not each.scope), "")


def fold_metric(detail: RunDetail) -> str:
    """The first metric that was measured by fold."""
    return next((each.name for each in detail.folds), "")


def fold_chart(detail: RunDetail) -> IntervalRows | None:
    """The leading metric fold by fold against its value on the holdout."""
    name = fold_metric(detail)
    found = [each for each in detail.folds if each.name == name and each.value is not None]
    return _chart(found, detail.run.metrics.get(name), name)


def slice_chart(detail: RunDetail) -> IntervalRows | None:
    """The leading metric in the groups where it is worst, against its value on everything."""
    name = leading(detail)
    found = [
        each
        for each in detail.results
        if each.scope.startswith("slice:") and each.name == name and each.value is not None
    ]
    worst_first = sorted(
        found, key=lambda each: each.value or 0.0, reverse=catalog.direction_of(name) == "le"
    )
    return _chart(worst_first[:SLICES_AT_MOST], detail.run.metrics.get(name), name)


def _chart(results: Sequence[Result], overall: float | None, name: str) -> IntervalRows | None:
    if not results:
        return None
    rows = [
        IntervalRow(
            label=each.scope.removeprefix("slice:").replace("fold:", "fold "),
            interval=Interval(value=each.value or 0.0, low=each.ci_low, high=each.ci_high,
                              ink="accent"),
            text=f"{number(each.value, name)}"
            + (f"  {text.count(each.n)} rows" if each.scope.startswith("slice:") else ""),
        )
        for each in results
    ]  # fmt: skip
    verticals = () if overall is None else (Vertical(at=overall, label="all"),)
    return IntervalRows(
        rows=rows, yardstick=around([row.interval for row in rows], verticals), has_axis=True
    )


def importance_columns(most: float) -> list[Column[tuple[str, float]]]:
    """A feature, a bar against the one that matters most, how much is lost without it."""

    def bar(each: tuple[str, float], width: int) -> Line:
        return progress(each[1] / most if most > 0 else 0.0, width, ink="faint")

    return [
        Column(key="name", cell=lambda each: each[0], least=12),
        Column(key="bar", draw=bar, grow=1, width=10),
        Column(key="value", cell=lambda each: text.fixed(each[1], 4), align="right"),
    ]


# ---------------------------------------------------------------------- where it comes from


def made_from(view: RunView) -> list[Fact]:
    """Data, parameters, seed, code and machine; bold where the baseline has another."""
    run, base = view.detail.run, view.base.run if view.base else None
    facts = [
        Fact(
            label=f"data {use.dataset}",
            value=_beside(f"v{use.version}", _version(base, use.dataset) if base else None),
        )
        for use in run.data
    ]
    for name, value in run.params.items():
        other = None
        if base is not None:
            other = text.plain_value(base.params[name]) if name in base.params else text.ABSENT
        facts.append(Fact(label=name, value=_beside(text.plain_value(value), other)))
    if base is not None:
        facts += [
            Fact(label=name, value=_beside(text.ABSENT, text.plain_value(value)))
            for name, value in base.params.items()
            if name not in run.params
        ]
    search = view.detail.search
    if search is not None:
        facts.append(Fact(label="found by", value=f"{search.method}, {search.tried} tried"))
        shares = [f"{name} {text.percent(share, 0)}" for name, share in search.importance]
        if shares:
            facts.append(Fact(label="it came to", value=text.listed(shares)))
    facts.append(Fact(label="seed", value=_beside(str(run.seed), str(base.seed) if base else None)))
    facts.append(Fact(label="trained on", value=f"{text.count(run.rows_train)} rows"))
    held = f"{text.count(run.rows_holdout)} rows" + (f", {run.holdout}" if run.holdout else "")
    facts.append(Fact(label="judged on", value=held))
    facts += _code_facts(view.detail, base)
    return facts


def _version(run: Run, dataset: str) -> str:
    use = next((each for each in run.data if each.dataset == dataset), None)
    return f"v{use.version}" if use else text.ABSENT


def _beside(own: str, other: str | None) -> Line:
    """A value; bold, with the baseline's after it, where that is another."""
    if other is None or own == other:
        return Line((own, "ink"))
    return Line((own, "bright bold"), (f"   was {other}", "quiet"))


def _code_facts(detail: RunDetail, base: Run | None) -> Iterator[Fact]:
    """Code, machine and packages, what people said; bold where the baseline has another."""
    run = detail.run
    commit = run.code.get("commit", "")
    if commit:
        other = base.code.get("commit", "")[:12] or text.ABSENT if base is not None else None
        yield Fact(label="commit", value=_beside(commit[:12], other))
    if detail.changes:
        lines = text.counted(len(detail.changes.splitlines()), "line")
        yield Fact(
            label="uncommitted",
            value=Line((lines, "warn"), (f"   run show {run.id} --changes", "quiet")),
        )
    elif run.code.get("is_dirty") == "yes":
        yield Fact(label="uncommitted", value=Line(("changed since the commit", "warn")))
    if run.parent_id is not None:
        yield Fact(label="candidate of", value=f"run {run.parent_id}")
    if detail.candidates:
        yield Fact(label="candidates", value=text.counted(detail.candidates, "run"))
    named = {name: run.environment[name] for name in MACHINE if name in run.environment}
    if "cores" in named:
        named["cores"] += " cores"
    if named:
        yield Fact(label="on", value=Line((", ".join(named.values()), "quiet")))
    rest = [name for name in run.environment if name not in MACHINE]
    if rest:
        packages = [f"{name} {run.environment[name]}" for name in rest]
        yield Fact(label="with", value=Line((", ".join(packages), "quiet")))
    if run.peak_rss_bytes:
        yield Fact(label="peak memory", value=text.byte_size(run.peak_rss_bytes))
    if run.note or run.tags:
        said_of = " · ".join(part for part in (run.note, ", ".join(run.tags)) if part)
        yield Fact(label="note", value=said_of)


def file_columns() -> list[Column[Artifact]]:
    """A file of a run, its kind and size."""
    return [
        Column(key="name", cell=lambda each: each.name, least=10, is_name=True),
        Column(key="kind", cell=lambda each: each.kind, ink="quiet"),
        Column(
            key="size", cell=lambda each: text.byte_size(each.bytes), align="right", ink="quiet"
        ),
    ]
