"""Job: read every chunk of a version again and compare it with its digest."""

from __future__ import annotations

from typing import Any

from console import errors
from console.worker.context import JobContext
from console.worker.data_jobs.workbench import workbench
from storage import chunking
from storage.errors import StorageError

_NAMED = 3


def run(job: JobContext) -> dict[str, Any]:
    """Result: name, chunks, rows, bytes. Raises `DamagedError` naming the first damaged chunks."""
    version = job.spec["version"]
    name = str(version["name"])
    with workbench(job) as bench:
        manifest = bench.manifest(version["manifest"])
        problems = []
        files = sorted(manifest.objects)
        for number, digest in enumerate(files):
            job.progress(number, len(files), "files", f"reading the files of {name}")
            try:
                job.objects.verify(digest)
            except StorageError as problem:
                problems.append(problem.message)
        job.progress(len(files), len(files), "files", f"comparing the rows of {name}")
        problems += chunking.verify(bench.connection, manifest, job.objects)
    if problems:
        more = f" And {len(problems) - _NAMED} more." if len(problems) > _NAMED else ""
        raise errors.DamagedError(
            f"{name} is damaged: {' '.join(problems[:_NAMED])}{more}",
            hint="Bring the objects back from a backup, or add the data again from its source.",
            problems=problems,
        )
    return {
        "name": name,
        "chunks": len(manifest.chunks),
        "rows": manifest.rows,
        "bytes": manifest.bytes,
    }
