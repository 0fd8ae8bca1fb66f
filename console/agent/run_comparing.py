"""Measures how runs differ, on the rows both were judged on; loads numpy, so import it late.

Evaluation rows are small files (truth and score of the held-out rows); they are read here because
a person waits for the answer. Invariant: a difference is given only for equal rows in equal order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import msgspec
import numpy as np

from console.rules import run_comparison
from console.rules.evaluation.compare import difference_word
from console.rules.evaluation.compare_classes import COMPARABLE, compare_models
from console.rules.run_histories import condensed
from storage.errors import StorageError
from storage.objects import Objects
from storage.records.evaluations import Holdout
from storage.records.results import Result
from storage.records.runs import (
    Aggregate,
    CalibrationBin,
    History,
    Run,
    RunComparison,
    RunDetail,
    Word,
)

ROWS_AT_MOST = 500_000
"""More evaluation rows than this are not compared here: the answer would take seconds."""


@dataclass(frozen=True, slots=True)
class _Judged:
    holdout: Holdout
    y: Any
    scores: Any


def compare(
    objects: Objects,
    details: Sequence[RunDetail],
    histories: Sequence[History],
    aggregate: Aggregate,
) -> RunComparison:
    """Put runs side by side, the first one as the baseline."""
    judged = [_judged(objects, detail) for detail in details]
    runs = [detail.run for detail in details]
    differences = [
        _differences(judged[0], other, runs[0], run)
        for other, run in zip(judged[1:], runs[1:], strict=True)
    ]
    return replace(
        run_comparison.compare(runs, differences),
        histories=tuple(histories),
        aggregate=aggregate,
        condensed=condensed([run.id for run in runs], histories, aggregate),
        importance=run_comparison.side_by_side_importance([each.importance for each in details]),
        calibration=tuple(_calibration(objects, detail) for detail in details),
    )


def _judged(objects: Objects, detail: RunDetail) -> _Judged | str:
    """The evaluation rows of a run, or why there are none."""
    run = detail.run
    files = {each.name: each.digest for each in detail.artifacts}
    if "holdout" not in files or "evaluation" not in files:
        if run.state != "succeeded":
            return f"run {run.id} {_STATE_WORDS.get(run.state, run.state)}"
        return f"run {run.id} kept no scores of held-out rows"
    try:
        holdout = msgspec.convert(objects.read_json(files["holdout"]), Holdout)
        if holdout.rows > ROWS_AT_MOST:
            return f"run {run.id} was judged on more than {ROWS_AT_MOST} rows"
        y, scores = _rows(str(objects.path(files["evaluation"])), holdout)
    except (StorageError, duckdb.Error, msgspec.ValidationError):
        return f"the held-out scores of run {run.id} are lost"
    return _Judged(holdout, y, scores)


_STATE_WORDS = {
    "failed": "failed",
    "running": "still runs",
    "cancelled": "was cancelled",
    "lost": "was lost",
}


def _rows(path: str, holdout: Holdout) -> tuple[Any, Any]:
    """Truth (n_rows,), and scores (n_rows,) or (n_rows, k)."""
    names = [f"p{k}" for k in range(len(holdout.classes))]
    if holdout.task != "multiclass":
        names = ["score"]
    columns = ", ".join(["y", *names])  # fixed names: a letter and a number
    with duckdb.connect(config={"threads": "1"}) as connection:
        found = connection.execute(
            f"SELECT {columns} FROM read_parquet($path)",
            {"path": path},
        ).fetchnumpy()
    scores = found["score"] if names == ["score"] else np.stack([found[n] for n in names], axis=1)
    y = found["y"] if holdout.task == "regression" else found["y"].astype(np.int64)
    return y, scores


def _differences(
    base: _Judged | str, other: _Judged | str, base_run: Run, run: Run
) -> Mapping[str, tuple[Result, Word]] | str:
    if isinstance(base, str):
        return base
    if isinstance(other, str):
        return other
    task = base.holdout.task
    if other.holdout.task != task or other.holdout.classes != base.holdout.classes:
        return "they answer different questions"
    if base.holdout.rows_digest != other.holdout.rows_digest:
        return "they were not judged on the same rows"
    results = compare_models(
        task,
        base.y,
        other.scores,
        base.scores,
        against=f"run {base_run.id}",
        names=[each for each in COMPARABLE[task] if each in base_run.metrics.keys() & run.metrics],
        thresholds=(other.holdout.threshold, base.holdout.threshold),
        cost=base.holdout.cost,
    )
    return {
        each.name: (each, difference_word(each, old=base_run.metrics[each.name]))
        for each in results
    }


def _calibration(objects: Objects, detail: RunDetail) -> tuple[CalibrationBin, ...]:
    digest = next((each.digest for each in detail.artifacts if each.name == "calibration"), None)
    if digest is None:
        return ()
    try:
        return tuple(msgspec.convert(objects.read_json(digest), list[CalibrationBin]))
    except (StorageError, msgspec.ValidationError):
        return ()
