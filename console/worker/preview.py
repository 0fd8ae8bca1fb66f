"""The job `preview`: what the steps of a pipeline make of a few rows, or of none to check them.

Called by `console.worker.main`. Nothing is stored; the result travels in the job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

from console import text
from console.errors import InvalidError
from console.flow.apply import Flow, FlowKind
from console.flow.columns import canonical
from console.rules import metrics as catalog
from console.rules.declared_table import nearest
from console.worker.context import JobContext
from console.worker.training.estimators import make_estimator
from console.worker.training.rows import (
    feature_columns,
    read_pinned,
    read_table,
    reference_queries,
)
from storage.records.pipelines import Pipeline, Step

ROWS_READ = 5000
"""So many input rows are run through the steps, so that a filter leaves something to show."""
CELL_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class _Look:
    """A pipeline with rows to run through it."""

    job: JobContext
    pipeline: Pipeline
    raw: pa.Table
    references: Mapping[str, str]

    def steps(self, flow: FlowKind) -> list[Step]:
        return [step for step in self.pipeline.steps if step.flow in (flow, "both")]

    def after(self, steps: Sequence[Step], flow: FlowKind) -> pa.Table:
        """The rows behind these steps."""
        if not steps:
            return self.raw
        made = Flow(steps, self.references, root=self.job.workspace.root)
        try:
            return made.run(self.raw, flow)
        finally:
            made.close()


def run(job: JobContext) -> dict[str, Any]:
    """Return columns and rows after the chosen step, or the columns after every step."""
    spec = job.spec
    pipeline = msgspec.convert(spec["pipeline"], Pipeline)
    pinned = read_pinned(job.objects, spec["data"])
    is_check = bool(spec["check_only"])
    source = pinned[0].use
    job.progress(0, 2, "step", f"reading {source.dataset}@v{source.version}")
    raw = canonical(
        read_table(pinned[0], job.objects, threads=1, limit=1 if is_check else ROWS_READ)
    )
    references = reference_queries(pinned, job.objects)
    if is_check:
        raw = raw.slice(0, 0)
        references = {
            name: f"(SELECT * FROM {query} LIMIT 0)" for name, query in references.items()
        }
    look = _Look(job, pipeline, raw, references)
    if is_check:
        return _checked(look)
    flow: FlowKind = spec["flow"]
    steps = look.steps(flow)
    if spec["step"]:
        names = [step.name for step in steps]
        if spec["step"] not in names:
            raise InvalidError(
                f"step {spec['step']!r} does not belong to the {flow} flow.",
                hint=nearest(spec["step"], names, "Its steps are"),
            )
        steps = steps[: names.index(spec["step"]) + 1]
    job.progress(1, 2, "step", f"running {text.listed([s.name for s in steps]) or 'no step'}")
    table = look.after(steps, flow)
    return {
        "flow": flow,
        "step": steps[-1].name if steps else "",
        "columns": [[field.name, str(field.type)] for field in table.schema],
        "rows": [
            [_cell(v) for v in row.values()] for row in table.slice(0, spec["limit"]).to_pylist()
        ],
        "input": f"{source.dataset}@v{source.version}",
        "rows_in": raw.num_rows,
        "rows_out": table.num_rows,
    }


def _checked(look: _Look) -> dict[str, Any]:
    """Bind every step to the columns it gets, and look for everything the declaration names."""
    pipeline = look.pipeline
    for name in pipeline.metrics:
        catalog.find(name)
    make_estimator(pipeline, pipeline.params, pipeline.seed)
    flows: dict[str, list[dict[str, Any]]] = {}
    final: dict[str, pa.Table] = {}
    kinds: tuple[FlowKind, ...] = ("training", "inference")
    for flow in kinds:
        steps = look.steps(flow)
        found = [{"name": "", "columns": _columns(look.raw)}]
        for number, step in enumerate(steps, 1):
            look.job.check_cancelled()
            final[flow] = look.after(steps[:number], flow)
            found.append({"name": step.name, "columns": _columns(final[flow])})
        flows[flow] = found
    _check_names(pipeline, flows["training"])
    trained = final.get("training", look.raw)
    features, types = feature_columns(pipeline, trained)
    served = final.get("inference", look.raw)
    for name in features:
        if name not in served.column_names:
            raise InvalidError(
                f"the training flow makes the feature {name!r} and the inference flow does not.",
                hint='Declare the step that makes it with flow = "both".',
                column=name,
            )
    return {
        "flows": flows,
        "features": [list(pair) for pair in zip(features, types, strict=True)],
        "target": pipeline.target,
        "estimator": pipeline.estimator,
    }


def _check_names(pipeline: Pipeline, steps: Sequence[Mapping[str, Any]]) -> None:
    """Everything a declaration names must be made by some step of the training flow."""
    made = list(dict.fromkeys(name for step in steps for name, _ in step["columns"]))
    named = {
        "target": (pipeline.target,),
        "split.column": (pipeline.split.column,) if pipeline.split.column else (),
        "slices": pipeline.slices,
        "row_id": pipeline.row_id,
    }
    for key, names in named.items():
        for name in names:
            if name not in made:
                raise InvalidError(
                    f"{key} of pipeline {pipeline.name} names the column {name!r}, which its "
                    "training flow does not make.",
                    hint=nearest(name, made, "It makes"),
                    column=name,
                )


def _columns(table: pa.Table) -> list[list[str]]:
    return [[field.name, str(field.type)] for field in table.schema]


def _cell(value: Any) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)[:CELL_CHARACTERS]
