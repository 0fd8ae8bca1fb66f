"""Serving, judged: label-free estimates, late labels, burn rates, alerts, saturation, canaries."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.rules import alerts, latency, saturation, sequential, slo
from console.rules.estimates import (
    NAMES,
    LabelledCohort,
    ScoredRows,
    arrival,
    bounds,
    disagree,
    estimate,
    mature_age_s,
    support,
    weighted_share,
)
from storage.records.endpoints import Saturation
from storage.records.results import Result, Verdict

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PLACES = 101
CALIBRATED = [i / 100 for i in range(PLACES)]


def live_rows(n: int, seed: int = 1, threshold: int = 40) -> list[ScoredRows]:
    rng = random.Random(seed)
    places = [round(100 * rng.betavariate(2, 3)) for _ in range(n)]
    return [ScoredRows(place, place >= threshold, 1) for place in places]


# --------------------------------------------------------------------------- without labels


@pytest.mark.parametrize("name", NAMES)
def test_an_estimate_has_an_interval_that_shrinks_with_rows(name: str) -> None:
    few, many = (estimate(name, live_rows(n), CALIBRATED) for n in (300, 12_000))
    assert few is not None and many is not None
    assert few.low <= few.value <= few.high
    assert many.high - many.low < 0.4 * (few.high - few.low)
    assert (few.n, many.n) == (300, 12_000)


@pytest.mark.parametrize("name", NAMES)
def test_the_calibration_adds_its_own_uncertainty(name: str) -> None:
    rows = live_rows(2000)
    sure = estimate(name, rows, CALIBRATED, [100_000] * PLACES)
    unsure = estimate(name, rows, CALIBRATED, [5] * PLACES)
    plain = estimate(name, rows, CALIBRATED)
    assert sure is not None and unsure is not None and plain is not None
    assert sure.high - sure.low == pytest.approx(plain.high - plain.low, rel=0.02)
    assert unsure.high - unsure.low > 1.1 * (plain.high - plain.low)


@pytest.mark.parametrize("name", ["accuracy", "recall", "precision", "roc_auc", "f1"])
def test_the_interval_of_an_estimate_covers_what_labels_show_later(name: str) -> None:
    rng = random.Random(20)
    rows = live_rows(400)
    expected = estimate(name, rows, CALIBRATED)
    assert expected is not None
    hits = 0
    for _ in range(200):
        labels = [float(rng.random() < CALIBRATED[row.place]) for row in rows]
        # The same arithmetic with every label known: a place per row and label.
        known = [
            ScoredRows(2 * r.place + int(y), r.decision, 1)
            for r, y in zip(rows, labels, strict=True)
        ]
        if name == "roc_auc":
            realised = _auc(rows, labels)
        else:
            found = estimate(name, known, [float(i % 2) for i in range(2 * PLACES)])
            assert found is not None
            realised = found.value
        hits += expected.low <= realised <= expected.high
    assert 179 <= hits <= 199


def _auc(rows: list[ScoredRows], labels: list[float]) -> float:
    by_place: dict[int, list[int]] = {}
    for row, label in zip(rows, labels, strict=True):
        by_place.setdefault(row.place, [0, 0])[int(label)] += 1
    below = won = 0.0
    for place in sorted(by_place):
        negatives, positives = by_place[place]
        won += positives * (below + negatives / 2)
        below += negatives
    return won / (below * sum(labels))


@given(st.integers(1, 40))
def test_rows_of_equal_score_can_be_counted_together(n: int) -> None:
    apart = [ScoredRows(30, False, 1)] * n + [ScoredRows(70, True, 1)] * n
    together = [ScoredRows(30, False, n), ScoredRows(70, True, n)]
    for name in NAMES:
        assert estimate(name, apart, CALIBRATED) == estimate(name, together, CALIBRATED)


def test_what_is_not_defined_has_no_estimate() -> None:
    assert estimate("accuracy", [], CALIBRATED) is None
    assert estimate("precision", [ScoredRows(10, False, 5)], CALIBRATED) is None
    assert estimate("roc_auc", [ScoredRows(0, False, 5)], CALIBRATED) is None


def test_scores_the_reference_never_had_are_not_supported() -> None:
    reference = [100 if i < 50 else 0 for i in range(PLACES)]
    rows = [ScoredRows(20, True, 30), ScoredRows(90, True, 10)]
    assert support(rows, reference) == pytest.approx(0.75)
    assert support([], reference) == 0.0


def test_two_intervals_apart_are_the_sign_of_a_changed_relationship() -> None:
    assert disagree((0.70, 0.72), (0.75, 0.80))
    assert not disagree((0.70, 0.76), (0.75, 0.80))


# --------------------------------------------------------------------------- late labels


def test_pending_predictions_are_censored_and_not_ignored() -> None:
    fast = [(1.0, True)] * 50 + [(10.0, True)] * 50
    young = [(2.0, False)] * 100  # labelled late or never, nobody knows yet
    assert arrival(fast).share(5.0) == pytest.approx(0.5)
    assert arrival(fast + young).share(5.0) == pytest.approx(0.25)
    assert arrival([*fast, *young]).share(0.5) == 0.0
    assert arrival([]).shares == ()


def test_the_delay_curve_equals_scipys() -> None:
    from scipy import stats

    rng = random.Random(5)
    delays = [(round(rng.expovariate(0.2), 1), rng.random() < 0.7) for _ in range(120)]
    curve = arrival(delays)
    censored = stats.CensoredData(
        uncensored=[t for t, seen in delays if seen], right=[t for t, seen in delays if not seen]
    )
    theirs = stats.ecdf(censored).cdf
    for age in (0.5, 2.0, 5.0, 9.0):
        assert curve.share(age) == pytest.approx(float(theirs.evaluate(age)), abs=1e-12)


def test_a_cohort_is_mature_when_nearly_all_that_comes_has_come() -> None:
    assert mature_age_s(arrival([(float(i), True) for i in range(1, 101)])) == 95.0
    never = [(float(i), True) for i in range(1, 51)] + [(1000.0, False)] * 50
    assert mature_age_s(arrival(never)) == 48.0
    assert mature_age_s(arrival([(5.0, False)])) is None


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 100))
def test_bounds_hold_whatever_the_pending_labels_turn_out(
    right: int, wrong: int, pending: int
) -> None:
    total = right + wrong + pending
    low, high = bounds(right, right + wrong, total)
    assert 0 <= low <= high <= 1
    if total:
        for later in (0, pending // 2, pending):
            assert low <= (right + later) / total <= high


def test_fast_labels_are_not_taken_for_a_fair_sample() -> None:
    # Yes decisions are labelled at once and often wrong, no decisions late and nearly always right.
    curves = {
        "yes": arrival([(1.0, True)] * 100),
        "no": arrival([(1.0, True)] * 25 + [(100.0, True)] * 75),
    }
    cohorts = [LabelledCohort(10.0, "yes", 50, 100), LabelledCohort(10.0, "no", 24, 25)]
    found = weighted_share(cohorts, curves)
    assert found is not None
    naive = (50 + 24) / 125
    assert found.value == pytest.approx((50 + 4 * 24) / 200)
    assert found.value > naive
    assert found.low < found.value < found.high
    assert weighted_share([], curves) is None
    assert weighted_share([LabelledCohort(0.1, "yes", 1, 1)], curves) is None


# --------------------------------------------------------------------------- latency and promises


@given(st.lists(st.floats(0.02, 60_000), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_of_buckets_is_within_one_percent(values: list[float], q: float) -> None:
    counts: dict[int, int] = {}
    for value in values:
        bucket = latency.bucket_of(value)
        counts[bucket] = counts.get(bucket, 0) + 1
    exact = sorted(values)[int(q * (len(values) - 1))]
    found = latency.quantile_ms(counts, q)
    assert found is not None
    assert found == pytest.approx(exact, rel=0.0101)


@given(st.lists(st.dictionaries(st.integers(-400, 600), st.integers(1, 50)), max_size=6))
def test_latencies_of_parts_add_in_any_order(parts: list[dict[int, int]]) -> None:
    whole = latency.merged(parts)
    assert whole == latency.merged(parts[::-1])
    assert sum(whole.values()) == sum(sum(part.values()) for part in parts)
    assert latency.quantile_ms({}, 0.5) is None


def windows(bad: dict[float, int], per_s: float) -> Any:
    return lambda s: slo.Window(bad=bad.get(s, 0), total=round(per_s * s))


@pytest.mark.parametrize(
    ("bad", "per_s", "verdict"),
    [
        # 20 times too fast in both windows of the first rule
        ({3600: 7200, 300: 600, 21600: 7200, 1800: 3600}, 100, "fail"),
        # the long window burned, the short one is quiet again: over
        ({3600: 7200, 300: 0, 21600: 7200, 1800: 0}, 100, "pass"),
        # a slow leak over three days
        ({259200: 40_000, 7200: 1_200}, 100, "warn"),
        # 1 bad request among few
        ({3600: 1, 300: 1, 21600: 1, 1800: 1, 259200: 1, 7200: 1}, 0.01, "pass"),
        # 2 bad of 72: too few to be sure
        ({3600: 2, 300: 1, 21600: 2, 1800: 2, 259200: 2, 7200: 2}, 0.02, "inconclusive"),
        ({}, 0, "skipped"),
    ],
)
def test_a_budget_that_burns_in_both_windows_alerts_unless_traffic_is_low(
    bad: dict[float, int], per_s: float, verdict: Verdict
) -> None:
    result = slo.judge_burn(windows(bad, per_s), 0.999)
    assert result.verdict == verdict


def test_what_is_left_of_a_budget() -> None:
    assert slo.budget(0, 1000, 0.99) == 1.0
    assert slo.budget(20, 1000, 0.99) == -1.0
    assert slo.burn_rate(0, 0, 0.99) == 0.0
    assert slo.hours_to_exhaust(0.0) is None
    assert slo.hours_to_exhaust(2.0, 0.5) == 180.0
    assert slo.apdex(0, 0, 0) is None


# --------------------------------------------------------------------------- alerts

KEY = ("delays", "drift", "humid")


def reading(value: float, verdict: Verdict | None = None, direction: Any = "le") -> Result:
    is_over = value > 0.25 if direction == "le" else value < 0.25
    word: Verdict = verdict or ("fail" if is_over else "pass")
    return Result(name="psi", value=value, threshold=0.25, direction=direction, verdict=word)


def moves(*values: float) -> list[str]:
    memory = alerts.Memory()
    return [memory.look(KEY, reading(value)) for value in values]


def test_two_bad_looks_of_three_raise() -> None:
    assert moves(0.5) == [""]
    assert moves(0.5, 0.1, 0.5) == ["", "", "raise"]
    assert moves(0.5, 0.1, 0.1, 0.5) == ["", "", "", ""]
    assert moves(0.5, 0.5) == ["", "raise"]


def test_clearing_takes_three_looks_well_below_the_limit() -> None:
    assert moves(0.5, 0.5, 0.1, 0.1, 0.1)[-1] == "clear"
    assert moves(0.5, 0.5, 0.24, 0.24, 0.24)[-1] == ""
    assert moves(0.5, 0.5, 0.1, 0.24, 0.1)[-1] == ""


@given(st.lists(st.floats(0.21, 0.25), min_size=1, max_size=30))
def test_a_value_just_under_its_limit_neither_fires_nor_resolves(values: list[float]) -> None:
    assert set(moves(*values)) == {""}


def test_what_cannot_be_told_changes_nothing() -> None:
    memory = alerts.Memory()
    memory.look(KEY, reading(0.5))
    assert memory.look(KEY, reading(0.5, "inconclusive")) == ""
    assert memory.look(KEY, reading(0.5)) == "raise"
    memory.forget("delays")
    assert memory.look(KEY, reading(0.5)) == ""


def test_a_floor_is_cleared_above_it() -> None:
    assert alerts.is_clear(reading(0.9, direction="ge"))
    assert not alerts.is_clear(reading(0.251, direction="ge"))
    assert alerts.is_raised(Result(name="burn_rate", verdict="warn"))
    assert not alerts.is_raised(Result(name="psi", verdict="warn"))


def test_coming_back_soon_is_the_same_alert_and_too_often_is_quiet() -> None:
    assert alerts.raising(NOW, None, 0) == "new"
    assert alerts.raising(NOW, NOW - timedelta(minutes=31), 9) == "new"
    assert alerts.raising(NOW, NOW - timedelta(minutes=5), 2) == "again"
    assert alerts.raising(NOW, NOW - timedelta(minutes=5), 5) == "quiet"
    assert alerts.is_one_incident(3)
    assert not alerts.is_one_incident(2)
    assert alerts.is_one_incident(1, is_already=True)


# --------------------------------------------------------------------------- saturation


def gauges(*shares: float, every_s: float = 20.0) -> list[Saturation]:
    return [
        Saturation(at=NOW + timedelta(seconds=i * every_s), cpu=share, memory=0.3)
        for i, share in enumerate(shares)
    ]


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        ([0.95] * 9, "fail"),
        ([0.2] * 3 + [0.95] * 6, "fail"),
        ([0.2] * 6 + [0.95] * 3, "pass"),
        ([0.75] * 9, "warn"),
        ([0.3] * 9, "pass"),
        ([0.95], "inconclusive"),
        ([], "error"),
    ],
)
def test_two_full_minutes_of_three_are_saturation(shares: list[float], verdict: Verdict) -> None:
    result = saturation.judge_saturation(gauges(*shares))
    assert result.verdict == verdict
    if shares and shares[-1] > 0.5:
        assert dict(result.detail)["leads"] == "cpu"


def test_a_leak_is_forecast_and_noise_is_not() -> None:
    rng = random.Random(2)
    leak = [(60.0 * i, 0.4 + 0.0001 * 60 * i / 6 + rng.gauss(0, 0.002)) for i in range(60)]
    found = saturation.forecast(leak)
    assert found is not None
    truth = (1.0 - leak[-1][1]) / (0.0001 / 6)
    assert found.soonest_s < truth < found.latest_s
    assert found.in_s == pytest.approx(truth, rel=0.15)
    noise = [[(60.0 * i, 0.4 + rng.gauss(0, 0.02)) for i in range(60)] for _ in range(100)]
    assert sum(saturation.forecast(each) is not None for each in noise) <= 3
    assert saturation.forecast(leak[:5]) is None
    assert saturation.forecast([(60.0 * i, 1.0 + 0.01 * i) for i in range(20)]) is not None


def test_littles_law_tells_broken_instruments() -> None:
    assert saturation.littles_law(10.0, 100.0, 0.1) == (1.0, True)
    found = saturation.littles_law(20.0, 100.0, 0.1)
    assert found is not None and not found[1]
    assert saturation.littles_law(0.0, 0.0, 0.1) is None


# --------------------------------------------------------------------------- canaries, changes


def test_looking_at_every_step_cries_wolf_rarely() -> None:
    rng = random.Random(11)
    false_alarms = 0
    for _ in range(200):
        test = sequential.MixtureTest(tau=0.2, variance=1.0)
        for _ in range(300):
            test = test.seen(rng.gauss(0, 1))
            if test.p_value <= 0.05:
                false_alarms += 1
                break
    assert false_alarms <= 16


def test_the_always_valid_interval_belongs_to_the_test() -> None:
    for n, mean in ((10, 0.5), (100, 0.2), (1000, 0.05)):
        half = sequential.always_valid_half_width(n, 1.0, 0.3)
        at_border = sequential.likelihood_ratio(n, half, 1.0, 0.3)
        assert at_border == pytest.approx(20.0)
        ratio = sequential.likelihood_ratio(n, mean, 1.0, 0.3)
        assert (ratio > 20.0) == (mean > half)
    assert sequential.likelihood_ratio(10**6, 5.0, 1.0, 1.0) == math.inf


def test_a_canary_is_stopped_for_harm_and_promoted_without() -> None:
    rng = random.Random(3)
    worse = same = sequential.MixtureTest(tau=0.05)
    assert worse.word(0.1) == "continue"
    for _ in range(2000):
        worse = worse.seen(rng.gauss(-0.3, 0.5))
        same = same.seen(rng.gauss(0.0, 0.5))
    assert worse.word(0.1) == "harm"
    assert same.word(0.1) == "no harm"
    assert worse.p_value < 0.001 < same.p_value
    short = sequential.MixtureTest(tau=0.05).seen(0.1)
    assert short.word(0.1, is_over=True) == "inconclusive"


def test_a_shift_is_found_soon_and_nothing_before() -> None:
    sums = sequential.Cusum(mean=0.2, deviation=0.4)
    alarm = None
    for i in range(2000):
        sums = sums.seen(float(i % 5 == 0) if i < 1000 else float(i % 2 == 0))
        if sums.is_alarm:
            alarm = i
            break
    assert alarm is not None and 1000 <= alarm <= 1050
    assert sums.is_rising
