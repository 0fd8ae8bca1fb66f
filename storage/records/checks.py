"""What a contract said about data, whether the data was stored or not."""

from __future__ import annotations

from dataclasses import dataclass

from storage.records.contracts import Contract
from storage.records.results import Result, Verdict
from storage.records.sources import CellProblem, SourceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """One check of files or of a version, or the draft of a contract for them."""

    dataset: str
    subject: str
    """What was looked at: `flights@v3` or the files as given."""
    rows: int
    verdict: Verdict = "skipped"
    """The worst of the results that count; drafts and infos do not stop anything."""
    results: tuple[Result, ...] = ()
    """Worst first."""
    contract: Contract | None = None
    """What was checked, or what was drafted."""
    draft: str = ""
    """Text of a drafted contract (ODCS YAML); empty for a check."""
    source: SourceFacts | None = None
    """How the files were found; None for a stored version."""
    problems: tuple[CellProblem, ...] = ()
    """Values that are not of their column's type."""
