"""The agent's HTTP side: one Starlette route per entry of the wire table, denied by default.

A request passes, in this order: size and host checks, the caller's identity, the route's roles,
typed decoding, the handler, typed encoding. Whatever is refused becomes a `Refusal` with the status
of its kind; a defect is logged with its traceback and told without one.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from console import errors
from console.agent import idempotency, identity
from console.agent.context import Agent, Call, Handler
from console.rules import roles
from console.wire import table
from console.wire.routes import Refusal, Route
from storage.errors import StorageError
from storage.records.people import Person
from storage.tables import people

log = logging.getLogger("console.agent")

BODY_LIMIT_BYTES = 8 * 2**20
_LAST_SEEN_EVERY_S = 60.0


def handlers() -> dict[str, Handler]:
    """Find the handler of every route: the function of the route's name in the row of its name.

    Raises `LookupError` naming the first route that has none, so the agent does not start.
    """
    found: dict[str, Handler] = {}
    for route in table.ALL:
        row = table.ROW_OF[route.name]
        handler = getattr(importlib.import_module(f"console.agent.rows.{row}"), route.name, None)
        if handler is None:
            raise LookupError(f"route {route.name} has no handler in console/agent/rows/{row}.py")
        found[route.name] = handler
    return found


def build(agent: Agent) -> Starlette:
    """Build the application that serves every route of the table for this agent."""
    by_name = handlers()
    http_routes = [
        HttpRoute(route.path, _endpoint(agent, route, by_name[route.name]), methods=[route.method])
        for route in table.ALL
    ]
    refusals = {404: _no_such_path, 405: _no_such_path}
    return Starlette(routes=http_routes, exception_handlers=refusals)


def _endpoint(agent: Agent, route: Route[Any, Any], handler: Handler) -> Any:
    encode = msgspec.json.Encoder().encode

    async def serve(http: Request) -> Response:
        try:
            actor = await _actor(agent, http)
            if not roles.allows(actor.roles, route.roles, is_owner=actor.is_owner):
                raise errors.ForbiddenError(
                    f"{actor.name} may not {route.name.replace('_', ' ')}: it needs "
                    f"{roles.needed_words(route.roles)}, and {actor.name} has "
                    f"{', '.join(actor.roles) or 'no role'}.",
                    hint="Ask the owner: mlops-console people grant "
                    f"{actor.name} {route.roles[0] if route.roles else 'devops'}",
                )
            request = await _decode(http, route)
            call = Call(agent=agent, actor=actor)
            key = http.headers.get("idempotency-key", "")
            if route.changes_state and key:
                body = await idempotency.once(
                    call, route, key, lambda: _run(handler, call, request, encode)
                )
            else:
                body = await _run(handler, call, request, encode)
            return Response(body, media_type="application/json")
        except (errors.ConsoleError, StorageError) as refusal:
            return _refuse(refusal)
        except Exception:
            log.exception("defect in %s", route.name)
            return _refuse(
                errors.ConsoleError(
                    f"{route.name.replace('_', ' ')} stopped on a defect of mlops-console.",
                    hint="The reason is in the agent's log: mlops-console agent logs",
                )
            )

    return serve


async def _run(handler: Handler, call: Call, request: Any, encode: Any) -> bytes:
    body: bytes = encode(await handler(call, request))
    return body


async def _actor(agent: Agent, http: Request) -> Person:
    peer: identity.Peer | None = http.scope.get("peer")
    if peer is None:
        raise errors.ForbiddenError("the caller's identity is not known on this connection.")
    now = agent.clock.monotonic()
    agent.callers[peer.pid] = now
    owner_uid = agent.workspace.owner_uid
    cached: dict[int, tuple[float, Person]] = agent.caches.setdefault("people", {})
    seen, person = cached.get(peer.uid, (float("-inf"), None))
    if person is None or now - seen > _LAST_SEEN_EVERY_S:
        at = agent.clock.now()

        def recognise(connection: Any) -> Person:
            found = identity.recognise(connection, peer.uid, owner_uid=owner_uid, now=at)
            people.set_last_seen(connection, found.name, at)
            return found

        # Whoever comes to look, or to make room, is let in when the disk is nearly full too.
        person = await agent.write(recognise, "people", even_if_full=True)
        cached[peer.uid] = (now, person)
    return person


async def _decode(http: Request, route: Route[Any, Any]) -> Any:
    given: dict[str, Any] = {}
    if route.method == "GET":
        for name in http.query_params:
            given[name] = http.query_params[name]
    else:
        raw = await _body(http)
        if raw:
            try:
                document = msgspec.json.decode(raw)
            except (msgspec.DecodeError, UnicodeError) as error:
                said = f"the body of {route.name} is not JSON: {error}."
                raise errors.UsageError(said) from error
            if not isinstance(document, dict):
                raise errors.UsageError(f"the body of {route.name} is not a JSON object.")
            given |= document
    given |= http.path_params
    try:
        return msgspec.convert(_with_defaults(given, route), route.request, strict=False)
    except msgspec.ValidationError as error:
        raise errors.UsageError(f"cannot {route.name.replace('_', ' ')}: {error}.") from error


def _with_defaults(given: dict[str, Any], route: Route[Any, Any]) -> dict[str, Any]:
    """Fields without a default that are containers may be left out: they are empty."""
    for field in msgspec.inspect.type_info(route.request).fields:  # type: ignore[attr-defined]
        is_missing = field.required and field.name not in given
        if is_missing and isinstance(field.type, msgspec.inspect.DictType):
            given[field.name] = {}
    return given


async def _body(http: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in http.stream():
        size += len(part)
        if size > BODY_LIMIT_BYTES:
            raise errors.TooLargeError(
                f"the request is larger than {BODY_LIMIT_BYTES // 2**20} MiB."
            )
        parts.append(part)
    return b"".join(parts)


def _refuse(refusal: errors.ConsoleError | StorageError) -> Response:
    status = errors.KINDS[refusal.kind].status
    body = Refusal(kind=refusal.kind, message=refusal.message, hint=refusal.hint, data=refusal.data)
    return Response(msgspec.json.encode(body), status, media_type="application/json")


async def _no_such_path(http: Request, _error: Exception) -> Response:
    return _refuse(
        errors.NotFoundError(
            f"the agent has no route {http.method} {http.url.path}.",
            hint="The client and the agent may be of different versions: mlops-console agent stop",
        )
    )
