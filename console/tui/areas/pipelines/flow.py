"""A pipeline as one indented graph: every station, and which of the two flows passes it.

Pure: a pipeline's view and the last check of its columns in, rows and words out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console import text
from console.rules import metrics as catalog
from console.rules.lifecycle import FINAL
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import said
from console.tui.widgets.table_layout import Column
from console.wire.pipelines import PipelineView
from storage.records.jobs import Job
from storage.records.pipelines import Pipeline, Step
from storage.records.runs import Run

NAMES_AT_MOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One row of the graph."""

    key: str
    name: str
    kind: str
    is_trained: bool
    """The training flow passes it."""
    is_served: bool
    """The inference flow passes it: every request does the same."""
    what: str
    step: Step | None = None
    branch: str = "├ "
    made: Part = EMPTY
    """What it does to the columns, from the last check."""


def stations(view: PipelineView, check: Job | None) -> tuple[Station, ...]:
    """The graph from the input to the answer."""
    pipeline = view.pipeline
    changes = column_changes(check)
    version = f"v{view.input_version}" if view.input_version else "no data yet"
    rows = [
        Station(key="input", name=pipeline.input, kind="input", is_trained=True, is_served=True,
                what=f"{version}; a request brings the same columns", branch="",
                made=changes.get("", EMPTY)),
    ]  # fmt: skip
    if pipeline.references:
        rows.append(
            Station(key="references", name=", ".join(pipeline.references), kind="joined",
                    is_trained=True, is_served=True, what="pinned to their versions in the model")
        )  # fmt: skip
    rows += [
        Station(key=f"step:{step.name}", name=step.name, kind="sql" if step.sql else "python",
                is_trained=step.flow != "inference", is_served=step.flow != "training",
                what=step.source if step.sql else step.function, step=step,
                made=changes.get(step.name, EMPTY))
        for step in pipeline.steps
    ]  # fmt: skip
    return (*rows, *_ends(view))


def _ends(view: PipelineView) -> Iterator[Station]:
    """Split, fit and judgement of a training, the answer of a request."""
    pipeline, split = view.pipeline, view.pipeline.split
    by = f" by {split.column}" if split.column else ""
    last = "the last " if split.kind == "time" else ""
    folds = f", {split.folds} folds in the rest" if split.folds else ""
    held = f"{last}{text.percent(split.holdout_ratio, 0)} held out{by}{folds}"
    yield Station(key="split", name="split", kind=split.kind, is_trained=True, is_served=False,
                  what=held)  # fmt: skip
    estimator = pipeline.estimator.rpartition(".")[2].rpartition(":")[2]
    yield Station(key="fit", name="fit", kind=pipeline.task, is_trained=True, is_served=False,
                  what=f"{estimator}, {text.counted(len(pipeline.params), 'parameter')}, "
                       f"seed {pipeline.seed}")  # fmt: skip
    yield Station(key="judge", name="judge", kind="metrics", is_trained=True, is_served=False,
                  what=_judged_by(pipeline))  # fmt: skip
    answers = f"{view.champion} answers" if view.champion else "no champion yet"
    rule = f", yes from {pipeline.threshold:g}" if pipeline.task == "binary" else ""
    yield Station(key="answer", name="answer", kind="score", is_trained=False, is_served=True,
                  what=f"{answers}; {pipeline.target}{rule}", branch="└ ")  # fmt: skip


def _judged_by(pipeline: Pipeline) -> str:
    names = pipeline.metrics or catalog.DEFAULTS[pipeline.task]
    shown = [catalog.label_of(name) for name in names[:NAMES_AT_MOST]]
    if len(names) > NAMES_AT_MOST:
        shown.append(f"{len(names) - NAMES_AT_MOST} more")
    by = f", by {text.listed(pipeline.slices)}" if pipeline.slices else ""
    return f"{text.listed(shown)}{by}"


def columns() -> list[Column[Station]]:
    """The graph, its two lanes, what each station is."""

    def name(row: Station) -> Line:
        return Line((row.branch, "faint"), (row.name, "ink"))

    def lane(is_part: bool) -> Line:
        return Line(("●", "ink") if is_part else ("│", "faint"))

    return [
        Column(key="name", head="station", cell=name, least=14, is_name=True, is_pinned=True),
        Column(key="kind", head="kind", cell=lambda row: row.kind, ink="quiet", rank=70),
        Column(key="train", head="train", cell=lambda row: lane(row.is_trained), align="center",
               width=5, meaning="the training flow passes here"),
        Column(key="serve", head="serve", cell=lambda row: lane(row.is_served), align="center",
               width=5, gap=1, meaning="every request passes here"),
        Column(key="what", head="what", cell=lambda row: row.what, least=34, grow=1, ink="quiet"),
        Column(key="made", head="columns", cell=lambda row: row.made, align="right", least=8,
               rank=60, meaning="how many there are after it, from the last check"),
    ]  # fmt: skip


# ---------------------------------------------------------------------- checks


def is_check(job: Job) -> bool:
    return bool(job.spec.get("check_only"))


def of_pipeline(jobs: Sequence[Job], pipeline: Pipeline) -> list[Job]:
    """The checks and previews of one pipeline, newest first."""
    return [job for job in jobs if _declared(job).get("name") == pipeline.name]


def _declared(job: Job) -> Mapping[str, Any]:
    found = job.spec.get("pipeline")
    return found if isinstance(found, dict) else {}


def is_current(job: Job, pipeline: Pipeline) -> bool:
    """Whether it looked at the declaration as it is now."""
    return bool(_declared(job).get("digest") == pipeline.digest)


def column_changes(check: Job | None) -> dict[str, Part]:
    """Step -> how many columns there are after it, and how many of them are new."""
    found: dict[str, Part] = {}
    flows = check.result.get("flows", {}) if check is not None else {}
    for flow in ("inference", "training"):
        before: set[str] = set()
        for place, each in enumerate(flows.get(flow, ())):
            names = {str(column[0]) for column in each["columns"]}
            new = len(names - before) if place else 0
            more = Line((f"+{new} → ", "quiet")) if new else EMPTY
            found[str(each["name"])] = more + Line((str(len(names)), "ink"))
            before = names
    return found


def check_line(job: Job | None, pipeline: Pipeline) -> Line:
    """What the last check says of the declaration as it is now."""
    if job is None:
        return Line(("not checked yet", "quiet"))
    if job.state not in FINAL:
        return said(job.state, "is being checked")
    if not is_current(job, pipeline):
        return said("stale", "changed since its last check")
    if job.state != "succeeded":
        return said("fail", job.reason or "the check failed")
    features = len(job.result.get("features", ()))
    return said("ok", f"names and types fit, {text.counted(features, 'feature')}")


# ---------------------------------------------------------------------- freshness


def last_good(view: PipelineView) -> Run | None:
    return next((run for run in view.runs if run.state == "succeeded"), None)


def freshness(view: PipelineView) -> tuple[str, str]:
    """State and word: idle before the first run, stale, ok."""
    if view.input_version is None:
        return "idle", "no data"
    if last_good(view) is None:
        return "idle", "not trained"
    return ("stale", "stale") if view.is_stale else ("ok", "fresh")


def reason(view: PipelineView) -> str:
    """One sentence: why it is stale, or that it is not."""
    pipeline, last = view.pipeline, last_good(view)
    if view.input_version is None:
        return f"there is no version of {pipeline.input} yet"
    if last is None:
        return "no run has succeeded yet"
    if last.pipeline_digest != pipeline.digest:
        return f"the declaration changed since run {last.id}"
    seen = next((use.version for use in last.data if use.dataset == pipeline.input), None)
    if view.is_stale and seen is not None:
        newer = view.input_version - seen
        return (
            f"{pipeline.input} v{view.input_version} is {text.counted(newer, 'version')} newer "
            f"than what run {last.id} saw"
        )
    return f"run {last.id} saw the latest data and this declaration"


# ---------------------------------------------------------------------- text of a station


def text_of(row: Station, pipeline: Pipeline) -> list[str]:
    """What stands behind a station: the SQL, the function, the declared values."""
    if row.step is not None:
        return (row.step.sql or row.step.source or row.step.function).splitlines()
    if row.key == "fit":
        params = [f"{name} = {text.plain_value(value)}" for name, value in pipeline.params.items()]
        return [pipeline.estimator, "", *params]
    if row.key == "judge":
        cost = pipeline.cost
        return [
            *(pipeline.metrics or catalog.DEFAULTS[pipeline.task]),
            "",
            f"a false alarm costs {cost.false_positive:g}, a miss {cost.false_negative:g}",
        ]
    return [row.what]
