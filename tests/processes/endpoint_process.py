"""A real agent with a real serving process behind it, and a client that remembers its answers."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from duckdb import DuckDBPyConnection

from console.client.client import Client
from console.clock import SystemClock
from console.wire import endpoints as wire
from console.wire.endpoints import EndpointName, EndpointWindow, ListRequests, StartEndpoint
from storage.database import Database
from storage.records.endpoints import Endpoint, EndpointView, RequestEvent
from storage.records.models import AliasChange
from storage.tables import models
from storage.workspace import Workspace
from tests.conftest import RunningAgent, until
from tests.serving.trained import Trained


def register(workspace: Workspace, names: Sequence[str], *versions: Trained) -> None:
    """Make these the versions of every model, the first one champion; no agent may run."""
    at = datetime.now(UTC)

    def work(connection: DuckDBPyConnection) -> None:
        for name in names:
            models.create_model(connection, name, description="", at=at, by="ana")
            for each in versions:
                models.create_model_version(
                    connection, name, digest=each.digest, run_id=None, data=(), metrics={},
                    threshold=0.5, size_bytes=1, note="", at=at, by="ana",
                )  # fmt: skip
            move = AliasChange(model=name, alias="champion", version=1, at=at, by="ana")
            models.record_alias_change(connection, move)

    with Database.open(workspace, clock=SystemClock()) as database:
        database.write(work)


@dataclass
class Served:
    """A model and the endpoint of its name, which belong to one test."""

    agent: RunningAgent
    client: Client
    model: Trained
    name: str

    def view(self, window_s: float = 600.0) -> EndpointView:
        request = EndpointWindow(endpoint=self.name, window_s=window_s)
        found: EndpointView = self.client.call(wire.get_endpoint, request)
        return found

    @property
    def endpoint(self) -> Endpoint:
        return self.view().endpoint

    @property
    def url(self) -> str:
        endpoint = self.endpoint
        return f"http://{endpoint.host}:{endpoint.port}"

    def start(self) -> EndpointView:
        """Serve the model and return when it answers."""
        self.client.call(wire.start_endpoint, StartEndpoint(endpoint=self.name))
        return self.until("ready")

    def stop(self) -> None:
        self.client.call(wire.stop_endpoint, EndpointName(endpoint=self.name))

    def until(self, state: str) -> EndpointView:
        def look() -> EndpointView | None:
            found = self.view()
            endpoint = found.endpoint
            is_current = endpoint.served_generation >= endpoint.generation or state != "ready"
            return found if endpoint.state == state and is_current else None

        found = until(look, f"endpoint {self.name} being {state}", timeout_s=40.0)
        assert found is not None
        return found

    def until_counted(self, n: int) -> None:
        until(lambda: self.view().total_requests >= n, f"{n} requests being counted")

    @property
    def requests(self) -> list[RequestEvent]:
        request = ListRequests(endpoint=self.name, limit=1000)
        found: list[RequestEvent] = self.client.call(wire.list_requests, request)
        return found


@dataclass
class Caller:
    """Asks one request after the other in a thread and remembers which were answered."""

    url: str
    rows: list[dict[str, Any]]
    pause_s: float = 0.005
    answered: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Caller:
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(20.0)

    def _ask(self) -> None:
        numbers = itertools.count()
        with httpx.Client(timeout=10.0) as client:
            while not self._stop.is_set() and len(self.answered) < 900:
                number = next(numbers)
                request_id = f"call-{number}"
                row = self.rows[number % len(self.rows)] | {"request_id": request_id}
                try:
                    answer = client.post(f"{self.url}/predict", json=row)
                except httpx.HTTPError as error:
                    self.failures.append(type(error).__name__)
                    time.sleep(0.02)
                    continue
                if answer.status_code == 200:
                    self.answered.append(request_id)
                else:
                    self.failures.append(f"{answer.status_code} {answer.text[:200]}")
                self._stop.wait(self.pause_s)
