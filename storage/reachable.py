"""Which objects anything still refers to: those the store names, and those named by these.

Used by the agent's garbage collection. A reference is any digest that stands anywhere in a text
column, so a table added later is covered without being told of here. Invariant: what errs, errs
towards keeping; an object is unreachable only when its digest occurs nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from storage import queries
from storage.chunks import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from storage.objects import Objects

FOREIGN_TABLES: Final = frozenset(
    {"requests", "requests_arrived", "labels", "labels_arrived", "idempotency_keys"}
)
"""What callers of endpoints sent, which is large and not ours, and answers that were given: one of
them is the list of what may be removed."""
_DIGEST: Final = re.compile(rb"[0-9a-f]{64}")
_LARGEST_DOCUMENT_BYTES: Final = 1 << 28
"""No document of ours is longer; a longer file that starts like one is taken for data."""


def stored_references(connection: DuckDBPyConnection) -> set[str]:
    """Return every digest in a text column of the store."""
    found: set[str] = set()
    for name in queries.rows(connection, "list_text_columns", into=str):
        table, _, column = name.partition(".")
        if table in FOREIGN_TABLES:
            continue
        value = quote(column)
        rows = connection.execute(
            f"SELECT DISTINCT unnest(regexp_extract_all({value}, '[0-9a-f]{{64}}')) "
            f"FROM {quote(table)} WHERE length({value}) >= 64"
        ).fetchall()
        found.update(digest for (digest,) in rows)
    return found


def closure(objects: Objects, roots: Iterable[str]) -> set[str]:
    """Return the roots that are objects and all objects that their documents name, and so on."""
    existing = set(objects)
    reached: set[str] = set()
    waiting = [digest for digest in roots if digest in existing]
    while waiting:
        digest = waiting.pop()
        if digest in reached:
            continue
        reached.add(digest)
        waiting.extend(named for named in _named_in(objects, digest) if named in existing)
    return reached


def _named_in(objects: Objects, digest: str) -> set[str]:
    """Return the digests in an object that is a JSON document; data files have none."""
    with objects.open(digest) as file:
        start = file.read(1)
        if start not in (b"{", b"[") or objects.size_bytes(digest) > _LARGEST_DOCUMENT_BYTES:
            return set()
        return {each.decode() for each in _DIGEST.findall(file.read())}
