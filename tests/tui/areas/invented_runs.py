"""An invented year of trainings, for tests of what screens show."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from console.rules.run_comparison import compare, side_by_side_importance
from console.rules.run_histories import condensed
from console.tui.snapshots.jobs import Comparison, JobLog, RunView, Snapshot
from storage.records.jobs import Job, JobKind, JobState, LogChunk, Progress
from storage.records.results import Result
from storage.records.runs import (
    CalibrationBin,
    DataUse,
    History,
    MetricPoint,
    Run,
    RunDetail,
    RunDiff,
    RunState,
)

NOW = datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC)
METRICS = ("roc_auc", "recall")
PARAMS: dict[str, Any] = {
    "max_depth": 6,
    "learning_rate": 0.1,
    "class_weight": "balanced",
    "early_stopping": True,
}


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def job(id: int, kind: JobKind, title: str, state: JobState = "succeeded", **more: Any) -> Job:
    given: dict[str, Any] = {"created_at": ago(hours=1), "result": {}, "spec": {}} | more
    return Job(id=id, kind=kind, title=title, state=state, created_by="ana", **given)


JOBS = (
    job(118, "train", "train delays", "running", started_at=ago(seconds=396),
        progress=Progress(done=0.62, total=1, text="fold 3 of 5", at=NOW),
        cpu_ratio=1.9, rss_bytes=412_000_000),
    job(120, "search", "search depth", "queued", after=(118,),
        progress=Progress(text="after 118")),
    job(117, "train", "train delays", started_at=ago(minutes=42), ended_at=ago(minutes=39),
        result={"model": "delays", "version": 5}),
    job(115, "train", "train delays", "failed", started_at=ago(minutes=70),
        ended_at=ago(minutes=69), reason="column visib is missing"),
    job(114, "ingest", "data add flights", started_at=ago(hours=3), ended_at=ago(hours=2.9),
        result={"dataset": "flights", "version": 7}),
)  # fmt: skip


def run(id: int, version: int, auc: float | None, recall: float = 0.0, **more: Any) -> Run:
    metrics = {} if auc is None else {"roc_auc": auc, "recall": recall, "log_loss": 0.9 - auc / 2}
    state: RunState = more.pop("state", "succeeded")
    given: dict[str, Any] = {"params": PARAMS, "started_at": ago(days=300 - id)} | more
    return Run(
        id=id, job_id=id, pipeline="delays", state=state, seed=2013, metrics=metrics,
        data=(DataUse(dataset="flights", version=version, digest=str(version)),),
        code={"commit": "4f1c9e02b7aa11"}, environment={"python": "3.11.4"}, duration_s=161.0,
        rows_train=156_466, rows_holdout=29_425, holdout="2013-07-01 to 2013-07-31",
        created_by="ana", **given,
    )  # fmt: skip


RUNS = (
    run(118, 7, None, state="running", started_at=ago(seconds=396)),
    run(117, 7, 0.744, 0.606, model="delays@v5", params=PARAMS | {"learning_rate": 0.06}),
    run(116, 7, 0.741, 0.581, params={"max_depth": 8, "learning_rate": 0.1,
                                      "early_stopping": False}),
    run(115, 7, None, state="failed", error="column visib is missing; step features reads it"),
    run(109, 5, 0.733, 0.627),
    run(104, 5, 0.732, 0.625, model="delays@v4"),
)  # fmt: skip


def snapshot() -> Snapshot:
    return Snapshot(jobs=JOBS, runs=RUNS, champions=("delays@v4",), metrics=METRICS, at=NOW)


def empty() -> Snapshot:
    return Snapshot(jobs=(), runs=(), champions=(), at=NOW)


def detail(id: int) -> RunDetail:
    found = next(each for each in RUNS if each.id == id)
    results = [
        Result(name=name, value=value, ci_low=value - 0.006, ci_high=value + 0.006, n=29_425)
        for name, value in found.metrics.items()
    ]
    groups = (("origin=LGA", 0.731, 9800), ("carrier=MQ", 0.702, 2400), ("carrier=UA", 0.751, 5200))
    results += [
        Result(name="roc_auc", scope=f"slice:{group}", value=value, n=rows,
               ci_low=value - 0.9 / rows**0.5, ci_high=value + 0.9 / rows**0.5)
        for group, value, rows in groups
    ]  # fmt: skip
    points = tuple(
        MetricPoint(metric=f"{side}_log_loss", step=step, at=NOW,
                    value=floor + 0.05 * math.exp(-step / 40))
        for step in range(1, 200, 2)
        for side, floor in (("train", 0.545), ("valid", 0.567))
    )  # fmt: skip
    folds = tuple(
        Result(name="roc_auc", scope=f"fold:{n}", value=0.72 + n / 100, ci_low=0.71 + n / 100,
               ci_high=0.73 + n / 100)
        for n in (1, 2, 3)
    )  # fmt: skip
    if not found.metrics:
        return RunDetail(run=found)
    return RunDetail(run=found, results=tuple(results), points=points, folds=folds,
                     importance=(("dep_hour", 0.081), ("humid", 0.043)))  # fmt: skip


def comparison(ids: tuple[int, ...]) -> Comparison:
    details = [detail(id) for id in ids]
    base = details[0].run
    differences = []
    for each in details[1:]:
        known = {}
        for name, word in (("roc_auc", "better"), ("recall", "unclear"), ("log_loss", "worse")):
            if name in each.run.metrics and name in base.metrics:
                value = each.run.metrics[name] - base.metrics[name]
                known[name] = (Result(name=name, value=value, ci_low=value - 0.004,
                                      ci_high=value + 0.004), word)  # fmt: skip
        differences.append(known)
    found = compare([each.run for each in details], differences)  # type: ignore[arg-type]  # words
    histories = [
        History(run_id=id, metric="valid_log_loss", steps=tuple(range(1, 31)),
                values=tuple(0.56 + 0.05 * math.exp(-step / 9) + id / 1e5 for step in range(30)))
        for id in ids
        if detail(id).run.metrics
    ]  # fmt: skip
    bins = tuple(CalibrationBin(n=90, score=k / 10, seen=k / 11, low=k / 13, high=k / 9)
                 for k in range(1, 10))  # fmt: skip
    found = replace(
        found,
        histories=tuple(histories),
        condensed=condensed(ids, histories, "last"),
        importance=side_by_side_importance([each.importance for each in details]),
        calibration=tuple(bins if each.run.metrics else () for each in details),
    )
    return Comparison(comparison=found, folds=tuple(each.folds for each in details[:2]))


def diff_of(before: int, after: int) -> RunDiff:
    return RunDiff(
        before=before,
        after=after,
        data=(("flights", 5, 7),),
        declaration="--- a\n+++ b\n@@ -1 +1 @@\n-params.max_iter = 60\n+params.max_iter = 90",
        code="",
        uncommitted="",
        notes=("run 104 was not made in a git repository: its code is not known",),
    )


LOG = (
    "09:38:36  fold 2 of 5  AUC 0.738\n"
    "09:39:05  fold 3 of 5, 27 118 rows held out\n"
    "09:40:02  round 100  valid log loss 0.573\n"
)


def chunk(text: str, start: int, *, is_final: bool = False) -> LogChunk:
    """The log from a byte on."""
    start = max(0, start)
    raw = text.encode()
    return LogChunk(text=raw[start:].decode(), start=start, end=len(raw), size=len(raw),
                    is_final=is_final)  # fmt: skip


def answer(what: str, arguments: dict[str, Any]) -> Any:
    """What the agent would have answered."""
    if what == "compare":
        return comparison(arguments["ids"])
    if what == "curve":
        return detail(arguments["id"])
    if what == "run":
        base = arguments["base"]
        return RunView(detail=detail(arguments["id"]), base=detail(base) if base else None)
    if what == "diff":
        return diff_of(arguments["before"], arguments["after"])
    is_final = arguments["id"] != 118
    return JobLog(id=arguments["id"], chunk=chunk(LOG, arguments["start"], is_final=is_final))
