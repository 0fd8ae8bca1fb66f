"""`mlops-console endpoint …`: serve a model over HTTP and watch it."""

from __future__ import annotations

import time
from collections.abc import Callable

from console import errors, text
from console.cli import endpoint_views as views
from console.cli.commands import Invocation, argument, command
from console.rules.amounts import seconds
from console.wire import endpoints as wire
from console.wire.endpoints import (
    EndpointName,
    EndpointWindow,
    KeyName,
    ListRequests,
    SetTraffic,
    StartEndpoint,
)
from console.wire.routes import Nothing
from storage.records.endpoints import Endpoint, EndpointView

START_LIMIT_S = 60.0
STOP_LIMIT_S = 40.0

_NAME = argument("endpoint", help="name of the endpoint")
_WINDOW = argument("--window", default="30m", help="how far back: 90s, 30m, 6h, 7d (default 30m)")


@command("list", examples=("mlops-console endpoint list",))
def list_endpoints(invocation: Invocation) -> None:
    """Endpoints with their signals of the last minutes."""
    output = invocation.output
    output.show(
        invocation.client.call(wire.list_endpoints, Nothing()),
        lambda found: views.endpoints(output, found),
    )


@command(
    "start",
    _NAME,
    argument("--model", default="", help="default: as declared, else the endpoint's name"),
    argument("--version", default="champion", help="v5, latest or an alias (default champion)"),
    argument("--port", type=int, help="default: as declared; 0 = any free one"),
    argument("--host", default="", help="default: 127.0.0.1"),
    argument("--threads", type=int, default=1, help="threads of the model's own library"),
    argument("--detach", "-d", action="store_true", help="do not wait until it is ready"),
    examples=(
        "mlops-console endpoint start delays",
        "mlops-console endpoint start delays --version v4 --port 8100",
    ),
)
def start(invocation: Invocation) -> None:
    """Serve a model version over HTTP.

    A running endpoint gives all its traffic to the version, without a failed request.
    """
    given = invocation.arguments
    request = StartEndpoint(
        endpoint=given.endpoint,
        model=given.model,
        version=given.version,
        port=given.port,
        host=given.host,
        threads=given.threads,
    )
    endpoint = invocation.client.call(wire.start_endpoint, request)
    if not given.detach:
        invocation.output.note(f"starting {endpoint.name} …")
        endpoint = _await(invocation, endpoint, _is_up, START_LIMIT_S, "ready")
    if endpoint.state == "failed":
        raise errors.FailedError(
            f"endpoint {endpoint.name} does not serve: {endpoint.reason}.",
            hint=f"Its log: mlops-console endpoint logs {endpoint.name}",
        )
    invocation.output.show(endpoint, lambda found: views.started(invocation.output, found))


@command("stop", _NAME, examples=("mlops-console endpoint stop delays",))
def stop(invocation: Invocation) -> None:
    """Answer what was asked, then stop."""
    request = EndpointName(endpoint=invocation.arguments.endpoint)
    endpoint = invocation.client.call(wire.stop_endpoint, request)
    endpoint = _await(invocation, endpoint, lambda e: e.state == "stopped", STOP_LIMIT_S, "stopped")
    invocation.output.show(
        endpoint, lambda found: invocation.output.line(f"endpoint {found.name} is {found.state}")
    )


@command("show", _NAME, _WINDOW, examples=("mlops-console endpoint show delays --window 2h",))
def show(invocation: Invocation) -> None:
    """Rate, errors, latency, saturation and accuracy over a window."""
    output = invocation.output
    output.show(_view(invocation), lambda found: views.view(output, found))


@command(
    "traffic",
    _NAME,
    argument("shares", nargs="*", metavar="VERSION=SHARE", help="champion=90 v5=10"),
    argument("--shadow", action="append", default=[], metavar="VERSION", help="asked, never heard"),
    argument("--reason", default="", help="kept in the ledger"),
    _WINDOW,
    examples=(
        "mlops-console endpoint traffic delays",
        "mlops-console endpoint traffic delays champion=90 v5=10",
        "mlops-console endpoint traffic delays --shadow v6",
    ),
)
def traffic(invocation: Invocation) -> None:
    """Show how the traffic is shared, or share it: canary, shadow, all of it."""
    given = invocation.arguments
    output = invocation.output
    if not given.shares and not given.shadow:
        output.show(_view(invocation), lambda found: views.versions(output, found))
        return
    request = SetTraffic(
        endpoint=given.endpoint,
        weights=dict(_share(each) for each in given.shares),
        shadows=tuple(given.shadow),
        reason=given.reason,
    )
    endpoint = invocation.client.call(wire.set_traffic, request)
    output.show(endpoint, lambda found: views.routes(output, found))


@command(
    "requests",
    _NAME,
    argument("--limit", type=int, default=20, help="how many (default 20)"),
    argument(
        "--outcome",
        default="",
        choices=("", "ok", "invalid", "overload", "timeout", "error"),
        help="only these",
    ),
    examples=("mlops-console endpoint requests delays --outcome error",),
)
def requests(invocation: Invocation) -> None:
    """The latest requests, newest first."""
    given = invocation.arguments
    output = invocation.output
    request = ListRequests(endpoint=given.endpoint, limit=given.limit, outcome=given.outcome)
    output.show(
        invocation.client.call(wire.list_requests, request),
        lambda found: views.requests(output, found),
    )


@command("drift", _NAME, _WINDOW, examples=("mlops-console endpoint drift delays --window 1h",))
def drift(invocation: Invocation) -> None:
    """Which features moved away from what the serving version was trained on."""
    output = invocation.output
    request = EndpointWindow(
        endpoint=invocation.arguments.endpoint, window_s=seconds(invocation.arguments.window)
    )
    output.show(
        invocation.client.call(wire.get_endpoint_drift, request),
        lambda found: views.drift(output, found),
    )


@command(
    "key",
    argument("action", choices=("add", "list", "remove")),
    _NAME,
    argument("key", nargs="?", default="", help="name of the key"),
    examples=(
        "mlops-console endpoint key add delays billing",
        "mlops-console endpoint key list delays",
    ),
)
def key(invocation: Invocation) -> None:
    """API keys of an endpoint; with the first one every caller needs one.

    A key is shown once. Callers send it as `Authorization: Bearer KEY`.
    """
    given, output = invocation.arguments, invocation.output
    if given.action == "list":
        names = invocation.client.call(
            wire.list_endpoint_keys, EndpointName(endpoint=given.endpoint)
        )
        output.show(names, lambda found: output.line(", ".join(found.names) or "no key"))
        return
    if not given.key:
        raise errors.UsageError(
            "the key has no name.",
            hint=f"For example: mlops-console endpoint key {given.action} {given.endpoint} billing",
        )
    request = KeyName(endpoint=given.endpoint, name=given.key)
    if given.action == "add":
        made = invocation.client.call(wire.add_endpoint_key, request)
        output.show(made, lambda found: output.line(found.key))
        output.note("It is shown this once.")
        return
    done = invocation.client.call(wire.remove_endpoint_key, request)
    output.show(done, lambda found: output.line(found.message))


@command(
    "logs",
    _NAME,
    argument("--lines", "-n", type=int, default=50, help="from the end (default 50)"),
    examples=("mlops-console endpoint logs delays -n 200",),
)
def logs(invocation: Invocation) -> None:
    """What the serving process printed."""
    path = invocation.workspace.endpoint(invocation.arguments.endpoint).log
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        raise errors.NotFoundError(
            f"endpoint {invocation.arguments.endpoint} has no log: it was never started.",
            hint="See the endpoints: mlops-console endpoint list",
        ) from None
    kept = lines[-max(1, invocation.arguments.lines) :]
    invocation.output.show(kept, lambda found: _print(invocation, found))


def _view(invocation: Invocation) -> EndpointView:
    given = invocation.arguments
    request = EndpointWindow(endpoint=given.endpoint, window_s=seconds(given.window), points=60)
    found: EndpointView = invocation.client.call(wire.get_endpoint, request)
    return found


def _share(words: str) -> tuple[str, float]:
    reference, sign, share = words.rpartition("=")
    try:
        if not sign or not reference:
            raise ValueError
        return reference.rpartition("@")[2], float(share.removesuffix("%"))
    except ValueError:
        raise errors.UsageError(
            f"{words!r} is not a share of the traffic.", hint="Write it as champion=90 v5=10."
        ) from None


def _is_up(endpoint: Endpoint) -> bool:
    is_current = endpoint.served_generation >= endpoint.generation
    return (endpoint.state == "ready" and is_current) or endpoint.state == "failed"


def _await(
    invocation: Invocation,
    endpoint: Endpoint,
    is_done: Callable[[Endpoint], bool],
    limit_s: float,
    what: str,
) -> Endpoint:
    began = time.monotonic()
    request = EndpointWindow(endpoint=endpoint.name, window_s=60.0, points=1)
    while not is_done(endpoint):
        if time.monotonic() - began > limit_s:
            raise errors.TimedOutError(
                f"endpoint {endpoint.name} is {endpoint.state} and was not {what} within "
                f"{text.duration(limit_s)}{': ' * bool(endpoint.reason)}{endpoint.reason}.",
                hint=f"Its log: mlops-console endpoint logs {endpoint.name}",
            )
        time.sleep(0.1)
        view: EndpointView = invocation.client.call(wire.get_endpoint, request)
        endpoint = view.endpoint
    return endpoint


def _print(invocation: Invocation, lines: list[str]) -> None:
    for line in lines:
        invocation.output.line(text.clean(line))
