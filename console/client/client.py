"""How any process talks to the agent: one typed call per route.

    client = Client(Workspace.find(Path.cwd()))
    runs = client.call(wire.runs.list_runs, ListRuns(pipeline="delays"))

Thread-safe and blocking. Writes carry an idempotency key, so a call repeated after a lost answer
happens once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from console.client.line import Line
    from console.wire.routes import Route
    from storage.workspace import Workspace

Request = TypeVar("Request")
Response = TypeVar("Response")


class Client:
    """A client of one workspace's agent. Making one costs nothing."""

    def __init__(self, workspace: Workspace, *, start: bool = True) -> None:
        """`start`: start the agent when nobody listens."""
        self.workspace = workspace
        self._start = start
        self._line: Line | None = None
        self._opening = threading.Lock()

    def call(
        self, route: Route[Request, Response], request: Request, *, timeout_s: float = 30.0
    ) -> Response:
        """Do what the route does and return its typed answer.

        Raises the agent's refusal as a `ConsoleError`, `UnavailableError` when the agent is not
        there (and was not to be started, or went away).
        """
        return self._open().call(route, request, timeout_s)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()

    def _open(self) -> Line:
        with self._opening:
            if self._line is None:
                from console.client.line import Line  # half of what a command loads

                self._line = Line(self.workspace, start=self._start)
            return self._line
