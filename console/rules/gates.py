"""Gates against measurements: what a model must reach before it may serve.

Standard library only. Judged on results that already carry their intervals, so a gate never
compares a bare number. All gates must hold for a promotion; asking all of them at level α keeps α
for the whole (an intersection–union test), while a search for the worst slice is corrected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from console.rules import metrics
from console.rules.verdicts import WORST_FIRST, at_confidence, judge, worst
from storage.records.gates import Gate
from storage.records.results import Direction, Result, Verdict

ALLOWS_PROMOTION: Final[frozenset[str]] = frozenset({"pass", "warn"})
"""Overall verdicts with which an alias may move without an override."""


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
    a silent pass.
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
    """Results in the order in which a person should read them: by verdict, then by margin."""

    def order(result: Result) -> tuple[int, float]:
        # Margins of different metrics are compared in half-widths of their own intervals.
        width = 1.0
        if result.ci_low is not None and result.ci_high is not None:
            width = max((result.ci_high - result.ci_low) / 2, 1e-12)
        margin = result.margin if result.margin is not None else 0.0
        return WORST_FIRST.index(result.verdict), margin / width

    return tuple(sorted(results, key=order))


def overall(results: Iterable[Result]) -> Verdict:
    """The verdict of all gates together: the worst; gates that were skipped do not count."""
    return worst(result.verdict for result in results if result.verdict != "skipped")


def metric_of(result: Result) -> str:
    """The metric a gate's result is about: its unit and decimals."""
    return dict(result.detail).get("metric", result.name)


def direction_of(gate: Gate) -> Direction:
    """Which way is better for this gate."""
    if gate.must_high is not None:
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
    return judge(_with_limits(gate, at_confidence(found, gate.confidence)))


def _worst_slice(gate: Gate, measured: Measured) -> Result:
    """The slice that is furthest on the wrong side, with its interval widened for the search.

    Bonferroni over the slices that have enough rows: each interval is taken at 1 − α/m, so the
    chance that any of m good slices fails stays at α.
    """
    known = [r for r in measured.slices if r.name == gate.metric and r.value is not None]
    judged = [r for r in known if r.verdict not in ("skipped", "error")] or known
    if not judged:
        return _nothing(gate, "skipped", "no slice has enough rows")
    level = 1.0 - (1.0 - gate.confidence) / len(judged)
    results = [judge(_with_limits(gate, at_confidence(each, level))) for each in judged]
    found = worst_first(results)[0]
    return replace(found, detail=(*found.detail, ("slices looked at", str(len(judged)))))


def _compared(gate: Gate, measured: Measured) -> Result:
    against = gate.against or ("champion" if gate.kind == "non_inferior" else "dummy")
    scope = f"against:{against}"
    found = next(
        (r for r in measured.differences if r.name == gate.metric and r.scope == scope), None
    )
    if found is None:
        word = "there is no champion yet" if against == "champion" else f"{against} was not fitted"
        return _nothing(gate, "skipped", word)
    # One-sided at the gate's confidence is two-sided at 2c − 1.
    result = at_confidence(found, max(0.5, 2 * gate.confidence - 1))
    direction = metrics.direction_of(gate.metric)
    limit = gate.margin if direction == "le" else -gate.margin
    result = replace(result, threshold=limit, direction="le" if direction == "le" else "ge")
    return judge(replace(result, severity=gate.severity))


def _with_limits(gate: Gate, result: Result) -> Result:
    return replace(
        result,
        threshold=gate.must,
        threshold_high=gate.must_high,
        target=gate.want,
        direction=direction_of(gate),
        severity=gate.severity,
    )


def _nothing(gate: Gate, verdict: Verdict, reason: str) -> Result:
    return Result(
        name=gate.metric,
        threshold=gate.must,
        threshold_high=gate.must_high,
        target=gate.want,
        direction=direction_of(gate),
        verdict=verdict,
        severity=gate.severity,
        reason=reason,
    )
