"""The real table of runs at size: `PYTHONPATH=. python tests/benchmarks/run_table.py [RUNS]`.

For 30 and 300 metrics a run: what the agent sends for the whole list (as the console asks for it),
and CPU milliseconds from a key to painted cells, beside those of the same keys with 100 runs.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from console.agent.run_index import RunIndex
from console.rules.run_fields import in_reading_order
from console.tui.filter_row import apply_filter
from console.tui.snapshots.jobs import METRICS_OF_OLDER, NEWEST_RUNS, Snapshot
from console.tui.widgets.table import Table
from storage.records.runs import DataUse, Run
from tests.tui.areas.shown import seen

AT = datetime(2013, 7, 1, tzinfo=UTC)


def made_runs(count: int, metrics: int) -> list[Run]:
    """Runs, newest first."""
    rng = random.Random(1)
    names = [f"m{k}" for k in range(metrics)]
    data = (DataUse(dataset="flights", version=3, digest="d" * 64),)
    return [
        Run(
            id=number,
            job_id=number,
            pipeline="delays",
            state="succeeded",
            params={f"p{k}": number * k % 97 for k in range(20)},
            data=data,
            code={"commit": "c" * 40, "branch": "main", "is_dirty": "no"},
            environment={f"package{k}": "1.2.3" for k in range(10)},
            started_at=AT,
            metrics=in_reading_order({name: rng.random() for name in names}),
            created_by="ana",
        )
        for number in range(count, 0, -1)
    ]


def snapshot(runs: list[Run]) -> Snapshot:
    return Snapshot(jobs=(), runs=tuple(runs), champions=(), metrics=("m0", "m1"), at=AT)


async def keys(runs: list[Run]) -> dict[str, float]:
    """CPU milliseconds from each key to painted cells, in the area as it is."""
    taken: dict[str, float] = {}
    async with seen("jobs", size=(140, 45)) as it:
        table = it.app.area.query_one("#runs", Table)

        async def measure(name: str, step: Callable[[], object]) -> None:
            await it.pilot.pause()
            before = time.process_time()
            step()
            await it.pilot.pause()
            taken[name] = (time.process_time() - before) * 1e3

        area = it.app.area
        await measure("first picture", lambda: area.show(snapshot(runs)))
        await measure("refreshed", lambda: area.show(snapshot(runs)))
        table.focus()
        await measure("cursor step", lambda: table.action_step(1))
        await measure("page", lambda: table.action_page(1))
        await measure("last row", lambda: table.action_ends(True))
        await measure("mark", table.action_mark)
        await measure("sort", lambda: table.order_by("metrics.m3"))
        await measure("filter", lambda: apply_filter(table, "m3 > 0.5 and params.p3 < 50"))
        await measure("group", lambda: table.group_by("params.p7"))
        await measure("step in groups", lambda: table.action_step(1))
    return taken


def sent(runs: list[Run]) -> None:
    """What comes over the socket for the whole list, and how long both ends take."""
    index = RunIndex()
    index.keep(runs)
    encode, decode = msgspec.json.encode, msgspec.json.Decoder(list[Run]).decode
    oldest = runs[:NEWEST_RUNS][-1].id
    for name, find in (
        ("newest", lambda: index.find(limit=NEWEST_RUNS)),
        (
            "older",
            lambda: index.find(limit=10_000, before=oldest, metrics_at_most=METRICS_OF_OLDER),
        ),
        ("older, every metric", lambda: index.find(limit=10_000, before=oldest)),
    ):
        before = time.perf_counter()
        document = encode(find())
        middle = time.perf_counter()
        decode(document)
        after = time.perf_counter()
        print(
            f"  {name:<22} {len(document) / 1e6:7.1f} MB  agent {(middle - before) * 1e3:6.0f} ms"
            f"  console {(after - middle) * 1e3:6.0f} ms"
        )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for metrics in (30, 300):
        runs = made_runs(count, metrics)
        print(f"{count:,} runs x {metrics} metrics")
        sent(runs)
        index = RunIndex()
        index.keep(runs)
        few = index.find(limit=100)
        many = [
            *index.find(limit=NEWEST_RUNS),
            *index.find(
                limit=10_000, before=runs[NEWEST_RUNS - 1].id, metrics_at_most=METRICS_OF_OLDER
            ),
        ]
        small, large = asyncio.run(keys(few)), asyncio.run(keys(many))
        for name, took in large.items():
            print(
                f"  {name:<16} {took:7.1f} ms CPU   100 runs {small[name]:6.1f} ms"
                f"   ratio {took / max(small[name], 0.1):5.1f}"
            )


if __name__ == "__main__":
    main()
