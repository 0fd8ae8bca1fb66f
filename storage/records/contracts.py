"""What a dataset was agreed to be: columns, types and rules with their tolerances.

Read from Open Data Contract Standard YAML; the file stays the source, this is what it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from storage.records.results import Severity

LogicalType = Literal[
    "string", "integer", "number", "boolean", "date", "timestamp", "time", "array", "object", "any"
]
RuleKind = Literal[
    "fields",  # presence, order and unexpected columns
    "type",
    "required",
    "missing",  # share of nulls, NaN and infinities
    "range",
    "length",
    "multiple",
    "categories",
    "pattern",
    "expression",  # a condition every row meets
    "unique",
    "reference",  # foreign key
    "freshness",
    "row_count",
    "query",  # one number from SQL
]
RuleStatus = Literal["accepted", "draft"]
FieldsMatch = Literal["exact", "equal", "subset", "superset", "partial"]
Dimension = Literal[
    "accuracy",
    "completeness",
    "conformity",
    "consistency",
    "coverage",
    "timeliness",
    "uniqueness",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that is checked. Row rules tolerate a share of violations, `max_rate`."""

    id: str
    """Unique in the contract and stable between versions of it, e.g. `humid.range`."""
    kind: RuleKind
    columns: tuple[str, ...] = ()
    """The columns it is about; empty = the table."""
    name: str = ""
    dimension: Dimension = "conformity"
    severity: Severity = "error"
    status: RuleStatus = "accepted"
    """A draft was inferred and waits for a person; its failures are warnings."""
    max_rate: float = 0.0
    """Must: the share of violating rows may not be above it, 0..1."""
    target_rate: float | None = None
    """Want: above it the rule passes with a warning."""
    max_count: int | None = None
    """Instead of `max_rate`: so many violating rows are tolerated."""
    minimum: str = ""
    """Lower limit as written (number, date, length, row count, hours); empty = none."""
    maximum: str = ""
    is_minimum_exclusive: bool = False
    is_maximum_exclusive: bool = False
    values: tuple[str, ...] = ()
    """Allowed values of `categories`."""
    pattern: str = ""
    """RE2 expression that a whole value has to match."""
    expression: str = ""
    """SQL condition of `expression`, SQL query of `query`."""
    reference: str = ""
    """`table.column[,column]` of a foreign key."""
    baseline: str = ""
    """`previous`, `pinned:v3` or `window:8`: limits are relative to that."""
    description: str = ""
    """For a reader; drafts put their evidence here."""
    line: int = 0
    """In the contract file, 1 = first; 0 = not from a file."""

    @property
    def is_open(self) -> bool:
        """Whether a person still has to decide; the columns are agreed with the last rule."""
        return self.status == "draft" and self.kind != "fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractColumn:
    name: str
    logical_type: LogicalType
    physical_type: str = ""
    """The DuckDB type it is stored as; empty = the usual one of the logical type."""
    description: str = ""
    format: str = ""
    """strptime format of dates and timestamps; empty = ISO 8601."""
    is_required: bool = False
    key_position: int = 0
    """1 = first column of the primary key; 0 = not part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract as far as this console checks it."""

    id: str
    name: str
    """Of the table it describes."""
    version: str
    api_version: str
    status: str
    """`draft`, `active`, `deprecated`, …"""
    description: str = ""
    columns: tuple[ContractColumn, ...]
    rules: tuple[Rule, ...]
    null_tokens: tuple[str, ...] | None = None
    """Texts that mean null in CSV files; None = the usual ones."""
    decimal_mark: str = ""
    """`.` or `,` in CSV files; empty = found out."""
    encoding: str = ""
    fields_match: FieldsMatch = "subset"
    """As in Frictionless Table Schema: `exact` the same columns in the same order, `equal` in any
    order, `subset` the data may have more, `superset` fewer, `partial` at least one."""
    unchecked: tuple[str, ...] = ()
    """What the file asks for that this console does not check, a sentence each."""
    digest: str = ""
    """sha256 of the file."""

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key in its order; empty = none was agreed."""
        placed = sorted((c.key_position, c.name) for c in self.columns if c.key_position)
        return tuple(name for _, name in placed)
