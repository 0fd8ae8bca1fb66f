"""Two versions of a dataset side by side: the diff of their rows, the drift of their columns.

A diff reads chunks and is therefore a job; what it found is kept under the two contents and never
computed again. Drift needs the stored profiles only and is computed in a thread when asked for.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from console import errors
from console.agent.context import Call
from console.agent.dataset_lookup import find_dataset, find_version
from console.agent.rows.jobs import queue_job
from console.wire.datasets import DiffAnswer, VersionPair
from storage.records.datasets import DatasetVersion
from storage.records.diffs import DatasetDiff
from storage.records.drift import DriftReport
from storage.records.jobs import Job, JobState
from storage.records.profiles import Profile
from storage.tables import datasets, jobs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from storage.objects import Objects

_KEPT_REPORTS = 64


async def get_diff(call: Call, request: VersionPair) -> DiffAnswer:
    """The diff if it is known, else the job that computes it, started now unless it runs."""

    def look(
        connection: DuckDBPyConnection,
    ) -> tuple[DatasetVersion, DatasetVersion, tuple[str, ...], str | None, Job | None]:
        before, after = _pair(connection, request)
        key = find_dataset(connection, request.dataset).key_columns
        known = datasets.get_dataset_diff(
            connection, before=before.digest, after=after.digest, key=key
        )
        running = None if known else _running(connection, before, after, key)
        return before, after, key, known, running

    before, after, key, known, running = await call.read(look)
    if known and call.agent.objects.has(known):
        diff = await asyncio.to_thread(read_diff, call.agent.objects, known)
        return DiffAnswer(diff=replace(diff, before=before.name, after=after.name))
    if running is not None:
        return DiffAnswer(job=running)
    spec = {
        "before": _side(before),
        "after": _side(after),
        "key": list(key),
    }
    title = f"data diff {before.name} {after.name}"
    return DiffAnswer(
        job=await queue_job(call, "diff", title, spec, command=f"mlops-console {title}")
    )


def _pair(
    connection: DuckDBPyConnection, request: VersionPair
) -> tuple[DatasetVersion, DatasetVersion]:
    after = find_version(connection, request.dataset, request.after)
    if not request.before and after.parent is None:
        raise errors.InvalidError(
            f"{after.name} is the first of its kind: there is no version before it.",
            hint=f"Name two versions, e.g. {request.dataset}@v1 {request.dataset}@v2.",
        )
    reference = request.before or f"v{after.parent}"
    return find_version(connection, request.dataset, reference), after


def read_diff(objects: Objects, digest: str) -> DatasetDiff:
    return msgspec.convert(objects.read_json(digest), DatasetDiff)


def _side(version: DatasetVersion) -> dict[str, str]:
    return {
        "name": version.name,
        "digest": version.digest,
        "manifest": version.manifest,
        "profile": version.profile,
    }


def _running(
    connection: DuckDBPyConnection,
    before: DatasetVersion,
    after: DatasetVersion,
    key: tuple[str, ...],
) -> Job | None:
    """The unfinished job for the same two contents."""
    wanted = before.digest, after.digest, list(key)
    for job in jobs.list_unfinished_jobs(connection):
        if job.kind != "diff":
            continue
        spec = job.spec
        if (spec["before"]["digest"], spec["after"]["digest"], spec["key"]) == wanted:
            return job
    return None


def diff_ended(
    connection: DuckDBPyConnection, job: Job, state: JobState, _reason: str, at: datetime
) -> tuple[str, ...]:
    """Remember what a diff job found, in the transaction that says that it ended."""
    if job.kind != "diff" or state != "succeeded":
        return ()
    ended = jobs.get_job(connection, job.id)
    digest = ended.result.get("diff") if ended else None
    if not digest:
        return ()
    datasets.record_dataset_diff(
        connection,
        before=job.spec["before"]["digest"],
        after=job.spec["after"]["digest"],
        key=tuple(job.spec["key"]),
        digest=str(digest),
        at=at,
    )
    return ("datasets",)


async def get_drift(call: Call, request: VersionPair) -> DriftReport:
    """How far every column moved between two versions, from their profiles alone."""

    before, after = await call.read(lambda c: _pair(c, request))
    reports: OrderedDict[tuple[str, str], DriftReport] = call.agent.caches.setdefault(
        "drift", OrderedDict()
    )
    is_part = request.is_delivery and bool(after.delivery_profile)
    pair = before.profile, after.delivery_profile if is_part else after.profile
    report = reports.get(pair)
    if report is None:
        report = await asyncio.to_thread(_drift, call.agent.objects, *pair)
        reports[pair] = report
        if len(reports) > _KEPT_REPORTS:
            reports.popitem(last=False)
    reports.move_to_end(pair)
    name = f"the rows that came with {after.name}" if is_part else after.name
    return replace(report, before=before.name, after=name)


def _drift(objects: Objects, before: str, after: str) -> DriftReport:
    from console.rules import drift  # numpy and scipy: only when somebody asks

    return drift.profile_drift(read_profile(objects, before), read_profile(objects, after))


def read_profile(objects: Objects, digest: str) -> Profile:
    return msgspec.convert(objects.read_json(digest), Profile)


def shown_profile(objects: Objects, digest: str) -> Profile:
    """A profile without what only statistics need: a tenth of its size."""
    profile = read_profile(objects, digest)
    columns = tuple(replace(column, habits=(), sums=()) for column in profile.columns)
    return replace(profile, columns=columns)
