"""The little HTTP this process needs, above ASGI and below the protocols.

No framework here: a router and a request object that cost 40 µs would be a quarter of what a
request costs in all. Invariant: a body is read to its limit in bytes and time or refused, and
every refusal is a status of 4xx or 5xx with a sentence, never a traceback.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from console.errors import ConsoleError, TooLargeError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON: Final = b"application/json"
TEXT: Final = b"text/plain; charset=utf-8"
BODY_S: Final = 10.0
"""A client that sends its body slower than this is told to stop."""

encode: Final = msgspec.json.Encoder().encode


class ClientGone(Exception):
    """The connection ended before the request did; nobody waits for an answer."""


class Refusal(ConsoleError):
    """A refusal with an HTTP status that the table of kinds does not have."""

    kind = "usage"

    def __init__(
        self,
        status: int,
        message: str,
        *,
        hint: str = "",
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self._status = status
        self.headers = headers

    @property
    def status(self) -> int:
        return self._status


class Request:
    """One HTTP request. Headers are looked through when asked for: most are never needed."""

    __slots__ = (
        "_receive", "arrived", "at_s", "headers", "ids", "is_admitted", "method", "params", "path",
        "query", "version",
    )  # fmt: skip

    def __init__(
        self, scope: MutableMapping[str, Any], receive: Receive, arrived: float, at_s: float
    ) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.params: dict[str, str] = {}
        self.arrived = arrived
        """`time.perf_counter()` when its headers were complete."""
        self.at_s = at_s
        """The same moment as Unix time."""
        self.is_admitted = False
        """It is at an address there is, and may ask."""
        self.ids: list[str] = []
        """Ids of its rows, once they are known."""
        self.version = 0
        """The version that was asked; 0 before one is chosen."""
        self._receive = receive

    def header(self, name: bytes) -> bytes:
        """Return the first header of this (lower-case) name, empty when there is none."""
        for each, value in self.headers:
            if each == name:
                return value
        return b""

    async def body(self, limit: int) -> bytes:
        """Return the body; raises `TooLargeError`, a 408 `Refusal` or `ClientGone`."""
        length = self.header(b"content-length")
        if length and int(length) > limit:
            raise too_large(limit)
        if self.header(b"content-encoding") not in (b"", b"identity"):
            raise Refusal(415, "compressed bodies are not taken.", hint="Send it as it is.")
        try:
            async with asyncio.timeout(BODY_S):
                return await self._read(limit)
        except TimeoutError:
            raise Refusal(
                408, f"the body did not arrive within {BODY_S:g} s.", headers=CLOSE
            ) from None

    async def _read(self, limit: int) -> bytes:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            body: bytes = message.get("body", b"")
            if len(body) > limit:
                raise too_large(limit)
            return body
        parts: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise too_large(limit)
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)
            message = await self._receive()

    def media_type(self) -> str:
        """Return the declared type of the body in lower case, without parameters."""
        return self.header(b"content-type").split(b";", 1)[0].strip().lower().decode("latin-1")


CLOSE: Final = ((b"connection", b"close"),)


@dataclass(slots=True)
class Reply:
    """An answer, whole."""

    body: bytes
    status: int = 200
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, send: Send) -> None:
        head = [
            (b"content-type", self.media_type),
            (b"content-length", str(len(self.body)).encode()),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": head})
        await send({"type": "http.response.body", "body": self.body})


Handler = Callable[[Request], Awaitable[Reply]]
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


@dataclass(slots=True)
class Table:
    """Finds the endpoint of a request; plain paths by dictionary, the others by pattern."""

    endpoints: list[Endpoint]
    _exact: dict[str, dict[str, Endpoint]] = field(init=False, default_factory=dict)
    _patterns: list[tuple[re.Pattern[str], Endpoint]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        for each in self.endpoints:
            if "{" in each.path:
                pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", each.path)
                self._patterns.append((re.compile(pattern), each))
            else:
                self._exact.setdefault(each.path, {})[each.method] = each

    def find(self, request: Request) -> Endpoint:
        """Return the endpoint; raises a `Refusal` of 404 or 405."""
        method = "GET" if request.method == "HEAD" else request.method
        methods = self._exact.get(request.path)
        if methods is None:
            methods = {}
            for pattern, each in self._patterns:
                match = pattern.fullmatch(request.path)
                if match is not None:
                    methods[each.method] = each
                    request.params = match.groupdict()
        if not methods:
            raise Refusal(
                404,
                f"there is nothing at {request.path[:100]}.",
                hint="Predictions are at POST /predict, the state is at GET /health.",
            )
        found = methods.get(method)
        if found is None:
            allowed = ", ".join(sorted(methods))
            raise Refusal(
                405,
                f"{request.method[:20]} is not taken at {request.path[:100]}; it takes {allowed}.",
                headers=((b"allow", allowed.encode()),),
            )
        return found


def reply_to(error: ConsoleError, failure: Failure = plain_failure) -> Reply:
    """Return a refusal as an answer."""
    headers = getattr(error, "headers", ())
    retry = error.data.get("retry_after_s")
    if retry is not None:
        headers = (*headers, (b"retry-after", str(retry).encode()))
    if error.status == 413:
        headers = (*headers, *CLOSE)  # The rest of the body is not read.
    return Reply(encode(failure(error)), error.status, headers=headers)


def too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        f"the body is larger than {limit} bytes.", hint="Send fewer rows at once.", limit=limit
    )


def check_json(request: Request) -> None:
    """Raise a 415 `Refusal` when the body is declared to be something else than JSON."""
    given = request.media_type()
    if given and given != "application/json" and not given.endswith("+json"):
        raise Refusal(
            415,
            f'the body is declared as "{given[:60]}", wanted is application/json.',
            hint="Send the header Content-Type: application/json",
        )
    charset = request.header(b"content-type").lower().partition(b"charset=")[2].strip(b'" ;')
    if charset and charset not in (b"utf-8", b"utf8", b"us-ascii"):
        raise Refusal(415, "JSON is sent as UTF-8.", hint="Drop the charset from Content-Type.")
