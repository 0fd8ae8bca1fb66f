"""The fits of a training side by side: the model itself, its folds, the baselines.

Every fit is one task of one thread, as many at a time as there are cores, so OpenMP and BLAS never
fight for them: on two busy cores two threads inside of one fit made it thirty times slower.
Invariant: what is fitted depends on rows, parameters and seed only, never on the order of tasks.
"""

from __future__ import annotations

import importlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import threadpoolctl
from numpy.typing import NDArray
from sklearn.base import clone

from console.errors import FailedError, InvalidError, UnavailableError
from console.worker.training.rows import Cases
from storage.records.pipelines import Task

Rows = NDArray[np.int64]
DASK_TIMEOUT_S = 10.0
LOOK_EVERY_S = 0.5
CURVE_POINTS = 100
CURVE_ROWS = 5000
"""Rows of either side that a learning curve is measured on."""
PASS_ROWS = 20_000
"""Rows an estimator is taught again pass by pass, for its curve."""


@dataclass(frozen=True, slots=True)
class Fit:
    """One estimator to be fitted, and rows it is then asked about."""

    name: str
    """`final`, `fold:1`, `baseline:dummy` …"""
    estimator: Any
    rows: Rows
    asked: Rows


@dataclass(frozen=True, slots=True)
class Fitted:
    fit: Fit
    estimator: Any
    scores: NDArray[np.float64]
    """(asked,) or (asked, classes), see `scores_of`."""
    duration_s: float


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))


def fit_all(
    cases: Cases,
    fits: Sequence[Fit],
    task: Task,
    backend: str = "",
    look: Callable[[Mapping[str, Any]], None] | None = None,
) -> Iterator[Fitted]:
    """Fit side by side and give each one as soon as it is done, in no order.

    `backend` empty = threads of this process; `dask://host:port` = the workers of that scheduler.
    `look` is called now and then with what is being fitted here, name -> estimator.
    """
    if backend:
        yield from _fit_on_dask(cases, fits, task, backend)
        return
    with threadpoolctl.threadpool_limits(1):
        yield from _fit_in_threads(cases, fits, task, look)


def _fit_in_threads(
    cases: Cases,
    fits: Sequence[Fit],
    task: Task,
    look: Callable[[Mapping[str, Any]], None] | None,
) -> Iterator[Fitted]:
    """The caller's thread waits and looks; a request to stop reaches it in between."""
    running: dict[str, Any] = {}
    ended: queue.SimpleQueue[Fitted | BaseException] = queue.SimpleQueue()

    def fit_each() -> None:
        try:
            parallel = joblib.Parallel(
                n_jobs=min(cores(), len(fits)), backend="threading", return_as="generator_unordered"
            )
            for done in parallel(
                joblib.delayed(_fit)(cases.frame, cases.y, each, task, running) for each in fits
            ):
                ended.put(done)
        except BaseException as error:
            ended.put(error)

    threading.Thread(target=fit_each, name="fits", daemon=True).start()
    left = len(fits)
    while left:
        try:
            done = ended.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            if look is not None:
                look(dict(running))
            continue
        if isinstance(done, BaseException):
            raise done
        left -= 1
        running.pop(done.fit.name, None)
        yield done


def _fit_on_dask(cases: Cases, fits: Sequence[Fit], task: Task, backend: str) -> Iterator[Fitted]:
    """The same through joblib's Dask backend; the rows are sent once to every worker."""
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise UnavailableError(
            f"the pipeline's fits are to run on {backend}, and the package distributed is not "
            "installed.",
            hint="Install it: pip install 'mlops-console[dask]'",
        ) from error
    address = f"tcp://{backend.removeprefix('dask://')}"
    try:
        client = distributed.Client(address, timeout=DASK_TIMEOUT_S, set_as_default=True)
    except OSError as error:
        raise UnavailableError(
            f"no Dask scheduler answers at {address} within {DASK_TIMEOUT_S:.0f} s.",
            hint="Start one: dask scheduler, or take backend out of the pipeline.",
        ) from error
    with client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise UnavailableError(
                f"the Dask scheduler at {address} has no worker.",
                hint=f"Start one where mlops-console is installed: dask worker {address}",
            )
        frame, y = cases.frame, cases.y
        with joblib.parallel_config(backend="dask", scatter=[frame, y]):
            yield from joblib.Parallel(return_as="generator_unordered")(
                joblib.delayed(_fit_far_away)(frame, y, each, task) for each in fits
            )


def _fit_far_away(frame: Any, y: NDArray[Any], fit: Fit, task: Task) -> Fitted:
    with threadpoolctl.threadpool_limits(1):
        return _fit(frame, y, fit, task)


def _fit(
    frame: Any, y: NDArray[Any], fit: Fit, task: Task, running: dict[str, Any] | None = None
) -> Fitted:
    started = time.perf_counter()
    estimator = clone(fit.estimator)
    if running is not None:
        running[fit.name] = estimator
    kind = type(last_step(estimator)).__name__
    try:
        estimator.fit(frame.iloc[fit.rows], y[fit.rows])
        scores = scores_of(estimator, frame.iloc[fit.asked], task)
    except (ValueError, TypeError) as error:
        said = str(error).strip().split("\n", 1)[0]
        raise InvalidError(
            f"{kind} cannot be fitted ({fit.name}, {len(fit.rows)} rows): {said}"
        ) from error
    if not np.isfinite(scores).all():
        raise FailedError(
            f"{kind} gives scores that are no numbers ({fit.name}): "
            f"{int((~np.isfinite(scores)).sum())} of {scores.size}.",
            hint="Check its parameters; a diverging fit looks like this.",
        )
    return Fitted(fit, estimator, scores, time.perf_counter() - started)


def scores_of(estimator: Any, frame: Any, task: Task) -> NDArray[np.float64]:
    """Probability of the positive class (n,), of every class (n, k), or the value (n,)."""
    if task == "regression":
        return np.asarray(estimator.predict(frame), dtype=np.float64)
    scores = np.asarray(estimator.predict_proba(frame), dtype=np.float64)
    return scores[:, 1] if task == "binary" else scores


def learning_curve(estimator: Any, cases: Cases, fit: Fit) -> Mapping[str, list[tuple[int, float]]]:
    """Loss after every iteration on rows that were fitted and rows that were not; {} without any.

    At most `CURVE_POINTS` iterations are asked, on at most `CURVE_ROWS` rows of each side. An
    estimator that only knows its end but learns in passes (SGD) is followed through them again.
    """
    last, task = last_step(estimator), cases.task
    staged = "staged_predict" if task == "regression" else "staged_predict_proba"
    if hasattr(last, staged):
        return {
            f"{side}_{loss_name(task)}": _curve(getattr(last, staged)(rows), _stages(last), loss)
            for side, (rows, loss) in curve_sides(estimator, cases, fit).items()
        }
    if hasattr(last, "loss_curve_"):
        values = [float(each) for each in last.loss_curve_]
        return {"train_loss": list(enumerate(values, 1))}
    if hasattr(last, "partial_fit") and hasattr(last, "n_iter_"):
        return _passes(estimator, cases, fit)
    return {}


def curve_sides(
    estimator: Any, cases: Cases, fit: Fit
) -> dict[str, tuple[Any, Callable[[Any], float]]]:
    """`train` and `valid`: some rows as the last step gets them, and the loss on them."""
    sides = {}
    for name, rows in (("train", fit.rows), ("valid", fit.asked)):
        some = rows[:: max(1, len(rows) // CURVE_ROWS)][:CURVE_ROWS]
        matrix = _transformed(estimator, cases.frame.iloc[some])
        sides[name] = matrix, _loss(cases.task, cases.y[some])
    return sides


def _passes(estimator: Any, cases: Cases, fit: Fit) -> dict[str, list[tuple[int, float]]]:
    """The curve of an estimator that is taught pass by pass, on at most `PASS_ROWS` rows."""
    last, task = clone(last_step(estimator)), cases.task
    some = fit.rows[:: max(1, len(fit.rows) // PASS_ROWS)][:PASS_ROWS]
    matrix, y = _transformed(estimator, cases.frame.iloc[some]), cases.y[some]
    sides = curve_sides(estimator, cases, fit)
    known = {} if task == "regression" else {"classes": np.unique(cases.y)}
    curves: dict[str, list[tuple[int, float]]] = {}
    for number in range(1, min(CURVE_POINTS, int(last_step(estimator).n_iter_)) + 1):
        last.partial_fit(matrix, y, **known)
        ask = last.predict if task == "regression" else last.predict_proba
        for side, (rows, loss) in sides.items():
            curves.setdefault(f"{side}_{loss_name(task)}", []).append((number, loss(ask(rows))))
    return curves


def _curve(
    stages: Iterator[Any], count: int, loss: Callable[[Any], float]
) -> list[tuple[int, float]]:
    every = max(1, count // CURVE_POINTS)
    return [
        (number, loss(said))
        for number, said in enumerate(stages, 1)
        if number % every == 0 or number in (1, count)
    ]


def loss_name(task: Task) -> str:
    return "rmse" if task == "regression" else "log_loss"


def _loss(task: Task, y: NDArray[Any]) -> Callable[[Any], float]:
    if task == "regression":
        return lambda said: float(np.sqrt(np.mean((np.asarray(said) - y) ** 2)))
    at = np.arange(len(y))
    return lambda said: float(-np.log(np.clip(np.asarray(said)[at, y], 1e-15, 1)).mean())


def _stages(estimator: Any) -> int:
    for name in ("n_iter_", "n_estimators_", "n_estimators"):
        count = getattr(estimator, name, None)
        if isinstance(count, (int, np.integer)):
            return int(count)
    return CURVE_POINTS


def last_step(estimator: Any) -> Any:
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _transformed(estimator: Any, frame: Any) -> Any:
    return estimator[:-1].transform(frame) if hasattr(estimator, "steps") else frame
