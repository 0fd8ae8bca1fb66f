"""`mlops-console train PIPELINE`: a model from chosen data versions, followed to its verdict."""

from __future__ import annotations

from typing import Any

from console import errors, text
from console.cli.commands import Invocation, argument, command
from console.cli.following import DETACH, follow
from console.cli.limits import MEMORY, TIME, read_limits
from console.cli.params import PARAM, read_params
from console.cli.run_views import print_metrics, search_words
from console.rules import search_space
from console.wire import runs as wire
from console.wire.runs import RunId, StartSearch, StartTraining
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
    argument(
        "--search",
        nargs="?",
        const="declared",
        choices=("declared", "grid", "random", "halving", "optuna"),
        help="look for parameters on the folds first; the method, or the declared one",
    ),
    argument(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="max_depth=3,5,8 or learning_rate=0.01..0.3:log; instead of the declared space",
    ),
    argument("--trials", type=int, default=0, help="candidates at most"),
    argument("--minutes", type=float, default=0.0, help="begin no candidate after that"),
    argument("--by", default="", metavar="METRIC", help="what candidates are judged by"),
    argument("--after", type=int, action="append", default=[], metavar="JOB", help="wait for it"),
    argument("--priority", type=int, default=0, help="higher goes first"),
    MEMORY,
    TIME,
    DETACH,
    examples=(
        "mlops-console train delays",
        "mlops-console train delays --param learning_rate=0.05 --param max_iter=200",
        "mlops-console train delays --data flights@v3 --detach",
        "mlops-console train delays --search --vary max_leaf_nodes=7,15,31 "
        "--vary learning_rate=0.02..0.3:log",
    ),
)
def train(invocation: Invocation) -> None:
    """Train a pipeline's model, judge it by its gates and register it."""
    given = invocation.arguments
    if given.search is None and (given.vary or given.trials or given.minutes or given.by):
        raise errors.UsageError(
            "--vary, --trials, --minutes and --by belong to a search.", hint="Add --search."
        )
    shared: dict[str, Any] = {
        "pipeline": given.pipeline,
        "params": read_params(given.param),
        "data": dict(_version(each) for each in given.data),
        "seed": given.seed,
        "model": given.model,
        "note": given.note,
        "priority": given.priority,
        "after": tuple(given.after),
        **read_limits(given),
    }
    if given.search is None:
        job = invocation.client.call(wire.start_training, StartTraining(**shared))
    else:
        request = StartSearch(
            **shared,
            space=dict(search_space.read_vary(each) for each in given.vary),
            method="" if given.search == "declared" else given.search,
            trials=given.trials,
            minutes=given.minutes,
            metric=given.by,
        )
        job = invocation.client.call(wire.start_search, request)
    ended = follow(invocation, job)
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
    if "candidates" in job.result:
        found = ", ".join(f"{k}={text.plain_value(v)}" for k, v in run.params.items())
        output.line(f"chosen from {text.counted(job.result['candidates'], 'candidate')}: {found}")
        if detail.search is not None:
            output.line(search_words(detail.search))
    print_metrics(output, detail.results)
    verdict = str(job.result.get("verdict", "skipped"))
    output.line()
    if verdict == "skipped":
        output.line(f"{output.verdict(verdict)}  no gates are declared for {run.model}")
        return
    output.line(f"{output.verdict(verdict)}  See mlops-console gate show {run.model}")
    if verdict in ("pass", "warn"):
        output.note(f"Promote it: mlops-console model promote {run.model}")
