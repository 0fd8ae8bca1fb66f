"""Promises with an error budget: how much is left and how fast it burns.

Beyer et al., The Site Reliability Workbook, chapter 5: a promise of 99.9 % leaves a budget of 0.1 %
of the requests of 30 days. A burn rate of 1 uses it up in exactly that time. An alert asks a long
window (is it serious?) and a short one (is it still going on?) at once. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from console.rules.intervals import wilson
from storage.records.results import Result, Verdict

PERIOD_DAYS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRule:
    """Two windows that must both burn faster than `rate`."""

    long_s: float
    short_s: float
    rate: float
    verdict: Verdict
    """What it means: `fail` needs somebody now, `warn` can wait for the working day."""


BURN_RULES: Final = (
    BurnRule(long_s=3600, short_s=300, rate=14.4, verdict="fail"),
    BurnRule(long_s=6 * 3600, short_s=1800, rate=6.0, verdict="fail"),
    BurnRule(long_s=3 * 86400, short_s=2 * 3600, rate=1.0, verdict="warn"),
)
"""Each uses up 2 %, 5 % and 10 % of a 30-day budget before it speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Requests of one window."""

    bad: int
    total: int


def burn_rate(bad: int, total: int, objective: float) -> float:
    """How many times faster than allowed the budget is used; 0 without requests.

    >>> round(burn_rate(60, 10_000, 0.999), 6)
    6.0
    """
    return bad / total / (1.0 - objective) if total else 0.0


def budget(bad: int, total: int, objective: float) -> float:
    """Share of the period's error budget that is left, 1 = untouched; below 0 = overdrawn.

    >>> budget(3, 10_000, 0.999)
    0.7
    """
    return round(1.0 - burn_rate(bad, total, objective), 12)


def hours_to_exhaust(rate: float, left: float = 1.0) -> float | None:
    """Hours until the budget is gone at this burn rate; None when it is not burning.

    >>> hours_to_exhaust(6.0)
    120.0
    """
    return PERIOD_DAYS * 24 * max(left, 0.0) / rate if rate > 0 else None


def judge_burn(count: Callable[[float], Window], objective: float) -> Result:
    """The worst rule that holds now. `count(seconds)` gives the requests of the last so many.

    With little traffic a single bad request looks like a fire: the long window's rate counts only
    as far as its 95 % lower limit goes, and one bad request alone never alerts.
    """
    slowest = count(BURN_RULES[-1].long_s)
    value = burn_rate(slowest.bad, slowest.total, objective)
    unsure: Result | None = None
    for rule in BURN_RULES:
        far, near = count(rule.long_s), count(rule.short_s)
        rates = [burn_rate(each.bad, each.total, objective) for each in (far, near)]
        if min(rates) < rule.rate or far.bad <= 1:
            continue
        low, high = wilson(far.bad, far.total)
        result = Result(
            name="burn_rate",
            scope=f"window:{rule.long_s:g}s",
            value=rates[0],
            n=far.total,
            ci_low=low / (1.0 - objective),
            ci_high=high / (1.0 - objective),
            ci_method="wilson",
            threshold=rule.rate,
            direction="le",
            margin=rule.rate - rates[0],
            verdict=rule.verdict,
            reason=f"the error budget burns {rates[0]:.1f} times too fast, limit {rule.rate:g}",
        )
        if low / (1.0 - objective) >= rule.rate:
            return result
        unsure = unsure or result
    if unsure is not None:
        return replace(
            unsure, verdict="inconclusive", reason=f"{unsure.reason}; n = {unsure.n} is too few"
        )
    return Result(
        name="burn_rate",
        value=value,
        n=slowest.total,
        threshold=BURN_RULES[-1].rate,
        direction="le",
        verdict="pass" if slowest.total else "skipped",
        reason="" if slowest.total else "no requests",
    )


def apdex(satisfied: int, tolerating: int, total: int) -> float | None:
    """Apdex: satisfied within T, tolerating within 4 T (Apdex Alliance 2007).

    >>> apdex(70, 20, 100)
    0.8
    """
    return (satisfied + tolerating / 2) / total if total else None
