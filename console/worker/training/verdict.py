"""A finished model before its judges: the held-out rows, who it is compared with, its gates.

Used by `console.worker.train` and `console.worker.evaluate`. Invariant: everything a gate looks at
was measured on the same held-out rows.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from console import text
from console.errors import ConsoleError, InvalidError
from console.flow import model as flow_model
from console.rules.declared_table import nearest
from console.rules.evaluation.slices import NULL
from console.rules.gates import Measured, judge_gates, overall
from console.rules.intervals import quantile_interval
from console.worker.training.judging import (
    COMPARED,
    Judged,
    Scores,
    differences,
    measure,
    measure_slices,
    metric_names,
    slice_metrics,
)
from console.worker.training.rows import Cases, Pinned
from storage.errors import StorageError
from storage.objects import Objects
from storage.records.evaluations import Holdout
from storage.records.gates import Gate
from storage.records.models import GateReport
from storage.records.pipelines import Pipeline
from storage.records.results import Result

BASELINES: Mapping[str, tuple[str, str]] = {
    "dummy": ("sklearn.dummy.DummyClassifier", "sklearn.dummy.DummyRegressor"),
    "linear": ("sklearn.linear_model.LogisticRegression", "sklearn.linear_model.Ridge"),
}
"""Name in a gate's `against` -> classifier, regressor."""


@dataclass(frozen=True, slots=True)
class Opponent:
    """Somebody whose scores on the same rows a model is compared with."""

    name: str
    """`champion`, `dummy`, `linear`."""
    scores: Scores | None
    threshold: float
    label: str = ""
    """`delays@v4`."""
    reason: str = ""
    """Why there are no scores."""


def describe_holdout(
    pipeline: Pipeline,
    cases: Cases,
    rows: NDArray[np.int64],
    description: str,
    pinned: Pinned,
    seed: int,
) -> Holdout:
    """Say what the held-out rows are; equal digests mean equal rows."""
    return Holdout(
        rows=len(rows),
        rows_digest=_rows_digest(pipeline, cases, rows),
        description=description,
        judged_on=f"{pinned.use.dataset}@v{pinned.use.version}, "
        f"{text.counted(len(rows), 'row')} held out",
        task=pipeline.task,
        classes=cases.classes,
        positive=pipeline.positive if pipeline.task == "binary" else "",
        threshold=pipeline.threshold,
        cost=pipeline.cost,
        metrics=pipeline.metrics,
        slices=pipeline.slices,
        seed=seed,
    )


def judged_rows(holdout: Holdout, cases: Cases, rows: NDArray[np.int64], scores: Scores) -> Judged:
    slices = {}
    for name in holdout.slices:
        slices[name] = _slice_values(cases.columns[name].take(pa.array(rows)))
    return Judged(holdout, cases.y[rows], scores, slices)


def _slice_values(column: pa.ChunkedArray) -> NDArray[Any]:
    """Numbers stay numbers, to be cut into groups of equal size; all else becomes text."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    values = [NULL if value is None else str(value) for value in column.to_pylist()]
    return np.asarray(values, dtype=object)


def store_evaluation(judged: Judged, opponents: Sequence[Opponent], objects: Objects) -> str:
    """Keep truth, scores, slices and the baselines' scores of the held-out rows.

    Returns the object's digest.
    """
    columns: dict[str, Any] = {"y": judged.y.astype(np.float64)}
    if judged.scores.ndim == 1:
        columns["score"] = judged.scores
    else:
        columns |= {f"p{k}": judged.scores[:, k] for k in range(judged.scores.shape[1])}
    columns |= {f"slice_{name}": values for name, values in judged.slices.items()}
    for each in opponents:
        if each.name in BASELINES and each.scores is not None and each.scores.ndim == 1:
            columns[f"baseline_{each.name}"] = each.scores
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    return objects.put_bytes(buffer.getvalue())


def read_evaluation(
    holdout: Holdout, digest: str, objects: Objects
) -> tuple[Judged, tuple[Opponent, ...]]:
    """Return what `store_evaluation` kept: the rows, and the baselines that scored them."""
    table = pq.read_table(pa.BufferReader(objects.read_bytes(digest)))
    y = table.column("y").to_numpy()
    if holdout.task == "multiclass":
        names = [f"p{k}" for k in range(len(holdout.classes))]
        scores = np.stack([table.column(name).to_numpy() for name in names], axis=1)
    else:
        scores = table.column("score").to_numpy()
    slices = {name: _slice_values(table.column(f"slice_{name}")) for name in holdout.slices}
    truth = y if holdout.task == "regression" else y.astype(np.int64)
    baselines = tuple(
        Opponent(name, table.column(f"baseline_{name}").to_numpy(), holdout.threshold)
        for name in BASELINES
        if f"baseline_{name}" in table.column_names
    )
    return Judged(holdout, truth, scores, slices), baselines


def baseline_names(pipeline: Pipeline, gates: Sequence[Gate]) -> tuple[str, ...]:
    """The baselines that gates name, `dummy` always; raises for one that does not exist."""
    names = ["dummy"]
    for gate in gates:
        if gate.against in ("", "champion") or gate.kind not in ("beats_baseline", "non_inferior"):
            continue
        if gate.against not in BASELINES:
            raise InvalidError(
                f"gate {gate.name!r} compares with {gate.against!r}, which is no baseline.",
                hint=nearest(gate.against, ["champion", *BASELINES], "It can be"),
            )
        names.append(gate.against)
    return tuple(dict.fromkeys(names))


def baseline_path(pipeline: Pipeline, name: str) -> str:
    classifier, regressor = BASELINES[name]
    return regressor if pipeline.task == "regression" else classifier


def champion_opponent(
    champion: Mapping[str, Any],
    cases: Cases,
    rows: NDArray[np.int64],
    pipeline: Pipeline,
    objects: Objects,
    root: Path,
) -> Opponent:
    """Let the present champion score the same held-out rows, through its own flow."""
    name, threshold = str(champion["name"]), float(champion["threshold"])
    try:
        scores = package_scores(str(champion["digest"]), cases, rows, pipeline, objects, root)
    except (ConsoleError, StorageError) as error:
        return Opponent("champion", None, threshold, name, error.message)
    return Opponent("champion", scores, threshold, name)


def package_scores(
    digest: str,
    cases: Cases,
    rows: NDArray[np.int64],
    pipeline: Pipeline,
    objects: Objects,
    root: Path,
) -> Scores:
    """Scores of some cases by a stored model, through its own flow.

    Raises a refusal that says why they cannot be had.
    """
    loaded = flow_model.load(digest, objects, root=root)
    try:
        manifest = loaded.manifest
        same = (manifest.task, manifest.classes, manifest.positive or pipeline.positive)
        if same != (pipeline.task, cases.classes, pipeline.positive):
            raise InvalidError("it answers another question: its task or classes differ.")
        if cases.source is None:
            raise InvalidError("the training flow merges rows, so it has no request rows to score.")
        return loaded.score_table(cases.raw.take(pa.array(cases.source[rows])))
    finally:
        loaded.close()


def judge(
    judged: Judged,
    opponents: Sequence[Opponent],
    gates: Sequence[Gate],
    of_model: Sequence[Result],
    *,
    check: Callable[[], None],
) -> tuple[GateReport, tuple[Result, ...], tuple[Result, ...]]:
    """Measure everything and judge the gates; returns their report, the metrics and the slices.

    `of_model` are metrics of the model as a thing; the report's model and version are left open.
    """
    results = (*measure(judged, metric_names(judged.holdout, gates)), *of_model)
    check()
    slices = measure_slices(judged, slice_metrics(judged.holdout, gates), check)
    differences = compare_with(judged, opponents, check)
    measured = Measured(overall=results, slices=slices, differences=differences)
    found = judge_gates(gates, measured)
    report = GateReport(
        model="",
        version=0,
        results=found,
        verdict=overall(found) if found else "skipped",
        judged_on=judged.holdout.judged_on,
        baseline=next((each.label for each in opponents if each.label), ""),
        slices=slices,
        reasons={gate.name: gate.reason for gate in gates if gate.reason},
    )
    return report, results, slices


def of_package(row_ms: Sequence[float], size_bytes: int) -> tuple[Result, ...]:
    """Metrics of the model as a thing: how long one row takes, how large it is."""
    found = [Result(name="artifact_bytes", value=float(size_bytes), direction="le", unit="bytes")]
    if row_ms:
        ordered = sorted(row_ms)
        low, high = quantile_interval(ordered, 0.95, 0.95)
        value = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        found.append(
            Result(
                name="row_p95_ms",
                value=value,
                n=len(ordered),
                ci_low=min(low, value),
                ci_high=max(high, value),
                ci_method="order statistics",
                direction="le",
                unit="ms",
            )
        )
    return tuple(found)


def compare_with(
    judged: Judged, opponents: Sequence[Opponent], check: Callable[[], None]
) -> tuple[Result, ...]:
    """This model minus every opponent; an opponent without scores gives an `error` with why."""
    found: list[Result] = []
    for each in opponents:
        check()
        if each.scores is not None:
            found += differences(judged, each.scores, each.threshold, each.name)
        else:
            found += [
                Result(
                    name=name,
                    scope=f"against:{each.name}",
                    verdict="error",
                    reason=f"{each.label or each.name} cannot be compared: {each.reason}",
                )
                for name in COMPARED[judged.holdout.task]
            ]
    return tuple(found)


def _rows_digest(pipeline: Pipeline, cases: Cases, rows: NDArray[np.int64]) -> str:
    if pipeline.row_id:
        named = pa.table({name: cases.columns[name] for name in pipeline.row_id})
        chosen = named.take(pa.array(rows))
    elif cases.source is not None:
        chosen = cases.raw.take(pa.array(cases.source[rows]))
    else:
        chosen = pa.table({"row": rows})
    hashed = hashlib.sha256()
    for name in chosen.column_names:
        hashed.update("\0".join(map(str, chosen.column(name).to_pylist())).encode())
        hashed.update(b"\1")
    hashed.update(np.ascontiguousarray(cases.y[rows]).tobytes())
    return hashed.hexdigest()
