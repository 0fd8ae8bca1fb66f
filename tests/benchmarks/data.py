"""Data versions at size: add, add again, diff, check, profile, drift, one page; and how each grows.

    PYTHONPATH=. python tests/benchmarks/data.py [ROWS ...]   default 100000 1000000 10000000

A table of 12 columns; v2 has 1 % more rows and 10,000 neighbouring rows changed, v3 has 1 % of its
rows changed here and there. Printed beside the limits of the same run: reading the file and
hashing it (which stores everything again and tells no difference) and DuckDB's own hash join; and
beside DVC and Delta Lake where they are installed (the command dvc, the package deltalake). The
last column says how the cost grows from the first size to the last. Run by hand.
"""

from __future__ import annotations

import hashlib
import importlib.util
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from console.agent.page_reader import PageReader
from console.rules.contracts import parse
from console.rules.drift import profile_drift
from console.worker.data import checking, diffing
from console.worker.data.profile import profile_table
from console.worker.data.reading import Reading, read
from console.worker.data.running import open_engine
from storage import chunking, chunks
from storage.objects import Objects
from storage.records.chunks import Manifest

TABLE = """
    SELECT i AS id, (hash(i) % 1000)::INTEGER AS a, (hash(i + 1) % 100000)::INTEGER AS b,
        (hash(i + 2) % 7)::TINYINT AS c, (hash(i + 3) % 1000000) / 1000.0::DOUBLE AS x,
        sqrt(i) AS y, (hash(i + 4) % 10000) / 100.0::DOUBLE AS z,
        'name ' || (hash(i + 5) % 50) AS s, 'city ' || (hash(i + 6) % 5000) AS t,
        (hash(i + 7) % 2 = 0) AS flag, TIMESTAMP '2013-01-01' + to_seconds(i * 3) AS time,
        DATE '2013-01-01' + (i // 28800)::INT AS d
    FROM range({rows}) t(i)"""
CHANGED = "* REPLACE (CASE WHEN {when} THEN z + 1 ELSE z END AS z)"
CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: t
version: 1.0.0
status: active
name: t
schema:
  - name: t
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: a, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}
      - {name: x, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 1000}}
      - {name: z, logicalType: number, required: true}
      - {name: s, logicalType: string, logicalTypeOptions: {pattern: 'name [0-9]+'}}
      - {name: t, logicalType: string, required: true, logicalTypeOptions: {maxLength: 12}}
      - {name: time, logicalType: timestamp}
"""


@dataclass
class Timings:
    """What each step took at one size."""

    rows: int
    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def time(self, what: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        found = work()
        self.seconds[what] = time.perf_counter() - started
        return found


class Bench:
    """One size: three files, one object store."""

    def __init__(self, directory: Path, rows: int) -> None:
        self.directory = directory
        self.rows = rows
        self.objects = Objects(directory / "objects")
        self.connection = open_engine(directory, memory_bytes=2 << 30, threads=2)
        self.timings = Timings(rows)

    def write_files(self) -> list[Path]:
        paths = [self.directory / f"v{n}.parquet" for n in (1, 2, 3)]
        more, start = self.rows // 100, self.rows // 2
        block = CHANGED.format(when=f"id BETWEEN {start} AND {start + 9_999}")
        spread = CHANGED.format(when="hash(id) % 100 = 0")
        queries = [
            TABLE.format(rows=self.rows),
            f"SELECT {block} FROM ({TABLE.format(rows=self.rows + more)})",
            f"SELECT {spread} FROM ({TABLE.format(rows=self.rows)})",
        ]
        for path, query in zip(paths, queries, strict=True):
            self.connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        return paths

    def add(self, what: str, path: Path, parent: Manifest | None) -> tuple[Manifest, Reading]:
        before = self.stored_bytes()

        def work() -> tuple[Manifest, Reading]:
            reading = read(self.connection, path, scratch=self.directory)
            manifest = chunking.write_version(
                self.connection, reading.rows, self.objects, self.directory, parent=parent
            )
            return manifest, reading

        found: tuple[Manifest, Reading] = self.timings.time(what, work)
        self.timings.facts[what] = f"+{(self.stored_bytes() - before) / 1e6:.1f} MB"
        return found

    def stored_bytes(self) -> int:
        return sum(self.objects.size_bytes(digest) for digest in self.objects)

    def run(self) -> Timings:
        timings = self.timings
        one, two, three = self.write_files()
        timings.facts["file"] = f"{one.stat().st_size / 1e6:.1f} MB"
        timings.time("limit: copy and sha256", lambda: self._copy(one))
        v1, _ = self.add("add v1", one, None)
        v2, reading = self.add("add v2: 1 % appended, a block changed", two, v1)
        v3, _ = self.add("add v3: 1 % scattered changes", three, v1)
        self.peers(one, two, three)
        timings.time("limit: keyed hash join v1, v2", lambda: self._join(one, two))
        self.diff("keyed diff v1, v2", v1, v2)
        self.diff("keyed diff v1, v3", v1, v3)
        contract = parse(CONTRACT, "t.yaml")
        timings.time(
            "contract check",
            lambda: checking.check(self.connection, reading.relation, contract, rows=reading.rows),
        )
        sources = [chunks.read_sql(each, self.objects) for each in (v1, v2)]
        first = timings.time("profile", lambda: profile_table(self.connection, sources[0]))
        second = profile_table(self.connection, sources[1])
        timings.time("drift from profiles", lambda: profile_drift(first, second))
        timings.time("verify", lambda: chunking.verify(self.connection, v1, self.objects))
        digest, pages = self.objects.put_bytes(chunks.encode(v1)), PageReader(self.objects)
        pages.page(digest, 0, 10)
        timings.time("page of 1,000 rows", lambda: pages.page(digest, self.rows // 2, 1000))
        self.connection.close()
        return timings

    def peers(self, *files: Path) -> None:
        """The same three states in other stores; they tell no rows apart."""
        if shutil.which("dvc"):
            self._dvc(files)
        if importlib.util.find_spec("deltalake"):
            self._delta(files)

    def _dvc(self, files: Sequence[Path]) -> None:
        home = self.directory / "dvc"
        home.mkdir()
        run = partial(subprocess.run, cwd=home, check=True, stdout=subprocess.DEVNULL)
        run(["dvc", "init", "--no-scm", "--quiet"])
        for number, path in enumerate(files, start=1):
            shutil.copyfile(path, home / "table.parquet")
            before = _bytes_in(home / ".dvc" / "cache")
            what = f"dvc: add v{number}"
            self.timings.time(what, partial(run, ["dvc", "add", "--quiet", "table.parquet"]))
            grown = _bytes_in(home / ".dvc" / "cache") - before
            self.timings.facts[what] = f"+{grown / 1e6:.1f} MB"

    def _delta(self, files: Sequence[Path]) -> None:
        from deltalake import write_deltalake
        from pyarrow import dataset

        home = self.directory / "delta"
        for number, path in enumerate(files, start=1):
            before = _bytes_in(home)
            what = f"delta: overwrite with v{number}"
            rows = dataset.dataset(path).scanner().to_reader()
            self.timings.time(what, partial(write_deltalake, home, rows, mode="overwrite"))
            self.timings.facts[what] = f"+{(_bytes_in(home) - before) / 1e6:.1f} MB"

    def diff(self, what: str, before: Manifest, after: Manifest) -> None:
        found = self.timings.time(
            what,
            lambda: diffing.diff(
                self.connection, self.objects, before, after, names=("v1", "v2"), key=("id",)
            ),
        )
        moved = found.rows_added + found.rows_removed + found.rows_changed
        self.timings.facts[what] = f"{moved:,} rows, {found.chunks_read} chunks read"

    def _copy(self, path: Path) -> str:
        target = self.directory / "copy"
        digest = hashlib.sha256()
        with path.open("rb") as source, target.open("wb") as copy:
            while block := source.read(1 << 20):
                digest.update(block)
                copy.write(block)
        target.unlink()
        return digest.hexdigest()

    def _join(self, one: Path, two: Path) -> Any:
        row = "hash(a, b, c, x, y, z, s, t, flag, time, d)"
        return self.connection.execute(
            f"SELECT count(*) FROM (SELECT id, {row} AS h FROM '{one}') o "
            f"FULL JOIN (SELECT id, {row} AS h FROM '{two}') n USING (id) "
            "WHERE o.h IS DISTINCT FROM n.h"
        ).fetchall()


def _bytes_in(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def main(sizes: list[int]) -> None:
    results = []
    for rows in sizes:
        directory = Path(tempfile.mkdtemp(prefix="data-benchmark-"))
        try:
            results.append(Bench(directory, rows).run())
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"{'12 columns':<40}" + "".join(f"{each.rows:>14,}" for each in results) + "    growth")
    for what in results[0].seconds:
        cells = "".join(f"{each.seconds[what] * 1000:>11,.0f} ms" for each in results)
        growth = results[-1].seconds[what] / max(results[0].seconds[what], 1e-9)
        times = f"  {growth:6.1f}×" if len(results) > 1 else ""
        print(f"{what:<40}{cells}{times}   {results[-1].facts.get(what, '')}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"the file has {results[-1].facts['file']}; peak memory of all sizes {peak:,.0f} MiB")


if __name__ == "__main__":
    main([int(word.replace("_", "")) for word in sys.argv[1:]] or [100_000, 1_000_000, 10_000_000])
