"""Job: what changed between two versions, rows from their chunks, distributions from profiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from console.rules.drift import profile_drift
from console.worker.context import JobContext
from console.worker.data import diffing
from console.worker.data_jobs.workbench import workbench
from storage.records.profiles import Profile


def run(job: JobContext) -> dict[str, Any]:
    """Result: `diff`, the object of the DatasetDiff, with its counts."""
    before, after = job.spec["before"], job.spec["after"]
    words = f"comparing {before['name']} and {after['name']}"
    job.progress(0, 1, "", words)
    profiles = _profile(job, before["profile"]), _profile(job, after["profile"])
    with workbench(job) as bench:
        found = diffing.diff(
            bench.connection,
            job.objects,
            bench.manifest(before["manifest"]),
            bench.manifest(after["manifest"]),
            names=(before["name"], after["name"]),
            key=tuple(job.spec["key"]),
            profiles=profiles,
            watch=lambda share: job.progress(share, 1, "", words),
        )
    drift = profile_drift(*profiles)
    found = replace(found, distributions=tuple(column.primary for column in drift.columns))
    return {
        "diff": job.objects.put_json(found),
        "rows_added": found.rows_added,
        "rows_removed": found.rows_removed,
        "rows_changed": found.rows_changed,
    }


def _profile(job: JobContext, digest: str) -> Profile:
    return msgspec.convert(job.objects.read_json(digest), Profile)
