"""Runs: start a training, list, look into, compare, repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.wire.routes import ANYONE, TRAIN, Nothing, Route
from storage.records.jobs import Job
from storage.records.runs import Aggregate, Run, RunComparison, RunDetail, RunDiff, SavedView


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRuns:
    pipeline: str = ""
    filter: str = ""
    """`metrics.roc_auc > 0.7 and params.max_depth < 8 and data = flights@v3`."""
    sort: str = ""
    """`-roc_auc,started`: fields, the first decides; empty = newest first."""
    limit: int = 500
    before: int = 0
    candidates: bool = False
    """Also the candidates of searches; a filter that names `parent` asks for them too."""
    metrics_at_most: int = 0
    """Metrics that each run carries, the first in reading order; 0 = all."""
    metrics: str = ""
    """Metrics that are carried besides, with commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunId:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRuns:
    ids: tuple[int, ...]
    """2 to 12; the baseline first."""
    aggregate: Aggregate = "last"
    """What stands for a metric with steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPair:
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRun:
    id: int
    note: str | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRunView:
    name: str
    filter: str = ""
    sort: tuple[str, ...] = ()
    group: str = ""
    hidden: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunViewName:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTraining:
    pipeline: str
    params: dict[str, Any]
    """Override declared estimator parameters."""
    data: dict[str, str]
    """Dataset -> version reference; others are taken at their latest version."""
    seed: int | None = None
    model: str = ""
    """Register the result under this name; empty = the pipeline's name."""
    note: str = ""
    priority: int = 0
    after: tuple[int, ...] = ()
    memory_bytes: int = 0
    """The job is ended when it holds more; 0 = what the workspace says."""
    time_s: float = 0.0
    """The job is ended when it runs longer; 0 = what the workspace says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSearch:
    """Fields left empty are taken from the pipeline's declared search."""

    pipeline: str
    space: dict[str, Any]
    """Parameter -> a list of values, or `{"low": …, "high": …}` with `log` or `step`."""
    params: dict[str, Any]
    """Parameters that stay fixed, instead of the declared ones."""
    data: dict[str, str]
    method: str = ""
    """`grid`, `random`, `halving`, `optuna`."""
    trials: int = 0
    minutes: float = 0.0
    metric: str = ""
    seed: int | None = None
    model: str = ""
    note: str = ""
    priority: int = 0
    after: tuple[int, ...] = ()
    memory_bytes: int = 0
    """The job is ended when it holds more; 0 = what the workspace says."""
    time_s: float = 0.0
    """The job is ended when it runs longer; 0 = what the workspace says."""


list_runs = Route(
    "list_runs", "GET", "/v1/runs", ANYONE, ListRuns, list[Run], "Runs, newest first."
)
get_run = Route(
    "get_run", "GET", "/v1/runs/{id}", ANYONE, RunId, RunDetail,
    "A run with its metrics, intervals, history and artifacts.",
)  # fmt: skip
compare_runs = Route(
    "compare_runs", "POST", "/v1/runs/compare", ANYONE, CompareRuns, RunComparison,
    "What differs between runs and whether the difference is more than noise.",
)  # fmt: skip
diff_runs = Route(
    "diff_runs", "GET", "/v1/runs/{before}/diff/{after}", ANYONE, RunPair, RunDiff,
    "What two runs were made with: data versions, declaration, code.",
)  # fmt: skip
note_run = Route(
    "note_run", "POST", "/v1/runs/{id}/note", TRAIN, NoteRun, Run, "Note something about a run."
)
reproduce_run = Route(
    "reproduce_run", "POST", "/v1/runs/{id}/reproduce", TRAIN, RunId, Job,
    "Train again with the recorded data, parameters and seed.",
)  # fmt: skip
start_training = Route(
    "start_training", "POST", "/v1/pipelines/{pipeline}/train", TRAIN, StartTraining, Job,
    "Train the pipeline's model on chosen data versions.",
)  # fmt: skip
start_search = Route(
    "start_search", "POST", "/v1/pipelines/{pipeline}/search", TRAIN, StartSearch, Job,
    "Look for parameters on the folds, then train the model with the best ones.",
)  # fmt: skip
list_run_views = Route(
    "list_run_views", "GET", "/v1/run-views", ANYONE, Nothing, list[SavedView],
    "How people like to look at runs.",
)  # fmt: skip
set_run_view = Route(
    "set_run_view", "POST", "/v1/run-views/{name}", TRAIN, SaveRunView, SavedView,
    "Keep a filter, an order, a grouping and columns under a name.",
)  # fmt: skip
remove_run_view = Route(
    "remove_run_view", "POST", "/v1/run-views/{name}/remove", TRAIN, RunViewName, Nothing,
    "Forget a view of runs.",
)  # fmt: skip
ROUTES = (
    start_training,
    start_search,
    list_runs,
    get_run,
    compare_runs,
    diff_runs,
    note_run,
    reproduce_run,
    list_run_views,
    set_run_view,
    remove_run_view,
)
