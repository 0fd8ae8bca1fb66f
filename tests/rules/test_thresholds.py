"""The threshold inspector: exact counts, figures with intervals, and how solid a choice is."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.rules.evaluation import evaluate_binary
from console.rules.evaluation.ranking import auc as exact_auc
from console.rules.thresholds import (
    auc,
    bayes_threshold,
    change,
    chosen_thresholds,
    curve,
    curves_of,
    figures,
    figures_at,
    figures_by_slice,
    heaps,
    line_of,
    optimum,
    score_grid,
    seen_shares,
    threshold_of,
    transfer,
)
from storage.records.pipelines import Cost
from storage.records.thresholds import GRID_BINS, ScoreGrid

COST = Cost(false_positive=0.5, false_negative=1.6, review=0.04)
RNG = np.random.default_rng(20130701)
N = 8000
SCORE = RNG.beta(2, 5, N)
Y = (RNG.random(N) < SCORE).astype(int)
FOLD = RNG.integers(0, 5, N)
GRID = score_grid(
    Y,
    SCORE,
    folds={f"fold:{i}": np.equal(FOLD, i) for i in range(5)},
    slices={"low": SCORE < 0.2, "high": SCORE >= 0.2},
)
CURVES = curves_of(GRID)


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=200),
    st.integers(0, GRID_BINS),
)
@settings(max_examples=60)
def test_counts_on_a_grid_line_equal_those_of_the_rows(
    rows: list[tuple[bool, float]], line: int
) -> None:
    y = np.array([int(label) for label, _ in rows])
    score = np.array([value for _, value in rows])
    found = figures_at(curves_of(score_grid(y, score, scale="probability")), line / GRID_BINS, COST)
    said = score >= line / GRID_BINS
    assert (found.tp, found.fp) == (int((said & (y == 1)).sum()), int((said & (y == 0)).sum()))
    assert (found.fn, found.tn) == (int((~said & (y == 1)).sum()), int((~said & (y == 0)).sum()))


def test_scores_that_hundredths_would_misplace_are_counted_right() -> None:
    # 0.57 · 100 is 56.99…: with a hundred bins 0.57 would not reach 0.57.
    score = np.array([0.57, 0.29, 1.0, 0.0])
    grid = score_grid([1, 1, 1, 1], score)
    for line in (line_of(0.57) - 1, line_of(0.57), GRID_BINS, 0):
        t = line / GRID_BINS
        assert figures_at(curves_of(grid), t, COST).tp == int((score >= t).sum())


@pytest.mark.parametrize("scale", ["probability", "log_odds"])
def test_lines_and_thresholds_are_inverse(scale: str) -> None:
    for line in (1, 77, 2048, 4000, GRID_BINS - 1):
        assert line_of(threshold_of(line, scale), scale) == line  # type: ignore[arg-type]
    assert line_of(-0.1) == 0
    assert figures_at(CURVES, 1.5, COST).tp == 0
    assert figures_at(CURVES, 0.0, COST).fn == 0


def test_rare_positives_get_a_grid_that_tells_small_scores_apart() -> None:
    rng = np.random.default_rng(5)
    score = 1 / (1 + np.exp(-rng.normal(-9, 2, 50_000)))
    y = (rng.random(50_000) < score * 3).astype(int)
    grid = score_grid(y, score)
    assert grid.scale == "log_odds"
    curves = curves_of(grid)
    for line in range(500, 2500, 250):
        t = threshold_of(line, "log_odds")
        found = figures_at(curves, t, COST)
        assert found.tp + found.fp == pytest.approx(int((score >= t).sum()), abs=1)
    used = sum(1 for p, n in zip(grid.positives, grid.negatives, strict=True) if p + n)
    flat = score_grid(y, score, scale="probability")
    assert used > 5 * sum(1 for n in flat.negatives if n)


def test_unusable_rows_are_skipped_and_counted() -> None:
    grid = score_grid([1, 0, 1, 0, math.nan], [0.5, math.nan, 1.2, 0.1, 0.3])
    assert grid.skipped_count == 3
    assert sum(grid.positives) == sum(grid.negatives) == 1


def test_slices_and_folds_add_up_to_the_whole() -> None:
    for parts in (GRID.folds, GRID.slices):
        sums = np.sum([part.positives for part in parts], axis=0)
        assert tuple(sums.tolist()) == GRID.positives
    by_slice = figures_by_slice(GRID, 0.3, COST)
    whole = figures_at(CURVES, 0.3, COST)
    assert sum(each.tp for each in by_slice.values()) == whole.tp
    assert "precision" not in by_slice["low"].by_name, "nobody there is said yes"


def test_figures_equal_those_of_the_evaluation() -> None:
    line = line_of(0.3)
    exact = {r.name: r for r in evaluate_binary(Y, SCORE, line / GRID_BINS, cost=COST)}
    found = figures_at(CURVES, 0.3, COST).by_name
    for name in ("recall", "precision", "specificity", "npv", "f1", "mcc"):
        assert found[name].value == pytest.approx(exact[name].value, rel=1e-12)
        assert found[name].low == pytest.approx(exact[name].ci_low, abs=0.002)
        assert found[name].high == pytest.approx(exact[name].ci_high, abs=0.002)
    cost = exact["cost"]
    assert found["cost_per_1000"].value == pytest.approx(cost.value)
    assert found["cost_per_1000"].low == pytest.approx(cost.ci_low, rel=0.01)
    plain = figures(GRID, 0.3, COST)
    assert plain["recall"] == found["recall"].value
    assert plain["tp"] + plain["fn"] == CURVES.positives
    assert plain["alert_ratio"] == pytest.approx((plain["tp"] + plain["fp"]) / N)


@given(st.floats(0, 1))
def test_recall_never_rises_with_the_threshold_and_intervals_hold_their_value(t: float) -> None:
    found = figures_at(CURVES, t, COST, rows_per_day=900)
    later = figures_at(CURVES, min(1.0, t + 0.05), COST)
    assert later.by_name["recall"].value <= found.by_name["recall"].value
    for figure in found.by_name.values():
        assert figure.low <= figure.value + 1e-9
        assert figure.value <= figure.high + 1e-9


def test_alerts_a_day_vary_more_than_their_share_is_unknown() -> None:
    found = figures_at(CURVES, 0.3, COST, rows_per_day=900).by_name
    ratio, alerts = found["alert_ratio"], found["alerts_per_day"]
    assert alerts.value == pytest.approx(900 * ratio.value)
    assert alerts.high - alerts.low > 900 * (ratio.high - ratio.low)
    assert alerts.high - alerts.low > 2 * 1.9 * math.sqrt(alerts.value)


def test_another_prevalence_moves_precision_and_cost_but_not_recall() -> None:
    own = CURVES.positives / CURVES.n
    here = figures_at(CURVES, 0.3, COST).by_name
    same = figures_at(CURVES, 0.3, COST, prevalence=own).by_name
    rare = figures_at(CURVES, 0.3, COST, prevalence=own / 10).by_name
    for name in here:
        assert same[name].value == pytest.approx(here[name].value)
    assert rare["recall"].value == pytest.approx(here["recall"].value)
    assert rare["precision"].value < 0.5 * here["precision"].value
    assert rare["precision"].low < rare["precision"].value < rare["precision"].high
    tpr, fpr = here["recall"].value, 1 - here["specificity"].value
    p = own / 10
    assert rare["precision"].value == pytest.approx(p * tpr / (p * tpr + (1 - p) * fpr))


def test_the_optimum_is_the_cheapest_of_all_lines() -> None:
    best = optimum(GRID, COST)
    costs = [figures(GRID, line / GRID_BINS, COST)["cost_per_1000"] for line in range(0, 4097, 16)]
    assert best.cost_per_1000 <= min(costs) + 1e-9
    assert figures(GRID, best.threshold, COST)["cost_per_1000"] == pytest.approx(best.cost_per_1000)
    assert best.flat_low <= best.threshold <= best.flat_high
    assert best.bayes is not None
    assert best.flat_low < best.bayes < best.flat_high, "the scores are calibrated"


def test_outside_the_flat_stretch_a_threshold_is_distinguishably_dearer() -> None:
    best = optimum(GRID, COST)
    for t in (best.flat_low - 0.01, best.flat_high + 0.01):
        dearer = change(CURVES, t, best.threshold, COST).cost_per_1000
        assert dearer.low > 0


def test_more_rows_make_the_flat_stretch_shorter() -> None:
    rng = np.random.default_rng(2)
    widths = []
    for n in (1000, 100_000):
        score = rng.beta(2, 5, n)
        best = optimum(score_grid((rng.random(n) < score).astype(int), score), COST)
        widths.append(best.flat_high - best.flat_low)
    assert widths[1] < 0.5 * widths[0]


@pytest.mark.parametrize("prevalence", [0.02, 0.7])
def test_the_optimum_follows_the_prevalence_as_bayes_says(prevalence: float) -> None:
    rng = np.random.default_rng(8)
    score = rng.beta(2, 5, 200_000)
    grid = score_grid((rng.random(200_000) < score).astype(int), score)
    best = optimum(grid, COST, prevalence=prevalence)
    assert best.bayes is not None
    assert best.flat_low - 0.02 <= best.bayes <= best.flat_high + 0.02
    direct = figures_at(curves_of(grid), best.threshold, COST, prevalence=prevalence)
    assert direct.by_name["cost_per_1000"].value == pytest.approx(best.cost_per_1000)


def test_bayes_threshold_is_the_ratio_of_costs() -> None:
    assert bayes_threshold(Cost(false_positive=1, false_negative=1)) == 0.5
    assert bayes_threshold(Cost(false_positive=1, false_negative=4)) == pytest.approx(0.2)
    assert bayes_threshold(Cost(false_positive=1, false_negative=1, review=5)) is None
    assert bayes_threshold(Cost(false_positive=0, false_negative=1)) is None


def test_a_miscalibrated_score_shows_as_a_gap_to_bayes() -> None:
    squared = score_grid(Y, SCORE**2)
    best = optimum(squared, COST)
    assert best.bayes is not None
    assert not best.flat_low <= best.bayes <= best.flat_high


def test_a_choice_costs_a_little_more_on_rows_it_was_not_made_on() -> None:
    found = transfer(GRID, COST)
    assert found is not None
    assert 0 <= found.regret < 0.05 * found.cost_per_1000
    assert len(found.thresholds) == 5
    assert transfer(score_grid(Y, SCORE), COST) is None


def test_drawn_choices_scatter_around_the_optimum() -> None:
    drawn = chosen_thresholds(GRID, COST, draws=100, seed=4)
    assert len(drawn) == 100
    assert list(drawn) == sorted(drawn)
    best = optimum(GRID, COST)
    assert drawn[2] < best.threshold < drawn[-3]
    assert drawn == chosen_thresholds(GRID, COST, draws=100, seed=4)


def test_a_change_is_paired_and_turns_its_sign() -> None:
    forth = change(CURVES, 0.3, 0.35, COST, rows_per_day=900)
    back = change(CURVES, 0.35, 0.3, COST, rows_per_day=900)
    assert forth.caught == -back.caught > 0
    assert forth.cost_per_1000.value == pytest.approx(-back.cost_per_1000.value)
    assert forth.alerts_per_day is not None and back.alerts_per_day is not None
    assert forth.alerts_per_day.low == pytest.approx(-back.alerts_per_day.high)
    one, other = figures_at(CURVES, 0.3, COST), figures_at(CURVES, 0.35, COST)
    direct = one.by_name["cost_per_1000"].value - other.by_name["cost_per_1000"].value
    assert forth.cost_per_1000.value == pytest.approx(direct)
    alone = one.by_name["cost_per_1000"]
    assert forth.cost_per_1000.high - forth.cost_per_1000.low < 0.7 * (alone.high - alone.low)
    assert change(CURVES, 0.3, 0.3, COST).cost_per_1000.high == 0


def test_the_paired_interval_covers_the_true_difference() -> None:
    rng = np.random.default_rng(6)
    large = rng.beta(2, 5, 400_000)
    truth = float(
        np.where(
            (large >= 0.25) & (large < 0.4),
            (COST.review - COST.false_negative) * large
            + (COST.review + COST.false_positive) * (1 - large),
            0,
        ).mean()
    ) * 1000  # fmt: skip
    hits = 0
    for _ in range(300):
        score = rng.beta(2, 5, 1500)
        grid = score_grid((rng.random(1500) < score).astype(int), score)
        found = change(curves_of(grid), 0.25, 0.4, COST).cost_per_1000
        hits += found.low <= truth <= found.high
    assert 272 <= hits <= 297


def test_the_area_of_the_grid_is_within_its_bound_of_the_exact_one() -> None:
    value, bound = auc(CURVES)
    exact = exact_auc(Y, SCORE)[0]
    assert abs(value - exact) <= bound < 0.001


def test_pictures_hold_every_row() -> None:
    positives, negatives = heaps(GRID, 60)
    assert sum(positives) + sum(negatives) == N
    shares = seen_shares(GRID)
    assert len(shares) == 10
    assert sum(share.n for share in shares) == N
    assert all(share.low <= share.seen <= share.high for share in shares)
    assert [share.score for share in shares] == sorted(share.score for share in shares)
    points = curve(CURVES, "recall", COST, points=51)
    assert len(points) == 51
    assert points[0][1] is not None and points[0][1].value == 1.0
    assert curve(CURVES, "precision", COST, points=51)[-1][1] is None


def test_a_grid_without_rows_has_nothing_to_say() -> None:
    empty = ScoreGrid(positives=(0,) * 4097, negatives=(0,) * 4097)
    assert figures_at(curves_of(empty), 0.5, COST).by_name == {}
    assert math.isnan(optimum(empty, COST).threshold)
    assert math.isnan(auc(curves_of(empty))[0])
    assert chosen_thresholds(empty, COST) == ()
    assert seen_shares(empty) == ()


def test_moving_the_cursor_loads_nothing_heavy() -> None:
    code = (
        "import sys; from console.rules import thresholds as t\n"
        "from storage.records.pipelines import Cost\n"
        "from storage.records.thresholds import ScoreGrid\n"
        "g = ScoreGrid(positives=(1,) * 4097, negatives=(2,) * 4097)\n"
        "t.figures(g, 0.3, Cost()); t.optimum(g, Cost()); t.transfer(g, Cost())\n"
        "print(sorted({'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
