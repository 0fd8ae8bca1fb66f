"""`mlops-console contract …`: what data was agreed to be, and whether it is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from console import errors, text
from console.cli.commands import Invocation, argument, command
from console.cli.contract_views import junit, markdown, print_contract, print_report
from console.cli.datasets import absolute
from console.cli.following import DETACH, follow
from console.cli.output import Output
from console.cli.reading_options import READING, reading_options
from console.cli.references import split_reference
from console.wire import datasets as wire
from console.wire.datasets import CheckContract, CheckOfJob, DatasetName
from storage.durable import replace_file
from storage.records.checks import CheckReport

_SUBJECT = (
    argument("dataset", help="NAME or NAME@v3"),
    argument("files", nargs="*", help="instead of a version: files that are not stored"),
    *READING,
)


@command("show", argument("dataset"), examples=("mlops-console contract show flights",))
def show(invocation: Invocation) -> None:
    """The declared contract of a dataset: columns, rules, tolerances."""
    name = DatasetName(dataset=invocation.arguments.dataset)
    contract = invocation.client.call(wire.get_contract, name)
    invocation.output.show(contract, lambda found: print_contract(invocation.output, found))


@command(
    "check",
    *_SUBJECT,
    argument("--contract", default="", metavar="FILE", help="instead of the declared one"),
    argument("--learning", action="store_true", help="also look for what spoils learning"),
    argument("--label", default="", metavar="COL", help="with --learning: what is predicted"),
    argument("--train", default="", metavar="VERSION", help="what is checked must not be in it"),
    argument("--group", default="", metavar="COL", help="its values must not be on both sides"),
    argument("--all", action="store_true", help="also list the rules that nothing violates"),
    argument("--junit", default="", metavar="FILE", help="also write JUnit XML"),
    argument("--markdown", default="", metavar="FILE", help="also write a Markdown table"),
    DETACH,
    examples=(
        "mlops-console contract check flights@v4",
        "mlops-console contract check flights april.csv --junit contract.xml",
        "mlops-console contract check flights@v4 --label arr_delay --train v3",
    ),
)
def check(invocation: Invocation) -> int:
    """Check a version, or files that are not stored, against the contract.

    Exit 0 when it passes, perhaps with warnings; 7 when it fails.
    """
    arguments = invocation.arguments
    report = _run(invocation, infer=False)
    if report is None:
        return 0
    for path, write in ((arguments.junit, junit), (arguments.markdown, markdown)):
        if path:
            _write(Path(path), write(report))
    invocation.output.show(
        report, lambda found: print_report(invocation.output, found, everything=arguments.all)
    )
    return errors.KINDS["refused"].exit_code if report.verdict in ("fail", "error") else 0


@command(
    "infer",
    *_SUBJECT,
    argument("--out", "-o", default="", metavar="FILE", help="write it there; default: stdout"),
    argument("--overwrite", action="store_true", help="replace the file when there is one"),
    DETACH,
    examples=(
        "mlops-console contract infer flights -o contracts/flights.odcs.yaml",
        "mlops-console contract infer flights january.csv",
    ),
)
def infer(invocation: Invocation) -> None:
    """Draft a contract from data, each rule with its evidence, to be read and accepted."""
    arguments, output = invocation.arguments, invocation.output
    path = Path(arguments.out) if arguments.out else None
    if path is not None and path.exists() and not arguments.overwrite:
        raise errors.ConflictError(
            f"{path} exists; a draft does not replace it.", hint="Add --overwrite if it may."
        )
    report = _run(invocation, infer=True)
    if report is None:
        return
    if path is not None:
        _write(path, report.draft)
        output.note(f"Wrote {path}. Read it, accept its rules, and name it in mlops.toml:")
        output.note(f'  [datasets.{report.dataset}]\n  contract = "{path}"')
    if path is None or output.as_json:
        output.show(report, lambda found: _print_draft(output, found.draft))


def _print_draft(output: Output, draft: str) -> None:
    """As it is into a file or a pipe; made harmless on a terminal, since data speaks in it."""
    lines = text.clean_lines(draft) if sys.stdout.isatty() else draft.splitlines()
    output.line("\n".join(lines))


def _run(invocation: Invocation, *, infer: bool) -> CheckReport | None:
    arguments = invocation.arguments
    name, version = split_reference(arguments.dataset, "dataset")
    contract = "" if infer else arguments.contract
    learning = {} if infer else _learning(arguments)
    request = CheckContract(
        dataset=name,
        version="" if arguments.files else version,
        files=tuple(absolute(file) for file in arguments.files),
        contract=absolute(contract) if contract else "",
        options=reading_options(arguments) if arguments.files else {},
        infer=infer,
        **learning,
    )
    job = follow(invocation, invocation.client.call(wire.check_contract, request))
    if job is None:
        return None
    report: CheckReport = invocation.client.call(wire.get_check, CheckOfJob(id=job.id))
    return report


def _learning(arguments: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(arguments, name) for name in ("label", "train", "group")}
    return {"learning": arguments.learning or any(given.values()), **given}


def _write(path: Path, words: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path.absolute(), words.encode(), mode=0o644)
    except OSError as error:
        raise errors.UnavailableError(f"cannot write {path}: {error.strerror}.") from error
