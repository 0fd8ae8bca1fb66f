"""Whether SQL that people wrote into a contract is what it may be: a condition on one table's rows.

Used by `checking`. The engine it runs in reaches nothing anyway; this is for a sentence instead of
a surprise. Invariant: nothing is executed here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

import duckdb

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FORBIDDEN: Final = frozenset(
    {"getenv", "current_setting", "getvariable", "error", "nextval", "currval", "random", "uuid",
     "now", "today", "current_date", "get_current_timestamp", "current_timestamp"}
)  # fmt: skip
"""Functions that look outside of the row or give something else on every run."""


def problem_of(connection: DuckDBPyConnection, expression: str, columns: Collection[str]) -> str:
    """Return why `expression` is no condition on a row with these columns, or an empty text."""
    tree, why = _parsed(connection, f"SELECT {expression}\n")
    # Between parentheses it has to stand too: `x) OR (y` would turn into something else there.
    why = why or _parsed(connection, f"SELECT ({expression}\n)")[1]
    if why:
        return f"the expression is no SQL condition: {why}"
    nodes = list(_nodes(tree))
    if len(tree["statements"]) != 1 or tree["statements"][0]["node"]["type"] != "SELECT_NODE":
        return "the expression is more than one condition"
    node = tree["statements"][0]["node"]
    if len(node["select_list"]) != 1 or node["from_table"]["type"] != "EMPTY":
        return "the expression is more than one condition"
    if any(each.get("class") == "SUBQUERY" for each in nodes):
        return "the expression has a subquery; it may only look at its own row"
    known = {name.lower() for name in columns}
    for each in nodes:
        if each.get("class") == "COLUMN_REF" and each["column_names"][0].lower() not in known:
            return f"there is no column {'.'.join(each['column_names'])}"
        name = str(each.get("function_name", "")).lower()
        if name in _FORBIDDEN or each.get("class") == "WINDOW":
            return f"the expression may not use {name or 'a window'}"
    return ""


def problem_of_query(connection: DuckDBPyConnection, query: str) -> str:
    """Return why `query` is not one SELECT, or an empty text."""
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        return f"the query is no SQL: {str(error).splitlines()[0]}"
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return "the query has to be one SELECT statement"
    return ""


def _parsed(connection: DuckDBPyConnection, sql: str) -> tuple[dict[str, Any], str]:
    row = connection.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchall()[0]
    tree: dict[str, Any] = json.loads(row[0])
    return tree, str(tree.get("error_message", "")) if tree.get("error") else ""


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)
