"""Handlers: the declared pipelines, their last runs, and a look at what their steps make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from console import errors
from console.agent import training
from console.agent.context import Call
from console.agent.rows.jobs import queue_job
from console.agent.rows.runs import run_index
from console.rules.declared_table import nearest
from console.wire.pipelines import PipelineName, PipelineView, PreviewPipeline
from console.wire.routes import Nothing
from storage.records.jobs import Job
from storage.records.pipelines import Pipeline
from storage.records.runs import Run
from storage.tables import datasets, models

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHOWN_RUNS = 10
PREVIEW_ROWS = 1000


async def list_pipelines(call: Call, _request: Nothing) -> list[PipelineView]:
    return [await _view(call, each) for each in call.agent.declaration.pipelines.values()]


async def get_pipeline(call: Call, request: PipelineName) -> PipelineView:
    return await _view(call, training.find_pipeline(call.agent.declaration, request.pipeline))


async def preview_pipeline(call: Call, request: PreviewPipeline) -> Job:
    pipeline = training.find_pipeline(call.agent.declaration, request.pipeline)
    names = [step.name for step in pipeline.steps]
    if request.step and request.step not in names:
        raise errors.NotFoundError(
            f"pipeline {pipeline.name} has no step {request.step!r}.",
            hint=nearest(request.step, names, "Its steps are"),
        )
    if request.flow not in ("training", "inference"):
        raise errors.UsageError(
            f"{request.flow!r} is not a flow.", hint="It can be training or inference."
        )
    data = await call.read(lambda c: training.pinned_data(c, pipeline, {}))
    spec = {
        "pipeline": msgspec.to_builtins(pipeline),
        "data": data,
        "step": request.step,
        "flow": request.flow,
        "limit": max(1, min(request.limit, PREVIEW_ROWS)),
        "check_only": request.check_only,
    }
    verb = "check" if request.check_only else "preview"
    return await queue_job(
        call,
        "preview",
        f"pipeline {verb} {pipeline.name}",
        spec,
        command=f"mlops-console pipeline {verb} {pipeline.name}",
    )


async def _view(call: Call, pipeline: Pipeline) -> PipelineView:
    index = await run_index(call)
    found = index.find(pipeline=pipeline.name, limit=SHOWN_RUNS)

    def look(connection: DuckDBPyConnection) -> tuple[int | None, int | None]:
        dataset = datasets.get_dataset(connection, pipeline.input)
        champion = models.get_alias(connection, pipeline.name, "champion")
        return (dataset.latest_version if dataset else None), champion

    input_version, champion = await call.read(look)
    return PipelineView(
        pipeline=pipeline,
        runs=tuple(found),
        input_version=input_version,
        champion=f"{pipeline.name}@v{champion}" if champion else "",
        last_run_at=found[0].started_at if found else None,
        is_stale=_is_stale(pipeline, found, input_version),
    )


def _is_stale(pipeline: Pipeline, found: list[Run], input_version: int | None) -> bool:
    last = next((run for run in found if run.state == "succeeded"), None)
    if last is None:
        return False
    seen = next((use.version for use in last.data if use.dataset == pipeline.input), None)
    return last.pipeline_digest != pipeline.digest or (
        input_version is not None and seen != input_version
    )
