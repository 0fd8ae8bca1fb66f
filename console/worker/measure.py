"""The job `measure`: a model version on the rows of a data version it was not trained on.

Called by `console.worker.main`. The truth is made by the training flow of the version's own run,
the scores by the model's own inference flow, as an endpoint would. Nothing is registered and no
gate is moved: the figures are the job's result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from console import text
from console.errors import InvalidError
from console.worker.context import JobContext
from console.worker.training import judging, verdict
from console.worker.training.fitting import cores
from console.worker.training.rows import make_cases, read_pinned, read_table, reference_queries
from console.worker.training.step_cache import StepCache
from storage.records.evaluations import Holdout
from storage.records.pipelines import Pipeline

LEAST_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the agent asks for."""

    name: str
    """`delays@v5`"""
    digest: str
    """Of the model manifest."""
    threshold: float
    pipeline: Pipeline
    data: tuple[dict[str, Any], ...]
    trained_on: str
    """Digest of the data version it was trained on."""


def run(job: JobContext) -> dict[str, Any]:
    """Measure; returns the results, overall and by slice."""
    known = {name: value for name, value in job.spec.items() if name in Order.__slots__}
    order = msgspec.convert(known, Order)
    pipeline, pinned = order.pipeline, read_pinned(job.objects, order.data)
    use = pinned[0].use
    named = f"{use.dataset}@v{use.version}"
    job.progress(0, 3, "step", f"reading {named}")
    cases = make_cases(
        pipeline,
        read_table(pinned[0], job.objects, threads=cores()),
        reference_queries(pinned, job.objects),
        root=job.workspace.root,
        temp=job.paths.directory,
        threads=cores(),
        cache=StepCache(job.workspace.cache, job.workspace.root, [each.use for each in pinned]),
    )
    if len(cases) < LEAST_ROWS:
        raise InvalidError(
            f"{named} has {text.counted(len(cases), 'case')} with a known truth; at least "
            f"{LEAST_ROWS} are needed to measure anything."
        )
    rows = np.arange(len(cases))
    job.progress(1, 3, "step", f"scoring {text.counted(len(cases), 'case')}")
    scores = verdict.package_scores(
        order.digest, cases, rows, pipeline, job.objects, job.workspace.root
    )
    job.progress(2, 3, "step", "measuring")
    judged = verdict.judged_rows(_described(order, len(cases), named), cases, rows, scores)
    results = judging.measure(judged, judging.metric_names(judged.holdout, ()))
    slices = judging.measure_slices(
        judged, judging.slice_metrics(judged.holdout, ()), job.check_cancelled
    )
    job.progress(3, 3, "step", f"measured on {text.counted(len(cases), 'case')}")
    return {
        "model": order.name,
        "data": named,
        "rows": len(cases),
        "was_trained_on": use.digest == order.trained_on,
        "results": msgspec.to_builtins(results),
        "slices": msgspec.to_builtins(slices),
    }


def _described(order: Order, count: int, named: str) -> Holdout:
    pipeline = order.pipeline
    return Holdout(
        rows=count,
        rows_digest="",
        description=named,
        judged_on=f"{named}, {text.counted(count, 'row')}",
        task=pipeline.task,
        positive=pipeline.positive if pipeline.task == "binary" else "",
        threshold=order.threshold,
        cost=pipeline.cost,
        metrics=pipeline.metrics,
        slices=pipeline.slices,
        seed=pipeline.seed,
    )
