"""DuckDB, opened the way the agent wants it.

Used by `storage.database` and `storage.backup` only. Every connection is made here, with settings
that are read back: a DuckDB that would download an extension, read other files or print a progress
bar into a terminal does not start. Invariant: after `connect` no SQL can change a setting, and no
file outside the store and the directories given can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from storage.errors import (
    RESTORE,
    ConflictError,
    DamagedError,
    StorageError,
    UnavailableError,
)

MIB: Final = 1024 * 1024

_PER_CONNECTION: Final = {"enable_progress_bar": "false", "TimeZone": "UTC"}
_UNITS: Final = {"bytes": 1, "KiB": 1024, "MiB": MIB, "GiB": 1024 * MIB, "TiB": 1024 * 1024 * MIB}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of the machine the store may take."""

    memory_bytes: int = 768 * MIB
    """Buffers and intermediate results; what is above goes to the temporary directory."""
    threads: int = 2
    temp_bytes: int = 8 * 1024 * MIB
    readers: int = 4
    """Reads that may run at the same time."""
    reserve_bytes: int = 32 * MIB
    """Free disk space below which nothing more is written."""


def connect(
    path: Path, temp: Path, limits: Limits, *, readable: Sequence[Path], count: int
) -> list[DuckDBPyConnection]:
    """Return `count` connections to the store at `path`; `readable` are directories SQL may use.

    Raises a `StorageError` when the file is not a store, is damaged, or a setting did not hold.
    """
    with told(path):
        return _connect(path, temp, limits, readable, count)


def _connect(
    path: Path, temp: Path, limits: Limits, readable: Sequence[Path], count: int
) -> list[DuckDBPyConnection]:
    settings = {
        "threads": str(limits.threads),
        "memory_limit": f"{limits.memory_bytes}B",
        "temp_directory": str(temp),
        "max_temp_directory_size": f"{limits.temp_bytes}B",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "allow_persistent_secrets": "false",
        "python_enable_replacements": "false",
    }
    connections: list[DuckDBPyConnection] = []
    try:
        try:
            first = duckdb.connect(str(path), config=dict(settings))
        except duckdb.Error as error:
            # Replaying a log fails with any class of error; none is about SQL.
            raise explain(path, error) from error
        connections.append(first)
        # A store that turns out to be behind its mark must be left as it was found.
        first.execute("PRAGMA disable_checkpoint_on_shutdown")
        connections.extend(first.cursor() for _ in range(count - 1))
        for connection in connections:
            for name, value in _PER_CONNECTION.items():
                connection.execute(f"SET {name} = '{value}'")
        directories = ", ".join(_quoted(f"{directory}/") for directory in readable)
        first.execute(f"SET allowed_directories = [{directories}]")
        first.execute("SET enable_external_access = false")
        first.execute("SET lock_configuration = true")
        locked = {"enable_external_access": "false", "lock_configuration": "true"}
        _verify(first, settings | locked)
        for connection in connections:
            _verify(connection, _PER_CONNECTION)
    except BaseException:
        close_all(connections)
        raise
    return connections


def copy_database(connection: DuckDBPyConnection, path: Path) -> tuple[int, int, str]:
    """Copy the store as of one moment into a new file; return the epoch, sequence and id in it.

    The connection must not be in a transaction. Writers go on meanwhile.
    """
    connection.execute(f"ATTACH {_quoted(str(path))} AS backup_copy")
    try:
        connection.execute("COPY FROM DATABASE store TO backup_copy")
        connection.execute("CHECKPOINT backup_copy")
        found = connection.execute(
            "SELECT epoch, sequence, value"
            " FROM backup_copy.store_position, backup_copy.store_meta WHERE name = 'store_id'"
        ).fetchall()
    finally:
        connection.execute("DETACH backup_copy")
    epoch, sequence, store_id = found[0]
    return int(epoch), int(sequence), str(store_id)


def close_all(connections: Sequence[DuckDBPyConnection]) -> None:
    """Close every handle; only then does DuckDB let go of the file."""
    for connection in reversed(connections):
        try:
            connection.close()
        except duckdb.Error:
            pass  # A database that died refuses this too; its handle is gone either way.


def is_dead(error: BaseException) -> bool:
    """Whether DuckDB gave up the whole database object, so that it must be opened anew."""
    return isinstance(error, (duckdb.FatalException, duckdb.InternalException)) or (
        isinstance(error, duckdb.Error) and "has been invalidated" in str(error)
    )


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what the machine did to the store at `path` into a sentence.

    Errors of our own SQL, or of the values given to it, pass through as they are.
    """
    try:
        yield
    except duckdb.Error as error:
        if _is_of_machine(error):
            raise explain(path, error) from error
        raise


def _is_of_machine(error: duckdb.Error) -> bool:
    """Whether the disk, the memory or the file stopped a statement, not what it said."""
    return (
        isinstance(error, _OF_MACHINE)
        or type(error) is duckdb.Error  # how a damaged file is told
        or is_dead(error)
        or _is_full(str(error).lower())
    )


_OF_MACHINE: Final = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.SerializationException,
)


def _is_full(text: str) -> bool:
    return "no space left" in text or "file too large" in text or "quota exceeded" in text


def explain(path: Path, error: duckdb.Error) -> StorageError:
    """Return what kept DuckDB from opening, reading or writing the file, in a sentence."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return UnavailableError(
            f"the store needs more memory than it is allowed ({error}).",
            hint="Ask for less at a time, or free some disk space for temporary files.",
        )
    said = str(error).split("\n", 1)[0].strip().rstrip(".")
    text = said.lower()
    if "could not set lock" in text or "conflicting lock" in text:
        return UnavailableError(
            f"cannot open {path}: another program has it open ({said}).",
            hint="Close that program (a duckdb shell?), then try again.",
            path=str(path),
        )
    if _is_full(text):
        return UnavailableError(
            f"cannot write {path}: the disk is full ({said}).",
            hint="Free some disk space; nothing that was acknowledged is lost.",
            path=str(path),
        )
    if "permission denied" in text or "read-only file system" in text:
        return UnavailableError(
            f"cannot open {path}: {said}.",
            hint="Ask the owner for permission, or choose another directory with --workspace.",
            path=str(path),
        )
    if "version number" in text:
        return ConflictError(
            f"cannot open {path}: it was written by another release of DuckDB ({said}).",
            hint="Upgrade mlops-console: pip install -U mlops-console",
            path=str(path),
        )
    return DamagedError(
        f"cannot open {path}: it is damaged or not a store ({said}).",
        hint=RESTORE,
        path=str(path),
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _verify(connection: DuckDBPyConnection, wanted: dict[str, str]) -> None:
    for name, value in wanted.items():
        found = connection.execute("SELECT current_setting($name)", {"name": name}).fetchall()
        actual = str(found[0][0])
        if not _same(value, actual):
            raise UnavailableError(
                f"cannot start the store: DuckDB {duckdb.__version__} has {name} = {actual} where "
                f"{value} was set.",
                hint="Install the release of DuckDB that mlops-console was tested with.",
                setting=name,
            )


def _same(wanted: str, actual: str) -> bool:
    number, _, unit = actual.partition(" ")
    if wanted.endswith("B") and unit in _UNITS:
        # Sizes come back rounded to a tenth of their unit.
        return abs(float(number) * _UNITS[unit] - int(wanted[:-1])) <= 0.051 * _UNITS[unit]
    return wanted.lower() == actual.lower()
