"""Intervals of proportions, rates and quantiles: known values, properties, coverage."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special as scipy_special

from console.rules import intervals, multiplicity, special

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("x", "a", "b"),
    [(0.3, 2, 5), (0.606, 5401.5, 3511.5), (1e-6, 0.5, 100.5), (0.999, 900, 1.5), (0.5, 1e5, 1e5)],
)
def test_the_incomplete_beta_function_equals_scipys(x: float, a: float, b: float) -> None:
    assert special.beta_cdf(x, a, b) == pytest.approx(scipy_special.betainc(a, b, x), rel=1e-9)
    assert special.beta_sf(x, a, b) == pytest.approx(
        scipy_special.betaincc(a, b, x), rel=1e-8, abs=1e-15
    )


@pytest.mark.parametrize(("x", "a"), [(0.1, 0.5), (3, 2), (60, 60), (1100, 1000), (9000, 1e4)])
def test_the_incomplete_gamma_function_equals_scipys(x: float, a: float) -> None:
    assert special.gamma_cdf(x, a) == pytest.approx(scipy_special.gammainc(a, x), rel=1e-9)
    assert special.gamma_sf(x, a) == pytest.approx(scipy_special.gammaincc(a, x), rel=1e-9)
    assert special.chi2_sf(x, 2 * a) == pytest.approx(scipy_special.chdtrc(2 * a, x), rel=1e-8)


@given(p=st.floats(0.001, 0.999), a=st.floats(0.5, 500), b=st.floats(0.5, 500))
def test_a_quantile_is_the_inverse_of_its_distribution(p: float, a: float, b: float) -> None:
    assert special.beta_cdf(special.beta_quantile(p, a, b), a, b) == pytest.approx(p, abs=1e-9)
    assert special.gamma_cdf(special.gamma_quantile(p, a), a) == pytest.approx(p, abs=1e-9)


@given(counts, st.floats(0.6, 0.999))
def test_every_interval_of_a_proportion_contains_it_and_stays_in_0_to_1(
    k_n: tuple[int, int], confidence: float
) -> None:
    k, n = k_n
    for function in (intervals.wilson, intervals.clopper_pearson):
        low, high = function(k, n, confidence)
        assert 0.0 <= low <= k / n <= high <= 1.0
    low, high = intervals.jeffreys(k, n, confidence)
    assert 0.0 <= low < high <= 1.0


@given(counts)
def test_the_exact_interval_is_never_narrower_than_jeffreys(k_n: tuple[int, int]) -> None:
    exact, bayes = intervals.clopper_pearson(*k_n), intervals.jeffreys(*k_n)
    assert exact[0] <= bayes[0] + 1e-9
    assert exact[1] >= bayes[1] - 1e-9


@given(counts, st.floats(0, 1), st.floats(0, 1))
def test_meeting_a_higher_threshold_is_never_more_probable(
    k_n: tuple[int, int], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    k, n = k_n
    assert intervals.probability_at_least(k, n, low) >= (
        intervals.probability_at_least(k, n, high) - 1e-12
    )


@given(counts, counts)
def test_a_difference_of_rates_turns_its_sign_with_its_sides(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    difference, low, high = intervals.newcombe(*one, *other)
    mirrored, mirrored_low, mirrored_high = intervals.newcombe(*other, *one)
    assert -1 <= low <= difference <= high <= 1
    assert (mirrored, mirrored_low, mirrored_high) == pytest.approx((-difference, -high, -low))


def test_newcombes_own_example() -> None:
    # Newcombe 1998, table II, 56/70 against 48/80, method 10.
    assert intervals.newcombe(56, 70, 48, 80) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_nothing_observed_means_nothing_known() -> None:
    assert intervals.wilson(0, 0) == (0.0, 1.0)
    assert intervals.clopper_pearson(0, 0) == (0.0, 1.0)
    difference, low, high = intervals.newcombe(0, 0, 5, 10)
    assert math.isnan(difference)
    assert (low, high) == (-1.0, 1.0)


def test_wilson_covers_a_rare_rate_about_as_often_as_promised() -> None:
    rng = random.Random(20130701)
    p, n, hits = 0.03, 200, 0
    for _ in range(1000):
        k = sum(rng.random() < p for _ in range(n))
        low, high = intervals.wilson(k, n)
        hits += low <= p <= high
    assert 925 <= hits <= 980


def test_the_border_case_of_non_inferiority_is_the_most_likely_one() -> None:
    k_new, n_new, k_old, n_old, margin = 870, 1000, 880, 1200, 0.03

    def log_likelihood(p_old: float) -> float:
        p_new = p_old - margin
        return (
            k_new * math.log(p_new)
            + (n_new - k_new) * math.log(1 - p_new)
            + k_old * math.log(p_old)
            + (n_old - k_old) * math.log(1 - p_old)
        )

    _, p_old = intervals._restricted_proportions(k_new, n_new, k_old, n_old, -margin)
    for step in (-1e-4, 1e-4):
        assert log_likelihood(p_old) > log_likelihood(p_old + step)
    z, p = intervals.non_inferiority(870, 1000, 880, 1000, 0.03)
    assert z == pytest.approx(1.3466, rel=2e-3)
    assert p == pytest.approx(0.0891, rel=1e-2)


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_the_interval_of_a_rate_leaves_the_promised_tails(count: int) -> None:
    low, high = intervals.poisson_rate(count, 10.0)
    assert low * 10 <= count <= high * 10
    assert scipy_special.pdtr(count, high * 10) == pytest.approx(0.025, rel=1e-6)
    if count:
        assert scipy_special.pdtrc(count - 1, low * 10) == pytest.approx(0.025, rel=1e-6)


def test_equal_rates_differ_by_chance_and_the_limit_form_agrees_with_the_exact_one() -> None:
    assert intervals.poisson_two_sample(0, 5.0, 0, 7.0) == 1.0
    assert intervals.poisson_two_sample(50, 100.0, 50, 100.0) > 0.9
    exact = intervals.poisson_two_sample(950, 1.0, 1010, 1.0)
    limit = intervals.poisson_two_sample(1000, 1.0, 1061, 1.0)
    assert exact == pytest.approx(limit, abs=0.01)


def test_ranks_around_a_quantile_cover_it() -> None:
    rng = random.Random(3)
    hits = 0
    for _ in range(600):
        sample = sorted(rng.random() for _ in range(300))
        low, high = intervals.quantile_interval(sample, 0.9)
        hits += low <= 0.9 <= high
    assert 550 <= hits <= 595
    assert intervals.quantile_ranks(2000, 0.95) == (1879, 1919)
    assert intervals.quantile_ranks(1, 0.99) == (0, 0)


def test_laney_limits_widen_when_versions_differ_by_more_than_chance() -> None:
    rows = [10_000_000] * 10
    quiet = [100_000 + (-1) ** i * 300 for i in range(10)]
    loud = [100_000 + (-1) ** i * 30_000 for i in range(10)]
    low, high = intervals.laney_limits(quiet, rows, rows[0])
    assert (low + high) / 2 == pytest.approx(0.01)
    loud_low, loud_high = intervals.laney_limits(loud, rows, rows[0])
    assert loud_high - loud_low > 50 * (high - low)
    few = intervals.laney_limits(quiet, rows, 100_000)
    assert few[1] - few[0] == pytest.approx(10 * (high - low)), "fewer rows vary more"
    assert intervals.laney_limits([0, 0], [10, 10], 10) == (0.0, 0.0)


p_values = st.lists(st.floats(0, 1), max_size=30)


@given(p_values)
def test_adjusted_p_values_are_larger_and_keep_the_order(p: list[float]) -> None:
    for adjust in (
        multiplicity.holm,
        multiplicity.benjamini_hochberg,
        multiplicity.benjamini_yekutieli,
    ):
        adjusted = adjust(p)
        assert all(mine >= raw and mine <= 1 for mine, raw in zip(adjusted, p, strict=True))
        order = sorted(range(len(p)), key=p.__getitem__)
        assert [adjusted[i] for i in order] == sorted(adjusted)


def test_holm_multiplies_the_smallest_by_all_and_the_largest_by_one() -> None:
    assert multiplicity.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert multiplicity.holm([]) == []
