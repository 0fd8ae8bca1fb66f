"""Which columns identify a row of what is added, and that they really do.

Used by the ingest job. A key comes from the person, `mlops.toml`, the contract or the version
before, in this order. Invariant: a version whose key is wrong is only made by force, and says so.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from console import text
from console.errors import InvalidError, RefusedError
from console.rules import contract_sql as sql
from console.worker.data.running import execute
from storage.records.contracts import Contract, Rule
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def key_of(
    given: Sequence[str], contract: Contract | None, known: Sequence[str], columns: Sequence[str]
) -> tuple[str, ...]:
    """Return the key; one that is only known from before lapses when a column of it is gone.

    Raises `InvalidError` for a given one that names no column.
    """
    for name in given:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(columns[:30])}."
            raise InvalidError(f"the key {name} is no column of it.", hint=hint, column=name)
    agreed = contract.key if contract else ()
    kept = tuple(known) if set(known) <= set(columns) else ()
    return tuple(given) or agreed or kept


def is_checked_by(contract: Contract | None, key: Sequence[str]) -> bool:
    """Whether the contract says whether the key repeats."""
    rules = contract.rules if contract else ()
    return any(rule.kind == "unique" and set(rule.columns) == set(key) for rule in rules)


def problem_of(connection: DuckDBPyConnection, relation: str, key: Sequence[str]) -> str:
    """Return why the columns do not identify a row of what stands after FROM, or an empty text."""
    rule = Rule(id="key", kind="unique", columns=tuple(key))
    repeats = int(execute(connection, sql.duplicates(rule, relation))[0][0])
    if not repeats:
        return ""
    listed = ", ".join(map(quote, key))
    *values, rows = execute(
        connection,
        f"SELECT {listed}, count(*) AS c FROM {relation} GROUP BY {listed} "
        f"ORDER BY c DESC, {listed} LIMIT 1",
    )[0]
    found = ", ".join(f"{name} = {value!r}" for name, value in zip(key, values, strict=True))
    verbs = ("is" if len(key) == 1 else "are", "repeats" if repeats == 1 else "repeat")
    return (
        f"{text.listed(list(key))} {verbs[0]} no key: {text.counted(repeats, 'row')} {verbs[1]} "
        f"an earlier one, {text.counted(rows, 'row')} have {found}"
    )


def refuse(wanted: str, problem: str) -> RefusedError:
    return RefusedError(
        f"{wanted}: {problem}.",
        hint="Name other columns with --key, correct the data, or store it all the same: --force",
    )
