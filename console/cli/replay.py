"""`mlops-console replay`: a data version as real requests."""

from __future__ import annotations

from console import text
from console.cli.commands import Invocation, argument, command
from console.cli.following import DETACH, follow
from console.cli.output import Output
from console.cli.references import split_reference
from console.wire import endpoints as wire
from console.wire.endpoints import StartReplay
from storage.records.jobs import Job


@command(
    "replay",
    argument("endpoint", help="where to"),
    argument("data", help="DATASET or DATASET@v3"),
    argument("--rate", type=float, default=50.0, help="requests per second (default 50)"),
    argument("--since", default="", help="only rows at or after this time, e.g. 2013-06-24"),
    argument("--until", default="", help="only rows before this time"),
    argument("--limit", type=int, default=0, help="so many requests, spread over the rows"),
    argument("--label-delay", type=float, default=5.0, help="seconds until the truth is told"),
    argument("--label-ratio", type=float, default=1.0, help="share of truths that become known"),
    argument("--shuffle", action="store_true", help="not in the order of time"),
    DETACH,
    examples=(
        "mlops-console replay delays flights@v4 --rate 100",
        "mlops-console replay delays flights --since 2013-06-24 --until 2013-07-24 --limit 2000",
    ),
)
def replay(invocation: Invocation) -> None:
    """Send the rows of a data version to an endpoint as real HTTP requests.

    Labels follow later, as they do in the world: their truth is what the training flow says.
    """
    given = invocation.arguments
    dataset, version = split_reference(given.data, "data")
    request = StartReplay(
        endpoint=given.endpoint,
        dataset=dataset,
        version=version,
        since=given.since,
        until=given.until,
        rate=given.rate,
        limit=given.limit,
        label_delay_s=given.label_delay,
        label_ratio=given.label_ratio,
        shuffle=given.shuffle,
    )
    ended = follow(invocation, invocation.client.call(wire.start_replay, request))
    if ended is not None:
        invocation.output.show(ended, lambda job: _people(invocation.output, job))


def _people(output: Output, job: Job) -> None:
    result = job.result
    output.line(
        f"{text.count(result['answered'])} of {text.counted(result['requests'], 'request')} "
        f"answered in {text.duration(result['seconds'])}, {text.fixed(result['rate'], 0)}/s, "
        f"p50 {text.latency(result['p50_ms'])} ms, p99 {text.latency(result['p99_ms'])} ms, "
        f"{text.counted(result['labels'], 'label')} told"
    )
    if result["errors"] or result["refused"]:
        others = {name: n for name, n in result["outcomes"].items() if name != "ok"}
        output.line("not answered: " + text.listed(f"{n} {name}" for name, n in others.items()))
