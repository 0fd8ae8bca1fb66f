"""Gates: what a model must reach, judged on measured results, and what a promotion would meet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.rules import gates
from console.rules.gates import Measured, judge_gate, judge_gates, overall
from console.rules.intervals import clopper_pearson, wilson
from storage.records.gates import Gate
from storage.records.results import Result, Severity


def share(name: str, k: int, n: int, scope: str = "", **others: Any) -> Result:
    low, high = wilson(k, n)
    return replace(
        Result(name=name, scope=scope, value=k / n, n=n, ci_low=low, ci_high=high,
               ci_method="wilson"),
        **others,
    )  # fmt: skip


def difference(name: str, value: float, half: float, against: str = "champion") -> Result:
    return Result(
        name=name,
        scope=f"against:{against}",
        value=value,
        n=5000,
        ci_low=value - half,
        ci_high=value + half,
        ci_method="normal, paired",
    )


RECALL = share("recall", 650, 1000)
SLOPE = Result(name="calibration_slope", value=1.04, n=5000, ci_low=0.98, ci_high=1.1)
MEASURED = Measured(
    overall=(
        RECALL,
        SLOPE,
        Result(name="ece", value=0.031, n=5000, ci_low=0.026, ci_high=0.038),
        Result(name="row_p95_ms", value=6.4, n=2000, ci_low=6.1, ci_high=6.8),
    ),
    slices=(
        share("recall", 330, 600, "slice:origin=LGA"),
        share("recall", 380, 600, "slice:origin=JFK"),
        share("recall", 5, 20, "slice:origin=EWR", detail=(("too_few", "too small: 20 rows"),)),
    ),
    differences=(
        difference("roc_auc", 0.012, 0.019),
        difference("log_loss", 0.004, 0.003),
        difference("roc_auc", 0.21, 0.02, "dummy"),
    ),
)


@pytest.mark.parametrize(
    ("gate", "verdict"),
    [
        (Gate(name="recall", metric="recall", must=0.6, want=0.64), "pass"),
        (Gate(name="recall", metric="recall", must=0.6, want=0.66), "warn"),
        (Gate(name="recall", metric="recall", must=0.64), "inconclusive"),
        (Gate(name="recall", metric="recall", must=0.7), "fail"),
        (Gate(name="ece", metric="ece", must=0.05, want=0.03), "warn"),
        (Gate(name="slope", kind="calibration", metric="calibration_slope"), "pass"),
        (Gate(name="slope", metric="calibration_slope", must=1.05, must_high=1.3), "inconclusive"),
        (Gate(name="p95", kind="latency", metric="row_p95_ms", must=20.0, want=10.0), "pass"),
        (Gate(name="p95", kind="latency", metric="row_p95_ms", must=6.5), "inconclusive"),
        (Gate(name="LGA", metric="recall", slice="origin=LGA", must=0.5), "pass"),
        (Gate(name="LGA", metric="recall", slice="origin=LGA", must=0.6), "fail"),
        (Gate(name="EWR", metric="recall", slice="origin=EWR", must=0.1), "inconclusive"),
    ],
)  # fmt: skip
def test_a_limit_is_judged_by_the_interval_of_what_it_names(gate: Gate, verdict: str) -> None:
    result = judge_gate(gate, MEASURED)
    assert result.verdict == verdict
    assert result.name == gate.name
    assert gates.metric_of(result) == gate.metric
    assert result.reason


@pytest.mark.parametrize(
    ("kind", "metric", "margin", "against", "verdict"),
    [
        ("non_inferior", "roc_auc", 0.01, "", "pass"),
        ("non_inferior", "roc_auc", 0.0, "", "inconclusive"),
        ("non_inferior", "log_loss", 0.01, "champion", "pass"),
        ("non_inferior", "log_loss", 0.001, "champion", "fail"),
        ("beats_baseline", "roc_auc", 0.0, "", "pass"),
        ("beats_baseline", "roc_auc", 0.0, "champion", "inconclusive"),
        ("beats_baseline", "log_loss", 0.0, "champion", "fail"),
    ],
)
def test_a_comparison_is_one_sided_and_knows_which_way_is_better(
    kind: Any, metric: str, margin: float, against: str, verdict: str
) -> None:
    gate = Gate(name="g", kind=kind, metric=metric, margin=margin, against=against)
    result = judge_gate(gate, MEASURED)
    assert result.verdict == verdict
    assert result.confidence == pytest.approx(0.9)


def test_a_model_that_equals_its_baseline_does_not_beat_it() -> None:
    same = Measured(overall=(), differences=(difference("roc_auc", 0.0, 0.0, "dummy"),))
    gate = Gate(name="beats dummy", kind="beats_baseline", metric="roc_auc")
    result = judge_gate(gate, same)
    assert result.verdict == "fail"
    assert result.reason == "it does exactly as well as dummy"
    equal = replace(gate, kind="non_inferior", against="dummy")
    assert judge_gate(equal, same).verdict == "pass"


def test_without_a_champion_there_is_nothing_to_compare_and_no_pass() -> None:
    gate = Gate(name="not worse", kind="non_inferior", metric="roc_auc", margin=0.01)
    result = judge_gate(gate, Measured(overall=(RECALL,)))
    assert (result.verdict, result.reason) == ("skipped", "there is no champion yet")
    baseline = replace(gate, kind="beats_baseline")
    assert judge_gate(baseline, Measured(overall=(RECALL,))).verdict == "error"
    other = replace(gate, metric="recall")
    assert judge_gate(other, MEASURED).reason == "recall was not compared with champion"


def test_what_was_not_measured_is_an_error_and_stops() -> None:
    gate = Gate(name="mcc", metric="mcc", must=0.2)
    result = judge_gate(gate, MEASURED)
    assert (result.verdict, result.reason) == ("error", "MCC was not measured")
    assert overall([result]) == "error"
    sliced = judge_gate(replace(gate, metric="recall", slice="origin=ORD"), MEASURED)
    assert sliced.reason == "recall of origin=ORD was not measured"


def test_the_search_for_the_worst_slice_widens_its_intervals_and_leaves_small_ones_out() -> None:
    gate = Gate(name="every slice", metric="recall", slice="worst", must=0.51)
    result = judge_gate(gate, MEASURED)
    assert result.scope == "slice:origin=LGA"
    assert result.confidence == pytest.approx(0.975)
    assert result.ci_low == pytest.approx(wilson(330, 600, 0.975)[0])
    assert dict(result.detail)["slices looked at"] == "2"
    assert dict(result.detail)["slices too small"] == "1"
    alone = judge_gate(replace(gate, slice="origin=LGA"), MEASURED)
    assert (alone.verdict, result.verdict) == ("pass", "inconclusive")
    none = judge_gate(gate, Measured(overall=()))
    assert (none.verdict, none.reason) == ("error", "no slice was measured")
    small = judge_gate(gate, Measured(overall=(), slices=MEASURED.slices[2:]))
    assert (small.verdict, small.reason) == ("skipped", "no slice has enough rows")


def test_a_critical_gate_takes_the_exact_interval() -> None:
    gate = Gate(name="recall", metric="recall", must=0.6, severity="critical")
    result = judge_gate(gate, MEASURED)
    assert (result.ci_low, result.ci_high) == pytest.approx(clopper_pearson(650, 1000))


@pytest.mark.parametrize(
    ("severity", "together"),
    [("info", "pass"), ("warn", "warn"), ("error", "fail"), ("critical", "fail")],
)
def test_severity_says_what_a_missed_gate_means_for_all(severity: Severity, together: str) -> None:
    good = Gate(name="recall", metric="recall", must=0.5)
    missed = Gate(name="strict", metric="recall", must=0.9, severity=severity)
    assert overall(judge_gates([good, missed], MEASURED)) == together


def test_a_warning_gate_that_is_inconclusive_does_not_stop() -> None:
    results = judge_gates([Gate(name="r", metric="recall", must=0.64, severity="warn")], MEASURED)
    assert results[0].verdict == "inconclusive"
    assert overall(results) == "warn"
    assert gates.in_words(results).startswith("goes")


def test_gates_are_listed_worst_first_and_summed_up_in_words() -> None:
    declared = [
        Gate(name="slope", kind="calibration", metric="calibration_slope"),
        Gate(name="recall", metric="recall", must=0.64),
        Gate(name="ECE", metric="ece", must=0.05, want=0.03),
        Gate(name="LGA", metric="recall", slice="origin=LGA", must=0.56),
        Gate(name="strict", metric="recall", must=0.9),
    ]
    results = judge_gates(declared, MEASURED)
    assert [r.name for r in results] == ["strict", "LGA", "recall", "ECE", "slope"]
    assert overall(results) == "fail"
    assert gates.counts(results) == {"fail": 1, "inconclusive": 2, "warn": 1, "pass": 1}
    assert gates.in_words(results) == (
        "stops: 1 of 5 gates fails, strict; 2 of 5 gates are inconclusive, LGA and recall"
    )
    assert gates.in_words(judge_gates(declared[2:3], MEASURED)) == "goes with 1 warning: ECE"
    assert gates.in_words(judge_gates(declared[:1], MEASURED)) == "goes: 1 gate passed"
    assert gates.in_words(()) == "no gate was judged"
    assert overall(()) == "skipped"


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (Gate(name="a", metric="recall", must=0.6, want=0.65), "recall ≥ 0.600, better 0.650"),
        (Gate(name="a", metric="ece", must=0.05), "ECE ≤ 0.050"),
        (Gate(name="a", metric="recall", slice="origin=LGA", must=0.55),
         "recall, origin=LGA ≥ 0.550"),
        (Gate(name="a", kind="calibration", metric="calibration_slope"),
         "calibration slope within 0.80 to 1.25"),
        (Gate(name="a", kind="non_inferior", metric="roc_auc", margin=0.01),
         "AUC at most 0.010 worse than champion"),
        (Gate(name="a", kind="beats_baseline", metric="roc_auc", against="linear"),
         "AUC better than linear"),
        (Gate(name="a", kind="latency", metric="row_p95_ms", must=20), "p95 one row ≤ 20 ms"),
    ],
)  # fmt: skip
def test_a_gate_is_described_as_a_colleague_would(gate: Gate, words: str) -> None:
    assert gates.describe(gate) == words
