"""Raw requests that are past the hot window: one Parquet file a day, then out of the store.

The agent's watch calls it within the transaction that deletes the rows. Invariant: a row is in the
store or in a whole file. A file is named by its day and the rows it holds, so that a day whose
deletion did not come about is written to the same file again, and late rows get one of their own.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from storage.durable import sync_directory, sync_file
from storage.errors import from_os_error
from storage.tables import traffic

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PREFIX = "requests-"


def archive_requests(connection: DuckDBPyConnection, directory: Path, until: datetime) -> int:
    """Write all requests before `until` with their labels; returns how many rows that were."""
    rows = 0
    for day in traffic.list_request_days(connection, until=until):
        path = directory / f"{_PREFIX}{day.day:%Y-%m-%d}-{day.mark:016x}.parquet"
        unfinished = path.with_suffix(".unfinished")
        try:
            traffic.copy_requests(connection, day.day, until=until, path=unfinished)
            sync_file(unfinished)
            unfinished.replace(path)
            sync_directory(directory)
        except OSError as error:
            raise from_os_error("archive requests in", directory, error) from error
        finally:
            unfinished.unlink(missing_ok=True)
        rows += day.rows
    return rows


def remove_archived(directory: Path, before: date) -> list[Path]:
    """Remove the files of days before `before`; whatever else lies there stays."""
    removed = []
    for path in sorted(directory.glob(f"{_PREFIX}*.parquet")):
        try:
            day = date.fromisoformat(path.name.removeprefix(_PREFIX)[:10])
        except ValueError:
            continue
        if day < before:
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def hot_until(now: datetime, days: int) -> datetime:
    """The first moment that stays in the store: whole days are moved."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
