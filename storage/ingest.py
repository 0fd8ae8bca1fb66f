"""Counts what journals say exactly once.

Used by the agent. Documents are applied and the offset behind them is recorded in one
transaction; a segment is removed only after that commit and after its writer is gone. Invariant:
no crash, kill or repeated call applies a document twice or skips one, and no document, however
bad, stops those behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from storage import queries
from storage.durable import sync_directory
from storage.errors import ConflictError, InvalidError, StorageError, from_os_error
from storage.journal import Batch, SegmentOffset, list_segments, pending

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from storage.database import Database

Apply = Callable[["DuckDBPyConnection", list[Any]], None]

QUARANTINE: Final = "quarantine"
"""Directory beside the segments for those that had a line nobody could use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What one pass over a journal did."""

    doc_count: int = 0
    bad_count: int = 0
    """Lines that were damaged or could not be applied; their segments are in quarantine."""
    dropped_count: int = 0
    """Documents the writers had no room for."""
    last_problem: str = ""
    """Why the last bad document could not be applied."""


class Ingest:
    """One journal and how far it was read; kept between passes so that idle ones cost nothing."""

    def __init__(
        self,
        database: Database,
        source: str,
        directory: Path,
        apply: Apply,
        *,
        decode: Callable[[bytes], Any] = msgspec.json.decode,
        batch_bytes: int = 2 * 1024 * 1024,
        even_if_full: bool = False,
    ) -> None:
        self._database = database
        self._source = source
        self._directory = directory
        self._apply = apply
        self._decode = decode
        self._batch_bytes = batch_bytes
        self._even_if_full = even_if_full
        self._offsets: dict[str, SegmentOffset] | None = None
        self._report = IngestReport()

    def run(self) -> IngestReport:
        """Apply everything that is there. Blocks: call it from a thread, one at a time.

        `apply(connection, docs)` runs in the transaction that moves the offset, perhaps twice. What
        it raises about a document (`InvalidError`, `ValueError`, a constraint) costs that document
        alone; any other `StorageError` stops the pass, and the next one continues there.
        """
        self._report = IngestReport()
        if not list_segments(self._directory):
            return self._report
        try:
            batches = pending(
                self._directory,
                self._known_offsets(),
                decode=self._decode,
                batch_bytes=self._batch_bytes,
            )
            for batch in batches:
                self._take(batch)
            self._clear_away()
        except BaseException:
            # A write that failed on a dying disk may have been kept: ask the store next time.
            self._offsets = None
            raise
        return self._report

    def _known_offsets(self) -> dict[str, SegmentOffset]:
        if self._offsets is None:
            found = self._database.read(
                lambda connection: queries.rows(
                    connection, "list_journal_offsets", {"source": self._source}, into=SegmentOffset
                )
            )
            self._offsets = {each.segment: each for each in found}
        return self._offsets

    def _take(self, batch: Batch) -> None:
        """Apply a batch, halving it until what cannot be applied stands alone."""
        try:
            self._commit(batch)
        except StorageError as error:
            if not isinstance(error, InvalidError):
                raise
            self._take_apart(batch, error)
        except Exception as error:
            # Whatever a document does to `apply`, it must not stop the documents behind it.
            self._take_apart(batch, error)

    def _take_apart(self, batch: Batch, error: Exception) -> None:
        if not batch.docs:
            raise error
        if len(batch.docs) == 1:
            self._report = replace(self._report, last_problem=f"{type(error).__name__}: {error}")
            self._commit(replace(batch, docs=[], ends=[], bad_count=batch.bad_count + 1))
            return
        middle = len(batch.docs) // 2
        cut = batch.ends[middle - 1]
        first = replace(
            batch,
            end=cut,
            docs=batch.docs[:middle],
            ends=batch.ends[:middle],
            bad_count=0,
            dropped_count=0,
            is_last=False,
        )
        self._take(first)
        self._take(replace(batch, start=cut, docs=batch.docs[middle:], ends=batch.ends[middle:]))

    def _commit(self, batch: Batch) -> None:
        offsets = self._known_offsets()
        known = offsets.get(batch.segment, SegmentOffset(segment=batch.segment))
        moved = replace(
            known,
            offset_bytes=batch.end,
            done=batch.is_last,
            bad_count=known.bad_count + batch.bad_count,
        )
        params = queries.params_of(
            moved, source=self._source, updated_at=self._database.clock.now()
        )

        def work(connection: DuckDBPyConnection) -> None:
            key = {"source": self._source, "segment": batch.segment}
            stored = queries.row(connection, "get_journal_offset", key, into=int) or 0
            if stored != known.offset_bytes:
                raise ConflictError(
                    f"cannot count {batch.segment} of {self._source} from byte "
                    f"{known.offset_bytes}: it was counted up to {stored} by another reader."
                )
            if batch.docs:
                self._apply(connection, batch.docs)
            queries.run(connection, "set_journal_offset", params)

        self._database.write(work, even_if_full=self._even_if_full)
        offsets[batch.segment] = moved
        self._report = replace(
            self._report,
            doc_count=self._report.doc_count + len(batch.docs),
            bad_count=self._report.bad_count + batch.bad_count,
            dropped_count=self._report.dropped_count + batch.dropped_count,
        )

    def _clear_away(self) -> None:
        """Remove segments that are done; keep those with bad lines where people can look."""
        offsets = self._known_offsets()
        for path in list_segments(self._directory):
            known = offsets.get(path.name)
            if known is None or not known.done:
                continue
            try:
                if known.bad_count:
                    kept = self._directory / QUARANTINE
                    kept.mkdir(exist_ok=True)
                    path.rename(kept / path.name)
                else:
                    path.unlink()
                sync_directory(self._directory)
            except OSError as error:
                raise from_os_error("remove", path, error) from error


def ingest_pending(database: Database, source: str, directory: Path, apply: Apply) -> IngestReport:
    """One pass over a journal; `source` is its name in the store, e.g. `job:41`."""
    return Ingest(database, source, directory, apply).run()
