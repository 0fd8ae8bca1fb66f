"""Handlers: endpoints. They say what is wanted; `EndpointProcesses` brings it about."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

from console import errors
from console.agent import (
    endpoint_drift,
    endpoint_keys,
    endpoint_view,
    ports,
    replays,
    shares,
)
from console.agent.context import Call
from console.agent.model_lookup import find_version
from console.agent.rows.jobs import queue_job
from console.wire.endpoints import (
    AddLabels,
    EndpointName,
    EndpointWindow,
    KeyName,
    KeyNames,
    ListRequests,
    NewKey,
    SetTraffic,
    StartEndpoint,
    StartReplay,
)
from console.wire.routes import Done, Nothing
from storage.records.declared import DeclaredEndpoint
from storage.records.drift import DriftReport
from storage.records.endpoints import Endpoint, EndpointView, RequestEvent
from storage.records.endpoints import Route as TrafficRoute
from storage.records.jobs import Job
from storage.records.models import ModelVersion
from storage.tables import endpoints, models, traffic
from storage.workspace import check_id

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LIST_WINDOW_S = 600.0


async def list_endpoints(call: Call, _request: Nothing) -> list[EndpointView]:
    window = EndpointWindow(endpoint="", window_s=LIST_WINDOW_S, points=60)
    known = await call.read(endpoints.list_endpoints)
    return [await endpoint_view.view(call.agent, each, window) for each in known]


async def get_endpoint(call: Call, request: EndpointWindow) -> EndpointView:
    endpoint = await _find(call, request.endpoint)
    return await endpoint_view.view(call.agent, endpoint, request)


async def start_endpoint(call: Call, request: StartEndpoint) -> Endpoint:
    name = check_id(request.endpoint, "endpoint name")
    declared = _declared(call, name)
    known = await call.read(lambda c: endpoints.get_endpoint(c, name))
    model = request.model or (declared.model if declared else known.model if known else name)
    wanted = declared or DeclaredEndpoint(name=name, model=model)
    if known is not None and known.desired == "started" and known.model != model:
        raise errors.ConflictError(
            f"cannot serve {model} on endpoint {name}: it serves {known.model}.",
            hint=f"Stop it first: mlops-console endpoint stop {name}",
        )
    version = await call.read(lambda c: _version(c, model, request.version))
    has_keys = bool(endpoint_keys.read(call.agent.workspace.endpoint(name)))
    address = await _address(request, wanted, known, has_keys=has_keys)
    at = call.agent.clock.now()
    routes = shares.whole(version, request.version)

    def change(connection: DuckDBPyConnection) -> Endpoint:
        before = endpoints.get_endpoint(connection, name)
        is_running = before is not None and before.desired == "started"
        endpoint = Endpoint(
            name=name,
            model=model,
            host=address.host,
            port=address.port,
            state=before.state if before and is_running else "starting",
            routes=routes,
            generation=before.generation + 1 if before else 1,
            state_since=at,
            started_at=at,
            limits=wanted.limits,
            threads=address.threads,
            latency_limit_ms=wanted.latency_limit_ms,
            created_at=before.created_at if before else at,
            created_by=before.created_by if before else call.actor.name,
        )
        if before is None:
            endpoints.create_endpoint(connection, endpoint)
        elif is_running:
            endpoints.set_endpoint_routes(
                connection, name, routes=routes, generation=endpoint.generation
            )
        else:
            endpoints.set_endpoint_started(connection, endpoint, at=at)
        call.record(
            connection,
            "endpoint.start",
            f"endpoint {name}",
            f"serves {model}@v{version.version} on http://{address.host}:{address.port}",
            command=f"mlops-console endpoint start {name} --model {model} "
            f"--version {request.version}",
            detail={"routes": shares.described(routes), "mark": f"v{version.version} starts"},
        )
        return endpoints.get_endpoint(connection, name) or endpoint

    endpoint = await call.change(change, "endpoints", "models")
    call.agent.endpoint_processes.start_soon(name)
    return endpoint


async def stop_endpoint(call: Call, request: EndpointName) -> Endpoint:
    known = await _find(call, request.endpoint)
    if known.desired == "stopped":
        raise errors.ConflictError(f"endpoint {known.name} is {known.state} already.")

    def change(connection: DuckDBPyConnection) -> None:
        endpoints.set_endpoint_desired(connection, known.name, "stopped")
        call.record(
            connection,
            "endpoint.stop",
            f"endpoint {known.name}",
            f"stops endpoint {known.name}",
            command=f"mlops-console endpoint stop {known.name}",
            detail={"mark": "stopped"},
        )

    await call.change(change, "endpoints", "models")
    call.agent.endpoint_processes.wake()
    return await _find(call, known.name)


async def set_traffic(call: Call, request: SetTraffic) -> Endpoint:
    known = await _find(call, request.endpoint)
    if known.desired != "started":
        raise errors.ConflictError(
            f"cannot share the traffic of endpoint {known.name}: it is {known.state}.",
            hint=f"Start it first: mlops-console endpoint start {known.name}",
        )

    def change(connection: DuckDBPyConnection) -> None:
        before = endpoints.get_endpoint(connection, known.name) or known
        routes = _divided(connection, before, request)
        endpoints.set_endpoint_routes(
            connection, known.name, routes=routes, generation=before.generation + 1
        )
        shown = shares.described(routes)
        given = " ".join(f"{ref}={weight:g}" for ref, weight in request.weights.items())
        watched = "".join(f" --shadow {ref}" for ref in request.shadows)
        call.record(
            connection,
            "endpoint.traffic",
            f"endpoint {known.name}",
            f"shares the traffic of {known.name}: {shown}",
            command=f"mlops-console endpoint traffic {known.name} {given}{watched}",
            detail={
                "before": shares.described(before.routes),
                "after": shown,
                "reason": request.reason,
                "mark": shares.change_words(before.routes, routes),
            },
        )

    await call.change(change, "endpoints", "models")
    await call.agent.endpoint_processes.reconfigure(known.name)
    return await _find(call, known.name)


async def get_endpoint_drift(call: Call, request: EndpointWindow) -> DriftReport:
    endpoint = await _find(call, request.endpoint)
    return await endpoint_drift.report(call.agent, endpoint, window_s=request.window_s)


async def list_requests(call: Call, request: ListRequests) -> list[RequestEvent]:
    endpoint = await _find(call, request.endpoint)
    since = call.agent.clock.now() - timedelta(days=1)
    return await call.read(
        lambda c: traffic.list_requests(
            c,
            endpoint.name,
            since=since,
            outcome=request.outcome,
            limit=max(1, min(request.limit, 1000)),
        )
    )


async def start_replay(call: Call, request: StartReplay) -> Job:
    endpoint = await _find(call, request.endpoint)
    if endpoint.desired != "started":
        raise errors.ConflictError(
            f"cannot replay {request.dataset} to endpoint {endpoint.name}: it is {endpoint.state}.",
            hint=f"Start it first: mlops-console endpoint start {endpoint.name}",
        )
    if endpoint_keys.read(call.agent.workspace.endpoint(endpoint.name)):
        raise errors.ConflictError(
            f"cannot replay {request.dataset} to endpoint {endpoint.name}: it asks every caller "
            "for a key, and keys are kept nowhere.",
            hint="Replay to an endpoint without keys.",
        )
    spec = await call.read(lambda c: replays.spec(call.agent, c, endpoint, request))
    return await queue_job(
        call,
        "replay",
        f"replay {request.dataset}@v{spec['version']} to {endpoint.name}",
        spec,
        command=replays.command(request),
    )


async def add_labels(call: Call, request: AddLabels) -> Done:
    endpoint = await _find(call, request.endpoint)
    if not request.labels:
        raise errors.UsageError("no label was given.")
    at = call.agent.clock.now()
    told = [replace(each, endpoint=endpoint.name, received_at=at) for each in request.labels]

    def change(connection: DuckDBPyConnection) -> None:
        traffic.add_labels(connection, told)
        call.record(
            connection,
            "label.add",
            f"endpoint {endpoint.name}",
            f"tells the truth about {len(told)} request{'s' * (len(told) != 1)}",
            command=f"mlops-console label add {endpoint.name} …",
        )

    await call.change(change, "traffic")
    return Done(message=f"{len(told)} label{'s' * (len(told) != 1)} taken for {endpoint.name}.")


async def add_endpoint_key(call: Call, request: KeyName) -> NewKey:
    name = check_id(request.endpoint, "endpoint name")
    paths = call.agent.workspace.endpoint(name)
    key = await asyncio.to_thread(endpoint_keys.add, paths, name, request.name)
    await _record_key(
        call, name, f"makes the key {request.name} for endpoint {name}", "add", request
    )
    return NewKey(endpoint=name, name=request.name, key=key)


async def remove_endpoint_key(call: Call, request: KeyName) -> Done:
    name = check_id(request.endpoint, "endpoint name")
    known = await call.read(lambda c: endpoints.get_endpoint(c, name))
    paths = call.agent.workspace.endpoint(name)
    is_last = len(endpoint_keys.read(paths)) == 1
    if is_last and known and known.desired == "started" and not is_loopback(known.host):
        raise errors.ConflictError(
            f"cannot remove the last key of endpoint {name}: it is reachable on {known.host}.",
            hint=f"Stop it first: mlops-console endpoint stop {name}",
        )
    await asyncio.to_thread(endpoint_keys.remove, paths, name, request.name)
    words = f"removes the key {request.name} of endpoint {name}"
    await _record_key(call, name, words, "remove", request)
    return Done(message=f"the key {request.name} of {name} is worth nothing any more.")


async def list_endpoint_keys(call: Call, request: EndpointName) -> KeyNames:
    name = check_id(request.endpoint, "endpoint name")
    known = await asyncio.to_thread(endpoint_keys.read, call.agent.workspace.endpoint(name))
    return KeyNames(endpoint=name, names=tuple(each.name for each in known))


async def _record_key(call: Call, name: str, summary: str, verb: str, request: KeyName) -> None:
    await call.change(
        lambda c: call.record(
            c,
            f"endpoint.key-{verb}",
            f"endpoint {name}",
            summary,
            command=f"mlops-console endpoint key {verb} {name} {request.name}",
        )
    )


async def _find(call: Call, name: str) -> Endpoint:
    known = await call.read(endpoints.list_endpoints)
    for each in known:
        if each.name == name:
            return each
    near = get_close_matches(name, [each.name for each in known], n=1)
    raise errors.NotFoundError(
        f"there is no endpoint {name!r}.",
        hint=f"Did you mean {near[0]}?"
        if near
        else f"Start one: mlops-console endpoint start {name}",
    )


def _declared(call: Call, name: str) -> DeclaredEndpoint | None:
    declaration = call.agent.declaration_file.last_good
    return declaration.endpoints.get(name) if declaration else None


def _version(connection: DuckDBPyConnection, model: str, reference: str) -> ModelVersion:
    try:
        return find_version(connection, model, reference)
    except errors.NotFoundError:
        has_versions = bool(models.list_model_versions(connection, model))
        if reference != "champion" or not has_versions:
            raise
        raise errors.ConflictError(
            f"cannot serve {model}: no version of it is champion yet.",
            hint=f"Promote one: mlops-console model promote {model}@latest, "
            "or name it: --version latest",
        ) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _address(
    request: StartEndpoint, wanted: DeclaredEndpoint, known: Endpoint | None, *, has_keys: bool
) -> Endpoint | DeclaredEndpoint:
    """Host, port and threads to serve with; the port is free or already ours."""
    host = request.host or wanted.host
    if not is_loopback(host) and not has_keys:
        raise errors.RefusedError(
            f"cannot serve {wanted.name} on {host}: others could reach it there and it has no key.",
            hint=f"Make one first: mlops-console endpoint key add {wanted.name} NAME",
        )
    port = wanted.port or (known.port if known else 0) if request.port is None else request.port
    threads = request.threads if request.threads > 1 else wanted.threads
    if known is not None and known.desired == "started":
        differs = host != known.host or (request.port or known.port) != known.port
        if differs or threads != known.threads:
            raise errors.ConflictError(
                f"cannot move endpoint {known.name}: it serves on "
                f"http://{known.host}:{known.port} with {known.threads} "
                f"thread{'s' * (known.threads != 1)}.",
                hint=f"Stop it first: mlops-console endpoint stop {known.name}",
            )
        return known
    if port == 0:
        port = await asyncio.to_thread(ports.free_port, host)
    elif known is None or known.state == "stopped":
        await asyncio.to_thread(ports.check_free, wanted.name, host, port)
    return replace(wanted, host=host, port=port, threads=threads)


def _divided(
    connection: DuckDBPyConnection, endpoint: Endpoint, request: SetTraffic
) -> tuple[TrafficRoute, ...]:
    def version(reference: str) -> ModelVersion:
        return find_version(connection, endpoint.model, reference)

    weights = [(ref, version(ref), weight) for ref, weight in request.weights.items()]
    watching = [(ref, version(ref)) for ref in request.shadows]
    if not weights:
        # Shadows alone: who answers stays as it is.
        weights = [
            (route.name, version(str(route.version)), route.weight)
            for route in endpoint.routes
            if not route.is_shadow
        ]
    return shares.divided(weights, watching, endpoint.routes)
