"""The ledger: append-only, each entry sealed by a hash over itself and the one before.

`record` runs inside the transaction that makes the change, so a change without its entry, or an
entry without its change, cannot exist.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from storage import queries
from storage.records.people import LedgerCheck, LedgerEntry

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FIRST = "0" * 64


def seal(entry: LedgerEntry) -> str:
    """sha256 over the entry's fields as canonical JSON, the previous hash included.

    >>> from datetime import UTC
    >>> entry = LedgerEntry(seq=1, at=datetime(2026, 1, 1, tzinfo=UTC), actor="ana",
    ...     action="data.add", subject="flights@v1", summary="adds flights@v1", detail={},
    ...     previous_hash="0" * 64, hash="")
    >>> len(seal(entry)), seal(entry) == seal(replace(entry, actor="ben"))
    (64, False)
    """
    fields = [
        entry.seq,
        entry.at.isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.subject,
        entry.summary,
        entry.command,
        sorted(entry.detail.items()),
        entry.previous_hash,
    ]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def record(
    connection: DuckDBPyConnection,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    summary: str,
    command: str = "",
    detail: dict[str, str] | None = None,
) -> LedgerEntry:
    """Append one entry; call it in the transaction of the change it tells of."""
    last = queries.row(connection, "get_last_ledger_entry", into=LedgerEntry)
    entry = LedgerEntry(
        seq=last.seq + 1 if last else 1,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        summary=summary,
        command=command,
        detail=detail or {},
        previous_hash=last.hash if last else _FIRST,
        hash="",
    )
    entry = replace(entry, hash=seal(entry))
    queries.run(connection, "record_ledger_entry", queries.params_of(entry))
    return entry


def list_ledger(
    connection: DuckDBPyConnection, *, limit: int = 200, before: int = 0, subject: str = ""
) -> list[LedgerEntry]:
    params = {"limit": limit, "before": before, "subject": subject}
    return queries.rows(connection, "list_ledger", params, into=LedgerEntry)


def verify(connection: DuckDBPyConnection) -> LedgerCheck:
    """Walk the chain from its first entry and name the first one that does not fit."""
    previous, seq = _FIRST, 0
    while True:
        page = queries.rows(connection, "list_ledger_from", {"after": seq}, into=LedgerEntry)
        if not page:
            return LedgerCheck(entries=seq, is_intact=True)
        for entry in page:
            reason = _fault(entry, seq, previous)
            if reason:
                return LedgerCheck(
                    entries=seq, is_intact=False, first_bad_seq=entry.seq, reason=reason
                )
            previous, seq = entry.hash, entry.seq


def _fault(entry: LedgerEntry, seq: int, previous: str) -> str:
    if entry.seq != seq + 1:
        return f"entry {seq + 1} is missing; entry {entry.seq} follows {seq}"
    if entry.previous_hash != previous:
        return f"entry {entry.seq} does not continue entry {seq}"
    if entry.hash != seal(entry):
        return f"entry {entry.seq} was altered after it was written"
    return ""
