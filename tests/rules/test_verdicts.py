"""The one verdict rule: what follows from a value, its interval and its limits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.rules import verdicts
from console.rules.intervals import wilson
from console.rules.verdicts import judge
from storage.records.results import Direction, Result, Severity, Verdict


def proportion(k: int, n: int, threshold: float | None, **others: object) -> Result:
    low, high = wilson(k, n)
    base = Result(
        name="recall",
        value=k / n,
        n=n,
        ci_low=low,
        ci_high=high,
        ci_method="wilson",
        threshold=threshold,
    )
    return replace(base, **others)  # type: ignore[arg-type]  # fields by name, checked at run time


@pytest.mark.parametrize(
    ("k", "threshold", "target", "verdict"),
    [
        (700, 0.6, 0.65, "pass"),
        (700, 0.6, None, "pass"),
        (700, 0.6, 0.71, "warn"),
        (610, 0.6, None, "inconclusive"),
        (590, 0.6, 0.5, "inconclusive"),
        (500, 0.6, None, "fail"),
    ],
)
def test_the_interval_decides_against_the_threshold_and_the_value_against_the_target(
    k: int, threshold: float, target: float | None, verdict: Verdict
) -> None:
    assert judge(proportion(k, 1000, threshold, target=target)).verdict == verdict


def test_lower_is_better_mirrors_the_rule() -> None:
    result = Result(name="ece", value=0.031, n=1000, ci_low=0.026, ci_high=0.038, direction="le")
    assert judge(replace(result, threshold=0.05, target=0.03)).verdict == "warn"
    assert judge(replace(result, threshold=0.05)).verdict == "pass"
    assert judge(replace(result, threshold=0.02)).verdict == "fail"
    assert judge(replace(result, threshold=0.035)).verdict == "inconclusive"
    assert judge(replace(result, threshold=0.05)).margin == pytest.approx(0.019)


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict", "words"),
    [
        (0.98, 1.04, 1.10, "pass", "lies inside 0.80 to 1.25"),
        (0.76, 0.84, 0.92, "inconclusive", "straddles an end of 0.80 to 1.25"),
        (1.30, 1.40, 1.50, "fail", "lies outside 0.80 to 1.25"),
        (0.50, 0.60, 0.70, "fail", "lies outside 0.80 to 1.25"),
        (0.70, 1.00, 1.40, "inconclusive", "straddles an end of 0.80 to 1.25"),
    ],
)
def test_a_range_has_to_hold_the_whole_interval(
    low: float, value: float, high: float, verdict: Verdict, words: str
) -> None:
    judged = judge(
        Result(
            name="calibration_slope",
            value=value,
            n=5000,
            ci_low=low,
            ci_high=high,
            threshold=0.8,
            threshold_high=1.25,
            direction="in",
        )
    )
    assert judged.verdict == verdict
    assert words in judged.reason
    assert (judged.margin or 0) == pytest.approx(min(value - 0.8, 1.25 - value))


def test_the_sentence_gives_interval_threshold_and_the_rows_that_would_settle_it() -> None:
    judged = judge(proportion(5401, 8912, 0.6, detail=(("rows", "28293"),)))
    assert judged.reason.startswith(
        "0.606, 95 % from 0.596 to 0.616, straddles the threshold 0.600"
    )
    assert judged.reason.endswith(" more judged rows would settle it")
    assert judged.p_meet == pytest.approx(0.877, abs=0.005)
    assert judged.n_needed is not None
    # Enough rows: there, with the same value, the interval leaves the threshold behind.
    settled = judge(proportion(round(0.60603 * judged.n_needed), judged.n_needed, 0.6))
    assert settled.verdict == "pass"
    assert settled.n_needed is None


def test_a_value_at_its_threshold_cannot_be_settled_by_more_rows() -> None:
    judged = judge(proportion(600, 1000, 0.6))
    assert judged.verdict == "inconclusive"
    assert judged.n_needed is None
    assert judged.reason.endswith("more rows cannot settle it: the value is at the threshold")


def test_value_and_threshold_are_written_with_enough_decimals_to_differ() -> None:
    judged = judge(Result(name="recall", value=0.60004, n=10**9, threshold=0.6))
    assert judged.reason == "0.60004, exact, meets the threshold 0.60000"


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (
            Result(name="ece", value=0.02, n=9, ci_low=0.01, ci_high=0.03, threshold=0.05,
                   target=0.03, direction="le"),
            "0.020, 95 % from 0.010 to 0.030, is within the threshold 0.050 and the target 0.030",
        ),
        (
            Result(name="roc_auc", value=0.62, n=9, ci_low=0.6, ci_high=0.64, threshold=0.7),
            "0.620, 95 % from 0.600 to 0.640, misses the threshold 0.700",
        ),
        (
            Result(name="cramers_v", value=0.72, n=9, ci_low=0.71, ci_high=0.73, threshold=0.7,
                   target=0.75),
            "0.72, 95 % from 0.71 to 0.73, meets the threshold 0.70 but misses the target 0.75",
        ),
        (
            Result(name="humid.range", value=0.106, n=900, threshold=0.1, direction="le", unit="%"),
            "10.6 %, exact, is over the threshold 10.0 %",
        ),
        (
            Result(name="refit_difference", value=0.0, n=1000, threshold=1e-6, direction="le"),
            "0, exact, is within the threshold 1e−06",
        ),
        (
            Result(name="roc_auc", scope="against:delays@v4", value=0.024, n=900, ci_low=0.005,
                   ci_high=0.043, threshold=-0.01),
            "+0.024, 95 % from +0.005 to +0.043, meets the threshold −0.010",
        ),
    ],
)  # fmt: skip
def test_the_sentence_reads_as_a_colleague_would_say_it(result: Result, reason: str) -> None:
    assert judge(result).reason == reason


def test_a_census_is_judged_exactly_although_it_carries_an_interval() -> None:
    sample = proportion(95, 1000, 0.1, direction="le")
    assert judge(sample).verdict == "inconclusive"
    census = judge(replace(sample, detail=(verdicts.CENSUS,)))
    assert census.verdict == "pass"
    assert census.p_meet == 1.0
    assert "exact" in census.reason


def test_too_few_rows_are_never_judged_either_way() -> None:
    for k in (0, 20):
        judged = judge(proportion(k, 20, 0.5, detail=(("too_few", "the slice has 20 rows"),)))
        assert judged.verdict == "inconclusive"
        assert judged.reason == "the slice has 20 rows"


@pytest.mark.parametrize(
    ("severity", "verdict", "is_stop"),
    [("info", "warn", False), ("warn", "warn", False), ("error", "fail", True),
     ("critical", "fail", True)],
)  # fmt: skip
def test_severity_softens_a_failure(severity: Severity, verdict: Verdict, is_stop: bool) -> None:
    judged = judge(proportion(100, 1000, 0.6, severity=severity))
    assert judged.verdict == verdict
    assert verdicts.stops(judged) is is_stop
    assert verdicts.blocks_serving(judged) is (severity == "critical")


def test_what_could_not_be_measured_is_an_error_and_stops() -> None:
    judged = judge(Result(name="recall", threshold=0.6))
    assert judged.verdict == "error"
    assert judged.reason == "it could not be measured"
    assert verdicts.stops(judged)
    assert judge(Result(name="recall", value=float("nan"), threshold=0.6)).verdict == "error"
    skipped = Result(name="recall", verdict="skipped", reason="no labels yet", threshold=0.6)
    assert judge(skipped) == skipped


def test_without_a_limit_there_is_nothing_to_judge() -> None:
    assert judge(proportion(5, 10, None)).verdict == "skipped"


def test_the_interval_can_be_had_at_another_confidence() -> None:
    wilson_90 = verdicts.at_confidence(proportion(606, 1000, 0.6), 0.9)
    assert (wilson_90.ci_low, wilson_90.ci_high) == pytest.approx(wilson(606, 1000, 0.9))
    normal = Result(name="mae", value=1.0, ci_low=1 - 1.959964, ci_high=1 + 1.959964)
    assert verdicts.at_confidence(normal, 0.9).ci_low == pytest.approx(1 - 1.644854, abs=1e-5)


def test_the_worst_of_many_verdicts_leads() -> None:
    assert verdicts.worst(["pass", "warn", "inconclusive"]) == "inconclusive"
    assert verdicts.worst(["error", "fail"]) == "fail"
    assert verdicts.worst([]) == "skipped"


measured = st.builds(
    lambda value, below, above, threshold, target, direction, n: Result(
        name="f1",
        value=value,
        ci_low=value - below,
        ci_high=value + above,
        n=n,
        threshold=threshold,
        threshold_high=threshold + 0.3,
        target=target,
        direction=direction,
    ),
    st.floats(-1, 1),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
    st.floats(-1, 1),
    st.none() | st.floats(-1, 1),
    st.sampled_from(["ge", "le", "in"]),
    st.integers(1, 10**7),
)


@given(measured)
def test_a_verdict_never_claims_more_than_the_interval_shows(result: Result) -> None:
    judged = judge(result)
    low, high, limit = result.ci_low, result.ci_high, result.threshold
    assert low is not None and high is not None and limit is not None
    if judged.verdict in ("pass", "warn"):
        assert low >= limit if result.direction != "le" else high <= limit
    if judged.verdict == "fail" and result.direction != "in":
        assert high < limit if result.direction == "ge" else low > limit
    assert judged.p_meet is not None and 0 <= judged.p_meet <= 1
    assert judged.reason
    assert (judged.n_needed is None) or judged.verdict == "inconclusive"
    assert judge(judged) == judged


@given(measured, st.floats(0.001, 0.5))
def test_a_stricter_limit_never_makes_a_verdict_better(result: Result, step: float) -> None:
    direction: Direction = "ge"
    lax = judge(replace(result, direction=direction))
    strict = judge(replace(result, direction=direction, threshold=(result.threshold or 0) + step))
    assert (strict.p_meet or 0) <= (lax.p_meet or 0) + 1e-12
    rank = ["pass", "warn", "inconclusive", "fail"].index
    if lax.verdict != "warn":
        assert rank(strict.verdict) >= rank(lax.verdict)
