"""`mlops-console run …`: what trainings used and measured, and why two of them differ."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from console import text
from console.cli.commands import Invocation, argument, command
from console.cli.following import DETACH, follow
from console.cli.run_views import print_comparison, print_run, print_runs
from console.errors import UsageError
from console.rules import metrics
from console.rules.declared_table import nearest
from console.rules.run_fields import run_fields
from console.wire import runs as wire
from console.wire.runs import CompareRuns, ListRuns, NoteRun, RunId
from storage.records.runs import Run

_ID = argument("id", type=int, help="number of the run")


@command(
    "list",
    argument("pipeline", nargs="?", default="", help="only runs of this pipeline"),
    argument("--filter", "-f", default="", help="see `mlops-console run list --help`"),
    argument("--sort", "-s", default="", metavar="FIELD", help="metrics: the best first"),
    argument("--reverse", "-r", action="store_true", help="the other way round"),
    argument("--candidates", action="store_true", help="also the candidates of searches"),
    argument("--limit", "-n", type=int, default=30, help="at most so many, the newest"),
    examples=(
        "mlops-console run list delays",
        "mlops-console run list --filter 'roc_auc > 0.7 and max_leaf_nodes < 20'",
        "mlops-console run list --filter 'data = flights@v3 and !state:failed' --sort=-roc_auc",
    ),
)
def list_runs(invocation: Invocation) -> None:
    """Runs, newest first.

    A filter is made of terms: a word anywhere, field:value, field = value (also != < <= > >=),
    has:field, joined by and, or, not and parentheses. Fields: id pipeline state data model by note
    tag seed commit error started duration rows parent, metrics.NAME and params.NAME (the prefix may
    be left out while the name is unique).
    """
    given = invocation.arguments
    request = ListRuns(
        pipeline=given.pipeline,
        filter=given.filter,
        limit=given.limit,
        candidates=given.candidates,
    )
    found = invocation.client.call(wire.list_runs, request)
    if given.sort:
        found = _sorted(found, given.sort)
    if given.reverse:
        found = found[::-1]
    invocation.output.show(found, lambda runs: print_runs(invocation.output, runs))


@command("show", _ID, examples=("mlops-console run show 117",))
def show(invocation: Invocation) -> None:
    """A run: data, code, parameters, metrics with intervals, slices, folds, features."""
    detail = invocation.client.call(wire.get_run, RunId(id=invocation.arguments.id))
    invocation.output.show(detail, lambda found: print_run(invocation.output, found))


@command(
    "compare",
    argument("ids", type=int, nargs="+", help="two to twelve runs; the baseline first"),
    examples=("mlops-console run compare 117 118",),
)
def compare(invocation: Invocation) -> None:
    """What differs between runs and whether the difference is more than noise."""
    request = CompareRuns(ids=tuple(invocation.arguments.ids))
    found = invocation.client.call(wire.compare_runs, request)
    invocation.output.show(found, lambda each: print_comparison(invocation.output, each))


@command(
    "note",
    _ID,
    argument("text", nargs="?", help="what to remember about it"),
    argument("--tag", action="append", help="replaces its tags; may be repeated"),
    examples=('mlops-console run note 117 "the one before the holidays" --tag keep',),
)
def note(invocation: Invocation) -> None:
    """Note something about a run, or tag it."""
    given = invocation.arguments
    tags = None if given.tag is None else tuple(given.tag)
    run = invocation.client.call(wire.note_run, NoteRun(id=given.id, note=given.text, tags=tags))
    invocation.output.show(
        run,
        lambda each: invocation.output.line(
            f"run {each.id}: {text.clean(each.note) or '–'}  {', '.join(each.tags)}".rstrip()
        ),
    )


@command("reproduce", _ID, DETACH, examples=("mlops-console run reproduce 117",))
def reproduce(invocation: Invocation) -> int:
    """Train again with the recorded data, parameters and seed; exit 7 when the scores differ."""
    job = invocation.client.call(wire.reproduce_run, RunId(id=invocation.arguments.id))
    ended = follow(invocation, job)
    if ended is None:
        return 0
    invocation.output.show(ended.result, lambda result: _print_reproduction(invocation, result))
    return 0 if ended.result.get("is_same") else 7


def _print_reproduction(invocation: Invocation, result: dict[str, Any]) -> None:
    output = invocation.output
    word = output.verdict("pass") if result["is_same"] else output.verdict("fail")
    output.line(f"{word}  run {result['run']} repeats run {result['reproduces']}")
    for sentence in result["words"]:
        output.line(text.clean(sentence))


def _sorted(runs: list[Run], name: str) -> list[Run]:
    """By any field of the filter language: metrics the best first, all else the smallest first."""
    fields = run_fields(runs)
    full = next((f for f in fields if f == name or f.endswith(f".{name}")), None)
    if full is None:
        near = nearest(name, list(fields), "They can be sorted by")
        raise UsageError(f"runs cannot be sorted by {name!r}.", hint=near)
    get = fields[full].get
    known = [run for run in runs if get(run) is not None]
    missing = [run for run in runs if get(run) is None]
    metric = full.removeprefix("metrics.").removeprefix("cv_")
    is_best_last = full.startswith("metrics.") and metrics.direction_of(metric) != "le"
    return sorted(known, key=lambda run: _sortable(get(run)), reverse=is_best_last) + missing


def _sortable(value: Any) -> tuple[int, Any]:
    """Numbers before texts, so that a parameter of both kinds can be sorted."""
    if isinstance(value, (int, float, datetime)):
        return 0, value
    return 1, str(value)
