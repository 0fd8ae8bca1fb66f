"""What people declare in `mlops.toml`: intent, reviewed like code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from storage.records.alerts import AlertRule
from storage.records.endpoints import EndpointLimits
from storage.records.gates import Gate
from storage.records.pipelines import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredDataset:
    name: str
    note: str = ""
    source: str = ""
    """Where its files usually come from, relative to the workspace; a hint for people."""
    key: tuple[str, ...] = ()
    time_column: str = ""
    contract: str = ""
    """Path of an ODCS file relative to the workspace; empty = no contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredEndpoint:
    name: str
    model: str
    port: int = 0
    """0 = any free port at the first start, kept afterwards."""
    host: str = "127.0.0.1"
    threads: int = 1
    limits: EndpointLimits = EndpointLimits()
    latency_limit_ms: float = 200.0
    """Limit drawn in the latency chart and used by the latency SLO."""
    latency_slo: float = 0.99
    """Share of requests that must be within the limit."""
    error_slo: float = 0.995
    """Share of requests that must be answered without a server error."""
    accuracy_metric: str = "accuracy"
    accuracy_must: float | None = None
    rules: tuple[AlertRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPerson:
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredLimits:
    """What every job may use unless its command says otherwise; 0 = as much as there is."""

    memory_gb: float = 0.0
    """Of all its processes together, in units of 1e9 bytes."""
    minutes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """The whole file, checked. `digest` changes with the file and everything it names."""

    name: str
    mode: Literal["solo", "team", "demo"] = "solo"
    """`team` asks for a second pair of eyes at promotion; `demo` marks every screen."""
    datasets: dict[str, DeclaredDataset]
    pipelines: dict[str, Pipeline]
    gates: dict[str, tuple[Gate, ...]]
    """Model name -> its gates."""
    endpoints: dict[str, DeclaredEndpoint]
    people: tuple[DeclaredPerson, ...] = ()
    jobs_at_once: int = 0
    """0 = from cores and memory."""
    limits: DeclaredLimits = DeclaredLimits()
    """Of one job."""
    retention_days: int = 30
    """Raw request events older than this move to Parquet files; roll-ups stay a year."""
    archive_days: int = 365
    """Files of archived requests are removed after so many days; 0 = never."""
    digest: str = ""
