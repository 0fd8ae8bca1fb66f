"""How far columns moved between two profiles: a training set and a later version or live window."""

from __future__ import annotations

from dataclasses import dataclass

from storage.records.profiles import ColumnKind
from storage.records.results import Result, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """One column, before and after."""

    column: str
    kind: ColumnKind
    primary: Result
    """PSI unless the column asks for something else: two values, a constant, only nulls."""
    supports: tuple[Result, ...] = ()
    """The same move seen by other statistics, missing-ness, new categories."""
    verdict: Verdict
    """Worst of the primary statistic, missing-ness and new categories."""
    is_drifted: bool = False
    """The effect's interval lies above the warn line, q ≤ 0.05 over all columns of the report, and
    it moved further than chance and its own habit take it (see `yardstick`)."""
    words: str = ""
    """How far that is beside what the column does by itself, in one sentence."""
    weight: float = 1.0
    """Importance of the column for a model, ≥ 0; 1 when nobody said."""
    edges: tuple[float, ...] = ()
    """Ends of the display bins, one more than shares; empty for categories."""
    labels: tuple[str, ...] = ()
    """Category of each share; empty for numbers."""
    before: tuple[float, ...] = ()
    """Shares of the non-null rows, sum 1; the same bins on both sides."""
    after: tuple[float, ...] = ()
    median_before: float | None = None
    median_after: float | None = None
    null_ratio_before: float | None = None
    null_ratio_after: float | None = None
    """Nulls, NaN and infinities count as missing."""
    new_values: tuple[tuple[str, int], ...] = ()
    """Categories the reference never had with their rows, most frequent first; at most 20."""

    @property
    def yardstick(self) -> Result:
        """The record whose `noise` says how far the column moves by itself.

        Of numbers with a habit that is the distance: unlike PSI it keeps growing outside the range.
        """
        for each in self.supports:
            if self.primary.name == "psi" and each.name == "wasserstein" and each.noise is not None:
                return each
        return self.primary

    @property
    def is_usual(self) -> bool:
        """Beyond the warn line, yet no further than chance or its own habit takes it."""
        return self.verdict in ("warn", "fail") and not self.is_drifted

    @property
    def standing(self) -> str:
        """The verdict, or `noise` for what is beyond a line only by itself."""
        return "noise" if self.is_usual else self.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """All columns, worst first."""

    before: str = ""
    """What was compared, e.g. `weather@v5`."""
    after: str = ""
    rows_before: int
    rows_after: int
    columns: tuple[ColumnDrift, ...]
    drifted_count: int = 0
    drifted_weight: float = 0.0
    """Weight of the drifted columns / weight of all, 0..1."""
    missing_columns: tuple[str, ...] = ()
    """In the reference only."""
    added_columns: tuple[str, ...] = ()
    verdict: Verdict = "skipped"
    """Worst of the columns, of those that moved more than by themselves; inconclusive only when
    nothing is worse."""
    words: str = ""
    """The result in one sentence."""
