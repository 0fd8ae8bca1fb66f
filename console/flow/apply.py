"""A pipeline's steps over a table: the one way rows become features, in training and in serving.

The training worker runs whole dataset versions through it, the serving process batches of
requests. Invariant: in the inference flow every row comes out exactly once and in the order it
went in, or the call is refused with the row and the step that broke it; a row gets the same
features alone and in a batch. One `Flow` is used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from console.errors import ConsoleError, InvalidError
from console.flow.columns import canonical
from console.flow.functions import load_function
from console.flow.plan import PythonStage, SqlStage
from console.flow.steps import ROW, quoted, verify_step
from storage.records.pipelines import Step

FlowKind = Literal["training", "inference"]
FeatureType = Literal["number", "category"]

_SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
_AS_NUMBER = ("DECIMAL", "HUGEINT", "UHUGEINT")


@dataclass(frozen=True, slots=True)
class Traced:
    """What a flow made, and from which rows."""

    table: pa.Table
    rows: NDArray[np.int64] | None
    """For each row its position in the table given; None when a training step merged rows."""


class Flow:
    """Steps and the reference tables they join, loaded once into a DuckDB of their own.

    `references` are Arrow tables, or a parenthesised query that reads them (`storage.chunks`);
    `root` is the workspace directory, where Python steps find the modules they import.
    Raises `ConsoleError` naming the step or the reference.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        references: Mapping[str, pa.Table | str],
        *,
        root: Path | None = None,
        threads: int = 1,
        memory_bytes: int = 1 << 30,
        temp: Path | None = None,
    ) -> None:
        for step in steps:
            verify_step(step)
        self.steps = tuple(steps)
        self._root = root
        self._plans: dict[tuple[FlowKind, pa.Schema], list[SqlStage | PythonStage]] = {}
        self._queries: dict[tuple[int, tuple[str, ...]], duckdb.Statement] = {}
        settings = _SETTINGS | {
            "threads": str(threads),
            "memory_limit": f"{memory_bytes}B",
            "temp_directory": "" if temp is None else str(temp),
        }
        self._connection = duckdb.connect(config=dict(settings))
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute("SET TimeZone = 'UTC'")
        for name, source in references.items():
            self._load(name, source)
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def close(self) -> None:
        self._plans.clear()
        self._connection.close()

    def has_steps(self, flow: FlowKind = "inference") -> bool:
        return bool(self._steps_of(flow))

    def run(self, table: pa.Table, flow: FlowKind = "inference") -> pa.Table:
        """Return what the steps make of `table`, in the order of its rows."""
        return self.trace(table, flow).table

    def trace(self, table: pa.Table, flow: FlowKind = "inference") -> Traced:
        """Like `run`, and say for each row which row of `table` it came from."""
        current = _numbered(canonical(table))
        plan = self._plan(flow, current)
        for stage in plan:
            current = stage.table(current)
        rows = _row_numbers(current)
        if flow == "inference":
            self._check_rows(table, rows)
        order = np.argsort(rows, kind="stable")
        if not np.array_equal(order, np.arange(len(order))):
            current = current.take(pa.array(order))
            rows = rows[order]
        is_traced = all(stage.is_traced for stage in plan if isinstance(stage, SqlStage))
        made = current.drop_columns([ROW])
        return Traced(made, rows if is_traced else None)

    def features(
        self, table: pa.Table, names: Sequence[str], types: Sequence[str]
    ) -> dict[str, Any]:
        """Return the named columns of the inference flow as arrays, for a model.

        A `number` is a float array with NaN for null; a `category` a list with None for null.
        """
        current = _numbered(canonical(table))
        plan = self._plan("inference", current)
        if not plan or not isinstance(plan[-1], SqlStage):
            made = self.run(table)
            return {
                name: _from_arrow(made.column(_checked(name, made.column_names)), kind)
                for name, kind in zip(names, types, strict=True)
            }
        for stage in plan[:-1]:
            current = stage.table(current)
        last = plan[-1]
        arrays = last.arrays(current, self._query(last, names, types))
        rows = arrays.pop(ROW)
        self._check_rows(table, rows)
        if len(rows) > 1 and not np.array_equal(rows, np.arange(len(rows))):
            order = np.argsort(rows)
            arrays = {name: array[order] for name, array in arrays.items()}
        return {
            name: _from_numpy(arrays[name], kind) for name, kind in zip(names, types, strict=True)
        }

    def needed(self, table: pa.Table, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of `table` without which the inference flow cannot make `wanted`.

        Found by trying: a column is needed when the flow fails, or lacks a wanted column, without
        it. `table` should be small and typical; with Python steps they run on it.
        """
        kept = list(table.column_names)
        for name in table.column_names:
            rest = table.select([each for each in kept if each != name])
            try:
                made = self.run(rest)
            except ConsoleError:
                continue
            if set(wanted) <= set(made.column_names):
                kept.remove(name)
        return tuple(kept)

    def _steps_of(self, flow: FlowKind) -> list[Step]:
        return [step for step in self.steps if step.flow in (flow, "both")]

    def _load(self, name: str, source: pa.Table | str) -> None:
        if name.lower() == "this":
            raise InvalidError("a reference dataset cannot be called `this`: steps call rows so.")
        try:
            if isinstance(source, str):
                self._connection.execute(f"CREATE TABLE {quoted(name)} AS SELECT * FROM {source}")
                return
            self._connection.register("__reference", source)
            self._connection.execute(f"CREATE TABLE {quoted(name)} AS SELECT * FROM __reference")
            self._connection.unregister("__reference")
        except duckdb.Error as error:
            raise InvalidError(
                f'reference "{name}" cannot be loaded: {str(error).splitlines()[0]}',
                reference=name,
            ) from error

    def _plan(self, flow: FlowKind, table: pa.Table) -> list[SqlStage | PythonStage]:
        key = (flow, table.schema)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._build(flow, table)
            self._plans[key] = plan
        return plan

    def _build(self, flow: FlowKind, table: pa.Table) -> list[SqlStage | PythonStage]:
        """Bind the steps; behind a Python step the columns are known only by running it."""
        plan: list[SqlStage | PythonStage] = []
        pending: list[Step] = []
        current = table

        def close_stage() -> None:
            if pending:
                plan.append(SqlStage(self._connection, pending, current.schema))
                pending.clear()

        for step in self._steps_of(flow):
            if step.sql:
                pending.append(step)
                continue
            close_stage()
            if plan and isinstance(plan[-1], SqlStage):
                current = plan[-1].table(current)
            stage = PythonStage(step, load_function(step, self._root))
            plan.append(stage)
            current = stage.table(current)
        close_stage()
        return plan

    def _query(
        self, stage: SqlStage, names: Sequence[str], types: Sequence[str]
    ) -> duckdb.Statement:
        key = (id(stage), tuple(names))
        query = self._queries.get(key)
        if query is None:
            made = dict(stage.columns)
            parts = []
            for name, kind in zip(names, types, strict=True):
                _checked(name, list(made))
                parts.append(f"{_as(quoted(name), made[name], kind)} AS {quoted(name)}")
            query = stage.query(", ".join(parts))
            self._queries[key] = query
        return query

    def _check_rows(self, table: pa.Table, rows: Any) -> None:
        """Raise `InvalidError` unless every row of `table` came out exactly once."""
        n = table.num_rows
        known = rows.compressed() if isinstance(rows, np.ma.MaskedArray) else rows
        if n == 1 and len(rows) == len(known) == 1:
            return
        counts = np.bincount(known, minlength=n)
        if len(rows) == n and np.all(counts == 1):
            return
        wrong = np.flatnonzero(counts != 1)
        row = int(wrong[0]) if len(wrong) else 0
        name, count = self._guilty(table.slice(row, 1))
        made = "no row" if count == 0 else f"{count} rows"
        raise InvalidError(
            f'row {row}: step "{name}" makes {made} of it; every row of a request must come out '
            "exactly once.",
            hint="Join with LEFT JOIN, and on columns that are unique in the reference table.",
            step=name,
            row=row,
        )

    def _guilty(self, table: pa.Table) -> tuple[str, int]:
        """Return the first step that does not make one row of this one row, and how many."""
        current = _numbered(canonical(table))
        name, count = "", 1
        for stage in self._plan("inference", current):
            if isinstance(stage, SqlStage):
                for position, bound in enumerate(stage.bound):
                    name, count = bound.step.name, stage.count(current, position)
                    if count != 1:
                        return name, count
            current = stage.table(current)
            if isinstance(stage, PythonStage):
                name, count = stage.step.name, current.num_rows
                if count != 1:
                    return name, count
        return name, count


def _numbered(table: pa.Table) -> pa.Table:
    if ROW in table.column_names:
        raise InvalidError(f"a column cannot be called {ROW}: the flow numbers its rows with it.")
    return table.append_column(ROW, pa.array(np.arange(table.num_rows, dtype=np.int64)))


def _row_numbers(table: pa.Table) -> Any:
    column = table.column(ROW)
    if column.null_count == 0:
        return column.to_numpy().astype(np.int64)
    filled = column.fill_null(-1).to_numpy().astype(np.int64)
    return np.ma.masked_equal(filled, -1)


def _checked(name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise InvalidError(
            f'the steps do not make the column "{name}" that the model was trained on; they make '
            f"{', '.join(names)}.",
            hint="Select it in the last step of the inference flow.",
            column=name,
        )
    return name


def _as(column: str, duckdb_type: str, kind: str) -> str:
    if kind == "number":
        return f"CAST({column} AS DOUBLE)"
    if duckdb_type in ("VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "INTEGER"):
        return column
    if duckdb_type.startswith(_AS_NUMBER):
        return f"CAST({column} AS DOUBLE)"
    return f"CAST({column} AS VARCHAR)"


def _from_numpy(array: Any, kind: str) -> Any:
    if kind == "number":
        return array.filled(np.nan) if isinstance(array, np.ma.MaskedArray) else array
    return array.tolist()


def _from_arrow(column: pa.ChunkedArray, kind: str) -> Any:
    if kind == "number":
        return column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return column.to_pylist()
