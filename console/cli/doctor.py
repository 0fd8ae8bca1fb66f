"""`mlops-console doctor`: what is wrong with this workspace, and the way out of each."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from console import __version__, errors, settings, text
from console.cli.commands import Invocation, command
from console.client.client import Client
from console.client.starting import is_listening
from console.wire import agent as agent_wire
from console.wire import people as people_wire
from console.wire.routes import Nothing
from storage.errors import StorageError
from storage.workspace import Workspace

LOW_DISK_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    what: str
    verdict: str
    """`pass`, `warn` or `fail`."""
    found: str
    way_out: str = ""


@command("", examples=("mlops-console doctor", "mlops-console doctor --json"))
def doctor(invocation: Invocation) -> int:
    """Look at everything that can go wrong; exit 3 when something has."""
    findings = list(_look(invocation))
    output = invocation.output

    def people(_: object) -> None:
        width = max(len(each.what) for each in findings)
        for each in findings:
            output.line(f"{output.verdict(each.verdict):<8}  {each.what:<{width}}  {each.found}")
            if each.way_out:
                output.line(f"{'':8}  {'':{width}}  {output.paint(each.way_out, 'quiet')}")

    output.show(findings, people)
    return 3 if any(each.verdict == "fail" for each in findings) else 0


def _look(invocation: Invocation) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(what="program", verdict="pass", found=f"{__version__} on Python {version}")
    yield from _guarded("settings", _settings)
    yield from _terminal()
    try:
        workspace = invocation.workspace
    except StorageError as error:
        yield Finding(what="workspace", verdict="fail", found=error.message, way_out=error.hint)
        return
    yield Finding(what="workspace", verdict="pass", found=str(workspace.root))
    yield from _disk(workspace)
    yield from _guarded("agent", lambda: _agent(invocation, workspace))
    yield from _guarded("ledger", lambda: _ledger(invocation))


def _guarded(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except (errors.ConsoleError, StorageError) as error:
        yield Finding(what=what, verdict="fail", found=error.message, way_out=error.hint)


def _settings() -> Iterator[Finding]:
    loaded = settings.load()
    own = [name for name, source in loaded.sources.items() if source != "default"]
    yield Finding(
        what="settings", verdict="pass", found=f"{text.counted(len(own), 'setting')} of your own"
    )


def _terminal() -> Iterator[Finding]:
    encoding = (sys.stdout.encoding or "").lower()
    if encoding.replace("-", "") == "utf8":
        yield Finding(what="terminal", verdict="pass", found=os.environ.get("TERM", "none"))
    else:
        yield Finding(
            what="terminal",
            verdict="warn",
            found=f"encoding {encoding or 'unknown'}: signs and charts are drawn in ASCII",
            way_out="Set a UTF-8 locale, e.g. LANG=C.UTF-8.",
        )


def _disk(workspace: Workspace) -> Iterator[Finding]:
    free = shutil.disk_usage(workspace.state).free
    yield Finding(
        what="disk",
        verdict="pass" if free > LOW_DISK_BYTES else "warn",
        found=f"{text.byte_size(free)} free",
        way_out="" if free > LOW_DISK_BYTES else "Make room: mlops-console data gc --remove",
    )
    if not os.access(workspace.state, os.W_OK):
        yield Finding(
            what="permission",
            verdict="fail",
            found=f"{workspace.state} cannot be written by you",
            way_out="Ask the owner, or work in a workspace of your own.",
        )


def _agent(invocation: Invocation, workspace: Workspace) -> Iterator[Finding]:
    if not is_listening(workspace.socket):
        found = "not running; the next command starts it"
        if workspace.socket.exists():
            found = "not running, and left its socket behind; the next start removes it"
        yield Finding(what="agent", verdict="pass", found=found)
    client: Client = invocation.client
    status = client.call(agent_wire.get_status, Nothing())
    yield Finding(
        what="agent",
        verdict="pass" if status.version == __version__ else "warn",
        found=f"pid {status.pid}, version {status.version}, {text.byte_size(status.rss_bytes)}",
        way_out="" if status.version == __version__ else "Restart it: mlops-console agent stop",
    )
    for warning in status.warnings:
        yield Finding(what="agent", verdict="warn", found=warning)
    yield Finding(
        what="mlops.toml",
        verdict="fail" if status.declaration_error else "pass",
        found=status.declaration_error or "holds",
    )


def _ledger(invocation: Invocation) -> Iterator[Finding]:
    check = invocation.client.call(people_wire.verify_ledger, Nothing())
    yield Finding(
        what="ledger",
        verdict="pass" if check.is_intact else "fail",
        found=f"{text.counted(check.entries, 'entry', 'entries')}, the chain is whole"
        if check.is_intact
        else check.reason,
        way_out="" if check.is_intact else "Restore a backup made before: mlops-console restore",
    )
