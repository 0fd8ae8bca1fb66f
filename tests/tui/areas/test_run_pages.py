"""Runs side by side in pictures, and what they were made with."""

from __future__ import annotations

from dataclasses import replace

from console.tui.areas.jobs import compare_pictures
from console.tui.areas.jobs.diff_page import lines_of
from tests.tui.areas.invented_runs import answer, comparison, diff_of, snapshot
from tests.tui.areas.shown import seen

TALL = (160, 90)


async def test_a_comparison_shows_curves_features_and_calibration_of_all_runs() -> None:
    async with seen("jobs", snapshot(), answer, size=TALL) as it:
        screen = await it.press("j", "space", "space", "c")
        assert "In words" in screen and "Run 117 differs from run 104" in screen
        assert "Learning curves valid log loss" in screen
        ends = [f"{run} 0.5" for run in (104, 116, 117)]
        assert all(end in screen for end in ends)
        assert "What they look at 2 of 2 columns" in screen
        assert it.row(screen, "dep_hour").count("0.0810") == 3
        assert "Said and seen mean score, share of positives" in screen
        assert "0.25" in screen and "0.75" in screen


async def test_a_curve_is_its_last_or_its_best_value() -> None:
    async with seen("jobs", snapshot(), answer, size=TALL) as it:
        screen = await it.press("j", "c")
        assert "curves, last value" in screen
        assert "@" not in it.row(screen, "valid log loss ↓")
        screen = await it.press("a")
        assert "curves, min value" in screen and "@30" in it.row(screen, "valid log loss ↓")
        screen = await it.press("a")
        assert "curves, max value" in screen and "@1" in it.row(screen, "valid log loss ↓")
        screen = await it.press("a")
        assert "curves, best value" in screen and "@30" in it.row(screen, "valid log loss ↓")


async def test_d_shows_what_two_runs_were_made_with_and_leads_to_their_rows() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("j", "c", "d")
        assert it.app.wants[-1] == ("diff", {"before": 104, "after": 117})
        assert "Made with run 104 → run 117" in screen
        assert "flights  v5 → v7" in screen
        assert "+params.max_iter = 90" in screen and "its code is not known" in screen
        await it.press("enter")
        assert it.app.jumps == ["data:flights@v5..v7"]
        screen = await it.press("escape")
        assert "Compare 2 runs" in screen


async def test_runs_made_alike_are_said_to_be() -> None:
    def equal(what: str, arguments: dict[str, int]) -> object:
        if what != "diff":
            return answer(what, arguments)
        return replace(diff_of(1, 2), data=(), declaration="", notes=())

    async with seen("jobs", snapshot(), equal) as it:
        screen = await it.press("j", "c", "d")
        assert "Data, declaration and code are equal." in screen


def test_runs_without_pictures_have_none() -> None:
    bare = replace(comparison((104, 117)).comparison, histories=(), calibration=(), importance=())
    assert compare_pictures.curves(bare) is None
    assert compare_pictures.calibration(bare) is None
    assert compare_pictures.features(bare) == ()
    folds_only = comparison((104, 117)).comparison
    folds = tuple(replace(each, metric="fold_roc_auc") for each in folds_only.histories)
    assert compare_pictures.curve_name(replace(folds_only, histories=folds)) == ""


def test_a_picture_holds_a_few_runs_and_the_table_all() -> None:
    found = comparison((104, 118, 117, 116, 109, 104)).comparison
    chart = compare_pictures.curves(found)
    assert chart is not None and len(chart.series) <= compare_pictures.DRAWN_AT_MOST


def test_foreign_text_in_a_diff_stays_text() -> None:
    rows = lines_of(replace(diff_of(1, 2), code="+a\x1b[31m\n-[bold]b"))
    assert all("\x1b" not in row.words for row in rows)
    assert any(row.words == "-[bold]b" for row in rows)
