"""From a fitted estimator to a model version on disk: every part an object, one manifest over all.

Invariant: a manifest is returned only after the package was loaded again and gave the sample rows
the scores of training, so what is registered can be served.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import joblib
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from console.flow import model as flow_model
from console.flow.apply import Flow
from console.flow.columns import signature_of
from console.flow.estimator import feature_frame
from console.rules.binning import widened
from console.worker.data.profile import profile_table
from console.worker.training.fitting import scores_of
from console.worker.training.rows import Cases, Pinned, reference_queries
from storage.objects import Objects
from storage.records.models import ModelManifest, ReferenceTable, SignatureField
from storage.records.pipelines import Pipeline
from storage.records.profiles import Profile

SAMPLE_ROWS = 1000
PROBE_ROWS = 100
"""Rows on which the fields that a request needs are found out."""
CATEGORIES_AT_MOST = 50
SINGLE_ROWS = 300
"""Rows scored one by one to know how long that takes."""
WARM_UP_ROWS = 30
SINGLE_LIMIT_S = 1.0
"""No more rows are timed after that, on a slow machine or with a slow step."""


@dataclass(frozen=True, slots=True)
class Package:
    """A stored model version."""

    digest: str
    manifest: ModelManifest
    bytes: int
    """Of the estimator."""
    self_check: str
    row_ms: tuple[float, ...]
    """Time of each single row, flow included."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a package beside the estimator."""

    pipeline: Pipeline
    pinned: Sequence[Pinned]
    run_id: int
    threshold: float
    environment: Mapping[str, str]
    profile: str
    calibration: str


def store_package(
    contents: Contents,
    cases: Cases,
    estimator: Any,
    sampled: NDArray[np.int64],
    objects: Objects,
    root: Path,
) -> Package:
    """Write everything, load it again and prove it on the rows `sampled` of the cases."""
    pipeline = contents.pipeline
    flow = Flow(
        [step for step in pipeline.steps if step.flow != "training"],
        reference_queries(contents.pinned, objects),
        root=root,
    )
    try:
        inputs = _inputs(pipeline, cases, flow)
        sample = _sample(pipeline, cases, estimator, sampled, inputs, flow)
    finally:
        flow.close()
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    data = buffer.getvalue()
    manifest = ModelManifest(
        pipeline=pipeline.name,
        pipeline_digest=pipeline.digest,
        task=pipeline.task,
        estimator=pipeline.estimator,
        estimator_digest=objects.put_bytes(data),
        inputs=inputs,
        steps=tuple(step for step in pipeline.steps if step.flow != "training"),
        references=tuple(
            ReferenceTable(
                name=each.use.dataset,
                version=each.use.version,
                digest=each.use.digest,
                manifest=each.manifest_digest,
            )
            for each in contents.pinned
            if each.use.role == "reference"
        ),
        features=cases.features,
        feature_types=cases.types,
        row_id=pipeline.row_id,
        target=pipeline.target,
        classes=cases.classes,
        positive=pipeline.positive if pipeline.task == "binary" else "",
        threshold=contents.threshold,
        cost=pipeline.cost,
        profile=contents.profile,
        sample=objects.put_json(sample),
        calibration=contents.calibration,
        data=tuple(each.use for each in contents.pinned),
        run_id=contents.run_id,
        environment=dict(contents.environment),
    )
    digest = objects.put_json(manifest)
    return _proven(digest, manifest, len(data), sample, objects, root)


def _proven(
    digest: str,
    manifest: ModelManifest,
    size_bytes: int,
    sample: flow_model.Sample,
    objects: Objects,
    root: Path,
) -> Package:
    loaded = flow_model.load(digest, objects, root=root)
    try:
        times = time_single_rows(loaded, sample.rows)
        return Package(digest, manifest, size_bytes, loaded.self_check, times)
    finally:
        loaded.close()


def time_single_rows(
    loaded: flow_model.LoadedModel, rows: Sequence[Mapping[str, Any]]
) -> tuple[float, ...]:
    """Milliseconds of single predictions, signature check and flow included."""
    taken = []
    until = time.perf_counter() + SINGLE_LIMIT_S
    for number in range(min(WARM_UP_ROWS + SINGLE_ROWS, len(rows))):
        started = time.perf_counter()
        if started > until:
            break
        columns = loaded.signature.columns([rows[number]], extra="ignore")
        loaded.predict(columns, 1)
        if number >= WARM_UP_ROWS:
            taken.append((time.perf_counter() - started) * 1000)
    return tuple(taken)


def store_profile(
    cases: Cases, rows: NDArray[np.int64], scores: NDArray[np.float64], objects: Objects
) -> tuple[str, Profile]:
    """Profile the features of `rows` and, as the column `score`, what rows not fitted on scored."""
    columns = {
        name: pa.array(cases.frame[name].iloc[rows], from_pandas=True) for name in cases.features
    }
    found = _profile(pa.table(columns))
    if scores.ndim == 1:
        of_scores = _profile(pa.table({"score": scores}))
        found = Profile(
            rows=found.rows,
            columns=(*found.columns, *of_scores.columns),
            algorithm=found.algorithm,
        )
    found = widened(found)
    return objects.put_json(found), found


def _profile(table: pa.Table) -> Profile:
    with duckdb.connect(config={"threads": "2"}) as connection:
        connection.register("arriving", table)
        connection.execute("CREATE TABLE features AS SELECT * FROM arriving")
        return profile_table(connection, "features")


def _inputs(pipeline: Pipeline, cases: Cases, flow: Flow) -> tuple[SignatureField, ...]:
    """The fields of a request: the columns of the input without which no features can be made."""
    raw = cases.raw
    if flow.has_steps():
        needed = flow.needed(raw.slice(0, PROBE_ROWS), cases.features)
    else:
        needed = tuple(name for name in raw.column_names if name in cases.features)
    used = raw.select(needed)
    if cases.source is not None:
        used = used.take(pa.array(cases.source))
    required = [name for name in needed if used.column(name).null_count == 0]
    fields = []
    for field in signature_of(used.schema, required):
        categories: tuple[str, ...] = ()
        if field.type == "string":
            known = used.column(field.name).unique().drop_null().to_pylist()
            categories = tuple(sorted(known)) if len(known) <= CATEGORIES_AT_MOST else ()
        fields.append(replace(field, categories=categories))
    return tuple(fields)


def _sample(
    pipeline: Pipeline,
    cases: Cases,
    estimator: Any,
    sampled: NDArray[np.int64],
    inputs: Sequence[SignatureField],
    flow: Flow,
) -> flow_model.Sample:
    """Request rows with the scores that the training's own features gave them.

    When a training step merged rows no request row belongs to a training row; then any input rows
    are taken, with the scores of the features that the inference flow makes of them.
    """
    rows = sampled[:: max(1, len(sampled) // SAMPLE_ROWS)][:SAMPLE_ROWS]
    names = [field.name for field in inputs]
    if cases.source is not None:
        table = cases.raw.select(names).take(pa.array(cases.source[rows]))
        frame = cases.frame.iloc[rows]
    else:
        table = cases.raw.select(names).slice(0, SAMPLE_ROWS)
        frame = feature_frame(
            flow.features(table, cases.features, cases.types), cases.features, cases.types
        )
    scores = scores_of(estimator, frame, pipeline.task)
    return flow_model.Sample(rows=_as_requests(table), scores=scores.tolist())


def _as_requests(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as a client would send them: times as ISO 8601 text, no NaN."""
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name, value in row.items():
            if isinstance(value, datetime):
                row[name] = f"{value.isoformat()}Z"
            elif isinstance(value, float) and not math.isfinite(value):
                row[name] = None
    return rows
