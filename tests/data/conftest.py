"""A DuckDB as the workers open it, and a directory of content-addressed files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest


class Files:
    """The object store reduced to what chunks need."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.puts = 0

    def put_file(self, path: Path) -> str:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.replace(self.path(digest))
        self.puts += 1
        return digest

    def path(self, digest: str) -> Path:
        return self.root / digest

    def has(self, digest: str) -> bool:
        return self.path(digest).exists()

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.root.iterdir())


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
