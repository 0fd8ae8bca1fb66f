"""What a dataset version, a training set or a live window looks like, small enough to keep forever.

Numeric columns keep right-closed bins (e[i-1], e[i]] with open ends, so two profiles on the same
edges add by adding counts; drift, histograms and quantiles never reread the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal["numeric", "categorical", "timestamp", "text", "nested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How far stretches of consecutive rows lie from the rest of their table."""

    rows: int
    """Length of the stretches."""
    distance: float
    """Root mean square of the Wasserstein distance in the column's unit (numbers and times), or of
    the share of rows in other categories."""
    furthest: float
    """The largest of these distances."""
    psi: float
    """Mean PSI without what chance adds."""
    missing: float
    """Root mean square of the difference of the missing shares, without what chance adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column. Timestamps are profiled as seconds since 1970-01-01 UTC."""

    name: str
    type: str
    """The DuckDB type, e.g. `BIGINT`, `DOUBLE`, `VARCHAR`."""
    kind: ColumnKind
    n: int
    """Rows, nulls included."""
    null_count: int = 0
    nan_count: int = 0
    pos_inf_count: int = 0
    neg_inf_count: int = 0
    empty_count: int = 0
    """Empty strings."""
    distinct_count: int = 0
    distinct_is_exact: bool = True
    min: float | None = None
    max: float | None = None
    sum: float = 0.0
    sum_squares: float = 0.0
    edges: tuple[float, ...] = ()
    """At most 255 increasing edges, of what is served 11 more outside; k edges make k + 1 bins."""
    counts: tuple[int, ...] = ()
    """Finite values per bin; length len(edges) + 1 for numeric and timestamp columns."""
    sums: tuple[float, ...] = ()
    """Sum of the values per bin, same length as counts."""
    quantiles: tuple[float, ...] = ()
    """At the probabilities in QUANTILES; empty when the column has no finite value."""
    top: tuple[tuple[str, int], ...] = ()
    """Most frequent values with exact counts, at most 200 (categorical and text)."""
    other_count: int = 0
    """Non-null rows outside `top`."""
    habits: tuple[Habit, ...] = ()
    """How much the column moves by itself, at several lengths; empty below 1,000 rows."""


QUANTILES: tuple[float, ...] = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All columns of one table state."""

    rows: int
    columns: tuple[ColumnProfile, ...]
    algorithm: str = "profile-2"
