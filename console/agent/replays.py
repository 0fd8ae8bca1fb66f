"""What a replay is told: which rows, where to, how fast, and how their truth is found."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from console import errors
from console.agent.dataset_lookup import find_version
from console.agent.endpoint_view import main_manifest
from storage.records.declared import DeclaredDataset

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.context import Agent
    from console.wire.endpoints import StartReplay
    from storage.records.endpoints import Endpoint
    from storage.records.models import ModelManifest

FASTEST = 5000.0
"""Requests per second; one client process cannot pace more."""


def spec(
    agent: Agent, connection: DuckDBPyConnection, endpoint: Endpoint, request: StartReplay
) -> dict[str, Any]:
    """The orders of a replay job, checked; raises a refusal with the field that cannot be."""
    _check(request)
    version = find_version(connection, request.dataset, request.version)
    manifest = main_manifest(agent, endpoint)
    if manifest is None:
        raise errors.ConflictError(f"endpoint {endpoint.name} serves no version yet.")
    columns = {column.name for column in version.columns}
    absent = [f.name for f in manifest.inputs if f.is_required and f.name not in columns]
    if absent:
        raise errors.InvalidError(
            f"{version.name} cannot be replayed to {endpoint.name}: it lacks the column"
            f"{'s' * (len(absent) > 1)} {', '.join(absent)} that the model needs.",
            missing=absent,
        )
    declaration = agent.declaration_file.last_good
    declared = declaration.datasets.get(request.dataset) if declaration else None
    declared = declared or DeclaredDataset(name=request.dataset)
    if (request.since or request.until) and not declared.time_column:
        raise errors.InvalidError(
            f"{request.dataset} has no declared time column, so there is no since and no until.",
            hint=f'Add time_column = "…" to [datasets.{request.dataset}] in mlops.toml.',
        )
    return {
        "endpoint": endpoint.name,
        "host": endpoint.host,
        "port": endpoint.port,
        "dataset": version.dataset,
        "version": version.version,
        "manifest": version.manifest,
        "time_column": declared.time_column,
        "since": request.since,
        "until": request.until,
        "rate": request.rate,
        "limit": request.limit,
        "shuffle": request.shuffle,
        "label_delay_s": request.label_delay_s,
        "label_ratio": request.label_ratio,
        "inputs": [each.name for each in manifest.inputs],
        "row_id": list(manifest.row_id),
        "task": manifest.task,
        "target": manifest.target,
        "positive": manifest.positive,
        "connections": max(2, min(32, endpoint.limits.in_flight // 2)),
        "timeout_s": endpoint.limits.timeout_s + 5.0,
        **_labelling(agent, manifest),
    }


def command(request: StartReplay) -> str:
    """The shell form of the request."""
    words = [
        "mlops-console replay", request.endpoint, f"{request.dataset}@{request.version}",
        f"--rate {request.rate:g}",
    ]  # fmt: skip
    words += [f"--since {shlex.quote(request.since)}"] if request.since else []
    words += [f"--until {shlex.quote(request.until)}"] if request.until else []
    words += [f"--limit {request.limit}"] if request.limit else []
    words += [f"--label-delay {request.label_delay_s:g}"] if request.label_delay_s != 5.0 else []
    words += [f"--label-ratio {request.label_ratio:g}"] if request.label_ratio != 1.0 else []
    return " ".join(words + (["--shuffle"] if request.shuffle else []))


def _labelling(agent: Agent, manifest: ModelManifest) -> dict[str, Any]:
    """The declared steps that make the target, with the references they may join.

    The model carries its inference flow only; the truth is made by the training flow, which stands
    in the declaration.
    """
    declaration = agent.declaration_file.last_good
    pipeline = declaration.pipelines.get(manifest.pipeline) if declaration else None
    steps = pipeline.steps if pipeline else ()
    last = max((i for i, step in enumerate(steps) if step.flow == "training"), default=-1)
    return {
        "steps": [msgspec.to_builtins(step) for step in steps[: last + 1]],
        "references": {each.name: each.manifest for each in manifest.references},
    }


def _check(request: StartReplay) -> None:
    if not 0.0 < request.rate <= FASTEST:
        raise errors.InvalidError(
            f"{request.rate:g} requests a second cannot be aimed for; it can be up to {FASTEST:g}."
        )
    if request.limit < 0:
        raise errors.InvalidError(f"{request.limit} requests cannot be sent.")
    if not 0.0 <= request.label_ratio <= 1.0:
        raise errors.InvalidError(f"a share of {request.label_ratio:g} labels is not 0 to 1.")
    if request.label_delay_s < 0.0:
        raise errors.InvalidError("labels cannot come before their requests.")
    for name, text in (("since", request.since), ("until", request.until)):
        try:
            datetime.fromisoformat(text or "2000-01-01")
        except ValueError:
            raise errors.InvalidError(
                f"{name} {text!r} is not a time.", hint="Write it as 2013-06-24 or 2013-06-24T10:00"
            ) from None
