"""Models, versions, aliases, thresholds and judgements: one typed function per named query."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from storage import queries
from storage.records.models import (
    AliasChange,
    GateReport,
    Model,
    ModelVersion,
    ThresholdChange,
)
from storage.records.runs import DataUse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def list_models(connection: DuckDBPyConnection) -> list[Model]:
    return queries.rows(connection, "list_models", into=Model)


def create_model(
    connection: DuckDBPyConnection, name: str, *, description: str, at: datetime, by: str
) -> None:
    """Register a name; nothing happens when it is registered already."""
    queries.run(
        connection,
        "create_model",
        {"name": name, "description": description, "created_at": at, "created_by": by},
    )


def create_model_version(
    connection: DuckDBPyConnection,
    model: str,
    *,
    digest: str,
    run_id: int | None,
    data: tuple[DataUse, ...],
    metrics: dict[str, float],
    threshold: float,
    size_bytes: int,
    note: str,
    at: datetime,
    by: str,
) -> int:
    """Add the next version of a model and return its number."""
    version = queries.row(connection, "next_model_version", {"model": model}, into=int) or 1
    queries.run(
        connection,
        "create_model_version",
        {
            "model": model,
            "version": version,
            "digest": digest,
            "run_id": run_id,
            "data": data,
            "metrics": metrics,
            "note": note,
            "bytes": size_bytes,
            "first_threshold": threshold,
            "created_at": at,
            "created_by": by,
        },
    )
    return version


def list_model_versions(connection: DuckDBPyConnection, model: str) -> list[ModelVersion]:
    """Newest first. `served_by` is left empty: endpoints know it."""
    return queries.rows(connection, "list_model_versions", {"model": model}, into=ModelVersion)


def get_alias(connection: DuckDBPyConnection, model: str, alias: str) -> int | None:
    """The version an alias points to; None when it never did."""
    return queries.row(connection, "get_alias", {"model": model, "alias": alias}, into=int)


def record_alias_change(connection: DuckDBPyConnection, change: AliasChange) -> None:
    queries.run(connection, "record_alias_change", queries.params_of(change))


def list_alias_changes(connection: DuckDBPyConnection, model: str) -> list[AliasChange]:
    return queries.rows(connection, "list_alias_changes", {"model": model}, into=AliasChange)


def record_threshold_change(connection: DuckDBPyConnection, change: ThresholdChange) -> None:
    queries.run(connection, "record_threshold_change", queries.params_of(change))


def list_threshold_changes(
    connection: DuckDBPyConnection, model: str, version: int
) -> list[ThresholdChange]:
    params: dict[str, Any] = {"model": model, "version": version}
    return queries.rows(connection, "list_threshold_changes", params, into=ThresholdChange)


def record_gate_report(connection: DuckDBPyConnection, report: GateReport, at: datetime) -> None:
    queries.run(
        connection,
        "record_gate_report",
        {
            "model": report.model,
            "version": report.version,
            "judged_at": report.judged_at or at,
            "verdict": report.verdict,
            "report": report,
        },
    )


def get_gate_report(connection: DuckDBPyConnection, model: str, version: int) -> GateReport | None:
    params = {"model": model, "version": version}
    text = queries.row(connection, "get_gate_report", params, into=str)
    return None if text is None else msgspec.json.decode(text, type=GateReport)


def list_model_digests(connection: DuckDBPyConnection) -> list[str]:
    """Manifests that must not be collected."""
    return queries.rows(connection, "list_model_digests", into=str)
