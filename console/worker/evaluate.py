"""The job `evaluate`: a model version judged again, by the gates and against the champion of now.

Called by `console.worker.main`. No fit is repeated: truth and scores of the held-out rows were kept
by the training. Invariant: champion and version are compared on the very same rows; when the
champion was judged on others, it scores these through its own flow.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from console.errors import InvalidError
from console.flow import model as flow_model
from console.worker.context import JobContext
from console.worker.training import verdict
from console.worker.training.fitting import cores
from console.worker.training.judging import Judged
from console.worker.training.packaging import time_single_rows
from console.worker.training.rows import make_cases, read_pinned, read_table, reference_queries
from console.worker.training.splitting import split_rows
from console.worker.training.step_cache import StepCache
from storage.records.evaluations import Holdout
from storage.records.gates import Gate
from storage.records.pipelines import Pipeline
from storage.records.reports import GatesReport
from storage.records.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the agent asks for."""

    model: str
    version: int
    digest: str
    """Of the model manifest."""
    threshold: float
    """The one in force; it may differ from that of the training."""
    gates: tuple[Gate, ...]
    artifacts: dict[str, str]
    """Files of the run that made the version."""
    champion: dict[str, Any] | None = None
    champion_artifacts: dict[str, str] = field(default_factory=dict)
    pipeline: Pipeline | None = None
    seed: int = 0
    data: tuple[dict[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.model}@v{self.version}"


def run(job: JobContext) -> dict[str, Any]:
    """Judge and report; returns the verdict."""
    known = {name: value for name, value in job.spec.items() if name in Order.__slots__}
    order = msgspec.convert(known, Order)
    job.progress(0, 3, "step", "reading the held-out rows")
    judged, opponents = _judged(job, order)
    if order.champion is not None:
        job.progress(1, 3, "step", f"comparing with {order.champion['name']}")
        opponents = (*opponents, _champion(job, order, judged.holdout))
    job.progress(2, 3, "step", f"judging {order.name}")
    of_model = _of_model(job, order)
    report, _, _ = verdict.judge(
        judged, opponents, order.gates, of_model, check=job.check_cancelled
    )
    gates = replace(report, model=order.model, version=order.version)
    job.report(GatesReport(gates=gates))
    job.progress(3, 3, "step", f"the gates say {gates.verdict}")
    return {"model": order.model, "version": order.version, "verdict": gates.verdict}


def _judged(job: JobContext, order: Order) -> tuple[Judged, tuple[verdict.Opponent, ...]]:
    files = order.artifacts
    if "holdout" not in files or "evaluation" not in files:
        raise InvalidError(
            f"{order.name} cannot be judged: it has no held-out rows in this workspace.",
            hint="Only models that were trained here have them.",
        )
    kept = msgspec.convert(job.objects.read_json(files["holdout"]), Holdout)
    holdout = replace(kept, threshold=order.threshold)
    return verdict.read_evaluation(holdout, files["evaluation"], job.objects)


def _champion(job: JobContext, order: Order, holdout: Holdout) -> verdict.Opponent:
    """The champion's scores of the same rows: kept ones when it was judged on them, else new."""
    champion, files = order.champion or {}, order.champion_artifacts
    if "holdout" in files and "evaluation" in files:
        own = msgspec.convert(job.objects.read_json(files["holdout"]), Holdout)
        if own.rows_digest == holdout.rows_digest:
            judged, _ = verdict.read_evaluation(own, files["evaluation"], job.objects)
            return verdict.Opponent(
                "champion", judged.scores, float(champion["threshold"]), champion["name"]
            )
    pipeline = order.pipeline
    if pipeline is None:
        reason = "the order of its training is not known any more"
        return verdict.Opponent("champion", None, 0.5, champion["name"], reason)
    pinned = read_pinned(job.objects, order.data)
    cases = make_cases(
        pipeline,
        read_table(pinned[0], job.objects, threads=cores()),
        reference_queries(pinned, job.objects),
        root=job.workspace.root,
        temp=job.paths.directory,
        threads=cores(),
        cache=StepCache(job.workspace.cache, job.workspace.root, [each.use for each in pinned]),
    )
    column = cases.columns.get(pipeline.split.column)
    rows = split_rows(pipeline, cases.y, column, order.seed).holdout
    again = verdict.describe_holdout(pipeline, cases, rows, "", pinned[0], order.seed)
    if again.rows_digest != holdout.rows_digest:
        reason = "the held-out rows cannot be made again as they were"
        return verdict.Opponent("champion", None, 0.5, champion["name"], reason)
    return verdict.champion_opponent(
        champion, cases, rows, pipeline, job.objects, job.workspace.root
    )


def _of_model(job: JobContext, order: Order) -> tuple[Result, ...]:
    loaded = flow_model.load(order.digest, job.objects, root=job.workspace.root)
    try:
        sample = msgspec.convert(job.objects.read_json(loaded.manifest.sample), flow_model.Sample)
        times = time_single_rows(loaded, sample.rows)
        size_bytes = job.objects.size_bytes(loaded.manifest.estimator_digest)
        return verdict.of_package(times, size_bytes)
    finally:
        loaded.close()
