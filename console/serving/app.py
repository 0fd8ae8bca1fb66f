"""The ASGI application: who may ask, which protocol answers, how a refusal is written.

Put together by `main`. Invariant: a request is answered only when its Host is ours, it does not
come from a foreign web page and, where keys are configured, it brings one; nothing that happens
while it is answered reaches the client as a traceback.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

from console.errors import ConsoleError, ForbiddenError
from console.serving.config import Keys, is_loopback
from console.serving.http import (
    ClientGone,
    Failure,
    Receive,
    Refusal,
    Reply,
    Request,
    Send,
    Table,
    plain_failure,
    reply_to,
)
from console.serving.protocols.health import HealthProtocol
from console.serving.protocols.inference_v2 import InferenceProtocol
from console.serving.protocols.mlflow import MlflowProtocol
from console.serving.protocols.plain import PlainProtocol
from console.serving.protocols.prometheus import PrometheusProtocol
from console.serving.service import Service

_LOOPBACK_HOSTS: Final = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
_PREDICTING: Final = ("/predict", "/invocations", "/infer")

Hook = Callable[[], Awaitable[None]]


class Door:
    """Decides whether a request may come in."""

    def __init__(self, host: str, keys: Keys) -> None:
        self.keys = keys
        self._hosts = _LOOPBACK_HOSTS | {host.encode(), f"[{host}]".encode()}
        self._takes_any_host = not is_loopback(host)
        """Beyond loopback a key is asked for, and the names of the machine are not known here."""

    def check(self, request: Request, *, is_open: bool) -> None:
        """Raise a `ConsoleError` with the status for a request that may not come in."""
        host, origin, authorization, key = b"", b"", b"", b""
        for name, value in request.headers:
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
                headers=((b"www-authenticate", b"Bearer"),),
            )


class App:
    """One endpoint as an ASGI application."""

    def __init__(self, service: Service, door: Door, start: Hook, stop: Hook) -> None:
        self.door = door
        self._service = service
        self._start = start
        self._stop = stop
        protocols = (
            PlainProtocol(service),
            InferenceProtocol(service),
            MlflowProtocol(service),
            PrometheusProtocol(service),
            HealthProtocol(service),
        )
        self._table = Table([each for protocol in protocols for each in protocol.endpoints()])

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        request = Request(scope, receive, time.perf_counter(), time.time())
        try:
            reply = await self._answer(request)
        except ClientGone:
            return
        if request.method == "HEAD":
            reply.body = b""
        await reply.send(send)

    async def _answer(self, request: Request) -> Reply:
        failure: Failure = plain_failure
        try:
            endpoint = self._table.find(request)
            failure = endpoint.failure
            self.door.check(request, is_open=endpoint.is_open)
            request.is_admitted = True
            return await endpoint.handler(request)
        except ClientGone:
            raise
        except Exception as error:
            return reply_to(self._told(request, error), failure)

    def _told(self, request: Request, error: Exception) -> ConsoleError:
        # Who may not ask leaves no trace in the journal: it is not for strangers to fill.
        if request.is_admitted and request.path.endswith(_PREDICTING):
            return self._service.refuse(request, error)
        return self._service.explain(error)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _without_port(host: bytes) -> bytes:
    if host.startswith(b"["):
        return host[: host.find(b"]") + 1]
    return host.partition(b":")[0]
