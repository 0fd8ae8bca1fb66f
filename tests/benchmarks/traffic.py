"""Live metrics, side by side in one run: `python -m tests.benchmarks.traffic [events]`.

Thirty days of traffic as counts (default 50 million requests), then the two questions a screen asks
all the time: the last hour by 10 s and the month by hour, quiet and while batches of 2,500 requests
come in twice a second. Beside them: the same from raw rows with DuckDB's exact quantiles over the
last hour (the limit without counts), the error of p99, and what storing and counting a batch costs.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from console.clock import SystemClock
from console.rules.latency import value_ms
from storage.database import Database
from storage.records.endpoints import Endpoint, RequestEvent
from storage.tables import endpoints, traffic
from storage.workspace import Workspace

MU, SIGMA = 3.0, 0.5
LOG_GAMMA = math.log(1.01 / 0.99)
ADD = (
    'INSERT INTO {table} ("at", endpoint, version, is_shadow, measure, outcome, k, n, total) '
    "SELECT unnest($at), 'bench', 1, false, unnest($measure), unnest($outcome), unnest($k), "
    "unnest($n), 0.0"
)


def main(events: int) -> None:
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / "w")
        with Database.open(workspace, clock=SystemClock()) as database:
            _fill(database, now, events)
            hour = _question(now, 3600.0, 10.0)
            month = _question(now, 30 * 86400.0, 3600.0)
            print(f"{events / 1e6:.0f} M requests in 30 days\n")
            print(f"{'':34}{'median ms':>12}{'p95 ms':>10}")
            _report("last hour by 10 s", database, hour)
            _report("30 days by hour", database, month)
            with _Ingesting(database):
                _report("last hour while ingesting", database, hour)
                _report("30 days while ingesting", database, month)
            _report("last hour, exact, from raw rows", database, _exact(now))
            _batch(database, now)
            (whole,) = database.read(_question(now, 30 * 86400.0, 400 * 86400.0))
            exact = math.exp(MU + SIGMA * statistics.NormalDist().inv_cdf(0.99))
            found = value_ms(whole.p99_k or 0)
            print(f"\np99 of the month: {found:.1f} ms, {found / exact - 1:+.2%} of the exact one")


def _fill(database: Database, now: datetime, events: int) -> None:
    """Counts as the agent keeps them: 10 s for two hours, minutes for a day, hours before."""
    endpoint = Endpoint(
        name="bench", model="bench", port=1, state="ready", created_at=now, created_by="bench"
    )
    database.write(lambda c: endpoints.create_endpoint(c, endpoint))
    rng = np.random.default_rng(0)
    rate = events / (30 * 86400.0)
    k = np.arange(-100, 500)
    edges = (LOG_GAMMA * np.arange(-101, 500) - MU) / SIGMA
    shares = np.diff([statistics.NormalDist().cdf(edge) for edge in edges])
    naive = now.replace(tzinfo=None)
    for table, width_s, oldest, newest in (
        ("counts_10s", 10, timedelta(hours=2), timedelta()),
        ("counts_1m", 60, timedelta(days=1), timedelta(hours=2)),
        ("counts_1h", 3600, timedelta(days=30), timedelta(days=1)),
    ):
        columns: dict[str, list[Any]] = {"at": [], "measure": [], "outcome": [], "k": [], "n": []}
        at = naive - oldest
        while at < naive - newest:
            counts = rng.multinomial(rng.poisson(rate * width_s), shares / shares.sum())
            used = counts > 0
            for measure in ("latency", "queue"):
                columns["k"] += k[used].tolist()
                columns["n"] += counts[used].tolist()
                columns["measure"] += [measure] * int(used.sum())
            columns["k"] += [0] * 3
            columns["n"] += [int(counts.sum())] * 3
            columns["measure"] += ["asked", "within", "decision"]
            rows = len(columns["k"]) - len(columns["at"])
            columns["at"] += [at] * rows
            columns["outcome"] += [""] * (rows - 3) + ["ok", "", "yes"]
            at += timedelta(seconds=width_s)
        database.write(lambda c, t=table, p=columns: c.execute(ADD.format(table=t), p))
    _raw_hour(database, naive, rate)


def _raw_hour(database: Database, now: datetime, rate: float) -> None:
    n = int(rate * 3600)
    database.write(
        lambda c: c.execute(
            "INSERT INTO requests SELECT 'r' || i, 'raw', $now - to_seconds(i / $rate), 1, 'ok', "
            "200, exp($mu + $sigma * (random() + random() + random() - 1.5) * 2), 0.0, 0.5, true, "
            "false, '' FROM range($n) t(i)",
            {"now": now, "rate": rate, "mu": MU, "sigma": SIGMA, "n": n},
        )
    )


def _question(now: datetime, span_s: float, width_s: float) -> Callable[[Any], Any]:
    since = now - timedelta(seconds=span_s)
    return lambda c: traffic.list_signals(c, "bench", since=since, until=now, width_s=width_s)


def _exact(now: datetime) -> Callable[[Any], Any]:
    sql = (
        'SELECT time_bucket(INTERVAL 10 SECOND, "at") AS b, count(*), '
        "quantile_cont(latency_ms, [0.5, 0.95, 0.99]), count(*) FILTER (outcome <> 'ok') "
        "FROM requests WHERE endpoint = 'raw' AND \"at\" >= $since GROUP BY b ORDER BY b"
    )
    since = now.replace(tzinfo=None) - timedelta(hours=1)
    return lambda c: c.execute(sql, {"since": since}).fetchall()


def _report(what: str, database: Database, question: Callable[[Any], Any]) -> None:
    times = []
    for _ in range(15):
        began = time.perf_counter()
        database.read(question)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    print(f"{what:34}{statistics.median(times):12.1f}{times[-1]:10.1f}")


def _events(now: datetime, n: int) -> list[RequestEvent]:
    rng = np.random.default_rng(1)
    return [
        RequestEvent(
            request_id=f"b{number}", endpoint="other", at=now, version=1, outcome="ok", status=200,
            latency_ms=float(latency), score=float(score), decision=bool(score > 0.5),
        )
        for number, (latency, score) in enumerate(
            zip(rng.lognormal(MU, SIGMA, n), rng.random(n), strict=True)
        )
    ]  # fmt: skip


def _batch(database: Database, now: datetime) -> None:
    for n in (50, 2500):
        events = _events(now, n)
        times = []
        for _ in range(7):
            began = time.perf_counter()
            database.write(lambda c, e=events: traffic.add_requests(c, e))
            times.append((time.perf_counter() - began) * 1000)
        what = f"store and count {n} requests"
        print(f"{what:34}{statistics.median(times):12.1f}{max(times):10.1f}")


class _Ingesting:
    """Batches twice a second in a thread, as 5,000 requests a second would bring them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        events = _events(datetime.now(UTC), 2500)
        while not self._stop.wait(0.5):
            self._database.write(lambda c: traffic.add_requests(c, events))


if __name__ == "__main__":
    main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 50_000_000)
