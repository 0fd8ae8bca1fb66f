"""How each DuckDB type is kept in Parquet and hashed, so that both are exact.

Used by `storage.chunking` only. Found by trying every type of DuckDB 2.0: Parquet rounds some
types, and DuckDB's hash equates values that compare as equal but are written differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from storage.errors import InvalidError
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

_AS_TEXT: Final = frozenset({"hugeint", "uhugeint", "interval", "time with time zone"})
"""Parquet as DuckDB writes it rounds or converts these; their text comes back exactly."""
_REFUSED: Final = frozenset({"union", "type"})
_NESTED: Final = frozenset({"list", "array", "struct", "tuple", "map"})
_HASHED_AS_TEXT: Final = frozenset(
    {"interval", "time with time zone", "variant", "geometry"} | _NESTED
)
"""Equal to the hash but not the same: 30 days and one month, [] and [NULL], 1 and '1' inside."""
_FLOATING: Final = frozenset({"float", "double"})


def hashed(value: str, kind: DuckDBPyType) -> tuple[str, ...]:
    """Return the arguments that `value` contributes to the hash of its row."""
    if kind.id in _HASHED_AS_TEXT:
        return (f"CAST({value} AS VARCHAR)",)
    if kind.id in _FLOATING:
        return value, f"signbit({value})"  # 0.0 and −0.0 hash alike
    return (value,)


def stored(value: str, kind: DuckDBPyType, column: str) -> str:
    """Return the expression to write for `value`; raises `InvalidError` when there is none."""
    type_name = _stored_type(kind, column)
    return value if type_name == str(kind) else f"CAST({value} AS {type_name})"


def _stored_type(kind: DuckDBPyType, column: str) -> str:
    if kind.id in _REFUSED:
        raise InvalidError(
            f"cannot store column {column}: Parquet has no form for its type {kind}.",
            hint='Turn it into text first, e.g. --sql "SELECT CAST(… AS VARCHAR) AS … FROM …".',
            column=column,
            type=str(kind),
        )
    if kind.id in _AS_TEXT:
        return "VARCHAR"
    children = _children(kind)
    if kind.id == "list":
        return f"{_stored_type(children[0][1], column)}[]"
    if kind.id == "array":
        return f"{_stored_type(children[0][1], column)}[{children[1][1]}]"
    if kind.id in ("struct", "tuple", "map"):
        # The name of a field of a tuple is empty; key and value of a map are written without one.
        fields = ", ".join(
            _stored_type(child, column)
            if kind.id == "map" or not name
            else f"{quote(name)} {_stored_type(child, column)}"
            for name, child in children
        )
        return f"{kind.id.upper()}({fields})"
    return str(kind)


def _children(kind: DuckDBPyType) -> list[tuple[str, Any]]:
    return list(kind.children) if kind.id in _NESTED else []
