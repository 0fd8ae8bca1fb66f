"""Flights of January 2013 with the weather and planes they may join."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"
BEFORE_DEPARTURE = [
    "month", "day", "hour", "minute", "sched_dep_time", "sched_arr_time", "carrier", "flight",
    "tailnum", "origin", "dest", "distance", "time_hour",
]  # fmt: skip


@pytest.fixture(scope="session")
def flights() -> pa.Table:
    return pq.read_table(SAMPLE / "flights" / "flights-2013-01.parquet")


@pytest.fixture(scope="session")
def requests(flights: pa.Table) -> pa.Table:
    """What is known before departure: the columns a request would bring."""
    return flights.select(BEFORE_DEPARTURE)


@pytest.fixture(scope="session")
def references() -> dict[str, pa.Table]:
    return {
        "weather": pq.read_table(SAMPLE / "weather-2013.parquet"),
        "planes": pq.read_table(SAMPLE / "planes.parquet"),
    }
