"""Runs side by side in pictures, and what they were made with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from console.tui.areas.jobs import compare_pictures, runs
from console.tui.areas.jobs.diff_page import lines_of
from console.tui.snapshots.jobs import RunView
from storage.records.runs import Artifact, SavedView
from tests.tui.areas.invented_runs import (
    NOW,
    RUNS,
    answer,
    comparison,
    detail,
    diff_of,
    snapshot,
)
from tests.tui.areas.shown import seen
from tests.tui.reading import write

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


VIEWS = (
    SavedView(name="good", filter="roc_auc > 0.74", sort=("-roc_auc",), group="max_depth",
              hidden=("metrics.recall",), columns=("params.learning_rate",)),
    SavedView(name="old", filter="nosuch > 3"),
)  # fmt: skip


async def test_a_saved_view_brings_filter_order_groups_and_columns() -> None:
    async with seen("jobs", replace(snapshot(), views=VIEWS), answer, size=(140, 40)) as it:
        screen = await it.press("V")
        assert "good" in screen and "roc_auc > 0.74 · by -roc_auc" in screen
        screen = await it.press("1")
        assert "of 6" in it.row(screen, "Runs delays")
        assert "by max_depth, sorted by AUC ↑" in screen
        rows = [row for row in screen.splitlines() if "● done" in row and "0.7" in row]
        assert rows == sorted(rows, key=lambda row: ("max_depth 8" in row, row.index("●")))
        assert "max_depth 6" in screen and "learning_rate" in screen and "recall ↑" not in screen
        screen = await it.press("V", "0")
        assert "newest first" in screen and "recall ↑" in screen and "max_depth 6" not in screen


async def test_what_is_seen_is_kept_under_a_name_and_can_be_forgotten() -> None:
    async with seen("jobs", replace(snapshot(), views=VIEWS), answer, size=(140, 40)) as it:
        await it.press("V", "1", "V", "s")
        action, given = it.app.acts[-1]
        assert action == "set_run_view"
        kept = SavedView(name="good", **{k: v for k, v in given.items() if k != "ask"})
        assert kept.filter == VIEWS[0].filter and kept.sort == ("-metrics.roc_auc",)
        assert (kept.group, kept.columns) == ("params.max_depth", ("params.learning_rate",))
        assert kept.hidden == ("metrics.recall",)
        await it.press("V", "f")
        assert it.app.acts[-1] == ("remove_run_view", {"name": "good"})


async def test_a_view_whose_filter_is_none_any_more_leaves_every_run() -> None:
    async with seen("jobs", replace(snapshot(), views=VIEWS), answer, size=(140, 40)) as it:
        screen = await it.press("V", "2")
        assert "Runs delays · 6" in screen


async def test_runs_stand_in_groups_and_the_cursor_stays_in_sight() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("o")
        assert "max_depth" in screen and "no groups" in screen
        screen = await it.press("2")
        assert "by state" in screen and "state succeeded" in screen
        screen = await it.press("G")
        assert "▌" in screen


def test_parameters_and_metrics_beyond_the_leading_ones_wait_to_be_taken() -> None:
    wide = replace(RUNS[1], metrics={f"m{k:03}": 0.5 for k in range(300)})
    names = tuple(wide.metrics)
    found = runs.columns([wide], None, lambda: NOW, metrics=names, params=("max_depth",))
    usual = [each for each in found if not each.is_extra]
    assert len(found) > 300 and len(usual) < 20
    assert [each.key for each in found if each.key.startswith("params.")] == ["params.max_depth"]


async def test_metrics_that_older_runs_do_not_carry_are_asked_for_when_they_are_used() -> None:
    wide = {f"m{k:03}": k / 300 for k in range(300)}
    newest = [replace(RUNS[1], id=number, metrics=wide) for number in range(900, 400, -1)]
    older = [replace(each, id=each.id - 500, metrics={"m000": 0.5}) for each in newest[:400]]
    many = replace(snapshot(), runs=tuple(newest + older))

    def without_lists(what: str, arguments: dict[str, Any]) -> Any:
        return None if what == "main" else answer(what, arguments)

    async with seen("jobs", many, without_lists) as it:
        assert not [want for want in it.app.wants if want[0] == "main"]
        it.app.area.table.order_by("metrics.m250")  # type: ignore[union-attr]
        await it.text()
        assert it.app.wants[-1] == ("main", {"metrics": ("m250",)})
        await it.press("slash")
        await write(it.pilot, "m299 > 0.9")
        await it.press("enter")
        assert it.app.wants[-1] == ("main", {"metrics": ("m250", "m299")})


async def test_a_run_tells_what_it_was_made_with_and_which_files_it_made() -> None:
    full = replace(
        detail(117),
        run=replace(
            detail(117).run,
            environment={"cpu": "EPYC", "cores": "2", "platform": "Linux", "pandas": "3.1"},
            code={"commit": "a" * 40, "is_dirty": "yes"},
            parent_id=110,
            tags=("keep",),
        ),
        artifacts=(Artifact(name="evaluation", kind="parquet", digest="e", bytes=2500),),
        changes="+a\n-b",
        candidates=3,
    )

    def told(what: str, arguments: dict[str, Any]) -> Any:
        return RunView(detail=full) if what == "run" else answer(what, arguments)

    async with seen("jobs", snapshot(), told, size=TALL) as it:
        screen = await it.press("j", "enter")
        assert "2 lines" in it.row(screen, "uncommitted", "run show 117 --changes")
        assert "run 110" in it.row(screen, "candidate of")
        assert "3 runs" in it.row(screen, "candidates")
        assert "EPYC, 2 cores, Linux" in screen and "pandas 3.1" in screen
        assert "keep" in it.row(screen, "note")
        assert "2.5 kB" in it.row(screen, "evaluation", "parquet")
