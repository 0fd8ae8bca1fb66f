"""Alerts: a watched quantity that needs a person, with its history and the chain to its cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.records.results import Result

AlertState = Literal["firing", "acknowledged", "silenced", "resolved"]
AlertKind = Literal["drift", "latency", "errors", "accuracy", "saturation", "no-data", "slo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """Declared in mlops.toml under an endpoint."""

    name: str
    kind: AlertKind
    endpoint: str
    metric: str
    """`psi`, `p99_ms`, `error_ratio`, `recall` …"""
    must: float
    """The limit; beyond it the rule fails."""
    direction: Literal["ge", "le"] = "le"
    window_s: float = 300.0
    min_count: int = 200
    """Requests or labels needed before it is judged."""
    action: Literal["none", "rollback", "retrain"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    id: int
    rule: str
    kind: AlertKind
    endpoint: str
    column: str = ""
    """The feature that moved (drift)."""
    version: int | None = None
    state: AlertState
    severity: Literal["warn", "fail"] = "fail"
    title: str
    """`humid moved, PSI 0.41; delays v4 never saw this`."""
    value: float | None = None
    limit: float | None = None
    result: Result
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None = None
    acknowledged_by: str = ""
    silenced_until: datetime | None = None
    note: str = ""
    occurrence_count: int = 1
    """Evaluations that found it raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    alert_id: int
    at: datetime
    state: AlertState
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseStep:
    """One link of the chain alert -> column -> data -> versions."""

    kind: Literal["alert", "column", "data", "version", "run"]
    title: str
    detail: str
    target: str
    """What enter opens: `alert:56`, `drift:delays/humid`, `model:delays@v4`."""
    verdict: Literal["pass", "warn", "fail", "inconclusive", "none"] = "none"
    before: tuple[float, ...] = ()
    """Histogram shares on common bins; empty when there is none."""
    after: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Something that would help, with the numbers it would give and the command that does it."""

    title: str
    outcome: str
    """`recall 0.696, +92 alerts a day`; empty when unknown."""
    verdict: Literal["pass", "warn", "fail", "inconclusive", "none"] = "none"
    action: str
    """Route name, e.g. `rollback_model`, `start_training`, `set_threshold`."""
    arguments: dict[str, str]
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDetail:
    alert: Alert
    events: tuple[AlertEvent, ...]
    causes: tuple[CauseStep, ...]
    remedies: tuple[Remedy, ...]
