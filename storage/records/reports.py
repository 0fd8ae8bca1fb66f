"""What children tell the agent through their journals: a short tag and one record.

Workers and serving processes write `{"t": tag, "d": record}`; the agent turns `d` into the class
named here and applies it in the transaction that moves the journal's offset. A tag that is not in
this table is counted as bad and kept out of the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.records.datasets import DatasetVersion
from storage.records.endpoints import Label, RequestEvent, Saturation
from storage.records.jobs import Progress
from storage.records.models import GateReport
from storage.records.results import Result
from storage.records.runs import Artifact, MetricPoint, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run as far as it is known; later reports of the same run replace earlier ones."""

    run: Run
    trial: int = 0
    """0 = the job's own run; n > 0 = the n-th candidate of a search, with an id of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults:
    """Measured results of a run: `kind` says which list they belong to and replaces that list."""

    kind: str
    """`holdout`, `fold`, `slice`."""
    results: tuple[Result, ...]
    trial: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPoints:
    points: tuple[MetricPoint, ...]
    trial: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArtifact:
    artifact: Artifact
    trial: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionReport:
    """A dataset version is complete on disk. `version` 0 = the agent gives the number."""

    version: DatasetVersion
    results: tuple[Result, ...] = ()
    """Contract results."""
    has_changed: bool = True
    """False = the content is that of the version `version.version`, nothing new is recorded."""
    key: tuple[str, ...] = ()
    """Columns that identify a row; empty = none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReport:
    """A model is complete on disk and wants to be registered. Version 0 = the agent numbers it."""

    model: str
    digest: str
    run_id: int
    bytes: int
    threshold: float
    gates: GateReport


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesReport:
    """A model version was judged again."""

    gates: GateReport


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """The worker's own word about its end; the exit status decides when they disagree."""

    ok: bool
    reason: str = ""
    hint: str = ""
    kind: str = ""
    """Kind of refusal (see the error table) when it failed."""
    result: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureWindow:
    """Counts of served feature values on the bins of the model's profile, for one bucket of time.

    `counts[column]` has one entry per bin of that column's profile (numeric), or per `top` value
    plus `other` plus `new` (categorical), followed by one entry for nulls.
    """

    endpoint: str
    version: int
    at: datetime
    width_s: float
    rows: int
    counts: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStatus:
    """The serving process confirms what it serves, or says why it cannot."""

    endpoint: str
    at: datetime
    state: str
    """`starting`, `ready`, `draining`, `failed`."""
    generation: int
    reason: str = ""
    self_check: str = ""
    """`1 000 of 1 000 sample scores equal`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointGauge:
    endpoint: str
    saturation: Saturation


REPORTS: dict[str, type[Any]] = {
    "progress": Progress,
    "run": RunReport,
    "results": RunResults,
    "points": RunPoints,
    "artifact": RunArtifact,
    "version": VersionReport,
    "model": ModelReport,
    "gates": GatesReport,
    "end": JobEnd,
    "request": RequestEvent,
    "label": Label,
    "window": FeatureWindow,
    "status": EndpointStatus,
    "gauge": EndpointGauge,
}
TAGS: dict[type[Any], str] = {record: tag for tag, record in REPORTS.items()}
