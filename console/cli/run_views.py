"""Runs as a terminal prints them: the list, one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from console import text
from console.cli.output import Column, Output
from console.rules import metrics as catalog
from console.rules.run_fields import in_reading_order
from storage.records.results import Result
from storage.records.runs import Run, RunDetail

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
                *(shown(run.metrics.get(name), name) for name in names),
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
                shown(each.value, each.name),
                interval(each.ci_low, each.ci_high, each.name),
                text.count(each.n) if each.n else None,
            )
            for each in results
        ],
    )


def shown(value: float | None, name: str, *, signed: bool = False) -> str:
    """A metric's value; a size in its own unit."""
    if catalog.unit_of(name) != "bytes" or value is None:
        return catalog.show(value, name, signed=signed)
    sign = ("+" if value > 0 else text.MINUS) if signed and value else ""
    return sign + text.byte_size(abs(value))


def interval(low: float | None, high: float | None, name: str) -> str:
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
