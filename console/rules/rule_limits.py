"""Whether a rule of a contract makes sense, before it meets any data.

Used when contracts are read. Invariant: a rule that passes can be turned into SQL, and some row
could satisfy it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.rules import patterns
from console.rules.odcs_lines import Lines
from storage.records.contracts import ContractColumn, Rule

_NUMERIC: Final = ("integer", "number")
_TABLE_WIDE: Final = ("fields", "row_count", "query", "expression")


def check(rule: Rule, columns: Mapping[str, ContractColumn], lines: Lines) -> None:
    """Raise `InvalidError` for a rule that lacks something, contradicts itself or cannot be run."""
    refuse = lines.refusal
    for column in rule.columns:
        if column not in columns:
            raise refuse(rule.line, f"rule {rule.id} is about {column}, which is no column")
    lacking = {
        "range": not (rule.minimum or rule.maximum),
        "length": not (rule.minimum or rule.maximum),
        "row_count": not (rule.minimum or rule.maximum),
        "multiple": not rule.minimum,
        "categories": not rule.values,
        "pattern": not rule.pattern,
        "expression": not rule.expression,
        "query": not rule.expression or not (rule.minimum or rule.maximum),
        "reference": not rule.reference,
        "freshness": not rule.maximum,
    }
    if lacking.get(rule.kind):
        raise refuse(rule.line, f"rule {rule.id} ({rule.kind}) does not say its limits")
    if not rule.columns and rule.kind not in _TABLE_WIDE:
        raise refuse(rule.line, f"rule {rule.id} ({rule.kind}) needs a column")
    if rule.kind == "pattern" and (why := patterns.problem(rule.pattern)):
        raise refuse(
            rule.line,
            f"the pattern of rule {rule.id} cannot be run: {why}",
            "Patterns are RE2: no look-around, no back-references.",
        )
    _check_limits(rule, columns, lines)


def _check_limits(rule: Rule, columns: Mapping[str, ContractColumn], lines: Lines) -> None:
    is_number = rule.kind in ("length", "multiple", "row_count", "freshness", "query") or (
        rule.kind == "range"
        and all(columns[name].logical_type in _NUMERIC for name in rule.columns)
    )
    limits = [limit for limit in (rule.minimum, rule.maximum) if limit]
    if not is_number:
        return
    numbers = []
    for limit in limits:
        try:
            numbers.append(float(limit))
        except ValueError as error:
            raise lines.refusal(
                rule.line, f"rule {rule.id} has the limit {limit!r}, which is no number"
            ) from error
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        raise lines.refusal(
            rule.line,
            f"rule {rule.id} can never hold: its minimum {limits[0]} is above its maximum "
            f"{limits[1]}",
        )
