"""Models: registered names, immutable versions, movable aliases, and what a version is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from storage.records.pipelines import Cost, Step, Task
from storage.records.results import Result, Verdict
from storage.records.runs import DataUse


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureField:
    """One column of a request."""

    name: str
    type: Literal["integer", "number", "boolean", "string", "timestamp"]
    is_required: bool = False
    """False = null and absence are allowed, as they were in training."""
    categories: tuple[str, ...] = ()
    """Values seen in training, at most 50; informational, others are accepted and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTable:
    """A reference dataset version pinned in a model."""

    name: str
    version: int
    digest: str
    manifest: str
    """Object digest of its chunk manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelManifest:
    """Everything a serving process needs, by digest. Stored as one JSON object; its digest is the
    model version's identity."""

    format: int = 1
    pipeline: str
    pipeline_digest: str
    task: Task
    estimator: str
    estimator_digest: str
    """Object digest of the joblib file; verified before it is loaded."""
    is_own: bool = True
    """Made by a job of this workspace; a foreign model needs an explicit trust decision."""
    inputs: tuple[SignatureField, ...]
    steps: tuple[Step, ...]
    """The inference flow in order, with text and digest."""
    references: tuple[ReferenceTable, ...] = ()
    features: tuple[str, ...]
    """Columns the estimator receives, in order."""
    feature_types: tuple[str, ...]
    """`number` or `category`, same length as features."""
    row_id: tuple[str, ...] = ()
    target: str
    classes: tuple[str, ...] = ()
    """Class labels in the order of predict_proba; empty for regression."""
    positive: str = ""
    threshold: float = 0.5
    cost: Cost = Cost()
    profile: str
    """Object digest of the Profile of the training features plus the column `score`."""
    sample: str = ""
    """Object digest of JSON with up to 1,000 input rows and the scores training gave them: the
    serving process proves at start that it gives the same."""
    calibration: str = ""
    """Object digest of JSON: score grid bin -> calibrated probability (label-free estimates)."""
    data: tuple[DataUse, ...] = ()
    run_id: int = 0
    environment: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    model: str
    version: int
    digest: str
    """Object digest of the ModelManifest."""
    run_id: int | None = None
    data: tuple[DataUse, ...] = ()
    metrics: dict[str, float]
    verdict: Verdict = "skipped"
    """Overall of its gates."""
    gate_counts: dict[str, int]
    """Verdict -> number of gates."""
    threshold: float = 0.5
    aliases: tuple[str, ...] = ()
    served_by: tuple[str, ...] = ()
    """`delays 90 %` …"""
    is_override: bool = False
    """Was promoted against its gates, with a reason in the ledger."""
    note: str = ""
    bytes: int = 0
    created_at: datetime
    created_by: str

    @property
    def name(self) -> str:
        return f"{self.model}@v{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    name: str
    description: str = ""
    version_count: int = 0
    latest_version: int | None = None
    champion: int | None = None
    challenger: int | None = None
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasChange:
    """One move of an alias; the newest says what it points to now."""

    model: str
    alias: str
    version: int | None
    previous: int | None = None
    at: datetime
    by: str
    reason: str = ""
    is_override: bool = False
    is_rollback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdChange:
    """A decision threshold set by a person, with the reason."""

    model: str
    version: int
    value: float
    previous: float | None = None
    at: datetime
    by: str
    reason: str = ""
    figures: dict[str, Any]
    """Recall, precision, cost … at the value, when it was chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """All gates of a model version, worst first."""

    model: str
    version: int
    results: tuple[Result, ...]
    verdict: Verdict
    judged_on: str = ""
    """`flights@v3, 5 401 rows held out`."""
    judged_at: datetime | None = None
    baseline: str = ""
    """`delays@v4`, when a champion was compared."""
    slices: tuple[Result, ...] = ()
    reasons: dict[str, str]
    """Gate name -> why the team asks for it."""
