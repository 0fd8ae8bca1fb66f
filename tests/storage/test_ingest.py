"""Journals into the store: every document once, whatever dies, repeats or cannot be used."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storage import queries
from storage.database import Database
from storage.errors import ConflictError, InvalidError, UnavailableError
from storage.ingest import QUARANTINE, Ingest, IngestReport, ingest_pending
from storage.journal import JournalWriter, SegmentOffset, list_segments
from storage.workspace import Workspace

Starter = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def store(workspace: Workspace, open_store: Callable[..., Database]) -> Database:
    database = open_store(workspace)
    database.write(lambda c: c.execute("CREATE TABLE events (n INTEGER)"))
    return database


def keep(connection: duckdb.DuckDBPyConnection, docs: list[Any]) -> None:
    if any(doc == "bad" for doc in docs):
        raise ValueError("no number")
    connection.execute("INSERT INTO events SELECT unnest($docs)", {"docs": docs})


def events(database: Database) -> list[int]:
    def work(connection: duckdb.DuckDBPyConnection) -> list[int]:
        found = connection.execute("SELECT n FROM events ORDER BY n").fetchall()
        return [n for (n,) in found]

    return database.read(work)


def offsets(database: Database, source: str = "s") -> list[SegmentOffset]:
    return database.read(
        lambda c: queries.rows(c, "list_journal_offsets", {"source": source}, into=SegmentOffset)
    )


def write(directory: Path, *docs: Any) -> Path:
    before = set(list_segments(directory))
    with JournalWriter(directory) as writer:
        for doc in docs:
            writer.append(doc)
    [made] = set(list_segments(directory)) - before
    return made


def test_documents_are_applied_once_and_the_segment_goes(store: Database, tmp_path: Path) -> None:
    write(tmp_path / "j", 1, 2, 3)
    assert ingest_pending(store, "s", tmp_path / "j", keep) == IngestReport(doc_count=3)
    assert events(store) == [1, 2, 3]
    assert list_segments(tmp_path / "j") == []
    assert ingest_pending(store, "s", tmp_path / "j", keep) == IngestReport()
    assert [each.done for each in offsets(store)] == [True]


def test_a_living_writers_segment_stays_and_grows(store: Database, tmp_path: Path) -> None:
    ingest = Ingest(store, "s", tmp_path, keep)
    with JournalWriter(tmp_path, flush_interval_s=60) as writer:
        for n in (1, 2):
            writer.append(n)
            writer.flush()
            assert ingest.run().doc_count == 1
            assert len(list_segments(tmp_path)) == 1
    ingest.run()
    assert (events(store), list_segments(tmp_path)) == ([1, 2], [])


def test_a_new_pass_continues_where_the_last_process_stopped(
    store: Database, tmp_path: Path
) -> None:
    with JournalWriter(tmp_path, flush_interval_s=60) as writer:
        writer.append(1)
        writer.flush()
        ingest_pending(store, "s", tmp_path, keep)
        writer.append(2)
        writer.flush()
        ingest_pending(store, "s", tmp_path, keep)
    assert events(store) == [1, 2]


def test_a_segment_that_comes_back_is_not_counted_again(store: Database, tmp_path: Path) -> None:
    directory = tmp_path / "j"
    segment = write(directory, 1, 2)
    data = segment.read_bytes()
    ingest_pending(store, "s", directory, keep)
    segment.write_bytes(data)
    (directory / f"9{segment.name}").write_bytes(data)
    report = ingest_pending(store, "s", directory, keep)
    assert events(store) == [1, 2]
    assert (report.doc_count, report.bad_count) == (0, 1)
    assert list_segments(directory) == []


def test_a_segment_deleted_by_somebody_does_no_harm(store: Database, tmp_path: Path) -> None:
    ingest = Ingest(store, "s", tmp_path, keep)
    with JournalWriter(tmp_path, flush_interval_s=60) as writer:
        writer.append(1)
        writer.flush()
        ingest.run()
        list_segments(tmp_path)[0].unlink()
        ingest.run()
    write(tmp_path, 2)
    assert ingest.run().doc_count == 1
    assert events(store) == [1, 2]


def test_bad_documents_are_isolated_counted_and_kept_for_people(
    store: Database, tmp_path: Path
) -> None:
    segment = write(tmp_path, *range(50), "bad", *range(50, 90), "bad", 90)
    report = ingest_pending(store, "s", tmp_path, keep)
    assert events(store) == list(range(91))
    assert (report.doc_count, report.bad_count) == (91, 2)
    assert report.last_problem == "ValueError: no number"
    assert [each.bad_count for each in offsets(store)] == [2]
    assert (tmp_path / QUARANTINE / segment.name).exists()
    assert ingest_pending(store, "s", tmp_path, keep) == IngestReport()


def test_a_damaged_line_costs_only_itself(store: Database, tmp_path: Path) -> None:
    segment = write(tmp_path, 1, 22222, 3)
    segment.write_bytes(segment.read_bytes().replace(b"22222", b"22322"))
    assert ingest_pending(store, "s", tmp_path, keep).bad_count == 1
    assert events(store) == [1, 3]


@pytest.mark.parametrize("error", [InvalidError("no"), KeyError("n"), TypeError("no")])
def test_whatever_a_document_does_to_its_reader_the_next_one_is_read(
    store: Database, tmp_path: Path, error: Exception
) -> None:
    def picky(connection: duckdb.DuckDBPyConnection, docs: list[Any]) -> None:
        keep(connection, docs)
        if 2 in docs:
            raise error

    write(tmp_path, 1, 2, 3)
    assert ingest_pending(store, "s", tmp_path, picky).bad_count == 1
    assert events(store) == [1, 3]


def test_a_store_that_cannot_take_it_stops_the_pass_without_loss(
    store: Database, tmp_path: Path
) -> None:
    is_full = True

    def full(connection: duckdb.DuckDBPyConnection, docs: list[Any]) -> None:
        keep(connection, docs)
        if is_full:
            raise UnavailableError("the disk is full")

    write(tmp_path, 1, 2)
    ingest = Ingest(store, "s", tmp_path, full)
    with pytest.raises(UnavailableError):
        ingest.run()
    assert (events(store), len(list_segments(tmp_path))) == ([], 1)
    is_full = False
    assert ingest.run() == IngestReport(doc_count=2)
    assert events(store) == [1, 2]


def test_two_readers_of_one_source_cannot_count_it_twice(store: Database, tmp_path: Path) -> None:
    with JournalWriter(tmp_path, flush_interval_s=60) as writer:
        writer.append(1)
        writer.flush()
        stale = Ingest(store, "s", tmp_path, keep)
        stale.run()
        writer.append(2)
        writer.flush()
        ingest_pending(store, "s", tmp_path, keep)
        with pytest.raises(ConflictError, match="by another reader"):
            stale.run()
        stale.run()
    assert events(store) == [1, 2]


def test_drops_the_writer_counted_are_reported(store: Database, tmp_path: Path) -> None:
    with JournalWriter(tmp_path, flush_interval_s=60, spool_bytes=20) as writer:
        for n in range(5):
            writer.append(n)
    report = ingest_pending(store, "s", tmp_path, keep)
    assert report.doc_count + report.dropped_count == 5
    assert report.dropped_count == 4


INGESTER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from storage.database import Database
from storage.ingest import Ingest
from storage.migrate import Migration
from storage.workspace import Workspace

class Clock:
    def now(self):
        return datetime.now(UTC)

def keep(connection, docs):
    connection.execute("INSERT INTO events SELECT unnest($docs)", {"docs": docs})

workspace, journal = Workspace(Path(sys.argv[1])), Path(sys.argv[2])
core = [Migration(1, "core", Path(sys.argv[3]).read_text())]
database = Database.open(workspace, clock=Clock(), migrations=core)
ingest = Ingest(database, "s", journal, keep, batch_bytes=500)
print("open", flush=True)
while True:
    if ingest.run().doc_count:
        print("pass", flush=True)
"""
WRITER = """
import sys
from pathlib import Path
from storage.journal import JournalWriter
first = int(sys.argv[2])
writer = JournalWriter(Path(sys.argv[1]), flush_interval_s=0.001, segment_bytes=3000)
for n in range(first, 10**9):
    writer.append(n)
    writer.flush()
    print(n, flush=True)
"""


@pytest.mark.process
def test_kills_of_writer_and_agent_lose_nothing_and_double_nothing(
    store: Database,
    workspace: Workspace,
    tmp_path: Path,
    start_child: Starter,
    open_store: Callable[..., Database],
) -> None:
    store.close()
    core = Path(__file__).parents[2] / "storage/sql/schema/0001_core.sql"
    journal = tmp_path / "journal"
    following = 0
    acknowledged: list[int] = []
    for turn in range(4):
        agent = start_child(INGESTER, workspace.root, journal, core)
        assert agent.stdout is not None
        assert agent.stdout.readline() == "open\n"
        writer = start_child(WRITER, journal, following)
        assert writer.stdout is not None
        acknowledged.append(int(writer.stdout.readline()))
        for _ in range(1 + 3 * turn):
            agent.stdout.readline()
        for process in (agent, writer) if turn % 2 else (writer, agent):
            process.send_signal(signal.SIGKILL)
            process.wait()
        acknowledged += map(int, writer.stdout.read().split("\n")[:-1])
        # One more may have been written than was said.
        following = acknowledged[-1] + 2
    with open_store(workspace) as database:
        ingest_pending(database, "s", journal, keep)
        counted = events(database)
        assert len(counted) == len(set(counted))
        assert set(acknowledged) <= set(counted)
        assert len(counted) <= len(acknowledged) + 4
    assert list_segments(journal) == []
    assert not (journal / QUARANTINE).exists()
