"""Measures how runs differ, on the rows both were judged on; loads numpy, so import it late.

Evaluation rows are small files (truth and score of the held-out rows); they are read here because
a person waits for the answer. Invariant: a difference is given only for equal rows in equal order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec

from console.rules import run_comparison
from console.rules.evaluation.compare import (
    BINARY,
    REGRESSION,
    compare_binary,
    compare_regression,
    difference_word,
)
from console.rules.run_comparison import Word
from storage.errors import StorageError
from storage.objects import Objects
from storage.records.evaluations import Holdout
from storage.records.results import Result
from storage.records.runs import RunComparison, RunDetail

ROWS_AT_MOST = 500_000
"""More evaluation rows than this are not compared here: the answer would take seconds."""


@dataclass(frozen=True, slots=True)
class _Judged:
    holdout: Holdout
    y: Any
    score: Any


def compare(objects: Objects, details: Sequence[RunDetail]) -> RunComparison:
    """Put runs side by side, the first one as the baseline."""
    judged = [_judged(objects, detail) for detail in details]
    wanted = [set(detail.run.metrics) for detail in details]
    differences = [
        _differences(judged[0], other, f"run {details[0].run.id}", wanted[0] & names)
        for other, names in zip(judged[1:], wanted[1:], strict=True)
    ]
    return run_comparison.compare([detail.run for detail in details], differences)


def _judged(objects: Objects, detail: RunDetail) -> _Judged | None:
    """The evaluation rows of a run; None when it has none, or they are lost."""
    files = {each.name: each.digest for each in detail.artifacts}
    if "holdout" not in files or "evaluation" not in files:
        return None
    try:
        holdout = msgspec.convert(objects.read_json(files["holdout"]), Holdout)
        if holdout.task == "multiclass" or holdout.rows > ROWS_AT_MOST:
            return None
        path = objects.path(files["evaluation"])
        with duckdb.connect(config={"threads": "1"}) as connection:
            rows = connection.execute(
                "SELECT y, score FROM read_parquet($path)", {"path": str(path)}
            ).fetchnumpy()
    except (StorageError, duckdb.Error, msgspec.ValidationError):
        return None
    return _Judged(holdout, rows["y"], rows["score"])


def _differences(
    base: _Judged | None, other: _Judged | None, name: str, wanted: set[str]
) -> Mapping[str, tuple[Result, Word]] | None:
    if base is None or other is None:
        return None
    if base.holdout.rows_digest != other.holdout.rows_digest:
        return None
    if base.holdout.task != other.holdout.task:
        return None
    if base.holdout.task == "regression":
        names = [each for each in REGRESSION if each in wanted]
        results = compare_regression(base.y, other.score, base.score, against=name, names=names)
    else:
        names = [each for each in BINARY if each in wanted]
        results = compare_binary(
            base.y,
            other.score,
            base.score,
            other.holdout.threshold,
            base.holdout.threshold,
            against=name,
            names=names,
            cost=base.holdout.cost,
        )
    return {each.name: (each, difference_word(each)) for each in results}
