"""What every data job works with: an in-memory DuckDB, a scratch directory, the stored versions.

Invariant: when the job ends, by whatever way that lets Python finish, the scratch directory is
gone; what a kill leaves of it lies inside the job's own directory.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from console.worker.context import JobContext
from console.worker.data.running import open_engine
from storage import chunks
from storage.records.chunks import Manifest
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCRATCH: Final = "scratch"
_MIB: Final = 1 << 20
_LEAST_MEMORY: Final = 256 * _MIB
_MOST_MEMORY: Final = 16 * 1024 * _MIB
_MEMORY_SHARE: Final = 0.4
"""Of what is free at the start: another job and the endpoints need some too. Never more than half
of what the job may use: the libraries around DuckDB need the rest."""


@dataclass(frozen=True, slots=True)
class Workbench:
    job: JobContext
    connection: DuckDBPyConnection
    scratch: Path

    def manifest(self, digest: str) -> Manifest:
        """The content of a stored version, by the digest of its manifest."""
        return chunks.decode(self.job.objects.read_bytes(digest))

    def source(self, digest: str) -> str:
        """A stored version to stand after FROM, by the digest of its manifest."""
        return chunks.read_sql(self.manifest(digest), self.job.objects)

    def view(self, name: str, digest: str) -> None:
        """Let SQL see a stored version under a name."""
        self.connection.execute(
            f"CREATE OR REPLACE VIEW {quote(name)} AS SELECT * FROM {self.source(digest)}"
        )


@contextmanager
def workbench(job: JobContext, *, reachable: Sequence[Path] = ()) -> Iterator[Workbench]:
    """Open everything for one job; `reachable` closes everything else to SQL."""
    scratch = job.paths.directory / SCRATCH
    scratch.mkdir(mode=0o700, exist_ok=True)
    free = int(psutil.virtual_memory().available * _MEMORY_SHARE)
    allowed = int(job.spec.get("limits", {}).get("memory_bytes", 0)) // 2 or _MOST_MEMORY
    memory = min(max(free, _LEAST_MEMORY), allowed)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        connection = open_engine(
            scratch,
            memory_bytes=memory,
            threads=len(os.sched_getaffinity(0)),
            reachable=reachable,
        )
        stack.callback(connection.close)
        yield Workbench(job, connection, scratch)


def rows_progress(job: JobContext, words: str) -> Any:
    """A callback (rows done, rows of all) that tells how far the job is."""

    def progress(done: int, total: int) -> None:
        job.progress(done, total, "rows", words)

    return progress
