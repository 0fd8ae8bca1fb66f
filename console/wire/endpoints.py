"""Endpoints: start, watch, move traffic, replay, label."""

from __future__ import annotations

from dataclasses import dataclass

from console.wire.routes import ANYONE, OPERATE, WRITERS, Done, Nothing, Route
from storage.records.drift import DriftReport
from storage.records.endpoints import Endpoint, EndpointView, Label, RequestEvent
from storage.records.jobs import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointName:
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointWindow:
    endpoint: str
    window_s: float = 1800.0
    points: int = 120
    """Buckets wanted; the answer has at most so many, 10 s or longer each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartEndpoint:
    endpoint: str
    model: str = ""
    """Empty = as declared, else the endpoint's name."""
    version: str = "champion"
    port: int | None = None
    """None = as declared; 0 = any free port."""
    host: str = ""
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTraffic:
    endpoint: str
    weights: dict[str, float]
    """Version reference -> share; shares are normalised to sum to 1."""
    shadows: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequests:
    endpoint: str
    limit: int = 200
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartReplay:
    """Play rows of a data version as real HTTP requests, paced, with labels following."""

    endpoint: str
    dataset: str
    version: str = "latest"
    since: str = ""
    """Only rows at or after this time of the dataset's time column (ISO)."""
    until: str = ""
    rate: float = 50.0
    """Requests per second aimed for."""
    limit: int = 0
    """Requests at most, spread evenly over the chosen rows; 0 = all of them."""
    label_delay_s: float = 5.0
    label_ratio: float = 1.0
    """Share of requests whose truth becomes known."""
    shuffle: bool = False
    """Rows in random order instead of as stored; the seed is fixed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLabels:
    endpoint: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyName:
    endpoint: str
    name: str
    """Whose it is or what it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key as it is shown once; nothing keeps it."""

    endpoint: str
    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNames:
    endpoint: str
    names: tuple[str, ...]


list_endpoints = Route(
    "list_endpoints", "GET", "/v1/endpoints", ANYONE, Nothing, list[EndpointView],
    "Endpoints with their signals of the last minutes.",
)  # fmt: skip
get_endpoint = Route(
    "get_endpoint", "GET", "/v1/endpoints/{endpoint}", ANYONE, EndpointWindow, EndpointView,
    "Rate, errors, latency, saturation and accuracy of an endpoint over a window.",
)  # fmt: skip
start_endpoint = Route(
    "start_endpoint", "POST", "/v1/endpoints/{endpoint}/start", OPERATE, StartEndpoint,
    Endpoint, "Serve a model version over HTTP.",
)  # fmt: skip
stop_endpoint = Route(
    "stop_endpoint", "POST", "/v1/endpoints/{endpoint}/stop", OPERATE, EndpointName, Endpoint,
    "Drain and stop an endpoint.",
)  # fmt: skip
set_traffic = Route(
    "set_traffic", "POST", "/v1/endpoints/{endpoint}/traffic", OPERATE, SetTraffic, Endpoint,
    "Share an endpoint's traffic between versions: canary, shadow, all of it.",
)  # fmt: skip
get_endpoint_drift = Route(
    "get_endpoint_drift", "GET", "/v1/endpoints/{endpoint}/drift", ANYONE, EndpointWindow,
    DriftReport, "Which features moved away from what the serving version was trained on.",
)  # fmt: skip
list_requests = Route(
    "list_requests", "GET", "/v1/endpoints/{endpoint}/requests", ANYONE, ListRequests,
    list[RequestEvent], "The latest requests, newest first.",
)  # fmt: skip
start_replay = Route(
    "start_replay", "POST", "/v1/endpoints/{endpoint}/replay", WRITERS, StartReplay, Job,
    "Send the rows of a data version to an endpoint as real requests.",
)  # fmt: skip
add_labels = Route(
    "add_labels", "POST", "/v1/endpoints/{endpoint}/labels", WRITERS, AddLabels, Done,
    "Tell what became of earlier requests.",
)  # fmt: skip
add_endpoint_key = Route(
    "add_endpoint_key", "POST", "/v1/endpoints/{endpoint}/keys", OPERATE, KeyName, NewKey,
    "Make an API key; from the first one on every caller needs one.",
)  # fmt: skip
remove_endpoint_key = Route(
    "remove_endpoint_key", "POST", "/v1/endpoints/{endpoint}/keys/remove", OPERATE, KeyName, Done,
    "Let a key be worth nothing from now on.",
)  # fmt: skip
list_endpoint_keys = Route(
    "list_endpoint_keys", "GET", "/v1/endpoints/{endpoint}/keys", OPERATE, EndpointName, KeyNames,
    "Names of an endpoint's API keys; the keys themselves are kept nowhere.",
)  # fmt: skip
ROUTES = (
    list_endpoints, get_endpoint, start_endpoint, stop_endpoint, set_traffic, get_endpoint_drift,
    list_requests, start_replay, add_labels, add_endpoint_key, remove_endpoint_key,
    list_endpoint_keys,
)  # fmt: skip
