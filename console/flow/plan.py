"""The steps of one flow, bound to the columns they get and ready to run.

Used by `console.flow.apply`. Neighbouring SQL steps become one query with a common table
expression each, so DuckDB plans and runs them together; a Python step ends one query and the next
begins behind it. Invariant: every stage takes and gives the hidden column `__row`.
"""

from __future__ import annotations

import difflib
import functools
import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from console.errors import ConsoleError, FailedError, InvalidError
from console.flow.functions import Function
from console.flow.steps import ROW, for_each_row, over_all, parse, quoted, with_row
from storage.records.pipelines import Step

_numbers: Final = itertools.count(1)

_BAD_VALUE: Final = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.InvalidInputException,
)
"""Raised for what a row contains; everything else is the step's or our own fault."""
_ABSENT: Final = re.compile(r'Referenced column "([^"]+)" not found|have a column named "([^"]+)"')
_SHOWN: Final = 8
"""Columns that are named when one is missing."""


class Inlet:
    """The table a query reads, exchanged between runs without registering it again.

    Registering costs a quarter of a millisecond; DuckDB asks a registered object for its stream
    each time it is scanned.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, schema: pa.Schema) -> None:
        self.name = f"__in{next(_numbers)}"
        self.table = schema.empty_table()
        connection.register(self.name, self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@dataclass(frozen=True, slots=True)
class Bound:
    """A SQL step as a common table expression."""

    step: Step
    name: str
    sql: str
    columns: tuple[tuple[str, str], ...]
    """Name and DuckDB type of what it makes, without `__row`."""
    is_traced: bool
    """Its rows still carry the `__row` they came with."""


class SqlStage:
    """Neighbouring SQL steps as one query."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, steps: Sequence[Step], schema: pa.Schema
    ) -> None:
        self._connection = connection
        self._inlet = Inlet(connection, schema)
        self._aggregates = _aggregates()
        self.bound: list[Bound] = []
        names = [name for name in schema.names if name != ROW]
        for step in steps:
            source = self.bound[-1].name if self.bound else self._inlet.name
            made = self._bind(step, source, names)
            self.bound.append(made)
            names = [name for name, _ in made.columns]

    @property
    def is_traced(self) -> bool:
        return all(each.is_traced for each in self.bound)

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        return self.bound[-1].columns

    def table(self, table: pa.Table) -> pa.Table:
        """Run the steps; rows come in any order, `__row` last."""
        self._inlet.table = table
        try:
            names = ", ".join(quoted(name) for name, _ in self.columns)
            query = self._query(f"SELECT {names}, {ROW}")
            return self._connection.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise self._blame(table, error) from error
        finally:
            self._inlet.table = table.schema.empty_table()

    def query(self, select: str) -> duckdb.Statement:
        """Return what runs the steps and then `SELECT select`, parsed once; see `arrays`."""
        return self._connection.extract_statements(self._query(f"SELECT {select}, {ROW}"))[0]

    def arrays(self, table: pa.Table, query: duckdb.Statement) -> dict[str, Any]:
        """Run a `query` over `table`; numpy arrays by name, masked where there are nulls."""
        self._inlet.table = table
        try:
            return dict(self._connection.execute(query).fetchnumpy())
        except duckdb.Error as error:
            raise self._blame(table, error) from error

    def count(self, table: pa.Table, upto: int) -> int:
        """Return how many rows step `upto` makes of this table."""
        self._inlet.table = table
        query = self._query("SELECT count(*)", upto)
        return int(self._connection.execute(query).fetchall()[0][0])

    def _query(self, select: str, upto: int | None = None) -> str:
        bound = self.bound if upto is None else self.bound[: upto + 1]
        parts = ", ".join(f"{each.name} AS ({each.sql})" for each in bound)
        return f"WITH {parts} {select} FROM {bound[-1].name}"

    def _bind(self, step: Step, source: str, names: Sequence[str]) -> Bound:
        name = f"__step{next(_numbers)}"
        tree = parse(step, lambda sql: self._scalar("SELECT json_serialize_sql($1)", sql))
        is_whole = step.flow == "training"
        traced = with_row(tree, source, is_whole=is_whole, aggregates=self._aggregates)
        if traced is not None:
            sql = self._deserialize(traced)
        elif is_whole:
            sql = over_all(self._deserialize(tree), source, names)
        else:
            sql = for_each_row(self._deserialize(tree), source, names)
        before = [f"{each.name} AS ({each.sql})" for each in self.bound]
        parts = ", ".join([*before, f"{name} AS ({sql})"])
        try:
            described = self._connection.execute(
                f"DESCRIBE WITH {parts} SELECT * FROM {name}"
            ).fetchall()
        except duckdb.Error as error:
            raise _refusal(step, names, error) from error
        columns = tuple((row[0], row[1]) for row in described if row[0] != ROW)
        return Bound(step, name, sql, columns, is_traced=traced is not None or not is_whole)

    def _scalar(self, sql: str, parameter: str) -> str:
        return str(self._connection.execute(sql, [parameter]).fetchall()[0][0])

    def _deserialize(self, tree: dict[str, Any]) -> str:
        return self._scalar("SELECT json_deserialize_sql($1)", json.dumps(tree))

    def _blame(self, table: pa.Table, error: duckdb.Error) -> ConsoleError:
        """Return the error with the step and, for a bad value, the row that caused it."""
        position, found = self._first_failing(table, error)
        step = self.bound[position].step
        if not isinstance(found, _BAD_VALUE):
            return FailedError(f'step "{step.name}" failed: {_said(found)}', step=step.name)
        row = first_failing_row(table, lambda part: self._fails(part, position))
        number = table.column(ROW)[row].as_py()
        return InvalidError(
            f'row {number}: step "{step.name}" cannot use it: {_said(found)}',
            step=step.name,
            row=number,
        )

    def _first_failing(self, table: pa.Table, error: duckdb.Error) -> tuple[int, duckdb.Error]:
        for position in range(len(self.bound)):
            failure = self._fails(table, position)
            if failure is not None:
                return position, failure
        return len(self.bound) - 1, error

    def _fails(self, table: pa.Table, upto: int) -> duckdb.Error | None:
        self._inlet.table = table
        try:
            self._connection.execute(self._query("SELECT *", upto)).fetchnumpy()
        except duckdb.Error as error:
            return error
        return None


class PythonStage:
    """One Python step; the columns of its first result hold for all later ones."""

    def __init__(self, step: Step, function: Function) -> None:
        self.step = step
        self._function = function
        self.schema: pa.Schema | None = None

    def table(self, table: pa.Table) -> pa.Table:
        made = self._function(table)
        if self.schema is None:
            if any(pa.types.is_null(field.type) for field in made.schema):
                return made  # Nothing is known yet of a column that is null everywhere.
            self.schema = made.schema
        if made.schema.equals(self.schema):
            return made
        try:
            return made.select(self.schema.names).cast(self.schema)
        except (KeyError, pa.ArrowException, ValueError) as error:
            raise FailedError(
                f'step "{self.step.name}" ({self.step.function}) returned other columns than '
                f"before: {str(error).splitlines()[0]}",
                step=self.step.name,
            ) from error


def first_failing_row(table: pa.Table, fails: Callable[[pa.Table], object | None]) -> int:
    """Return the position of the first row for which `fails` tells something; it must exist."""
    low, high = 0, table.num_rows
    while high - low > 1:
        middle = (low + high) // 2
        if fails(table.slice(low, middle - low)) is not None:
            high = middle
        else:
            low = middle
    return low


@functools.cache
def _aggregates() -> frozenset[str]:
    """Names of DuckDB's aggregate functions; asking for them takes 12 ms, and there is one list."""
    with duckdb.connect() as connection:
        names = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() "
            "WHERE function_type = 'aggregate'"
        ).fetchall()
    return frozenset(row[0] for row in names)


def _refusal(step: Step, names: Sequence[str], error: duckdb.Error) -> InvalidError:
    """Why a step cannot be bound to the columns it gets, with the way out."""
    said = _said(error)
    absent = _ABSENT.search(said)
    if absent is None:
        hint = "Its tables are `this` and the pipeline's references."
        return InvalidError(f'step "{step.name}" cannot be prepared: {said}', hint=hint)
    column = absent[1] or absent[2]
    near = difflib.get_close_matches(column, names, n=1)
    if near:
        hint = f"Did you mean {near[0]}?"
    elif step.flow == "both":
        hint = 'What only a training step makes is not there: declare that step with flow = "both".'
    else:
        hint = f"`this` has {', '.join(names)}."
    return InvalidError(
        f'step "{step.name}" cannot be prepared: it reads the column "{column}", which is not in '
        f"its rows ({', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}).",
        hint=hint,
        step=step.name,
        column=column,
    )


def _said(error: duckdb.Error) -> str:
    """What DuckDB said, on one line, without the query and its class of error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("LINE ", "^"))]
    text = " ".join(kept) or type(error).__name__
    prefix, separator, rest = text.partition(": ")
    return rest if separator and prefix.endswith("Error") else text
