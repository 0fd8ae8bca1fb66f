"""Handlers: runs, and the trainings that make them."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from console import errors
from console.agent import code_diff, training
from console.agent.context import Agent, Call
from console.agent.rows.jobs import queue_job
from console.agent.run_index import RunIndex
from console.rules import search_space
from console.rules.declared_table import nearest
from console.rules.filtering import parse
from console.rules.run_fields import find_field, in_reading_order
from console.wire.routes import Nothing
from console.wire.runs import (
    CompareRuns,
    ListRuns,
    NoteRun,
    RunId,
    RunPair,
    RunViewName,
    SaveRunView,
    StartSearch,
    StartTraining,
)
from storage.errors import StorageError
from storage.records.jobs import Job, JobLimits
from storage.records.runs import (
    History,
    Run,
    RunComparison,
    RunDetail,
    RunDiff,
    SavedView,
    SearchSummary,
)
from storage.tables import jobs, runs
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
        limits=JobLimits(memory_bytes=request.memory_bytes, time_s=request.time_s),
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
        limits=JobLimits(memory_bytes=request.memory_bytes, time_s=request.time_s),
    )


async def list_runs(call: Call, request: ListRuns) -> list[Run]:
    index = await run_index(call)
    if request.pipeline and not index.has_pipeline(request.pipeline):
        training.find_pipeline(call.agent.declaration, request.pipeline)
    return index.find(
        pipeline=request.pipeline,
        filter_text=request.filter,
        sort=[word.strip() for word in request.sort.split(",") if word.strip()],
        before=request.before,
        limit=max(1, min(request.limit, 10_000)),
        candidates=request.candidates,
        metrics_at_most=request.metrics_at_most,
        metrics=request.metrics.split(","),
    )


async def get_run(call: Call, request: RunId) -> RunDetail:
    detail = await call.read(lambda c: runs.get_run_detail(c, request.id))
    if detail is None:
        raise _unknown(request.id)
    changes = await asyncio.to_thread(code_diff.kept_changes, call.agent.objects, detail.run)
    return replace(with_importance(call.agent, detail), changes=changes)


async def compare_runs(call: Call, request: CompareRuns) -> RunComparison:
    ids = tuple(dict.fromkeys(request.ids))
    if not 2 <= len(ids) <= COMPARED_AT_MOST:
        named = "one run was" if len(ids) == 1 else f"{len(ids)} runs were"
        raise errors.UsageError(
            f"{named} named; a comparison takes 2 to {COMPARED_AT_MOST} different ones.",
            hint="For example: mlops-console run compare 117 118",
        )

    def look(connection: DuckDBPyConnection) -> tuple[list[RunDetail], list[History]]:
        found = []
        for number in ids:
            detail = runs.get_run_detail(connection, number)
            if detail is None:
                raise _unknown(number)
            found.append(detail)
        return found, runs.list_run_histories(connection, ids)

    details, histories = await call.read(look)
    details = [with_importance(call.agent, each) for each in details]
    from console.agent.run_comparing import compare  # numpy: only when somebody compares

    return await asyncio.to_thread(
        compare, call.agent.objects, details, histories, request.aggregate
    )


async def diff_runs(call: Call, request: RunPair) -> RunDiff:
    def look(connection: DuckDBPyConnection) -> list[code_diff.Side]:
        found = []
        for number in (request.before, request.after):
            run = runs.get_run(connection, number)
            if run is None:
                raise _unknown(number)
            job = jobs.get_job(connection, run.job_id)
            found.append(code_diff.Side(run, job.spec.get("pipeline", {}) if job else {}))
        return found

    before, after = await call.read(look)
    return await asyncio.to_thread(code_diff.diff, call.root, call.agent.objects, before, after)


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


async def list_run_views(call: Call, _request: Nothing) -> list[SavedView]:
    return await call.read(runs.list_run_views)


async def set_run_view(call: Call, request: SaveRunView) -> SavedView:
    check_id(request.name, "view name")
    index = await run_index(call)
    parse(request.filter, index.fields)
    for word in (*request.sort, request.group):
        if word:
            find_field(word.removeprefix("-"), index.fields, "a view cannot be made of")
    view = SavedView(
        name=request.name,
        filter=request.filter,
        sort=request.sort,
        group=request.group,
        hidden=request.hidden,
        columns=request.columns,
        saved_by=call.actor.name,
        saved_at=call.agent.clock.now(),
    )

    def change(connection: DuckDBPyConnection) -> SavedView:
        runs.set_run_view(connection, view)
        call.record(
            connection,
            "run.view",
            f"view {view.name}",
            f"view {view.name} of runs: {view.filter or 'all runs'}",
            command=shlex.join(["mlops-console", "run", "list", "--view", view.name]),
        )
        return view

    return await call.change(change, "runs")


async def remove_run_view(call: Call, request: RunViewName) -> Nothing:
    def change(connection: DuckDBPyConnection) -> Nothing:
        known = [view.name for view in runs.list_run_views(connection)]
        if not runs.remove_run_view(connection, request.name):
            raise errors.NotFoundError(
                f"there is no view {request.name!r}.",
                hint=nearest(request.name, known, "There are") if known else "None is saved.",
            )
        summary = f"view {request.name} of runs is forgotten"
        call.record(connection, "run.view", f"view {request.name}", summary)
        return Nothing()

    return await call.change(change, "runs")


def with_importance(agent: Agent, detail: RunDetail) -> RunDetail:
    """Add what stands in the run's files: importances, its search; a lost one adds nothing."""
    run = replace(detail.run, metrics=in_reading_order(detail.run.metrics))
    pairs = _document(agent, detail, "importance", list[tuple[str, float]])
    found = _document(agent, detail, "search", dict[str, Any])
    return replace(
        detail,
        run=run,
        importance=tuple(pairs or ()),
        search=_search_summary(found) if found else None,
    )


def _document(agent: Agent, detail: RunDetail, name: str, kind: type[Any]) -> Any:
    file = next((each for each in detail.artifacts if each.name == name), None)
    if file is None:
        return None
    try:
        return msgspec.convert(agent.objects.read_json(file.digest), kind)
    except (StorageError, msgspec.ValidationError):
        return None


def _search_summary(found: dict[str, Any]) -> SearchSummary:
    return SearchSummary(
        method=found["method"],
        metric=found["metric"],
        tried=len(found["candidates"]),
        chosen=found["chosen"],
        best=found["best"],
        importance=tuple((name, share) for name, share in found["importance"]),
    )


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
