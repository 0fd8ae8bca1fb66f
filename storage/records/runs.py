"""Runs: what a training execution used and what it measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from storage.records.results import Result

RunState = Literal["running", "succeeded", "failed", "cancelled", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse:
    """One dataset version a run or model was made from."""

    dataset: str
    version: int
    digest: str
    role: Literal["input", "reference"] = "input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Equal to its job's id for a training; candidates of a search have a parent."""

    id: int
    job_id: int
    parent_id: int | None = None
    pipeline: str
    pipeline_digest: str = ""
    state: RunState
    params: dict[str, Any]
    """Estimator parameters after defaults of the declaration; JSON values."""
    seed: int = 0
    data: tuple[DataUse, ...] = ()
    code: dict[str, str]
    """`commit`, `branch`, `is_dirty`, `diff` (object digest) …; empty outside git."""
    environment: dict[str, str]
    """Python, platform, processor and package versions."""
    started_at: datetime
    ended_at: datetime | None = None
    duration_s: float | None = None
    peak_rss_bytes: int | None = None
    rows_train: int = 0
    rows_holdout: int = 0
    holdout: str = ""
    """What the holdout is, e.g. `2013-03-12 to 2013-03-31`."""
    metrics: dict[str, float]
    """Last value of every summary metric; intervals are in `results`."""
    model: str = ""
    """`delays@v5` when the run was registered."""
    note: str = ""
    tags: tuple[str, ...] = ()
    created_by: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPoint:
    """One value of a metric's history."""

    metric: str
    """`valid_log_loss`, `fold_roc_auc` …"""
    step: int
    value: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """How somebody likes to look at runs; names are fields of the filter language."""

    name: str
    filter: str = ""
    sort: tuple[str, ...] = ()
    """The first decides; metrics the best first, all else the smallest. `-` turns it round."""
    group: str = ""
    hidden: tuple[str, ...] = ()
    """Columns put away."""
    columns: tuple[str, ...] = ()
    """Columns taken besides the usual ones."""
    saved_by: str = ""
    saved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    name: str
    """`evaluation`, `importance`, `score_grid`, `calibration`, `model` …"""
    kind: Literal["json", "parquet", "joblib", "text", "image"]
    digest: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSummary:
    """How the parameters of a run were found."""

    method: str
    metric: str
    tried: int
    chosen: int
    """Number of the candidate, from 1."""
    best: int
    """The one with the best mean; the chosen one is the quickest within its standard error."""
    importance: tuple[tuple[str, float], ...] = ()
    """Share of the differences each parameter explains, largest first; empty with few tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """A run with everything a screen shows about it."""

    run: Run
    results: tuple[Result, ...] = ()
    """Holdout metrics with intervals, overall first, then slices."""
    folds: tuple[Result, ...] = ()
    """The main metrics by fold, scope `fold:1` …"""
    points: tuple[MetricPoint, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    importance: tuple[tuple[str, float], ...] = ()
    """Feature and permutation importance, largest first."""
    candidates: int = 0
    """Runs that have this one as their parent."""
    search: SearchSummary | None = None
    changes: str = ""
    """The uncommitted changes it was made with, as git tells them."""


Word = Literal["base", "better", "worse", "unclear", "noise", "plain", "not comparable"]
"""What a difference says. `plain`: not judged on rows, such as the size of a model."""
Aggregate = Literal["last", "min", "max", "best"]
"""How a history becomes one number; `best` follows the metric's direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A metric of one run over its steps, in rising order; both (n_steps,)."""

    run_id: int
    metric: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricComparison:
    """One metric across compared runs; values in the order of the runs, the baseline first."""

    metric: str
    values: tuple[float | None, ...]
    deltas: tuple[float | None, ...]
    """value − baseline."""
    ci_low: tuple[float | None, ...] = ()
    """Paired 95 % interval of each delta; None where it cannot be paired."""
    ci_high: tuple[float | None, ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryComparison:
    """One metric with steps across compared runs, condensed to a number per run."""

    metric: str
    values: tuple[float | None, ...]
    at_steps: tuple[int | None, ...]
    """The step that each value is of."""
    deltas: tuple[float | None, ...]
    """value − baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Held-out rows of similar score: their mean score, and the share that turned out positive."""

    n: int
    score: float
    seen: float
    low: float
    """Wilson interval of `seen`."""
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """Runs side by side, the baseline first."""

    runs: tuple[Run, ...]
    params: tuple[tuple[str, tuple[str, ...]], ...]
    """Name and one text per run; `absent` where a run has no such parameter."""
    data: tuple[tuple[str, tuple[str, ...]], ...]
    code: tuple[tuple[str, tuple[str, ...]], ...]
    metrics: tuple[MetricComparison, ...]
    equal_count: int
    """Rows that are the same everywhere and hidden by default."""
    words: tuple[str, ...]
    """The result in plain sentences."""
    apart: tuple[str, ...] = ()
    """Per run: why nothing of it could be compared row by row with the baseline; else empty."""
    histories: tuple[History, ...] = ()
    """Metrics with steps of all runs, for curves."""
    aggregate: Aggregate = "last"
    condensed: tuple[HistoryComparison, ...] = ()
    importance: tuple[tuple[str, tuple[float | None, ...]], ...] = ()
    """Feature and what each run loses without it; the largest anywhere first."""
    calibration: tuple[tuple[CalibrationBin, ...], ...] = ()
    """Per run; empty for a run without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """What two runs were made with, where that differs; texts are unified diffs, empty = equal."""

    before: int
    after: int
    data: tuple[tuple[str, int, int], ...]
    """Dataset, its version in each run; 0 = not used."""
    declaration: str
    """Of the pipeline as each job was given it."""
    code: str
    """From one commit to the other."""
    uncommitted: str
    """Of what each run had besides its commit."""
    notes: tuple[str, ...] = ()
    """What could not be compared."""
