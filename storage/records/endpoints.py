"""Endpoints: HTTP addresses that predict, what passes through them, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

EndpointState = Literal["stopped", "starting", "ready", "draining", "failed", "lost"]
Outcome = Literal["ok", "invalid", "overload", "timeout", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A share of an endpoint's traffic."""

    version: int
    digest: str
    """Object digest of the ModelManifest."""
    weight: float
    """0..1; the routes' weights sum to 1. A shadow has weight 0 and never answers."""
    threshold: float
    is_shadow: bool = False
    name: str = ""
    """`champion`, `canary`, `shadow`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLimits:
    in_flight: int = 64
    """Requests being predicted or waiting; one more is answered 503 with Retry-After."""
    batch_rows: int = 256
    timeout_s: float = 2.0
    body_bytes: int = 4 * 2**20
    rows: int = 10_000
    """Rows in one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    """The file a serving process watches; replaced atomically."""

    name: str
    model: str
    host: str = "127.0.0.1"
    port: int
    routes: tuple[Route, ...]
    limits: EndpointLimits = EndpointLimits()
    generation: int = 1
    """Grows with every change; the process reports the one it serves."""
    threads: int = 1
    sample_ratio: float = 1.0
    """Share of requests whose features are journalled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    name: str
    model: str
    host: str = "127.0.0.1"
    port: int
    state: EndpointState
    desired: Literal["started", "stopped"] = "started"
    routes: tuple[Route, ...] = ()
    generation: int = 1
    served_generation: int = 0
    """What the process confirmed; smaller than `generation` while it is changing over."""
    pid: int | None = None
    pid_started_at: float | None = None
    boot_id: str = ""
    started_at: datetime | None = None
    state_since: datetime | None = None
    reason: str = ""
    limits: EndpointLimits = EndpointLimits()
    threads: int = 1
    latency_limit_ms: float = 200.0
    """Answers are counted against it as they arrive; as declared at the time."""
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEvent:
    """One predicted row, as the serving process journalled it."""

    request_id: str
    endpoint: str
    at: datetime
    version: int
    outcome: Outcome
    status: int
    latency_ms: float
    queue_ms: float = 0.0
    score: float | None = None
    decision: bool | None = None
    is_shadow: bool = False
    features: str = ""
    """JSON of the model's features; empty when not sampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The truth about a request, possibly revised."""

    request_id: str
    endpoint: str
    label: float
    """1/0 for classes, the value for regression."""
    event_at: datetime | None = None
    received_at: datetime
    revision: int = 1
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalPoint:
    """Golden signals of one bucket of time; None where nothing was measured."""

    at: datetime
    """Start of the bucket."""
    width_s: float
    rate: float
    """Requests per second."""
    error_ratio: float | None = None
    """Server errors and timeouts / requests; invalid input is not an error of the server."""
    invalid_ratio: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    queue_p95_ms: float | None = None
    positive_ratio: float | None = None
    """Share of yes decisions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """How full the endpoint is, each 0..1 of its limit; the largest one leads."""

    at: datetime
    in_flight: float = 0.0
    queue_wait: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0
    event_loop: float = 0.0
    disk: float = 0.0
    rss_bytes: int = 0
    dropped_count: int = 0
    """Telemetry documents given up because the spool was full."""

    @property
    def leader(self) -> tuple[str, float]:
        pairs = [
            ("in flight", self.in_flight),
            ("queue wait", self.queue_wait),
            ("cpu", self.cpu),
            ("memory", self.memory),
            ("event loop", self.event_loop),
            ("disk", self.disk),
        ]
        return max(pairs, key=lambda pair: pair[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyPoint:
    """Quality of the predictions made in one bucket of time."""

    at: datetime
    width_s: float
    n: int
    """Predictions."""
    labelled: int
    realised: float | None = None
    realised_low: float | None = None
    realised_high: float | None = None
    estimated: float | None = None
    """Without labels, if the relationship of training still holds."""
    estimated_low: float | None = None
    estimated_high: float | None = None
    is_mature: bool = False
    """At least 95 % of its labels are expected to have arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointMark:
    """An event worth a line through the charts."""

    at: datetime
    text: str
    """`v5 10 %`, `rollback to v4`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionTraffic:
    """One version's part of a window."""

    version: int
    name: str
    requests: int
    p50_ms: float | None
    p99_ms: float | None
    error_ratio: float | None
    positive_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """What the serving screen and `endpoint show` draw, for one window."""

    endpoint: Endpoint
    window_s: float
    now: SignalPoint | None
    """The last complete bucket of 10 s."""
    points: tuple[SignalPoint, ...] = ()
    saturation: Saturation | None = None
    versions: tuple[VersionTraffic, ...] = ()
    accuracy_metric: str = "accuracy"
    accuracy: tuple[AccuracyPoint, ...] = ()
    accuracy_reference: float | None = None
    """The same metric on the holdout of the serving version."""
    accuracy_must: float | None = None
    label_coverage: float | None = None
    """Labelled / predictions in the window, 0..1."""
    latency_limit_ms: float | None = None
    error_limit_ratio: float | None = None
    slo_budget_left: float | None = None
    """Share of the error budget left, 0..1."""
    slo_burn: float | None = None
    marks: tuple[EndpointMark, ...] = ()
    sampled_at: datetime | None = None
    total_requests: int = 0
