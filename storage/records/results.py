"""One shape for everything that is measured and judged: checks, metrics, gates, drift, SLIs.

A bare yes/no is never stored. `verdict` follows from the numbers beside it by one rule
(`console.rules.verdicts`), so it can be recomputed from the record at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "warn", "fail", "inconclusive", "error", "skipped"]
Direction = Literal["ge", "le", "in"]
Severity = Literal["info", "warn", "error", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A measured value, its uncertainty, its yardstick and what follows."""

    name: str
    """The metric, rule or statistic, e.g. `recall`, `psi`, `null_rate`."""
    scope: str = ""
    """Measured on: `column:humid`, `slice:origin=LGA`, `window:24h`; empty = everything."""
    value: float | None = None
    n: int = 0
    """Rows that entered the value."""
    n_ref: int | None = None
    """Rows of the reference, for two-sample statistics."""
    ci_low: float | None = None
    ci_high: float | None = None
    confidence: float = 0.95
    ci_method: str = ""
    threshold: float | None = None
    """Must: the value has to reach it. For direction `in`, the lower limit."""
    threshold_high: float | None = None
    """Upper limit, only for direction `in`."""
    target: float | None = None
    """Want: reached in full is a pass, missed is a warning."""
    direction: Direction = "ge"
    p_meet: float | None = None
    """Probability that the true value meets the threshold, 0..1."""
    margin: float | None = None
    """value − threshold, positive when it is met, in the unit of the metric."""
    verdict: Verdict = "skipped"
    severity: Severity = "error"
    reason: str = ""
    """One plain sentence."""
    n_needed: int | None = None
    """Rows that would settle an inconclusive verdict with 80 % power; None = settled."""
    p_value: float | None = None
    q_value: float | None = None
    """p after control for looking at many."""
    previous: float | None = None
    """The same value in the version before."""
    noise: float | None = None
    """The level that chance alone reaches (95 %), for distances."""
    unit: str = ""
    seed: int | None = None
    detail: tuple[tuple[str, str], ...] = ()
    """Further named facts for a reader: examples, medians, versions."""
