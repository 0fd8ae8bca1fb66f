"""One line to the agent of a workspace: a request is written, an answer is read and typed.

Loads msgspec and http.client; `Client` makes its line with the first call, so that a program
that paints before it asks does not wait for them.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from console import errors
from console.client.starting import start_agent
from console.client.transport import Transport
from console.wire.routes import Route

if TYPE_CHECKING:
    from storage.workspace import Workspace

Request = TypeVar("Request")
Response = TypeVar("Response")


class Line:
    """What a `Client` talks through; see there."""

    def __init__(self, workspace: Workspace, *, start: bool) -> None:
        self.workspace = workspace
        self._start = start
        self._transport = Transport(workspace.socket)
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}

    def call(self, route: Route[Request, Response], request: Request, timeout_s: float) -> Response:
        method, target, body = _encode(route, request)
        headers = {"Content-Type": "application/json"}
        if route.changes_state:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        status, content = self._send(method, target, body, headers, timeout_s)
        if status >= 400:
            raise _refusal(route, status, content)
        decoder = self._decoders.get(route.name)
        if decoder is None:
            decoder = self._decoders[route.name] = msgspec.json.Decoder(route.response)
        try:
            answer: Response = decoder.decode(content)
            return answer
        except msgspec.DecodeError as error:
            raise errors.UnavailableError(
                f"the agent's answer to {route.name} cannot be understood: {error}.",
                hint="It may be of another version; restart it: mlops-console agent stop",
            ) from error

    def close(self) -> None:
        self._transport.close()

    def _send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout_s: float,
    ) -> tuple[int, bytes]:
        try:
            return self._transport.send(method, target, body, headers, timeout_s=timeout_s)
        except ConnectionRefusedError:
            pass
        except PermissionError as error:
            raise errors.ForbiddenError(
                f"you may not talk to the agent of {self.workspace.root}: {error.strerror}.",
                hint="Ask the owner to share the workspace with your group.",
            ) from error
        except OSError as error:
            raise errors.UnavailableError(
                f"the agent of {self.workspace.root} went away in the middle of the answer.",
                hint="Try again; it starts by itself.",
            ) from error
        if not self._start:
            raise errors.UnavailableError(
                f"the agent of {self.workspace.root} is not running.",
                hint="Start it: mlops-console agent start",
            )
        start_agent(self.workspace)
        try:
            return self._transport.send(method, target, body, headers, timeout_s=timeout_s)
        except OSError as error:
            raise errors.UnavailableError(
                f"the agent of {self.workspace.root} was started and is gone again: {error}.",
                hint=f"Its log may tell why: {self.workspace.log}",
            ) from error


def _encode(route: Route[Any, Any], request: Any) -> tuple[str, str, bytes | None]:
    fields: dict[str, Any] = msgspec.to_builtins(request)
    path = route.path
    for name in route.path_fields:
        path = path.replace("{" + name + "}", quote(str(fields.pop(name)), safe=""))
    if route.method == "GET":
        query = urlencode({k: v for k, v in fields.items() if v not in (None, "")})
        return route.method, f"{path}?{query}" if query else path, None
    return route.method, path, msgspec.json.encode(fields)


def _refusal(route: Route[Any, Any], status: int, content: bytes) -> errors.ConsoleError:
    try:
        document = msgspec.json.decode(content)
        return errors.from_wire(
            document["kind"], document["message"], document["hint"], document["data"]
        )
    except (msgspec.DecodeError, KeyError, TypeError):
        return errors.UnavailableError(
            f"the agent answered {route.name} with status {status} and nothing to read."
        )
