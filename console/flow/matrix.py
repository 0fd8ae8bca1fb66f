"""From feature columns to the matrix an estimator was fitted on, without a DataFrame.

Used by `console.flow.estimator`. Reads the parameters of fitted scikit-learn transformers once and
applies them to plain columns: what takes pandas and `ColumnTransformer` 5 ms for one row takes a
few microseconds. Invariant: either the matrix equals what the transformers give, or `Unsupported`
is raised while reading them; nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from console.errors import InvalidError

Matrix = NDArray[np.float64]
Columns = Mapping[str, Any]
"""Feature name -> values of all rows: a float array, or a list with None for null."""


class Unsupported(Exception):
    """These transformers have no direct form here; the message says which and why."""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Columns of numbers that go through the same operations."""

    names: tuple[str, ...]
    start: int
    operations: tuple[Callable[[Matrix], Matrix], ...]

    def fill(self, matrix: Matrix, columns: Columns) -> None:
        values = np.array([columns[name] for name in self.names], dtype=np.float64).T
        for operation in self.operations:
            values = operation(values)
        matrix[:, self.start : self.start + len(self.names)] = values


@dataclass(frozen=True, slots=True)
class _Codes:
    """One category column as one column of numbers."""

    name: str
    start: int
    codes: dict[Any, float]
    missing: float | None
    unknown: float | None
    """None = an unknown value is refused, as the encoder would."""

    def fill(self, matrix: Matrix, columns: Columns) -> None:
        codes, values = self.codes, columns[self.name]
        try:
            matrix[:, self.start] = [codes[value] for value in values]
        except KeyError:
            matrix[:, self.start] = [self._code(value) for value in values]

    def _code(self, value: Any) -> float:
        code = self.codes.get(value)
        if code is None:
            code = self.missing if is_missing(value) else self.unknown
        if code is None:
            raise unknown_value(self.name, value, self.codes)
        return code


@dataclass(frozen=True, slots=True)
class _Indicators:
    """One category column as one column of 0 and 1 per known value."""

    name: str
    start: int
    width: int
    positions: dict[Any, int]
    """Value -> column, -1 for a value that is all zeros."""
    missing: int | None
    unknown: int | None

    def fill(self, matrix: Matrix, columns: Columns) -> None:
        matrix[:, self.start : self.start + self.width] = 0.0
        for row, value in enumerate(columns[self.name]):
            position = self.positions.get(value)
            if position is None:
                position = self.missing if is_missing(value) else self.unknown
                if position is None:
                    raise unknown_value(self.name, value, self.positions)
            if position >= 0:
                matrix[row, self.start + position] = 1.0


Block = _Numbers | _Codes | _Indicators


class MatrixPlan:
    """How each column of the matrix is made."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        last = self.blocks[-1]
        self.width = last.start + width_of(last)

    def matrix(self, columns: Columns, n: int) -> Matrix:
        """Return the matrix (n, width); NaN for a missing number."""
        matrix = np.empty((n, self.width))
        for block in self.blocks:
            block.fill(matrix, columns)
        return matrix


def plain(names: Sequence[str]) -> MatrixPlan:
    """Numbers only, as they are."""
    return MatrixPlan([_Numbers(tuple(names), 0, ())])


def coded(names: Sequence[str], categories: Mapping[str, Sequence[Any]]) -> MatrixPlan:
    """Every column one number; those in `categories` by position, NaN for unknown and missing."""
    blocks: list[Block] = []
    for start, name in enumerate(names):
        if name in categories:
            codes = {value: float(code) for code, value in enumerate(categories[name])}
            blocks.append(_Codes(name, start, codes, np.nan, np.nan))
        else:
            blocks.append(_Numbers((name,), start, ()))
    return MatrixPlan(_joined(blocks))


def read_transformers(transformers: Sequence[Any], names: Sequence[str]) -> MatrixPlan:
    """Return the plan of fitted transformers applied one after another to columns `names`."""
    if not transformers:
        return plain(names)
    first, *rest = transformers
    if type(first).__name__ != "ColumnTransformer":
        return MatrixPlan(_chain(list(transformers), tuple(names), 0))
    if rest:
        raise Unsupported(f"{type(rest[0]).__name__} follows the ColumnTransformer")
    blocks: list[Block] = []
    start = 0
    for label, transformer, chosen in first.transformers_:
        columns = _column_names(chosen, names)
        if isinstance(transformer, str) and transformer == "drop":
            continue
        if not columns:
            continue
        made = _chain(_steps(transformer), columns, start)
        place = first.output_indices_[label]
        blocks.extend(made)
        end = made[-1].start + width_of(made[-1])
        if (place.start, place.stop) != (start, end):
            raise Unsupported(f'transformer "{label}" makes {place.stop - place.start} columns')
        start = end
    if not blocks:
        raise Unsupported("the ColumnTransformer keeps no column")
    return MatrixPlan(_joined(blocks))


def width_of(block: Block) -> int:
    """Return how many columns of the matrix a block fills."""
    if isinstance(block, _Numbers):
        return len(block.names)
    return block.width if isinstance(block, _Indicators) else 1


def is_missing(value: Any) -> bool:
    return value is None or value != value


def unknown_value(name: str, value: Any, known: Mapping[Any, Any]) -> InvalidError:
    shown = ", ".join(repr(each) for each in list(known)[:8])
    more = f" and {len(known) - 8} more" if len(known) > 8 else ""
    return InvalidError(
        f'field "{name}": {value!r} was not seen in training and the model has no way to take it; '
        f"it knows {shown}{more}.",
        hint='Train with handle_unknown="use_encoded_value" to accept new values.',
        field=name,
    )


def _steps(transformer: Any) -> list[Any]:
    if isinstance(transformer, str):
        return []  # "passthrough"; "drop" was handled before.
    if type(transformer).__name__ == "Pipeline":
        return [step for _, step in transformer.steps if step not in (None, "passthrough")]
    return [transformer]


def _column_names(chosen: Any, names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(chosen, str):
        raise Unsupported(f'column "{chosen}" is passed as a vector')
    if isinstance(chosen, slice):
        return tuple(names[chosen])
    picked = np.asarray(chosen).tolist()
    if picked and isinstance(picked[0], bool):
        return tuple(name for name, is_in in zip(names, picked, strict=True) if is_in)
    return tuple(names[each] if isinstance(each, int) else str(each) for each in picked)


def _chain(steps: Sequence[Any], names: tuple[str, ...], start: int) -> list[Block]:
    """The blocks of a chain of transformers over these columns."""
    if steps and type(steps[-1]).__name__ in ("OrdinalEncoder", "OneHotEncoder"):
        return _categories(steps, names, start)
    operations = [operation for step in steps for operation in _operations(step)]
    return [_Numbers(names, start, tuple(operations))]


def _operations(step: Any) -> list[Callable[[Matrix], Matrix]]:
    kind = type(step).__name__
    if kind == "SimpleImputer":
        return [_imputer(step)]
    if kind == "StandardScaler":
        return [*_shift(step.mean_, -1), *_divide(step.scale_)]
    if kind == "RobustScaler":
        return [*_shift(step.center_, -1), *_divide(step.scale_)]
    if kind == "MaxAbsScaler":
        return _divide(step.scale_)
    if kind == "MinMaxScaler":
        scale, low = np.asarray(step.scale_), np.asarray(step.min_)
        made: list[Callable[[Matrix], Matrix]] = [lambda x: x * scale + low]
        if step.clip:
            first, last = step.feature_range
            made.append(lambda x: np.clip(x, first, last))
        return made
    if kind == "FunctionTransformer" and step.func is None:
        return []
    raise Unsupported(f"{kind} has no direct form")


def _imputer(step: Any) -> Callable[[Matrix], Matrix]:
    fill = np.asarray(step.statistics_, dtype=np.float64)
    if step.add_indicator or np.isnan(fill).any() or not is_missing(step.missing_values):
        raise Unsupported("SimpleImputer adds or drops columns, or fills other values than NaN")
    return lambda x: np.where(np.isnan(x), fill, x)


def _shift(values: Any, sign: int) -> list[Callable[[Matrix], Matrix]]:
    if values is None:
        return []
    by = np.asarray(values, dtype=np.float64)
    return [lambda x: x - by] if sign < 0 else [lambda x: x + by]


def _divide(values: Any) -> list[Callable[[Matrix], Matrix]]:
    if values is None:
        return []
    by = np.asarray(values, dtype=np.float64)
    return [lambda x: x / by]


def _categories(steps: Sequence[Any], names: tuple[str, ...], start: int) -> list[Block]:
    *before, encoder = steps
    fill: list[Any] = [None] * len(names)
    for step in before:
        if type(step).__name__ != "SimpleImputer" or step.add_indicator:
            raise Unsupported(f"{type(step).__name__} before an encoder has no direct form")
        fill = list(step.statistics_)
    blocks: list[Block] = []
    for position, name in enumerate(names):
        known = _plain_values(encoder.categories_[position])
        if getattr(encoder, "_infrequent_enabled", False):
            raise Unsupported("an encoder groups infrequent categories")
        if type(encoder).__name__ == "OrdinalEncoder":
            blocks.append(_ordinal(encoder, name, start, known, fill[position]))
        else:
            drop = encoder.drop_idx_[position] if encoder.drop_idx_ is not None else None
            blocks.append(_one_hot(encoder, name, start, known, drop, fill[position]))
        start += width_of(blocks[-1])
    return blocks


def _ordinal(encoder: Any, name: str, start: int, known: list[Any], fill: Any) -> Block:
    codes = {value: float(code) for code, value in enumerate(known) if not is_missing(value)}
    has_missing = len(codes) < len(known)
    lenient = encoder.handle_unknown == "use_encoded_value"
    unknown = float(encoder.unknown_value) if lenient else None
    missing = float(encoder.encoded_missing_value) if has_missing else unknown
    if not is_missing(fill):
        missing = codes.get(fill, unknown)
    return _Codes(name, start, codes, missing, unknown)


def _one_hot(encoder: Any, name: str, start: int, known: list[Any], drop: Any, fill: Any) -> Block:
    positions: dict[Any, int] = {}
    missing: int | None = None
    column = 0
    for code, value in enumerate(known):
        place = -1 if code == drop else column
        column += place >= 0
        if is_missing(value):
            missing = place
        else:
            positions[value] = place
    unknown = None if encoder.handle_unknown == "error" else -1
    if not is_missing(fill):
        missing = positions.get(fill, unknown)
    elif missing is None:
        missing = unknown
    return _Indicators(name, start, column, positions, missing, unknown)


def _plain_values(values: Any) -> list[Any]:
    return list(np.asarray(values).tolist())


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """Make neighbouring blocks of untouched numbers one, so that they are filled together."""
    joined: list[Block] = []
    for block in blocks:
        last = joined[-1] if joined else None
        if (
            isinstance(block, _Numbers)
            and isinstance(last, _Numbers)
            and not block.operations
            and not last.operations
        ):
            joined[-1] = _Numbers(last.names + block.names, last.start, ())
        else:
            joined.append(block)
    return joined


__all__: Final = [
    "Columns",
    "Matrix",
    "MatrixPlan",
    "Unsupported",
    "coded",
    "is_missing",
    "plain",
    "read_transformers",
]
