"""What the people area shows: who may what, who waits for a yes, the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from console.client.client import Client
from console.wire import people as wire
from console.wire.people import ListLedger
from console.wire.routes import Nothing
from storage.records.people import Approval, LedgerCheck, LedgerEntry, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading."""

    me: Person
    people: tuple[Person, ...]
    approvals: tuple[Approval, ...]
    ledger: tuple[LedgerEntry, ...]
    """Newest first, the last 500."""
    at: datetime


def load(client: Client) -> Snapshot:
    people = client.call(wire.list_people, Nothing())
    approvals = client.call(wire.list_approvals, Nothing())
    ledger = client.call(wire.list_ledger, ListLedger(limit=500))
    return Snapshot(
        me=client.call(wire.get_me, Nothing()),
        people=tuple(people),
        approvals=tuple(approvals),
        ledger=tuple(ledger),
        at=datetime.now(UTC),
    )


def load_check(client: Client) -> LedgerCheck:
    """Walk the chain."""
    return client.call(wire.verify_ledger, Nothing())
