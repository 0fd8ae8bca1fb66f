"""Handlers: models, gates, thresholds, promotion; and what workers report of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from console import errors
from console.agent import promotion, training
from console.agent.context import Call
from console.agent.model_lookup import (
    champion_spec,
    check_has_threshold,
    check_known,
    figures_at,
    find_version,
    read_gates,
    read_grid,
    read_manifest,
    versions_of,
)
from console.agent.rows.jobs import queue_job
from console.wire.models import (
    ExportModel,
    ImportModel,
    MeasureModel,
    ModelDetail,
    ModelName,
    ModelRef,
    PredictModel,
    PromoteModel,
    Promotion,
    RollbackModel,
    SetThreshold,
    ThresholdView,
)
from console.wire.routes import Nothing
from storage.records.jobs import Job
from storage.records.models import AliasChange, GateReport, Model, ModelVersion, ThresholdChange
from storage.tables import models, runs, traffic
from storage.workspace import check_id

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


async def list_models(call: Call, _request: Nothing) -> list[Model]:
    return await call.read(models.list_models)


async def list_model_versions(call: Call, request: ModelName) -> list[ModelVersion]:
    return await call.read(lambda c: versions_of(c, request.model))


async def get_model(call: Call, request: ModelRef) -> ModelDetail:
    def look(connection: DuckDBPyConnection) -> ModelDetail:
        version = find_version(connection, request.model, request.version)
        run = runs.get_run_detail(connection, version.run_id) if version.run_id else None
        return ModelDetail(
            version=version,
            manifest=read_manifest(call.agent, version.digest),
            gates=read_gates(connection, version),
            run=run,
            thresholds=tuple(
                models.list_threshold_changes(connection, version.model, version.version)
            ),
        )

    return await call.read(look)


async def get_gates(call: Call, request: ModelRef) -> GateReport:
    return await call.read(lambda c: read_gates(c, find_version(c, request.model, request.version)))


async def check_gates(call: Call, request: ModelRef) -> Job:
    declared = call.agent.declaration

    def look(connection: DuckDBPyConnection) -> tuple[ModelVersion, ModelVersion | None]:
        version = find_version(connection, request.model, request.version)
        number = models.get_alias(connection, version.model, "champion")
        champion = (
            find_version(connection, version.model, str(number))
            if number not in (None, version.version)
            else None
        )
        return version, champion

    version, champion = await call.read(look)
    gates = declared.gates.get(version.model, ())
    if not gates:
        raise errors.InvalidError(
            f"cannot judge {version.name}: mlops.toml declares no gates for {version.model}.",
            hint=f"Add a [[gates.{version.model}]] table with name, metric and must.",
        )
    spec = {
        "model": version.model,
        "version": version.version,
        "digest": version.digest,
        "threshold": version.threshold,
        "run_id": version.run_id,
        "gates": msgspec.to_builtins(gates),
        "champion": champion_spec(champion),
    }
    return await queue_job(
        call,
        "evaluate",
        f"judge {version.name}",
        spec,
        command=f"mlops-console gate check {version.name}",
    )


async def get_threshold(call: Call, request: ModelRef) -> ThresholdView:
    def look(connection: DuckDBPyConnection) -> ThresholdView:
        version = find_version(connection, request.model, request.version)
        run = runs.get_run_detail(connection, version.run_id) if version.run_id else None
        manifest = read_manifest(call.agent, version.digest)
        check_has_threshold(version, manifest)
        return ThresholdView(
            model=version.model,
            version=version.version,
            grid=read_grid(call.agent, version, run),
            threshold=version.threshold,
            cost=manifest.cost,
            rows_per_day=traffic.rows_per_day(connection, version.model, version.version),
            history=tuple(
                models.list_threshold_changes(connection, version.model, version.version)
            ),
            judged_on=run.run.holdout if run else "",
        )

    return await call.read(look)


async def set_threshold(call: Call, request: SetThreshold) -> ThresholdChange:
    if not 0.0 <= request.value <= 1.0:
        raise errors.InvalidError(
            f"cannot set the threshold of {request.model} to {request.value:g}: it is a score "
            "between 0 and 1."
        )
    if not request.reason.strip():
        raise errors.InvalidError(
            "a threshold needs a reason: it is what colleagues read in the ledger.",
            hint='Add --reason "fewer false alarms at the gate".',
        )
    at = call.agent.clock.now()

    def change(connection: DuckDBPyConnection) -> ThresholdChange:
        version = find_version(connection, request.model, request.version)
        check_has_threshold(version, read_manifest(call.agent, version.digest))
        changed = ThresholdChange(
            model=version.model,
            version=version.version,
            value=request.value,
            previous=version.threshold,
            at=at,
            by=call.actor.name,
            reason=request.reason.strip(),
            figures=figures_at(call.agent, connection, version, request.value),
        )
        models.record_threshold_change(connection, changed)
        call.record(
            connection,
            "threshold.set",
            version.name,
            f"sets threshold {request.value:.2f} of {version.name}, was {version.threshold:.2f}",
            command=f"mlops-console threshold set {version.name} {request.value:g} "
            f"--reason {request.reason.strip()!r}",
            detail={"reason": request.reason.strip(), "previous": f"{version.threshold:g}"},
        )
        return changed

    changed = await call.change(change, "models", "endpoints")
    await call.agent.endpoint_processes.follow_model(changed.model)
    return changed


async def promote_model(call: Call, request: PromoteModel) -> Promotion:
    return await promotion.promote(call, request)


async def rollback_model(call: Call, request: RollbackModel) -> Promotion:
    return await promotion.roll_back(call, request)


async def list_alias_changes(call: Call, request: ModelName) -> list[AliasChange]:
    def look(connection: DuckDBPyConnection) -> list[AliasChange]:
        check_known(connection, request.model)
        return models.list_alias_changes(connection, request.model)

    return await call.read(look)


async def measure_model(call: Call, request: MeasureModel) -> Job:
    def look(connection: DuckDBPyConnection) -> dict[str, Any]:
        version = find_version(connection, request.model, request.version)
        return training.measure_spec(connection, version, request.data)

    spec = await call.read(look)
    return await queue_job(
        call,
        "measure",
        f"evaluate {spec['name']}",
        spec,
        command=f"mlops-console model evaluate {spec['name']} --data {request.data or 'NAME'}",
    )


async def predict_model(call: Call, request: PredictModel) -> Job:
    path = _absolute(request.path)

    def look(connection: DuckDBPyConnection) -> dict[str, Any]:
        version = find_version(connection, request.model, request.version)
        data = training.data_of(connection, version, request.data)
        return {
            "name": version.name,
            "digest": version.digest,
            "threshold": version.threshold,
            "manifest": data.manifest,
            "data_name": data.name,
            "rows": data.rows,
            "path": str(path),
            "format": request.format,
            "overwrite": request.overwrite,
        }

    spec = await call.read(look)
    return await queue_job(
        call,
        "predict",
        f"predict {spec['data_name']} by {spec['name']}",
        spec,
        command=f"mlops-console model predict {spec['name']} {path} --data {spec['data_name']}",
    )


async def export_model(call: Call, request: ExportModel) -> Job:
    version = await call.read(lambda c: find_version(c, request.model, request.version))
    path = _absolute(request.path)
    return await queue_job(
        call,
        "export-model",
        f"export {version.name}",
        {"digest": version.digest, "path": str(path), "name": version.name},
        command=f"mlops-console model export {version.name} {path}",
    )


async def import_model(call: Call, request: ImportModel) -> Job:
    check_id(request.model, "model name")
    path = _absolute(request.path)
    if not request.trust:
        raise errors.RefusedError(
            f"{path.name} comes from elsewhere, and loading a model file runs the code in it.",
            hint="When you know who made it, say so: "
            f"mlops-console model import {request.model} {path} --trust",
        )
    return await queue_job(
        call,
        "import-model",
        f"import {request.model} from {path.name}",
        {"model": request.model, "path": str(path)},
        command=f"mlops-console model import {request.model} {path} --trust",
    )


def _absolute(path: str) -> Path:
    given = Path(path)
    if not given.is_absolute():
        raise errors.UsageError(f"the path {path} is not absolute.")
    return given
