"""Runs side by side as text for people: what differs, what it did, how they learned."""

from __future__ import annotations

from collections.abc import Iterator

from console import text
from console.cli.output import Column, Output
from console.cli.run_views import interval, label, shown
from console.rules import run_histories
from storage.records.runs import MetricComparison, RunComparison

SHOWN_FEATURES = 8


def print_comparison(output: Output, found: RunComparison) -> None:
    """What differs first, then what it did, then one sentence per run."""
    heads = [Column("")] + [Column(f"run {run.id}", ">") for run in found.runs]
    for name, rows in (("params", found.params), ("data", found.data), ("code", found.code)):
        if rows:
            output.line(output.paint(name, "bold"))
            output.table(heads, [(label, *values) for label, values in rows])
            output.line()
    if found.equal_count:
        equal = f"{text.counted(found.equal_count, 'row')} equal everywhere"
        output.line(output.paint(equal, "quiet"))
        output.line()
    _print_metrics(output, found)
    _print_histories(output, found)
    _print_importance(output, found)
    for sentence in found.words:
        output.line(text.clean(sentence))


def print_calibration(output: Output, found: RunComparison) -> None:
    """For every run, what was said and what was seen, bin by bin."""
    for run, bins in zip(found.runs, found.calibration, strict=True):
        output.line(output.paint(f"calibration of run {run.id}", "bold"))
        if not bins:
            output.line("none was kept: only models of two classes have one")
            continue
        output.table(
            [Column("said", ">"), Column("seen", ">"), Column("95 % interval", ">"),
             Column("rows", ">")],
            [
                (
                    text.fixed(each.score, 3),
                    text.fixed(each.seen, 3),
                    f"{text.fixed(each.low, 3)} to {text.fixed(each.high, 3)}",
                    text.count(each.n),
                )
                for each in bins
            ],
        )  # fmt: skip


def _print_metrics(output: Output, found: RunComparison) -> None:
    if not found.metrics:
        return
    columns = [Column("metric"), Column(f"run {found.runs[0].id}", ">")]
    for run in found.runs[1:]:
        columns += [
            Column(f"run {run.id}", ">"),
            Column("difference", ">"),
            Column("95 % interval", ">"),
            Column("", colour=_word_colour),
        ]
    output.table(columns, [list(_metric_cells(found, each)) for each in found.metrics])
    output.line()


def _metric_cells(found: RunComparison, each: MetricComparison) -> Iterator[str]:
    yield label(each.metric)
    yield shown(each.values[0], each.metric)
    for number in range(1, len(found.runs)):
        yield shown(each.values[number], each.metric)
        yield shown(each.deltas[number], each.metric, signed=True)
        yield interval(each.ci_low[number], each.ci_high[number], each.metric)
        word = each.words[number]
        has_word = each.deltas[number] is not None and word != "plain"
        yield word if has_word else ""


def _print_histories(output: Output, found: RunComparison) -> None:
    """Metrics with steps, each condensed to one number a run."""
    if not found.condensed:
        return
    columns = [Column(f"{found.aggregate} of")]
    for run in found.runs:
        columns += [Column(f"run {run.id}", ">"), Column("step", ">")]
    rows = [
        [
            run_histories.label_of(each.metric),
            *(
                cell
                for value, step in zip(each.values, each.at_steps, strict=True)
                for cell in (shown(value, run_histories.metric_of(each.metric)), step)
            ),
        ]
        for each in found.condensed
    ]
    output.table(columns, rows)
    output.line()


def _print_importance(output: Output, found: RunComparison) -> None:
    if not found.importance:
        return
    columns = [Column("leans on"), *(Column(f"run {run.id}", ">") for run in found.runs)]
    rows = found.importance[:SHOWN_FEATURES]
    output.table(
        columns, [(name, *(text.fixed(value, 4) for value in values)) for name, values in rows]
    )
    more = len(found.importance) - len(rows)
    if more:
        output.line(output.paint(f"and {text.counted(more, 'more column')}", "quiet"))
    output.line()


def _word_colour(word: str) -> str:
    return {"better": "ok", "worse": "fail", "unclear": "info"}.get(word.strip(), "quiet")
