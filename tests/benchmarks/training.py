"""What a training job costs beside the bare fits in it: `python tests/benchmarks/training.py`.

The flights of January to March 2013 (78,000 cases). The limit is what anybody has to do: the same
four fits one after another in a process that has everything imported. Run by hand.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pyarrow as pa
import pyarrow.parquet as pq

from console.worker.training import estimators, fitting, splitting
from console.worker.training.fitting import Fit, fit_all
from console.worker.training.rows import make_cases, read_pinned, read_table, reference_queries
from storage.objects import Objects
from storage.workspace import Workspace
from tests.worker.conftest import Bench

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"


def bench() -> Bench:
    root = Path(tempfile.mkdtemp(prefix="training-benchmark-")) / "w"
    shutil.copytree(SAMPLE, root)
    workspace = Workspace.create(root)
    made = Bench(workspace, Objects(workspace.objects))
    months = [pq.read_table(SAMPLE / f"flights/flights-2013-0{m}.parquet") for m in (1, 2, 3)]
    made.store("flights", pa.concat_tables(months), 3)
    made.store("weather", pq.read_table(SAMPLE / "weather-2013.parquet"))
    made.store("planes", pq.read_table(SAMPLE / "planes.parquet"))
    return made


def main() -> None:
    made = bench()
    text = (SAMPLE / "mlops.toml").read_text()
    pipeline = made.declare(text).pipelines["delays"]
    order = made.order(text, "delays")
    pinned = read_pinned(made.objects, order["data"])
    started = time.perf_counter()
    cases = make_cases(
        pipeline,
        read_table(pinned[0], made.objects, threads=2),
        reference_queries(pinned, made.objects),
        root=made.workspace.root,
        threads=2,
    )
    print(f"rows to features        {time.perf_counter() - started:6.2f} s")
    parts = splitting.split_rows(pipeline, cases.y, cases.columns[pipeline.split.column], 1)
    estimator = estimators.with_preprocessing(
        pipeline,
        estimators.make_estimator(pipeline, pipeline.params, 1),
        cases.features,
        cases.types,
        cases.frame,
    )
    fits = [Fit("final", estimator, parts.train, parts.holdout)]
    fits += [Fit(f"fold:{k}", estimator, a, b) for k, (a, b) in enumerate(parts.folds, 1)]
    started = time.perf_counter()
    for each in fits:
        fitting._fit(cases.frame, cases.y, each, "binary")
    alone = time.perf_counter() - started
    print(f"four fits, one by one   {alone:6.2f} s   (the limit)")
    started, cpu = time.perf_counter(), time.process_time()
    list(fit_all(cases, fits, "binary"))
    took, used = time.perf_counter() - started, time.process_time() - cpu
    print(f"four fits, side by side {took:6.2f} s   {used / took:.2f} cores busy")
    for number in (1, 2):
        started = time.perf_counter()
        told = made.run("train", order)
        took = time.perf_counter() - started
        print(f"job {number}, warm worker     {took:6.2f} s   exit {told.exit_code}")


if __name__ == "__main__":
    main()
