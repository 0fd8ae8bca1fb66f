"""Job: write a version to a file for somebody else; it appears whole or not at all."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from console.worker.context import JobContext
from console.worker.data import exporting
from console.worker.data_jobs.workbench import workbench


def run(job: JobContext) -> dict[str, Any]:
    """Result: name, path, format, rows, bytes, and the columns whose cells were made harmless."""
    spec = job.spec
    version, path = spec["version"], Path(spec["path"])
    rows = int(version["rows"])
    words = f"writing {path.name}"
    with workbench(job) as bench:
        done = exporting.export(
            bench.connection,
            bench.source(version["manifest"]),
            path,
            format=spec["format"],
            raw=spec["raw"],
            replace=spec["overwrite"],
            watch=lambda share: job.progress(round(rows * share), rows, "rows", words),
        )
    return {"name": version["name"], **asdict(done)}
