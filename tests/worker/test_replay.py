"""Replays: rows become requests in order of time, their truth follows, what fails is counted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from console.rules.declaration import step_digest
from storage.records.pipelines import Step
from tests.worker.conftest import Bench, Told

ROWS = 50
LABEL = "SELECT *, CAST(delay > 15 AS INTEGER) AS late FROM this WHERE delay IS NOT NULL"


@dataclass
class Answering:
    """An endpoint that remembers what it was told."""

    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200


@contextmanager
def answering(status: int = 200) -> Iterator[Answering]:
    told = Answering(status=status)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: apart they wait for one another 40 ms

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/feedback":
                told.labels += document["labels"]
                status = 200
            else:
                told.asked.append(document)
                status = told.status
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def flights(bench: Bench) -> Bench:
    """Fifty flights, one an hour, stored backwards; a fifth was cancelled, a third is late."""
    numbers = list(range(ROWS))[::-1]
    bench.store(
        "flights",
        pa.table(
            {
                "flight": numbers,
                "at": [datetime(2013, 1, 1 + n // 24, n % 24) for n in numbers],
                "distance": [float("nan") if n == 7 else 100.0 + n for n in numbers],
                "delay": [None if n % 5 == 0 else 30 if n % 3 == 0 else 0 for n in numbers],
            }
        ),
    )
    return bench


def replay(bench: Bench, port: int, **changes: Any) -> Told:
    step = Step(name="label", flow="training", sql=LABEL)
    steps = [msgspec.to_builtins(step) | {"digest": step_digest(step)}]
    spec = {
        "endpoint": "delays", "host": "127.0.0.1", "port": port, "dataset": "flights",
        "version": 1, "manifest": bench.data["flights"]["manifest"], "time_column": "at",
        "since": "", "until": "", "rate": 2000.0, "limit": 0, "shuffle": False,
        "label_delay_s": 0.0, "label_ratio": 1.0, "inputs": ["flight", "distance"],
        "row_id": ["flight"], "task": "binary", "target": "late", "positive": "1",
        "connections": 1, "timeout_s": 10.0, "steps": steps, "references": {},
    }  # fmt: skip
    return bench.run("replay", spec | changes)


def test_rows_are_asked_in_order_of_time_with_the_models_columns_only(flights: Bench) -> None:
    with answering() as endpoint:
        told = replay(flights, endpoint.port)
    assert told.exit_code == 0, told.end
    assert [each["flight"] for each in endpoint.asked] == list(range(ROWS))
    assert set(endpoint.asked[0]) == {"flight", "distance", "request_id"}
    assert endpoint.asked[7]["distance"] is None
    assert endpoint.asked[8] == {"flight": 8, "distance": 108.0, "request_id": "8"}
    result = told.end.result
    assert (result["requests"], result["answered"], result["errors"]) == (ROWS, ROWS, 0)
    assert 0.0 < result["p50_ms"] <= result["p99_ms"]


def test_the_truth_follows_for_rows_that_have_one(flights: Bench) -> None:
    with answering() as endpoint:
        told = replay(flights, endpoint.port, label_delay_s=0.2)
    truth = {each["request_id"]: each["label"] for each in endpoint.labels}
    assert set(truth) == {str(n) for n in range(ROWS) if n % 5}
    assert all(label == float(int(name) % 3 == 0) for name, label in truth.items())
    assert told.end.result["labels"] == len(truth)


def test_a_window_and_a_limit_spread_the_requests_evenly(flights: Bench) -> None:
    with answering() as endpoint:
        replay(flights, endpoint.port, since="2013-01-01T10:00", until="2013-01-02T16:00", limit=10)
    assert [each["flight"] for each in endpoint.asked] == list(range(10, 40, 3))


def test_a_shuffled_replay_asks_the_same_rows_in_another_order_every_time_alike(
    flights: Bench,
) -> None:
    orders = []
    for _ in range(2):
        with answering() as endpoint:
            replay(flights, endpoint.port, shuffle=True)
        orders.append([each["flight"] for each in endpoint.asked])
    assert orders[0] == orders[1] != list(range(ROWS))
    assert sorted(orders[0]) == list(range(ROWS))


def test_only_a_share_of_the_truth_becomes_known(flights: Bench) -> None:
    with answering() as endpoint:
        replay(flights, endpoint.port, label_ratio=0.5)
    assert 8 <= len(endpoint.labels) <= 32
    with answering() as endpoint:
        replay(flights, endpoint.port, label_ratio=0.0)
    assert endpoint.labels == []


def test_refused_requests_are_counted_and_have_no_label(flights: Bench) -> None:
    with answering(status=503) as endpoint:
        told = replay(flights, endpoint.port)
    assert told.exit_code != 0
    assert "none of 50 requests" in told.end.reason
    assert "status 503" in told.end.reason
    assert endpoint.labels == []


def test_an_endpoint_that_is_not_there_is_said_with_the_way_out(flights: Bench) -> None:
    with answering() as endpoint:
        port = endpoint.port
    told = replay(flights, port)
    assert told.end.kind == "unavailable"
    assert f"http://127.0.0.1:{port}" in told.end.reason and "refused" in told.end.reason
    assert "mlops-console endpoint requests delays" in told.end.hint


def test_an_empty_window_is_refused_before_anything_is_asked(flights: Bench) -> None:
    with answering() as endpoint:
        told = replay(flights, endpoint.port, since="2014-01-01")
    assert told.end.reason == "flights@v1 has no rows to replay from 2014-01-01."
    assert endpoint.asked == []


def test_a_training_step_that_merges_rows_has_no_truth_for_single_requests(flights: Bench) -> None:
    merging = Step(name="m", flow="training", sql="SELECT max(delay) AS late FROM this")
    steps = [msgspec.to_builtins(merging) | {"digest": step_digest(merging)}]
    with answering() as endpoint:
        told = replay(flights, endpoint.port, steps=steps)
        assert "the truth of single rows cannot be found" in told.end.reason
        assert replay(flights, endpoint.port, steps=steps, label_ratio=0.0).exit_code == 0
