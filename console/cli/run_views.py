"""Runs and their comparison as a terminal prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from console import text
from console.cli.output import Column, Output
from console.rules import metrics as catalog
from console.rules.run_fields import in_reading_order
from storage.records.results import Result
from storage.records.runs import Run, RunComparison, RunDetail

SHOWN_METRICS = 3
SHOWN_FEATURES = 8


def print_runs(output: Output, runs: Sequence[Run]) -> None:
    """A table of runs with the metrics that most of them have."""
    if not runs:
        output.line("No runs. Make one: mlops-console train PIPELINE")
        return
    names = leading_metrics(runs)
    now = datetime.now(UTC)
    output.table(
        [
            Column("run", ">"),
            Column("state", colour=_colour),
            Column("pipeline"),
            Column("data"),
            *(Column(label(name), ">") for name in names),
            Column("model"),
            Column("took", ">"),
            Column("age", ">"),
            Column("by"),
            Column("note"),
        ],
        [
            (
                run.id,
                run.state,
                run.pipeline,
                ", ".join(f"{u.dataset}@v{u.version}" for u in run.data if u.role == "input"),
                *(_value(run.metrics.get(name), name) for name in names),
                run.model or None,
                text.duration(run.duration_s),
                text.age((now - run.started_at).total_seconds(), short=True),
                run.created_by,
                text.cut(text.clean(run.note or run.error), 40),
            )
            for run in runs
        ],
    )


def leading_metrics(runs: Sequence[Run]) -> list[str]:
    """The metrics that most of the runs have, in their reading order."""
    counts = Counter(name for run in runs for name in run.metrics)
    names = in_reading_order(dict.fromkeys(counts, 0.0))
    return sorted(names, key=lambda name: -counts[name])[:SHOWN_METRICS]


def label(name: str) -> str:
    """What a metric is called; `cv_…` are means over the folds of a candidate."""
    if name.startswith("cv_"):
        return f"{catalog.label_of(name.removeprefix('cv_'))}, folds"
    return catalog.label_of(name)


def print_run(output: Output, detail: RunDetail) -> None:
    run = detail.run
    output.heading(f"run {run.id}", f"{run.pipeline}  {run.model}".rstrip())
    output.line(output.verdict(run.state) + (f"  {text.clean(run.error)}" if run.error else ""))
    output.facts(
        [
            ("data", ", ".join(f"{use.dataset}@v{use.version}" for use in run.data)),
            (
                "rows",
                f"{text.count(run.rows_train)} trained, {text.count(run.rows_holdout)} held out "
                f"({run.holdout or '–'})",
            ),
            ("estimator", run.code.get("estimator", "")),
            ("params", ", ".join(f"{k}={text.plain_value(v)}" for k, v in run.params.items())),
            ("seed", run.seed),
            ("code", _code(run)),
            ("took", text.duration(run.duration_s)),
            ("peak memory", text.byte_size(run.peak_rss_bytes)),
            ("by", f"{run.created_by}, {run.started_at:%Y-%m-%d %H:%M:%S} UTC"),
            *([("tags", ", ".join(run.tags))] if run.tags else []),
            *([("note", run.note)] if run.note else []),
        ]
    )
    overall = [each for each in detail.results if not each.scope]
    slices = [each for each in detail.results if each.scope]
    _print_results(output, "metric", overall)
    _print_results(output, "slice", slices)
    _print_results(output, "fold", detail.folds)
    if detail.importance:
        output.line()
        most = detail.importance[:SHOWN_FEATURES]
        output.line("leans on  " + ", ".join(f"{name} {value:.3f}" for name, value in most))


def print_metrics(output: Output, results: Sequence[Result]) -> None:
    _print_results(output, "metric", [each for each in results if not each.scope])


def print_comparison(output: Output, found: RunComparison) -> None:
    """What differs first, then what it did, then one sentence per run."""
    heads = [Column("")] + [Column(f"run {run.id}", ">") for run in found.runs]
    for name, rows in (("params", found.params), ("data", found.data), ("code", found.code)):
        if rows:
            output.line(output.paint(name, "bold"))
            output.table(heads, [(label, *values) for label, values in rows])
            output.line()
    if found.equal_count:
        output.line(
            output.paint(f"{text.counted(found.equal_count, 'row')} equal everywhere", "quiet")
        )
        output.line()
    columns = [Column("metric"), Column(f"run {found.runs[0].id}", ">")]
    for run in found.runs[1:]:
        columns += [
            Column(f"run {run.id}", ">"),
            Column("difference", ">"),
            Column("95 % interval", ">"),
            Column("", colour=_word_colour),
        ]
    lines: list[list[object]] = []
    for each in found.metrics:
        base = _value(each.values[0], each.metric)
        row: list[object] = [label(each.metric), base]
        for number in range(1, len(found.runs)):
            row += [
                _value(each.values[number], each.metric),
                _value(each.deltas[number], each.metric, signed=True),
                _interval(each.ci_low[number], each.ci_high[number], each.metric),
                each.words[number],
            ]
        lines.append(row)
    output.table(columns, lines)
    output.line()
    for sentence in found.words:
        output.line(text.clean(sentence))


def _print_results(output: Output, head: str, results: Sequence[Result]) -> None:
    if not results:
        return
    output.line()
    is_scoped = any(each.scope for each in results)
    columns = [Column(head), *([Column("metric")] if is_scoped else [])]
    output.table(
        [*columns, Column("value", ">"), Column("95 % interval", ">"), Column("rows", ">")],
        [
            (
                *((each.scope.partition(":")[2],) if is_scoped else ()),
                catalog.label_of(each.name),
                _value(each.value, each.name),
                _interval(each.ci_low, each.ci_high, each.name),
                text.count(each.n) if each.n else None,
            )
            for each in results
        ],
    )


def _value(value: float | None, name: str, *, signed: bool = False) -> str:
    """A metric's value; a size in its own unit."""
    if catalog.unit_of(name) != "bytes" or value is None:
        return catalog.show(value, name, signed=signed)
    sign = ("+" if value > 0 else text.MINUS) if signed and value else ""
    return sign + text.byte_size(abs(value))


def _interval(low: float | None, high: float | None, name: str) -> str:
    if low is None or high is None:
        return text.MISSING
    return f"{catalog.show(low, name)} to {catalog.show(high, name)}"


def _code(run: Run) -> str:
    commit = run.code.get("commit", "")
    if not commit:
        return "not in a git repository"
    dirty = ", with uncommitted changes" if run.code.get("is_dirty") == "yes" else ""
    return f"{commit[:12]} on {run.code.get('branch', '')}{dirty}"


def _colour(state: str) -> str:
    return {"succeeded": "ok", "running": "accent", "failed": "fail", "lost": "fail"}.get(
        state.strip(), "quiet"
    )


def _word_colour(word: str) -> str:
    return {"better": "ok", "worse": "fail", "unclear": "info"}.get(word.strip(), "quiet")
