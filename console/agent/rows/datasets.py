"""Handlers: datasets, their versions, contracts and what is made of them.

What reads a whole file or a whole version is a job; the agent itself reads names, profiles and
pages.
"""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console import errors
from console.agent import comparing, contracts, foreign_data, garbage
from console.agent.applying.datasets import delivered_rows
from console.agent.context import Call
from console.agent.dataset_lookup import find_dataset, find_version
from console.agent.page_reader import PageReader
from console.agent.rows.jobs import get_job, queue_job
from console.rules import references
from console.wire.datasets import (
    AddData,
    CheckContract,
    CheckOfJob,
    CollectGarbage,
    DatasetName,
    Decided,
    DecideRules,
    DiffAnswer,
    ExportData,
    Garbage,
    GetRows,
    Rows,
    SetVersionTag,
    VersionDetail,
    VersionPair,
    VersionRef,
)
from console.wire.jobs import JobId
from console.wire.routes import Nothing
from storage.records.checks import CheckReport
from storage.records.contracts import Contract
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.declared import DeclaredDataset
from storage.records.drift import DriftReport
from storage.records.jobs import Job
from storage.tables import datasets
from storage.workspace import check_id

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMATS = ("parquet", "csv", "arrow")
ENDINGS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".arrow": "arrow",
    ".feather": "arrow",
}


async def list_datasets(call: Call, _request: Nothing) -> list[Dataset]:
    return await call.read(datasets.list_datasets)


async def list_versions(call: Call, request: DatasetName) -> list[DatasetVersion]:
    def look(connection: DuckDBPyConnection) -> list[DatasetVersion]:
        find_dataset(connection, request.dataset)
        return datasets.list_dataset_versions(connection, request.dataset)

    return await call.read(look)


async def get_version(call: Call, request: VersionRef) -> VersionDetail:
    def look(connection: DuckDBPyConnection) -> VersionDetail:
        version = find_version(connection, request.dataset, request.version)
        results = datasets.get_dataset_results(connection, version.dataset, version.version)
        objects = call.agent.objects
        return VersionDetail(
            version=version,
            profile=comparing.shown_profile(objects, version.profile),
            results=results,
            contract=contracts.kept(objects, version.contract) if version.contract else None,
        )

    return await call.read(look)


async def list_rows(call: Call, request: GetRows) -> Rows:
    version = await _version(call, request.dataset, request.version)
    reader: PageReader = call.agent.caches.setdefault("pages", PageReader(call.agent.objects))
    return await asyncio.to_thread(reader.page, version.manifest, request.offset, request.limit)


async def add_data(call: Call, request: AddData) -> Job:
    name = check_id(request.dataset, "dataset name")
    if bool(request.files) == bool(request.sql.strip()):
        raise errors.UsageError(
            f"cannot add to {name}: name files or give a query, one of the two.",
            hint=f"For example: mlops-console data add {name} january.parquet",
        )
    for file in request.files:
        _absolute(file)
    if request.tag:
        _check_tag(request.tag)
    declared = call.agent.declaration.datasets.get(name, DeclaredDataset(name=name))
    contract = contracts.place_of(call, name)
    foreign_data.check_room(call, f"add to {name}", request.files)
    known = await call.read(lambda c: datasets.get_dataset(c, name))
    spec: dict[str, Any] = {
        "turn": f"data {name}",
        "dataset": name,
        "files": list(request.files),
        "sql": request.sql,
        "append": request.append,
        "note": request.note,
        "tag": request.tag,
        "key": list(request.key or declared.key),
        "time_column": declared.time_column,
        "options": request.options,
        "force": request.force,
        "contract": contracts.keep(call, contract) if contract else None,
        "dataset_note": declared.note,
        "limits": foreign_data.limits(call, request.files, known.latest_rows if known else 0),
        "shell": _add_command(request),
    }
    return await queue_job(call, "ingest", f"data add {name}", spec, command=spec["shell"])


async def set_version_tag(call: Call, request: SetVersionTag) -> DatasetVersion:
    if request.tag and not request.remove:
        _check_tag(request.tag)
    if not request.tag and (request.remove or not request.note):
        raise errors.UsageError("neither a tag nor a note was given.")

    def change(connection: DuckDBPyConnection) -> DatasetVersion:
        version = find_version(connection, request.dataset, request.version)
        if request.remove:
            _remove_tag(call, connection, version, request.tag)
        elif request.tag:
            _set_tag(call, connection, version, request.tag)
        if request.note:
            datasets.set_dataset_version_note(
                connection, version.dataset, version.version, request.note
            )
            call.record(
                connection,
                "data.note",
                version.name,
                f"notes about {version.name}: {request.note}",
                command=f"mlops-console data note {version.name} {shlex.quote(request.note)}",
                detail={"before": version.note, "after": request.note},
            )
        return find_version(connection, version.dataset, f"v{version.version}")

    return await call.change(change, "datasets")


def _set_tag(call: Call, connection: DuckDBPyConnection, version: DatasetVersion, tag: str) -> None:
    before = datasets.get_dataset_tag(connection, version.dataset, tag)
    at = call.agent.clock.now()
    datasets.set_dataset_tag(
        connection, version.dataset, tag, version.version, at=at, by=call.actor.name
    )
    moved = f", which was v{before} before" if before not in (None, version.version) else ""
    call.record(
        connection,
        "data.tag",
        version.name,
        f"tags {version.name} as {tag}{moved}",
        command=f"mlops-console data tag {version.name} {tag}",
        detail={"tag": tag} | ({"before": f"v{before}"} if before else {}),
    )


def _remove_tag(
    call: Call, connection: DuckDBPyConnection, version: DatasetVersion, tag: str
) -> None:
    if tag not in version.tags:
        listed = ", ".join(version.tags) or "none"
        raise errors.NotFoundError(f"{version.name} has no tag {tag!r}; its tags: {listed}.")
    datasets.remove_dataset_tag(connection, version.dataset, tag)
    call.record(
        connection,
        "data.untag",
        version.name,
        f"takes the tag {tag} from {version.name}",
        command=f"mlops-console data tag {version.name} {tag} --remove",
        detail={"tag": tag},
    )


async def get_diff(call: Call, request: VersionPair) -> DiffAnswer:
    return await comparing.get_diff(call, request)


async def get_drift(call: Call, request: VersionPair) -> DriftReport:
    return await comparing.get_drift(call, request)


async def check_contract(call: Call, request: CheckContract) -> Job:
    name = check_id(request.dataset, "dataset name")
    if request.files and request.version:
        raise errors.UsageError("a check looks at files or at a version, not at both.")
    for file in request.files:
        _absolute(file)
    declared = call.agent.declaration.datasets.get(name, DeclaredDataset(name=name))
    path = request.contract or contracts.place_of(call, name)
    if not path and not request.infer and not request.learning:
        raise _no_contract(f"{name} has no contract to check against", name)
    if request.keep and path:
        raise errors.ConflictError(
            f"{name} has a contract, {path}; a draft does not replace it.",
            hint=f"Compare them: mlops-console contract infer {name} -o draft.odcs.yaml",
        )
    version = None if request.files else await _version(call, name, request.version or "latest")
    train = await _version(call, name, request.train) if request.train else None
    spec: dict[str, Any] = {
        "dataset": name,
        "files": list(request.files),
        "version": _version_spec(version) if version else None,
        "contract": contracts.keep(call, path) if path and not request.infer else None,
        "options": request.options,
        "infer": request.infer,
        "keep": str(call.root / contracts.USUAL_PLACE.format(name)) if request.keep else "",
        "learning": request.learning,
        "label": request.label,
        "train": train.manifest if train else "",
        "group": request.group,
        "key": list(declared.key),
        "time_column": declared.time_column,
        "limits": foreign_data.limits(call, request.files, version.rows if version else 0),
    }
    verb = "infer" if request.infer else "check"
    subject = version.name if version else f"{name} {shlex.join(request.files)}"
    subject += f" -o {contracts.USUAL_PLACE.format(name)}" if request.keep else ""
    return await queue_job(
        call,
        "check",
        f"contract {verb} {version.name if version else name}",
        spec,
        command=f"mlops-console contract {verb} {subject}",
    )


async def get_check(call: Call, request: CheckOfJob) -> CheckReport:
    job = await get_job(call, JobId(id=request.id))
    digest = job.result.get("check")
    if not digest:
        raise errors.NotFoundError(
            f"job {job.id} ({job.title}) has checked no contract.",
            hint=f"See what it did: mlops-console job show {job.id}",
        )
    return await asyncio.to_thread(contracts.read_report, call.agent.objects, str(digest))


async def get_contract(call: Call, request: DatasetName) -> Contract:
    return await contracts.declared(call, request.dataset, await _contract(call, request.dataset))


async def decide_rules(call: Call, request: DecideRules) -> Decided:
    return await contracts.decide(call, request, await _contract(call, request.dataset))


async def _contract(call: Call, dataset: str) -> str:
    """The contract file of a dataset; raises when there is none."""
    place = contracts.place_of(call, dataset)
    if not place:
        if dataset not in call.agent.declaration.datasets:
            await call.read(lambda c: find_dataset(c, dataset))
        raise _no_contract(f"{dataset} has no contract", dataset)
    return place


def _no_contract(what: str, dataset: str) -> errors.NotFoundError:
    usual = contracts.USUAL_PLACE.format(dataset)
    return errors.NotFoundError(
        f"{what}: mlops.toml names none and there is no {usual}.",
        hint=f"Draft one: mlops-console contract infer {dataset} -o {usual}",
    )


async def export_data(call: Call, request: ExportData) -> Job:
    version = await _version(call, request.dataset, request.version)
    path = _absolute(request.path)
    plain = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    form = request.format or ENDINGS.get(Path(plain).suffix, "")
    if form not in FORMATS:
        raise errors.UsageError(
            f"cannot export {version.name} to {path.name}: it does not say which format.",
            hint=f"Add --format with one of {', '.join(FORMATS)}.",
        )
    if path.is_relative_to(call.agent.workspace.state):
        raise errors.UsageError(f"cannot export to {path}: that directory is the console's own.")
    if not path.parent.is_dir():
        raise errors.NotFoundError(
            f"cannot export to {path}: there is no directory {path.parent}.",
            hint=f"Make it first: mkdir -p {shlex.quote(str(path.parent))}",
        )
    if path.exists() and not request.overwrite:
        raise errors.ConflictError(
            f"cannot export to {path}: it exists.", hint="Take another name, or add --overwrite."
        )
    spec = {
        "version": _version_spec(version),
        "path": str(path),
        "format": form,
        "raw": request.raw,
        "overwrite": request.overwrite,
    }
    command = f"mlops-console data export {version.name} {shlex.quote(str(path))}"
    return await queue_job(call, "export", f"data export {version.name}", spec, command=command)


async def verify_data(call: Call, request: VersionRef) -> Job:
    version = await _version(call, request.dataset, request.version)
    return await queue_job(
        call,
        "verify",
        f"data verify {version.name}",
        {"version": _version_spec(version)},
        command=f"mlops-console data verify {version.name}",
    )


async def collect_garbage(call: Call, request: CollectGarbage) -> Garbage:
    return await garbage.collect(call, dry_run=request.dry_run, keep_days=request.keep_days)


async def _version(call: Call, dataset: str, reference: str) -> DatasetVersion:
    return await call.read(lambda c: find_version(c, dataset, reference))


def _version_spec(version: DatasetVersion) -> dict[str, Any]:
    """What a worker needs to read a version."""
    return {
        "name": version.name,
        "manifest": version.manifest,
        "version": version.version,
        "profile": version.profile,
        "rows": version.rows,
        "delivered": delivered_rows(version),
    }


def _absolute(path: str) -> Path:
    given = Path(path)
    if not given.is_absolute() or "\0" in path:
        raise errors.UsageError(f"the path {path!r} is not absolute.")
    return given


def _check_tag(tag: str) -> None:
    check_id(tag, "tag")
    if references.is_reserved(tag):
        raise errors.UsageError(
            f"a tag cannot be called {tag}: that names a version already.",
            hint="Take a word, such as baseline or 2013-q1.",
        )


def _add_command(request: AddData) -> str:
    """The shell form of the request, without what only matters once."""
    words = ["mlops-console", "data", "add", request.dataset, *request.files]
    words += ["--sql", request.sql] if request.sql else []
    words += ["--append"] if request.append else []
    words += ["--force"] if request.force else []
    return shlex.join(words)
