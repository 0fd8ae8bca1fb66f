"""`mlops-console status`: the overview as text: what needs you, every stage, what is served."""

from __future__ import annotations

from console import text
from console.cli.commands import Invocation, command
from console.cli.output import Column, Output
from console.wire import agent as wire
from console.wire.agent import Overview
from console.wire.routes import Nothing


@command("", examples=("mlops-console status", "mlops-console status --json"))
def status(invocation: Invocation) -> None:
    """What needs you, how every stage stands, and what is being served."""
    found = invocation.client.call(wire.get_overview, Nothing())
    invocation.output.show(found, lambda overview: print_overview(invocation.output, overview))


def print_overview(output: Output, overview: Overview) -> None:
    """The first screen in words: needs first, then stages in the order of work."""
    now = overview.status
    output.heading(now.name, f"{now.workspace} · {now.mode}")
    if overview.is_empty:
        output.line("Nothing here yet. The first steps:")
        output.table(
            [Column("step"), Column("done"), Column("command")],
            [(step.name, step.is_done, step.command) for step in overview.first_steps],
        )
        return
    if not overview.needs:
        output.line(f"{output.verdict('ok')}  nothing needs you")
    for need in overview.needs:
        output.line(f"{output.verdict(need.verdict)}  {text.clean(need.title)}")
        if need.detail:
            output.line(f"    {text.clean(need.detail)}")
    output.line()
    output.table(
        [Column("stage"), Column("state"), Column("latest"), Column("fact")],
        [(each.stage, each.state, each.latest, each.fact) for each in overview.stages],
    )
    view = overview.endpoint
    if view is not None and view.now is not None:
        limit = f", limit {view.latency_limit_ms:g}" if view.latency_limit_ms else ""
        output.line()
        output.line(
            f"{view.endpoint.name}: {text.fixed(view.now.rate, 0)} requests/s, "
            f"p99 {text.latency(view.now.p99_ms)} ms{limit}, "
            f"errors {text.percent(view.now.error_ratio or 0.0)}"
        )
