"""Drift between two profiles: what moved, how far, and what chance or habit explains."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import InvalidError
from console.rules.binning import profile_of
from console.rules.drift import (
    column_drift,
    counts_on,
    merge_profiles,
    profile_drift,
)
from console.rules.drift import distances as d
from console.rules.drift.cells import display_edges, side_of, ten_cells
from storage.records.profiles import ColumnProfile, Profile
from storage.records.results import Result

Profiled = Callable[..., ColumnProfile]


def normal(n: int, shift: float = 0.0, seed: int = 1) -> list[float]:
    return list(np.random.default_rng([seed, n]).normal(shift, 1.0, n))


def by_name(drift: Any) -> dict[str, Result]:
    return {r.name: r for r in (drift.primary, *drift.supports)}


# --------------------------------------------------------------------------- distances

pairs = st.integers(2, 12).flatmap(
    lambda k: st.tuples(
        st.lists(st.integers(0, 500), min_size=k, max_size=k),
        st.lists(st.integers(0, 500), min_size=k, max_size=k),
    )
).filter(lambda pair: sum(pair[0]) > 0 and sum(pair[1]) > 0)  # fmt: skip

SYMMETRIC: dict[str, Callable[[Any, Any], float]] = {
    "psi": d.psi,
    "js": d.js_distance,
    "tv": d.total_variation,
    "linf": d.largest_share_move,
    "hellinger": d.hellinger,
    "ks": lambda p, q: d.ks(p, q)[0],
    "w1": lambda p, q: d.wasserstein(range(len(p)), p, range(len(q)), q),
    "v": lambda p, q: d.association(p, q).cramers_v,
}


@pytest.mark.parametrize("name", SYMMETRIC)
@given(pair=pairs)
@settings(max_examples=30)
def test_a_distance_is_symmetric_and_never_negative(
    name: str, pair: tuple[list[int], list[int]]
) -> None:
    there, back = SYMMETRIC[name](*pair), SYMMETRIC[name](*pair[::-1])
    assert there >= 0
    assert there == pytest.approx(back, abs=1e-12)


@pytest.mark.parametrize("name", SYMMETRIC)
@given(pair=pairs, times=st.integers(1, 9))
@settings(max_examples=30)
def test_a_distance_is_zero_for_equal_shares_and_only_then(
    name: str, pair: tuple[list[int], list[int]], times: int
) -> None:
    counts = np.array(pair[0])
    if name != "psi":  # pseudo-counts weigh less in the larger one
        assert SYMMETRIC[name](counts, counts * times) == pytest.approx(0, abs=1e-7)
    assert SYMMETRIC[name](counts, counts) == 0
    if not np.allclose(d.shares(pair[0]), d.shares(pair[1])):
        assert SYMMETRIC[name](*pair) > 1e-9


@given(pair=pairs, order=st.randoms(use_true_random=False))
def test_the_order_of_categories_changes_nothing(
    pair: tuple[list[int], list[int]], order: Any
) -> None:
    places = list(range(len(pair[0])))
    order.shuffle(places)
    p, q = np.array(pair[0]), np.array(pair[1])
    for name in ("psi", "js", "tv", "linf", "hellinger", "v"):
        moved = SYMMETRIC[name](p[places], q[places])
        assert moved == pytest.approx(SYMMETRIC[name](p, q), abs=1e-9)


@given(pair=pairs)
def test_bounded_distances_stay_within_their_bounds(pair: tuple[list[int], list[int]]) -> None:
    for name in ("js", "tv", "linf", "hellinger", "ks", "v"):
        assert SYMMETRIC[name](*pair) <= 1 + 1e-12
    gap, at_most = d.ks(*pair)
    assert gap <= at_most


def test_nothing_in_common_is_the_largest_distance() -> None:
    for name in ("js", "tv", "hellinger", "ks"):
        assert SYMMETRIC[name]([10, 0], [0, 7]) == pytest.approx(1.0)


def test_the_default_lines_mean_the_same_shift_of_a_normal(numbers: Profiled) -> None:
    reference = numbers(normal(60_000))
    for shift, psi, ks, js, w1 in (
        (0.316, 0.10, 0.126, 0.133, 0.316),
        (0.5, 0.25, 0.197, 0.209, 0.5),
    ):
        found = by_name(column_drift(reference, numbers(normal(60_000, shift, 2), on=reference)))
        assert found["psi"].value == pytest.approx(psi, rel=0.15)  # ten cells lose a tenth
        assert found["ks"].value == pytest.approx(ks, rel=0.06)
        assert found["js_distance"].value == pytest.approx(js, rel=0.06)
        assert found["wasserstein"].value == pytest.approx(w1, rel=0.06)


def test_rows_behind_bins_lie_between_the_two_ks_limits(numbers: Profiled) -> None:
    from scipy.stats import ks_2samp

    a, b = normal(700), normal(500, 0.3, 5)
    reference = numbers(a)
    current = numbers(b, on=reference)
    gap, at_most = d.ks(reference.counts, current.counts)
    assert gap <= ks_2samp(a, b).statistic <= at_most


@pytest.mark.parametrize("n", [500, 5000])
def test_the_interval_of_psi_covers_the_true_one(n: int) -> None:
    p = np.full(10, 0.1)
    q = np.array([0.13, 0.12, 0.11, 0.11, 0.1, 0.1, 0.09, 0.09, 0.08, 0.07])
    truth = float(((p - q) * np.log(p / q)).sum())
    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(400):
        one, other = rng.multinomial(n, p), rng.multinomial(n, q)
        _, low, high = d.psi_interval(d.psi(one, other), 10, n, n)
        hits += low <= truth <= high
    assert 360 <= hits <= 397


def test_chance_alone_stays_below_the_noise_floor() -> None:
    rng = np.random.default_rng(9)
    for n in (50, 2000):
        floor = d.psi_by_chance(10, n, 10_000)
        above = sum(
            d.psi(rng.multinomial(10_000, [0.1] * 10), rng.multinomial(n, [0.1] * 10)) > floor
            for _ in range(300)
        )
        assert above <= 300 * 0.09


def test_pooling_keeps_frequent_cells_and_gathers_rare_ones() -> None:
    codes = d.pool_rare(np.array([500.0, 3, 300, 2]), np.array([210.0, 1, 160, 0]))
    assert codes.tolist() == [0, 2, 1, 2]


# --------------------------------------------------------------------------- cells


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.floats(-1.1e6, 1.1e6))
@settings(max_examples=60)
def test_reading_between_bins_is_monotone_and_exact_at_edges(
    numbers: Profiled, values: list[float], at: float
) -> None:
    side = side_of(numbers(values))
    ordered = np.sort(values)
    for edge in side.edges[:20]:
        assert side.below(edge) == np.searchsorted(ordered, edge, side="right")
    assert 0 <= float(side.below(at)) <= side.n
    assert float(side.below(at)) <= float(side.below(at + 1.0)) + 1e-9
    assert float(side.below(ordered[-1])) == pytest.approx(len(values))
    assert side.between(side.edges).tolist() == list(numbers(values).counts)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=300), st.floats(0.001, 1))
@settings(max_examples=40)
def test_a_quantile_has_its_share_of_the_rows_below_it(
    numbers: Profiled, values: list[float], p: float
) -> None:
    side = side_of(numbers(values))
    found = side.quantile(p)
    assert found is not None
    assert float(side.below(found + 1e-6)) >= p * len(values) - 1e-6
    assert float(side.below(found - 1e-6)) <= p * len(values) + 1e-6


def test_a_bins_mean_survives_being_read_between_its_ends(numbers: Profiled) -> None:
    values = np.random.default_rng(4).gamma(2.0, 10.0, 4000)
    column = numbers(values.tolist())
    fine = np.linspace(values.min(), values.max(), 20_001)
    found = side_of(column).between(fine)
    middles = np.concatenate(([fine[0]], 0.5 * (fine[1:] + fine[:-1]), [fine[-1]]))
    assert (found @ middles) / found.sum() == pytest.approx(values.mean(), rel=1e-3)
    assert counts_on(column, [10.0, 20.0])[1] == pytest.approx(
        ((values > 10) & (values <= 20)).sum(), rel=0.02
    )


def test_ten_cells_are_about_equal_and_an_atom_is_one_of_its_own(numbers: Profiled) -> None:
    even = side_of(numbers(normal(5000)))
    counts = even.between(ten_cells(even))
    assert counts.size == 10
    assert counts.min() > 450
    atom = side_of(numbers([0.0] * 4000 + normal(1000, 5.0)))
    assert atom.between(ten_cells(atom)).max() >= 4000


@pytest.mark.parametrize(
    ("values", "is_whole", "bins"),
    [
        (list(np.linspace(9, 100, 900)), False, range(14, 25)),
        ([1.0, 2.0, 3.0] * 40, True, range(3, 4)),
        (list(range(0, 2000, 3)), True, range(14, 25)),
        ([5.0] * 50, False, range(1, 2)),
        ([*normal(3000), 1e9], False, range(14, 25)),
    ],
)
def test_display_bins_are_few_and_hold_everything(
    numbers: Profiled, values: list[float], is_whole: bool, bins: range
) -> None:
    column = numbers(values, type="BIGINT" if is_whole else "DOUBLE")
    drift = column_drift(column, column)
    edges = display_edges(side_of(column), side_of(column), is_whole=is_whole)
    assert edges.size - 1 in bins
    assert drift.edges == tuple(edges.tolist())
    assert len(drift.before) == len(drift.after) == edges.size - 1
    assert sum(drift.before) == pytest.approx(1.0)
    assert drift.before == drift.after


def test_one_far_value_does_not_flatten_the_picture(numbers: Profiled) -> None:
    column = numbers([*normal(3000), 1e9])
    assert max(column_drift(column, column).before) < 0.3


# --------------------------------------------------------------------------- columns


def test_an_unmoved_column_passes_and_a_moved_one_fails(numbers: Profiled) -> None:
    reference = numbers(normal(20_000))
    same = column_drift(reference, numbers(normal(20_000, 0.0, 7), on=reference))
    moved = column_drift(reference, numbers(normal(20_000, 0.8, 7), on=reference))
    assert same.verdict == "pass"
    assert moved.verdict == "fail"
    assert moved.primary.ci_low is not None and moved.primary.value is not None
    assert moved.primary.ci_low <= moved.primary.value <= (moved.primary.ci_high or 0)
    assert moved.median_after == pytest.approx(0.8, abs=0.05)
    assert "is over the threshold 0.25" in moved.primary.reason


def test_profiles_on_different_edges_give_nearly_the_same_answer(numbers: Profiled) -> None:
    reference = numbers(normal(20_000))
    values = normal(20_000, 0.4, 8)
    exact = column_drift(reference, numbers(values, on=reference))
    read = column_drift(reference, numbers(values))
    assert read.primary.value == pytest.approx(exact.primary.value or 0, rel=0.02)
    assert "read between the bins" in dict(read.primary.detail)["cells"]


def test_a_column_compared_with_itself_does_not_move(numbers: Profiled, words: Profiled) -> None:
    for column in (numbers(normal(500)), words(["a", "b", "c"] * 50), numbers([4.0] * 500)):
        for result in by_name(column_drift(column, column)).values():
            assert result.value == 0
            assert result.verdict in ("pass", "skipped")


@pytest.mark.parametrize(
    ("values", "verdict", "value"),
    [([7.0] * 400, "pass", 0.0), ([7.0] * 300 + [9.0] * 100, "fail", 0.25)],
)
def test_a_constant_reference_asks_for_the_share_that_differs(
    numbers: Profiled, values: list[float], verdict: str, value: float
) -> None:
    reference = numbers([7.0] * 500)
    for current in (numbers(values), numbers(values, on=reference)):
        drift = column_drift(reference, current)
        assert drift.primary.name == "rate_difference"
        assert drift.primary.value == pytest.approx(value)
        assert drift.verdict == verdict


def test_values_below_a_constant_are_seen_too(numbers: Profiled) -> None:
    reference = numbers([7.0] * 500)
    current = numbers([7.0] * 300 + [1.0] * 100, on=reference)
    assert column_drift(reference, current).primary.value == pytest.approx(0.25)


def test_two_values_are_judged_by_the_difference_of_their_shares(
    numbers: Profiled, words: Profiled
) -> None:
    flags = numbers([0.0] * 700 + [1.0] * 300, type="BIGINT")
    now = numbers([0.0] * 400 + [1.0] * 600, on=flags, type="BIGINT")
    drift = column_drift(flags, now)
    assert drift.primary.name == "rate_difference"
    assert drift.primary.value == pytest.approx(0.3)
    assert dict(drift.primary.detail)["share of"] == "rows that are 1"
    same = column_drift(words(["no"] * 700 + ["yes"] * 300), words(["no"] * 400 + ["yes"] * 600))
    assert same.primary.value == pytest.approx(0.3)
    assert same.verdict == drift.verdict == "fail"


def test_shares_and_psi_agree_about_the_lines(counted_words: Profiled) -> None:
    # 2 · asin √p moved by 0.5: the fail line, where the PSI of the same two cells is near 0.25.
    angle = math.asin(math.sqrt(0.3)) + 0.25
    k = round(math.sin(angle) ** 2 * 100_000)
    before = counted_words({"no": 70_000, "yes": 30_000})
    now = counted_words({"no": 100_000 - k, "yes": k})
    result = column_drift(before, now).primary
    assert result.value == pytest.approx(result.threshold or 0, rel=1e-3)
    assert d.psi([70_000, 30_000], [100_000 - k, k]) == pytest.approx(0.25, rel=0.03)


def test_new_categories_are_counted_named_and_judged(words: Profiled) -> None:
    before = words(["AA"] * 500 + ["UA"] * 300 + ["EV"] * 200)
    now = words(["AA"] * 480 + ["UA"] * 300 + ["EV"] * 190 + ["QX"] * 30)
    drift = column_drift(before, now)
    found = by_name(drift)
    assert drift.new_values == (("QX", 30),)
    assert found["new_share"].value == pytest.approx(0.03)
    assert found["new_share"].verdict == "fail"
    assert drift.verdict == "fail"
    assert math.isfinite(found["psi"].value or math.nan)
    assert drift.labels[-1] == "(new values)"
    assert sum(drift.after) == pytest.approx(1.0)
    vanished = column_drift(now, before)
    assert by_name(vanished)["new_share"].value == 0


def test_a_cut_dictionary_does_not_look_like_drift(words: Profiled) -> None:
    rng = np.random.default_rng(3)
    names = [f"N{i:04d}" for i in range(600)]
    before = words([names[i] for i in rng.integers(0, 600, 30_000)])
    now = words([names[i] for i in rng.integers(0, 600, 30_000)])
    drift = column_drift(before, now)
    assert before.other_count > 0
    assert "new_share" not in by_name(drift)
    assert drift.primary.value is not None and drift.primary.value < 0.02
    assert drift.verdict == "pass"
    assert len(drift.labels) <= 14


def test_missing_values_are_judged_by_themselves(numbers: Profiled) -> None:
    reference = numbers(normal(4000))
    holed = numbers([None] * 400 + normal(3600, 0, 3), on=reference)
    drift = column_drift(reference, holed)
    assert drift.primary.verdict == "pass"
    assert by_name(drift)["missing_difference"].verdict == "fail"
    assert drift.verdict == "fail"
    assert (drift.null_ratio_before, drift.null_ratio_after) == (0.0, 0.1)
    assert by_name(column_drift(holed, reference))["missing_difference"].verdict == "pass"


def test_all_null_leaves_only_the_missing_share(numbers: Profiled) -> None:
    reference = numbers(normal(400))
    drift = column_drift(reference, numbers([None] * 300, on=reference))
    assert drift.primary.name == "missing_difference"
    assert drift.primary.value == 1.0
    assert drift.verdict == "fail"


def test_no_rows_now_is_an_error_and_few_rows_are_inconclusive(numbers: Profiled) -> None:
    reference = numbers(normal(400))
    nothing = column_drift(reference, numbers([], on=reference))
    assert (nothing.verdict, nothing.primary.reason) == ("error", "there is no row now")
    few = column_drift(reference, numbers(normal(20, 3.0), on=reference))
    assert few.verdict == "inconclusive"
    assert few.primary.reason == "20 rows now, 30 are needed"


def test_a_changed_kind_is_an_error_that_names_both_types(
    numbers: Profiled, words: Profiled
) -> None:
    drift = column_drift(numbers(normal(100)), words(["a"] * 100, name="x"))
    assert drift.primary.reason == "it was DOUBLE and is VARCHAR now"


def test_times_move_by_themselves_and_are_not_judged(numbers: Profiled) -> None:
    before = replace(numbers(list(range(1000))), kind="timestamp", type="TIMESTAMP")
    after = replace(numbers(list(range(1000, 2000))), kind="timestamp", type="TIMESTAMP")
    drift = column_drift(before, after)
    assert drift.primary.verdict == "skipped"
    assert drift.verdict == "pass"
    assert len(drift.before) >= 14


# --------------------------------------------------------------------------- reports


def table(**columns: ColumnProfile) -> Profile:
    return Profile(
        rows=max(c.n for c in columns.values()),
        columns=tuple(replace(c, name=name) for name, c in columns.items()),
    )


def test_a_report_is_worst_first_and_says_it_in_a_sentence(numbers: Profiled) -> None:
    base = numbers(normal(5000))
    reference = table(temp=base, humid=base, dewp=base, gone=base)
    current = table(
        temp=numbers(normal(5000, 0.0, 2), on=base),
        humid=numbers(normal(5000, 0.9, 3), on=base),
        dewp=numbers(normal(5000, 0.42, 4), on=base),
        fresh=base,
    )
    report = profile_drift(reference, current, {"humid": 3.0, "temp": 1.0, "dewp": 0.0})
    assert [c.column for c in report.columns] == ["humid", "dewp", "temp"]
    assert [c.is_drifted for c in report.columns] == [True, True, False]
    assert report.drifted_count == 2
    assert report.drifted_weight == pytest.approx(0.75)
    assert report.missing_columns == ("gone",)
    assert report.added_columns == ("fresh",)
    assert report.verdict == "fail"
    assert report.words.startswith("2 of 3 columns moved: humid (PSI 0.")
    assert report.words.endswith("they carry 75 % of the model's importance")


def test_many_columns_without_drift_raise_no_alarm(numbers: Profiled) -> None:
    base = numbers(normal(5000))
    reference = table(**{f"c{i}": base for i in range(40)})
    current = table(**{f"c{i}": numbers(normal(800, 0.0, 100 + i), on=base) for i in range(40)})
    report = profile_drift(reference, current)
    assert report.drifted_count == 0
    assert report.words == "none of 40 columns moved beyond the warn line"
    assert all((c.primary.q_value or 0) >= (c.primary.p_value or 0) for c in report.columns)


def test_profiles_without_common_columns_say_so(numbers: Profiled) -> None:
    base = numbers(normal(50))
    report = profile_drift(table(a=base), table(b=base))
    assert report.columns == ()
    assert report.words == "the two have no column in common"


# --------------------------------------------------------------------------- merging


@given(
    st.lists(st.one_of(st.none(), st.floats(-50, 50)), min_size=2, max_size=120),
    st.integers(1, 119),
)
@settings(max_examples=25)
def test_the_sum_of_two_windows_is_the_profile_of_both(
    numbers: Profiled, values: list[float | None], cut: int
) -> None:
    whole = numbers(values)
    cut = min(cut, len(values) - 1)
    parts = [table(x=numbers(part, on=whole)) for part in (values[:cut], values[cut:])]
    merged = merge_profiles(*parts).columns[0]
    assert merge_profiles(*parts).rows == sum(p.rows for p in parts)
    for field in ("n", "null_count", "counts", "min", "max"):
        assert getattr(merged, field) == getattr(whole, field)
    assert merged.sums == pytest.approx(whole.sums, abs=1e-9)
    assert merged.sum_squares == pytest.approx(whole.sum_squares)


@given(st.lists(st.sampled_from("abcde"), min_size=2, max_size=60), st.integers(1, 59))
def test_dictionaries_of_two_windows_add_up(words: Profiled, values: list[str], cut: int) -> None:
    cut = min(cut, len(values) - 1)
    merged = merge_profiles(table(c=words(values[:cut])), table(c=words(values[cut:])))
    whole = words(values)
    assert merged.columns[0].top == whole.top
    assert merged.columns[0].distinct_count == whole.distinct_count


def test_profiles_on_different_bins_do_not_add_up(numbers: Profiled) -> None:
    with pytest.raises(InvalidError, match="different bins"):
        merge_profiles(table(x=numbers([1.0, 2.0])), table(x=numbers([1.0, 3.0])))
    with pytest.raises(InvalidError, match="columns differ"):
        merge_profiles(table(x=numbers([1.0])), table(y=numbers([1.0])))


def test_counters_of_a_live_window_are_a_profile(numbers: Profiled, words: Profiled) -> None:
    base, origin = numbers(normal(5000)), words(["EWR"] * 50 + ["JFK"] * 40 + ["LGA"] * 30)
    reference = table(temp=base, origin=origin)
    moved = numbers([*normal(900, 0.7, 3), *[None] * 100], on=base)
    window = profile_of(
        reference,
        {
            "temp": (*moved.counts, moved.null_count),
            "origin": (400, 300, 200, 0, 60, 40),
            "unknown": (1, 2),
        },
    )
    direct, live = (
        column_drift(base, moved),
        column_drift(*(p.columns[0] for p in (reference, window))),
    )
    assert live.primary.value == direct.primary.value
    assert live.primary.ci_low == direct.primary.ci_low
    assert live.null_ratio_after == 0.1
    wasserstein = by_name(live)["wasserstein"].value
    assert wasserstein == pytest.approx(by_name(direct)["wasserstein"].value or 0, rel=0.05)
    origins = column_drift(reference.columns[1], window.columns[1])
    assert by_name(origins)["new_share"].value == pytest.approx(60 / 960)
    assert window.columns[1].n == 1000
