"""Runs as a terminal prints them: the list, one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from console import text
from console.cli.output import Column, Output
from console.rules import metrics as catalog
from console.rules import run_histories
from console.rules.filtering import Field
from console.rules.histogram import bars
from console.rules.run_table import best_of, file_rows, leading_metrics
from storage.records.results import Result
from storage.records.runs import History, Run, RunDetail, SavedView, SearchSummary

SHOWN_METRICS = 3
SHOWN_FEATURES = 8


def print_group(
    output: Output, title: str, runs: Sequence[Run], metrics: Sequence[str] = ()
) -> None:
    """Runs that share a value: how many, the best of the first metric, then the table."""
    names = metrics or leading_metrics(runs, at_most=SHOWN_METRICS)
    best = best_of(runs, names[0]) if names else None
    facts = text.counted(len(runs), "run")
    if best is not None:
        value = shown(best.metrics[names[0]], names[0])
        facts += f", best {label(names[0])} {value} in run {best.id}"
    output.heading(title, facts)
    print_runs(output, runs, names)
    output.line()


def print_runs(output: Output, runs: Sequence[Run], metrics: Sequence[str] = ()) -> None:
    """A table of runs; `metrics` are those with a column, empty = what most of them have."""
    names = metrics or leading_metrics(runs, at_most=SHOWN_METRICS)
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


def print_columns(
    output: Output, runs: Sequence[Run], columns: Sequence[str], fields: Mapping[str, Field[Run]]
) -> None:
    """Runs with the columns that were asked for, by their names in the filter language."""
    heads = [name.removeprefix("metrics.").removeprefix("params.") for name in columns]
    rows = []
    for values in file_rows(runs, columns, fields):
        pairs = zip(columns, values, strict=True)
        rows.append([_column_value(name, value) for name, value in pairs])
    numbers = [fields[name].kind in ("number", "seconds") for name in columns]
    output.table(
        [Column(head, ">" if n else "<") for head, n in zip(heads, numbers, strict=True)], rows
    )


def _column_value(name: str, value: object) -> object:
    if name.startswith("metrics.") and isinstance(value, (int, float)):
        return shown(value, name.removeprefix("metrics."))
    if name == "memory" and isinstance(value, int):
        return text.byte_size(value)
    if name == "duration" and isinstance(value, float):
        return text.duration(value)
    return None if value is None or value == "" else text.plain_value(value)


def print_views(output: Output, views: Sequence[SavedView]) -> None:
    """The saved views, and what each shows."""
    if not views:
        output.line("No view is saved. Save one: mlops-console run view NAME --filter FILTER")
        return
    heads = ("view", "filter", "sorted by", "grouped by", "put away", "by")
    rows = [
        (v.name, v.filter, ", ".join(v.sort), v.group, ", ".join(v.hidden), v.saved_by)
        for v in views
    ]
    output.table([Column(head) for head in heads], [[cell or None for cell in r] for r in rows])


def label(name: str) -> str:
    """What a metric is called; `cv_…` are means over the folds of a candidate."""
    if name.startswith("cv_"):
        return f"{catalog.label_of(name.removeprefix('cv_'))}, folds"
    return catalog.label_of(name)


def print_run(output: Output, detail: RunDetail) -> None:
    """Everything a run used and measured."""
    run = detail.run
    output.heading(f"run {run.id}", f"{run.pipeline}  {run.model}".rstrip())
    output.line(output.verdict(run.state) + (f"  {text.clean(run.error)}" if run.error else ""))
    output.facts(_facts(detail))
    overall = [each for each in detail.results if not each.scope]
    slices = [each for each in detail.results if each.scope]
    _print_results(output, "metric", overall)
    _print_results(output, "slice", slices)
    _print_results(output, "fold", detail.folds)
    _print_curves(output, detail)
    if detail.importance:
        output.line()
        most = detail.importance[:SHOWN_FEATURES]
        output.line("leans on  " + ", ".join(f"{name} {value:.3f}" for name, value in most))
    if detail.artifacts:
        output.line()
        output.table(
            [Column("file"), Column("kind"), Column("size", ">")],
            [(each.name, each.kind, text.byte_size(each.bytes)) for each in detail.artifacts],
        )


def _facts(detail: RunDetail) -> Iterator[tuple[str, object]]:
    run = detail.run
    yield "data", ", ".join(f"{use.dataset}@v{use.version}" for use in run.data)
    yield (
        "rows",
        f"{text.count(run.rows_train)} trained, {text.count(run.rows_holdout)} held out "
        f"({run.holdout or text.MISSING})",
    )
    yield "estimator", run.code.get("estimator", "")
    params = ", ".join(f"{k}={text.plain_value(v)}" for k, v in run.params.items())
    yield "params", params or "as the estimator has them"
    yield "seed", run.seed
    yield "code", _code(run)
    if detail.changes:
        count = text.counted(len(detail.changes.splitlines()), "line")
        yield "changes", f"{count} not committed: mlops-console run show {run.id} --changes"
    yield "pipeline", run.pipeline_digest[:12]
    if run.parent_id is not None:
        yield "parent", f"run {run.parent_id}"
    if detail.search is not None:
        yield "search", search_words(detail.search)
    if detail.candidates:
        yield "candidates", f"{detail.candidates}: mlops-console run list -f 'parent = {run.id}'"
    machine = [run.environment.get(name, "") for name in ("cpu", "cores", "platform")]
    if machine[1]:
        machine[1] += " cores"
    yield "machine", ", ".join(filter(None, machine)) or None
    rest = {k: v for k, v in run.environment.items() if k not in ("cpu", "cores", "platform")}
    yield "packages", ", ".join(f"{name} {version}" for name, version in rest.items()) or None
    yield "took", text.duration(run.duration_s)
    yield "peak memory", text.byte_size(run.peak_rss_bytes)
    yield "by", f"{run.created_by}, {run.started_at:%Y-%m-%d %H:%M:%S} UTC"
    if run.tags:
        yield "tags", ", ".join(run.tags)
    if run.note:
        yield "note", run.note


def _print_curves(output: Output, detail: RunDetail) -> None:
    """Metrics with steps: where they ended, and their best."""
    histories = [each for each in detail_histories(detail) if len(each.values) > 1]
    if not histories:
        return
    output.line()
    rows = []
    for each in histories:
        step, best = run_histories.condense(each, "best")
        name = run_histories.metric_of(each.metric)
        rows.append(
            (
                run_histories.label_of(each.metric),
                len(each.steps),
                shown(each.values[-1], name),
                shown(best, name),
                step,
                bars(each.values[:: max(1, len(each.values) // 24)]),
            )
        )
    heads = (("curve", "<"), ("steps", ">"), ("last", ">"), ("best", ">"), ("at", ">"), ("", "<"))
    output.table([Column(head, align) for head, align in heads], rows)


def detail_histories(detail: RunDetail) -> list[History]:
    """The points of a run as one history a metric."""
    found: dict[str, list[tuple[int, float]]] = {}
    for point in detail.points:
        found.setdefault(point.metric, []).append((point.step, point.value))
    return [
        History(
            run_id=detail.run.id,
            metric=name,
            steps=tuple(step for step, _ in sorted(pairs)),
            values=tuple(value for _, value in sorted(pairs)),
        )
        for name, pairs in found.items()
    ]


def search_words(search: SearchSummary) -> str:
    """How the parameters were found, and which of them made the difference."""
    words = f"{search.method}, {text.counted(search.tried, 'candidate')}; chosen {search.chosen}"
    if search.chosen != search.best:
        words += f", the quickest within one standard error of the best, {search.best}"
    if search.importance:
        shares = [f"{name} {text.percent(share, 0)}" for name, share in search.importance]
        words += f"; differences come from {text.listed(shares)}"
    return words


def print_measured(output: Output, found: Mapping[str, Any]) -> None:
    """A model version on other rows: metrics, then the slices."""
    output.heading(found["model"], f"on {text.counted(found['rows'], 'case')} of {found['data']}")
    if found["was_trained_on"]:
        output.line("It was trained on a part of these rows: the figures flatter it.")
    print_metrics(output, msgspec.convert(found["results"], list[Result]))
    _print_results(output, "slice", msgspec.convert(found["slices"], list[Result]))


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
