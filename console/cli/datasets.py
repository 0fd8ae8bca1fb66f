"""`mlops-console data …`: versions of tables, from a file to what changed in it."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from console import errors, text
from console.cli import comparison_views, dataset_views
from console.cli.commands import Invocation, argument, command
from console.cli.contract_views import print_report
from console.cli.following import DETACH, follow
from console.cli.output import Output
from console.cli.reading_options import READING, reading_options
from console.cli.references import split_reference
from console.wire import datasets as wire
from console.wire import jobs as jobs_wire
from console.wire.datasets import (
    AddData,
    CheckOfJob,
    CollectGarbage,
    DatasetName,
    DiffAnswer,
    ExportData,
    Garbage,
    GetRows,
    SetVersionTag,
    VersionPair,
    VersionRef,
)
from console.wire.jobs import JobId
from console.wire.routes import Nothing
from storage.records.datasets import DatasetVersion
from storage.records.jobs import Job

_VERSION = argument("version", help="NAME, NAME@v3, NAME@tag or NAME@digest")
_PAIR = argument(
    "versions",
    nargs="+",
    metavar="VERSION",
    help="NAME@v1 NAME@v3, NAME@v1..v3, or one version: compared with the one before it",
)


@command(
    "list",
    argument("dataset", nargs="?", help="only the versions of this dataset"),
    examples=("mlops-console data list", "mlops-console data list flights"),
)
def list_datasets(invocation: Invocation) -> None:
    """All datasets, or the versions of one."""
    output, name = invocation.output, invocation.arguments.dataset
    if name:
        versions = invocation.client.call(wire.list_versions, DatasetName(dataset=name))
        output.show(versions, lambda found: dataset_views.print_versions(output, found))
        return
    found = invocation.client.call(wire.list_datasets, Nothing())
    output.show(found, lambda each: dataset_views.print_datasets(output, each))


@command(
    "add",
    argument("dataset", help="name of the dataset; made when it is new"),
    argument("files", nargs="*", help="files, directories or patterns; together one table"),
    argument("--sql", default="", metavar="QUERY", help="instead of files: a DuckDB query"),
    argument("--append", action="store_true", help="add the rows to the latest version"),
    argument("--note", default="", help="what to remember about this version"),
    argument("--tag", default="", help="name this version"),
    argument("--key", default="", metavar="COL,COL", help="columns that identify a row"),
    argument(
        "--force",
        action="store_true",
        help="store it although its contract fails, or although the same rows are there already",
    ),
    *READING,
    DETACH,
    examples=(
        "mlops-console data add flights january.parquet",
        "mlops-console data add flights february.csv --append --null NA",
        'mlops-console data add carriers --sql "SELECT DISTINCT carrier FROM flights"',
    ),
)
def add(invocation: Invocation) -> None:
    """Read files into a new version of a dataset, checked against its contract.

    The files are the whole new state of the table; with --append they are more rows of it. The
    same content is the same version. When the declared contract fails, nothing is stored.
    """
    arguments, output = invocation.arguments, invocation.output
    request = AddData(
        dataset=arguments.dataset,
        files=tuple(absolute(file) for file in arguments.files),
        sql=arguments.sql,
        append=arguments.append,
        note=arguments.note,
        tag=arguments.tag,
        key=tuple(filter(None, (name.strip() for name in arguments.key.split(",")))),
        options=reading_options(arguments),
        force=arguments.force,
    )
    job = invocation.client.call(wire.add_data, request)
    try:
        ended = follow(invocation, job)
    except errors.ConsoleError:
        _tell_why(invocation, job)
        raise
    if ended is not None:
        output.show(ended.result, lambda result: _added(invocation, result))


def _tell_why(invocation: Invocation, job: Job) -> None:
    """What the contract said, when that is why the job failed."""
    ended = invocation.client.call(jobs_wire.get_job, JobId(id=job.id))
    if invocation.output.as_json or not ended.result.get("check"):
        return
    report = invocation.client.call(wire.get_check, CheckOfJob(id=job.id))
    print_report(invocation.output, report, failed_only=True)


def _added(invocation: Invocation, result: dict[str, Any]) -> None:
    output = invocation.output
    if not result.get("is_new", True):
        output.line(text.clean(result["message"]))
        if result.get("hint"):
            output.note(result["hint"])
        return
    parts = [f"added {result['name']}: {text.counted(result['rows'], 'row')}"]
    if result.get("parent_rows") not in (None, result["rows"]):
        parts.append(f"{text.delta(result['rows'] - result['parent_rows'], 0)} to the one before")
    parts.append(f"{text.byte_size(result['added_bytes'])} new on disk")
    if result["verdict"] != "skipped":
        parts.append(f"contract {result['verdict']}")
    output.line(", ".join(parts))
    for note in result.get("notes", ()):
        output.line(f"  {text.clean(note)}")
    output.note(f"Look at it: mlops-console data show {result['name']}")


@command("show", _VERSION, examples=("mlops-console data show flights@v3",))
def show(invocation: Invocation) -> None:
    """Where a version came from, its columns with their shapes, and its contract."""
    name, version = split_reference(invocation.arguments.version, "dataset")
    detail = invocation.client.call(wire.get_version, VersionRef(dataset=name, version=version))
    invocation.output.show(
        detail, lambda found: dataset_views.print_version(invocation.output, found)
    )


@command(
    "rows",
    _VERSION,
    argument("--offset", type=int, default=0, help="rows to skip"),
    argument("--limit", type=int, default=20, help="rows to show, at most 1000"),
    examples=("mlops-console data rows flights@v3 --offset 100000 --limit 50",),
)
def rows(invocation: Invocation) -> None:
    """A page of the rows of a version."""
    name, version = split_reference(invocation.arguments.version, "dataset")
    request = GetRows(
        dataset=name,
        version=version,
        offset=invocation.arguments.offset,
        limit=invocation.arguments.limit,
    )
    page = invocation.client.call(wire.list_rows, request)
    invocation.output.show(page, lambda found: dataset_views.print_rows(invocation.output, found))


@command(
    "tag",
    _VERSION,
    argument("tag", help="the name; it moves here when another version has it"),
    argument("--remove", action="store_true", help="forget the tag, keep the version"),
    examples=("mlops-console data tag flights@v3 2013-q1",),
)
def tag(invocation: Invocation) -> None:
    """Give a version a name of its own."""
    arguments = invocation.arguments
    name, version = split_reference(arguments.version, "dataset")
    request = SetVersionTag(
        dataset=name, version=version, tag=arguments.tag, remove=arguments.remove
    )
    _changed(invocation, request)


@command(
    "note",
    _VERSION,
    argument("text", help="what to remember about it"),
    examples=('mlops-console data note flights@v3 "the strike of 14 March is in here"',),
)
def note(invocation: Invocation) -> None:
    """Write down what to remember about a version."""
    name, version = split_reference(invocation.arguments.version, "dataset")
    request = SetVersionTag(dataset=name, version=version, tag="", note=invocation.arguments.text)
    _changed(invocation, request)


def _changed(invocation: Invocation, request: SetVersionTag) -> None:
    version = invocation.client.call(wire.set_version_tag, request)

    def people(found: DatasetVersion) -> None:
        words = [f"tags: {', '.join(found.tags) or 'none'}"]
        words += [f"note: {text.clean(found.note)}"] if found.note else []
        invocation.output.line(f"{found.name}  {'  '.join(words)}")

    invocation.output.show(version, people)


@command(
    "diff",
    _PAIR,
    DETACH,
    examples=(
        "mlops-console data diff flights@v3 flights@v4",
        "mlops-console data diff flights@v3..v4",
        "mlops-console data diff flights@v4",
    ),
)
def diff(invocation: Invocation) -> None:
    """What changed between two versions: columns, rows, cells, categories, distributions."""
    pair = version_pair(invocation.arguments.versions)
    answer: DiffAnswer = invocation.client.call(wire.get_diff, pair)
    if answer.job is not None:
        if follow(invocation, answer.job) is None:
            return
        answer = invocation.client.call(wire.get_diff, pair)
    if answer.diff is None:
        raise errors.UnavailableError(
            "the diff was computed and is gone again.", hint="Ask once more."
        )
    invocation.output.show(
        answer.diff, lambda found: comparison_views.print_diff(invocation.output, found)
    )


@command(
    "drift",
    _PAIR,
    argument(
        "--delivered",
        action="store_true",
        help="of an appended version only the rows that came with it",
    ),
    examples=(
        "mlops-console data drift flights@v3 flights@v4",
        "mlops-console data drift flights@v4 --delivered",
    ),
)
def drift(invocation: Invocation) -> None:
    """Which columns moved between two versions, by how much, and is it more than noise."""
    arguments = invocation.arguments
    pair = replace(version_pair(arguments.versions), is_delivery=arguments.delivered)
    report = invocation.client.call(wire.get_drift, pair)
    invocation.output.show(report, lambda r: comparison_views.print_drift(invocation.output, r))


def version_pair(words: list[str]) -> VersionPair:
    """Take `NAME@a NAME@b`, `NAME@a b`, `NAME a b`, `NAME@a..b` or `NAME@b` apart.

    >>> version_pair(["flights@v1..v3"]) == version_pair(["flights@v1", "flights@v3"])
    True
    >>> version_pair(["flights@v3"])
    VersionPair(dataset='flights', before='', after='v3')
    """
    if len(words) == 1 and ".." in words[0]:
        words = words[0].split("..", 1)
    if len(words) == 3:
        words = [f"{words[0]}@{words[1]}", words[2]]
    if len(words) > 3:
        raise errors.UsageError("two versions are compared, not more.")
    name, first = split_reference(words[0], "dataset")
    if len(words) == 1:
        return VersionPair(dataset=name, before="", after=first)
    if "@" not in words[1]:
        # `flights flights` cannot be meant: a second word without @ is a reference.
        return VersionPair(dataset=name, before=first, after=words[1] or "latest")
    other, second = split_reference(words[1], "dataset")
    if other != name:
        raise errors.UsageError(
            f"{words[0]} and {words[1]} are of two datasets; only versions of one are compared."
        )
    return VersionPair(dataset=name, before=first, after=second)


@command(
    "export",
    _VERSION,
    argument("path", help="file to write: .parquet, .csv or .arrow"),
    argument("--format", default="", choices=("", "parquet", "csv", "arrow"), metavar="FORMAT"),
    argument("--raw", action="store_true", help="CSV: keep cells that begin like formulas"),
    argument("--overwrite", action="store_true", help="replace the file when there is one"),
    DETACH,
    examples=("mlops-console data export flights@v3 flights.csv",),
)
def export(invocation: Invocation) -> None:
    """Write a version to a file; it appears whole or not at all."""
    arguments = invocation.arguments
    name, version = split_reference(arguments.version, "dataset")
    request = ExportData(
        dataset=name,
        version=version,
        path=str(Path(arguments.path).expanduser().absolute()),
        format=arguments.format,
        raw=arguments.raw,
        overwrite=arguments.overwrite,
    )
    job = follow(invocation, invocation.client.call(wire.export_data, request))
    if job is not None:
        invocation.output.show(
            job.result,
            lambda result: _exported(invocation.output, result),
        )


def _exported(output: Output, result: dict[str, Any]) -> None:
    output.line(
        f"wrote {result['path']}: {text.counted(result['rows'], 'row')}, "
        f"{text.byte_size(result['bytes'])}"
    )
    if result["escaped_columns"]:
        listed = text.clean(", ".join(result["escaped_columns"]))
        output.note(
            f"Cells of {listed} that a spreadsheet would run as formulas got an apostrophe; "
            "--raw leaves them alone."
        )


@command("verify", _VERSION, DETACH, examples=("mlops-console data verify flights@v3",))
def verify(invocation: Invocation) -> None:
    """Read every chunk of a version again and compare it with its digest."""
    name, version = split_reference(invocation.arguments.version, "dataset")
    request = VersionRef(dataset=name, version=version)
    job = follow(invocation, invocation.client.call(wire.verify_data, request))
    if job is not None:
        invocation.output.show(
            job.result,
            lambda result: invocation.output.line(
                f"{result['name']} is whole: {text.counted(result['chunks'], 'chunk')}, "
                f"{text.counted(result['rows'], 'row')}, {text.byte_size(result['bytes'])}"
            ),
        )


@command(
    "gc",
    argument("--remove", action="store_true", help="remove them; without it they are counted"),
    argument("--dry-run", action="store_true", help="only count, whatever else is asked"),
    argument("--keep-days", type=int, default=0, metavar="N", help="keep what is younger"),
    examples=("mlops-console data gc", "mlops-console data gc --remove --keep-days 7"),
)
def gc(invocation: Invocation) -> None:
    """Count or remove stored files that no version, run, model or ledger entry refers to."""
    arguments, output = invocation.arguments, invocation.output
    is_dry = arguments.dry_run or not arguments.remove
    request = CollectGarbage(dry_run=is_dry, keep_days=arguments.keep_days)

    def people(found: Garbage) -> None:
        verb = "removed" if found.removed else "would remove"
        output.line(
            f"{verb} {text.counted(found.objects, 'file')} ({text.byte_size(found.bytes)}); "
            f"{text.counted(found.kept_objects, 'file')} kept"
        )
        if found.objects and not found.removed:
            output.note("Remove them: mlops-console data gc --remove")

    output.show(invocation.client.call(wire.collect_garbage, request, timeout_s=600), people)


def absolute(file: str) -> str:
    """The absolute path of a file, directory or pattern; a plain name must exist."""
    path = Path(file).expanduser().absolute()
    if any(sign in file for sign in "*?[") or path.exists() or path.is_symlink():
        return str(path)
    try:
        names = [each.name for each in path.parent.iterdir()]
    except OSError:
        names = []
    near = get_close_matches(path.name, names, n=1)
    hint = f"Did you mean {path.parent / near[0]}?" if near else ""
    raise errors.NotFoundError(f"there is no file {file}.", hint=hint)
