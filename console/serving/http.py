"""Requests with limits and refusals with a sentence, between Starlette and the protocols.

Invariant: a body is read to its limit in bytes and time or refused, and every refusal is a status
of 4xx or 5xx in the words of the protocol, never a traceback.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from console.errors import ConsoleError, TooLargeError

BODY_S: Final = 10.0
"""A client that sends its body slower than this is told to stop."""
CLOSE: Final = {"connection": "close"}

_encode: Final = msgspec.json.Encoder().encode


class Refusal(ConsoleError):
    """A refusal with an HTTP status that the table of kinds does not have."""

    kind = "usage"

    def __init__(
        self, status: int, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self._status = status
        self.headers = headers or {}

    @property
    def status(self) -> int:
        return self._status


class Asked(Request):
    """A request, and what becomes known of it on its way."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self.arrived = time.perf_counter()
        """When its headers were complete."""
        self.at_s = time.time()
        """The same moment as Unix time."""
        self.ids: list[str] = []
        """Ids of its rows, once they are known."""
        self.version = 0
        """The version that was asked; 0 before one is chosen."""

    def raw_header(self, name: bytes) -> bytes:
        """Return the first header of this (lower-case) name, empty when there is none."""
        for each, value in self.scope["headers"]:
            if each == name:
                found: bytes = value
                return found
        return b""

    async def limited_body(self, limit: int) -> bytes:
        """Return the body; raises `TooLargeError`, a 408 `Refusal` or `ClientDisconnect`."""
        length = self.raw_header(b"content-length")
        if length and int(length) > limit:
            raise too_large(limit)
        if self.raw_header(b"content-encoding") not in (b"", b"identity"):
            raise Refusal(415, "compressed bodies are not taken.", hint="Send it as it is.")
        try:
            async with asyncio.timeout(BODY_S):
                return await self._read(limit)
        except TimeoutError:
            raise Refusal(
                408, f"the body did not arrive within {BODY_S:g} s.", headers=CLOSE
            ) from None

    async def _read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise too_large(limit)
            if not message.get("more_body"):
                return b"".join([*parts, part]) if parts else part
            parts.append(part)

    def declared_type(self) -> str:
        """Return the declared type of the body in lower case, without parameters."""
        given = self.raw_header(b"content-type").split(b";", 1)[0]
        return given.strip().lower().decode("latin-1")


Handler = Callable[[Asked], Awaitable[Response]]
Failure = Callable[[ConsoleError], Any]
"""How a protocol writes a refusal: a document for the body."""


def plain_failure(error: ConsoleError) -> Any:
    facts = {k: v for k, v in error.data.items() if k in ("row", "field", "step", "limit")}
    return {"error": {"kind": error.kind, "message": error.message, "hint": error.hint, **facts}}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address: method, path (`{name}` matches one part of it), who answers and how it fails."""

    method: str
    path: str
    handler: Handler
    failure: Failure = plain_failure
    is_open: bool = False
    """Answered without an API key: a load balancer has none."""


def reply(document: Any, status: int = 200) -> Response:
    """Return a document as a JSON answer."""
    return Response(_encode(document), status, media_type="application/json")


def reply_to(error: ConsoleError, failure: Failure = plain_failure) -> Response:
    """Return a refusal as an answer."""
    answer = reply(failure(error), error.status)
    answer.headers.update(getattr(error, "headers", {}))
    if "retry_after_s" in error.data:
        answer.headers["retry-after"] = str(error.data["retry_after_s"])
    if error.status == 413:
        answer.headers.update(CLOSE)  # The rest of the body is not read.
    return answer


def too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        f"the body is larger than {limit} bytes.", hint="Send fewer rows at once.", limit=limit
    )


def check_json(asked: Asked) -> None:
    """Raise a 415 `Refusal` when the body is declared to be something else than JSON."""
    given = asked.declared_type()
    if given and given != "application/json" and not given.endswith("+json"):
        raise Refusal(
            415,
            f'the body is declared as "{given[:60]}", wanted is application/json.',
            hint="Send the header Content-Type: application/json",
        )
    charset = asked.raw_header(b"content-type").lower().partition(b"charset=")[2].strip(b'" ;')
    if charset and charset not in (b"utf-8", b"utf8", b"us-ascii"):
        raise Refusal(415, "JSON is sent as UTF-8.", hint="Drop the charset from Content-Type.")
