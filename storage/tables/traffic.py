"""Requests, labels and their counts: what is stored, how it is counted, and what is asked of it.

`add_requests`, `gather_counts`, `settle_labels` and `coarsen_counts` are each several statements
that belong into one transaction; everything else is one named query. Invariant: a request is in
the counts exactly once, wherever it is on its way from fine to hourly buckets.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage import queries
from storage.records.endpoints import Label, RequestEvent
from storage.records.reports import FeatureWindow
from storage.records.traffic import (
    AccuracyCounts,
    LabelDelay,
    LabelledScores,
    LatencyCount,
    ModelRows,
    RequestDay,
    ScoreCount,
    SignalCounts,
    SloCounts,
    VersionCounts,
    WindowColumn,
    WindowPoint,
)
from storage.tables import endpoints

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


# What arrives.


def add_requests(connection: DuckDBPyConnection, events: list[RequestEvent]) -> None:
    """Store requests and count them; belongs into one transaction."""
    columns = _columns(events, RequestEvent)
    queries.run(connection, "add_requests", columns)
    kept = ("request_id", "status", "features")
    counted = {name: values for name, values in columns.items() if name not in kept}
    queries.run(connection, "count_requests", counted)


def add_labels(connection: DuckDBPyConnection, labels: list[Label]) -> None:
    queries.run(connection, "add_labels", _columns(labels, Label))


def add_feature_windows(connection: DuckDBPyConnection, windows: list[FeatureWindow]) -> None:
    cells = [(each, column) for each in windows for column in each.counts]
    if not cells:
        return
    queries.run(
        connection,
        "add_feature_windows",
        {
            "at": [each.at for each, _ in cells],
            "width_s": [each.width_s for each, _ in cells],
            "endpoint": [each.endpoint for each, _ in cells],
            "version": [each.version for each, _ in cells],
            "column": [column for _, column in cells],
            "row_count": [each.rows for each, _ in cells],
            "counts": [list(each.counts[column]) for each, column in cells],
        },
    )


def _columns(records: list[Any], cls: type[Any]) -> dict[str, list[Any]]:
    return {name: [getattr(each, name) for each in records] for name in cls.__dataclass_fields__}


# How it is counted.


def gather_counts(connection: DuckDBPyConnection, *, until: datetime) -> None:
    """Put one row for many with the same bucket, for buckets before `until`."""
    queries.run(connection, "gather_fresh_counts", {"until": until})
    queries.run(connection, "clear_fresh_counts", {"until": until})


def settle_labels(
    connection: DuckDBPyConnection, *, since: datetime, until: datetime, at: datetime
) -> int:
    """Put labels received up to `until` beside predictions made after `since`, and count them.

    Returns how many were settled. `at` must be later than that of any call before: it names the
    ones settled now. Labels whose request is not there yet go on waiting.
    """
    moment = {"settled_at": at}
    settled = queries.run(
        connection, "settle_labels", {"since": since, "until": until, "settled_at": at}
    )
    if settled:
        queries.run(connection, "count_settled_labels", moment)
        queries.run(connection, "uncount_revised_labels", moment)
        queries.run(connection, "retire_revised_labels", moment)
    queries.run(connection, "clear_settled_labels", {"since": since, "until": until})
    return settled


def coarsen_counts(
    connection: DuckDBPyConnection, *, minutes_before: datetime, hours_before: datetime
) -> None:
    """Add up counts before these times to buckets of a minute and of an hour."""
    queries.run(connection, "coarsen_to_minutes", {"until": minutes_before})
    queries.run(connection, "clear_fine_counts", {"until": minutes_before})
    queries.run(connection, "coarsen_to_hours", {"until": hours_before})
    queries.run(connection, "clear_minute_counts", {"until": hours_before})
    queries.run(connection, "coarsen_feature_windows", {"until": minutes_before})
    queries.run(connection, "clear_fine_windows", {"until": minutes_before})


def list_request_days(connection: DuckDBPyConnection, *, until: datetime) -> list[RequestDay]:
    return queries.rows(connection, "list_request_days", {"until": until}, into=RequestDay)


def copy_requests(
    connection: DuckDBPyConnection, day: date, *, until: datetime, path: Path
) -> None:
    """Write the requests of a day that are before `until` to a new Parquet file."""
    params = {"day": day, "until": until, "path": str(path)}
    queries.run(connection, "copy_requests", params)


def delete_before(
    connection: DuckDBPyConnection, *, raw: datetime, gauges: datetime, counts: datetime
) -> int:
    """Forget what is past its retention; returns how many raw requests that were."""
    removed = queries.run(connection, "delete_requests_before", {"until": raw})
    queries.run(connection, "delete_labels_before", {"until": raw})
    queries.run(connection, "delete_waiting_labels_before", {"until": raw})
    queries.run(connection, "delete_hours_before", {"until": counts})
    queries.run(connection, "delete_windows_before", {"until": counts})
    endpoints.delete_gauges_before(connection, gauges)
    return removed


# What is asked of it.


def list_requests(
    connection: DuckDBPyConnection,
    endpoint: str,
    *,
    since: datetime,
    outcome: str = "",
    limit: int = 200,
) -> list[RequestEvent]:
    params = {"endpoint": endpoint, "since": since, "outcome": outcome, "limit": limit}
    return queries.rows(connection, "list_requests", params, into=RequestEvent)


def list_signals(
    connection: DuckDBPyConnection,
    endpoint: str,
    *,
    since: datetime,
    until: datetime,
    width_s: float,
) -> list[SignalCounts]:
    """Buckets with at least one request, oldest first."""
    params = {"endpoint": endpoint, "since": since, "until": until, "width_s": width_s}
    return queries.rows(connection, "list_signals", params, into=SignalCounts)


def list_version_traffic(
    connection: DuckDBPyConnection, endpoint: str, *, since: datetime, until: datetime
) -> list[VersionCounts]:
    params = {"endpoint": endpoint, "since": since, "until": until}
    return queries.rows(connection, "list_version_traffic", params, into=VersionCounts)


def list_latency_counts(
    connection: DuckDBPyConnection, endpoint: str, *, since: datetime, until: datetime
) -> list[LatencyCount]:
    """Smallest bucket first; refused requests are left out."""
    params = {"endpoint": endpoint, "since": since, "until": until}
    return queries.rows(connection, "list_latency_counts", params, into=LatencyCount)


def get_last_window_at(connection: DuckDBPyConnection, endpoint: str) -> datetime | None:
    return queries.row(connection, "get_last_window_at", {"endpoint": endpoint}, into=datetime)


def rows_per_day(connection: DuckDBPyConnection, model: str, version: int) -> float | None:
    """Rows a day at the pace of the last day of traffic; None when it is not served or was not
    asked. Less than ten minutes count as ten, so that a first burst is not taken for a habit."""
    params = {"model": model, "version": version}
    found = queries.row(connection, "count_model_rows", params, into=ModelRows)
    if found is None or found.first_at is None or found.last_at is None:
        return None
    span_s = (found.last_at - found.first_at).total_seconds() + 10.0
    return found.rows * 86400.0 / max(span_s, 600.0)


def count_requests(connection: DuckDBPyConnection, endpoint: str) -> int:
    return queries.row(connection, "count_all_requests", {"endpoint": endpoint}, into=int) or 0


def list_slo_counts(
    connection: DuckDBPyConnection, endpoint: str, since: list[datetime]
) -> list[SloCounts]:
    """One answer for each moment in `since`, oldest first."""
    params = {"endpoint": endpoint, "since": since, "oldest": min(since)}
    return queries.rows(connection, "list_slo_counts", params, into=SloCounts)


def count_waiting_labels(connection: DuckDBPyConnection, endpoint: str = "") -> int:
    return queries.row(connection, "count_waiting_labels", {"endpoint": endpoint}, into=int) or 0


def list_accuracy(
    connection: DuckDBPyConnection,
    endpoint: str,
    *,
    since: datetime,
    until: datetime,
    width_s: float,
    version: int = 0,
) -> list[AccuracyCounts]:
    """Buckets with at least one prediction, oldest first; version 0 = all of them."""
    params = {
        "endpoint": endpoint,
        "since": since,
        "until": until,
        "width_s": width_s,
        "version": version,
    }
    return queries.rows(connection, "list_accuracy", params, into=AccuracyCounts)


def list_scores(
    connection: DuckDBPyConnection,
    endpoint: str,
    *,
    since: datetime,
    until: datetime,
    width_s: float,
) -> list[ScoreCount]:
    params = {"endpoint": endpoint, "since": since, "until": until, "width_s": width_s}
    return queries.rows(connection, "list_scores", params, into=ScoreCount)


def list_labelled_scores(
    connection: DuckDBPyConnection, endpoint: str, version: int, *, since: datetime
) -> list[LabelledScores]:
    """Lowest scores first."""
    params = {"endpoint": endpoint, "version": version, "since": since}
    return queries.rows(connection, "list_labelled_scores", params, into=LabelledScores)


def list_label_delays(
    connection: DuckDBPyConnection,
    endpoint: str,
    *,
    since: datetime,
    now: datetime,
    limit: int = 5000,
) -> list[LabelDelay]:
    """The latest predictions and how long their labels took or are awaited."""
    params = {"endpoint": endpoint, "since": since, "now": now, "limit": limit}
    return queries.rows(connection, "list_label_delays", params, into=LabelDelay)


def sum_feature_windows(
    connection: DuckDBPyConnection,
    endpoint: str,
    version: int,
    *,
    since: datetime,
    until: datetime,
) -> list[WindowColumn]:
    params = {"endpoint": endpoint, "version": version, "since": since, "until": until}
    return queries.rows(connection, "sum_feature_windows", params, into=WindowColumn)


def list_window_columns(
    connection: DuckDBPyConnection,
    endpoint: str,
    version: int,
    column: str,
    *,
    since: datetime,
    until: datetime,
    width_s: float,
) -> list[WindowPoint]:
    """One column through time, oldest first."""
    params = {
        "endpoint": endpoint,
        "version": version,
        "column": column,
        "since": since,
        "until": until,
        "width_s": width_s,
    }
    return queries.rows(connection, "list_window_columns", params, into=WindowPoint)


def served_by(connection: DuckDBPyConnection, model: str) -> dict[int, tuple[str, ...]]:
    """Version -> `delays 90 %` for every started endpoint that serves it."""
    found: dict[int, list[str]] = {}
    for endpoint in endpoints.list_endpoints(connection):
        if endpoint.model != model or endpoint.desired != "started":
            continue
        for route in endpoint.routes:
            share = "shadow" if route.is_shadow else f"{route.weight * 100:.0f} %"
            found.setdefault(route.version, []).append(f"{endpoint.name} {share}")
    return {version: tuple(words) for version, words in found.items()}
