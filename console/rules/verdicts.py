"""The one verdict rule: a value, its interval and its limit become pass, warn, fail, inconclusive.

Everything that is measured and judged goes through `judge`, which needs the record only, so any
verdict can be recomputed later. Standard library only. Invariants: never `pass` or `warn` while
the interval's lower end misses the threshold; never `fail` while its upper end reaches it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from console.rules import metrics
from console.rules.intervals import (
    clopper_pearson,
    jeffreys,
    normal_cdf,
    probability_at_least,
    wilson,
    z_value,
)
from console.text import count, percent
from storage.records.results import Result, Verdict

POWER_80: Final = 0.8416212335729143
"""Normal quantile of 0.8."""
CENSUS: Final = ("basis", "census")
"""In `detail`: every row was looked at, the value is exact and the interval only for trends."""
TOO_FEW: Final = "too_few"
"""Key in `detail` whose text says why the rows are too few to judge at all."""
ROWS: Final = "rows"
"""Key in `detail`: judged rows in all, when the value has a denominator of its own (recall)."""

WORST_FIRST: Final[tuple[Verdict, ...]] = (
    "fail",
    "error",
    "inconclusive",
    "warn",
    "pass",
    "skipped",
)
PROPORTIONS: Final = {
    "wilson": wilson,
    "clopper-pearson": clopper_pearson,
    "jeffreys": jeffreys,
}
"""`ci_method` of an interval that belongs to n · value out of n."""


def judge(result: Result) -> Result:
    """`result` with verdict, margin, p_meet, n_needed and reason filled in.

    Without an interval the value counts as exact. For direction `in` the range is
    `threshold..threshold_high` and a target is not looked at. A record without a value keeps
    `error` or `skipped` with its reason; one without a threshold is `skipped`.
    """
    if result.value is None or math.isnan(result.value):
        known = result.verdict if result.verdict in ("error", "skipped") else "error"
        reason = result.reason or "it could not be measured"
        return replace(result, verdict=known if result.reason else "error", reason=reason)
    if result.threshold is None and result.threshold_high is None:
        return replace(result, verdict="skipped", reason="no limit is set")
    sides = _sides(result)
    margin = min(side.value - side.threshold for side in sides)
    verdict = _softened(_verdict(sides), result.severity)
    too_few = dict(result.detail).get(TOO_FEW, "")
    needed = _rows_needed(result, sides) if verdict == "inconclusive" else None
    if too_few and verdict in ("pass", "warn", "fail"):
        verdict = "inconclusive"
    judged = replace(
        result,
        verdict=verdict,
        margin=margin,
        p_meet=max(0.0, sum(_p_meet(result, side) for side in sides) - (len(sides) - 1)),
        n_needed=needed,
    )
    return replace(judged, reason=too_few or _sentence(judged))


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several; nothing at all is `skipped`."""
    return min(verdicts, key=WORST_FIRST.index, default="skipped")


def stops(result: Result) -> bool:
    """True when this result alone stops a promotion: not judged good, and severe enough."""
    severe = result.severity in ("error", "critical")
    return severe and result.verdict in ("fail", "inconclusive", "error")


def blocks_serving(result: Result) -> bool:
    """True when even the version that serves already must not go on."""
    return result.severity == "critical" and result.verdict == "fail"


def at_confidence(result: Result, confidence: float) -> Result:
    """The same value with its interval at another confidence (0.5..1, exclusive).

    Proportions are computed again; other intervals are scaled on each side by the ratio of the
    normal quantiles.
    """
    if result.value is None or result.ci_low is None or result.ci_high is None:
        return replace(result, confidence=confidence)
    method = PROPORTIONS.get(result.ci_method)
    if method is not None:
        low, high = method(result.value * result.n, result.n, confidence)
        return replace(result, ci_low=low, ci_high=high, confidence=confidence)
    scale = z_value(confidence) / z_value(result.confidence)
    return replace(
        result,
        ci_low=result.value - (result.value - result.ci_low) * scale,
        ci_high=result.value + (result.ci_high - result.value) * scale,
        confidence=confidence,
    )


# --------------------------------------------------------------------------- the rule


@dataclass(frozen=True, slots=True)
class _Side:
    """One limit, turned so that larger is better."""

    value: float
    low: float
    high: float
    threshold: float
    target: float | None
    is_flipped: bool


def _sides(result: Result) -> tuple[_Side, ...]:
    value = result.value
    assert value is not None
    is_exact = result.ci_low is None or result.ci_high is None or CENSUS in result.detail
    low = value if is_exact or result.ci_low is None else result.ci_low
    high = value if is_exact or result.ci_high is None else result.ci_high
    target = result.target if result.direction != "in" else None
    up = down = None
    if result.direction in ("ge", "in") and result.threshold is not None:
        up = _Side(value, low, high, result.threshold, target, False)
    upper = result.threshold_high if result.direction == "in" else result.threshold
    if result.direction in ("le", "in") and upper is not None:
        down = _Side(-value, -high, -low, -upper, None if target is None else -target, True)
    return tuple(side for side in (up, down) if side is not None)


def _verdict(sides: tuple[_Side, ...]) -> Verdict:
    if any(side.high < side.threshold for side in sides):
        return "fail"
    if any(side.low < side.threshold for side in sides):
        return "inconclusive"
    missed = any(side.target is not None and side.value < side.target for side in sides)
    return "warn" if missed else "pass"


def _softened(verdict: Verdict, severity: str) -> Verdict:
    return "warn" if verdict == "fail" and severity in ("info", "warn") else verdict


def _standard_error(result: Result, side: _Side) -> float:
    """Of the half of the interval that faces the threshold."""
    half = side.value - side.low if side.threshold <= side.value else side.high - side.value
    return half / z_value(result.confidence)


def _p_meet(result: Result, side: _Side) -> float:
    if result.ci_method in PROPORTIONS and result.n > 0 and side.low != side.high:
        threshold = -side.threshold if side.is_flipped else side.threshold
        k = abs(side.value) * result.n
        above = probability_at_least(k, result.n, threshold)
        return 1.0 - above if side.is_flipped else above
    error = _standard_error(result, side)
    if error <= 0:
        return 1.0 if side.value >= side.threshold else 0.0
    return normal_cdf((side.value - side.threshold) / error)


def _rows_needed(result: Result, sides: tuple[_Side, ...]) -> int | None:
    """Rows in all for 80 % power to leave `inconclusive`, the present value taken as true."""
    needed = 0
    for side in sides:
        if not side.low < side.threshold <= side.high:
            continue
        error = _standard_error(result, side)
        distance = abs(side.value - side.threshold)
        if result.n <= 0 or distance <= error / 20:
            return None
        factor = (z_value(result.confidence) + POWER_80) * error / distance
        needed = max(needed, math.ceil(result.n * factor * factor))
    return needed or None


# --------------------------------------------------------------------------- the sentence


def _sentence(result: Result) -> str:
    """What a colleague would say about the number; no full stop, so that more can follow."""
    assert result.value is not None
    write = _Writer(result)
    value = write(result.value)
    if result.ci_low is None or result.ci_high is None or CENSUS in result.detail:
        head = f"{value}, exact,"
    else:
        level = percent(result.confidence, 0 if result.confidence * 100 % 1 < 1e-9 else 1)
        head = f"{value}, {level} from {write(result.ci_low)} to {write(result.ci_high)},"
    limit = _limit_words(result, write)
    return f"{head} {limit}"


def _limit_words(result: Result, write: _Writer) -> str:
    if result.direction == "in":
        low, high = result.threshold, result.threshold_high
        if low is not None and high is not None:
            limit = f"{write(low)} to {write(high)}"
        else:
            limit = f"the limit {write(low if high is None else high)}"
        inside = {"pass": "lies inside", "inconclusive": "straddles an end of"}
        words = f"{inside.get(result.verdict, 'lies outside')} {limit}"
    else:
        limit = f"the threshold {write(result.threshold)}"
        words = f"{_relation(result)} {limit}"
    if result.target is not None and result.direction != "in" and (result.margin or 0) >= 0:
        if result.verdict == "warn":
            words += f" but misses the target {write(result.target)}"
        elif result.verdict == "pass":
            words += f" and the target {write(result.target)}"
    if result.verdict == "inconclusive":
        words += f"; {_settling(result)}"
    return words


def _relation(result: Result) -> str:
    margin = result.margin or 0.0
    if result.verdict == "inconclusive":
        return "straddles"
    if result.direction == "le":
        return "is over" if margin < 0 else "is within"
    return "misses" if margin < 0 else "meets"


def _settling(result: Result) -> str:
    if result.n_needed is None:
        return "more rows cannot settle it: the value is at the threshold"
    more = max(1, result.n_needed - result.n)
    kind = "rows"
    rows = dict(result.detail).get(ROWS, "")
    if rows.isdigit() and result.n > 0:
        more = math.ceil(more * int(rows) / result.n)
        kind = "judged rows"
    return f"{count(rounded_up(more))} more {kind} would settle it"


def rounded_up(number: int, digits: int = 3) -> int:
    """A count of rows to three digits, never too few: 135 712 → 136 000."""
    step: int = 10 ** max(0, len(str(number)) - digits)
    return -(-number // step) * step


class _Writer:
    """Writes the numbers of one result alike, with enough decimals to tell value from limit."""

    def __init__(self, result: Result) -> None:
        self._name = result.name
        self._unit = result.unit or None
        self._signed = result.scope.startswith("against:")
        self._decimals: int | None = None
        assert result.value is not None
        limits = [result.threshold, result.threshold_high, result.target]
        marks = [mark for mark in limits if mark is not None and mark != result.value]
        for extra in range(4):
            written = self(result.value)
            if all(self(mark) != written for mark in marks):
                break
            self._decimals = metrics.decimals_of(self._name) + extra + 1

    def __call__(self, value: float | None) -> str:
        return metrics.show(
            value, self._name, unit=self._unit, decimals=self._decimals, signed=self._signed
        )
