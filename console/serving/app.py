"""The ASGI application: who may ask, which protocol answers, how a refusal is written.

Put together by `main`. Invariant: a request is answered only when its Host is ours, it does not
come from a foreign web page and, where keys are configured, it brings one; nothing that happens
while it is answered reaches the client as a traceback.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from console.errors import ForbiddenError
from console.serving.config import Keys, is_loopback
from console.serving.http import Asked, Endpoint, Refusal, reply_to
from console.serving.protocols.health import HealthProtocol
from console.serving.protocols.inference_v2 import InferenceProtocol
from console.serving.protocols.mlflow import MlflowProtocol
from console.serving.protocols.plain import PlainProtocol
from console.serving.protocols.prometheus import PrometheusProtocol
from console.serving.service import Service

_LOOPBACK_HOSTS: Final = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})


class Door:
    """Decides whether a request may come in."""

    def __init__(self, host: str, keys: Keys) -> None:
        self.keys = keys
        self._hosts = _LOOPBACK_HOSTS | {host.encode(), f"[{host}]".encode()}
        self._takes_any_host = not is_loopback(host)
        """Beyond loopback a key is asked for, and the names of the machine are not known here."""

    def check(self, asked: Asked, *, is_open: bool) -> None:
        """Raise a `ConsoleError` with the status for a request that may not come in."""
        host, origin, authorization, key = b"", b"", b"", b""
        for name, value in asked.scope["headers"]:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
            elif name == b"authorization":
                authorization = value
            elif name == b"x-api-key":
                key = value
        name = _without_port(host).lower()
        if not name or not (self._takes_any_host or name in self._hosts):
            raise Refusal(
                400,
                f"this endpoint is not called {host[:80].decode('latin-1') or 'nothing'}.",
                hint="Ask it by the address it listens on, e.g. http://127.0.0.1.",
            )
        if origin and not self._is_own(origin, name):
            raise ForbiddenError("requests from other web pages are not answered.")
        if self.keys and not is_open:
            self._check_key(authorization, key)

    def _is_own(self, origin: bytes, host: bytes) -> bool:
        try:
            found = urlsplit(origin.decode("latin-1")).hostname
        except ValueError:
            return False
        return found is not None and found.encode() in (host, host.strip(b"[]"))

    def _check_key(self, authorization: bytes, key: bytes) -> None:
        scheme, _, credentials = authorization.partition(b" ")
        if scheme.lower() == b"bearer":
            key = credentials.strip()
        if not key or not self.keys.accept(key.decode("latin-1")):
            raise Refusal(
                401,
                "this endpoint asks for an API key, and the request brings "
                f"{'a wrong one' if key else 'none'}.",
                hint="Send the header Authorization: Bearer KEY",
                headers={"www-authenticate": "Bearer"},
            )


class Spoken:
    """One address as an ASGI application: asks for admission, answers, refuses."""

    def __init__(self, endpoint: Endpoint, service: Service, door: Door) -> None:
        self._endpoint = endpoint
        self._service = service
        self._door = door
        self._is_predicting = endpoint.path.endswith(("/predict", "/invocations", "/infer"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope, receive)
        try:
            answer = await self._answer(asked)
        except ClientDisconnect:
            return  # Nobody waits for an answer any more.
        await answer(scope, receive, send)

    async def _answer(self, asked: Asked) -> Response:
        endpoint, is_admitted = self._endpoint, False
        try:
            self._door.check(asked, is_open=endpoint.is_open)
            is_admitted = True
            return await endpoint.handler(asked)
        except ClientDisconnect:
            raise
        except Exception as error:
            # Who may not ask leaves no trace in the journal: it is not for strangers to fill.
            if is_admitted and self._is_predicting:
                return reply_to(self._service.refuse(asked, error), endpoint.failure)
            return reply_to(self._service.explain(error), endpoint.failure)


def build(
    service: Service, door: Door, lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]]
) -> Starlette:
    """Return the application of one endpoint; `lifespan` begins and ends what runs beside it."""
    protocols = (
        PlainProtocol(service),
        InferenceProtocol(service),
        MlflowProtocol(service),
        PrometheusProtocol(service),
        HealthProtocol(service),
    )
    endpoints = [each for protocol in protocols for each in protocol.endpoints()]
    return Starlette(
        routes=[
            Route(each.path, Spoken(each, service, door), methods=[each.method])
            for each in endpoints
        ],
        exception_handlers={HTTPException: _nothing_there},
        lifespan=lifespan,
    )


async def _nothing_there(request: Request, error: Exception) -> Response:
    """What Starlette refuses before an address is found: no such path, or not with this method."""
    assert isinstance(error, HTTPException)  # It is registered for nothing else.
    path, method = request.url.path[:100], request.method[:20]
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        said = f"{method} is not taken at {path}; it takes {allowed}."
        return reply_to(Refusal(405, said, headers={"allow": allowed}))
    return reply_to(
        Refusal(
            error.status_code,
            f"there is nothing at {path}.",
            hint="Predictions are at POST /predict, the state is at GET /health.",
        )
    )


def _without_port(host: bytes) -> bytes:
    if host.startswith(b"["):
        return host[: host.find(b"]") + 1]
    return host.partition(b":")[0]
