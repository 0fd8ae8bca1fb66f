"""How a route is declared: one entry names it, says who may call it and types both directions.

`ALL` in `console.wire.table` is the whole API of the agent. The server refuses to start when an
entry has no handler, so a route cannot exist without a role. Fields of the request that appear in
the path template travel there; the others are the query of a GET or the JSON body of a POST.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from storage.records.people import Role

Request = TypeVar("Request")
Response = TypeVar("Response")

ANYONE: tuple[Role, ...] = ("viewer", "data-engineer", "data-scientist", "devops")
DATA: tuple[Role, ...] = ("data-engineer", "data-scientist")
TRAIN: tuple[Role, ...] = ("data-scientist", "data-engineer")
MODEL: tuple[Role, ...] = ("data-scientist", "devops")
OPERATE: tuple[Role, ...] = ("devops",)
WRITERS: tuple[Role, ...] = ("data-engineer", "data-scientist", "devops")
OWNER: tuple[Role, ...] = ()
"""Nobody by role: only the owner of the workspace, who may do everything."""


@dataclass(frozen=True, slots=True)
class Route(Generic[Request, Response]):
    """One operation of the agent."""

    name: str
    """`list_runs`: also the handler, the client call and the query behind it."""
    method: Literal["GET", "POST"]
    path: str
    roles: tuple[Role, ...]
    """Any one of these suffices; the owner always may."""
    request: type[Request]
    response: type[Response]
    """A record class or `list[...]` of one."""
    doc: str
    """One sentence: what the caller gains."""

    @property
    def path_fields(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def changes_state(self) -> bool:
        return self.method == "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A request without fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A change that has nothing to show but that it happened."""

    message: str
    """One sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The body of every answer that is not a success."""

    kind: str
    message: str
    hint: str = ""
    data: dict[str, Any]
