"""Adding data through a real agent in a few words; for the tests of datasets."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from console.client.client import Client
from console.wire import datasets as wire
from console.wire import jobs as jobs_wire
from console.wire.datasets import AddData, DatasetName, GetRows, VersionRef
from console.wire.jobs import JobId
from storage.records.datasets import DatasetVersion
from storage.records.jobs import FINAL_STATES, Job
from tests.conftest import until


def write_table(path: Path, query: str) -> Path:
    """Write the rows of a query as the format its name says."""
    form = {".csv": "csv, HEADER", ".parquet": "parquet"}[path.suffix]
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT {form})")
    return path


@dataclass
class Data:
    """One dataset, as a colleague works with it."""

    client: Client
    name: str = "t"

    def start(self, *files: Path, **more: Any) -> Job:
        """Queue an ingest."""
        options = more.pop("options", {})
        request = AddData(dataset=self.name, files=tuple(map(str, files)), options=options, **more)
        job: Job = self.client.call(wire.add_data, request)
        return job

    def add(self, *files: Path, **more: Any) -> Job:
        """Ingest and wait for the end; the job must succeed."""
        job = self.end(self.start(*files, **more))
        assert job.state == "succeeded", job.reason
        return job

    def refused(self, *files: Path, **more: Any) -> Job:
        """Ingest and wait for the end; the job must fail."""
        job = self.end(self.start(*files, **more))
        assert job.state == "failed", job.result
        return job

    def end(self, job: Job, timeout_s: float = 60) -> Job:
        def look() -> Job | None:
            found: Job = self.client.call(jobs_wire.get_job, JobId(id=job.id))
            return found if found.state in FINAL_STATES else None

        ended = until(look, f"the end of job {job.id}", timeout_s=timeout_s)
        assert ended is not None
        return ended

    @property
    def versions(self) -> list[DatasetVersion]:
        """Newest first."""
        found: list[DatasetVersion] = self.client.call(
            wire.list_versions, DatasetName(dataset=self.name)
        )
        return found

    def version(self, reference: str) -> DatasetVersion:
        request = VersionRef(dataset=self.name, version=reference)
        found: DatasetVersion = self.client.call(wire.get_version, request).version
        return found

    def rows(self, reference: str = "latest", **more: Any) -> list[tuple[str | None, ...]]:
        request = GetRows(dataset=self.name, version=reference, **more)
        return list(self.client.call(wire.list_rows, request).rows)


def copy_of(path: Path, directory: Path) -> Path:
    target = directory / path.name
    shutil.copyfile(path, target)
    return target
