"""Models: versions, gates, thresholds, promotion and the way back."""

from __future__ import annotations

from dataclasses import dataclass

from console.wire.routes import ANYONE, MODEL, TRAIN, Nothing, Route
from storage.records.jobs import Job
from storage.records.models import (
    AliasChange,
    GateReport,
    Model,
    ModelManifest,
    ModelVersion,
    ThresholdChange,
)
from storage.records.people import Approval
from storage.records.pipelines import Cost
from storage.records.runs import RunDetail
from storage.records.thresholds import ScoreGrid


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """`version`: `5`, `v5`, `latest` or an alias such as `champion`."""

    model: str
    version: str = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDetail:
    version: ModelVersion
    manifest: ModelManifest
    gates: GateReport
    run: RunDetail | None = None
    thresholds: tuple[ThresholdChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdView:
    """What the inspector needs to move the threshold without asking again."""

    model: str
    version: int
    grid: ScoreGrid
    threshold: float
    """The one in force."""
    cost: Cost
    rows_per_day: float | None = None
    """Traffic now, for the alerts a day; None when it is not served."""
    history: tuple[ThresholdChange, ...] = ()
    judged_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetThreshold:
    model: str
    version: str
    value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteModel:
    model: str
    version: str
    alias: str = "champion"
    reason: str = ""
    override: bool = False
    """Against failing or inconclusive gates; needs a reason and is recorded as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The alias moved, or waits for somebody else's yes."""

    change: AliasChange | None = None
    approval: Approval | None = None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackModel:
    model: str
    alias: str = "champion"
    version: str = ""
    """Empty = the version the alias pointed to before."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportModel:
    model: str
    version: str = "latest"
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportModel:
    model: str
    path: str
    trust: bool = False
    """A foreign file runs code when loaded: needs an explicit yes, kept in the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureModel:
    """A model version on the rows of a data version."""

    model: str
    version: str = "latest"
    data: str = ""
    """`NAME@VERSION`; empty = the latest of what it was trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictModel:
    """The scores of a data version in a file."""

    model: str
    version: str = "latest"
    data: str = ""
    """`NAME@VERSION`; empty = the latest of what it was trained on."""
    path: str
    """Absolute."""
    format: str = ""
    """`parquet`, `csv`, `arrow`; empty = by the name."""
    overwrite: bool = False


list_models = Route(
    "list_models", "GET", "/v1/models", ANYONE, Nothing, list[Model], "Registered models."
)
list_model_versions = Route(
    "list_model_versions", "GET", "/v1/models/{model}/versions", ANYONE, ModelName,
    list[ModelVersion], "Versions of a model, newest first, with verdict and aliases.",
)  # fmt: skip
get_model = Route(
    "get_model", "GET", "/v1/models/{model}/versions/{version}", ANYONE, ModelRef, ModelDetail,
    "A model version: what it is made of, how it was judged, where it serves.",
)  # fmt: skip
get_gates = Route(
    "get_gates", "GET", "/v1/models/{model}/versions/{version}/gates", ANYONE, ModelRef,
    GateReport, "Every gate with estimate, interval, margin and verdict, worst first.",
)  # fmt: skip
check_gates = Route(
    "check_gates", "POST", "/v1/models/{model}/versions/{version}/gates", TRAIN, ModelRef, Job,
    "Judge a model version again, against the champion of now.",
)  # fmt: skip
get_threshold = Route(
    "get_threshold", "GET", "/v1/models/{model}/versions/{version}/threshold", ANYONE, ModelRef,
    ThresholdView, "Scores of both classes on a grid: what every threshold would cost.",
)  # fmt: skip
set_threshold = Route(
    "set_threshold", "POST", "/v1/models/{model}/versions/{version}/threshold", MODEL,
    SetThreshold, ThresholdChange, "Move the decision threshold; endpoints follow at once.",
)  # fmt: skip
promote_model = Route(
    "promote_model", "POST", "/v1/models/{model}/versions/{version}/promote", MODEL,
    PromoteModel, Promotion, "Point an alias at a version whose gates pass.",
)  # fmt: skip
rollback_model = Route(
    "rollback_model", "POST", "/v1/models/{model}/rollback", MODEL, RollbackModel, Promotion,
    "Point an alias back to the version before; endpoints follow at once.",
)  # fmt: skip
list_alias_changes = Route(
    "list_alias_changes", "GET", "/v1/models/{model}/history", ANYONE, ModelName,
    list[AliasChange], "Which version every alias pointed to, when, by whom and why.",
)  # fmt: skip
measure_model = Route(
    "measure_model", "POST", "/v1/models/{model}/versions/{version}/measure", TRAIN, MeasureModel,
    Job, "Measure a model version on the rows of a data version.",
)  # fmt: skip
predict_model = Route(
    "predict_model", "POST", "/v1/models/{model}/versions/{version}/predict", TRAIN, PredictModel,
    Job, "Write the scores of a whole data version to a file.",
)  # fmt: skip
export_model = Route(
    "export_model", "POST", "/v1/models/{model}/versions/{version}/export", MODEL, ExportModel,
    Job, "Write a model version with its flow and references into one file.",
)  # fmt: skip
import_model = Route(
    "import_model", "POST", "/v1/models/{model}/import", MODEL, ImportModel, Job,
    "Register a model version from a file.",
)  # fmt: skip
ROUTES = (
    list_models, list_model_versions, get_model, get_gates, check_gates, get_threshold,
    set_threshold, promote_model, rollback_model, list_alias_changes, measure_model, predict_model,
    export_model, import_model,
)  # fmt: skip
