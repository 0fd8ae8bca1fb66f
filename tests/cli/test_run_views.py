"""Runs side by side as text, from records: no agent, no process."""

from __future__ import annotations

import io
from dataclasses import replace

from console.cli.output import Output
from console.cli.run_comparison_views import print_calibration, print_comparison
from console.rules.run_comparison import compare, side_by_side_importance
from console.rules.run_histories import condensed
from storage.records.results import Result
from storage.records.runs import CalibrationBin, History, RunComparison
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
