"""What a serving process reports becomes rows: requests, labels, feature windows, state, load.

A process speaks for the endpoint whose journal it writes and for no other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, get_args

from console.agent.ingest import Source
from storage.records.endpoints import EndpointState, Label, RequestEvent
from storage.records.reports import EndpointGauge, EndpointStatus, FeatureWindow
from storage.tables import endpoints, traffic

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Report = TypeVar("Report", RequestEvent, Label, FeatureWindow)


def apply_requests_many(
    connection: DuckDBPyConnection, source: Source, events: list[RequestEvent]
) -> tuple[str, ...]:
    traffic.add_requests(connection, _of(source, events))
    return ("traffic",)


def apply_labels_many(
    connection: DuckDBPyConnection, source: Source, labels: list[Label]
) -> tuple[str, ...]:
    traffic.add_labels(connection, _of(source, labels))
    return ("traffic",)


def apply_windows_many(
    connection: DuckDBPyConnection, source: Source, windows: list[FeatureWindow]
) -> tuple[str, ...]:
    traffic.add_feature_windows(connection, _of(source, windows))
    return ("traffic",)


def apply_status(
    connection: DuckDBPyConnection, source: Source, status: EndpointStatus
) -> tuple[str, ...]:
    """The process says what it serves, or why it cannot."""
    if status.state not in get_args(EndpointState):
        return ()
    state: EndpointState = status.state  # type: ignore[assignment]  # one of its words, see above
    endpoints.set_endpoint_state(
        connection, source.endpoint, state, at=status.at, reason=status.reason
    )
    if state == "ready":
        endpoints.set_endpoint_served(connection, source.endpoint, status.generation)
    return ("endpoints",)


def apply_gauge(
    connection: DuckDBPyConnection, source: Source, gauge: EndpointGauge
) -> tuple[str, ...]:
    """Load is read every second, asked or not; a screen that shows it asks by itself."""
    endpoints.add_gauge(connection, source.endpoint, gauge.saturation)
    return ()


def _of(source: Source, records: list[Report]) -> list[Report]:
    """The records under the name of the endpoint that reported them."""
    return [
        each if each.endpoint == source.endpoint else replace(each, endpoint=source.endpoint)
        for each in records
    ]
