"""The rows of a replay: request bodies in order of time, each with the truth that follows later.

Invariant: a body holds only columns the model takes, so the answer cannot leak into the question;
the truth is what the training flow makes of the same row.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from console import errors
from storage.chunks import decode, literal, quote, read_sql

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from console.flow.apply import Flow
    from console.worker.context import JobContext

BLOCK_ROWS = 4096
SEED = 2013
"""Shuffles and label draws of the same replay are the same every time."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what becomes of it."""

    request_id: str
    body: bytes
    label: float | None
    """None when the truth never becomes known."""


class Cases:
    """The chosen rows of a dataset version."""

    def __init__(self, job: JobContext) -> None:
        import duckdb

        self._job = job
        self._spec = job.spec
        self._random = random.Random(SEED)
        self._encode = msgspec.json.Encoder().encode
        self._connection: DuckDBPyConnection = duckdb.connect(config={"threads": "1"})
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET enable_progress_bar = false")
        self._flow = self._labelling()
        self._source = self._chosen()
        found = self._connection.execute(f"SELECT count(*) FROM {self._source}").fetchall()
        self.count = int(found[0][0])
        if self.count == 0:
            raise errors.InvalidError(
                f"{self._spec['dataset']}@v{self._spec['version']} has no rows to replay"
                f"{self._between()}."
            )
        limit = int(self._spec["limit"])
        self.count = min(self.count, limit) if limit else self.count

    def __iter__(self) -> Iterator[Case]:
        import pyarrow as pa

        reader: Any = self._connection.sql(self._ordered()).to_arrow_reader(BLOCK_ROWS)
        position = 0
        for batch in reader:
            table = pa.Table.from_batches([batch])
            labels = self._labels(table)
            for row, label in zip(self._rows(table), labels, strict=True):
                yield self._case(row, label, position)
                position += 1

    def close(self) -> None:
        if self._flow is not None:
            self._flow.close()
        self._connection.close()

    def _chosen(self) -> str:
        """SQL of the rows between since and until."""
        manifest = decode(self._job.objects.read_bytes(self._spec["manifest"]))
        source = read_sql(manifest, self._job.objects)
        conditions = []
        for name, relation in (("since", ">="), ("until", "<")):
            if self._spec[name]:
                at = datetime.fromisoformat(self._spec[name]).isoformat()
                column = f"CAST({quote(self._spec['time_column'])} AS TIMESTAMP)"
                conditions.append(f"{column} {relation} CAST({literal(at)} AS TIMESTAMP)")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"(SELECT * FROM {source}{where})"

    def _ordered(self) -> str:
        """SQL of the rows that are sent, in the order they are sent."""
        time_column = self._spec["time_column"]
        order = f"ORDER BY {quote(time_column)}" if time_column else ""
        numbered = (
            f"SELECT *, row_number() OVER ({order}) - 1 AS __position, count(*) OVER () AS __count "
            f"FROM {self._source}"
        )
        limit = int(self._spec["limit"])
        # Of n rows the i-th wanted one is row floor(i * n / limit): row r is wanted when the
        # number of wanted rows before it, ceil(r * limit / n), grows with it.
        before = f"(__position * {limit} + __count - 1) // __count"
        upto = f"((__position + 1) * {limit} + __count - 1) // __count"
        spread = f"WHERE {upto} > {before}" if limit else ""
        order = f"hash(__position, {SEED})" if self._spec["shuffle"] else "__position"
        return f"SELECT * EXCLUDE (__position, __count) FROM ({numbered}) {spread} ORDER BY {order}"

    def _labelling(self) -> Flow | None:
        from console.flow.apply import Flow
        from storage.records.pipelines import Step

        if self._spec["task"] == "multiclass" or not self._spec["label_ratio"]:
            return None
        references = {
            name: read_sql(decode(self._job.objects.read_bytes(digest)), self._job.objects)
            for name, digest in self._spec["references"].items()
        }
        steps = [msgspec.convert(each, Step) for each in self._spec["steps"]]
        return Flow(steps, references, root=self._job.workspace.root)

    def _labels(self, table: pa.Table) -> list[float | None]:
        if self._flow is None:
            return [None] * table.num_rows
        traced = self._flow.trace(table, "training")
        target = self._spec["target"]
        if traced.rows is None or target not in traced.table.column_names:
            why = "merge rows" if traced.rows is None else f"do not make the column {target}"
            raise errors.InvalidError(
                f"the truth of single rows cannot be found: the training steps {why}.",
                hint="Replay without labels: --label-ratio 0",
            )
        labels: list[float | None] = [None] * table.num_rows
        for row, value in zip(traced.rows, traced.table.column(target).to_pylist(), strict=True):
            labels[int(row)] = self._label(value)
        return labels

    def _label(self, value: Any) -> float | None:
        if value is None:
            return None
        if self._spec["task"] == "regression":
            return float(value)
        positive = str(self._spec["positive"])
        shown = {str(value), str(int(value))} if isinstance(value, bool | int) else {str(value)}
        if isinstance(value, float) and value.is_integer():
            shown.add(str(int(value)))
        return 1.0 if positive in shown else 0.0

    def _rows(self, table: pa.Table) -> list[dict[str, Any]]:
        wanted = dict.fromkeys([*self._spec["inputs"], *self._spec["row_id"]])
        kept = [name for name in wanted if name in table.column_names]
        rows: list[dict[str, Any]] = table.select(kept).to_pylist()
        return rows

    def _case(self, row: dict[str, Any], label: float | None, position: int) -> Case:
        row_id = [row.get(name) for name in self._spec["row_id"]]
        if row_id and all(value is not None for value in row_id):
            request_id = "/".join(map(str, row_id))
        else:
            request_id = f"{self._spec['dataset']}@v{self._spec['version']}/{position}"
        body = {name: _plain(row[name]) for name in self._spec["inputs"] if name in row}
        body["request_id"] = request_id
        is_told = self._random.random() < self._spec["label_ratio"]
        return Case(request_id, self._encode(body), label if is_told else None)

    def _between(self) -> str:
        since, until = self._spec["since"], self._spec["until"]
        return (f" from {since}" if since else "") + (f" until {until}" if until else "")


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(value) if isinstance(value, Decimal) else value
