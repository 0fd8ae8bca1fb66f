"""Job: files or a query become a version of a dataset, checked against its contract.

The order is what keeps half of it from being seen: read, check, store chunks, profile, and only
then one report that makes all of it visible. A job that ends before leaves nothing but objects
that nobody refers to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from console import text
from console.worker.context import JobContext
from console.worker.data import checking
from console.worker.data.reading import Reading, wanted_like
from console.worker.data_jobs import contract_checks, keys
from console.worker.data_jobs.profiling import profile_of
from console.worker.data_jobs.sources import read_source, source_words
from console.worker.data_jobs.workbench import Workbench, rows_progress, workbench
from storage import chunking, chunks
from storage.records.checks import CheckReport
from storage.records.chunks import Manifest
from storage.records.contracts import Contract
from storage.records.datasets import DatasetVersion
from storage.records.reports import VersionReport
from storage.records.sources import CellProblem

NAMED_ROWS = 5
STOPPING = ("fail", "error", "inconclusive")
"""Verdicts of a contract that keep a version from being made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The latest version when the job started."""

    version: int
    name: str
    manifest_digest: str
    manifest: Manifest
    rows: int
    created_at: datetime


def run(job: JobContext) -> dict[str, Any]:
    """Result: name, is_new, rows and bytes; the agent adds the number the version was given."""
    reachable = _reachable(job) if job.spec["sql"] else ()
    with workbench(job, reachable=reachable) as bench:
        return _ingest(bench)


def _ingest(bench: Workbench) -> dict[str, Any]:
    job, spec = bench.job, bench.job.spec
    parent = _parent(bench)
    contract = contract_checks.contract_of(job)
    reading = _read(bench, parent, contract)
    again = _appended_before(job, reading)
    if again is not None:
        return again
    names = [column.name for column in reading.columns]
    key = keys.key_of(spec["key"], contract, spec["known_key"], names)
    checked: CheckReport | None = None
    if contract is None:
        reading.refuse_problems()
    else:
        checked = _check(bench, contract, reading, parent)
        if checked.verdict in STOPPING and not spec["force"]:
            wanted = f"cannot add {source_words(spec)} to {spec['dataset']}"
            contract_checks.refuse(job, checked, wanted)
    reading = _checked_key(bench, reading, parent, contract, key)
    manifest = chunking.write_version(
        bench.connection,
        reading.rows,
        job.objects,
        bench.scratch,
        parent=parent.manifest if parent else None,
        append=bool(spec["append"] and parent),
        progress=rows_progress(job, "storing"),
    )
    reading.refuse_changes()
    known = spec["known"].get(manifest.digest)
    if known is not None and not spec["force"]:
        return _unchanged(job, known, manifest, key)
    version = _version(bench, parent, reading, manifest, checked)
    job.report(
        VersionReport(
            version=version,
            results=checked.results if checked else (),
            key=key,
        )
    )
    return {
        "dataset": version.dataset,
        "name": f"{version.dataset}@v{version.version}",
        "is_new": True,
        "rows": version.rows,
        "rows_read": reading.facts.rows,
        "parent_rows": parent.rows if parent else None,
        "bytes": version.bytes,
        "added_bytes": version.added_bytes,
        "verdict": version.verdict,
        "warning_count": version.warning_count,
        "failure_count": version.failure_count,
        "notes": list(reading.facts.notes),
    } | ({"check": job.objects.put_json(checked)} if checked else {})


def _check(
    bench: Workbench, contract: Contract, reading: Reading, parent: Parent | None
) -> CheckReport:
    job, spec = bench.job, bench.job.spec
    results = contract_checks.check(
        bench,
        contract,
        reading.relation,
        rows=reading.rows,
        problems=reading.problems,
        whole=_whole(bench, reading, parent),
    )
    return contract_checks.report(
        job,
        contract,
        results,
        subject=source_words(spec),
        rows=reading.facts.rows,
        source=reading.facts,
        problems=reading.problems,
    )


def _whole(bench: Workbench, reading: Reading, parent: Parent | None) -> str:
    """The table that appended rows become part of, to stand after FROM; empty when it is them."""
    is_part = bench.job.spec["append"] and parent is not None
    if not is_part or parent is None or parent.manifest.columns != reading.columns:
        return ""
    before = chunks.read_sql(parent.manifest, bench.job.objects)
    return f"(SELECT * FROM {before} UNION ALL SELECT * FROM {reading.relation})"


def _checked_key(
    bench: Workbench,
    reading: Reading,
    parent: Parent | None,
    contract: Contract | None,
    key: tuple[str, ...],
) -> Reading:
    """Refuse a key that repeats; by force it becomes a note."""
    spec = bench.job.spec
    if not key or keys.is_checked_by(contract, key):
        return reading
    relation = _whole(bench, reading, parent) or reading.relation
    problem = keys.problem_of(bench.connection, relation, key)
    if not problem:
        return reading
    if not spec["force"]:
        raise keys.refuse(f"cannot add {source_words(spec)} to {spec['dataset']}", problem)
    return replace(reading, facts=replace(reading.facts, notes=(*reading.facts.notes, problem)))


def _parent(bench: Workbench) -> Parent | None:
    history = bench.job.spec["history"]
    if not history:
        return None
    latest = history[0]
    return Parent(
        version=latest["version"],
        name=latest["name"],
        manifest_digest=latest["manifest"],
        manifest=bench.manifest(latest["manifest"]),
        rows=latest["rows"],
        created_at=datetime.fromisoformat(latest["created_at"]),
    )


def _read(bench: Workbench, parent: Parent | None, contract: Contract | None) -> Reading:
    """Read the source; columns keep the types they had as long as their values allow it."""
    spec = bench.job.spec
    options = contract_checks.reading_options(contract, spec["options"])
    agreed = checking.wanted(contract) if contract else {}
    before = wanted_like(parent.manifest.columns) if parent else {}
    reading = read_source(bench, options, before | agreed)
    if spec["append"]:
        return reading
    # The new state may have other types where nobody agreed on one; it is said, with the rows.
    doubtful = [problem for problem in reading.problems if problem.column not in agreed]
    if doubtful:
        left_out = {problem.column for problem in doubtful}
        kept = {name: want for name, want in before.items() if name not in left_out}
        reading = read_source(bench, options, kept | agreed)
    return _with_notes(reading, parent, doubtful)


def _with_notes(
    reading: Reading, parent: Parent | None, doubtful: Sequence[CellProblem]
) -> Reading:
    """Say what became of columns since the version before."""
    if parent is None:
        return reading
    types = {column.name: column.type for column in reading.columns}
    notes = []
    for problem in doubtful:
        rows = text.listed([f"{row:,}" for row, _ in problem.examples[:NAMED_ROWS]])
        word = "row" if len(problem.examples) == 1 else "rows"
        notes.append(
            f"{problem.column} was {problem.type} in {parent.name} and is "
            f"{types.get(problem.column, 'gone')} now: "
            f"{problem.count:,} of {problem.n:,} values are not {problem.type}, "
            f"{problem.examples[0][1]!r} in {word} {rows}"
        )
    gone = [each.name for each in parent.manifest.columns if each.name not in types]
    if gone:
        verb = "is" if len(gone) == 1 else "are"
        notes.append(f"{text.listed(gone)} of {parent.name} {verb} not there any more")
    facts = replace(reading.facts, notes=(*reading.facts.notes, *notes))
    return replace(reading, facts=facts)


def _reachable(job: JobContext) -> tuple[Path, ...]:
    """Where a query may read: the objects and what lies openly in the workspace."""
    root = job.workspace.root
    visible = (path for path in root.iterdir() if path.is_dir() and path.name[:1] != ".")
    return job.objects.root.resolve(), *visible


def _appended_before(job: JobContext, reading: Reading) -> dict[str, Any] | None:
    """Appending the same file twice is nearly always a script that ran twice."""
    spec = job.spec
    number = spec["appended"].get(reading.facts.sha256) if reading.facts.sha256 else None
    if not spec["append"] or number is None or spec["force"]:
        return None
    name = f"{spec['dataset']}@v{number}"
    _report_known(job, number)
    return {
        "dataset": spec["dataset"],
        "name": name,
        "version": number,
        "is_new": False,
        "rows": reading.facts.rows,
        "message": f"{source_words(spec)} is in {name} already; nothing was added.",
        "hint": "Add its rows once more all the same: --force",
    }


def _unchanged(
    job: JobContext, number: int, manifest: Manifest, key: tuple[str, ...]
) -> dict[str, Any]:
    spec = job.spec
    name, latest = f"{spec['dataset']}@v{number}", spec["history"][0]["name"]
    _report_known(job, number, key)
    return {
        "dataset": spec["dataset"],
        "name": name,
        "version": number,
        "is_new": False,
        "rows": manifest.rows,
        "message": f"{name} holds exactly these rows already; nothing was added.",
        "hint": ""
        if latest == name
        else f"{latest} stays the latest. Make these rows the latest again: --force",
    }


def _report_known(job: JobContext, number: int, key: tuple[str, ...] = ()) -> None:
    """Nothing new; a tag and a key that came with the request still take effect."""
    job.report(
        VersionReport(
            version=DatasetVersion(
                dataset=job.spec["dataset"],
                version=number,
                digest="",
                rows=0,
                bytes=0,
                source_facts={},
                created_at=job.now,
                created_by=job.created_by,
            ),
            has_changed=False,
            key=key,
        )
    )


def _version(
    bench: Workbench,
    parent: Parent | None,
    reading: Reading,
    manifest: Manifest,
    checked: CheckReport | None,
) -> DatasetVersion:
    job, spec = bench.job, bench.job.spec
    names = [column.name for column in manifest.columns]
    source = chunks.read_sql(manifest, job.objects)
    profile = profile_of(bench, source, names, manifest.rows, "profiling")
    is_part = bool(spec["append"] and parent)
    delivery = (
        profile_of(bench, reading.relation, names, reading.facts.rows, "profiling what came")
        if is_part
        else None
    )
    added = "appended" if is_part else "whole state"
    facts = reading.facts.shown() | {"added": added, "path": ", ".join(reading.facts.files[:20])}
    results = checked.results if checked else ()
    return DatasetVersion(
        dataset=spec["dataset"],
        version=(parent.version if parent else 0) + 1,
        digest=manifest.digest,
        parent=parent.version if parent else None,
        rows=manifest.rows,
        bytes=manifest.bytes,
        added_bytes=_added_bytes(bench, manifest),
        columns=manifest.columns,
        manifest=job.objects.put_bytes(chunks.encode(manifest)),
        profile=job.objects.put_json(profile),
        delivery_profile=job.objects.put_json(delivery) if delivery else "",
        source=source_words(spec),
        source_facts={name: value for name, value in facts.items() if value},
        contract=job.objects.put_json(checked.contract) if checked else "",
        verdict=checked.verdict if checked else "skipped",
        warning_count=sum(each.verdict == "warn" for each in results),
        failure_count=sum(each.verdict in ("fail", "error") for each in results),
        note=spec["note"],
        job_id=job.job_id,
        created_at=job.now,
        created_by=job.created_by,
    )


def _added_bytes(bench: Workbench, manifest: Manifest) -> int:
    """Bytes of the files that no earlier version of the dataset has."""
    sizes = {part.object: part.bytes for chunk in manifest.chunks for part in chunk.files}
    for digest in bench.job.spec["manifests"]:
        for known in bench.manifest(digest).objects:
            sizes.pop(known, None)
    return sum(sizes.values())
