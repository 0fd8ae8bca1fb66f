"""A DuckDB as the workers open it, and an object store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from storage.objects import Objects


class Files(Objects):
    """An object store that counts what is put into it."""

    puts = 0

    def put_file(self, path: Path) -> str:
        self.puts += 1
        return super().put_file(path)

    @property
    def bytes(self) -> int:
        return sum(self.size_bytes(digest) for digest in self)


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of tiny chunks, none of which has to survive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": "2"}) as opened:
        opened.execute("SET enable_progress_bar = false")
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


@pytest.fixture
def files(tmp_path: Path) -> Files:
    root = tmp_path / "objects"
    root.mkdir()
    return Files(root)
