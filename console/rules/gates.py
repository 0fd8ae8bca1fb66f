"""Gates against measurements: what a model must reach before it may serve.

Standard library only. Judged on results that already carry their intervals, so a gate never
compares a bare number. All gates must hold for a promotion; asking all of them at level α keeps α
for the whole (an intersection–union test), while a search for the worst slice is corrected.
Invariant: a gate that had nothing to look at never passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from console.rules import metrics
from console.rules.verdicts import (
    PROPORTIONS,
    TOO_FEW,
    WORST_FIRST,
    at_confidence,
    judge,
    stops,
    worst,
)
from console.text import counted, listed
from storage.records.gates import Gate
from storage.records.results import Direction, Result, Verdict

ALLOWS_PROMOTION: Final[frozenset[str]] = frozenset({"pass", "warn"})
"""Overall verdicts with which an alias may move without an override."""
CALIBRATION_RANGE: Final = (0.8, 1.25)
"""Of a calibration slope, when a gate of that kind names no limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything gates can ask of one model version."""

    overall: Sequence[Result]
    """Metrics on all held-out rows, and of the model as a thing; scope empty."""
    slices: Sequence[Result] = ()
    """The same metrics by group, scope `slice:origin=LGA`."""
    differences: Sequence[Result] = ()
    """This model − another one on the same rows, scope `against:champion`, `against:dummy` …"""


def judge_gate(gate: Gate, measured: Measured) -> Result:
    """The gate's result, named after the gate; `detail` keeps metric and kind.

    A gate that has nothing to judge is `skipped` (no champion yet) or `error` (not measured), never
    a silent pass. For severity `critical` proportions get their exact interval.
    """
    if gate.kind in ("non_inferior", "beats_baseline"):
        result = _compared(gate, measured)
    elif gate.slice == "worst":
        result = _worst_slice(gate, measured)
    else:
        result = _limit(gate, measured)
    facts = {"metric": gate.metric, "kind": gate.kind}
    if gate.reason:
        facts["asked because"] = gate.reason
    detail = (*result.detail, *facts.items())
    return replace(result, name=gate.name, severity=gate.severity, detail=detail)


def judge_gates(gates: Iterable[Gate], measured: Measured) -> tuple[Result, ...]:
    """Every gate judged, worst first."""
    return worst_first(judge_gate(gate, measured) for gate in gates)


def worst_first(results: Iterable[Result]) -> tuple[Result, ...]:
    """Results in the order in which a person should read them: by verdict, what stops before what
    does not, then by margin."""

    def order(result: Result) -> tuple[int, bool, float, str]:
        # Margins of different metrics are compared in half-widths of their own intervals.
        width = 1.0
        if result.ci_low is not None and result.ci_high is not None:
            width = max((result.ci_high - result.ci_low) / 2, 1e-12)
        margin = result.margin if result.margin is not None else 0.0
        return WORST_FIRST.index(result.verdict), not stops(result), margin / width, result.name

    return tuple(sorted(results, key=order))


def overall(results: Iterable[Result]) -> Verdict:
    """The verdict of all gates together: the worst of those that count.

    Skipped gates and those of severity `info` do not count; severity `warn` counts as a warning
    at most.
    """
    counting: list[Verdict] = []
    for result in results:
        if result.verdict == "skipped" or result.severity == "info":
            continue
        is_soft = result.severity == "warn" and result.verdict != "pass"
        counting.append("warn" if is_soft else result.verdict)
    return worst(counting)


def counts(results: Iterable[Result]) -> dict[str, int]:
    """Verdict → number of gates, worst first, only those that occur."""
    found = Counter(result.verdict for result in results)
    return {verdict: found[verdict] for verdict in WORST_FIRST if found[verdict]}


def in_words(results: Sequence[Result]) -> str:
    """What a promotion would meet: `stops: 2 of 9 gates are inconclusive, recall and ECE`."""
    if not results:
        return "no gate was judged"
    total = counted(len(results), "gate")
    stopping = [result for result in worst_first(results) if stops(result)]
    if stopping:
        parts = []
        for verdict, number in counts(stopping).items():
            names = [result.name for result in stopping if result.verdict == verdict]
            shown = listed(names if number <= 3 else [*names[:2], f"{number - 2} more"])
            word = {"fail": "fail" if number > 1 else "fails", "error": "could not be judged"}
            verb = word.get(verdict, f"{'are' if number > 1 else 'is'} {verdict}")
            parts.append(f"{number} of {total} {verb}, {shown}")
        return f"stops: {'; '.join(parts)}"
    warned = [result.name for result in results if result.verdict == "warn"]
    if warned:
        return f"goes with {counted(len(warned), 'warning')}: {listed(warned[:3])}"
    skipped = counts(results).get("skipped", 0)
    judged = counted(len(results) - skipped, "gate")
    return f"goes: {judged} passed" + (f", {skipped} had nothing to judge" if skipped else "")


def describe(gate: Gate) -> str:
    """What a gate asks, as a colleague would write it: `recall ≥ 0.600, better 0.650`."""
    label = metrics.label_of(gate.metric)
    where = f", {gate.slice}" if gate.slice else ""
    if gate.kind in ("non_inferior", "beats_baseline"):
        against = _opponent(gate)
        if gate.kind == "beats_baseline":
            return f"{label} better than {against}"
        loss = metrics.show(gate.margin, gate.metric)
        return f"{label} at most {loss} worse than {against}"
    low, high = _limits(gate)
    direction = direction_of(gate)
    if direction == "in":
        ends = f"{metrics.show(low, gate.metric)} to {metrics.show(high, gate.metric)}"
        return f"{label}{where} within {ends}"
    sign = "≥" if direction == "ge" else "≤"
    words = f"{label}{where} {sign} {metrics.show(low, gate.metric)}"
    return words if gate.want is None else f"{words}, better {metrics.show(gate.want, gate.metric)}"


def metric_of(result: Result) -> str:
    """The metric a gate's result is about: its unit and decimals."""
    return dict(result.detail).get("metric", result.name)


def direction_of(gate: Gate) -> Direction:
    """Which way is better for this gate."""
    if gate.must_high is not None or gate.kind == "calibration":
        return "in"
    return gate.direction or metrics.direction_of(gate.metric)


def _limit(gate: Gate, measured: Measured) -> Result:
    where = f" of {gate.slice}" if gate.slice else ""
    if gate.slice:
        scope = f"slice:{gate.slice}"
        found = next(
            (r for r in measured.slices if r.name == gate.metric and r.scope == scope), None
        )
    else:
        found = next((r for r in measured.overall if r.name == gate.metric), None)
    if found is None:
        reason = f"{metrics.label_of(gate.metric)}{where} was not measured"
        return _nothing(gate, "error", reason)
    return judge(_with_limits(gate, found, gate.confidence))


def _worst_slice(gate: Gate, measured: Measured) -> Result:
    """The slice that is furthest on the wrong side, with its interval widened for the search.

    Bonferroni over the slices that have enough rows: each interval is taken at 1 − α/m, so the
    chance that any of m good slices fails stays at α.
    """
    known = [r for r in measured.slices if r.name == gate.metric and r.value is not None]
    judged = [r for r in known if TOO_FEW not in dict(r.detail)]
    if not judged:
        reason = "no slice has enough rows" if known else "no slice was measured"
        return _nothing(gate, "skipped" if known else "error", reason)
    level = 1.0 - (1.0 - gate.confidence) / len(judged)
    found = worst_first(judge(_with_limits(gate, each, level)) for each in judged)[0]
    looked_at = [("slices looked at", str(len(judged)))]
    if len(known) > len(judged):
        looked_at.append(("slices too small", str(len(known) - len(judged))))
    return replace(found, detail=(*found.detail, *looked_at))


def _compared(gate: Gate, measured: Measured) -> Result:
    """One-sided at the gate's confidence, which is two-sided at 2c − 1."""
    against = _opponent(gate)
    scope = f"against:{against}"
    found = next(
        (r for r in measured.differences if r.name == gate.metric and r.scope == scope), None
    )
    if found is None:
        if against == "champion" and not any(r.scope == scope for r in measured.differences):
            return _nothing(gate, "skipped", "there is no champion yet")
        label = metrics.label_of(gate.metric)
        return _nothing(gate, "error", f"{label} was not compared with {against}")
    is_lower_better = metrics.direction_of(gate.metric) == "le"
    loss = gate.margin if gate.kind == "non_inferior" else 0.0
    result = judge(
        replace(
            at_confidence(found, max(0.5, 2 * gate.confidence - 1)),
            threshold=loss if is_lower_better else -loss,
            target=gate.want,
            direction="le" if is_lower_better else "ge",
            severity=gate.severity,
        )
    )
    nearest = result.ci_high if is_lower_better else result.ci_low
    # Better means better: a model that equals its baseline on every row does not beat it.
    if gate.kind == "beats_baseline" and result.value == 0.0 and nearest == 0.0:
        return replace(result, verdict="fail", reason=f"it does exactly as well as {against}")
    return result


def _opponent(gate: Gate) -> str:
    return gate.against or ("champion" if gate.kind == "non_inferior" else "dummy")


def _limits(gate: Gate) -> tuple[float | None, float | None]:
    if gate.kind == "calibration" and gate.must is None and gate.must_high is None:
        return CALIBRATION_RANGE
    return gate.must, gate.must_high


def _with_limits(gate: Gate, result: Result, confidence: float) -> Result:
    if gate.severity == "critical" and result.ci_method in PROPORTIONS:
        result = replace(result, ci_method="clopper-pearson")
    low, high = _limits(gate)
    return replace(
        at_confidence(result, confidence),
        threshold=low,
        threshold_high=high,
        target=gate.want,
        direction=direction_of(gate),
        severity=gate.severity,
    )


def _nothing(gate: Gate, verdict: Verdict, reason: str) -> Result:
    low, high = _limits(gate)
    return Result(
        name=gate.metric,
        threshold=low,
        threshold_high=high,
        target=gate.want,
        direction=direction_of(gate),
        verdict=verdict,
        severity=gate.severity,
        reason=reason,
    )
