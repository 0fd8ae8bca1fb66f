"""Runs side by side as text, from records: no agent, no process."""

from __future__ import annotations

import io
from dataclasses import replace

from console.cli.output import Output
from console.cli.run_comparison_views import print_calibration, print_comparison
from console.cli.run_diff_views import print_run_diff
from console.cli.run_views import print_run
from console.rules.run_comparison import compare, side_by_side_importance
from console.rules.run_histories import condensed
from storage.records.results import Result
from storage.records.runs import (
    Artifact,
    CalibrationBin,
    History,
    MetricPoint,
    RunComparison,
    RunDetail,
    RunDiff,
)
from tests.rules.test_run_comparison import BASE, other


def compared() -> RunComparison:
    runs = [
        replace(BASE, metrics=BASE.metrics | {"artifact_bytes": 1000.0}),
        other(metrics={"roc_auc": 0.72, "artifact_bytes": 2000.0}, params={"max_iter": 5}),
    ]
    difference = Result(name="roc_auc", value=0.011, ci_low=0.006, ci_high=0.016)
    histories = [
        History(run_id=run.id, metric="valid_log_loss", steps=(1, 2, 3), values=(0.6, low, 0.55))
        for run, low in zip(runs, (0.5, 0.4), strict=True)
    ]
    bins = (CalibrationBin(n=30, score=0.2, seen=0.25, low=0.1, high=0.4),)
    return replace(
        compare(runs, [{"roc_auc": (difference, "better")}]),
        histories=tuple(histories),
        aggregate="best",
        condensed=condensed([run.id for run in runs], histories, "best"),
        importance=side_by_side_importance([(("hour", 0.1),), (("rain", 0.2),)]),
        calibration=(bins, ()),
    )


def printed(found: RunComparison) -> list[str]:
    out = io.StringIO()
    print_comparison(Output(out=out), found)
    return out.getvalue().splitlines()


def line(lines: list[str], start: str) -> str:
    return next(each for each in lines if each.startswith(start))


def test_a_comparison_shows_differences_curves_and_features() -> None:
    lines = printed(compared())
    assert line(lines, "AUC").split() == [
        "AUC",
        "0.709",
        "0.720",
        "+0.011",
        "0.006",
        "to",
        "0.016",
        "better",
    ]
    assert line(lines, "valid log loss").split()[3:] == ["0.500", "2", "0.400", "2"]
    assert line(lines, "rain").split() == ["rain", "–", "0.2000"]
    assert lines[-1].endswith("AUC +0.011 (+0.006 to +0.016): better.")


def test_what_was_not_judged_on_rows_gets_no_word() -> None:
    lines = printed(compared())
    assert line(lines, "size").split()[-1] == "–"
    assert line(lines, "log loss").split() == ["log", "loss", "0.500", "–", "–", "–"]


def test_calibration_is_shown_for_every_run_that_has_one() -> None:
    out = io.StringIO()
    print_calibration(Output(out=out), compared())
    assert "0.200  0.250  0.100 to 0.400    30" in out.getvalue()
    assert "calibration of run 118\nnone was kept" in out.getvalue()


def shown(detail: RunDetail) -> str:
    out = io.StringIO()
    print_run(Output(out=out), detail)
    return out.getvalue()


def test_a_run_tells_everything_it_was_made_with() -> None:
    run = replace(
        BASE,
        code={"commit": "a" * 40, "branch": "main", "is_dirty": "yes", "diff": "d" * 64},
        environment={"python": "3.11", "cpu": "EPYC", "cores": "2", "platform": "Linux"},
        parent_id=110,
        peak_rss_bytes=2 * 10**8,
        tags=("keep",),
        note="before\x1b[31m the holidays",
    )
    points = tuple(
        MetricPoint(metric="valid_log_loss", step=step, value=value, at=BASE.started_at)
        for step, value in ((2, 0.4), (1, 0.6), (3, 0.5))
    )
    files = (Artifact(name="evaluation", kind="parquet", digest="e" * 64, bytes=2500),)
    text = shown(RunDetail(run=run, points=points, artifacts=files, candidates=3, changes="+a\n-b"))
    for told in (
        "code         aaaaaaaaaaaa on main, with uncommitted changes",
        "2 lines not committed: mlops-console run show 117 --changes",
        "parent       run 110",
        "candidates   3: mlops-console run list -f 'parent = 117'",
        "machine      EPYC, 2 cores, Linux",
        "packages     python 3.11",
        "peak memory  200.0 MB",
        "tags         keep",
        "valid log loss      3  0.500  0.400   2  █▅▇",
        "evaluation  parquet  2.5 kB",
    ):
        assert told in text
    assert "\x1b" not in text


def test_a_run_that_failed_early_is_shown_without_holes() -> None:
    run = replace(BASE, state="failed", error="no such column", metrics={}, code={}, environment={})
    text = shown(RunDetail(run=run))
    assert "✗ failed  no such column" in text
    assert "not in a git repository" in text and "machine      –" in text


def test_a_diff_of_runs_names_the_command_for_the_rows() -> None:
    out = io.StringIO()
    found = RunDiff(
        before=117,
        after=118,
        data=(("flights", 3, 4), ("planes", 0, 1)),
        declaration="-a = 1\n+a = 2",
        code="",
        uncommitted="",
        notes=("one note",),
    )
    print_run_diff(Output(out=out), found)
    assert "mlops-console data diff flights@v3..v4" in out.getvalue()
    assert "planes  absent → v1" in out.getvalue()
    assert "+a = 2" in out.getvalue() and "one note" in out.getvalue()
    out.truncate(0)
    print_run_diff(Output(out=out), replace(found, data=(), declaration="", notes=()))
    assert "are equal" in out.getvalue()
