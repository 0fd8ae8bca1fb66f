"""A workspace with small real models of late flights, as a training worker would leave it."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import joblib
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from console.flow.apply import Flow
from console.flow.columns import canonical, signature_of
from console.flow.estimator import feature_frame
from console.rules.declaration import step_digest
from storage import chunking
from storage.chunks import encode
from storage.objects import Objects
from storage.records.models import ModelManifest, ReferenceTable
from storage.records.pipelines import Step
from storage.records.profiles import ColumnProfile, Profile
from storage.workspace import Workspace

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"
INPUTS = [
    "month", "day", "hour", "minute", "sched_dep_time", "sched_arr_time", "carrier", "flight",
    "tailnum", "origin", "dest", "distance", "time_hour",
]  # fmt: skip
NUMBERS = ["day", "hour", "distance", "minute_of_day", "temp", "wind_speed", "visib", "seats"]
CATEGORIES = ["carrier", "origin", "dest"]
FEATURES = NUMBERS + CATEGORIES
TYPES = ["number"] * len(NUMBERS) + ["category"] * len(CATEGORIES)

LABEL = "SELECT *, arr_delay > 15 AS late FROM this WHERE arr_delay IS NOT NULL"
WEATHER = """
    SELECT this.*, w.temp, w.wind_speed, w.visib, p.seats
    FROM this
    LEFT JOIN weather AS w ON w.origin = this.origin AND w.time_hour = this.time_hour
    LEFT JOIN planes AS p ON p.tailnum = this.tailnum
"""
CLOCK = "SELECT *, hour * 60 + minute AS minute_of_day FROM this"


@dataclass
class Trained:
    """One model version in the object store."""

    digest: str
    manifest: ModelManifest
    rows: list[dict[str, Any]]
    """Request rows as JSON would bring them."""
    scores: list[float]
    """What the pipeline scores them."""


def flights() -> pa.Table:
    return pq.read_table(SAMPLE / "flights" / "flights-2013-01.parquet")


def references() -> dict[str, pa.Table]:
    return {
        "weather": pq.read_table(SAMPLE / "weather-2013.parquet"),
        "planes": pq.read_table(SAMPLE / "planes.parquet"),
    }


def step(name: str, sql: str, flow: str = "both") -> Step:
    made = Step(name=name, flow=flow, sql=sql)  # type: ignore[arg-type]  # a literal of three
    return replace(made, digest=step_digest(made))


STEPS = (step("label", LABEL, "training"), step("weather", WEATHER), step("clock", CLOCK))


def train_delays(workspace: Workspace, *, seed: int = 0, rows: int = 6000) -> Trained:
    """Late flights from what is known before departure, joined with weather and planes."""
    objects = Objects(workspace.objects)
    tables = references()
    flow = Flow(STEPS, tables)
    data = flights().slice(seed * 100, rows)
    made = flow.trace(data, "training")
    columns = {name: made.table.column(name).to_pylist() for name in FEATURES}
    frame = feature_frame(columns, FEATURES, TYPES)
    pipeline = Pipeline(
        [
            (
                "prepare",
                ColumnTransformer(
                    [
                        ("numbers", "passthrough", NUMBERS),
                        (
                            "categories",
                            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                            CATEGORIES,
                        ),
                    ]
                ),
            ),
            ("model", HistGradientBoostingClassifier(max_iter=20, random_state=seed)),
        ]
    )
    pipeline.fit(frame, np.asarray(made.table.column("late").to_pylist(), dtype=int))
    requests = canonical(data.select(INPUTS)).slice(0, 300)
    served = flow.features(requests, FEATURES, TYPES)
    scores = pipeline.predict_proba(feature_frame(served, FEATURES, TYPES))[:, 1].tolist()
    flow.close()
    manifest = ModelManifest(
        pipeline="delays",
        pipeline_digest="0" * 64,
        task="binary",
        estimator="sklearn.ensemble.HistGradientBoostingClassifier",
        estimator_digest=put_estimator(objects, pipeline),
        inputs=signature_of(requests.schema, required=("carrier", "origin", "hour", "distance")),
        steps=STEPS,
        references=tuple(_reference(objects, name, table) for name, table in tables.items()),
        features=tuple(FEATURES),
        feature_types=tuple(TYPES),
        target="late",
        classes=("0", "1"),
        positive="1",
        profile=objects.put_json(profile_of(columns, pipeline.predict_proba(frame)[:, 1])),
        sample=put_sample(objects, json_rows(requests), scores),
        environment={"scikit-learn": sklearn.__version__, "python": sys.version.split()[0]},
    )
    return Trained(objects.put_json(manifest), manifest, json_rows(requests), scores)


def train_plain(workspace: Workspace, *, seed: int = 0, trees: int = 100) -> Trained:
    """20 features, 100 trees, no steps: the model of the benchmarks."""
    objects = Objects(workspace.objects)
    rng = np.random.default_rng(seed)
    n = 5000
    numbers, categories = [f"x{i}" for i in range(15)], [f"c{i}" for i in range(5)]
    names = numbers + categories
    types = ["number"] * 15 + ["category"] * 5
    columns: dict[str, Any] = {name: rng.normal(size=n) for name in numbers}
    for i, name in enumerate(categories):
        columns[name] = [f"v{v}" for v in rng.integers(0, 4 + i, size=n)]
    target = (columns["x0"] + columns["x1"] * columns["x2"] + rng.normal(size=n) > 0).astype(int)
    frame = feature_frame(columns, names, types)
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    pipeline = Pipeline(
        [
            (
                "prepare",
                ColumnTransformer(
                    [("numbers", StandardScaler(), numbers), ("categories", hot, categories)]
                ),
            ),
            ("model", HistGradientBoostingClassifier(max_iter=trees, early_stopping=False)),
        ]
    )
    pipeline.fit(frame, target)
    first = {name: np.asarray(columns[name][:1000]).tolist() for name in names}
    rows = [dict(zip(names, row, strict=True)) for row in zip(*first.values(), strict=True)]
    scores = pipeline.predict_proba(feature_frame(first, names, types))[:, 1].tolist()
    manifest = ModelManifest(
        pipeline="plain",
        pipeline_digest="0" * 64,
        task="binary",
        estimator="sklearn.ensemble.HistGradientBoostingClassifier",
        estimator_digest=put_estimator(objects, pipeline),
        inputs=signature_of(pa.table(first).schema, required=names),
        steps=(),
        features=tuple(names),
        feature_types=tuple(types),
        target="y",
        classes=("0", "1"),
        positive="1",
        profile=objects.put_json(profile_of(columns, np.asarray(scores))),
        sample=put_sample(objects, rows, scores),
        environment={"scikit-learn": sklearn.__version__},
    )
    return Trained(objects.put_json(manifest), manifest, rows, scores)


def put_estimator(objects: Objects, pipeline: Any) -> str:
    file = io.BytesIO()
    joblib.dump(pipeline, file)
    return objects.put_bytes(file.getvalue())


def put_sample(objects: Objects, rows: list[dict[str, Any]], scores: list[float]) -> str:
    return objects.put_json({"rows": rows, "scores": scores})


def json_rows(table: pa.Table) -> list[dict[str, Any]]:
    rows = table.to_pylist()
    return [msgspec.json.decode(msgspec.json.encode(row)) for row in rows]


def profile_of(columns: dict[str, Any], scores: Any) -> Profile:
    made = []
    for name, values in {**columns, "score": list(scores)}.items():
        known = [v for v in values if v is not None and v == v]
        if isinstance(known[0], str):
            top = sorted({(v, known.count(v)) for v in set(known)}, key=lambda pair: -pair[1])
            kind: dict[str, Any] = {"type": "VARCHAR", "kind": "categorical", "top": tuple(top)}
        else:
            edges = np.unique(np.quantile(np.asarray(known, dtype=float), np.linspace(0, 1, 11)))
            kind = {"type": "DOUBLE", "kind": "numeric", "edges": tuple(edges[1:-1].tolist())}
        made.append(ColumnProfile(name=name, n=len(values), **kind))
    return Profile(rows=len(scores), columns=tuple(made))


def _reference(objects: Objects, name: str, table: pa.Table) -> ReferenceTable:
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("source", table)
        rows = chunking.numbered(connection, "SELECT * FROM source", "numbered")
        manifest = chunking.write_version(connection, rows, objects, objects.root.parent)
    return ReferenceTable(
        name=name,
        version=1,
        digest=manifest.digest,
        manifest=objects.put_bytes(encode(manifest)),
    )
