"""Handlers: runs, and the trainings that make them."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from console import errors
from console.agent import training
from console.agent.context import Agent, Call
from console.agent.rows.jobs import queue_job
from console.agent.run_index import RunIndex
from console.rules import search_space
from console.rules.run_fields import in_reading_order
from console.wire.runs import (
    CompareRuns,
    ListRuns,
    NoteRun,
    RunId,
    StartSearch,
    StartTraining,
)
from storage.errors import StorageError
from storage.records.jobs import Job
from storage.records.runs import Run, RunComparison, RunDetail
from storage.tables import runs
from storage.workspace import check_id

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMPARED_AT_MOST = 12


async def start_training(call: Call, request: StartTraining) -> Job:
    declared = call.agent.declaration
    pipeline = training.find_pipeline(declared, request.pipeline)
    training.check_data(pipeline, request.data)
    if request.model:
        check_id(request.model, "model name")
    spec = training.training_spec(
        declared,
        pipeline,
        params=request.params,
        seed=request.seed,
        model=request.model,
        note=request.note,
    )
    if request.after:
        spec["wanted_data"] = request.data
    else:
        spec["data"] = await call.read(lambda c: training.pinned_data(c, pipeline, request.data))
    return await queue_job(
        call,
        "train",
        f"train {spec['model']}",
        spec,
        command=_train_command(request),
        priority=request.priority,
        after=request.after,
    )


async def start_search(call: Call, request: StartSearch) -> Job:
    declared = call.agent.declaration
    pipeline = training.find_pipeline(declared, request.pipeline)
    training.check_data(pipeline, request.data)
    if request.model:
        check_id(request.model, "model name")
    spec = training.training_spec(
        declared,
        pipeline,
        params=request.params,
        seed=request.seed,
        model=request.model,
        note=request.note,
    )
    spec["search"] = msgspec.to_builtins(training.search_of(pipeline, request))
    if request.after:
        spec["wanted_data"] = request.data
    else:
        spec["data"] = await call.read(lambda c: training.pinned_data(c, pipeline, request.data))
    return await queue_job(
        call,
        "search",
        f"search {spec['model']}",
        spec,
        command=_search_command(request),
        priority=request.priority,
        after=request.after,
    )


async def list_runs(call: Call, request: ListRuns) -> list[Run]:
    index = await run_index(call)
    return index.find(
        pipeline=request.pipeline,
        filter_text=request.filter,
        before=request.before,
        limit=max(1, min(request.limit, 10_000)),
        candidates=request.candidates,
    )


async def get_run(call: Call, request: RunId) -> RunDetail:
    detail = await call.read(lambda c: runs.get_run_detail(c, request.id))
    if detail is None:
        raise _unknown(request.id)
    return with_importance(call.agent, detail)


async def compare_runs(call: Call, request: CompareRuns) -> RunComparison:
    if not 2 <= len(set(request.ids)) <= COMPARED_AT_MOST:
        raise errors.UsageError(
            f"{len(set(request.ids))} different runs were named; a comparison takes "
            f"2 to {COMPARED_AT_MOST}.",
            hint="For example: mlops-console run compare 117 118",
        )

    def look(connection: DuckDBPyConnection) -> list[RunDetail]:
        found = []
        for number in request.ids:
            detail = runs.get_run_detail(connection, number)
            if detail is None:
                raise _unknown(number)
            found.append(detail)
        return found

    details = await call.read(look)
    from console.agent.run_comparing import compare  # numpy: only when somebody compares

    return await asyncio.to_thread(compare, call.agent.objects, details)


async def note_run(call: Call, request: NoteRun) -> Run:
    if request.note is None and request.tags is None:
        raise errors.UsageError("neither a note nor tags were given.", hint='Add --note "…".')

    def change(connection: DuckDBPyConnection) -> Run:
        run = runs.get_run(connection, request.id)
        if run is None:
            raise _unknown(request.id)
        noted = replace(
            run,
            note=run.note if request.note is None else request.note.strip(),
            tags=run.tags if request.tags is None else tuple(dict.fromkeys(request.tags)),
        )
        runs.set_run_note(connection, run.id, note=noted.note, tags=noted.tags)
        call.record(
            connection,
            "run.note",
            f"run {run.id}",
            f"notes on run {run.id}: {noted.note or ', '.join(noted.tags) or 'nothing'}",
            command=f"mlops-console run note {run.id} {shlex.quote(noted.note)}",
            detail={"note": noted.note, "tags": ", ".join(noted.tags)},
        )
        return noted

    return await call.change(change, "runs")


async def reproduce_run(call: Call, request: RunId) -> Job:
    spec = await call.read(lambda c: training.reproduction_spec(c, request.id))
    return await queue_job(
        call,
        "train",
        f"reproduce run {request.id}",
        spec,
        command=f"mlops-console run reproduce {request.id}",
    )


def with_importance(agent: Agent, detail: RunDetail) -> RunDetail:
    """Add what stands in the run's file of importances; a lost file leaves it empty."""
    run = replace(detail.run, metrics=in_reading_order(detail.run.metrics))
    detail = replace(detail, run=run)
    file = next((each for each in detail.artifacts if each.name == "importance"), None)
    if file is None:
        return detail
    try:
        document = agent.objects.read_json(file.digest)
    except StorageError:
        return detail
    pairs = msgspec.convert(document, list[tuple[str, float]])
    return replace(detail, importance=tuple(pairs))


async def run_index(call: Call) -> RunIndex:
    index: RunIndex = call.agent.caches.setdefault("runs", RunIndex())
    await call.read(index.refresh)
    return index


def _unknown(run_id: int) -> errors.NotFoundError:
    return errors.NotFoundError(
        f"there is no run {run_id}.", hint="See them: mlops-console run list"
    )


def _train_command(request: StartTraining) -> str:
    words = ["mlops-console", "train", request.pipeline]
    for name, value in request.params.items():
        words += ["--param", f"{name}={_as_typed(value)}"]
    for name, version in request.data.items():
        words += ["--data", f"{name}@{version}"]
    if request.seed is not None:
        words += ["--seed", str(request.seed)]
    if request.model:
        words += ["--model", request.model]
    return shlex.join(words)


def _search_command(request: StartSearch) -> str:
    words = ["mlops-console", "train", request.pipeline, "--search"]
    words += [request.method] if request.method else []
    for name, given in request.space.items():
        words += ["--vary", f"{name}={search_space.written(given)}"]
    for name, version in request.data.items():
        words += ["--data", f"{name}@{version}"]
    if request.trials:
        words += ["--trials", str(request.trials)]
    return shlex.join(words)


def _as_typed(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
