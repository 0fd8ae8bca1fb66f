"""Runs at size: points counted a second, lists and filters over 10,000 runs x 30 metrics x 100
steps, histories of 20, comparisons of 2 and 12. The screen's part is in `run_table.py`.

    PYTHONPATH=. python tests/benchmarks/runs.py [RUNS]

Prints ours beside the limit, DuckDB fed with the same values in one statement a run. Run by hand.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from console.agent.applying.runs import apply_points_many
from console.agent.ingest import Ingest, Source
from console.agent.reporting import APPLIERS
from console.agent.run_comparing import compare
from console.agent.run_index import RunIndex
from console.rules.run_histories import condensed
from storage import journal
from storage.migrate import migrate, read_migrations
from storage.objects import Objects
from storage.records.evaluations import Holdout
from storage.records.jobs import Job
from storage.records.pipelines import Cost
from storage.records.reports import RunPoints
from storage.records.runs import Artifact, DataUse, MetricPoint, Run, RunDetail
from storage.tables import runs

AT = datetime(2013, 7, 1, tzinfo=UTC)
METRICS, STEPS = 30, 100


def timed(what: str, work: Callable[[], Any], per: float = 0.0, unit: str = "") -> Any:
    started = time.perf_counter()
    found = work()
    took = time.perf_counter() - started
    rate = f"  {per / took:,.0f} {unit}/s" if per else ""
    print(f"{what:<58} {took * 1000:9.1f} ms{rate}")
    return found


def store() -> duckdb.DuckDBPyConnection:
    directory = Path(tempfile.mkdtemp(prefix="runs-benchmark-"))
    connection = duckdb.connect(str(directory / "store.duckdb"), config={"threads": "2"})
    schema = resources.files("storage").joinpath("sql", "schema")
    migrate(connection, read_migrations(schema), lambda: AT)
    return connection


def a_run(number: int) -> Run:
    return Run(
        id=number,
        job_id=number,
        pipeline="delays",
        state="succeeded",
        params={f"p{k}": number * k % 97 for k in range(20)},
        data=(DataUse(dataset="flights", version=number % 9 + 1, digest="d" * 64),),
        code={"commit": "c" * 40, "branch": "main", "is_dirty": "no"},
        environment={f"package{k}": "1.2.3" for k in range(10)},
        started_at=AT,
        metrics={f"m{k}": number * k % 101 / 101 for k in range(METRICS)},
        created_by="ana",
    )


def points() -> list[MetricPoint]:
    return [
        MetricPoint(metric=f"m{m}", step=s, value=m / (s + 1), at=AT)
        for m in range(METRICS)
        for s in range(STEPS)
    ]


def ingest(connection: duckdb.DuckDBPyConnection, count: int = 20) -> None:
    """Points of `count` runs: written by a worker's journal, read and applied by the agent."""
    directory = Path(tempfile.mkdtemp(prefix="runs-journal-"))
    per = float(count * METRICS * STEPS)
    one = points()
    per_step = [tuple(one[s::STEPS]) for s in range(STEPS)]

    def write() -> None:
        with journal.JournalWriter(directory) as writer:
            for _ in range(count):
                for step in per_step:
                    writer.append({"t": "points", "d": RunPoints(points=step)})
                writer.flush()

    timed("worker: 30 metrics a step into the journal", write, per, "points")
    job = Job(
        id=1, kind="train", title="", spec={}, state="running", created_at=AT, created_by="ana",
        result={},
    )  # fmt: skip
    applied = Ingest(APPLIERS)

    def read() -> None:
        for batch in journal.pending(directory, {}):
            connection.execute("BEGIN")
            applied.apply(connection, Source(at=AT, job=job), batch.docs)
            connection.execute("COMMIT")

    timed("agent: journal to store, journal read included", read, per, "points")
    reports = [RunPoints(points=step) for step in per_step] * count
    source = Source(at=AT, job=job)
    timed("agent: applying alone", lambda: apply_points_many(connection, source, reports), per,
          "points")  # fmt: skip
    lists = [[p.metric for p in one], [p.step for p in one], [p.value for p in one]]

    def limit() -> None:
        for number in range(count):
            connection.execute(
                "INSERT INTO run_points "
                "SELECT $1, unnest($2), unnest($3), unnest($4), now()::TIMESTAMP",
                [number, *lists],
            )

    timed("limit: DuckDB, one statement a run, lists ready", limit, per, "points")


def search(connection: duckdb.DuckDBPyConnection, count: int) -> None:
    def fill() -> None:
        connection.execute("BEGIN")
        for number in range(1, count + 1):
            runs.record_run(connection, a_run(number))
        connection.execute("COMMIT")

    timed(f"filling {count:,} runs", fill, count, "runs")
    index = RunIndex()
    timed("first list: all runs into memory", lambda: index.refresh(connection))
    timed("refresh, nothing changed", lambda: index.refresh(connection))
    runs.set_run_note(connection, 7, note="x", tags=())
    timed("refresh, one changed", lambda: index.refresh(connection))
    timed("best 500 of all by two fields", lambda: index.find(limit=500, sort=["m3", "-started"]))
    timed("newest 500", lambda: index.find(limit=500))
    text = "metrics.m7 > 0.7 and params.p3 < 50 and data = flights@v3"
    timed("first filter after a change", lambda: index.find(filter_text=text, limit=10**6))
    found = timed("filter over all, three terms", lambda: index.find(filter_text=text, limit=10**6))
    print(f"  {len(found)} hits")
    timed("encode 500 runs", lambda: msgspec.json.encode(index.find(limit=500)))


def histories(connection: duckdb.DuckDBPyConnection, count: int) -> None:
    """20 runs x 30 histories x 100 steps out of `count` runs with as many points each."""
    fill = (
        "INSERT INTO run_points SELECT r, 'm' || m, s, m / (s + 1), TIMESTAMP '2013-07-01' "
        f"FROM range(1, {count + 1}) a(r), range({METRICS}) b(m), range({STEPS}) c(s)"
    )
    points = count * METRICS * STEPS
    timed(f"filling {points:,} points", lambda: connection.execute(fill), points, "points")
    chosen = list(range(1, count + 1, max(1, count // 20)))[:20]
    per = 20 * METRICS * STEPS
    one = "SELECT metric, step, value FROM run_points WHERE run_id = $1 ORDER BY metric, step"
    timed(
        "limit: 20 runs x 30 histories, tuples",
        lambda: [connection.execute(one, [n]).fetchall() for n in chosen],
        per,
        "points",
    )
    found = timed(
        "20 runs x 30 histories, as lists",
        lambda: runs.list_run_histories(connection, chosen),
        per,
        "points",
    )
    for how in ("last", "best"):
        timed(f"condensed to their {how} value", lambda h=how: condensed(chosen, found, h))


def comparison(connection: duckdb.DuckDBPyConnection) -> None:
    """Two and twelve runs whole: 30 histories each, and as many held-out rows as are named."""
    objects = Objects(Path(tempfile.mkdtemp(prefix="runs-objects-")))
    rng = np.random.default_rng(1)
    for rows in (2_000, 50_000):
        y = (rng.random(rows) < 0.3).astype(float)
        details = [_judged(connection, objects, number, y, rng) for number in range(1, 13)]
        for count in (2, 12):
            ids = [each.run.id for each in details[:count]]

            def whole(ids: list[int] = ids, count: int = count, details: Any = details) -> None:
                found = runs.list_run_histories(connection, ids)
                compare(objects, details[:count], found, "best")

            whole()  # scipy and numpy are loaded once in the life of an agent
            timed(f"comparison of {count} runs, {rows:,} held-out rows, 6 metrics", whole)


def _judged(
    connection: duckdb.DuckDBPyConnection, objects: Objects, number: int, y: Any, rng: Any
) -> RunDetail:
    """A run whose holdout is kept as a training keeps it."""
    scores = np.clip(0.3 + 0.3 * (y - 0.3) + rng.normal(0, 0.15, y.size), 0.001, 0.999)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"y": y, "score": scores}), buffer)
    holdout = Holdout(rows=y.size, rows_digest="same", description="", judged_on="", task="binary",
                      classes=("0", "1"), threshold=0.5, cost=Cost(), seed=1)  # fmt: skip
    files = (
        ("holdout", "json", objects.put_json(holdout)),
        ("evaluation", "parquet", objects.put_bytes(buffer.getvalue())),
    )
    metrics = dict.fromkeys(("roc_auc", "log_loss", "recall", "precision", "brier", "ece"), 0.5)
    return RunDetail(
        run=replace(a_run(number), metrics=metrics),
        artifacts=tuple(Artifact(name=n, kind=k, digest=d, bytes=1) for n, k, d in files),  # type: ignore[arg-type]  # kinds
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    connection = store()
    ingest(connection)
    search(connection, count)
    histories(connection, count)
    comparison(connection)


if __name__ == "__main__":
    main()
