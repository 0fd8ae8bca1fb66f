"""Who acts, what they may do, what needs a second pair of eyes, and the record nobody edits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["viewer", "data-engineer", "data-scientist", "devops"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    """The Unix user name, or the name given to a token."""
    uid: int | None = None
    """None for people known by a token only."""
    roles: tuple[Role, ...] = ()
    is_owner: bool = False
    """The creator of the workspace; may grant roles."""
    granted_by: str = ""
    granted_at: datetime
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One change. `hash` = sha256 over the canonical JSON of all other fields."""

    seq: int
    at: datetime
    actor: str
    action: str
    """Verb and noun, e.g. `model.promote`, `threshold.set`, `data.add`."""
    subject: str
    """What was changed, e.g. `delays@v5`, `flights@v7`, `endpoint delays`."""
    summary: str
    """One sentence a colleague understands."""
    command: str = ""
    """The shell command that does the same."""
    detail: dict[str, str]
    """Before and after, reason, override; values are text."""
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """What `ledger verify` found."""

    entries: int
    is_intact: bool
    first_bad_seq: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request for an explicit yes by somebody else."""

    id: int
    action: str
    """`model.promote` today; the route name it will allow."""
    subject: str
    """`delays@v5 -> champion`."""
    requested_by: str
    requested_at: datetime
    needs_role: Role
    reason: str = ""
    state: Literal["waiting", "approved", "rejected", "used"] = "waiting"
    decided_by: str = ""
    decided_at: datetime | None = None
