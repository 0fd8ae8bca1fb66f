"""People: who you are, who may what, who waits for a yes, and the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from console.wire.routes import ANYONE, OWNER, WRITERS, Nothing, Route
from storage.records.people import Approval, LedgerCheck, LedgerEntry, Person, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    id: int
    approve: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLedger:
    limit: int = 200
    before: int = 0
    subject: str = ""
    """Only entries about this, e.g. `delays@v5`; prefix match."""


get_me = Route(
    "get_me", "GET", "/v1/me", ANYONE, Nothing, Person,
    "Who the operating system says you are, and what you may do.",
)  # fmt: skip
list_people = Route(
    "list_people", "GET", "/v1/people", ANYONE, Nothing, list[Person], "Everybody and their roles."
)
grant_role = Route(
    "grant_role", "POST", "/v1/people/{name}/grant", OWNER, RoleChange, Person,
    "Let a person do what a role allows.",
)  # fmt: skip
revoke_role = Route(
    "revoke_role", "POST", "/v1/people/{name}/revoke", OWNER, RoleChange, Person,
    "Take a role away again.",
)  # fmt: skip
list_approvals = Route(
    "list_approvals", "GET", "/v1/approvals", ANYONE, Nothing, list[Approval],
    "Requests for a second yes, waiting ones first.",
)  # fmt: skip
decide_approval = Route(
    "decide_approval", "POST", "/v1/approvals/{id}", WRITERS, Decide, Approval,
    "Say yes or no to somebody else's request.",
)  # fmt: skip
list_ledger = Route(
    "list_ledger", "GET", "/v1/ledger", ANYONE, ListLedger, list[LedgerEntry],
    "Every change, newest first.",
)  # fmt: skip
verify_ledger = Route(
    "verify_ledger", "GET", "/v1/ledger/verify", ANYONE, Nothing, LedgerCheck,
    "Whether the chain of entries is whole; names the first altered one.",
)  # fmt: skip
ROUTES = (
    get_me, list_people, grant_role, revoke_role, list_approvals, decide_approval, list_ledger,
    verify_ledger,
)  # fmt: skip
