"""`mlops-console contract …`: what data was agreed to be, and whether it is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, get_args

from console import errors, text
from console.cli.commands import Invocation, argument, command
from console.cli.contract_views import junit, markdown, print_contract, print_report
from console.cli.datasets import absolute
from console.cli.following import DETACH, follow
from console.cli.output import Output
from console.cli.reading_options import READING, reading_options
from console.cli.references import split_reference
from console.wire import datasets as wire
from console.wire.datasets import CheckContract, CheckOfJob, DatasetName, Decided, DecideRules
from storage.durable import replace_file
from storage.records.checks import CheckReport
from storage.records.results import Severity

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


_RULES = argument(
    "rules",
    nargs="*",
    metavar="RULE",
    help="a rule (humid.range), a column (all of its drafts), or a pattern ('*.required')",
)
_ALL = argument("--all", action="store_true", help="every draft that is left")


@command(
    "accept",
    argument("dataset"),
    _RULES,
    _ALL,
    argument(
        "--severity",
        choices=get_args(Severity),
        help="how much they weigh from now on (default: error, or what the file says)",
    ),
    examples=(
        "mlops-console contract accept flights tailnum.required '*.type'",
        "mlops-console contract accept flights --all --severity warn",
    ),
)
def accept(invocation: Invocation) -> None:
    """Agree to drafted rules: from now on data that breaks them is refused.

    The contract file is changed in place, nothing else in it is touched; the ledger keeps who.
    """
    arguments = invocation.arguments
    _decide(invocation, accept=_rules(arguments), severity=arguments.severity or "")


@command(
    "refuse",
    argument("dataset"),
    _RULES,
    _ALL,
    examples=("mlops-console contract refuse flights 'year.*' row_count",),
)
def refuse(invocation: Invocation) -> None:
    """Take drafted rules out of the contract file; a refused type leaves the column untyped."""
    _decide(invocation, refuse=_rules(invocation.arguments))


def _rules(arguments: argparse.Namespace) -> tuple[str, ...]:
    if bool(arguments.rules) == arguments.all:
        raise errors.UsageError(
            "name the rules, or all of them with --all.",
            hint=f"See them: mlops-console contract show {arguments.dataset}",
        )
    return tuple(arguments.rules) or ("*",)


def _decide(
    invocation: Invocation,
    *,
    accept: tuple[str, ...] = (),
    refuse: tuple[str, ...] = (),
    severity: str = "",
) -> None:
    request = DecideRules(
        dataset=invocation.arguments.dataset, accept=accept, refuse=refuse, severity=severity
    )

    def people(found: Decided) -> None:
        verb, rules = ("accepted", found.accepted) if accept else ("refused", found.refused)
        output = invocation.output
        output.line(f"{verb} {text.counted(len(rules), 'rule')} in {found.path}")
        for rule in rules:
            output.line(f"  {text.clean(rule)}")
        left = sum(rule.is_open for rule in found.contract.rules)
        if left:
            output.note(f"{text.counted(left, 'draft')} left: mlops-console contract show "
                        f"{request.dataset}")  # fmt: skip
        else:
            output.note("Nothing is left to decide: the contract is in force.")

    invocation.output.show(invocation.client.call(wire.decide_rules, request), people)


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
        usual = f"contracts/{report.dataset}.odcs.yaml"
        if path.absolute() == (invocation.workspace.root / usual).absolute():
            output.note(f"Wrote {path}. It holds from now on; what it drafts only warns.")
        else:
            output.note(f"Wrote {path}. Name it in mlops.toml, or keep it as {usual}:")
            output.note(f'  [datasets.{report.dataset}]\n  contract = "{path}"')
        output.note(f"Decide on its rules: mlops-console contract accept {report.dataset} RULE …")
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
