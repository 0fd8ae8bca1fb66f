"""Job: check a version, or files that are not stored, against a contract; or draft one.

A version that was made by appending is checked as it was delivered: the rows that came with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from console.errors import ConflictError
from console.rules.verdicts import WORST_FIRST
from console.worker.context import JobContext
from console.worker.data import checking, inferring
from console.worker.data_jobs import contract_checks
from console.worker.data_jobs.learning import for_learning
from console.worker.data_jobs.sources import read_source, source_words
from console.worker.data_jobs.workbench import Workbench, workbench
from storage import chunks
from storage.chunk_files import NumberedRows
from storage.durable import replace_file
from storage.errors import from_os_error
from storage.records.checks import CheckReport
from storage.records.contracts import Contract
from storage.records.results import Result
from storage.records.sources import CellProblem, SourceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at."""

    name: str
    delivered: str
    """Its rows, to stand after FROM."""
    row_count: int
    whole: str = ""
    """The table they became part of, when that is more."""
    rows: NumberedRows | None = None
    facts: SourceFacts | None = None
    problems: tuple[CellProblem, ...] = ()


def run(job: JobContext) -> dict[str, Any]:
    """Result: `check`, the object of the report, with its verdict and counts."""
    with workbench(job) as bench:
        report = _draft(bench) if job.spec["infer"] else _check(bench)
    return {
        "check": job.objects.put_json(report),
        "verdict": report.verdict,
        "rows": report.rows,
        "results": len(report.results),
    }


def _check(bench: Workbench) -> CheckReport:
    job = bench.job
    contract = contract_checks.contract_of(job)
    subject = _subject(bench, contract)
    results: tuple[Result, ...] = ()
    if contract is not None:
        results = contract_checks.check(
            bench,
            contract,
            subject.delivered,
            rows=subject.rows,
            problems=subject.problems,
            whole=subject.whole,
        )
    if job.spec["learning"]:
        results = (*results, *for_learning(bench, subject.delivered, contract))
    return contract_checks.report(
        job,
        contract,
        sorted(results, key=lambda each: WORST_FIRST.index(each.verdict)),
        subject=subject.name,
        rows=subject.row_count,
        source=subject.facts,
        problems=subject.problems,
    )


def _subject(bench: Workbench, contract: Contract | None) -> Subject:
    spec = bench.job.spec
    version = spec["version"]
    if version is None:
        options = contract_checks.reading_options(contract, spec["options"])
        reading = read_source(bench, options, checking.wanted(contract) if contract else {})
        return Subject(
            name=source_words(spec),
            delivered=reading.relation,
            row_count=reading.facts.rows,
            rows=reading.rows,
            facts=reading.facts,
            problems=reading.problems,
        )
    manifest = bench.manifest(version["manifest"])
    delivered = int(version["delivered"])
    whole = chunks.read_sql(manifest, bench.job.objects)
    if delivered == manifest.rows:
        return Subject(name=version["name"], delivered=whole, row_count=delivered)
    offset = manifest.rows - delivered
    page = chunks.page_sql(manifest, bench.job.objects, offset, delivered)
    return Subject(
        name=f"{version['name']}, the rows that came with it",
        delivered=page,
        row_count=delivered,
        whole=whole,
    )


def _draft(bench: Workbench) -> CheckReport:
    job = bench.job
    subject = _subject(bench, None)
    found = inferring.draft(
        bench.connection,
        subject.delivered,
        job.spec["dataset"],
        source=subject.name,
        problems=subject.problems,
        intervals_h=_intervals_h(job),
        progress=lambda n, of: job.progress(n, of, "columns", f"looking at {subject.name}"),
    )
    if job.spec["keep"]:
        _keep(Path(job.spec["keep"]), found.text)
    return CheckReport(
        dataset=job.spec["dataset"],
        subject=subject.name,
        rows=subject.row_count,
        contract=found.contract,
        draft=found.text,
        source=subject.facts,
        problems=subject.problems,
    )


def _keep(path: Path, text: str) -> None:
    """Write the draft where the contract is looked for; never over one that is there."""
    if path.exists():
        raise ConflictError(f"{path} exists by now; a draft does not replace it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode(), mode=0o644)
    except OSError as error:
        raise from_os_error("write", path, error) from error


def _intervals_h(job: JobContext) -> list[float]:
    """Hours between the versions there are, for how fresh the data should be."""
    times = [datetime.fromisoformat(each["created_at"]) for each in job.spec["history"]]
    return [(later - earlier).total_seconds() / 3600 for later, earlier in pairwise(times)]
