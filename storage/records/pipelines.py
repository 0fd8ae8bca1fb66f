"""The declared way from datasets to features to a model; one declaration, two flows.

A step belongs to the training flow, the inference flow or both. What is shared travels inside the
model by text and digest, so that a request passes the very steps the training rows passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Flow = Literal["training", "inference", "both"]
SplitKind = Literal["time", "group", "stratified", "random"]
Task = Literal["binary", "multiclass", "regression"]
SearchMethod = Literal["grid", "random", "halving", "optuna"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transformation of `this`. Exactly one of `sql` and `function` is set."""

    name: str
    flow: Flow = "both"
    sql: str = ""
    """Text of one SELECT; reads the table `this` and the reference tables by name."""
    function: str = ""
    """`module:function`, importable from the workspace directory; DataFrame or Arrow in and out."""
    source: str = ""
    """The file it was read from, or the text of the Python module: part of the digest."""
    digest: str = ""
    """sha256 over flow, text and source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    kind: SplitKind = "random"
    column: str = ""
    """Time or group column; required for `time` and `group`."""
    holdout_ratio: float = 0.2
    """Share of rows held out for judging; the latest rows for `time`."""
    folds: int = 3
    """Cross-validation folds inside the remaining rows; 0 = none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a decision costs or gains, in the team's own unit per case."""

    false_positive: float = 1.0
    false_negative: float = 1.0
    true_positive_gain: float = 0.0
    true_negative_gain: float = 0.0
    review: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How parameters are looked for; judged on the folds, never on the holdout."""

    method: SearchMethod = "random"
    """`grid`: every combination; `halving`: many on few rows, the better ones on more."""
    trials: int = 20
    """Candidates at most."""
    minutes: float = 0.0
    """No candidate is begun after that; 0 = no limit."""
    metric: str = ""
    """Catalog name; empty = the leading metric of the pipeline."""
    space: dict[str, Any]
    """Parameter -> a list of values, or `{ low, high }` with `log = true` or a `step`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    name: str
    description: str = ""
    input: str
    """The dataset whose rows are cases."""
    references: tuple[str, ...] = ()
    """Datasets the steps may join; pinned to their versions in the model."""
    steps: tuple[Step, ...] = ()
    target: str
    row_id: tuple[str, ...] = ()
    """Columns that name a case in requests and labels."""
    positive: str = "1"
    """The class that counts as yes, as text (binary)."""
    task: Task = "binary"
    split: Split = Split()
    estimator: str
    """Class path or `module:factory`."""
    params: dict[str, Any] = field(default_factory=dict)
    preprocess: Literal["auto", "none"] = "auto"
    metrics: tuple[str, ...] = ()
    """Catalog names; empty = the defaults of the task."""
    slices: tuple[str, ...] = ()
    """Columns (of the features or the input) whose groups are judged by themselves."""
    threshold: float = 0.5
    """Decision threshold a new model starts with."""
    cost: Cost = Cost()
    seed: int = 0
    backend: str = ""
    """Where fits run: empty = threads of the worker; `dask://host:port` = a Dask scheduler."""
    search: Search | None = None
    digest: str = ""
    """sha256 over everything above that shapes a model: not the search, not the backend."""
