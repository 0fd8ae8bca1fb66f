"""What the pipelines area shows: the declared flows, and what was done with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from console.client.client import Client
from console.wire import jobs as job_wire
from console.wire import pipelines as wire
from console.wire.jobs import ListJobs
from console.wire.pipelines import PipelineView
from console.wire.routes import Nothing
from storage.records.jobs import Job

LOOKS_AT_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading."""

    views: tuple[PipelineView, ...]
    looks: tuple[Job, ...]
    """Checks and previews, newest first; what they found is their result."""
    trainings: tuple[Job, ...]
    """Trainings that run or wait."""
    at: datetime


def load(client: Client) -> Snapshot:
    views = client.call(wire.list_pipelines, Nothing())
    looks = client.call(job_wire.list_jobs, ListJobs(kind="preview", limit=LOOKS_AT_MOST))
    active = client.call(job_wire.list_jobs, ListJobs(kind="train", state="active"))
    return Snapshot(
        views=tuple(views),
        looks=tuple(looks),
        trainings=tuple(active),
        at=datetime.now(UTC),
    )
