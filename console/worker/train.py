"""The job `train`: from pinned data versions to a run, a judged model and its package.

Called by `console.worker.main`. Invariant: a model is reported only when all of it is on disk,
proven to score as in training, and judged by the gates of its order.
"""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from console import text
from console.rules import metrics as catalog
from console.worker.context import JobContext
from console.worker.training import estimators, judging, reproduction, verdict
from console.worker.training.fitting import Fit, Fitted, cores, fit_all, learning_curve
from console.worker.training.importance import permutation_importance
from console.worker.training.packaging import Contents, Package, store_package, store_profile
from console.worker.training.rows import (
    Cases,
    Pinned,
    make_cases,
    read_pinned,
    read_table,
    reference_queries,
)
from console.worker.training.session import Training, begin
from console.worker.training.splitting import Parts, split_rows
from console.worker.training.step_cache import StepCache
from console.worker.training.watching import Watch
from storage.records.models import GateReport
from storage.records.pipelines import Pipeline
from storage.records.reports import ModelReport, RunPoints, RunResults
from storage.records.results import Result
from storage.records.runs import MetricPoint

FOLD_METRICS = {
    "binary": ("roc_auc", "log_loss", "recall", "precision"),
    "multiclass": ("accuracy", "log_loss"),
    "regression": ("mae", "rmse"),
}
"""Measured on every fold: cheap ones, the leading one first."""


def run(job: JobContext) -> dict[str, Any]:
    """Train, judge and package; returns what was made."""
    training = begin(job)
    estimator = estimators.make_estimator(
        training.order.pipeline, training.record.params, training.order.seed
    )
    baselines = verdict.baseline_names(training.order.pipeline, training.order.gates)
    training.total = steps_of(training.order.pipeline, baselines)
    pinned = read_pinned(job.objects, training.order.data)
    cases, parts = prepare(training, pinned)
    return complete(training, pinned, cases, parts, estimator, baselines)


def steps_of(pipeline: Pipeline, baselines: Sequence[str]) -> int:
    """Steps that the progress of a training counts."""
    return 4 + pipeline.split.folds + len(baselines)


def complete(
    training: Training,
    pinned: Sequence[Pinned],
    cases: Cases,
    parts: Parts,
    estimator: Any,
    baselines: Sequence[str],
) -> dict[str, Any]:
    """Fit, judge and package prepared cases; ends the run and registers the model."""
    watch = Watch(training, cases, _curve_fit(parts))
    fitted = _fit(training, cases, parts, estimator, baselines, watch)
    _report_folds(training, cases, parts, fitted, watch)
    package = _package(training, cases, parts, pinned, fitted)
    judged, report = _judge(training, cases, parts, pinned[0], fitted, package)
    return _finish(training, package, judged, report)


def prepare(training: Training, pinned: Sequence[Pinned]) -> tuple[Cases, Parts]:
    """Read the versions, run the training flow, split the rows."""
    job, pipeline = training.job, training.order.pipeline
    source = pinned[0].use
    training.say(f"reading {source.dataset}@v{source.version}")
    raw = read_table(pinned[0], job.objects, threads=cores())
    job.check_cancelled()
    cases = make_cases(
        pipeline,
        raw,
        reference_queries(pinned, job.objects),
        root=job.workspace.root,
        temp=job.paths.directory,
        threads=cores(),
        say=training.say,
        cache=StepCache(job.workspace.cache, job.workspace.root, [each.use for each in pinned]),
    )
    column = cases.columns.get(pipeline.split.column)
    parts = split_rows(pipeline, cases.y, column, training.order.seed)
    job.log(
        f"{text.counted(len(cases), 'case')}, {len(cases.features)} features; "
        f"{text.count(len(parts.train))} to train, {text.count(len(parts.holdout))} held out "
        f"({parts.description})"
    )
    training.step_done()
    training.update(
        rows_train=len(parts.train), rows_holdout=len(parts.holdout), holdout=parts.description
    )
    return cases, parts


def _fit(
    training: Training,
    cases: Cases,
    parts: Parts,
    estimator: Any,
    baselines: Sequence[str],
    watch: Watch,
) -> dict[str, Fitted]:
    """Fit the model, its folds and the baselines side by side; tell every end."""
    pipeline, seed = training.order.pipeline, training.order.seed

    def whole(estimator: Any) -> Any:
        return estimators.with_preprocessing(
            pipeline, estimator, cases.features, cases.types, cases.frame
        )

    fits = [Fit("final", whole(estimator), parts.train, parts.holdout)]
    # Largest first: the last task to end decides how long all take.
    folds = list(enumerate(parts.folds, 1))
    fits += [Fit(f"fold:{k}", whole(estimator), a, b) for k, (a, b) in reversed(folds)]
    for name in baselines:
        declared = replace(pipeline, estimator=verdict.baseline_path(pipeline, name))
        other = estimators.make_estimator(declared, {}, seed)
        # A dummy looks at no feature, so nothing needs to be prepared for it.
        chain = other if name == "dummy" else whole(other)
        fits.append(Fit(f"baseline:{name}", chain, parts.train, parts.holdout))
    training.say(f"fitting {type(estimator).__name__}")
    fitted: dict[str, Fitted] = {}
    for each in fit_all(cases, fits, pipeline.task, pipeline.backend, watch.look):
        fitted[each.fit.name] = each
        training.step_done()
        training.say(_fit_words(training, cases, each, fitted, len(folds)))
    return fitted


def _fit_words(
    training: Training, cases: Cases, each: Fitted, fitted: Mapping[str, Fitted], folds: int
) -> str:
    kind, _, name = each.fit.name.partition(":")
    if kind != "fold":
        what = "the model" if kind == "final" else f"baseline {name}"
        return f"fitted {what} in {text.duration(each.duration_s)}"
    (result,) = _fold_results(training, cases, each, leading_only=True)
    training.job.report(
        RunPoints(
            points=(
                MetricPoint(
                    metric=f"fold_{result.name}",
                    step=int(name),
                    value=result.value or 0.0,
                    at=training.job.now,
                ),
            )
        )
    )
    done = sum(fit.startswith("fold:") for fit in fitted)
    label = catalog.label_of(result.name)
    return f"fold {done} of {folds}, {label} {catalog.show(result.value, result.name)}"


def _fold_results(
    training: Training, cases: Cases, each: Fitted, *, leading_only: bool = False
) -> tuple[Result, ...]:
    pipeline = training.order.pipeline
    names = FOLD_METRICS[pipeline.task][: 1 if leading_only else None]
    judged = judging.unnamed(pipeline, cases.classes, cases.y[each.fit.asked], each.scores)
    return judging.measure(judged, names, scope=each.fit.name)


def _curve_fit(parts: Parts) -> Fit:
    """The fit whose learning curve is kept: on rows that are not the holdout's, when there are."""
    if not parts.folds:
        return Fit("final", None, parts.train, parts.holdout)
    return Fit(f"fold:{len(parts.folds)}", None, *parts.folds[-1])


def _report_folds(
    training: Training, cases: Cases, parts: Parts, fitted: Mapping[str, Fitted], watch: Watch
) -> None:
    """The folds' metrics, and what of the learning curve was not told while it grew."""
    names = [f"fold:{k}" for k in range(1, len(parts.folds) + 1)]
    found = [each for name in names for each in _fold_results(training, cases, fitted[name])]
    if found:
        training.job.report(RunResults(kind="fold", results=tuple(found)))
    curves = learning_curve(fitted[watch.curve.name].estimator, cases, watch.curve)
    at = training.job.now
    points = [
        MetricPoint(metric=metric, step=step, value=value, at=at)
        for metric, curve in curves.items()
        for step, value in curve
        if np.isfinite(value) and (metric, step) not in watch.seen
    ]
    if points:
        training.job.report(RunPoints(points=tuple(points)))


def _package(
    training: Training,
    cases: Cases,
    parts: Parts,
    pinned: Sequence[Pinned],
    fitted: Mapping[str, Fitted],
) -> Package:
    """Store the model with everything serving and monitoring need, and prove it."""
    job, order = training.job, training.order
    training.say("packaging the model")
    unseen = [fitted["final"], *(each for name, each in fitted.items() if name[:5] == "fold:")]
    scores = np.concatenate([each.scores for each in unseen])
    truth = np.concatenate([cases.y[each.fit.asked] for each in unseen])
    profile, _ = store_profile(cases, parts.train, scores, job.objects)
    training.report_file("profile", "json", profile)
    calibration = ""
    if order.pipeline.task == "binary":
        calibration = job.objects.put_json(judging.calibrated(truth, scores))
    package = store_package(
        Contents(
            pipeline=order.pipeline,
            pinned=pinned,
            run_id=job.job_id,
            threshold=order.pipeline.threshold,
            environment=training.record.environment,
            profile=profile,
            calibration=calibration,
        ),
        cases,
        fitted["final"].estimator,
        parts.holdout,
        job.objects,
        job.workspace.root,
    )
    job.log(f"the package was loaded again: {package.self_check}")
    training.report_file("model", "joblib", package.manifest.estimator_digest)
    training.report_file("manifest", "json", package.digest)
    training.step_done()
    return package


def _judge(
    training: Training,
    cases: Cases,
    parts: Parts,
    source: Pinned,
    fitted: Mapping[str, Fitted],
    package: Package,
) -> tuple[judging.Judged, GateReport]:
    """Measure on the holdout, compare with champion and baselines, judge the gates."""
    job, order, pipeline = training.job, training.order, training.order.pipeline
    training.say("judging on the holdout")
    final = fitted["final"]
    holdout = verdict.describe_holdout(
        pipeline, cases, parts.holdout, parts.description, source, order.seed
    )
    judged = verdict.judged_rows(holdout, cases, parts.holdout, final.scores)
    opponents = [
        verdict.Opponent(name.partition(":")[2], each.scores, pipeline.threshold)
        for name, each in fitted.items()
        if name.startswith("baseline:")
    ]
    if order.champion is not None:
        training.say(f"comparing with {order.champion['name']}")
        opponents.append(
            verdict.champion_opponent(
                order.champion, cases, parts.holdout, pipeline, job.objects, job.workspace.root
            )
        )
    report, results, slices = verdict.judge(
        judged,
        opponents,
        order.gates,
        verdict.of_package(package.row_ms, package.bytes),
        check=job.check_cancelled,
    )
    job.report(RunResults(kind="holdout", results=results))
    job.report(RunResults(kind="slice", results=slices))
    training.keep("holdout", holdout)
    training.report_file(
        "evaluation", "parquet", verdict.store_evaluation(judged, opponents, job.objects)
    )
    if pipeline.task == "binary":
        training.keep("score_grid", judging.score_grid(judged))
        training.keep("calibration", judging.reliability(judged))
    training.say("looking at the features")
    training.keep(
        "importance",
        permutation_importance(
            final.estimator,
            cases.frame.iloc[parts.holdout],
            cases.y[parts.holdout],
            pipeline.task,
            seed=order.seed,
            check=job.check_cancelled,
        ),
    )
    training.step_done()
    training.record = replace(training.record, metrics=judging.values_of(results))
    return judged, report


def _finish(
    training: Training, package: Package, judged: judging.Judged, report: GateReport
) -> dict[str, Any]:
    """End the run, and register the model unless this was only a repetition."""
    job, order = training.job, training.order
    ended = job.now
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    training.update(
        state="succeeded",
        ended_at=ended,
        duration_s=(ended - training.record.started_at).total_seconds(),
        peak_rss_bytes=peak,
    )
    result: dict[str, Any] = {"run": job.job_id, "metrics": training.record.metrics}
    if order.reproduces is not None:
        return result | reproduction.compare(training.record, judged, order.reproduces, job.objects)
    job.report(
        ModelReport(
            model=order.model,
            digest=package.digest,
            run_id=job.job_id,
            bytes=package.bytes,
            threshold=order.pipeline.threshold,
            gates=replace(report, model=order.model),
        )
    )
    judged_words = f"the gates say {report.verdict}" if report.results else "no gates are declared"
    training.say(f"done: {judged_words}")
    return result | {"model": order.model, "verdict": report.verdict}
