"""The contract files of datasets, and what is kept of a check.

`mlops.toml` names the contract of a dataset; where it names none, `contracts/NAME.odcs.yaml` is it
when somebody put one there. A contract file is copied into the object store when it is going to be
used: what was agreed at that moment stays readable, whatever becomes of the file.
"""

from __future__ import annotations

import asyncio
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import msgspec

from console import errors, text
from console.wire.datasets import Decided, DecideRules
from storage.durable import replace_file
from storage.errors import from_os_error
from storage.records.checks import CheckReport
from storage.records.contracts import Contract
from storage.records.results import Severity

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.context import Call
    from storage.objects import Objects

LIMIT_BYTES = 8 * 2**20
USUAL_PLACE = "contracts/{}.odcs.yaml"
"""Where the contract of a dataset is looked for when `mlops.toml` names none."""


def place_of(call: Call, dataset: str) -> str:
    """The contract file of a dataset, below the workspace or absolute; empty when it has none."""
    declared = call.agent.declaration.datasets.get(dataset)
    if declared is not None and declared.contract:
        return declared.contract
    usual = USUAL_PLACE.format(dataset)
    return usual if (call.root / usual).exists() else ""


def keep(call: Call, name: str) -> dict[str, Any]:
    """Copy the file into the object store; returns what a worker needs to read it."""
    content = _read(call.root, name)
    decode(content, name)
    return {"object": call.agent.objects.put_bytes(content), "path": name}


async def declared(call: Call, dataset: str, name: str) -> Contract:
    """The contract as its file says now; raises `InvalidError` with the line that does not hold."""

    def parse() -> Contract:
        from console.rules import contracts  # and the package of the standard behind it

        return contracts.parse(decode(_read(call.root, name), name), name, dataset)

    return await asyncio.to_thread(parse)


async def decide(call: Call, request: DecideRules, name: str) -> Decided:
    """Change the file as a person decided; the ledger's entry is made or the file is as before."""
    from console.rules import contract_decisions, contracts  # and the standard's package

    severity = cast("Severity | None", request.severity or None)
    if severity not in (None, *get_args(Severity)):
        raise errors.UsageError(
            f"there is no severity {severity!r}.", hint=f"One of {', '.join(get_args(Severity))}."
        )

    def change() -> tuple[bytes, Decided]:
        before = _read(call.root, name)
        words = decode(before, name)
        contract = contracts.parse(words, name, request.dataset)
        accept = contract_decisions.chosen(contract, request.accept)
        refuse = contract_decisions.chosen(contract, request.refuse)
        if both := [rule for rule in accept if rule in refuse]:
            raise errors.UsageError(f"{both[0]} cannot be accepted and refused at once.")
        if not accept and not refuse:
            raise errors.UsageError("no rule was named.")
        after = contract_decisions.rewritten(
            words, name, request.dataset, accept=accept, refuse=refuse, severity=severity
        )
        _replace(call.root / name, before, after.encode())
        contract = contracts.parse(after, name, request.dataset)
        return before, Decided(contract=contract, accepted=accept, refused=refuse, path=name)

    before, found = await asyncio.to_thread(change)
    try:
        await call.change(lambda connection: _record(call, connection, request, found), "datasets")
    except BaseException:
        await asyncio.to_thread((call.root / name).resolve().write_bytes, before)
        raise
    return found


def _replace(path: Path, before: bytes, after: bytes) -> None:
    path = path.resolve()
    if path.read_bytes() != before:
        raise errors.ConflictError(f"{path} was changed by somebody just now.", hint="Try again.")
    try:
        replace_file(path, after, mode=stat.S_IMODE(path.stat().st_mode))
    except OSError as error:
        raise from_os_error("write", path, error) from error


def _record(
    call: Call, connection: DuckDBPyConnection, request: DecideRules, found: Decided
) -> None:
    verbs = (("accept", request.accept, found.accepted), ("refuse", request.refuse, found.refused))
    for verb, words, rules in verbs:
        if not rules:
            continue
        severity = ["--severity", request.severity] if request.severity and verb == "accept" else []
        command = ["mlops-console", "contract", verb, request.dataset, *words, *severity]
        counted = text.counted(len(rules), "drafted rule")
        call.record(
            connection,
            f"contract.{verb}",
            request.dataset,
            f"{verb}s {counted} of {found.path}: {text.listed(rules[:3])}"
            + (f" and {len(rules) - 3} more" if len(rules) > 3 else ""),
            command=shlex.join(command),
            detail={"rules": " ".join(rules)},
        )


def decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise errors.InvalidError(
            f"the contract {name} is not UTF-8: line {line} has the byte "
            f"0x{content[error.start]:02x}.",
            hint="Save it as UTF-8.",
        ) from error


def kept(objects: Objects, digest: str) -> Contract:
    """A contract as it was when something was checked against it."""
    return msgspec.convert(objects.read_json(digest), Contract)


def read_report(objects: Objects, digest: str) -> CheckReport:
    return msgspec.convert(objects.read_json(digest), CheckReport)


def _read(root: Path, name: str) -> bytes:
    path = root / name
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise errors.NotFoundError(
            f"there is no contract file {path}.",
            hint="Correct the name in mlops.toml, or draft one: mlops-console contract infer NAME",
        ) from None
    except OSError as error:
        raise errors.UnavailableError(f"cannot read {path}: {error.strerror}.") from error
    if len(content) > LIMIT_BYTES:
        raise errors.TooLargeError(f"{path} is larger than {LIMIT_BYTES >> 20} MiB.")
    return content
