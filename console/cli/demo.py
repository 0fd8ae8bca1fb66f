"""`mlops-console demo`: the whole loop on a year of New York flights, in a workspace of its own.

In a terminal the console opens and the story runs before your eyes as jobs of the agent; without
one each step is printed, a summary ends it and the workspace stays to be looked at.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

from console import errors, text
from console.cli.commands import Invocation, argument, command
from console.cli.demo_story import Story
from console.cli.output import Output
from console.client.client import Client
from console.wire import agent as agent_wire
from console.wire import endpoints as endpoint_wire
from console.wire import jobs as job_wire
from console.wire.endpoints import EndpointName
from console.wire.jobs import JobId, ListJobs, StartCommand
from console.wire.routes import Nothing
from storage.workspace import Workspace

MARK = "demo"
"""File in `.mlops/` that says: this workspace was made by the demo and may be thrown away."""


@command(
    "",
    argument("--reset", action="store_true", help="throw the demo workspace away and start anew"),
    argument("--headless", action="store_true", help="print the steps even in a terminal"),
    argument("--keep-serving", action="store_true", help="leave the endpoint running at the end"),
    argument("--tell", action="store_true", help=argparse.SUPPRESS),
    examples=("mlops-console demo", "mlops-console demo --headless --reset"),
)
def demo(invocation: Invocation) -> int:
    """A year of New York flights, trained, served and drifting, in a workspace of its own."""
    if invocation.arguments.tell:
        return _tell(invocation)
    root = Path(invocation.workspace_option or default_directory()).expanduser().absolute()
    is_headless = (
        invocation.arguments.headless
        or invocation.output.as_json
        or not (sys.stdin.isatty() and sys.stdout.isatty())
    )
    if is_headless:
        make_anew(root)
        invocation.workspace_option = str(root)
        invocation.output.note(f"demo workspace: {root}")
        return _tell(invocation)
    prepare_for_console(root, reset=invocation.arguments.reset)
    from console.tui.start import open_console

    return open_console(["--workspace", str(root)])


def prepare_for_console(root: Path | None = None, *, reset: bool = False) -> Workspace:
    """The demo workspace with its story under way as a job; an earlier one is kept as it is."""
    root = root or default_directory()
    if reset or not (root / ".mlops" / MARK).exists():
        make_anew(root)
    workspace = Workspace.find(root, root)
    client = Client(workspace)
    try:
        told = client.call(job_wire.list_jobs, ListJobs(kind="command"))
        if not any(job.state in ("queued", "starting", "running", "succeeded") for job in told):
            client.call(job_wire.start_command, _telling(workspace))
    finally:
        client.close()
    return workspace


def make_anew(root: Path) -> None:
    """An empty demo workspace at `root`, whatever demo was there before."""
    _throw_away(root)
    _prepare(root)


def default_directory() -> Path:
    """Where the demo lives unless --workspace says otherwise."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "mlops-console" / "demo"


def sample_directory() -> Path:
    """The sample data: beside the sources in a checkout, in share/ of an installed environment."""
    beside = Path(__file__).resolve().parents[2] / "sample_data"
    installed = Path(sysconfig.get_path("data")) / "share" / "mlops-console" / "sample_data"
    for place in (beside, installed):
        if (place / "mlops.toml").is_file():
            return place
    raise errors.NotFoundError(
        f"the sample data is neither in {beside} nor in {installed}.",
        hint="Install mlops-console again; the demo's files travel with it.",
    )


def _prepare(root: Path) -> None:
    sample = sample_directory()
    workspace = Workspace.create(root)
    for entry in sample.iterdir():
        if entry.is_dir() and entry.name in ("contracts", "sql"):
            shutil.copytree(entry, root / entry.name, dirs_exist_ok=True)
        elif entry.name == "mlops.toml":
            shutil.copy2(entry, root / entry.name)
    (workspace.state / MARK).write_text("made by mlops-console demo\n", encoding="ascii")


def _throw_away(root: Path) -> None:
    """Stop what runs in an earlier demo and remove it; refuses to touch any other workspace."""
    state = root / ".mlops"
    if not state.is_dir():
        if root.is_dir() and any(root.iterdir()):
            raise errors.ConflictError(
                f"{root} has files in it and is not a demo workspace.",
                hint="Choose an empty directory: mlops-console --workspace DIR demo",
            )
        return
    if not (state / MARK).exists():
        raise errors.ConflictError(
            f"{root} is a workspace of your own; the demo does not touch it.",
            hint="Choose another directory: mlops-console --workspace DIR demo",
        )
    _stop_everything(Workspace.find(root, root))
    shutil.rmtree(root)


def _stop_everything(workspace: Workspace) -> None:
    has_children = any(workspace.state.glob("*/*/identity.json"))
    client = Client(workspace, start=has_children)
    try:
        for job in client.call(job_wire.list_jobs, ListJobs(state="active")):
            client.call(job_wire.cancel_job, JobId(id=job.id))
        for view in client.call(endpoint_wire.list_endpoints, Nothing()):
            if view.endpoint.state not in ("stopped", "failed"):
                client.call(endpoint_wire.stop_endpoint, EndpointName(endpoint=view.endpoint.name))
        _await_quiet(client)
        pid = client.call(agent_wire.get_status, Nothing()).pid
        client.call(agent_wire.stop_agent, Nothing())
        _await_gone(pid)
    except errors.UnavailableError:
        pass  # nobody is there: nothing runs
    finally:
        client.close()


def _await_quiet(client: Client) -> None:
    """Jobs and endpoints have ended, or ten seconds have passed."""
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        status = client.call(agent_wire.get_status, Nothing())
        if not (status.jobs_running or status.jobs_queued or status.endpoints_ready):
            return
        time.sleep(0.1)


def _await_gone(pid: int) -> None:
    """The agent's process has ended: nothing writes into the workspace any more."""
    deadline = time.monotonic() + 10.0
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def _telling(workspace: Workspace) -> StartCommand:
    """The story as a job: it goes on when the console is closed, and its log is a job's."""
    return StartCommand(
        command=(
            sys.executable,
            "-m",
            "console",
            "--workspace",
            str(workspace.root),
            "demo",
            "--tell",
            "--keep-serving",
        ),
        title="tell the demo's story",
        priority=10,
    )


def _tell(invocation: Invocation) -> int:
    output = invocation.output
    story = Story(
        invocation=invocation,
        data=sample_directory(),
        say=output.note if output.as_json else output.line,
    )
    output.quiet = True  # the story says what matters; the jobs' own progress is in the console
    try:
        story.tell()
    finally:
        output.quiet = False
    if not invocation.arguments.keep_serving:
        story.stop_serving()
    story.facts["workspace"] = str(invocation.workspace.root)
    output.show(story.facts, lambda facts: _summary(output, facts))
    return 0


def _summary(output: Output, facts: dict[str, Any]) -> None:
    output.line()
    output.heading("Summary", f"{sum(facts['seconds'].values()):.0f} s")
    versions = [f"{v['name']} {text.count(v['rows'])}" for v in facts["versions"]]
    spring, summer, after = facts["spring"], facts["summer"], facts["after"]
    alert = facts["alert"]
    gates = facts["gates"][-1]
    metric = spring["metric"]
    output.facts(
        [
            ("data", ", ".join(versions)),
            ("diff", f"v2 -> v3: {text.count(facts['diff']['rows_added'])} rows added"),
            ("runs", " and ".join(map(str, facts["runs"])) + " compared"),
            ("gates", f"{gates['version']} {gates['verdict']}"),
            ("champion", facts["champion"] + (" (override)" if facts["override"] else "")),
            ("served", f"{text.count(spring['requests'])} + {text.count(summer['requests'])} + "
             f"{text.count(after['requests'])} requests, p50 {text.latency(after['p50_ms'])} ms, "
             f"p99 {text.latency(after['p99_ms'])} ms"),
            ("alert", f"{alert['title']}; moved: {', '.join(alert['moved'])}" if alert else "none"),
            (metric, f"spring {text.fixed(spring['accuracy'], 3)}, summer "
             f"{text.fixed(summer['accuracy'], 3)}, the same flights after retraining "
             f"{text.fixed(after['accuracy'], 3)}"),
            ("ledger", f"{facts['ledger']['entries']} entries, "
             + ("whole" if facts["ledger"]["is_intact"] else "BROKEN")),
            ("look", f"mlops-console --workspace {facts['workspace']}"),
        ]
    )  # fmt: skip
