"""`mlops-console agent …`: the process that owns the store."""

from __future__ import annotations

import json
import time

from console import errors, text
from console.cli.commands import Invocation, argument, command
from console.cli.output import Output
from console.client.starting import is_listening
from console.wire import agent as wire
from console.wire.agent import AgentStatus
from console.wire.routes import Nothing

STOP_LIMIT_S = 15.0
FOLLOW_EVERY_S = 0.2


@command("status", examples=("mlops-console agent status", "mlops-console agent status --json"))
def status(invocation: Invocation) -> int:
    """Whether the agent is there and what it is busy with; exit code 8 when it is not."""
    output = invocation.output
    if not is_listening(invocation.workspace.socket):
        output.show(
            {"running": False, "workspace": str(invocation.workspace.root)},
            lambda _: output.line("The agent is not running; any command starts it."),
        )
        return errors.KINDS["unavailable"].exit_code
    invocation.start_agent = False
    found = invocation.client.call(wire.get_status, Nothing())
    output.show(found, lambda found: _status(output, found))
    return 0


@command("start", examples=("mlops-console agent start",))
def start(invocation: Invocation) -> None:
    """Start the agent; nothing happens when it runs already."""
    found = invocation.client.call(wire.get_status, Nothing())
    invocation.output.show(
        found, lambda s: invocation.output.line(f"the agent runs, pid {s.pid}, since {_since(s)}")
    )


@command("stop", examples=("mlops-console agent stop",))
def stop(invocation: Invocation) -> None:
    """Let the agent leave; jobs and endpoints go on without it."""
    socket = invocation.workspace.socket
    output = invocation.output
    said = "the agent was not running"
    if is_listening(socket):
        invocation.start_agent = False
        said = invocation.client.call(wire.stop_agent, Nothing()).message
        deadline = time.monotonic() + STOP_LIMIT_S
        while is_listening(socket):
            if time.monotonic() > deadline:
                raise errors.TimedOutError(
                    f"the agent did not leave within {STOP_LIMIT_S:.0f} s.",
                    hint="See what keeps it: mlops-console agent logs",
                )
            time.sleep(0.05)
    output.show({"message": said}, lambda found: output.line(found["message"]))


@command(
    "logs",
    argument("--lines", "-n", type=int, default=50, help="from the end (default 50)"),
    argument("--follow", "-f", action="store_true", help="go on as it is written"),
    examples=("mlops-console agent logs -n 200", "mlops-console agent logs -f"),
)
def logs(invocation: Invocation) -> None:
    """What the agent wrote down; with --json as it stands in the file."""
    path = invocation.workspace.log
    output = invocation.output
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file.readlines()[-max(1, invocation.arguments.lines) :]:
                _log_line(output, line)
            while invocation.arguments.follow:
                line = file.readline()
                if line:
                    _log_line(output, line)
                else:
                    time.sleep(FOLLOW_EVERY_S)
    except FileNotFoundError:
        raise errors.NotFoundError(
            f"there is no log of an agent in {path.parent}: it never ran here.",
            hint="Start it: mlops-console agent start",
        ) from None


def _status(output: Output, found: AgentStatus) -> None:
    output.heading(found.name, found.workspace)
    output.facts(
        [
            ("agent", f"pid {found.pid}, version {found.version}, up {_since(found)}"),
            ("mode", found.mode + (", read-only" if found.is_read_only else "")),
            ("clients", found.clients),
            ("jobs", f"{found.jobs_running} running, {found.jobs_queued} queued"),
            ("endpoints", f"{found.endpoints_ready} ready"),
            ("memory", text.byte_size(found.rss_bytes)),
            ("store", text.byte_size(found.store_bytes)),
            ("disk free", text.byte_size(found.disk_free_bytes)),
            (
                "leaves",
                f"after {text.duration(found.idle_stop_s)} without work and clients"
                if found.idle_stop_s
                else "never by itself",
            ),
        ]
    )
    for warning in found.warnings:
        output.line(output.paint(f"▲ {text.clean(warning)}", "warn"))
    if found.declaration_error:
        output.line(output.paint(f"✗ {text.clean(found.declaration_error)}", "fail"))


def _since(found: AgentStatus) -> str:
    return text.duration(found.uptime_s)


def _log_line(output: Output, line: str) -> None:
    if output.as_json:
        output.line(line.rstrip("\n"))
        return
    try:
        document = json.loads(line)
        words = f"{document['at'][:19].replace('T', ' ')}  {document['level']:<7}  "
        words += document["message"]
    except (ValueError, KeyError, TypeError):
        words = line.rstrip("\n")
    output.line(text.clean(words))
