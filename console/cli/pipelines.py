"""`mlops-console pipeline …`: the declared flows, checked and looked into without training."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from console import text
from console.cli.commands import Invocation, argument, command
from console.cli.following import DETACH, follow
from console.cli.output import Column, Output
from console.wire import pipelines as wire
from console.wire.pipelines import PipelineName, PipelineView, PreviewPipeline
from console.wire.routes import Nothing
from storage.records.jobs import Job
from storage.records.pipelines import Pipeline, Split, Step

_NAME = argument("pipeline", help="as declared in mlops.toml")


@command("list", examples=("mlops-console pipeline list",))
def list_pipelines(invocation: Invocation) -> None:
    """The declared pipelines and their last runs."""
    found = invocation.client.call(wire.list_pipelines, Nothing())
    invocation.output.show(found, lambda views: _print_list(invocation.output, views))


@command("show", _NAME, examples=("mlops-console pipeline show delays",))
def show(invocation: Invocation) -> None:
    """A pipeline as a graph: inputs, steps with their flow, split, estimator, judgement."""
    request = PipelineName(pipeline=invocation.arguments.pipeline)
    view = invocation.client.call(wire.get_pipeline, request)
    invocation.output.show(view, lambda found: _print_graph(invocation.output, found))


@command("check", _NAME, DETACH, examples=("mlops-console pipeline check delays",))
def check(invocation: Invocation) -> None:
    """Check steps, columns, estimator and parameters against the data's schema, without rows."""
    request = PreviewPipeline(pipeline=invocation.arguments.pipeline, check_only=True)
    _followed(invocation, invocation.client.call(wire.preview_pipeline, request), _print_check)


@command(
    "preview",
    _NAME,
    argument("--step", default="", help="the rows after this step; after the last one by default"),
    argument("--flow", default="training", choices=("training", "inference")),
    argument("--limit", "-n", type=int, default=10, help="rows to show"),
    DETACH,
    examples=("mlops-console pipeline preview delays --step label",),
)
def preview(invocation: Invocation) -> None:
    """The first rows after a step."""
    given = invocation.arguments
    request = PreviewPipeline(
        pipeline=given.pipeline, step=given.step, flow=given.flow, limit=given.limit
    )
    _followed(invocation, invocation.client.call(wire.preview_pipeline, request), _print_rows)


def _followed(invocation: Invocation, job: Job, people: Any) -> None:
    ended = follow(invocation, job)
    if ended is not None:
        invocation.output.show(ended.result, lambda result: people(invocation.output, result))


def _print_list(output: Output, views: list[PipelineView]) -> None:
    if not views:
        output.line("mlops.toml declares no pipeline. Add a table [pipelines.NAME].")
        return
    now = datetime.now(UTC)
    output.table(
        [
            Column("pipeline"),
            Column("question"),
            Column("input"),
            Column("champion"),
            Column("last run", ">"),
            Column(""),
        ],
        [
            (
                view.pipeline.name,
                text.cut(view.pipeline.description, 50) or None,
                f"{view.pipeline.input}@v{view.input_version}"
                if view.input_version
                else f"{view.pipeline.input}: no data",
                view.champion or None,
                text.age((now - view.last_run_at).total_seconds(), short=True)
                if view.last_run_at
                else None,
                "newer data or declaration" if view.is_stale else "",
            )
            for view in views
        ],
    )


def _print_graph(output: Output, view: PipelineView) -> None:
    pipeline = view.pipeline
    output.heading(pipeline.name, pipeline.description)
    version = f"@v{view.input_version}" if view.input_version else ": no data yet"
    output.line(f"{pipeline.input}{version}")
    references = f" ← {', '.join(pipeline.references)}" if pipeline.references else ""
    width = max((len(step.name) for step in pipeline.steps), default=0)
    last_shared = max(
        (n for n, step in enumerate(pipeline.steps) if step.flow == "both"), default=-1
    )
    for number, step in enumerate(pipeline.steps):
        joined = references if number == last_shared else ""
        output.line(f"  │  {_step_words(step, width)}{joined}")
    output.line(f"  ├─ split      {_split_words(pipeline.split)}")
    output.line(f"  ├─ estimator  {pipeline.estimator}")
    for name, value in pipeline.params.items():
        output.line(f"  │               {name} = {text.plain_value(value)}")
    output.line(f"  ├─ target     {pipeline.target} = {pipeline.positive} ({pipeline.task})")
    output.line(f"  ├─ judged by  {_judged_words(pipeline)}")
    output.line(f"  └─ champion   {view.champion or 'none yet'}")
    output.line()
    output.line(output.paint(f"digest {pipeline.digest[:12]}, seed {pipeline.seed}", "quiet"))
    if view.is_stale:
        output.line("There is newer data, or a changed declaration, than the last run saw.")


def _step_words(step: Step, width: int) -> str:
    flow = {"both": "training and inference", "training": "training only"}.get(
        step.flow, "inference only"
    )
    source = step.function or (step.source if step.source else "SQL")
    return f"{step.name:<{width}}  {flow}, {source}, {step.digest[:8]}"


def _split_words(split: Split) -> str:
    by = {"time": f"by time ({split.column})", "group": f"by groups of {split.column}"}.get(
        split.kind, split.kind
    )
    held = (
        f"the last {text.percent(split.holdout_ratio, 0)}"
        if split.kind == "time"
        else (text.percent(split.holdout_ratio, 0))
    )
    return f"{by}, {held} held out, {text.counted(split.folds, 'fold')}"


def _judged_words(pipeline: Pipeline) -> str:
    slices = f"; slices {', '.join(pipeline.slices)}" if pipeline.slices else ""
    return f"{', '.join(pipeline.metrics) or 'the usual metrics'}{slices}"


def _print_check(output: Output, result: dict[str, Any]) -> None:
    for flow in ("training", "inference"):
        steps = result["flows"][flow]
        output.line(output.paint(f"{flow} flow", "bold"))
        before: set[str] = set()
        for step in steps:
            names = [name for name, _ in step["columns"]]
            added = [name for name in names if name not in before]
            dropped = len(before.difference(names))
            words = f"{text.counted(len(names), 'column')}"
            if step["name"]:
                words += f", new: {', '.join(added) or 'none'}"
                words += f"; {dropped} dropped" if dropped else ""
            output.line(f"  {step['name'] or 'input'}: {text.clean(words)}")
            before = set(names)
    count = len(result["features"])
    output.line(
        f"{output.verdict('pass')}  {text.counted(count, 'feature')} → {result['target']} "
        f"with {result['estimator']}"
    )


def _print_rows(output: Output, result: dict[str, Any]) -> None:
    step = result["step"] or "no step"
    output.heading(
        f"after {step}",
        f"{text.count(result['rows_out'])} rows of the first {text.count(result['rows_in'])} "
        f"of {result['input']}, {result['flow']} flow",
    )
    output.table([Column(name) for name, _ in result["columns"]], result["rows"])
