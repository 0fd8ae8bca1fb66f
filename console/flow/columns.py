"""The few types a row may have on its way into a model, and their names in every language.

Used by `console.flow`, by the training worker when it writes a signature and by the serving
process when it reads a request. Invariant: `this` has one of these types per column in training
and in serving, whatever file the rows came from, so that a step computes the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import pyarrow as pa

from console.errors import InvalidError
from storage.records.models import SignatureField

FieldType = Literal["integer", "number", "boolean", "string", "timestamp"]

ARROW: Final[dict[FieldType, pa.DataType]] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us"),
}
"""A timestamp is in UTC and carries no zone: comparing it needs no setting of the session."""


def field_type(kind: pa.DataType) -> FieldType | None:
    """Return the signature type of an Arrow column; None for lists, structs and the like."""
    is_ = pa.types
    if is_.is_boolean(kind):
        return "boolean"
    if is_.is_integer(kind):
        return "integer"
    if is_.is_floating(kind) or is_.is_decimal(kind):
        return "number"
    if is_.is_timestamp(kind) or is_.is_date(kind):
        return "timestamp"
    if is_.is_dictionary(kind):
        return field_type(kind.value_type)
    if is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind):
        return "string"
    return None


def canonical(table: pa.Table) -> pa.Table:
    """Return the table with every column cast to the type a request would give it."""
    fields = []
    for field in table.schema:
        kind = field_type(field.type)
        fields.append(pa.field(field.name, ARROW[kind] if kind else field.type))
    wanted = pa.schema(fields)
    return table if table.schema.equals(wanted) else table.cast(wanted)


def signature_of(schema: pa.Schema, required: Sequence[str] = ()) -> tuple[SignatureField, ...]:
    """Return the request fields for these columns; `required` = those that were never null."""
    fields = []
    for field in schema:
        kind = field_type(field.type)
        if kind is None:
            raise InvalidError(
                f'column "{field.name}" of type {field.type} cannot be part of a request: wanted '
                f"are {', '.join(ARROW)}.",
                hint="Take it apart in the data, or leave it out of the steps.",
                column=field.name,
            )
        fields.append(
            SignatureField(name=field.name, type=kind, is_required=field.name in required)
        )
    return tuple(fields)


def request_schema(fields: Sequence[SignatureField]) -> pa.Schema:
    """Return the Arrow schema of a batch of requests."""
    return pa.schema([pa.field(field.name, ARROW[field.type]) for field in fields])


def to_table(schema: pa.Schema, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Return Python values as an Arrow table of this schema."""
    arrays = [pa.array(columns[field.name], type=field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
