"""Runs: start a training, list, look into, compare, repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.wire.routes import ANYONE, TRAIN, Route
from storage.records.jobs import Job
from storage.records.runs import Run, RunComparison, RunDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRuns:
    pipeline: str = ""
    filter: str = ""
    """`metrics.roc_auc > 0.7 and params.max_depth < 8 and data = flights@v3`."""
    limit: int = 500
    before: int = 0
    candidates: bool = False
    """Also the candidates of searches; a filter that names `parent` asks for them too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunId:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRuns:
    ids: tuple[int, ...]
    """2 to 12; the baseline first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRun:
    id: int
    note: str | None = None
    tags: tuple[str, ...] | None = None


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
ROUTES = (start_training, start_search, list_runs, get_run, compare_runs, note_run, reproduce_run)
