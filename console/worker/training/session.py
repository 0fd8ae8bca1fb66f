"""One training from inside: its order, its run as far as it is known, and how far it is.

Used by `console.worker.train` and `console.worker.search`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from console.worker.context import JobContext
from console.worker.training import provenance
from console.worker.training.rows import read_pinned
from storage.records.gates import Gate
from storage.records.pipelines import Pipeline
from storage.records.reports import RunArtifact, RunReport
from storage.records.runs import Artifact, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the agent asks for."""

    pipeline: Pipeline
    params: dict[str, Any]
    """The ones that override the declaration."""
    seed: int
    data: tuple[dict[str, Any], ...]
    model: str
    gates: tuple[Gate, ...] = ()
    champion: dict[str, Any] | None = None
    note: str = ""
    reproduces: dict[str, Any] | None = None
    """The run that is repeated; then nothing is registered and the two are compared."""


@dataclass(slots=True)
class Training:
    """What one training has come to so far."""

    job: JobContext
    order: Order
    record: Run
    done: int = 0
    total: int = 0

    def say(self, words: str) -> None:
        """Begin the next step."""
        self.job.progress(self.done, self.total, "step", words)

    def step_done(self) -> None:
        self.done += 1

    def keep(self, name: str, document: Any) -> str:
        """Keep a JSON file of the run and report it."""
        digest = self.job.objects.put_json(document)
        self.report_file(name, "json", digest)
        return digest

    def report_file(self, name: str, kind: Any, digest: str) -> None:
        size = self.job.objects.size_bytes(digest)
        artifact = Artifact(name=name, kind=kind, digest=digest, bytes=size)
        self.job.report(RunArtifact(artifact=artifact))

    def update(self, **changes: Any) -> None:
        self.record = replace(self.record, **changes)
        self.job.report(RunReport(run=self.record))


def begin(job: JobContext) -> Training:
    """Read the order and report that a run has begun."""
    order = msgspec.convert(
        {name: value for name, value in job.spec.items() if name in Order.__slots__}, Order
    )
    training = Training(job, order, _first_record(job, order))
    job.report(RunReport(run=training.record))
    return training


def _first_record(job: JobContext, order: Order) -> Run:
    params = order.pipeline.params | order.params
    return Run(
        id=job.job_id,
        job_id=job.job_id,
        pipeline=order.pipeline.name,
        pipeline_digest=order.pipeline.digest,
        state="running",
        params=params,
        seed=order.seed,
        data=tuple(read.use for read in read_pinned(job.objects, order.data)),
        code=provenance.code(job.workspace.root, job.objects, order.pipeline.estimator),
        environment=provenance.environment(order.pipeline.estimator),
        started_at=job.now,
        metrics={},
        note=order.note,
        created_by=job.created_by,
    )
