"""`mlops-console train PIPELINE`: a model from chosen data versions, followed to its verdict."""

from __future__ import annotations

from console import errors, text
from console.cli.commands import Invocation, argument, command
from console.cli.following import DETACH, follow
from console.cli.params import PARAM, read_params
from console.cli.run_views import print_metrics
from console.wire import runs as wire
from console.wire.runs import RunId, StartTraining
from storage.records.jobs import Job
from storage.records.runs import RunDetail


@command(
    "",
    argument("pipeline", help="as declared in mlops.toml"),
    PARAM,
    argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME@VERSION",
        help="a version to read instead of the latest; may be repeated",
    ),
    argument("--seed", type=int, help="instead of the declared one"),
    argument("--model", default="", help="register under this name instead of the pipeline's"),
    argument("--note", default="", help="what to remember about this run"),
    argument("--after", type=int, action="append", default=[], metavar="JOB", help="wait for it"),
    argument("--priority", type=int, default=0, help="higher goes first"),
    DETACH,
    examples=(
        "mlops-console train delays",
        "mlops-console train delays --param learning_rate=0.05 --param max_iter=200",
        "mlops-console train delays --data flights@v3 --detach",
    ),
)
def train(invocation: Invocation) -> None:
    """Train a pipeline's model, judge it by its gates and register it."""
    given = invocation.arguments
    request = StartTraining(
        pipeline=given.pipeline,
        params=read_params(given.param),
        data=dict(_version(each) for each in given.data),
        seed=given.seed,
        model=given.model,
        note=given.note,
        priority=given.priority,
        after=tuple(given.after),
    )
    ended = follow(invocation, invocation.client.call(wire.start_training, request))
    if ended is None:
        return
    detail = invocation.client.call(wire.get_run, RunId(id=ended.id))
    invocation.output.show(detail, lambda found: _print(invocation, ended, found))


def _version(words: str) -> tuple[str, str]:
    name, at, version = words.partition("@")
    if not name or not at or not version:
        raise errors.UsageError(
            f"{words!r} does not name a data version.", hint="Write it as --data flights@v3"
        )
    return name, version


def _print(invocation: Invocation, job: Job, detail: RunDetail) -> None:
    output, run = invocation.output, detail.run
    rows = f"{text.count(run.rows_train)} rows trained, {text.count(run.rows_holdout)} held out"
    output.heading(f"run {run.id}", f"{run.model or 'not registered'} · {rows}")
    print_metrics(output, detail.results)
    verdict = str(job.result.get("verdict", "skipped"))
    output.line()
    if verdict == "skipped":
        output.line(f"{output.verdict(verdict)}  no gates are declared for {run.model}")
        return
    output.line(f"{output.verdict(verdict)}  See mlops-console gate show {run.model}")
    if verdict in ("pass", "warn"):
        output.note(f"Promote it: mlops-console model promote {run.model}")
