"""A Python step: the recorded text of a module, and one function of it applied to a batch.

Used by `console.flow.apply`. What runs is the text recorded with the model, not what stands in the
workspace today: the step that was trained is the step that is served. Invariant: the types a
function is given depend on the schema only, never on which values happen to be in a batch.
"""

from __future__ import annotations

import sys
import traceback
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from console.errors import DamagedError, FailedError, InvalidError
from console.flow.steps import ROW
from storage.records.pipelines import Step

Function = Callable[[pa.Table], pa.Table]


def load_function(step: Step, root: Path | None) -> Function:
    """Return the step as a function from Arrow table to Arrow table that keeps `__row`.

    `root` is the workspace directory: other modules the step imports are looked for there.
    """
    module_name, _, function_name = step.function.partition(":")
    module = _module(step, module_name, root)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise InvalidError(
            f'step "{step.name}" names {step.function}, but {module_name} has no function '
            f'"{function_name}".',
            hint=f"Define it in {module_name.replace('.', '/')}.py.",
            step=step.name,
        )
    takes_arrow = _takes_arrow(function)

    def apply(table: pa.Table) -> pa.Table:
        rows = table.column(ROW)
        given = table.drop_columns([ROW])
        try:
            made = function(given if takes_arrow else _frame(given, rows))
        except Exception as error:
            line = line_in(error, str(module.__file__))
            place = f" ({module_name.replace('.', '/')}.py, line {line})" if line else ""
            raise FailedError(
                f'step "{step.name}" ({step.function}) ended with {type(error).__name__}: '
                f"{_first_line(error)}{place}",
                step=step.name,
            ) from error
        return _traced(step, made, rows)

    return apply


def line_in(error: BaseException, file: str) -> int | None:
    """The line of this file in which an error arose, or that led there; None for another file."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((each.lineno for each in reversed(frames) if each.filename == file), None)


def _module(step: Step, name: str, root: Path | None) -> types.ModuleType:
    if not step.source:
        raise DamagedError(
            f'step "{step.name}" has no recorded text of the module {name}.',
            hint="Train the model again: mlops-console train PIPELINE",
            step=step.name,
        )
    if root is not None and str(root) not in sys.path:
        sys.path.insert(0, str(root))
    module = types.ModuleType(name)
    module.__file__ = f"{name} (as recorded in step {step.name})"
    # Pickles and dataclasses look a function's module up by name; the recorded one must be found,
    # without hiding a file of the same name from everybody else.
    unique = f"_step_{step.digest[:16] or id(module):}_{name.replace('.', '_')}"
    module.__name__ = unique
    sys.modules[unique] = module
    try:
        exec(compile(step.source, module.__file__, "exec"), module.__dict__)
    except Exception as error:
        raise InvalidError(
            f'step "{step.name}": the module {name} cannot be loaded: '
            f"{type(error).__name__}: {_first_line(error)}",
            step=step.name,
        ) from error
    return module


def _takes_arrow(function: Callable[..., Any]) -> bool:
    """Whether its first parameter is annotated as an Arrow table; without a word it gets pandas."""
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError):
        hints = dict(getattr(function, "__annotations__", {}))
    hints.pop("return", None)
    first = next(iter(hints.values()), None)
    if isinstance(first, str):
        return first.split(".")[-1] == "Table"
    return isinstance(first, type) and issubclass(first, pa.Table)


def _frame(table: pa.Table, rows: pa.ChunkedArray) -> Any:
    """A DataFrame indexed by `__row`; nullable types, so that one null does not change a dtype."""
    import pandas as pd

    nullable = {
        pa.int64(): pd.Int64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.string(): pd.StringDtype(),
    }
    frame = table.to_pandas(types_mapper=nullable.get)
    frame.index = pd.Index(rows.to_numpy(), name=ROW)
    return frame


def _traced(step: Step, made: Any, rows: pa.ChunkedArray) -> pa.Table:
    """Give what the function returned its `__row` column again.

    A DataFrame brings it in its index unless the index was reset; then, as for an Arrow table,
    rows must be as many as before and are taken to be in the same order.
    """
    if isinstance(made, pa.Table):
        table, index = made, None
    elif type(made).__name__ == "DataFrame":
        index = pa.array(made.index) if made.index.name == ROW else None
        table = pa.Table.from_pandas(made, preserve_index=False).replace_schema_metadata(None)
    else:
        raise FailedError(
            f'step "{step.name}" ({step.function}) returned {type(made).__name__}; a step returns '
            "a DataFrame or an Arrow table.",
            step=step.name,
        )
    if index is None:
        if table.num_rows != len(rows):
            raise InvalidError(
                f'step "{step.name}" ({step.function}) returned {table.num_rows} rows for '
                f"{len(rows)} and lost the index that tells which is which.",
                hint="Keep the DataFrame's index, or return as many rows in the same order.",
                step=step.name,
            )
        index = rows
    return table.append_column(ROW, index)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.split("\n", 1)[0] if text else "no message"
