"""The open store: writes that are kept or undone, reads with a snapshot, nothing else reachable."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storage import database
from storage.database import Database
from storage.errors import UnavailableError
from storage.workspace import Workspace

Opener = Callable[..., Database]


def add(n: int) -> Callable[[duckdb.DuckDBPyConnection], Any]:
    return lambda connection: connection.execute("INSERT INTO t VALUES ($n)", {"n": n}).fetchall()


def numbers(connection: duckdb.DuckDBPyConnection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n").fetchall()]


@pytest.fixture
def store(workspace: Workspace, open_store: Opener) -> Database:
    database = open_store(workspace)
    database.write(lambda connection: connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    return database


def test_what_was_written_is_there_after_reopening(
    store: Database, workspace: Workspace, open_store: Opener
) -> None:
    store.write(add(1))
    assert store.read(numbers) == [1]
    store.close()
    again = open_store(workspace)
    assert again.read(numbers) == [1]
    assert again.opening.was_clean
    assert again.opening.store_id == store.opening.store_id
    assert (again.opening.epoch, again.opening.notes) == (2, ())
    assert again.sequence > store.sequence


def test_a_write_that_fails_is_undone_as_a_whole(store: Database) -> None:
    def half(connection: duckdb.DuckDBPyConnection) -> None:
        add(1)(connection)
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        store.write(half)
    assert store.read(numbers) == []


def test_one_bad_write_does_not_take_its_neighbours_along(store: Database) -> None:
    store.write(add(5))
    entered, go_on = threading.Event(), threading.Event()

    def hold(_: duckdb.DuckDBPyConnection) -> None:
        entered.set()
        assert go_on.wait(10)

    async def all_at_once() -> list[Any]:
        holding = asyncio.ensure_future(store.awrite(hold))
        await asyncio.to_thread(entered.wait, 10)
        # These pile up behind `hold` and share a transaction; 5 is there already.
        waiting = [asyncio.ensure_future(store.awrite(add(n))) for n in (4, 5, 6)]
        await asyncio.sleep(0)
        go_on.set()
        await holding
        return await asyncio.gather(*waiting, return_exceptions=True)

    before = store.sequence
    first, second, third = asyncio.run(all_at_once())
    assert isinstance(second, duckdb.ConstraintException)
    assert not isinstance(first, BaseException)
    assert not isinstance(third, BaseException)
    assert store.read(numbers) == [4, 5, 6]
    assert store.sequence == before + 3


def test_writes_that_come_together_share_transactions(store: Database) -> None:
    async def many() -> None:
        await asyncio.gather(*(store.awrite(add(n)) for n in range(300)))

    before = store.sequence
    asyncio.run(many())
    assert store.read(numbers) == list(range(300))
    assert store.sequence - before < 100


def test_a_read_sees_one_moment(store: Database) -> None:
    def twice(connection: duckdb.DuckDBPyConnection) -> tuple[list[int], list[int]]:
        before = numbers(connection)
        store.write(add(7))
        return before, numbers(connection)

    assert store.read(twice) == ([], [])
    assert asyncio.run(store.aread(numbers)) == [7]


def test_a_read_cannot_change_anything(store: Database) -> None:
    with pytest.raises(duckdb.TransactionException, match="read-only"):
        store.read(add(1))
    assert store.read(numbers) == []


def test_a_write_that_waits_for_a_write_is_refused(store: Database) -> None:
    with pytest.raises(RuntimeError, match="cannot wait for another"):
        store.write(lambda _: store.write(add(1)))


def test_a_closed_store_says_so(store: Database) -> None:
    store.close()
    store.close()
    for call in (lambda: store.write(add(1)), lambda: store.read(numbers), store.backup):
        with pytest.raises(UnavailableError, match="closed"):
            call()


def test_closing_ends_reads_that_run_and_reads_that_wait(store: Database) -> None:
    started = threading.Semaphore(0)
    endings: list[BaseException] = []

    def endless(connection: duckdb.DuckDBPyConnection) -> Any:
        started.release()
        return connection.execute("SELECT SUM(i) FROM range(10_000_000_000_000) r(i)").fetchall()

    def read() -> None:
        try:
            store.read(endless)
        except UnavailableError as error:
            endings.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]  # for two connections
    for reader in readers:
        reader.start()
    for _ in range(2):
        assert started.acquire(timeout=10)
    store.close()
    for reader in readers:
        reader.join(10)
    assert [str(error) for error in endings] == ["the store is closed: the agent is stopping."] * 4


def test_a_commit_of_unknown_outcome_is_not_repeated(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go_on = threading.Event(), threading.Event()
    calls = 0

    def hold(_: duckdb.DuckDBPyConnection) -> None:
        entered.set()
        assert go_on.wait(10)

    def leave_the_transaction(connection: duckdb.DuckDBPyConnection) -> None:
        nonlocal calls
        calls += 1
        connection.execute("ROLLBACK")  # COMMIT fails after this

    def cannot_tell(*_: object) -> None:
        raise database._OutcomeUnknownError("cannot tell")

    async def together() -> list[Any]:
        holding = asyncio.ensure_future(store.awrite(hold))
        await asyncio.to_thread(entered.wait, 10)
        group = [add(0), add(1), leave_the_transaction]
        waiting = [asyncio.ensure_future(store.awrite(each)) for each in group]
        await asyncio.sleep(0)
        go_on.set()
        await holding
        return await asyncio.gather(*waiting, return_exceptions=True)

    monkeypatch.setattr(Database, "_settle", cannot_tell)
    assert [str(each) for each in asyncio.run(together())] == ["cannot tell"] * 3
    assert calls == 1


def test_sql_reaches_no_file_and_no_setting(store: Database, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    refused = [
        f"SELECT * FROM read_csv('{secret}')",
        f"SELECT * FROM '{secret}'",
        f"COPY t TO '{tmp_path / 'out.csv'}'",
        f"ATTACH '{tmp_path / 'other.duckdb'}'",
        f"ATTACH '{store.workspace.backups}/../evil.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET memory_limit",
        "SELECT * FROM secret",
    ]
    for sql in refused:
        with pytest.raises(duckdb.Error):
            store.write(lambda connection, sql=sql: connection.execute(sql))
    assert not (tmp_path / "out.csv").exists()
    assert store.read(numbers) == []


def test_every_connection_counts_in_utc_and_prints_no_progress(store: Database) -> None:
    def settings(connection: duckdb.DuckDBPyConnection) -> Any:
        names = ("TimeZone", "enable_progress_bar", "threads")
        return [connection.execute(f"SELECT current_setting('{n}')").fetchall() for n in names]

    expected = [[("UTC",)], [(False,)], [(2,)]]
    assert store.read(settings) == store.write(settings) == expected


def test_files_of_the_store_are_private(store: Database, workspace: Workspace) -> None:
    store.write(add(1))
    for path in (workspace.store, workspace.store_wal, workspace.mark, workspace.lock):
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_writing_stops_before_the_disk_is_full(
    workspace: Workspace, open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(workspace)
    monkeypatch.setattr(Database, "free_bytes", 5)
    with pytest.raises(UnavailableError, match="5 bytes are free"):
        store.write(lambda connection: connection.execute("CREATE TABLE t (n INTEGER)"))
    store.write(lambda c: c.execute("CREATE TABLE t (n INTEGER)"), even_if_full=True)
    assert store.read(numbers) == []
