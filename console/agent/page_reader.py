"""Pages of a dataset version for a screen that waits: a DuckDB over the chunks, never the store.

The agent keeps one. Only the chunks that a page lies in are opened, so the last page of ten
million rows costs what the first one costs. Invariant: it can read the object store's files and
nothing else, and what it returns is text of bounded size.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from console.wire.datasets import Rows
from storage import chunks
from storage.errors import DamagedError
from storage.sql_text import literal, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from storage.objects import Objects
    from storage.records.chunks import Manifest

MOST_ROWS: Final = 1000
MOST_CELLS: Final = 200_000
"""A page of a very wide table has fewer rows."""
CELL_CHARS: Final = 1000
"""Longer texts are cut and end in `…`."""
_MANIFESTS: Final = 8
_SETTINGS: Final = {
    "threads": "1",
    "memory_limit": "256MB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}


class PageReader:
    """Reads pages; thread-safe, one page at a time."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._connection: DuckDBPyConnection | None = None
        self._manifests: OrderedDict[str, Manifest] = OrderedDict()

    def page(self, manifest_digest: str, offset: int, limit: int) -> Rows:
        """Return at most `limit` rows from number `offset` on, every cell as text.

        Raises `DamagedError` when a chunk is missing or cannot be read.
        """
        with self._lock:
            manifest = self._manifest(manifest_digest)
            offset = max(0, offset)
            limit = max(1, min(limit, MOST_ROWS, MOST_CELLS // max(1, len(manifest.columns))))
            rows = self._fetch(manifest, offset, limit) if offset < manifest.rows else ()
        return Rows(
            columns=tuple(column.name for column in manifest.columns),
            types=tuple(column.type for column in manifest.columns),
            rows=rows,
            offset=offset,
            total=manifest.rows,
        )

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _manifest(self, digest: str) -> Manifest:
        found = self._manifests.get(digest)
        if found is None:
            found = chunks.decode(self._objects.read_bytes(digest))
            self._manifests[digest] = found
            if len(self._manifests) > _MANIFESTS:
                self._manifests.popitem(last=False)
        self._manifests.move_to_end(digest)
        return found

    def _fetch(
        self, manifest: Manifest, offset: int, limit: int
    ) -> tuple[tuple[str | None, ...], ...]:
        if not manifest.columns:
            return ()
        cells = ", ".join(
            f"left(CAST({quote(column.name)} AS VARCHAR), {CELL_CHARS + 1})"
            for column in manifest.columns
        )
        page = chunks.page_sql(manifest, self._objects, offset, limit)
        try:
            rows = self._open().execute(f"SELECT {cells} FROM {page}").fetchall()
            return tuple(tuple(map(_shortened, row)) for row in rows)
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
            raise DamagedError(
                f"rows {offset + 1} to {offset + limit} cannot be read: {said}",
                hint="Find out what is damaged: mlops-console data verify NAME",
            ) from error

    def _open(self) -> DuckDBPyConnection:
        if self._connection is None:
            connection = duckdb.connect(config=dict(_SETTINGS))
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET TimeZone = 'UTC'")
            root = literal(f"{Path(self._objects.root).resolve()}/")
            connection.execute(f"SET allowed_directories = [{root}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            self._connection = connection
        return self._connection


def _shortened(cell: str | None) -> str | None:
    if cell is None or len(cell) <= CELL_CHARS:
        return cell
    return f"{cell[: CELL_CHARS - 1]}…"
