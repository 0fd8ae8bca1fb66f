"""What a training is told: the flow as declared, exact data versions, gates, the model to beat.

Used by the rows of runs and pipelines. Invariant: data versions are pinned when the job is queued;
only a job that waits for others takes them when it starts. The champion to compare with is that of
the moment the job starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from console import errors
from console.agent.dataset_lookup import find_version
from console.rules import references, search_space
from console.rules.declared_table import nearest
from console.wire.runs import StartSearch
from storage.records.declared import Declaration
from storage.records.pipelines import Pipeline, Search, SearchMethod
from storage.tables import jobs, models, runs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from storage.records.datasets import DatasetVersion
    from storage.records.jobs import Job
    from storage.records.models import ModelVersion


def find_pipeline(declared: Declaration, name: str) -> Pipeline:
    """The declared pipeline; raises `NotFoundError` with the nearest one."""
    pipeline = declared.pipelines.get(name)
    if pipeline is not None:
        return pipeline
    near = get_close_matches(name, declared.pipelines, n=1)
    raise errors.NotFoundError(
        f"there is no pipeline {name!r} in mlops.toml.",
        hint=f"Did you mean {near[0]}?" if near else f"Add a table [pipelines.{name}].",
    )


def check_data(pipeline: Pipeline, given: Mapping[str, str]) -> None:
    """Raise for a dataset the pipeline does not read."""
    known = (pipeline.input, *pipeline.references)
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise errors.InvalidError(
                f"pipeline {pipeline.name} does not read a dataset {name!r}.",
                hint=f"Did you mean {near[0]}?" if near else f"It reads {', '.join(known)}.",
            )


def pinned_data(
    connection: DuckDBPyConnection, pipeline: Pipeline, given: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The version of every dataset the pipeline reads, with the manifest a worker reads it by."""
    found = []
    for name in (pipeline.input, *pipeline.references):
        version = find_version(connection, name, given.get(name, references.LATEST))
        found.append(
            {
                "dataset": name,
                "version": version.version,
                "digest": version.digest,
                "manifest": version.manifest,
                "role": "input" if name == pipeline.input else "reference",
            }
        )
    return found


def training_spec(
    declared: Declaration,
    pipeline: Pipeline,
    *,
    params: Mapping[str, Any],
    seed: int | None,
    model: str,
    note: str,
) -> dict[str, Any]:
    """Everything but the data; `params` are only those that differ from the declaration."""
    model = model or pipeline.name
    return {
        "pipeline": msgspec.to_builtins(pipeline),
        "params": dict(params),
        "seed": pipeline.seed if seed is None else seed,
        "model": model,
        "gates": msgspec.to_builtins(declared.gates.get(model, ())),
        "note": note,
    }


def search_of(pipeline: Pipeline, request: StartSearch) -> Search:
    """The search that was asked for: what the request leaves open is as declared."""
    base = pipeline.search or Search(space={})
    methods: tuple[SearchMethod, ...] = get_args(SearchMethod)
    method = next((each for each in methods if each == request.method), base.method)
    if request.method and method != request.method:
        raise errors.UsageError(
            f"{request.method!r} is no way to search.",
            hint=nearest(request.method, methods, "It can be"),
        )
    search = replace(
        base,
        space=request.space or base.space,
        method=method,
        trials=request.trials or base.trials,
        minutes=request.minutes or base.minutes,
        metric=request.metric or base.metric,
    )
    search_space.dimensions(search.space)
    if pipeline.split.folds < 2:
        raise errors.InvalidError(
            f"pipeline {pipeline.name} declares no folds, and a search is judged on them.",
            hint=f"Add folds = 3 to [pipelines.{pipeline.name}.split].",
        )
    return search


def start_search(connection: DuckDBPyConnection, job: Job) -> dict[str, Any]:
    """The spec of a search that starts now; a retried one knows what was measured before."""
    spec = start_train(connection, job)
    spec["earlier"] = [] if job.retry_of is None else _measured(connection, job.retry_of)
    return spec


def _measured(connection: DuckDBPyConnection, job_id: int) -> list[dict[str, Any]]:
    """Parameters and fold results of the candidates that an earlier search job finished."""
    found = []
    for run in runs.list_child_runs(connection, job_id):
        detail = runs.get_run_detail(connection, run.id)
        if run.state == "succeeded" and detail is not None and detail.folds:
            folds = msgspec.to_builtins(detail.folds)
            found.append({"params": run.params, "folds": folds, "seconds": run.duration_s})
    return found


def start_train(connection: DuckDBPyConnection, job: Job) -> dict[str, Any]:
    """The spec of a training that starts now: the champion of now, and data not pinned before."""
    spec = dict(job.spec)
    if "data" not in spec:
        pipeline = msgspec.convert(spec["pipeline"], Pipeline)
        spec["data"] = pinned_data(connection, pipeline, spec["wanted_data"])
    spec["champion"] = champion_of(connection, spec["model"])
    return spec


def start_evaluate(connection: DuckDBPyConnection, job: Job) -> dict[str, Any]:
    """The spec of a judgement that starts now: the held-out rows, and those of the champion."""
    spec = dict(job.spec)
    champion = champion_of(connection, spec["model"])
    if champion is not None and champion["version"] == spec["version"]:
        champion = None
    spec["artifacts"] = _files_of(connection, spec["run_id"])
    spec["champion"] = champion
    if champion is not None:
        spec["champion_artifacts"] = _files_of(connection, champion["run_id"])
    run = runs.get_run(connection, spec["run_id"]) if spec["run_id"] else None
    trained = jobs.get_job(connection, run.job_id) if run else None
    if run is not None and trained is not None:
        pipeline = msgspec.convert(trained.spec["pipeline"], Pipeline)
        given = {use.dataset: str(use.version) for use in run.data}
        spec["pipeline"] = trained.spec["pipeline"]
        spec["seed"] = run.seed
        spec["data"] = pinned_data(connection, pipeline, given)
    return spec


def data_of(connection: DuckDBPyConnection, version: ModelVersion, wanted: str) -> DatasetVersion:
    """The data version that is named as `NAME@VERSION`; the latest of its own input without."""
    name, _, reference = wanted.partition("@")
    if not name:
        run = runs.get_run(connection, version.run_id) if version.run_id else None
        used = next((use.dataset for use in run.data if use.role == "input"), "") if run else ""
        if not used:
            raise errors.UsageError(
                f"it is not known here what {version.name} was trained on.",
                hint="Name the rows: --data NAME@VERSION",
            )
        name = used
    return find_version(connection, name, reference or references.LATEST)


def measure_spec(
    connection: DuckDBPyConnection, version: ModelVersion, wanted: str
) -> dict[str, Any]:
    """The order that measures a version on other rows, made as its training rows were."""
    run = runs.get_run(connection, version.run_id) if version.run_id else None
    job = jobs.get_job(connection, run.job_id) if run else None
    if run is None or job is None:
        raise errors.InvalidError(
            f"{version.name} cannot be measured: it was not trained here, so nothing says how its "
            "truth is made."
        )
    data = data_of(connection, version, wanted)
    pipeline = msgspec.convert(job.spec["pipeline"], Pipeline)
    if data.dataset != pipeline.input:
        raise errors.InvalidError(
            f"{version.name} is about rows of {pipeline.input}, not of {data.dataset}.",
            hint=f"Name a version of it: --data {pipeline.input}@latest",
        )
    given = {use.dataset: str(use.version) for use in run.data} | {data.dataset: str(data.version)}
    return {
        "name": version.name,
        "digest": version.digest,
        "threshold": version.threshold,
        "pipeline": job.spec["pipeline"],
        "data": pinned_data(connection, pipeline, given),
        "trained_on": next((use.digest for use in run.data if use.role == "input"), ""),
    }


def _files_of(connection: DuckDBPyConnection, run_id: int | None) -> dict[str, str]:
    """Name -> object of every file a run made."""
    if run_id is None:
        return {}
    return {each.name: each.digest for each in runs.list_run_artifacts(connection, run_id)}


def champion_of(connection: DuckDBPyConnection, model: str) -> dict[str, Any] | None:
    """What a worker needs to score the present champion; None when there is none."""
    number = models.get_alias(connection, model, "champion")
    if number is None:
        return None
    version = next(
        (each for each in models.list_model_versions(connection, model) if each.version == number),
        None,
    )
    if version is None:
        return None
    return {
        "name": version.name,
        "version": version.version,
        "digest": version.digest,
        "threshold": version.threshold,
        "run_id": version.run_id,
    }


def reproduction_spec(connection: DuckDBPyConnection, run_id: int) -> dict[str, Any]:
    """The order that repeats a finished run, and what its result is to be compared with."""
    detail = runs.get_run_detail(connection, run_id)
    if detail is None:
        raise errors.NotFoundError(
            f"there is no run {run_id}.", hint="See them: mlops-console run list"
        )
    run = detail.run
    job = jobs.get_job(connection, run.job_id)
    if job is None or run.state != "succeeded":
        raise errors.ConflictError(
            f"cannot reproduce run {run_id}: it has {run.state}, so there is nothing to compare.",
            hint="Choose one that succeeded: mlops-console run list --filter state:succeeded",
        )
    pipeline = msgspec.convert(job.spec["pipeline"], Pipeline)
    given = {use.dataset: str(use.version) for use in run.data}
    return {
        **{name: job.spec[name] for name in ("pipeline", "model", "gates")},
        "params": run.params,
        "seed": run.seed,
        "note": f"reproduces run {run_id}",
        "data": pinned_data(connection, pipeline, given),
        "reproduces": {
            "run_id": run_id,
            "metrics": run.metrics,
            "environment": run.environment,
            "code": run.code,
            "artifacts": {each.name: each.digest for each in detail.artifacts},
        },
    }
