"""A SQL step, rewritten so that every row it makes remembers the request row it came from.

Used by `console.flow.plan`. SQL promises no order, and DuckDB joins from whichever side is
smaller, so the rows of a batch come back shuffled. Every step therefore carries the hidden column
`__row`: a step that makes each row from one row simply selects it too, any other step of the
inference flow is run once for each row by a lateral join, and a training step that merges rows
(GROUP BY, DISTINCT …) has its rows numbered anew. Invariant: a step of the inference flow sees one
row at a time, alone or in a batch; what it computes for a row never depends on which other rows
were asked for in the same moment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from console.errors import DamagedError, InvalidError
from console.rules.declaration import step_digest
from storage.records.pipelines import Step

ROW: Final = "__row"
"""Hidden column: position of the row in the table the flow was given, from 0."""

Tree = dict[str, Any]
"""A statement as DuckDB's `json_serialize_sql` describes it."""


def verify_step(step: Step) -> None:
    """Raise `DamagedError` unless the step is the one whose digest was recorded."""
    if step.digest and step.digest != step_digest(step):
        raise DamagedError(
            f'step "{step.name}" is not the one the model was trained with: its text has digest '
            f"{step_digest(step)[:12]}, recorded is {step.digest[:12]}.",
            hint="Train the model again: mlops-console train PIPELINE",
            step=step.name,
        )


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def parse(step: Step, serialize: Callable[[str], str]) -> Tree:
    """Return the syntax tree of the step's one SELECT; `serialize` is DuckDB's own parser."""
    document = json.loads(serialize(step.sql))
    if document["error"]:
        said = document.get("error_message", "it cannot be parsed")
        said += _place(step.sql, document.get("position"))
        raise InvalidError(
            f'step "{step.name}" is not one SELECT: {said}',
            hint="A step is one SELECT that reads `this` and the reference tables.",
            step=step.name,
        )
    if len(document["statements"]) != 1:
        raise InvalidError(
            f'step "{step.name}" has {len(document["statements"])} statements, one is wanted.',
            step=step.name,
        )
    tree: Tree = document
    return tree


def _place(sql: str, position: str | None) -> str:
    """`, line 2, column 14` of a place in a statement; empty where none is told."""
    if not position or not position.isdigit():
        return ""
    before = sql[: int(position)]
    return f", line {before.count(chr(10)) + 1}, column {len(before.rpartition(chr(10))[2]) + 1}"


def with_row(tree: Tree, source: str, *, is_whole: bool, aggregates: frozenset[str]) -> Tree | None:
    """Return the tree reading `source` instead of `this` and selecting `__row` too, or None.

    None when a row of the result is not made from one row of `this`: then the text alone does not
    tell which. `is_whole` allows what a training step may do and a request may not: windows,
    QUALIFY, LIMIT.
    """
    copy: Tree = json.loads(json.dumps(tree))
    node = copy["statements"][0]["node"]
    rules = _Rules(is_whole=is_whole, aggregates=aggregates)
    return copy if _carry(node, {"this": source}, rules) else None


def for_each_row(sql: str, source: str, columns: Sequence[str]) -> str:
    """Return SQL that runs `sql` once for each row of `source`, with `this` being that row."""
    this = ", ".join(f"__each.{quoted(name)} AS {quoted(name)}" for name in columns)
    return (
        f"SELECT __made.*, __each.{ROW} FROM {source} AS __each, "
        f"LATERAL (WITH this AS (SELECT {this}) SELECT * FROM ({sql})) AS __made"
    )


def over_all(sql: str, source: str, columns: Sequence[str]) -> str:
    """Return SQL that runs `sql` over all rows at once and numbers what it makes."""
    this = ", ".join(quoted(name) for name in columns)
    return (
        f"SELECT __made.*, row_number() OVER () - 1 AS {ROW} "
        f"FROM (WITH this AS (SELECT {this} FROM {source}) SELECT * FROM ({sql})) AS __made"
    )


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a SELECT may do and still make each row from one row."""

    is_whole: bool
    aggregates: frozenset[str]

    def allow(self, node: Tree) -> bool:
        if node["type"] != "SELECT_NODE" or node["aggregate_handling"] != "STANDARD_HANDLING":
            return False
        if any(node[part] for part in ("group_expressions", "group_sets", "having", "sample")):
            return False
        harmless = {"ORDER_MODIFIER"} | ({"LIMIT_MODIFIER"} if self.is_whole else set())
        if any(modifier["type"] not in harmless for modifier in node["modifiers"]):
            return False
        if node["qualify"] and not self.is_whole:
            return False
        return not self._merges([*node["select_list"], node["where_clause"]])

    def _merges(self, expression: Any) -> bool:
        """Whether an expression looks at several rows, or names its columns by a pattern."""
        if isinstance(expression, list):
            return any(self._merges(each) for each in expression)
        if not isinstance(expression, dict):
            return False
        kind = expression.get("class")
        if kind == "SUBQUERY":
            return False  # It may summarise a reference; that it does not read `this` is counted.
        if kind == "WINDOW" and not self.is_whole:
            return True
        if kind == "STAR" and expression["columns"]:
            return True
        if kind == "FUNCTION" and expression["function_name"].lower() in self.aggregates:
            return True
        return any(self._merges(value) for value in expression.values())


def _carry(node: Tree, carriers: dict[str, str], rules: _Rules) -> bool:
    """Make a SELECT hand on `__row`; False when it cannot, and `node` is then worthless.

    `carriers` are the tables that have the column: name in the statement -> name to read instead.
    Exactly one of them is read, once; it may stand in a join, a subquery of FROM or a CTE.
    """
    if not rules.allow(node):
        return False
    carriers = dict(carriers)
    for entry in node["cte_map"]["map"]:
        name, query = entry["key"].lower(), entry["value"]["query_node"]
        if _mentions(query, carriers):
            if not _carry(query, carriers, rules):
                return False
            carriers[name] = entry["key"]
        else:
            carriers.pop(name, None)
    body = {part: value for part, value in node.items() if part != "cte_map"}
    if _mentions(body, carriers) != 1:
        return False
    alias = _carrier(node["from_table"], carriers, rules)
    if alias is None:
        return False
    for item in node["select_list"]:
        is_star = item["class"] == "STAR" and not item["columns"]
        if is_star and item["relation_name"].lower() in ("", alias.lower()):
            item["exclude_list"] = [*item["exclude_list"], ROW]
    reference = {"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": [alias, ROW]}
    node["select_list"].append(reference | {"alias": ROW})
    return True


def _carrier(table: Tree, carriers: dict[str, str], rules: _Rules) -> str | None:
    """Find the carrier in a FROM clause, point it to its source and return what it is called."""
    if table["sample"]:
        return None
    if table["type"] == "BASE_TABLE":
        source = carriers.get(table["table_name"].lower())
        if source is None:
            return None
        table["alias"] = table["alias"] or table["table_name"]
        table["table_name"] = source
        table["qualified_name"] = {"path": [source]}
        return str(table["alias"])
    if table["type"] == "JOIN" and (rules.is_whole or table["ref_type"] != "POSITIONAL"):
        left, right = table["left"], table["right"]
        return _carrier(left, carriers, rules) or _carrier(right, carriers, rules)
    if table["type"] == "SUBQUERY" and _mentions(table, carriers) and table["alias"]:
        return table["alias"] if _carry(table["subquery"]["node"], carriers, rules) else None
    return None


def _mentions(node: Any, names: Mapping[str, str]) -> int:
    """How often tables of these names are read."""
    if isinstance(node, list):
        return sum(_mentions(value, names) for value in node)
    if not isinstance(node, dict):
        return 0
    is_table = node.get("type") == "BASE_TABLE" and node["table_name"].lower() in names
    return int(is_table) + sum(_mentions(value, names) for value in node.values())
