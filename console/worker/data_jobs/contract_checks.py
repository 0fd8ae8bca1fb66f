"""A contract against what was delivered: the results, what they say in one sentence, the refusal.

A contract describes one delivery: the files of a version, or the rows that were appended. Only
keys have to be unique in the whole table. Used by the ingest and check jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from console import errors, text
from console.rules import contracts
from console.rules.contract_sql import reference_table
from console.rules.contract_trends import Earlier
from console.rules.verdicts import WORST_FIRST, stops, worst
from console.worker.context import JobContext
from console.worker.data import checking
from console.worker.data.options import ReadOptions
from console.worker.data_jobs.workbench import Workbench
from storage.chunk_files import NumberedRows
from storage.records.checks import CheckReport
from storage.records.contracts import Contract
from storage.records.results import Result, Verdict
from storage.records.sources import CellProblem, SourceFacts

_NAMED: Final = 3
"""So many reasons stand in a refusal; all of them are in the report."""


def contract_of(job: JobContext) -> Contract | None:
    """The contract of the job as it was when the job was queued; None when there is none."""
    kept = job.spec.get("contract")
    if not kept:
        return None
    document = job.objects.read_bytes(kept["object"]).decode("utf-8-sig")
    return contracts.parse(document, kept["path"], job.spec["dataset"])


def reading_options(contract: Contract | None, given: Mapping[str, Any]) -> ReadOptions:
    """How to read: as the person says, else as the contract says, else as it is found out."""
    agreed: dict[str, Any] = {}
    if contract is not None:
        agreed = {
            "null_tokens": contract.null_tokens,
            "decimal_mark": contract.decimal_mark,
            "encoding": contract.encoding,
        }
    return ReadOptions.from_mapping({k: v for k, v in agreed.items() if v} | dict(given))


def check(
    bench: Workbench,
    contract: Contract,
    delivered: str,
    *,
    rows: NumberedRows | None = None,
    problems: Sequence[CellProblem] = (),
    whole: str = "",
) -> tuple[Result, ...]:
    """Check what stands after FROM in `delivered`, worst first.

    `whole` is the table after the delivery, when that is more: keys are unique in all of it.
    """
    job = bench.job
    keys = tuple(rule for rule in contract.rules if rule.kind == "unique") if whole else ()
    others = tuple(rule for rule in contract.rules if rule not in keys)
    shared: dict[str, Any] = {
        "earlier": _earlier(job.spec["history"]),
        "tables": _tables(bench, contract),
        "now": job.now,
    }
    results = checking.check(
        bench.connection,
        delivered,
        replace(contract, rules=others),
        rows=rows,
        problems=problems,
        watch=lambda share: job.progress(share, 1, "", "checking the contract"),
        **shared,
    )
    if keys:
        found = checking.check(bench.connection, whole, replace(contract, rules=keys), **shared)
        results = tuple(
            sorted((*results, *found), key=lambda each: WORST_FIRST.index(each.verdict))
        )
    return results


def _earlier(history: Sequence[Mapping[str, Any]]) -> Earlier:
    """What the agent told of the versions before, newest first."""
    if not history:
        return checking.NOTHING
    rates: dict[str, list[tuple[int, int]]] = {}
    for version in reversed(history):
        for rule, (count, n) in version["rates"].items():
            rates.setdefault(rule, []).append((count, n))
    previous = msgspec.convert(history[0]["results"], tuple[Result, ...])
    return Earlier(
        previous={dict(each.detail).get(checking.RULE, ""): each for each in previous},
        rates=rates,
        delivered=[(each["version"], each["delivered"]) for each in history],
    )


def _tables(bench: Workbench, contract: Contract) -> dict[str, str]:
    """What foreign keys point to: the latest versions of other datasets."""
    names = {reference_table(rule) for rule in contract.rules if rule.kind == "reference"}
    known = bench.job.spec["tables"]
    return {name: bench.source(known[name]) for name in sorted(names & known.keys())}


def report(
    job: JobContext,
    contract: Contract | None,
    results: Sequence[Result],
    *,
    subject: str,
    rows: int,
    source: SourceFacts | None = None,
    problems: Sequence[CellProblem] = (),
) -> CheckReport:
    return CheckReport(
        dataset=job.spec["dataset"],
        subject=subject,
        rows=rows,
        verdict=verdict(results),
        results=tuple(results),
        contract=contract,
        source=source,
        problems=tuple(problems),
    )


def verdict(results: Sequence[Result]) -> Verdict:
    """The worst of all, where what cannot stop anything is at most a warning."""
    return worst(
        "warn"
        if each.verdict in ("fail", "error", "inconclusive") and not stops(each)
        else each.verdict
        for each in results
        if each.severity != "info"
    )


def refuse(job: JobContext, found: CheckReport, wanted: str) -> None:
    """Raise `RefusedError` with the first reasons; the whole report is kept for who wants it."""
    failed = [each for each in found.results if stops(each)]
    reasons = "; ".join(_reason(each) for each in failed[:_NAMED])
    more = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    rules = text.counted(len(found.results), "rule")
    raise errors.RefusedError(
        f"{wanted}: its contract fails in {len(failed)} of {rules}: {reasons}{more}.",
        hint="Correct the data or the contract, or store it all the same: --force",
        check=job.objects.put_json(found),
        verdict=found.verdict,
    )


def _reason(result: Result) -> str:
    column = result.scope.removeprefix("column:")
    example = next((f", {k}: {v}" for k, v in result.detail if k.startswith("row ")), "")
    return f"{column} {result.name}: {result.reason}{example}".strip()
