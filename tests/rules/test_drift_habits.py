"""The null of drift: neighbouring rows are alike, and what a column does by itself is no drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from console.rules.binning import LiveBinner, profile_of, widened
from console.rules.drift import profile_drift
from console.rules.drift.habits import SHORTEST, STRETCHES, habit, limit, stretches
from storage.records.drift import ColumnDrift
from storage.records.profiles import ColumnProfile, Profile
from storage.records.results import Result

Profiled = Callable[..., ColumnProfile]
Process = Callable[[np.random.Generator, int], NDArray[np.float64]]

ROWS = 6000


def smooth(rng: np.random.Generator, rows: int, *, length: float) -> NDArray[np.float64]:
    """Rows that are like their neighbours over about `length` rows (first-order autoregression)."""
    keep = np.exp(-1 / length)
    pushes = rng.normal(size=rows + int(8 * length)) * np.sqrt(1 - keep**2)
    values = np.empty_like(pushes)
    last = 0.0
    for place, push in enumerate(pushes):
        last = keep * last + push
        values[place] = last
    return values[-rows:] * 0.8 + rng.normal(size=rows) * 0.6


def season(rng: np.random.Generator, rows: int, *, length: float) -> NDArray[np.float64]:
    at = np.arange(rows) + rng.uniform(0, length)
    return 1.2 * np.sin(2 * np.pi * at / length) + 0.6 * rng.normal(size=rows)


NULLS: dict[str, Process] = {
    "independent rows": lambda rng, n: rng.normal(size=n),
    "weather of a few blocks": lambda rng, n: smooth(rng, n, length=90),
    "weather of a twentieth of the reference": lambda rng, n: smooth(rng, n, length=300),
    "a day of 500 rows": lambda rng, n: season(rng, n, length=500),
    "a season seen twice": lambda rng, n: season(rng, n, length=2500),
}


def table(column: ColumnProfile) -> Profile:
    return Profile(rows=column.n, columns=(column,))


def moved(reference: ColumnProfile, current: ColumnProfile) -> ColumnDrift:
    return profile_drift(table(reference), table(current)).columns[0]


def far(column: ColumnDrift) -> Result:
    return next(each for each in column.supports if each.name == "wasserstein")


@pytest.mark.parametrize("name", NULLS)
def test_what_a_column_does_by_itself_is_rarely_called_drift(name: str, numbers: Profiled) -> None:
    rng = np.random.default_rng(17)
    alarms, naive, looks = 0, 0, 0
    for _ in range(16):
        values = NULLS[name](rng, 2 * ROWS)
        reference = numbers(values[:ROWS], has_habits=True)
        for length in (100, 400, 1500):
            start = int(rng.integers(ROWS, 2 * ROWS - length))
            window = numbers(values[start : start + length], on=reference)
            looks += 1
            alarms += moved(reference, window).is_drifted
            naive += moved(replace(reference, habits=()), window).is_drifted
    # 5 % of 48 looks and three standard deviations of that.
    assert alarms <= 7
    if name != "independent rows":
        assert naive > 2 * alarms + 5


@pytest.mark.parametrize("name", NULLS)
def test_a_window_far_outside_all_that_was_seen_is_drift(name: str, numbers: Profiled) -> None:
    rng = np.random.default_rng(23)
    values = NULLS[name](rng, 2 * ROWS)
    reference = numbers(values[:ROWS], has_habits=True)
    for length in (100, 400, 1500, ROWS):
        column = moved(reference, numbers(values[ROWS : ROWS + length] + 5.0, on=reference))
        assert column.is_drifted
        assert (far(column).value or 0) > (far(column).noise or 0)


def test_a_clear_shift_of_independent_rows_is_found_in_a_hundred(numbers: Profiled) -> None:
    rng = np.random.default_rng(29)
    reference = numbers(rng.normal(size=ROWS), has_habits=True)
    found = [
        moved(reference, numbers(rng.normal(0.9, 1, 100), on=reference)).is_drifted
        for _ in range(20)
    ]
    assert sum(found) >= 18


def test_summer_is_drift_of_a_winter_whose_weeks_differ(numbers: Profiled) -> None:
    """PSI cannot tell them: a cold week fills one cell, and so does the summer."""
    rng = np.random.default_rng(31)
    winter = 40 + 9 * smooth(rng, ROWS, length=120)
    reference = numbers(winter, has_habits=True)
    coldest = min(range(0, ROWS - 200, 50), key=lambda start: winter[start : start + 200].mean())
    cold = moved(reference, numbers(winter[coldest : coldest + 200], on=reference))
    summer = moved(reference, numbers(rng.normal(80, 6, 200), on=reference))
    assert cold.verdict == summer.verdict == "fail"
    assert not cold.is_drifted
    assert summer.is_drifted
    assert (summer.primary.value or 0) < (summer.primary.noise or 0)
    report = profile_drift(table(reference), table(numbers(rng.normal(80, 6, 200), on=reference)))
    assert report.words.startswith("1 of 1 column moved: x (PSI")
    assert "outside all values of the reference" in report.columns[0].words
    calm = profile_drift(
        table(reference), table(numbers(winter[coldest : coldest + 200], on=reference))
    )
    assert calm.words == (
        "1 of 1 column moved beyond the warn line, none further than chance or its own habit "
        "takes it"
    )


def test_a_tenth_of_the_rows_in_new_territory_is_drift_whatever_the_habit(
    numbers: Profiled,
) -> None:
    months = np.repeat([1.0, 2.0, 3.0], ROWS // 3)
    reference = numbers(months, type="BIGINT", has_habits=True)
    usual = moved(reference, numbers([3.0] * 900 + [1.0] * 100, on=reference, type="BIGINT"))
    assert usual.verdict == "fail"
    assert not usual.is_drifted
    for share, is_drift in ((0.02, False), (0.3, True), (1.0, True)):
        new = round(1000 * share)
        values = [*([4.0] * new), *([2.0] * (1000 - new))]
        found = moved(reference, numbers(values, on=reference, type="BIGINT"))
        assert found.is_drifted is is_drift
        outside = next(each for each in found.supports if each.name == "outside_share")
        assert outside.value == pytest.approx(share)
    assert found.words == "x: 100.0 % of its rows lie outside all values of the reference"
    zeros = numbers([0.0] * 900 + list(range(1, 101)), has_habits=True)
    same = moved(zeros, numbers([0.0] * 500, on=zeros))
    outside = next(each for each in same.supports if each.name == "outside_share")
    assert outside.value == 0


def test_live_counts_show_how_far_beyond_the_training_rows_lie(numbers: Profiled) -> None:
    rng = np.random.default_rng(53)
    winter = 40 + 9 * smooth(rng, ROWS, length=120)
    known = table(numbers(winter, has_habits=True))
    served = widened(known)
    binner = LiveBinner(served)
    mixed = np.concatenate((rng.normal(52, 6, 300), rng.normal(80, 6, 500)))
    for value in mixed:
        binner.add([value])
    window = profile_of(served, binner.take())
    live = profile_drift(served, window).columns[0]
    exact = profile_drift(known, table(numbers(mixed, on=known.columns[0]))).columns[0]
    assert live.primary.value == pytest.approx(exact.primary.value or 0)
    assert far(live).value == pytest.approx(far(exact).value or 0, rel=0.1)
    assert live.is_drifted
    assert live.median_after == pytest.approx(float(np.median(mixed)), abs=5)
    assert sum(live.after[-3:]) < 0.5  # not all in the last bar
    # Nothing else changes: the training rows are where they were.
    same = profile_drift(served, known).columns[0]
    assert (same.primary.value, far(same).value) == (0.0, pytest.approx(0.0, abs=0.02))


@pytest.mark.parametrize("values", [[7.0] * 60, [0.0, 1.0] * 40, [1e150, -1e150] * 20, []])
def test_bins_outside_hold_no_training_row(numbers: Profiled, values: list[float]) -> None:
    column = numbers(values)
    wide = widened(table(column)).columns[0]
    assert sum(wide.counts) == sum(column.counts)
    assert len(wide.counts) == len(wide.edges) + 1
    assert list(wide.edges) == sorted(set(wide.edges))
    drift = profile_drift(table(wide), table(numbers(values, on=wide))).columns[0]
    assert drift.verdict in ("pass", "error")


def test_a_season_of_categories_is_a_habit_and_another_mix_is_not(words: Profiled) -> None:
    rng = np.random.default_rng(37)
    share = 0.5 + 0.3 * np.sin(np.arange(ROWS) * 2 * np.pi / 1200)
    values = np.where(rng.random(ROWS) < share, "sun", np.where(rng.random(ROWS) < 0.5, "a", "b"))
    reference = words(values.tolist(), has_habits=True)
    usual = words(values[150:350].tolist())
    assert moved(reference, usual).primary.verdict == "fail"
    assert not moved(reference, usual).is_drifted
    assert moved(reference, words(["a"] * 180 + ["b"] * 20)).is_drifted


def test_a_share_of_two_values_and_of_missing_ones_has_habits_too(numbers: Profiled) -> None:
    rng = np.random.default_rng(41)
    share = 0.4 + 0.35 * np.sin(np.arange(ROWS) * 2 * np.pi / 1500)
    flags = (rng.random(ROWS) < share).astype(float)
    reference = numbers(flags, type="BIGINT", has_habits=True)
    peak = numbers(flags[150:600], on=reference, type="BIGINT")
    found = moved(reference, peak)
    assert found.primary.name == "rate_difference"
    assert found.verdict == "fail"
    assert not found.is_drifted
    holed = [None if rng.random() < each else 1.0 * i for i, each in enumerate(share)]
    gaps = numbers(holed, has_habits=True)
    window = numbers(holed[250:650], on=gaps)
    missing = next(e for e in moved(gaps, window).supports if e.name == "missing_difference")
    assert missing.verdict == "fail"
    assert (missing.value or 0) < (missing.noise or 0)


def test_a_value_that_was_always_there_has_no_habit_of_missing(numbers: Profiled) -> None:
    reference = numbers(np.random.default_rng(43).normal(size=ROWS), has_habits=True)
    assert {each.missing for each in reference.habits} == {0.0}
    holed = numbers([None] * 60 + list(np.random.default_rng(44).normal(size=540)), on=reference)
    assert moved(reference, holed).is_drifted


@given(st.integers(0, 3_000_000))
@settings(max_examples=50)
def test_stretches_lie_inside_the_table_and_rise(rows: int) -> None:
    plan = stretches(rows)
    assert bool(plan) == (rows >= 20 * SHORTEST)
    for length, at in plan:
        assert SHORTEST <= length <= rows // 5
        assert at.shape == (STRETCHES, min(length, 512))
        assert at.min() >= 0
        assert at.max() < rows
        assert (np.diff(at, axis=1) > 0).all()
        assert (at[:, -1] - at[:, 0] < length).all()


@given(st.integers(0, 10**6), st.integers(1000, 2500), st.integers(1, 4))
@settings(max_examples=15)
def test_habits_are_finite_and_stay_the_same_outside_what_was_measured(
    numbers: Profiled, seed: int, rows: int, kinds: int
) -> None:
    values = np.random.default_rng(seed).choice([-2.0, 0.0, 0.5, 7.0][:kinds], rows)
    column = numbers(values, has_habits=True)
    for each in column.habits:
        assert 0 <= each.distance <= each.furthest <= 9
        assert 0 <= each.psi < np.inf
        assert each.missing == 0
    shortest, longest = column.habits[0].rows, column.habits[-1].rows
    assert limit(column, 1, "distance") == limit(column, shortest, "distance")
    assert limit(column, 10**9, "psi") == limit(column, longest, "psi")
    assert limit(replace(column, habits=()), 500, "missing") is None


def test_a_stretch_that_is_all_missing_has_no_distance(numbers: Profiled) -> None:
    column = numbers([None] * 500 + [1.0, 2.0] * 250, has_habits=True)
    codes = np.full((3, 50), -1)
    found = habit(column, 50, codes)
    assert (found.distance, found.psi) == (0.0, 0.0)
    assert found.missing > 0.4
