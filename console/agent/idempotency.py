"""A write that is repeated after a lost answer happens once.

The client sends the same key again; the first answer is kept with the key and given again. Two
equal keys at the same moment wait for one another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console import errors
from console.agent.context import Call
from console.wire.routes import Route
from storage import queries

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_KEEP = timedelta(days=1)


async def once(
    call: Call, route: Route[Any, Any], key: str, do: Callable[[], Awaitable[bytes]]
) -> bytes:
    """Return the kept answer of `key`, or do it and keep its answer."""
    if not 8 <= len(key) <= 128:
        raise errors.UsageError("an Idempotency-Key has 8 to 128 characters.")
    full = f"{call.actor.name}:{key}"
    locks: dict[str, asyncio.Lock] = call.agent.caches.setdefault("idempotency", {})
    lock = locks.setdefault(full, asyncio.Lock())
    try:
        async with lock:
            params = {"key": full}

            def look(connection: DuckDBPyConnection) -> str | None:
                return queries.row(connection, "get_idempotent_answer", params, into=str)

            kept = await call.read(look)
            if kept is not None:
                return kept.encode()
            body = await do()
            now = call.agent.clock.now()

            def keep(connection: DuckDBPyConnection) -> None:
                queries.run(connection, "drop_idempotent_answers", {"before": now - _KEEP})
                queries.run(
                    connection,
                    "keep_idempotent_answer",
                    params | {"route": route.name, "response": body.decode(), "created_at": now},
                )

            await call.agent.write(keep, even_if_full=True)
            return body
    finally:
        locks.pop(full, None)
