"""Removes stored files that nothing refers to any more: what killed and refused jobs left.

Invariant: the look and the removal happen in the store's writer, where no job can start and no row
can be added in between, and not while a job that writes objects runs.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

from console import errors, text
from console.agent.context import Call
from console.wire.datasets import Garbage
from storage import reachable
from storage.tables import jobs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SETTLING = timedelta(seconds=10)
"""A handler may have written an object a moment ago and be about to refer to it."""
SCRATCH = "scratch"
"""The directory in a job's own where its worker puts what is not finished."""
_SHOWN = 20
_HARMLESS = frozenset({"command", "replay", "verify"})
"""Jobs that write no objects."""


async def collect(call: Call, *, dry_run: bool, keep_days: int) -> Garbage:
    """Count, and unless `dry_run` remove, objects without a reference.

    Raises `ConflictError` when a running job may be writing some.
    """
    if keep_days < 0:
        raise errors.UsageError(f"cannot keep files for {keep_days} days.")
    if dry_run:
        return await call.read(lambda c: _collect(call, c, dry_run=True, keep_days=keep_days))
    return await call.change(
        lambda c: _collect(call, c, dry_run=False, keep_days=keep_days),
        "datasets",
        even_if_full=True,  # it is the way out
    )


def _collect(
    call: Call, connection: DuckDBPyConnection, *, dry_run: bool, keep_days: int
) -> Garbage:
    if not dry_run:
        _refuse_while_writing(connection)
    objects = call.agent.objects
    now_s = call.agent.clock.now().timestamp()
    kept = reachable.closure(objects, reachable.stored_references(connection))
    min_age = max(SETTLING, timedelta(days=keep_days))
    removable = [
        digest
        for digest in objects
        if digest not in kept
        and now_s - objects.path(digest).stat().st_mtime >= min_age.total_seconds()
    ]
    removal = objects.remove_except(
        kept, now_s=now_s, min_age_s=min_age.total_seconds(), dry_run=dry_run
    )
    if not dry_run:
        _remove_scratch(call, connection)
    if removal.object_count and not dry_run:
        size = text.byte_size(removal.size_bytes)
        call.record(
            connection,
            "data.gc",
            "objects",
            f"removes {text.counted(removal.object_count, 'stored file')} "
            f"({size}) that nothing refers to",
            command="mlops-console data gc --remove",
        )
    return Garbage(
        objects=removal.object_count,
        bytes=removal.size_bytes,
        kept_objects=removal.kept_count,
        removed=not dry_run,
        names=tuple(sorted(removable)[:_SHOWN]),
    )


def _remove_scratch(call: Call, connection: DuckDBPyConnection) -> None:
    """What killed jobs had on its way; a running one still needs its own."""
    unfinished = {str(job.id) for job in jobs.list_unfinished_jobs(connection)}
    for scratch in call.agent.workspace.jobs.glob(f"*/{SCRATCH}"):
        if scratch.parent.name not in unfinished:
            shutil.rmtree(scratch, ignore_errors=True)


def _refuse_while_writing(connection: DuckDBPyConnection) -> None:
    for job in jobs.list_unfinished_jobs(connection):
        if job.state != "queued" and job.kind not in _HARMLESS:
            raise errors.ConflictError(
                f"cannot remove files while job {job.id} ({job.title}) may be writing some.",
                hint=f"Wait for it (mlops-console job logs -f {job.id}), or cancel it.",
            )
