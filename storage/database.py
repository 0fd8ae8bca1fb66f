"""The store, owned by one agent: one writer thread, a few readers, an answer that is kept.

Used by the agent only (tests aside). `write` hands a function to the writer thread, which runs
what has piled up in one transaction and answers when it is on the disk and the mark has moved;
`read` runs a function on a pooled connection with a snapshot of its own. Invariant: when `write`
returns, a kill, a power cut or a full disk cannot take the change away; when it raises, nothing of
it was kept (or it says that it cannot tell).
"""

from __future__ import annotations

import asyncio
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from storage import backup, engine, opening, queries
from storage.engine import Limits
from storage.errors import RESTORE, DamagedError, StorageError, UnavailableError
from storage.lock import AgentLock
from storage.mark import MarkFile
from storage.migrate import Migration, shipped
from storage.opening import Clock, Opening
from storage.workspace import Workspace

T = TypeVar("T")
Work = Callable[[DuckDBPyConnection], T]

_GROUP: Final = 64
"""Most writes that share one transaction; a durable commit costs about 1.2 ms, alone or shared."""


@dataclass(frozen=True, slots=True)
class _Write:
    work: Work[Any]
    future: Future[Any]


class _OutcomeUnknownError(UnavailableError):
    """A commit failed and the store cannot be asked whether it holds: nobody may try again."""


class Database:
    """An open store. Made by `Database.open`, given back by `close` or a `with` block."""

    def __init__(
        self,
        workspace: Workspace,
        lock: AgentLock,
        marks: MarkFile,
        clock: Clock,
        limits: Limits,
        connections: list[DuckDBPyConnection],
        opened: Opening,
    ) -> None:
        self.workspace = workspace
        self.opening = opened
        self.clock = clock
        self._limits = limits
        self._lock = lock
        self._marks = marks
        self._sequence = opened.sequence
        self._connections = connections
        self._idle: queue.LifoQueue[DuckDBPyConnection | None] = queue.LifoQueue()
        self._fill_pool()
        self._pending: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._is_closed = False
        self._pool = ThreadPoolExecutor(limits.readers, thread_name_prefix="store-reader")
        self._thread = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        workspace: Workspace,
        *,
        clock: Clock,
        limits: Limits | None = None,
        accept_loss: bool = False,
        migrations: Sequence[Migration] | None = None,
    ) -> Database:
        """Take the workspace's lock and open its store, making one where there is none.

        Raises `ConflictError` when another agent runs or the store is newer than this program,
        `DamagedError` when something is missing (files untouched, see `accept_loss`), and
        `UnavailableError` when the file system refuses.
        """
        limits = limits or Limits()
        os.umask(0o077)
        lock = AgentLock.acquire(workspace.lock)
        marks = MarkFile(workspace.mark)
        try:
            connections, opened = opening.open_store(
                workspace,
                marks,
                clock,
                limits,
                shipped() if migrations is None else migrations,
                accept_loss=accept_loss,
            )
        except BaseException:
            marks.close()
            lock.release()
            raise
        return cls(workspace, lock, marks, clock, limits, connections, opened)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def sequence(self) -> int:
        """How many groups of writes the store holds; it never goes back."""
        return self._sequence

    @property
    def free_bytes(self) -> int:
        """Free space on the disk of the workspace."""
        return shutil.disk_usage(self.workspace.state).free

    def write(self, work: Work[T], *, even_if_full: bool = False) -> T:
        """Run `work` in a transaction and return its result once it is durable.

        `work` may share its transaction with others and may run twice, when one of those failed;
        it must have no effect outside its connection. What it raises undoes it and comes out here.
        """
        return self._submit(work, even_if_full).result()

    async def awrite(self, work: Work[T], *, even_if_full: bool = False) -> T:
        """`write` for the event loop. A cancelled call may still be carried out."""
        return await asyncio.wrap_future(self._submit(work, even_if_full))

    def read(self, work: Work[T]) -> T:
        """Run `work` on a snapshot of the store; it must fetch what it returns."""
        for _ in range(2):
            try:
                with self._reader() as connection:
                    return _on_snapshot(connection, work)
            except duckdb.Error as error:
                # A read is interrupted when the store is opened anew under it.
                if not engine.is_dead(error) and not isinstance(error, duckdb.InterruptException):
                    with engine.told(self.workspace.store):
                        raise
            self._revive()
        raise UnavailableError("cannot read the store: it does not stay open.", hint="See the log.")

    async def aread(self, work: Work[T]) -> T:
        """`read` for the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.read, work)

    def backup(self, target: Path | None = None) -> backup.Backup:
        """Write a consistent copy while the agent goes on; in the workspace unless told where."""
        with self._reader() as connection:
            return backup.create(self.workspace, connection, self.clock.now(), target)

    def close(self) -> None:
        """Finish what was asked, fold the log into the file, mark it clean, let the lock go."""
        with self._gate:
            if self._is_closed:
                return
            self._is_closed = True
            self._pending.put(None)
        self._thread.join()
        self._drain_pool()
        is_clean = False
        try:
            if self._connections:
                self._connections[0].execute("CHECKPOINT")
                is_clean = True
        except duckdb.Error:
            pass  # The log stays, the mark stays unclean: the next start takes care of both.
        finally:
            engine.close_all(self._connections)
            self._connections = []
            self._fill_pool()
            self._pool.shutdown()
            self._write_mark(is_clean=is_clean)
            self._marks.close()
            self._lock.release()

    # The writer's side.

    def _submit(self, work: Work[T], even_if_full: bool) -> Future[T]:
        if not even_if_full and self.free_bytes < self._limits.reserve_bytes:
            raise UnavailableError(
                f"cannot write: {self.free_bytes} bytes are free on the disk of "
                f"{self.workspace.root} and {self._limits.reserve_bytes} are kept in reserve.",
                hint="Free some disk space; reading still works.",
                free_bytes=self.free_bytes,
            )
        return self._enqueue(work)

    def _enqueue(self, work: Work[T]) -> Future[T]:
        if threading.current_thread() is self._thread:
            raise RuntimeError("a write cannot wait for another: use the connection it was given")
        future: Future[T] = Future()
        with self._gate:
            if self._is_closed:
                raise UnavailableError("the store is closed: the agent is stopping.")
            self._pending.put(_Write(work, future))
        return future

    def _write_loop(self) -> None:
        while True:
            group = self._next_group()
            wanted = [each for each in group if each and each.future.set_running_or_notify_cancel()]
            if wanted:
                self._carry_out(wanted)
            if None in group:
                return

    def _next_group(self) -> list[_Write | None]:
        """Wait for a write and take along what is there already."""
        group = [self._pending.get()]
        while len(group) < _GROUP and group[-1] is not None:
            try:
                group.append(self._pending.get_nowait())
            except queue.Empty:
                break
        return group

    def _carry_out(self, group: list[_Write]) -> None:
        """Answer every write of the group; one that fails does not take the others along."""
        try:
            results = self._transaction([each.work for each in group])
        except BaseException as error:
            if len(group) == 1 or isinstance(error, _OutcomeUnknownError):
                for each in group:
                    each.future.set_exception(error)
            else:
                for each in group:
                    self._carry_out([each])
            return
        for each, result in zip(group, results, strict=True):
            each.future.set_result(result)

    def _transaction(self, works: list[Work[Any]]) -> list[Any]:
        """Run everything in one transaction; on return it is on the disk."""
        writer = self._begin()
        if works == [_nothing]:
            _end(writer)
            return [None]
        sequence = self._sequence + 1
        position = {"epoch": self.opening.epoch, "sequence": sequence}
        try:
            with engine.told(self.workspace.store):
                results = [work(writer) for work in works]
                queries.run(writer, "set_store_position", position)
        except BaseException:
            _end(writer)
            raise
        try:
            writer.execute("COMMIT")
        except duckdb.Error as error:
            _end(writer)
            self._settle(sequence, error)
        self._sequence = sequence
        self._write_mark()
        return results

    def _settle(self, sequence: int, error: duckdb.Error) -> None:
        """Return when a commit that raised `error` was kept all the same, else raise.

        The change may be in the log although the checkpoint behind it failed.
        """
        try:
            writer = self._begin()
            is_kept = opening.read_position(writer).sequence >= sequence
            _end(writer)
        except (StorageError, duckdb.Error) as unknown:
            raise _OutcomeUnknownError(
                f"cannot tell whether the last write was kept: {unknown}",
                hint="Look before you repeat it.",
            ) from error
        if not is_kept:
            with engine.told(self.workspace.store):
                raise error

    def _begin(self) -> DuckDBPyConnection:
        """Start a transaction; open the store anew first when DuckDB gave it up."""
        if self._connections:
            try:
                self._connections[0].execute("BEGIN TRANSACTION")
                return self._connections[0]
            except duckdb.Error as error:
                if not engine.is_dead(error):
                    raise
        self._reopen()
        self._connections[0].execute("BEGIN TRANSACTION")
        return self._connections[0]

    def _reopen(self) -> None:
        """Close every handle and connect again; the lock stays ours all along."""
        self._drain_pool()
        engine.close_all(self._connections)
        self._connections = []
        try:
            found = opening.connect(self.workspace, self._limits)
            sequence = opening.read_position(found[0]).sequence
            if sequence < self._sequence:
                engine.close_all(found)
                raise DamagedError(
                    f"the store lost {self._sequence - sequence} writes while it was reopened.",
                    hint=RESTORE,
                )
            self._connections = found
            self._sequence = sequence
        finally:
            self._fill_pool()

    def _write_mark(self, *, is_clean: bool = False) -> None:
        now = self.opening
        try:
            self._marks.write(
                opening.mark_of(
                    self.workspace, now.store_id, now.epoch, self._sequence, is_clean=is_clean
                )
            )
        except OSError:
            pass  # The mark is a lower bound and may lag; the next commit moves it again.

    # The readers' side.

    def _revive(self) -> None:
        """Have the writer's thread open the store anew when it is dead."""
        self._enqueue(_nothing).result()

    @contextmanager
    def _reader(self) -> Iterator[DuckDBPyConnection]:
        connection = self._idle.get()
        while connection is None:
            self._idle.put(None)
            self._revive()
            connection = self._idle.get()
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def _fill_pool(self) -> None:
        """One token per reader; None where there is no connection to lend."""
        readers: list[DuckDBPyConnection | None] = [*self._connections[1:]]
        for each in readers or [None] * self._limits.readers:
            self._idle.put(each)

    def _drain_pool(self) -> None:
        """Take every token back; what is running is interrupted, again if it was just starting."""
        missing = self._limits.readers
        while missing:
            for connection in self._connections[1:]:
                connection.interrupt()
            try:
                self._idle.get(timeout=0.05)
                missing -= 1
            except queue.Empty:
                pass


def _nothing(_: DuckDBPyConnection) -> None:
    """The work of a transaction that only has to begin."""


def _on_snapshot(connection: DuckDBPyConnection, work: Work[T]) -> T:
    connection.execute("BEGIN TRANSACTION READ ONLY")
    try:
        return work(connection)
    finally:
        _end(connection)


def _end(connection: DuckDBPyConnection) -> None:
    """Leave the transaction if one is open; a dead database has none."""
    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:
        pass
