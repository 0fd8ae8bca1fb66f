"""Runs side by side: what was different, what it did to the metrics, and whether that is noise.

Pure: run details and paired differences in, a `RunComparison` out; the agent measures the
differences. Standard library only. The baseline is the first run; every difference is to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from console import text
from console.rules import metrics as catalog
from console.rules.run_fields import in_reading_order
from console.text import ABSENT
from storage.records.results import Result
from storage.records.runs import MetricComparison, Run, RunComparison, Word

Row = tuple[str, tuple[str, ...]]
Differences = Sequence[Mapping[str, tuple[Result, Word]] | str]
"""For every run after the baseline: metric -> paired difference and its word, or why it could not
be compared row by row: `judged on other rows`."""

_WORDS = {
    "better": "better",
    "worse": "worse",
    "noise": "no difference that matters",
    "unclear": "could be noise",
}
SENTENCE_METRICS = 2
_NOT_PAIRED: tuple[None, Word] = (None, "not comparable")


def compare(runs: Sequence[Run], differences: Differences) -> RunComparison:
    """Put runs side by side. Rows that are equal everywhere are only counted."""
    params, data, code = side_by_side(runs)
    rows = [*params, *data, *code]
    differing = [row for row in rows if len(set(row[1])) > 1]
    metrics = _metrics(runs, differences)
    return RunComparison(
        runs=tuple(runs),
        params=tuple(row for row in params if row in differing),
        data=tuple(row for row in data if row in differing),
        code=tuple(row for row in code if row in differing),
        metrics=metrics,
        equal_count=len(rows) - len(differing),
        words=tuple(_sentences(runs, differing, metrics, differences)),
        apart=("", *(each if isinstance(each, str) else "" for each in differences)),
    )


def side_by_side(runs: Sequence[Run]) -> tuple[list[Row], list[Row], list[Row]]:
    """Return parameters, data and code of runs, one text per run, equal rows too."""
    return (
        _rows(runs, lambda run: {k: text.plain_value(v) for k, v in run.params.items()}),
        _rows(runs, lambda run: {use.dataset: f"v{use.version}" for use in run.data}),
        _rows(runs, _code),
    )


def _rows(runs: Sequence[Run], get: Callable[[Run], Mapping[str, str]]) -> list[Row]:
    found = [get(run) for run in runs]
    names = list(dict.fromkeys(name for each in found for name in each))
    return [(name, tuple(each.get(name, ABSENT) for each in found)) for name in names]


def _code(run: Run) -> dict[str, str]:
    """Code, seed and environment: everything but parameters and data that makes a run."""
    shown = {
        "pipeline": run.pipeline,
        "declaration": run.pipeline_digest[:12],
        "seed": str(run.seed),
        "commit": run.code.get("commit", "")[:12],
        "uncommitted changes": run.code.get("diff", "")[:12] or "none",
        "estimator": run.code.get("estimator", ""),
        "holdout": run.holdout,
    }
    shown |= run.environment
    return {name: value for name, value in shown.items() if value}


def _metrics(runs: Sequence[Run], differences: Differences) -> tuple[MetricComparison, ...]:
    names = list(in_reading_order({name: 0.0 for run in runs for name in run.metrics}))
    of_model = {metric.name for metric in catalog.for_subject("artifact")}
    found = []
    for name in names:
        values = tuple(run.metrics.get(name) for run in runs)
        base = values[0]
        low: list[float | None] = [None]
        high: list[float | None] = [None]
        words: list[Word] = ["base"]
        for measured in differences:
            paired = {} if isinstance(measured, str) else measured
            result, word = paired.get(name, _NOT_PAIRED)
            low.append(result.ci_low if result else None)
            high.append(result.ci_high if result else None)
            words.append("plain" if name in of_model else word)
        found.append(
            MetricComparison(
                metric=name,
                values=values,
                deltas=tuple(
                    None if value is None or base is None else value - base for value in values
                ),
                ci_low=tuple(low),
                ci_high=tuple(high),
                words=tuple(words),
            )
        )
    return tuple(found)


def _sentences(
    runs: Sequence[Run],
    differing: Sequence[Row],
    metrics: Sequence[MetricComparison],
    differences: Differences,
) -> Iterable[str]:
    for number, run in enumerate(runs[1:], start=1):
        changes = [(name, v[0], v[number]) for name, v in differing if v[0] != v[number]]
        yield f"{_what_changed(runs[0], run, changes)} {_what_it_did(number, metrics, differences)}"


def _what_changed(base: Run, run: Run, changes: Sequence[tuple[str, str, str]]) -> str:
    head = f"Run {run.id} differs from run {base.id}"
    if not changes:
        return f"Run {run.id} was made exactly like run {base.id}."
    shown = [f"{name} ({before} → {after})" for name, before, after in changes[:3]]
    more = len(changes) - len(shown)
    listed = text.listed([*shown, f"{more} more"]) if more else text.listed(shown)
    return f"{head} in {listed}."


def _what_it_did(number: int, metrics: Sequence[MetricComparison], differences: Differences) -> str:
    reason = differences[number - 1]
    if isinstance(reason, str):
        return f"{reason[:1].upper()}{reason[1:]}, so their metrics cannot be compared."
    judged = [
        each for each in metrics if each.words[number] in _WORDS and each.deltas[number] is not None
    ]
    # The leading metric always; then what is certain, which says more than another "could be".
    decided = [each for each in judged[1:] if each.words[number] in ("better", "worse")]
    told = [*judged[:1], *(decided or judged[1:])][:SENTENCE_METRICS]
    parts = [_difference(each, number) for each in told]
    return f"{'; '.join(parts)}." if parts else "No metric of both could be compared row by row."


def _difference(each: MetricComparison, number: int) -> str:
    name, word = each.metric, _WORDS[each.words[number]]
    delta = catalog.show(each.deltas[number], name, signed=True)
    low, high = each.ci_low[number], each.ci_high[number]
    if low is None or high is None:
        return f"{catalog.label_of(name)} {delta}: {word}"
    interval = f"{catalog.show(low, name, signed=True)} to {catalog.show(high, name, signed=True)}"
    return f"{catalog.label_of(name)} {delta} ({interval}): {word}"


def side_by_side_importance(
    importances: Sequence[Sequence[tuple[str, float]]],
) -> tuple[tuple[str, tuple[float | None, ...]], ...]:
    """Features of all runs with what each run loses without them, the largest anywhere first."""
    each_run: list[dict[str, float]] = [dict(pairs) for pairs in importances]
    names = {name: max(run.get(name, 0.0) for run in each_run) for run in each_run for name in run}
    ordered = sorted(names, key=lambda name: (-names[name], name))
    return tuple((name, tuple(run.get(name) for run in each_run)) for name in ordered)
