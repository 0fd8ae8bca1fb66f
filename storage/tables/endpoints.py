"""Endpoints and how full they are: one typed function per named query."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from storage import queries
from storage.records.endpoints import Endpoint, EndpointLimits, EndpointState, Route, Saturation
from storage.records.people import LedgerEntry

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def list_endpoints(connection: DuckDBPyConnection) -> list[Endpoint]:
    return queries.rows(connection, "list_endpoints", into=Endpoint)


def get_endpoint(connection: DuckDBPyConnection, name: str) -> Endpoint | None:
    return queries.row(connection, "get_endpoint", {"name": name}, into=Endpoint)


def create_endpoint(connection: DuckDBPyConnection, endpoint: Endpoint) -> None:
    queries.run(connection, "create_endpoint", queries.params_of(endpoint))


def set_endpoint_started(
    connection: DuckDBPyConnection, endpoint: Endpoint, *, at: datetime
) -> None:
    """Take address, routes, generation and limits from `endpoint` and want it started."""
    queries.run(
        connection,
        "set_endpoint_started",
        {
            "name": endpoint.name,
            "model": endpoint.model,
            "host": endpoint.host,
            "port": endpoint.port,
            "routes": endpoint.routes,
            "generation": endpoint.generation,
            "limits": endpoint.limits,
            "threads": endpoint.threads,
            "latency_limit_ms": endpoint.latency_limit_ms,
            "at": at,
        },
    )


def set_endpoint_desired(connection: DuckDBPyConnection, name: str, desired: str) -> None:
    queries.run(connection, "set_endpoint_desired", {"name": name, "desired": desired})


def set_endpoint_routes(
    connection: DuckDBPyConnection, name: str, *, routes: tuple[Route, ...], generation: int
) -> None:
    params = {"name": name, "routes": routes, "generation": generation}
    queries.run(connection, "set_endpoint_routes", params)


def set_endpoint_state(
    connection: DuckDBPyConnection,
    name: str,
    state: EndpointState,
    *,
    at: datetime,
    reason: str = "",
) -> bool:
    """True when state or reason were others before."""
    params = {"name": name, "state": state, "at": at, "reason": reason}
    return queries.run(connection, "set_endpoint_state", params) == 1


def set_endpoint_served(connection: DuckDBPyConnection, name: str, generation: int) -> None:
    queries.run(connection, "set_endpoint_served", {"name": name, "generation": generation})


def set_endpoint_process(
    connection: DuckDBPyConnection,
    name: str,
    *,
    pid: int | None,
    pid_started_at: float | None = None,
    boot_id: str = "",
) -> None:
    params = {"name": name, "pid": pid, "pid_started_at": pid_started_at, "boot_id": boot_id}
    queries.run(connection, "set_endpoint_process", params)


def set_endpoint_limits(
    connection: DuckDBPyConnection,
    name: str,
    *,
    limits: EndpointLimits,
    latency_limit_ms: float,
    generation: int,
) -> None:
    params = {
        "name": name,
        "limits": limits,
        "latency_limit_ms": latency_limit_ms,
        "generation": generation,
    }
    queries.run(connection, "set_endpoint_limits", params)


def list_endpoint_changes(
    connection: DuckDBPyConnection, *, endpoint: str, model: str, since: datetime
) -> list[LedgerEntry]:
    """What people did to an endpoint or its model, oldest first."""
    params = {"endpoint": endpoint, "model": model, "since": since}
    return queries.rows(connection, "list_endpoint_changes", params, into=LedgerEntry)


def add_gauge(connection: DuckDBPyConnection, endpoint: str, saturation: Saturation) -> None:
    queries.run(connection, "add_gauge", queries.params_of(saturation, endpoint=endpoint))


def list_gauges(
    connection: DuckDBPyConnection, endpoint: str, *, since: datetime
) -> list[Saturation]:
    params = {"endpoint": endpoint, "since": since}
    return queries.rows(connection, "list_gauges", params, into=Saturation)


def get_last_gauge(
    connection: DuckDBPyConnection, endpoint: str, *, since: datetime
) -> Saturation | None:
    params = {"endpoint": endpoint, "since": since}
    return queries.row(connection, "get_last_gauge", params, into=Saturation)


def delete_gauges_before(connection: DuckDBPyConnection, until: datetime) -> int:
    return queries.run(connection, "delete_gauges_before", {"until": until})
