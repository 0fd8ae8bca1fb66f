"""Jobs: a model version becomes one file for somebody else, and such a file a version here.

The file is a zip with `model.json`, which names the manifest, and `objects/<digest>` for every part
of the model: estimator, profile, sample, calibration, and the chunks of its reference tables.
Invariant: nothing is loaded before every part had the digest that the manifest tells, and nothing
is registered before the loaded model gave its sample rows the scores of training.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from console import errors
from console.flow import model as flow_model
from console.worker.context import JobContext
from storage.chunks import decode
from storage.durable import sync_directory
from storage.errors import from_os_error
from storage.objects import Objects
from storage.records.models import GateReport, ModelManifest
from storage.records.reports import ModelReport

CONTENTS = "model.json"
FORMAT = 1
_CONTENTS_LIMIT_BYTES = 64 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every entry: the same version makes the same file."""


def run(job: JobContext) -> dict[str, Any]:
    """Result of an export: name, path, bytes. Of an import: model, digest, self_check."""
    return _export(job) if job.kind == "export-model" else _import(job)


def parts_of(digest: str, manifest: ModelManifest, objects: Objects) -> Iterator[str]:
    """Yield the digests of all that the model with this manifest needs, the manifest first.

    The chunks of a reference table are asked for after its own list of chunks was yielded.
    """
    yield digest
    for part in (
        manifest.estimator_digest,
        manifest.profile,
        manifest.sample,
        manifest.calibration,
    ):
        if part:
            yield part
    for table in manifest.references:
        yield table.manifest
        yield from sorted(decode(objects.read_bytes(table.manifest)).objects)


def _export(job: JobContext) -> dict[str, Any]:
    digest, path, name = job.spec["digest"], Path(job.spec["path"]), job.spec["name"]
    if path.exists():
        raise errors.ConflictError(
            f"cannot export {name}: {path} exists already.",
            hint="Give another name, or remove it first.",
        )
    manifest = flow_model.read_manifest(digest, job.objects)
    parts = list(dict.fromkeys(parts_of(digest, manifest, job.objects)))
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(unfinished, "x", zipfile.ZIP_DEFLATED) as file:
            contents = {"format": FORMAT, "name": name, "manifest": digest}
            file.writestr(zipfile.ZipInfo(CONTENTS, _EPOCH), json.dumps(contents, indent=2))
            for done, part in enumerate(parts):
                job.progress(done, len(parts), "parts", f"writing {path.name}")
                entry = zipfile.ZipInfo(f"objects/{part}", _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(entry, job.objects.read_bytes(part))
        size_bytes = unfinished.stat().st_size
        unfinished.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise from_os_error("write", path, error) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return {"name": name, "path": str(path), "bytes": size_bytes}


def _import(job: JobContext) -> dict[str, Any]:
    model, path = job.spec["model"], Path(job.spec["path"])
    try:
        with zipfile.ZipFile(path) as file:
            digest, manifest = _take(job, file, path)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise errors.InvalidError(
            f"{path.name} is not a model file: {str(error).rstrip('.')}.",
            hint="Such files are written by: mlops-console model export NAME@v1 FILE",
        ) from error
    except OSError as error:
        raise from_os_error("read", path, error) from error
    job.progress(1, 1, "", "proving it on its sample rows")
    loaded = flow_model.load(digest, job.objects, root=job.workspace.root)
    loaded.close()
    foreign = replace(manifest, is_own=False, run_id=0)
    registered = job.objects.put_json(foreign)
    job.report(
        ModelReport(
            model=model,
            digest=registered,
            run_id=0,
            bytes=job.objects.size_bytes(manifest.estimator_digest),
            threshold=manifest.threshold,
            gates=GateReport(model=model, version=0, results=(), verdict="skipped", reasons={}),
        )
    )
    return {"model": model, "digest": registered, "self_check": loaded.self_check}


def _take(job: JobContext, file: zipfile.ZipFile, path: Path) -> tuple[str, ModelManifest]:
    """Keep every part that the manifest asks for, and no other."""
    digest = _contents(file, path)
    _keep(job, file, digest, path)
    manifest = flow_model.read_manifest(digest, job.objects)
    for done, part in enumerate(parts_of(digest, manifest, job.objects)):
        job.progress(done, text=f"reading {path.name}", unit="parts")
        if part != digest:
            _keep(job, file, part, path)
    return digest, manifest


def _contents(file: zipfile.ZipFile, path: Path) -> str:
    try:
        with file.open(CONTENTS) as entry:
            found = json.loads(entry.read(_CONTENTS_LIMIT_BYTES))
        if found["format"] != FORMAT:
            raise errors.InvalidError(
                f"{path.name} has format {found['format']!r}; this release reads {FORMAT}.",
                hint="Export it with the same release of mlops-console.",
            )
        return msgspec.convert(found["manifest"], str)
    except (KeyError, TypeError, ValueError) as error:
        raise errors.InvalidError(
            f"{path.name} is not a model file: it has no readable {CONTENTS}.",
            hint="Such files are written by: mlops-console model export NAME@v1 FILE",
        ) from error


def _keep(job: JobContext, file: zipfile.ZipFile, digest: str, path: Path) -> None:
    job.objects.path(digest)  # refuses what is no digest before it is a name in a zip
    try:
        data = file.read(f"objects/{digest}")
    except KeyError as error:
        raise errors.DamagedError(
            f"{path.name} is not whole: part {digest[:12]} is missing.",
            hint="Ask for the file again.",
            digest=digest,
        ) from error
    except zipfile.BadZipFile as error:
        raise errors.DamagedError(
            f"{path.name} is damaged: part {digest[:12]} cannot be unpacked.",
            hint="Ask for the file again.",
            digest=digest,
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise errors.DamagedError(
            f"{path.name} was altered: part {digest[:12]} has the digest {found[:12]}.",
            hint="Ask for the file again, from somebody you trust.",
            digest=digest,
        )
    job.objects.put_bytes(data)
