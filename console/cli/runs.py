"""`mlops-console run …`: what trainings used and measured, and why two of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from console import tabular, text
from console.cli.commands import Invocation, argument, command
from console.cli.following import DETACH, follow
from console.cli.run_comparison_views import print_calibration, print_comparison
from console.cli.run_diff_views import print_patch, print_run_diff
from console.cli.run_views import (
    SHOWN_METRICS,
    print_columns,
    print_group,
    print_run,
    print_runs,
    print_views,
)
from console.errors import ConflictError, DamagedError, NotFoundError, UsageError
from console.rules.declared_table import nearest
from console.rules.filtering import Field
from console.rules.run_fields import find_field, run_fields, unmatched
from console.rules.run_histories import AGGREGATES
from console.rules.run_table import file_columns, file_rows, groups, leading_metrics
from console.wire import runs as wire
from console.wire.routes import Nothing
from console.wire.runs import (
    CompareRuns,
    ListRuns,
    NoteRun,
    RunId,
    RunPair,
    RunViewName,
    SaveRunView,
)
from storage.objects import Objects
from storage.records.runs import Run, RunComparison, SavedView

EVERY = 10_000
SHOWN_RUNS = 30
_ID = argument("id", type=int, help="number of the run")


@command(
    "list",
    argument("pipeline", nargs="?", default="", help="only runs of this pipeline"),
    argument("--filter", "-f", default="", help="see below"),
    argument("--sort", "-s", default="", metavar="FIELDS",
             help="several with commas, the first decides: metrics the best first, all else the "
             "smallest; -FIELD turns it round (written --sort=-FIELD)"),
    argument("--reverse", "-r", action="store_true", help="the whole list the other way round"),
    argument("--group", "-g", default="", metavar="FIELD", help="one table for every value"),
    argument("--columns", "-c", default="", metavar="FIELDS", help="only these, with commas"),
    argument("--view", default="", metavar="NAME", help="a saved view; options go before it"),
    argument("--candidates", action="store_true", help="also the candidates of searches"),
    argument("--limit", "-n", type=int, help="at most so many (default: 30; a file gets all)"),
    argument("--csv", action="store_true", help="CSV on stdout"),
    argument("--output", "-o", default="", metavar="FILE", help="write a .csv or .json file"),
    examples=(
        "mlops-console run list delays",
        "mlops-console run list --filter 'roc_auc > 0.7 and max_leaf_nodes < 20'",
        "mlops-console run list --filter 'data = flights@v3 and !state:failed' --sort roc_auc",
        "mlops-console run list --sort=max_iter,-started --group pipeline",
        "mlops-console run list --view nightly --output runs.csv",
    ),
)  # fmt: skip
def list_runs(invocation: Invocation) -> None:
    """Runs, newest first.

    A filter is made of terms: a word anywhere, field:value, field = value (also != < <= > >=),
    has:field, joined by and, or, not and parentheses. Fields: id pipeline state data model by note
    tag seed commit branch dirty estimator error started duration rows memory parent, metrics.NAME
    and params.NAME (the prefix may be left out while the name is unique).
    """
    given, output = invocation.arguments, invocation.output
    wanted = _wanted(invocation)
    is_file = bool(given.csv or given.output)
    request = ListRuns(
        pipeline=given.pipeline,
        filter=wanted.filter,
        sort=",".join(wanted.sort),
        limit=given.limit or (EVERY if is_file else SHOWN_RUNS),
        candidates=given.candidates,
    )
    if given.output and (fault := tabular.fault_of(given.output)):
        raise UsageError(f"cannot write {given.output}: {fault}.", hint="Name another file.")
    found = invocation.client.call(wire.list_runs, request)
    if given.reverse:
        found = found[::-1]
    fields = _fields(invocation, found, wanted)
    if is_file:
        columns = _columns(given.columns, fields) or file_columns(fields, wanted.hidden)
        rows = file_rows(found, columns, fields)
        if given.output:
            words = tabular.written(Path(given.output).suffix, columns, rows)
            path = tabular.write_new(given.output, words)
            output.note(f"{text.counted(len(found), 'run')} written to {path}")
        else:
            output.raw(tabular.as_csv(columns, rows))
        return
    output.show(found, lambda runs: _print_list(invocation, runs, wanted, fields))


def _fields(invocation: Invocation, found: list[Run], wanted: SavedView) -> dict[str, Field[Run]]:
    """What can be asked of these runs; of all where a name is meant that only others have."""
    fields = run_fields(found)
    asked = (*_words(invocation.arguments.columns), *filter(None, [wanted.group]))
    try:
        for name in asked:
            find_field(name, fields, "")
    except UsageError:
        every = invocation.client.call(wire.list_runs, ListRuns(limit=EVERY, candidates=True))
        return run_fields(every)
    return fields


def _wanted(invocation: Invocation) -> SavedView:
    """The saved view that was named with what the options change about it."""
    given = invocation.arguments
    view = SavedView(name="")
    if given.view:
        views = {each.name: each for each in invocation.client.call(wire.list_run_views, Nothing())}
        if given.view not in views:
            hint = nearest(given.view, list(views), "There are") if views else "None is saved yet."
            raise NotFoundError(f"there is no view {given.view!r}.", hint=hint)
        view = views[given.view]
    both = f"({view.filter}) and ({given.filter})"
    return replace(
        view,
        filter=both if view.filter and given.filter else view.filter or given.filter,
        sort=_words(given.sort) or view.sort,
        group=given.group or view.group,
    )


def _print_list(
    invocation: Invocation, runs: list[Run], wanted: SavedView, fields: dict[str, Field[Run]]
) -> None:
    given, output = invocation.arguments, invocation.output
    if not runs:
        output.line(_no_runs(invocation, wanted))
        return
    group = find_field(wanted.group, fields, "runs cannot be grouped by") if wanted.group else ""
    columns = _columns(given.columns, fields)
    if columns:
        print_columns(output, runs, columns, fields)
        return
    metrics = _metrics_shown(runs, wanted)
    if not group:
        print_runs(output, runs, metrics)
        return
    for title, members in groups(runs, group, fields).items():
        print_group(output, title, members, metrics)


def _metrics_shown(runs: list[Run], wanted: SavedView) -> tuple[str, ...]:
    """The leading metrics without those put away, and those that a view has taken."""
    asked = [word.removeprefix("-") for word in (*wanted.columns, *wanted.sort)]
    known = {name for run in runs for name in run.metrics}
    taken = [name for word in asked if (name := word.removeprefix("metrics.")) in known]
    leading = leading_metrics(runs, at_most=SHOWN_METRICS)
    names = dict.fromkeys((*leading, *taken))
    return tuple(name for name in names if f"metrics.{name}" not in wanted.hidden)


def _no_runs(invocation: Invocation, wanted: SavedView) -> str:
    """No run at all, or none that the filter leaves: which term, and the nearest value."""
    given = invocation.arguments
    request = ListRuns(pipeline=given.pipeline, limit=EVERY, candidates=given.candidates)
    every = invocation.client.call(wire.list_runs, request)
    if not every:
        of = f" of {given.pipeline}" if given.pipeline else ""
        return f"No runs{of}. Make one: mlops-console train {given.pipeline or 'PIPELINE'}"
    why = unmatched(wanted.filter, every, run_fields(every)) if wanted.filter else ""
    return f"0 of {text.counted(len(every), 'run')}: {why}"


def _columns(words: str, fields: Mapping[str, Field[Run]]) -> list[str]:
    """The full names of columns written with commas."""
    return [find_field(word, fields, "there is no column") for word in _words(words)]


@command(
    "view",
    argument("name", nargs="?", default="", help="save under this name; none lists the views"),
    argument("--filter", "-f", default="", help="as in `run list`"),
    argument("--sort", "-s", default="", metavar="FIELDS"),
    argument("--group", "-g", default="", metavar="FIELD"),
    argument("--hide", default="", metavar="FIELDS", help="columns put away, with commas"),
    argument("--columns", "-c", default="", metavar="FIELDS", help="columns taken besides"),
    argument("--remove", action="store_true", help="forget the view of this name"),
    examples=(
        "mlops-console run view",
        "mlops-console run view good --filter 'roc_auc > 0.7' --sort roc_auc --group pipeline",
        "mlops-console run view good --remove",
    ),
)
def view(invocation: Invocation) -> None:
    """Save how runs are looked at, for everybody in the workspace; or list what is saved."""
    given, output = invocation.arguments, invocation.output
    if not given.name:
        views = invocation.client.call(wire.list_run_views, Nothing())
        output.show(views, lambda found: print_views(output, found))
        return
    if given.remove:
        invocation.client.call(wire.remove_run_view, RunViewName(name=given.name))
        output.note(f"view {given.name} is forgotten")
        return
    request = SaveRunView(
        name=given.name,
        filter=given.filter,
        sort=_words(given.sort),
        group=given.group,
        hidden=_words(given.hide),
        columns=_words(given.columns),
    )
    saved = invocation.client.call(wire.set_run_view, request)
    output.show(saved, lambda each: output.line(f"Look: mlops-console run list --view {each.name}"))


def _words(given: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in given.split(",") if word.strip())


@command(
    "show",
    _ID,
    argument("--changes", action="store_true", help="the uncommitted changes it was made with"),
    examples=("mlops-console run show 117", "mlops-console run show 117 --changes"),
)
def show(invocation: Invocation) -> None:
    """A run: data, code, parameters, machine, metrics with intervals, curves, files."""
    detail = invocation.client.call(wire.get_run, RunId(id=invocation.arguments.id))
    if invocation.arguments.changes and not invocation.output.as_json:
        if detail.changes:
            print_patch(invocation.output, detail.changes)
        else:
            invocation.output.line(f"Run {detail.run.id} was made without uncommitted changes.")
        return
    invocation.output.show(detail, lambda found: print_run(invocation.output, found))


@command(
    "diff",
    argument("before", type=int, help="number of a run"),
    argument("after", type=int, help="number of another"),
    examples=("mlops-console run diff 117 118",),
)
def diff(invocation: Invocation) -> None:
    """What two runs were made with: data versions, declared pipeline, code, as a diff."""
    given = invocation.arguments
    found = invocation.client.call(wire.diff_runs, RunPair(before=given.before, after=given.after))
    invocation.output.show(found, lambda each: print_run_diff(invocation.output, each))


@command(
    "file",
    _ID,
    argument("name", help="as `run show` lists it: evaluation, importance, calibration, …"),
    argument("--output", "-o", default="", metavar="FILE", help="write it there"),
    examples=(
        "mlops-console run file 117 importance",
        "mlops-console run file 117 evaluation -o holdout.csv",
    ),
)
def file(invocation: Invocation) -> None:
    """A file of a run: held-out rows with predictions, importance, calibration, the model."""
    given = invocation.arguments
    detail = invocation.client.call(wire.get_run, RunId(id=given.id))
    found = next((each for each in detail.artifacts if each.name == given.name), None)
    if found is None:
        names = [each.name for each in detail.artifacts]
        hint = nearest(given.name, names, "There are") if names else "It made none."
        raise NotFoundError(f"run {given.id} has no file {given.name!r}.", hint=hint)
    objects = Objects(invocation.workspace.objects)
    if not given.output:
        if found.kind not in ("json", "text"):
            raise UsageError(f"{found.name} is no text but {found.kind}.", hint="Add -o FILE.")
        invocation.output.raw(objects.read_bytes(found.digest).decode() + "\n")
        return
    path = Path(given.output).expanduser().absolute()
    if path.exists():
        raise ConflictError(f"{path} is there already.", hint="Name another file.")
    if found.kind == "parquet" and path.suffix == ".csv":
        _write_csv(objects.path(found.digest), path)
    else:
        try:
            path.write_bytes(objects.read_bytes(found.digest))
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}.") from error
    invocation.output.note(f"{found.name} of run {given.id} written to {path}")


def _write_csv(parquet: Path, path: Path) -> None:
    """Rows of a table as CSV, its texts harmless for a spreadsheet."""
    import duckdb

    try:
        with duckdb.connect() as connection:
            found = connection.execute("SELECT * FROM read_parquet($path)", {"path": str(parquet)})
            heads = [each[0] for each in found.description or ()]
            tabular.write_new(str(path), tabular.as_csv(heads, found.fetchall()))
    except duckdb.Error as error:
        raise DamagedError(f"{parquet} cannot be read: {error}") from error


@command(
    "compare",
    argument("ids", type=int, nargs="+", help="two to twelve runs; the baseline first"),
    argument(
        "--aggregate",
        choices=AGGREGATES,
        default="last",
        help="what stands for a metric with steps (default: last)",
    ),
    argument("--calibration", action="store_true", help="also what was said and seen, bin by bin"),
    examples=(
        "mlops-console run compare 117 118",
        "mlops-console run compare 117 118 121 --aggregate best",
    ),
)
def compare(invocation: Invocation) -> None:
    """What differs between runs and whether the difference is more than noise."""
    given = invocation.arguments
    request = CompareRuns(ids=tuple(given.ids), aggregate=given.aggregate)
    found = invocation.client.call(wire.compare_runs, request)

    def people(each: RunComparison) -> None:
        if given.calibration:
            print_calibration(invocation.output, each)
            invocation.output.line()
        print_comparison(invocation.output, each)

    invocation.output.show(found, people)


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
