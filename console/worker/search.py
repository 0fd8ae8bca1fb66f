"""The job `search`: candidates judged on the folds, then the model trained with the chosen ones.

Called by `console.worker.main`. One run for the search, one child run a candidate. Invariant: the
holdout takes no part in the choice; what a dead attempt had measured is not measured again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from console import text
from console.errors import InvalidError
from console.rules import metrics as catalog
from console.rules import search_space
from console.worker import train
from console.worker.context import JobContext
from console.worker.training import estimators, judging, searching, verdict
from console.worker.training.fitting import Fit, Fitted, cores, fit_all
from console.worker.training.rows import Cases, read_pinned
from console.worker.training.searching import Candidate
from console.worker.training.session import Training, begin
from console.worker.training.splitting import Parts
from storage.records.pipelines import Search
from storage.records.reports import RunPoints, RunReport, RunResults
from storage.records.results import Result
from storage.records.runs import MetricPoint


@dataclass(slots=True)
class Searching:
    """A search on its way."""

    training: Training
    search: Search
    cases: Cases
    parts: Parts
    metric: str
    is_loss: bool
    tried: list[Candidate] = field(default_factory=list)
    results: dict[int, list[Result]] = field(default_factory=dict)
    """Candidate -> its results by fold."""

    @property
    def job(self) -> JobContext:
        return self.training.job

    @property
    def best(self) -> Candidate | None:
        folds = len(self.parts.folds)
        complete = [c for c in self.tried if len(c.scores) == folds and not c.is_given_up]
        return max(complete, key=lambda each: each.mean, default=None)

    def shown(self, score: float) -> str:
        return catalog.show(-score if self.is_loss else score, self.metric)


def run(job: JobContext) -> dict[str, Any]:
    """Search, choose, train; returns what was made."""
    search = msgspec.convert(job.spec["search"], Search)
    training = begin(job)
    pipeline = training.order.pipeline
    metric = _metric(search, training)
    space = search_space.dimensions(search.space)
    # A wrong parameter or value is told before any row is read.
    for each in space:
        for value in each.values():
            params = training.record.params | {each.name: value}
            estimators.make_estimator(pipeline, params, training.order.seed)
    baselines = verdict.baseline_names(pipeline, training.order.gates)
    trials = search.trials
    if search.method == "grid":
        trials = min(trials, search_space.grid_size(space))
    training.total = train.steps_of(pipeline, baselines) + trials
    pinned = read_pinned(job.objects, training.order.data)
    cases, parts = train.prepare(training, pinned)
    searching_ = Searching(
        training=training,
        search=replace(search, trials=trials),
        cases=cases,
        parts=parts,
        metric=metric,
        is_loss=catalog.direction_of(metric) == "le",
    )
    find = searching.take_known([each.name for each in space], job.spec.get("earlier", []))

    def take(candidate: Candidate) -> bool:
        found = find(candidate)
        if found is not None:
            _take_over(searching_, candidate, found)
        return found is not None

    if search.method == "halving":
        _halve(searching_, take)
    else:
        _try_all(searching_, take)
    chosen = _choose(searching_)
    params = training.record.params | chosen.params
    training.update(params=params)
    training.done = training.total - train.steps_of(pipeline, baselines) + 1
    estimator = estimators.make_estimator(pipeline, params, training.order.seed)
    result = train.complete(training, pinned, cases, parts, estimator, baselines)
    return result | {"params": params, "candidates": len(searching_.tried)}


def _take_over(state: Searching, candidate: Candidate, found: Mapping[str, Any]) -> None:
    """Give a candidate what an earlier attempt had measured of it; that is not done again."""
    results = msgspec.convert(found["folds"], list[Result])
    sign = -1.0 if state.is_loss else 1.0
    candidate.scores = [sign * each.value for each in results if each.value is not None]
    candidate.seconds = float(found["seconds"] or 0.0)
    candidate.is_known = True
    state.results[candidate.number] = results


def _metric(search: Search, training: Training) -> str:
    pipeline = training.order.pipeline
    name = search.metric or (pipeline.metrics or catalog.DEFAULTS[pipeline.task])[0]
    metric = catalog.find(name)
    if pipeline.task not in metric.subjects or metric.direction == "in":
        raise InvalidError(
            f"a search cannot be judged by {name}: it has no better side for a {pipeline.task} "
            "model.",
            hint=f"For example: {catalog.DEFAULTS[pipeline.task][0]}",
        )
    return name


def _try_all(state: Searching, take: Any) -> None:
    """Candidates in batches as wide as the machine, fold by fold, until the budget is spent."""
    search = state.search
    source = searching.proposer(search, state.training.order.seed)
    until = time.monotonic() + search.minutes * 60 if search.minutes else float("inf")
    while len(state.tried) < search.trials and time.monotonic() < until:
        room = search.trials - len(state.tried)
        proposed = source.propose(min(cores(), room))
        if not proposed:
            return
        first = len(state.tried) + 1
        batch = [Candidate(first + k, params) for k, params in enumerate(proposed)]
        state.tried += batch
        new = [each for each in batch if not take(each)]
        for number, (fit, judge) in enumerate(state.parts.folds, 1):
            going = [each for each in new if not each.is_given_up]
            _measure(state, going, number, fit, judge)
            if number < len(state.parts.folds):
                for each in going:
                    each.is_given_up |= searching.should_give_up(each, state.best)
        for each in batch:
            source.learn(each)
            _tell(state, each)


def _halve(state: Searching, take: Any) -> None:
    """All candidates on few rows, the better ones on more, the last ones on all."""
    search = state.search
    source = searching.proposer(replace(search, method="random"), state.training.order.seed)
    proposed = source.propose(search.trials)
    state.tried = [Candidate(k, params) for k, params in enumerate(proposed, 1)]
    going = list(state.tried)
    for count, share in searching.rungs(len(going)):
        going = sorted(going, key=lambda each: -each.mean if each.scores else 0.0)[:count]
        for each in going:
            each.scores = []
            state.results[each.number] = []
        new = [each for each in going if share < 1 or not take(each)]
        for number, (fit, judge) in enumerate(state.parts.folds, 1):
            every = max(1, round(1 / share))
            _measure(state, new, number, fit[::every], judge)
        state.job.log(
            f"{text.counted(len(going), 'candidate')} on {text.percent(share, 0)} of the rows, "
            f"best {state.shown(max(each.mean for each in going))}"
        )
    for each in state.tried:
        each.is_given_up = each not in going
    for each in state.tried:
        _tell(state, each)


def _measure(
    state: Searching, candidates: Sequence[Candidate], fold: int, fit: Any, judge: Any
) -> None:
    """Fit candidates on one fold, side by side."""
    if not candidates:
        return
    training, pipeline = state.training, state.training.order.pipeline
    by_name = {f"{each.number}": each for each in candidates}
    fits = []
    for name, each in by_name.items():
        params = training.record.params | each.params
        estimator = estimators.with_preprocessing(
            pipeline,
            estimators.make_estimator(pipeline, params, training.order.seed),
            state.cases.features,
            state.cases.types,
            state.cases.frame,
        )
        fits.append(Fit(name, estimator, fit, judge))
    for done in fit_all(state.cases, fits, pipeline.task, pipeline.backend):
        state.job.check_cancelled()
        _note(state, by_name[done.fit.name], fold, done)


def _note(state: Searching, candidate: Candidate, fold: int, done: Fitted) -> None:
    pipeline = state.training.order.pipeline
    rows = done.fit.asked
    judged = judging.unnamed(pipeline, state.cases.classes, state.cases.y[rows], done.scores)
    result = judging.measure(judged, (state.metric,), scope=f"fold:{fold}")[0]
    candidate.seconds += done.duration_s
    if result.value is None:
        candidate.is_given_up = True
        state.job.log(f"candidate {candidate.number}: {result.reason or 'it has no score'}")
        return
    candidate.scores.append(-result.value if state.is_loss else result.value)
    state.results.setdefault(candidate.number, []).append(result)


def _tell(state: Searching, candidate: Candidate) -> None:
    """Report a candidate as a child run, and where the search is."""
    training, job = state.training, state.job
    best = state.best
    words = f"candidate {candidate.number} of {state.search.trials}"
    if best is not None:
        label = catalog.label_of(state.metric)
        words += f", best {label} {state.shown(best.mean)}"
    training.step_done()
    training.say(words)
    if not candidate.scores:
        return
    ended = job.now
    value = -candidate.mean if state.is_loss else candidate.mean
    record = replace(
        training.record,
        params=training.record.params | candidate.params,
        state="cancelled" if candidate.is_given_up else "succeeded",
        ended_at=ended,
        duration_s=candidate.seconds,
        metrics={f"cv_{state.metric}": value},
        rows_holdout=0,
        holdout="",
        note="measured by an earlier attempt" if candidate.is_known else "",
        error="given up: others were better on the same folds" if candidate.is_given_up else "",
    )
    job.report(RunReport(run=record, trial=candidate.number))
    results = tuple(state.results.get(candidate.number, ()))
    job.report(RunResults(kind="fold", results=results, trial=candidate.number))
    point = MetricPoint(metric=f"cv_{state.metric}", step=candidate.number, value=value, at=ended)
    job.report(RunPoints(points=(point,)))


def _choose(state: Searching) -> Candidate:
    """Take the quickest of the good ones, and keep what was tried."""
    if not any(each.scores and not each.is_given_up for each in state.tried):
        raise InvalidError(
            "no candidate was measured within the time given.", hint="Give more --minutes."
        )
    chosen = searching.chosen(state.tried)
    best = state.best or chosen
    sign = -1.0 if state.is_loss else 1.0
    seed = state.training.order.seed
    state.training.keep(
        "search",
        {
            "metric": state.metric,
            "method": state.search.method,
            "chosen": chosen.number,
            "best": best.number,
            "importance": searching.importance(state.tried, seed),
            "candidates": [
                {
                    "number": each.number,
                    "params": each.params,
                    "scores": [sign * score for score in each.scores],
                    "seconds": round(each.seconds, 3),
                    "given_up": each.is_given_up,
                    "known": each.is_known,
                }
                for each in state.tried
            ],
        },
    )
    shown = ", ".join(f"{k}={text.plain_value(v)}" for k, v in chosen.params.items())
    state.job.log(
        f"chosen: candidate {chosen.number} ({shown}), "
        f"{catalog.label_of(state.metric)} {state.shown(chosen.mean)}; "
        f"best was candidate {best.number} with {state.shown(best.mean)}"
    )
    return chosen
