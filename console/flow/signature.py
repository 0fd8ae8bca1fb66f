"""What a request row must look like, and the sentence when it does not.

Used by serving processes on every request that their quick typed reader refuses, by workers that
score files, and by the self-check of a model. Invariant: what `columns` returns has one value of
the declared type or None per row and field; everything else is an `InvalidError` that names the
row and the field.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from console.errors import InvalidError
from console.flow.columns import request_schema
from storage.records.models import SignatureField

Extra = Literal["refuse", "ignore"]
ID_FIELDS: Final = ("request_id", "id")
"""A row's own name, beside the model's fields."""
_INT64: Final = 2**63
_SHOWN: Final = 60


class Signature:
    """The fields of a model's requests. `row_id` columns may come with a row without being used."""

    def __init__(self, fields: Sequence[SignatureField], row_id: Sequence[str] = ()) -> None:
        self.fields = tuple(fields)
        self.names = tuple(field.name for field in fields)
        self.schema = request_schema(fields)
        self.row_id = tuple(row_id)
        self._allowed = frozenset(self.names) | frozenset(ID_FIELDS) | frozenset(row_id)
        self._readers = [(field, _READERS[field.type]) for field in fields]

    def columns(
        self, rows: Sequence[Any], extra: Extra = "refuse", first_row: int = 0
    ) -> dict[str, list[Any]]:
        """Return the values of the rows by field, checked; `first_row` numbers them in messages.

        `extra` = what to do with fields the model does not take. A misspelt name is refused in
        any case when the field it means is missing.
        """
        columns: dict[str, list[Any]] = {name: [] for name in self.names}
        for number, row in enumerate(rows, first_row):
            if not isinstance(row, Mapping):
                raise InvalidError(
                    f"row {number} is {_a(row)}, wanted an object with the fields "
                    f"{', '.join(self.names)}.",
                    row=number,
                )
            if not self._allowed.issuperset(row):
                self._check_names(row, number, extra)
            for field, read in self._readers:
                columns[field.name].append(self._value(field, read, row, number))
        return columns

    def case_id(self, row: Mapping[str, Any]) -> str | None:
        """Return the row's name: its own id, or `case_name` of the `row_id` columns."""
        for name in ID_FIELDS:
            value = row.get(name)
            if value is not None and name not in self.names:
                return str(value)
        if self.row_id and all(row.get(name) is not None for name in self.row_id):
            reads = {field.name: read for field, read in self._readers}
            return case_name([reads.get(name, _same)(row[name]) for name in self.row_id])
        return None

    def _value(
        self, field: SignatureField, read: Callable[[Any], Any], row: Mapping[str, Any], number: int
    ) -> Any:
        value = row.get(field.name)
        if value is None:
            if not field.is_required:
                return None
            state = "null" if field.name in row else "missing"
            raise InvalidError(
                f'row {number}: field "{field.name}" is {state}; the model was never trained '
                "without it.",
                hint=f"Send {_WANTED[field.type]}.",
                row=number,
                field=field.name,
            )
        found = read(value)
        if found is None:
            raise InvalidError(
                f'row {number}: field "{field.name}" is {_a(value)}, wanted {_WANTED[field.type]}.',
                row=number,
                field=field.name,
            )
        return found

    def _check_names(self, row: Mapping[str, Any], number: int, extra: Extra) -> None:
        absent = [name for name in self.names if name not in row]
        for name in row:
            if name in self._allowed:
                continue
            near = nearest(str(name), absent)
            if extra == "ignore" and near is None:
                continue
            meant = f'Did you mean "{near}"?' if near else f"It takes: {', '.join(self.names)}."
            raise InvalidError(
                f'row {number}: the model takes no field "{_clip(str(name))}".',
                hint=meant,
                row=number,
                field=str(name),
            )


def case_name(values: Sequence[Any]) -> str:
    """Return the name of a case from the values of its `row_id` columns, as labels refer to it.

    >>> case_name(["UA", 1545, datetime(2013, 1, 1, 10)])
    'UA/1545/2013-01-01T10:00:00Z'
    """
    texts = [f"{v.isoformat()}Z" if isinstance(v, datetime) else str(v) for v in values]
    return "/".join(texts)


def nearest(name: str, candidates: Sequence[str]) -> str | None:
    """Return the candidate that `name` is probably a misspelling of."""
    folded = {candidate.casefold().replace("-", "_"): candidate for candidate in candidates}
    found = difflib.get_close_matches(name.casefold().replace("-", "_"), folded, 1, 0.75)
    return folded[found[0]] if found else None


def _integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and -_INT64 <= value < _INT64 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return bool(value) if isinstance(value, int) and value in (0, 1) else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _timestamp(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime):
        return utc(value)
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else None


def _same(value: Any) -> Any:
    return value


def utc(value: datetime) -> datetime:
    """Return the time in UTC without a zone; one without a zone is taken to be in UTC."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "string": _string,
    "timestamp": _timestamp,
}
_WANTED: Final = {
    "integer": "a whole number",
    "number": "a finite number",
    "boolean": "true or false",
    "string": "a string",
    "timestamp": "a time such as 2013-01-01T10:00:00Z",
}


def _a(value: Any) -> str:
    """A value of a request, said in JSON's words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the string "{_clip(value)}"'
    if isinstance(value, (int, float)):
        return f"the number {_clip(str(value))}"
    if value is None:
        return "null"
    return "an object" if isinstance(value, Mapping) else "a list"


def _clip(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
