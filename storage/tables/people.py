"""People and approvals: one typed function per named query."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from storage import queries
from storage.records.people import Approval, Person, Role

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def list_people(connection: DuckDBPyConnection) -> list[Person]:
    return queries.rows(connection, "list_people", into=Person)


def get_person(connection: DuckDBPyConnection, name: str) -> Person | None:
    return queries.row(connection, "get_person", {"name": name}, into=Person)


def get_person_by_uid(connection: DuckDBPyConnection, uid: int) -> Person | None:
    return queries.row(connection, "get_person_by_uid", {"uid": uid}, into=Person)


def set_person(connection: DuckDBPyConnection, person: Person) -> None:
    queries.run(connection, "set_person", queries.params_of(person))


def set_last_seen(connection: DuckDBPyConnection, name: str, at: datetime) -> None:
    queries.run(connection, "set_last_seen", {"name": name, "at": at})


def list_approvals(connection: DuckDBPyConnection) -> list[Approval]:
    return queries.rows(connection, "list_approvals", into=Approval)


def get_approval(connection: DuckDBPyConnection, approval_id: int) -> Approval | None:
    return queries.row(connection, "get_approval", {"id": approval_id}, into=Approval)


def find_approval(connection: DuckDBPyConnection, action: str, subject: str) -> Approval | None:
    """The request that is waiting or granted for exactly this, newest first."""
    params = {"action": action, "subject": subject}
    return queries.row(connection, "find_approval", params, into=Approval)


def create_approval(
    connection: DuckDBPyConnection,
    *,
    action: str,
    subject: str,
    requested_by: str,
    requested_at: datetime,
    needs_role: Role,
    reason: str,
) -> Approval:
    created = queries.row(
        connection,
        "create_approval",
        {
            "action": action,
            "subject": subject,
            "requested_by": requested_by,
            "requested_at": requested_at,
            "needs_role": needs_role,
            "reason": reason,
        },
        into=Approval,
    )
    assert created is not None  # INSERT … RETURNING gives its row
    return created


def set_approval_state(
    connection: DuckDBPyConnection, approval_id: int, state: str, by: str, at: datetime
) -> None:
    queries.run(
        connection,
        "set_approval_state",
        {"id": approval_id, "state": state, "decided_by": by, "decided_at": at},
    )
