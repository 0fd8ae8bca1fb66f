"""What workers report of models: a new version, a fresh judgement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from console.agent.ingest import Source
from storage.records.reports import GatesReport, ModelReport
from storage.tables import ledger, models, runs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def apply_model(
    connection: DuckDBPyConnection, source: Source, report: ModelReport
) -> tuple[str, ...]:
    """Register a model that a training finished, with the gates it was judged by, or a foreign one.

    A foreign model has run 0 and no judgement yet.
    """
    by = source.job.created_by if source.job else "agent"
    models.create_model(connection, report.model, description="", at=source.at, by=by)
    is_foreign = report.run_id == 0
    file = source.job.spec.get("path", "FILE") if source.job else "FILE"
    detail = None if is_foreign else runs.get_run_detail(connection, report.run_id)
    version = models.create_model_version(
        connection,
        report.model,
        digest=report.digest,
        run_id=None if is_foreign else report.run_id,
        data=detail.run.data if detail else (),
        metrics=detail.run.metrics if detail else {},
        threshold=report.threshold,
        size_bytes=report.bytes,
        note=f"imported from {file}" if is_foreign else "",
        at=source.at,
        by=by,
    )
    gates = replace(report.gates, model=report.model, version=version, judged_at=source.at)
    models.record_gate_report(connection, gates, source.at)
    if not is_foreign:
        runs.set_run_model(connection, report.run_id, f"{report.model}@v{version}")
    ledger.record(
        connection,
        at=source.at,
        actor=by,
        action="model.register",
        subject=f"{report.model}@v{version}",
        summary=f"registers {report.model}@v{version} from "
        + ("a file" if is_foreign else f"run {report.run_id}"),
        command=f"mlops-console model import {report.model} {file} --trust"
        if is_foreign
        else f"mlops-console train {report.model}",
        detail={"digest": report.digest, "verdict": gates.verdict},
    )
    return ("models", "runs", "ledger")


def apply_gates(
    connection: DuckDBPyConnection, source: Source, report: GatesReport
) -> tuple[str, ...]:
    """Keep a fresh judgement of a version."""
    models.record_gate_report(connection, replace(report.gates, judged_at=source.at), source.at)
    return ("models",)
