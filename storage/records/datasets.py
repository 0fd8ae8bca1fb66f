"""Datasets and their immutable versions: `flights@v3` is the third state of the table flights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.records.results import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One named table and a summary of its latest version."""

    name: str
    note: str = ""
    key_columns: tuple[str, ...] = ()
    """Columns that identify a row; empty = rows are compared as a multiset."""
    created_at: datetime
    created_by: str
    version_count: int = 0
    latest_version: int | None = None
    latest_rows: int = 0
    latest_at: datetime | None = None
    verdict: Verdict = "skipped"
    """Contract verdict of the latest version."""
    rows_history: tuple[int, ...] = ()
    """Rows of the last 24 versions, oldest first."""
    bytes: int = 0
    """On disk, chunks shared between versions counted once."""
    referenced_bytes: int = 0
    """What the versions would take without sharing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaColumn:
    name: str
    type: str
    """The DuckDB type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion:
    dataset: str
    version: int
    """1, 2, 3 …; shown as v1, v2, v3."""
    digest: str
    """Identity of the content: equal digest = equal rows in equal order and schema."""
    parent: int | None = None
    rows: int
    bytes: int
    """Of all chunks of this version."""
    added_bytes: int = 0
    """Of the chunks no earlier version had."""
    columns: tuple[SchemaColumn, ...] = ()
    manifest: str = ""
    """Object digest of the chunk manifest (JSON)."""
    profile: str = ""
    """Object digest of the Profile (JSON)."""
    delivery_profile: str = ""
    """Of the rows that came with this version when they were appended; empty = all of it did."""
    source: str = ""
    """File names or query, as given."""
    source_facts: dict[str, str]
    """Format, encoding, delimiter, bytes, sha256 … as found."""
    contract: str = ""
    """Object digest of the contract it was checked against; empty = none."""
    verdict: Verdict = "skipped"
    warning_count: int = 0
    failure_count: int = 0
    note: str = ""
    tags: tuple[str, ...] = ()
    job_id: int | None = None
    created_at: datetime
    created_by: str
    used_by: tuple[str, ...] = ()
    """`run 117`, `delays v5`, `endpoint delays` …"""

    @property
    def name(self) -> str:
        return f"{self.dataset}@v{self.version}"
