"""The source that a person named, read as one table with progress: files, or a query.

Used by the ingest and check jobs, whose specs name it under `files` and `sql`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console import text
from console.worker.context import JobContext
from console.worker.data.casting import Wanted
from console.worker.data.options import ReadOptions
from console.worker.data.reading import Done, Progress, Reading, read, read_query
from console.worker.data_jobs.workbench import Workbench


def read_source(bench: Workbench, options: ReadOptions, wanted: Mapping[str, Wanted]) -> Reading:
    """Read what the job's spec names; a query sees the stored datasets it speaks of."""
    job, spec = bench.job, bench.job.spec
    query = spec.get("sql", "")
    if query:
        for name, manifest in spec["tables"].items():
            if name in query:
                bench.view(name, manifest)
        return read_query(
            bench.connection, query, wanted=wanted, progress=_progress(job, "the query")
        )
    return read(
        bench.connection,
        spec["files"],
        options,
        scratch=bench.scratch,
        wanted=wanted,
        progress=_progress(job, text.clean(source_words(spec))),
    )


def source_words(spec: Mapping[str, Any]) -> str:
    """What is read, in few words: file names without their directories, or the query."""
    if spec.get("sql"):
        return " ".join(str(spec["sql"]).split())
    names = [Path(file).name for file in spec["files"]]
    more = f" and {len(names) - 3} more" if len(names) > 4 else ""
    return ", ".join(names[:3] if more else names) + more


def _progress(job: JobContext, words: str) -> Progress:
    expected = 0

    def progress(done: Done) -> None:
        nonlocal expected
        expected = expected or done.rows_total  # one line in the log, not one more at the end
        about = f", about {text.counted(expected, 'row')}" if expected else ""
        if done.bytes_total:
            job.progress(done.bytes, done.bytes_total, "bytes", f"reading {words}{about}")
        else:
            job.progress(done.rows, done.rows_total, "rows", f"reading {words}")

    return progress
