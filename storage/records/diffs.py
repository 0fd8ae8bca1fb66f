"""What changed between two dataset versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from storage.records.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaChange:
    column: str
    kind: Literal["added", "removed", "retyped", "moved", "renamed"]
    before: str = ""
    """Type, position or name, whatever the kind is about."""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDifference:
    """One column that both versions have."""

    column: str
    cells_changed: int = 0
    """In rows with the same key; 0 when there is no key."""
    nulls_before: int | None = None
    nulls_after: int | None = None
    new_values: tuple[str, ...] = ()
    """Categories that only the later version has, most frequent first; at most 20."""
    vanished_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """One example row, every cell as text, None for null."""

    kind: Literal["added", "removed", "changed"]
    key: tuple[str | None, ...] = ()
    before: tuple[str | None, ...] = ()
    """In the order of `DatasetDiff.columns`; empty for an added row."""
    after: tuple[str | None, ...] = ()
    changed: tuple[str, ...] = ()
    """Names of the columns that differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDiff:
    """From `before` to `after`. Only chunks that differ were read."""

    before: str
    """`flights@v3`"""
    after: str
    before_rows: int
    after_rows: int
    key: tuple[str, ...] = ()
    """Empty: compared as a multiset of whole rows, so nothing counts as changed."""
    note: str = ""
    """Why there is no key, or what could not be compared."""
    schema: tuple[SchemaChange, ...] = ()
    columns: tuple[str, ...] = ()
    """The columns both have, in the order of the later version."""
    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    rows_same: int = 0
    differences: tuple[ColumnDifference, ...] = ()
    """One per common column."""
    examples: tuple[RowDifference, ...] = ()
    distributions: tuple[Result, ...] = ()
    """How far each column moved, largest effect first."""
    chunks_shared: int = 0
    chunks_read: int = 0
    rows_read: int = 0
    """Of both versions together."""

    @property
    def is_equal(self) -> bool:
        return not (self.schema or self.rows_added or self.rows_removed or self.rows_changed)
