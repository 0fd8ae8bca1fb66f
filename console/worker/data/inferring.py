"""A table -> the draft of its contract and the text to keep it in.

The job behind `contract infer` calls `draft`. One profile and one scan over the texts; what
follows from them is decided in `console.rules.contract_inference`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from console.rules.contract_inference import infer
from console.rules.odcs_writing import write
from console.rules.patterns import FORMATS
from console.worker.data.profile import Progress, profile_table
from console.worker.data.running import execute
from storage.records.contracts import Contract
from storage.records.profiles import Profile
from storage.records.sources import CellProblem
from storage.sql_text import literal, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TRIED: Final = ("uuid", "email", "iso-date")
"""Formats that are recognised; others match too easily by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    contract: Contract
    text: str
    """The contract as an ODCS file."""


def draft(
    connection: DuckDBPyConnection,
    relation: str,
    name: str,
    *,
    source: str = "",
    problems: Sequence[CellProblem] = (),
    intervals_h: Sequence[float] = (),
    profile: Profile | None = None,
    progress: Progress | None = None,
) -> Draft:
    """Draft the contract of what stands after FROM in `relation`, under the name of a dataset.

    `source` is named in the file's first line; `profile` saves making one; `problems` come from
    reading, `intervals_h` are the hours between past versions.
    """
    profile = profile or profile_table(connection, relation, progress)
    found = infer(
        name,
        profile,
        formats=_formats(connection, relation, profile),
        problems=problems,
        intervals_h=intervals_h,
    )
    origin = f" from {source}" if source else ""
    comment = (
        f"Drafted{origin}, {profile.rows:,} rows. Drafts warn and stop nothing. Decide on each:\n"
        f"mlops-console contract accept {name} RULE, or contract refuse {name} RULE."
    )
    return Draft(contract=found, text=write(found, comment))


def _formats(
    connection: DuckDBPyConnection, relation: str, profile: Profile
) -> dict[str, tuple[str, str]]:
    """Find text columns all of whose values are of one known format."""
    texts = [c for c in profile.columns if c.type == "VARCHAR" and c.null_count < c.n]
    if not texts:
        return {}
    tests = [(column, label) for column in texts for label in _TRIED]
    counts = ", ".join(
        f"count_if(regexp_full_match({quote(column.name)}, {literal(FORMATS[label])}))"
        for column, label in tests
    )
    row = execute(connection, f"SELECT {counts} FROM {relation}")[0]
    return {
        column.name: (label, FORMATS[label])
        for (column, label), matching in zip(tests, row, strict=True)
        if matching == column.n - column.null_count
    }
