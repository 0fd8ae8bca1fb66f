"""Damaged stores: refused with a sentence, left as they were found, or accepted on request."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storage.database import Database
from storage.errors import DamagedError
from storage.mark import Mark, MarkFile
from storage.salvage import KEPT_COPIES
from storage.workspace import Workspace

Opener = Callable[..., Database]
WRITES = 60


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose agent was killed: rows 0..39 in the file, 40..59 in the log."""
    root = tmp_path_factory.mktemp("crashed")
    source = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from storage.database import Database
from storage.migrate import Migration
from storage.workspace import Workspace

class Clock:
    def now(self):
        return datetime.now(UTC)

workspace = Workspace.create(Path(sys.argv[1]))
core = [Migration(1, "core", Path(sys.argv[2]).read_text())]
def insert(n):
    return lambda c: c.execute("INSERT INTO t VALUES ($n)", {"n": n}).fetchall()
with Database.open(workspace, clock=Clock(), migrations=core) as database:
    database.write(lambda c: c.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    for n in range(40):
        database.write(insert(n))
database = Database.open(workspace, clock=Clock(), migrations=core)
for n in range(40, 60):
    database.write(insert(n))
os.kill(os.getpid(), 9)
"""
    core = Path(__file__).parents[2] / "storage/sql/schema/0001_core.sql"
    ended = subprocess.run([sys.executable, "-c", source, str(root), str(core)], check=False)
    assert ended.returncode == -9
    return root


@pytest.fixture
def broken(crashed: Path, tmp_path: Path) -> Workspace:
    """The crashed workspace once more, to be damaged further."""
    return Workspace(Path(shutil.copytree(crashed, tmp_path / "broken")))


def numbers(connection: duckdb.DuckDBPyConnection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n").fetchall()]


def contents(workspace: Workspace) -> dict[str, bytes]:
    files = (workspace.store, workspace.store_wal, workspace.mark)
    return {path.name: path.read_bytes() for path in files if path.exists()}


def cut(path: Path, ratio: float) -> None:
    os.truncate(path, int(path.stat().st_size * ratio))


def overwrite(path: Path, start: float, stop: float, filler: bytes = b"\0") -> None:
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * stop)
    data[first:last] = filler * (last - first)
    path.write_bytes(data)


def flip(path: Path, where: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 1
    path.write_bytes(data)


def replace_by_another_program(workspace: Workspace) -> None:
    workspace.store.unlink()
    workspace.store_wal.unlink()
    with duckdb.connect(str(workspace.store)) as other:
        other.execute("CREATE TABLE theirs (x INTEGER)")


DAMAGE: dict[str, tuple[Callable[[Workspace], Any], str]] = {
    "log cut off": (lambda w: cut(w.store_wal, 0.5), r"has lost its last \d+ of 63 writes"),
    "log cut to nothing": (lambda w: cut(w.store_wal, 0), r"has lost its last 21 of 63 writes"),
    "log zeroed": (lambda w: overwrite(w.store_wal, 0, 1), r"has lost its last 21 of"),
    "log zeroed in the middle": (lambda w: overwrite(w.store_wal, 0.4, 0.6), "WAL"),
    "log with a flipped bit": (lambda w: flip(w.store_wal, 0.5), "WAL|has lost its last"),
    "log gone": (lambda w: w.store_wal.unlink(), r"has lost its last 21 of 63 writes"),
    "database gone": (lambda w: w.store.unlink(), r"is missing but its log store.duckdb.wal"),
    "both gone": (
        lambda w: (w.store.unlink(), w.store_wal.unlink()),
        "is missing; 63 committed writes were recorded",
    ),
    "database empty": (lambda w: cut(w.store, 0), r"is not a DuckDB file \(0 bytes\)"),
    "database cut off": (lambda w: cut(w.store, 0.5), "is damaged or not a store"),
    "database zeroed behind its head": (
        lambda w: overwrite(w.store, 0.05, 1),
        "is damaged or not a store",
    ),
    "a text instead": (
        lambda w: w.store.write_bytes(b"hello " * 9000),
        r"is not a DuckDB file \(54000 bytes\)",
    ),
    "another kind of database": (
        lambda w: w.store.write_bytes(b"SQLite format 3\0" * 1000),
        "is not a DuckDB file",
    ),
    "a database of another program": (replace_by_another_program, "of another program"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_store_is_refused_and_left_as_it_was(
    name: str, broken: Workspace, open_store: Opener
) -> None:
    damage, said = DAMAGE[name]
    damage(broken)
    before = contents(broken)
    with pytest.raises(DamagedError, match=said) as caught:
        open_store(broken)
    assert "mlops-console restore" in caught.value.hint
    after = contents(broken)
    if name == "log cut to nothing":
        # DuckDB removes an empty log when it looks at it.
        before.pop(broken.store_wal.name)
    assert after == before


def test_a_store_that_only_crashed_opens_with_everything(
    broken: Workspace, open_store: Opener
) -> None:
    store = open_store(broken)
    assert store.read(numbers) == list(range(WRITES))
    assert (store.opening.was_clean, store.opening.notes) == (False, ())


def test_a_torn_end_of_the_log_that_nobody_was_promised_is_no_damage(
    broken: Workspace, open_store: Opener
) -> None:
    with broken.store_wal.open("ab") as log:
        log.write(b"\x10\0\0\0\0\0\0\0half an entry")
    with open_store(broken) as store:
        assert store.read(numbers) == list(range(WRITES))
        store.write(lambda c: c.execute("INSERT INTO t VALUES (60)"))
    assert open_store(broken).read(numbers) == list(range(WRITES + 1))


def test_an_older_database_in_its_place_is_noticed(
    broken: Workspace, open_store: Opener, tmp_path: Path
) -> None:
    open_store(broken).close()
    older = tmp_path / "older.duckdb"
    shutil.copyfile(broken.store, older)
    open_store(broken).close()
    shutil.copyfile(older, broken.store)
    with pytest.raises(DamagedError, match="has lost its last") as caught:
        open_store(broken)
    assert caught.value.data["marked_sequence"] > caught.value.data["sequence"]


def test_the_store_of_another_workspace_is_noticed(
    broken: Workspace, workspace: Workspace, open_store: Opener
) -> None:
    open_store(workspace).close()
    broken.store_wal.unlink()
    shutil.copyfile(workspace.store, broken.store)
    with pytest.raises(DamagedError, match="is not the store that was used here last"):
        open_store(broken)


def test_a_loss_can_be_accepted_and_is_noted(broken: Workspace, open_store: Opener) -> None:
    cut(broken.store_wal, 0.5)
    with open_store(broken, accept_loss=True) as store:
        kept = store.read(numbers)
        assert kept == list(range(len(kept)))
        assert 40 <= len(kept) < WRITES
        assert "has lost its last" in store.opening.notes[0]
        assert store.opening.copied_to is not None
        copied = (store.opening.copied_to / broken.store_wal.name).read_bytes()
        assert copied, "the cut log was put aside before it was opened"
    again = open_store(broken)
    assert (again.read(numbers), again.opening.notes) == (kept, ())


def test_being_refused_again_does_not_push_the_first_copy_out(
    broken: Workspace, open_store: Opener
) -> None:
    cut(broken.store_wal, 0.5)
    for _ in range(KEPT_COPIES + 2):
        with pytest.raises(DamagedError):
            open_store(broken)
    assert len(list(broken.salvage.iterdir())) == 1


def test_a_missing_mark_is_written_anew_and_noted(workspace: Workspace, open_store: Opener) -> None:
    open_store(workspace).close()
    workspace.mark.unlink()
    with open_store(workspace) as store:
        assert store.opening.notes == ("The mark of the store was missing and was written anew.",)
    assert open_store(workspace).opening.was_clean


def test_a_store_that_was_never_finished_is_made_anew(
    workspace: Workspace, open_store: Opener
) -> None:
    for name in ("store.duckdb.new", "store.duckdb.new.wal"):
        (workspace.state / name).write_bytes(b"half")
    assert open_store(workspace).opening.is_new
    assert not (workspace.state / "store.duckdb.new").exists()


MARK = Mark(store_id="s", epoch=1, sequence=5, is_clean=False, home="1")


def test_the_newest_mark_counts(tmp_path: Path) -> None:
    file = MarkFile(tmp_path / "mark")
    assert file.read() is None
    for sequence in (5, 6, 4):
        mark = Mark(store_id="s", epoch=1, sequence=sequence, is_clean=False, home="1")
        file.write(mark)
        assert MarkFile(file.path).read() == mark
    file.close()


@pytest.mark.parametrize("slot", [0, 1])
def test_a_torn_mark_leaves_the_one_before(tmp_path: Path, slot: int) -> None:
    file = MarkFile(tmp_path / "mark")
    file.write(MARK)
    file.write(Mark(store_id="s", epoch=1, sequence=6, is_clean=False, home="1"))
    file.close()
    with file.path.open("r+b") as raw:
        raw.seek(slot * 4096 + 20)
        raw.write(b"\0\0\0\0")
    found = MarkFile(file.path).read()
    assert found is not None
    assert found.sequence == (6, 5)[slot]


def test_a_mark_of_rubbish_is_no_mark(tmp_path: Path) -> None:
    (tmp_path / "mark").write_bytes(b"\xff" * 9000)
    assert MarkFile(tmp_path / "mark").read() is None
