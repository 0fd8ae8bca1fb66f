"""What a training job costs beside the bare fits in it: `python tests/benchmarks/training.py`.

The flights of January to March 2013 (78,000 cases). The limit is what anybody has to do: the same
four fits one after another in a process that has everything imported. Every figure stands beside
its yardstick from the same run, as a ratio; CPU seconds are told too, because they hardly
change when other work takes the cores. Metric points a second are in `runs.py`. Run by hand.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pyarrow as pa
import pyarrow.parquet as pq

from console.client.client import Client
from console.wire import datasets as dataset_wire
from console.wire import jobs as job_wire
from console.wire import runs as run_wire
from console.wire.datasets import AddData
from console.wire.jobs import JobId
from console.wire.runs import StartTraining
from console.worker.training import estimators, fitting, splitting
from console.worker.training.fitting import Fit, fit_all
from console.worker.training.rows import make_cases, read_pinned, read_table, reference_queries
from storage.objects import Objects
from storage.records.jobs import FINAL_STATES, Job
from storage.workspace import Workspace
from tests.conftest import RunningAgent, end_children, start_agent_process
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


def row(what: str, seconds: float, words: str = "") -> None:
    print(f"{what:<44} {seconds:8.2f} s   {words}")


def fits_of(made: Bench, order: dict[str, Any]) -> tuple[Any, list[Fit]]:
    """The prepared cases and the four fits of a training: the model and its folds."""
    pipeline = made.declare((SAMPLE / "mlops.toml").read_text()).pipelines["delays"]
    pinned = read_pinned(made.objects, order["data"])
    started = time.perf_counter()
    cases = make_cases(
        pipeline,
        read_table(pinned[0], made.objects, threads=2),
        reference_queries(pinned, made.objects),
        root=made.workspace.root,
        threads=2,
    )
    row("rows to features", time.perf_counter() - started)
    parts = splitting.split_rows(pipeline, cases.y, cases.columns[pipeline.split.column], 1)
    estimator = estimators.with_preprocessing(
        pipeline,
        estimators.make_estimator(pipeline, pipeline.params, 1),
        cases.features,
        cases.types,
        cases.frame,
    )
    fits = [Fit("final", estimator, parts.train, parts.holdout)]
    return cases, fits + [
        Fit(f"fold:{k}", estimator, a, b) for k, (a, b) in enumerate(parts.folds, 1)
    ]


@dataclass(frozen=True)
class Cost:
    """Of something that was done once."""

    seconds: float
    cpu: float

    @property
    def words(self) -> str:
        return f"{self.cpu:5.2f} s CPU, {self.cpu / self.seconds:.2f} cores busy"


def cost(do: Callable[[], object]) -> Cost:
    started, cpu = time.perf_counter(), time.process_time()
    do()
    return Cost(time.perf_counter() - started, time.process_time() - cpu)


def one_by_one(cases: Any, fits: list[Fit]) -> None:
    for each in fits:
        fitting._fit(cases.frame, cases.y, each, "binary")


def two_threads_each(root: Path) -> Cost:
    """The same fits with two OpenMP threads inside of each: what is left alone without limits."""
    script = (
        "import tests.benchmarks.training as t, joblib; "
        "made = t.bench(); order = made.order((t.SAMPLE / 'mlops.toml').read_text(), 'delays'); "
        "cases, fits = t.fits_of(made, order); "
        "found = t.cost(lambda: joblib.Parallel(2, backend='threading')(joblib.delayed"
        "(t.fitting._fit)(cases.frame, cases.y, f, 'binary') for f in fits)); "
        "print('took', found.seconds, found.cpu)"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    seconds, cpu = done.stdout.split("took")[1].split()
    return Cost(float(seconds), float(cpu))


def through_the_agent(made: Bench) -> tuple[float, float]:
    """Seconds from asking for a training until its end is known, first and second time."""
    root = Path(tempfile.mkdtemp(prefix="training-agent-")) / "w"
    shutil.copytree(SAMPLE, root)
    workspace = Workspace.create(root)
    agent = RunningAgent(workspace, start_agent_process(workspace))
    client = Client(workspace, start=False)
    try:
        names = {"weather": ["weather-2013.parquet"], "planes": ["planes.parquet"]}
        names["flights"] = [f"flights/flights-2013-0{m}.parquet" for m in (1, 2, 3)]
        for dataset, files in names.items():
            request = AddData(
                dataset=dataset,
                files=tuple(str(SAMPLE / each) for each in files),
                options={},
                force=True,  # its contract is about one month
            )
            added = ended(client, client.call(dataset_wire.add_data, request))
            assert added.state == "succeeded", added.reason
        took = []
        for _ in range(2):
            started = time.perf_counter()
            order = StartTraining(pipeline="delays", params={}, data={})
            found = ended(client, client.call(run_wire.start_training, order))
            assert found.state == "succeeded", found.reason
            took.append(time.perf_counter() - started)
        return took[0], took[1]
    finally:
        client.close()
        agent.stop()
        end_children(workspace)


def ended(client: Client, job: Job) -> Job:
    while job.state not in FINAL_STATES:
        time.sleep(0.02)
        job = client.call(job_wire.get_job, JobId(id=job.id))
    return job


def main() -> None:
    made = bench()
    order = made.order((SAMPLE / "mlops.toml").read_text(), "delays")
    cases, fits = fits_of(made, order)
    # Alternating, the better of two: other work on the machine comes and goes.
    alone, beside = [], []
    for _ in range(2):
        alone.append(cost(lambda: one_by_one(cases, fits)))
        beside.append(cost(lambda: list(fit_all(cases, fits, "binary"))))
    limit, ours = (min(each, key=lambda found: found.seconds) for each in (alone, beside))
    row("four fits, one after another", limit.seconds, f"the limit; {limit.words}")
    row("four fits, side by side", ours.seconds,
        f"{ours.seconds / limit.seconds:.2f} × the limit; {ours.words}")  # fmt: skip
    crowded = two_threads_each(Path(__file__).resolve().parents[2])
    words = f"{crowded.seconds / ours.seconds:.2f} × ours, {crowded.cpu / ours.cpu:.2f} × its CPU"
    row("the same, two OpenMP threads in each", crowded.seconds, words)
    started = time.perf_counter()
    told = made.run("train", order)
    inside = time.perf_counter() - started
    row("the whole job in a warm process", inside, f"{inside / ours.seconds:.2f} × its fits")
    assert told.exit_code == 0, told.end
    first, second = through_the_agent(made)
    row("asked of an agent that has just started", first, f"{first / inside:.2f} × the job alone")
    row("asked again, workers warm", second, f"{second / inside:.2f} × the job alone, "
        f"{second / ours.seconds:.2f} × the fits")  # fmt: skip


if __name__ == "__main__":
    main()
