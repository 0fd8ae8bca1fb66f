"""What a handler is given: the agent's parts, who is calling, and how to change something.

Invariant: every change goes through `Call.change`, which runs one transaction, seals the ledger
entries made in it, and only then tells the waiting clients.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from console.agent.changes import Changes
from console.agent.declaring import DeclarationFile
from console.clock import Clock
from storage.database import Database
from storage.objects import Objects
from storage.records.declared import Declaration
from storage.records.people import Person
from storage.tables import ledger
from storage.workspace import Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.endpoint_processes import EndpointProcesses
    from console.agent.supervisor import Supervisor
    from console.agent.tracking.listener import Listener

Result = TypeVar("Result")


@dataclass(slots=True)
class Agent:
    """The parts of one running agent."""

    workspace: Workspace
    database: Database
    objects: Objects
    changes: Changes
    clock: Clock
    declaration_file: DeclarationFile
    supervisor: Supervisor
    tracking: Listener
    endpoint_processes: EndpointProcesses
    request_stop: Callable[[], None]
    started_monotonic: float
    idle_stop_s: float
    callers: dict[int, float] = field(default_factory=dict)
    """Process id of a client -> monotonic time of its last call."""
    caches: dict[str, Any] = field(default_factory=dict)
    """Answers that are dear to compute, by name; each owner keeps its own small."""

    @property
    def declaration(self) -> Declaration:
        """What mlops.toml says now; raises when it cannot be used."""
        return self.declaration_file.read()

    async def read(self, query: Callable[[DuckDBPyConnection], Result]) -> Result:
        return await self.database.aread(query)

    async def write(
        self,
        change: Callable[[DuckDBPyConnection], Result],
        *topics: str,
        even_if_full: bool = False,
    ) -> Result:
        """One transaction, then tell the clients. For the agent's own doing, without an actor.

        `even_if_full` takes from what is kept in reserve on the disk.
        """
        result = await self.database.awrite(change, even_if_full=even_if_full)
        self.changes.bump(*topics)
        return result


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who wants it and through which parts it is done."""

    agent: Agent
    actor: Person

    @property
    def root(self) -> Path:
        return self.agent.workspace.root

    async def read(self, query: Callable[[DuckDBPyConnection], Result]) -> Result:
        return await self.agent.read(query)

    async def change(
        self,
        change: Callable[[DuckDBPyConnection], Result],
        *topics: str,
        even_if_full: bool = False,
    ) -> Result:
        """Run `change` in one transaction; bump `topics` and the ledger's after the commit."""
        return await self.agent.write(change, "ledger", *topics, even_if_full=even_if_full)

    def record(
        self,
        connection: DuckDBPyConnection,
        action: str,
        subject: str,
        summary: str,
        *,
        command: str = "",
        detail: dict[str, str] | None = None,
    ) -> None:
        """Write the ledger entry of a change; call it inside the change's transaction."""
        ledger.record(
            connection,
            at=self.agent.clock.now(),
            actor=self.actor.name,
            action=action,
            subject=subject,
            summary=summary,
            command=command,
            detail=detail,
        )


Handler = Callable[[Call, Any], Awaitable[Any]]
