"""Finding model versions and reading what belongs to them; for the rows that speak of models."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

import msgspec

from console import errors
from console.rules import references
from storage.records.models import GateReport, ModelManifest, ModelVersion
from storage.records.runs import RunDetail
from storage.records.thresholds import ScoreGrid
from storage.tables import models, runs, traffic

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.context import Agent


def find_version(connection: DuckDBPyConnection, model: str, reference: str) -> ModelVersion:
    """The version named by `5`, `v5`, `latest`, an alias or a digest prefix; raises otherwise."""
    versions = versions_of(connection, model)
    known = [
        references.Named(version=each.version, digest=each.digest, tags=each.aliases)
        for each in versions
    ]
    found = references.find(reference, known)
    if len(found) == 1:
        return next(each for each in versions if each.version == found[0])
    if found:
        listed = ", ".join(f"v{number}" for number in found)
        raise errors.ConflictError(f"{reference!r} could be {listed} of {model}; say which.")
    shown = ", ".join(f"v{each.version}" for each in versions[:6])
    raise errors.NotFoundError(
        f"{model} has no version or alias {reference!r}; it has {shown}.",
        hint=f"See them: mlops-console model list {model}",
    )


def versions_of(connection: DuckDBPyConnection, model: str) -> list[ModelVersion]:
    found = models.list_model_versions(connection, model)
    if not found:
        check_known(connection, model)
        raise errors.NotFoundError(
            f"{model} has no version yet.", hint=f"Train one: mlops-console train {model}"
        )
    served = traffic.served_by(connection, model)
    return [replace(each, served_by=served.get(each.version, ())) for each in found]


def check_known(connection: DuckDBPyConnection, model: str) -> None:
    names = [each.name for each in models.list_models(connection)]
    if model in names:
        return
    near = get_close_matches(model, names, n=1)
    raise errors.NotFoundError(
        f"there is no model {model!r}.",
        hint=f"Did you mean {near[0]}?" if near else "Train one: mlops-console train PIPELINE",
    )


def read_manifest(agent: Agent, digest: str) -> ModelManifest:
    return msgspec.convert(agent.objects.read_json(digest), ModelManifest)


def read_gates(connection: DuckDBPyConnection, version: ModelVersion) -> GateReport:
    report = models.get_gate_report(connection, version.model, version.version)
    if report is not None:
        return report
    return GateReport(
        model=version.model, version=version.version, results=(), verdict="skipped", reasons={}
    )


def check_has_threshold(version: ModelVersion, manifest: ModelManifest) -> None:
    """Raise for a model that says no yes or no, so that nothing could be moved."""
    if manifest.task == "binary":
        return
    if manifest.task == "regression":
        what, way = "predicts a number", "Derive a yes or no in a training step"
    else:
        count = len(manifest.classes)
        what = f"chooses the most probable of {count} classes"
        way = "Train on one class against the rest"
    raise errors.ConflictError(
        f"{version.name} {what}, so it has no decision threshold.",
        hint=f'{way}, with a target of two values and task = "binary".',
        task=manifest.task,
    )


def read_grid(agent: Agent, version: ModelVersion, run: RunDetail | None) -> ScoreGrid:
    artifact = next((a for a in run.artifacts if a.name == "score_grid"), None) if run else None
    if artifact is None:
        raise errors.NotFoundError(
            f"{version.name} has no scored rows to choose a threshold from.",
            hint="Only classifiers trained here have them.",
        )
    return msgspec.convert(agent.objects.read_json(artifact.digest), ScoreGrid)


def figures_at(
    agent: Agent, connection: DuckDBPyConnection, version: ModelVersion, threshold: float
) -> dict[str, float]:
    """Recall, precision and cost at the new threshold, kept with the decision."""
    from console.rules import thresholds  # numpy: only when somebody decides

    run = runs.get_run_detail(connection, version.run_id) if version.run_id else None
    if run is None or all(a.name != "score_grid" for a in run.artifacts):
        return {}
    cost = read_manifest(agent, version.digest).cost
    return thresholds.figures(read_grid(agent, version, run), threshold, cost)


def champion_spec(champion: ModelVersion | None) -> dict[str, object] | None:
    if champion is None:
        return None
    return {
        "version": champion.version,
        "digest": champion.digest,
        "threshold": champion.threshold,
        "run_id": champion.run_id,
    }
