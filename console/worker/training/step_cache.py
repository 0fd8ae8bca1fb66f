"""What the steps of a training flow made, kept by the digest of their code and their data.

Used by `console.worker.training.rows`. An entry is a Parquet file of the workspace's cache whose
name is the key; anybody may remove it at any time. Invariant: an entry is used only for equal
steps over equal versions under equal versions of what runs them; a doubtful one is made again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from console.flow.apply import Traced
from console.flow.steps import ROW
from storage.records.pipelines import Step
from storage.records.runs import DataUse

WORTH_KEEPING_S = 1.0
"""Steps that are quicker than that are simply run again."""
LIMIT_BYTES = 4 * 2**30
"""Oldest entries are removed beyond it."""
FORMAT = "1"


class StepCache:
    """The entries for one set of data versions."""

    def __init__(self, directory: Path, root: Path, data: Sequence[DataUse]) -> None:
        self._directory = directory
        self._root = root
        self._data = [f"{each.role} {each.dataset} {each.digest}" for each in data]

    def get(self, steps: Sequence[Step]) -> Traced | None:
        """What these steps made; None when it is not known, or cannot be read."""
        path = self._path(steps)
        try:
            table = pq.read_table(path)
            os.utime(path)
        except (OSError, pa.ArrowException):
            return None
        if ROW not in table.column_names:
            return Traced(table, None)
        rows = table.column(ROW).to_numpy()
        return Traced(table.drop_columns([ROW]), rows)

    def put(self, steps: Sequence[Step], made: Traced, took_s: float) -> None:
        """Keep it when it was dear. A full disk is no reason to fail: it is only a cache."""
        if took_s < WORTH_KEEPING_S:
            return
        table = made.table
        if made.rows is not None:
            table = table.append_column(ROW, pa.array(np.asarray(made.rows)))
        path = self._path(steps)
        unfinished = path.with_suffix(f".{os.getpid()}")
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            pq.write_table(table, unfinished, compression="zstd")
            unfinished.rename(path)
            self._make_room()
        except (OSError, pa.ArrowException):
            unfinished.unlink(missing_ok=True)

    def _path(self, steps: Sequence[Step]) -> Path:
        parts = [FORMAT, *self._data, *(step.digest for step in steps)]
        parts += [f"{name} {version(name)}" for name in ("duckdb", "pyarrow")]
        if any(step.function for step in steps):
            parts += [f"pandas {version('pandas')}", *self._modules()]
        return (
            self._directory / f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}.parquet"
        )

    def _modules(self) -> list[str]:
        """Every module of the workspace: a step may import any of them."""
        found = []
        for path in sorted(self._root.rglob("*.py")):
            inside = path.relative_to(self._root)
            if not any(part.startswith(".") for part in inside.parts):
                found.append(f"{inside} {hashlib.sha256(path.read_bytes()).hexdigest()}")
        return found

    def _make_room(self) -> None:
        entries = sorted(self._directory.glob("*.parquet"), key=lambda path: -path.stat().st_mtime)
        used = 0
        for path in entries:
            used += path.stat().st_size
            if used > LIMIT_BYTES:
                path.unlink(missing_ok=True)
