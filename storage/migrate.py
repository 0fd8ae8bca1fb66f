"""Brings a store to the shape this release expects.

Called while a store is opened. The shape is a list of numbered SQL files,
`storage/sql/schema/NNNN_name.sql`, applied once and in order, each in a transaction of its own;
they only go forward. Invariant: a store has a file's whole change and its record, or neither.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Final

from storage import queries
from storage.errors import ConflictError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FILE_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One schema file."""

    version: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedMigration:
    """A schema file as the store remembers it."""

    version: int
    name: str
    digest: str
    applied_at: datetime


@cache
def shipped() -> tuple[Migration, ...]:
    """The schema files of this release, first to last."""
    return read_migrations(resources.files("storage").joinpath("sql", "schema"))


def read_migrations(directory: Traversable) -> tuple[Migration, ...]:
    """Return the schema files of a directory by number; no two may have the same."""
    found = []
    for entry in directory.iterdir():
        match = _FILE_NAME.fullmatch(entry.name)
        if match:
            found.append(Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8")))
        elif entry.name.endswith(".sql"):
            raise queries.QueryError(f"schema file {entry.name} is not named like 0001_core.sql")
    found.sort(key=lambda each: each.version)
    numbers = [each.version for each in found]
    if len(set(numbers)) != len(numbers):
        raise queries.QueryError(f"schema files are numbered {numbers}: one number twice")
    return tuple(found)


def migrate(
    connection: DuckDBPyConnection, migrations: Sequence[Migration], now: Callable[[], datetime]
) -> tuple[Migration, ...]:
    """Apply what the store has not been through and return it.

    Raises `ConflictError` when the store went further than `migrations` or through other files
    of the same number; it is then unchanged.
    """
    is_own = queries.row(connection, "count_own_tables", into=int)
    applied = queries.rows(connection, "list_migrations", into=AppliedMigration) if is_own else []
    _check_history(applied, migrations)
    pending = tuple(migrations[len(applied) :])
    for migration in pending:
        connection.execute("BEGIN TRANSACTION")
        try:
            connection.execute(migration.sql)
            record = AppliedMigration(
                version=migration.version,
                name=migration.name,
                digest=migration.digest,
                applied_at=now(),
            )
            queries.run(connection, "record_migration", queries.params_of(record))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return pending


def _check_history(applied: Sequence[AppliedMigration], migrations: Sequence[Migration]) -> None:
    if len(applied) > len(migrations):
        raise ConflictError(
            f"the store has shape {applied[-1].version} ({applied[-1].name}); this mlops-console "
            f"knows shapes up to {migrations[-1].version}.",
            hint="Upgrade mlops-console: pip install -U mlops-console",
            store_version=applied[-1].version,
            known_version=migrations[-1].version,
        )
    for old, shipped_one in zip(applied, migrations, strict=False):
        if old.version != shipped_one.version or old.digest != shipped_one.digest:
            raise ConflictError(
                f"the store went through schema file {old.version:04d}_{old.name}, which is not "
                f"the {shipped_one.version:04d}_{shipped_one.name} of this mlops-console.",
                hint="Use the release that wrote the store, or upgrade from it.",
                store_version=old.version,
            )
