"""Pipelines: the declared flows, checked and previewed without training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from console.wire.routes import ANYONE, TRAIN, Nothing, Route
from storage.records.jobs import Job
from storage.records.pipelines import Pipeline
from storage.records.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineName:
    pipeline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineView:
    pipeline: Pipeline
    runs: tuple[Run, ...] = ()
    """The last 10, newest first."""
    input_version: int | None = None
    """Latest version of the input dataset; None = no data yet."""
    champion: str = ""
    """`delays@v4`."""
    last_run_at: datetime | None = None
    is_stale: bool = False
    """There is newer data, or a changed declaration, than the last successful run saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewPipeline:
    pipeline: str
    step: str = ""
    """Rows after this step; empty = after the last one."""
    flow: str = "training"
    limit: int = 50
    check_only: bool = False
    """Only the columns and types after every step, on zero rows."""


list_pipelines = Route(
    "list_pipelines", "GET", "/v1/pipelines", ANYONE, Nothing, list[PipelineView],
    "The declared pipelines and their last runs.",
)  # fmt: skip
get_pipeline = Route(
    "get_pipeline", "GET", "/v1/pipelines/{pipeline}", ANYONE, PipelineName, PipelineView,
    "One pipeline with its steps.",
)  # fmt: skip
preview_pipeline = Route(
    "preview_pipeline", "POST", "/v1/pipelines/{pipeline}/preview", TRAIN, PreviewPipeline, Job,
    "Run the steps on a few rows, or on none to check names and types.",
)  # fmt: skip
ROUTES = (list_pipelines, get_pipeline, preview_pipeline)
