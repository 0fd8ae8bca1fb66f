"""A store between processes: one owner at a time, kills, a full disk, a copied workspace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from storage.database import Database
from storage.errors import ConflictError
from storage.workspace import Workspace

Opener = Callable[..., Database]
Starter = Callable[..., "subprocess.Popen[str]"]


def numbers(connection: duckdb.DuckDBPyConnection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n").fetchall()]


HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from storage.database import Database
from storage.migrate import Migration
from storage.workspace import Workspace

class Clock:
    def now(self):
        return datetime.now(UTC)

workspace = Workspace(Path(sys.argv[1]))
core = Migration(1, "core", Path(sys.argv[2]).read_text())
database = Database.open(workspace, clock=Clock(), migrations=[core])
database.write(lambda c: c.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)"))
"""
WAIT = 'print("open", flush=True)\nsys.stdin.readline()\ndatabase.close()\n'
COUNT = """
known = database.read(lambda c: c.execute("SELECT COUNT(*) FROM t").fetchall())[0][0]
for n in range(known, 10**9):
    database.write(lambda c: c.execute("INSERT INTO t VALUES ($n)", {"n": n}).fetchall())
    print(n, flush=True)
"""
FULL = """
import resource
from storage.errors import UnavailableError

def fill(n):
    def work(c):
        c.execute("INSERT INTO t VALUES ($n)", {"n": n})
        c.execute("INSERT INTO ballast SELECT repeat(uuid()::VARCHAR, 50) FROM range(100)")
    return work

def numbers(c):
    return [n for (n,) in c.execute("SELECT n FROM t ORDER BY n").fetchall()]

def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

database.write(lambda c: c.execute("CREATE TABLE ballast (b VARCHAR)"))
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
limit_files(3_000_000)
kept, refusals, deaths = [], 0, 0
for n in range(10**6):
    try:
        database.write(fill(n))
        kept.append(n)
    except UnavailableError as error:
        assert "the disk is full" in error.message, error
        refusals += 1
        try:
            database._connections[0].execute("CHECKPOINT")
        except Exception as error:
            assert "FATAL" in str(error), error
            deaths += 1
    if refusals == 3:
        break
assert database.read(numbers) == kept
limit_files(hard)
database.write(fill(10**7))
assert database.read(numbers) == [*kept, 10**7]
database.close()
print(len(kept), deaths, flush=True)
"""


@pytest.fixture
def hold(workspace: Workspace, start_child: Starter) -> Starter:
    """Start an agent-like process that has the store open and then does as told."""
    core = Path(__file__).parents[2] / "storage/sql/schema/0001_core.sql"
    return lambda then, at=workspace: start_child(HOLDER + then, at.root, core)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.process
def test_a_second_opener_is_told_who_has_the_store(
    workspace: Workspace, open_store: Opener, hold: Starter
) -> None:
    holder = hold(WAIT)
    assert line(holder) == "open"
    with pytest.raises(ConflictError) as caught:
        open_store(workspace)
    assert caught.value.data["pid"] == holder.pid
    assert "agent stop" in caught.value.hint
    holder.send_signal(signal.SIGSTOP)
    os.waitpid(holder.pid, os.WUNTRACED)
    with pytest.raises(ConflictError) as caught:
        open_store(workspace)
    assert "(stopped)" in caught.value.message
    assert caught.value.hint == f"Let it go on: kill -CONT {holder.pid}"
    holder.send_signal(signal.SIGCONT)
    holder.communicate("\n", timeout=20)
    assert open_store(workspace).opening.was_clean


@pytest.mark.process
def test_of_openers_at_the_same_time_one_wins(
    hold: Starter,
) -> None:
    racers = [hold(WAIT + 'print("closed")') for _ in range(3)]
    said = [line(racer) for racer in racers]
    assert said.count("open") == 1
    for racer in racers:
        racer.communicate("\n", timeout=20)
    assert sorted(racer.returncode for racer in racers) == [0, 1, 1]


@pytest.mark.process
def test_no_kill_takes_an_acknowledged_write_away(
    workspace: Workspace, open_store: Opener, hold: Starter
) -> None:
    acknowledged = -1
    for turn in range(6):
        process = hold(COUNT)
        for _ in range(1 + 17 * turn):
            acknowledged = int(line(process))
        process.kill()
        assert process.stdout is not None
        rest = process.stdout.read().split("\n")[:-1]
        acknowledged = int(rest[-1]) if rest else acknowledged
        process.wait()
        assert workspace.store_wal.exists()
    with open_store(workspace) as store:
        kept = store.read(numbers)
        assert kept == list(range(len(kept)))
        assert len(kept) in (acknowledged + 1, acknowledged + 2)
        assert not store.opening.was_clean
        assert store.opening.copied_to is not None
        assert (store.opening.copied_to / workspace.store_wal.name).exists()
        assert len(list(workspace.salvage.iterdir())) == 3


@pytest.mark.process
def test_a_full_disk_refuses_writes_and_the_same_process_goes_on_when_there_is_room(
    workspace: Workspace, open_store: Opener, hold: Starter
) -> None:
    process = hold(FULL)
    said = line(process)
    assert process.wait(20) == 0
    kept_count, deaths = map(int, said.split())
    assert kept_count > 3
    assert deaths > 0, "DuckDB was to give the database up at least once"
    assert open_store(workspace).read(numbers)[-1] == 10**7


@pytest.mark.process
def test_a_copied_workspace_becomes_a_store_of_its_own(
    workspace: Workspace,
    tmp_path: Path,
    open_store: Opener,
    hold: Starter,
) -> None:
    holder = hold(WAIT)
    assert line(holder) == "open"
    shutil.copytree(workspace.root, tmp_path / "copy", ignore=lambda *_: ["agent.sock"])
    with open_store(Workspace(tmp_path / "copy")) as copy:
        assert copy.opening.is_copy
        assert copy.read(numbers) == []
        copy_id = copy.opening.store_id
    holder.communicate("\n", timeout=20)
    with open_store(workspace) as original:
        assert not original.opening.is_copy
        assert original.opening.store_id != copy_id
    with open_store(Workspace(tmp_path / "copy")) as again:
        assert (again.opening.is_copy, again.opening.store_id) == (False, copy_id)
