"""Candidates of a search: who is tried, on how much, who is given up, who is chosen.

Used by `console.worker.search`. Invariant: candidates are compared by their scores on the same
folds of the training rows; the holdout is never looked at.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from console.errors import UnavailableError
from console.rules import search_space
from console.rules.search_space import Dimension, candidate_key
from storage.records.pipelines import Search

ETA = 3
"""Successive halving: a third of the candidates goes on, with three times the rows."""
FIRST_RUNG = 1 / 9
GIVE_UP_AFTER = 2.0
"""A candidate is given up when it is worse than the best one on the same folds by so many standard
deviations of the best one's folds."""


@dataclass(slots=True)
class Candidate:
    """One set of parameters and how it did."""

    number: int
    """1 = the first; also the trial it is reported as."""
    params: dict[str, Any]
    """Only those that vary."""
    scores: list[float] = field(default_factory=list)
    """By fold, larger is better (a loss is negated)."""
    seconds: float = 0.0
    """Of all its fits."""
    is_given_up: bool = False
    is_known: bool = False
    """Measured by an earlier attempt at the same search."""

    @property
    def mean(self) -> float:
        return statistics.fmean(self.scores)

    @property
    def error(self) -> float:
        """Standard error of the mean over folds; 0 for one fold."""
        if len(self.scores) < 2:
            return 0.0
        return statistics.stdev(self.scores) / math.sqrt(len(self.scores))


class Proposer(Protocol):
    """Where candidates come from."""

    def propose(self, count: int) -> list[dict[str, Any]]:
        """Up to `count` parameter sets; none when there are no more."""

    def learn(self, candidate: Candidate) -> None:
        """Hear how a candidate did."""


class Listed:
    """A grid, or draws: candidates that do not depend on how others did."""

    def __init__(self, candidates: Iterator[dict[str, Any]]) -> None:
        self._left = candidates

    def propose(self, count: int) -> list[dict[str, Any]]:
        return list(itertools.islice(self._left, count))

    def learn(self, candidate: Candidate) -> None:
        return None


class Suggested:
    """Optuna's tree-structured Parzen estimator (Bergstra et al. 2011)."""

    def __init__(self, space: Sequence[Dimension], seed: int) -> None:
        try:
            import optuna
        except ImportError as error:
            raise UnavailableError(
                "a search by optuna needs the package optuna, which is not installed.",
                hint="Install it: pip install 'mlops-console[optuna]', or search at random.",
            ) from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = optuna
        self._space = {each.name: _distribution(optuna, each) for each in space}
        sampler = optuna.samplers.TPESampler(seed=seed)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._asked: dict[str, Any] = {}

    def propose(self, count: int) -> list[dict[str, Any]]:
        found = []
        for _ in range(count):
            trial = self._study.ask(self._space)
            self._asked[candidate_key(trial.params)] = trial
            found.append(dict(trial.params))
        return found

    def learn(self, candidate: Candidate) -> None:
        trial = self._asked.pop(candidate_key(candidate.params), None)
        if trial is None:
            return
        if candidate.is_given_up:
            self._study.tell(trial, state=self._optuna.trial.TrialState.PRUNED)
        else:
            self._study.tell(trial, candidate.mean)


def proposer(search: Search, seed: int) -> Proposer:
    space = search_space.dimensions(search.space)
    if search.method == "optuna":
        return Suggested(space, seed)
    if search.method == "grid":
        return Listed(search_space.grid(space))
    return Listed(search_space.drawn(space, seed))


def should_give_up(candidate: Candidate, best: Candidate | None) -> bool:
    """Whether it is not worth the folds that are left, measured on those it has."""
    if best is None or len(best.scores) < 2 or not candidate.scores:
        return False
    same = best.scores[: len(candidate.scores)]
    return statistics.fmean(same) - candidate.mean > GIVE_UP_AFTER * statistics.stdev(best.scores)


def chosen(candidates: Sequence[Candidate]) -> Candidate:
    """The quickest candidate within one standard error of the best (Breiman et al. 1984)."""
    complete = [each for each in candidates if not each.is_given_up and each.scores]
    best = max(complete, key=lambda each: each.mean)
    near = [each for each in complete if each.mean >= best.mean - best.error]
    return min(near, key=lambda each: (each.seconds, -each.mean))


def rungs(count: int) -> list[tuple[int, float]]:
    """Candidates and share of the rows of every rung of a successive halving.

    Source: Jamieson and Talwalkar 2016.
    """
    found = []
    share, left = FIRST_RUNG, count
    while share < 1 and left > 1:
        found.append((left, share))
        left, share = max(1, left // ETA), min(1.0, share * ETA)
    return [*found, (left, 1.0)]


def importance(candidates: Sequence[Candidate], seed: int) -> list[tuple[str, float]]:
    """How much of the differences between scores each parameter explains, summing to 1.

    By a forest over the candidates tried; empty with fewer than eight of them.
    """
    from sklearn.ensemble import RandomForestRegressor

    judged = [each for each in candidates if each.scores]
    if len(judged) < 8:
        return []
    names = sorted({name for each in judged for name in each.params})
    matrix = np.array(
        [[_code(judged, name, each.params.get(name)) for name in names] for each in judged]
    )
    scores = np.array([each.mean for each in judged])
    forest = RandomForestRegressor(200, random_state=seed).fit(matrix, scores)
    pairs = zip(names, forest.feature_importances_.tolist(), strict=True)
    return sorted(pairs, key=lambda pair: -pair[1])


def take_known(
    search_params: Sequence[str], earlier: Sequence[Mapping[str, Any]]
) -> Callable[[Candidate], Mapping[str, Any] | None]:
    """Return a function that finds what an earlier attempt had measured of a candidate."""
    known = {
        candidate_key({name: each["params"].get(name) for name in search_params}): each
        for each in earlier
    }

    def take(candidate: Candidate) -> Mapping[str, Any] | None:
        return known.get(candidate_key(candidate.params))

    return take


def _code(judged: Sequence[Candidate], name: str, value: Any) -> float:
    """A number as it is, anything else by its place among the values tried."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    tried = sorted({str(each.params.get(name)) for each in judged})
    return float(-1 - tried.index(str(value)))


def _distribution(optuna: Any, each: Dimension) -> Any:
    kinds = optuna.distributions
    if each.choices:
        return kinds.CategoricalDistribution(each.choices)
    if each.is_whole:
        step = int(each.step or 1)
        return kinds.IntDistribution(int(each.low), int(each.high), log=each.is_log, step=step)
    return kinds.FloatDistribution(each.low, each.high, log=each.is_log, step=each.step)
