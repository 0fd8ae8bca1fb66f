"""A workspace with stored data versions, and jobs run in it as a worker would."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pytest

from console.rules.declaration import parse
from console.worker import main as worker
from console.worker.context import Stopping
from storage import chunks, journal
from storage.chunking import numbered, write_version
from storage.objects import Objects
from storage.records.declared import Declaration
from storage.records.reports import REPORTS, JobEnd
from storage.workspace import Workspace


@dataclass
class Told:
    """What a job reported, by kind of report, in order."""

    exit_code: int
    reports: dict[str, list[Any]]
    log: str

    @property
    def end(self) -> JobEnd:
        end: JobEnd = self.reports["end"][-1]
        return end

    def last(self, tag: str) -> Any:
        return self.reports[tag][-1]


@dataclass
class Bench:
    """A workspace whose jobs are run by hand."""

    workspace: Workspace
    objects: Objects
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: int = 0

    def store(self, name: str, table: pa.Table, version: int = 1) -> None:
        """Keep a table as a dataset version."""
        with duckdb.connect(config={"threads": "2"}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("arriving", table)
            rows = numbered(connection, "SELECT * FROM arriving", "stored")
            manifest = write_version(connection, rows, self.objects, self.workspace.state)
        self.data[name] = {
            "dataset": name,
            "version": version,
            "digest": manifest.digest,
            "manifest": self.objects.put_bytes(chunks.encode(manifest)),
        }

    def declare(self, text: str) -> Declaration:
        root = self.workspace.root
        return parse(text, lambda name: (root / name).read_text(), default_name="bench")

    def order(self, text: str, pipeline: str, **changes: Any) -> dict[str, Any]:
        """The spec the agent would write for a training."""
        declared = self.declare(text)
        flow = declared.pipelines[pipeline]
        read = [(flow.input, "input"), *((name, "reference") for name in flow.references)]
        spec = {
            "pipeline": msgspec.to_builtins(flow),
            "params": {},
            "seed": flow.seed,
            "model": pipeline,
            "gates": msgspec.to_builtins(declared.gates.get(pipeline, ())),
            "champion": None,
            "data": [self.data[name] | {"role": role} for name, role in read],
        }
        return spec | changes

    def run(self, kind: str, spec: dict[str, Any]) -> Told:
        """Run a job in this process and read its journal."""
        self.jobs += 1
        paths = self.workspace.job(self.jobs)
        paths.directory.mkdir(parents=True)
        document = {"id": self.jobs, "kind": kind, "created_by": "ana", **spec}
        paths.spec.write_text(json.dumps(document))
        with pytest.MonkeyPatch.context() as patch:
            # The test's own signals and modules stay as they are.
            patch.setattr(Stopping, "disarm", lambda self: None)
            code = worker.work(paths.directory, Stopping())
        found: dict[str, list[Any]] = {}
        for batch in journal.pending(paths.journal, {}):
            for document in batch.docs:
                tag = document["t"]
                found.setdefault(tag, []).append(msgspec.convert(document["d"], REPORTS[tag]))
        return Told(code, found, "")

    def copied(self, to: Path) -> Bench:
        """The same with all that was stored and trained, to go on from without changing this."""
        shutil.copytree(self.workspace.root, to)
        workspace = Workspace.find(to, to)
        return Bench(workspace, Objects(workspace.objects), dict(self.data), self.jobs)


def empty_bench(root: Path) -> Bench:
    workspace = Workspace.create(root)
    return Bench(workspace, Objects(workspace.objects))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return empty_bench(tmp_path / "w")
