"""Run one long SQL statement so that somebody can watch it and stop it.

Used by everything in this package that may take more than a moment. Invariant: when `execute`
ends, by whatever way, the connection is idle again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from storage.sql_text import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Watch = Callable[[float], None]
"""Called about ten times a second with the share that is done, 0..1; may raise to stop."""

LOOK_EVERY_S = 0.1


def open_engine(
    spill: Path,
    *,
    memory_bytes: int,
    threads: int,
    reachable: Sequence[Path] = (),
) -> DuckDBPyConnection:
    """Open an in-memory DuckDB that spills to `spill` beyond `memory_bytes`.

    With `reachable` SQL can touch files in these directories only, loads no extension and cannot
    change a setting: for queries that people wrote.
    """
    connection = duckdb.connect(
        config={
            "threads": str(threads),
            "memory_limit": f"{memory_bytes}B",
            "temp_directory": str(spill),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "python_enable_replacements": "false",
        }
    )
    # Progress is only computed for a bar; this one is never drawn.
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    connection.execute("SET TimeZone = 'UTC'")
    if reachable:
        listed = ", ".join(literal(f"{directory}/") for directory in (*reachable, spill))
        connection.execute(f"SET allowed_directories = [{listed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    return connection


def execute(
    connection: DuckDBPyConnection, sql: str, watch: Watch | None = None
) -> list[tuple[Any, ...]]:
    """Run `sql` and return its rows.

    It runs in a thread of its own: the calling one stays able to notice signals, and whatever is
    raised in it (also by `watch`) interrupts the statement.
    """
    rows: list[tuple[Any, ...]] = []
    failures: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        try:
            rows.extend(connection.execute(sql).fetchall())
        except BaseException as error:
            failures.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=work, name="statement", daemon=True)
    thread.start()
    try:
        while not ended.wait(LOOK_EVERY_S):
            if watch is not None:
                watch(min(max(connection.query_progress(), 0.0), 100.0) / 100)
    except BaseException:
        while not ended.wait(LOOK_EVERY_S):
            connection.interrupt()
        raise
    thread.join()
    if failures:
        raise failures[0]
    if watch is not None:
        watch(1.0)
    return rows
