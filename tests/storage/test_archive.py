"""Raw requests leave the store for Parquet files: each exactly once, whatever happens between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.clock import SystemClock
from storage.archive import archive_requests, hot_until, remove_archived
from storage.database import Database
from storage.engine import Limits
from storage.errors import StorageError
from storage.records.endpoints import Label, RequestEvent
from storage.tables import traffic
from storage.workspace import Workspace

START = datetime(2030, 1, 1, 22, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Store:
    database: Database
    archive: Path

    def write(self, change: Callable[[Any], Any]) -> Any:
        return self.database.write(change)

    def ask(self, sql: str, **params: object) -> list[tuple[Any, ...]]:
        return self.database.read(lambda c: c.execute(sql, params or None).fetchall())

    def move(self, until: datetime, *, is_killed: bool = False) -> int:
        """As the watch does; killed means after the files, before the rows are gone."""

        def change(connection: Any) -> int:
            moved = archive_requests(connection, self.archive, until)
            if is_killed:
                raise KeyboardInterrupt
            traffic.delete_before(connection, raw=until, gauges=until, counts=until)
            return moved

        return int(self.write(change))

    def archived(self) -> list[tuple[Any, ...]]:
        return self.ask(
            "SELECT request_id, label FROM read_parquet($files) ORDER BY request_id",
            files=[str(path) for path in self.files],
        )

    @property
    def files(self) -> list[Path]:
        return sorted(self.archive.iterdir())


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    with Database.open(workspace, clock=SystemClock(), limits=Limits(readers=1)) as database:
        yield Store(database, workspace.archive)


def requests(first: int, count: int) -> list[RequestEvent]:
    event = RequestEvent(
        request_id="", endpoint="delays", at=START, version=1, outcome="ok", status=200,
        latency_ms=10.0, score=0.25, decision=False,
    )  # fmt: skip
    numbers = range(first, first + count)
    return [replace(event, request_id=f"r{n}", at=START + timedelta(minutes=n)) for n in numbers]


def test_days_move_to_files_of_their_own_with_their_labels(store: Store) -> None:
    store.write(lambda c: traffic.add_requests(c, requests(0, 240)))
    label = Label(
        request_id="r7",
        endpoint="delays",
        label=1.0,
        revision=1,
        received_at=START + timedelta(hours=1),
    )
    store.write(lambda c: traffic.add_labels(c, [label]))
    store.write(
        lambda c: traffic.settle_labels(
            c, since=START, until=START + timedelta(days=1), at=START + timedelta(days=1)
        )
    )
    assert store.move(datetime(2030, 1, 3, tzinfo=UTC)) == 240
    assert [path.name[:19] for path in store.files] == [
        "requests-2030-01-01", "requests-2030-01-02",
    ]  # fmt: skip
    found = store.archived()
    assert len(found) == 240
    assert [name for name, label in found if label is not None] == ["r7"]
    assert store.move(datetime(2030, 1, 3, tzinfo=UTC)) == 0


def test_only_whole_days_past_the_hot_window_move(store: Store) -> None:
    store.write(lambda c: traffic.add_requests(c, requests(0, 240)))
    now = datetime(2030, 2, 1, 15, 30, tzinfo=UTC)
    assert hot_until(now, 30) == datetime(2030, 1, 2, tzinfo=UTC)
    assert store.move(hot_until(now, 30)) == 120
    assert len(store.archived()) == 120
    assert store.ask("SELECT count(*) FROM requests") == [(120,)]


def test_a_kill_between_file_and_deletion_doubles_nothing(store: Store) -> None:
    store.write(lambda c: traffic.add_requests(c, requests(0, 60)))
    until = datetime(2030, 1, 2, tzinfo=UTC)
    with pytest.raises(KeyboardInterrupt):
        store.move(until, is_killed=True)
    before = store.files
    assert store.move(until) == 60
    assert store.files == before
    # Rows that arrive late get a file of their own.
    store.write(lambda c: traffic.add_requests(c, requests(60, 5)))
    assert store.move(until) == 5
    assert len(store.files) == 2
    assert len(set(store.archived())) == len(store.archived()) == 65


def test_a_directory_that_cannot_be_written_keeps_the_rows(store: Store) -> None:
    store.write(lambda c: traffic.add_requests(c, requests(0, 5)))
    store.archive.rmdir()
    with pytest.raises(StorageError):
        store.move(datetime(2030, 1, 2, tzinfo=UTC))
    assert store.ask("SELECT count(*) FROM requests") == [(5,)]


def test_old_files_go_and_foreign_ones_stay(tmp_path: Path) -> None:
    names = ["requests-2030-01-01-00.parquet", "requests-2030-01-09-00.parquet",
             "requests-mine.parquet", "notes.txt"]  # fmt: skip
    for name in names:
        (tmp_path / name).touch()
    removed = remove_archived(tmp_path, date(2030, 1, 9))
    assert [path.name for path in removed] == names[:1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
