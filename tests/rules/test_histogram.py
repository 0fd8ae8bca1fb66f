"""Bars of equal width from the bins of a profile."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from console.rules.histogram import bars, shape
from storage.records.profiles import QUANTILES, ColumnProfile


def column(values: list[float], edges: list[float], type_name: str = "DOUBLE") -> ColumnProfile:
    """A profile of `values` on these edges, bins closed on the right."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[sum(value > edge for edge in edges)] += 1
    return ColumnProfile(
        name="x",
        type=type_name,
        kind="numeric",
        n=len(values),
        distinct_count=len(set(values)),
        min=min(values),
        max=max(values),
        edges=tuple(edges),
        counts=tuple(counts),
    )


def test_quantile_bins_of_a_skewed_column_become_falling_bars() -> None:
    draw = random.Random(1)
    values = sorted(draw.expovariate(1) for _ in range(10_000))
    edges = [values[i * len(values) // 256] for i in range(1, 256)]
    shares = shape(column(values, edges), 10)
    exact = [0.0] * 10
    for value in values:
        exact[min(int(value / max(values) * 10), 9)] += 1 / len(values)
    assert shares == pytest.approx(exact, abs=0.01)
    assert shares[0] > shares[1] > shares[2]


def test_each_whole_number_has_a_bar_of_its_own() -> None:
    values: list[float] = [1] * 5 + [2] * 3 + [4] * 2
    assert shape(column(values, [1, 2, 4], "BIGINT"), 12) == pytest.approx((0.5, 0.3, 0.0, 0.2))


def test_many_whole_numbers_share_bars_without_losing_any() -> None:
    values = [float(v) for v in range(100)]
    shares = shape(column(values, values, "UINTEGER"), 10)
    assert shares == pytest.approx([0.1] * 10)


def test_one_value_is_one_bar_and_no_value_is_none() -> None:
    assert shape(column([7.0, 7.0], [7.0])) == (1.0,)
    empty = ColumnProfile(name="x", type="DOUBLE", kind="numeric", n=3, null_count=3)
    assert shape(empty) == ()


def test_an_atom_at_the_end_of_its_bin_stays_in_one_bar() -> None:
    values = [0.0] * 90 + [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
    shares = shape(column(values, [0.0, 5.0]), 10)
    assert shares[0] == pytest.approx(0.9, abs=0.02)
    assert sum(shares) == pytest.approx(1)


def test_far_values_do_not_press_the_others_into_one_bar() -> None:
    values = sorted([float(v) for v in range(1000)] + [1e6, -1e6])
    edges = [values[i * len(values) // 256] for i in range(1, 256)]
    quantiles = tuple(values[int(q * len(values))] for q in QUANTILES)
    shares = shape(replace(column(values, edges), quantiles=quantiles), 10)
    assert sum(shares) == pytest.approx(1)
    assert max(shares) < 0.13


def test_a_rare_value_is_still_a_line() -> None:
    assert bars([0.0, 0.0001, 1.0]) == " ▁█"
