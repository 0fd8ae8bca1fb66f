"""A typed contract -> the text of an Open Data Contract Standard file.

For drafts and for decisions about them; files that people wrote keep their own text. Invariant:
`contracts.parse` of the text gives the contract again, line numbers and digest aside.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, Final

from console.rules.odcs_quality import ENGINE
from storage.records.contracts import Contract, ContractColumn, Rule

_ID: Final = re.compile(r"[A-Za-z0-9_-]+")


def write(contract: Contract, comment: str = "") -> str:
    """Return the YAML text; `comment` is put on top, line by line."""
    from open_data_contract_standard.model import OpenDataContractStandard

    document: dict[str, Any] = {
        "apiVersion": contract.api_version,
        "kind": "DataContract",
        "id": contract.id,
        "version": contract.version,
        "name": contract.name,
        "status": contract.status,
        "customProperties": _settings(contract) or None,
        "schema": [
            {
                "name": contract.name,
                "description": contract.description or None,
                "properties": [_property(contract, column) for column in contract.columns],
                "quality": _blocks(contract, None) or None,
            }
        ],
    }
    text = OpenDataContractStandard.model_validate(document).to_yaml()
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + text


def _settings(contract: Contract) -> list[dict[str, Any]]:
    given = {
        "nullTokens": list(contract.null_tokens) if contract.null_tokens is not None else None,
        "decimalMark": contract.decimal_mark,
        "encoding": contract.encoding,
        "fieldsMatch": contract.fields_match if contract.fields_match != "subset" else "",
    }
    return [
        {"property": name, "value": value}
        for name, value in given.items()
        if value or (name == "nullTokens" and value is not None)
    ]


def _property(contract: Contract, column: ContractColumn) -> dict[str, Any]:
    options: dict[str, Any] = {"format": column.format} if column.format else {}
    return {
        "name": column.name,
        "description": column.description or None,
        "logicalType": column.logical_type if column.logical_type != "any" else None,
        "physicalType": column.physical_type or None,
        "required": True if column.is_required and not column.key_position else None,
        "primaryKey": True if column.key_position else None,
        "primaryKeyPosition": column.key_position or None,
        "logicalTypeOptions": options or None,
        "quality": _blocks(contract, column) or None,
    }


def _blocks(contract: Contract, column: ContractColumn | None) -> list[dict[str, Any]]:
    """The rules about one column, or (None) those about several or about the table."""
    return [
        _block(rule)
        for rule in contract.rules
        if (len(rule.columns) == 1) == (column is not None)
        and (column is None or rule.columns == (column.name,))
        and not _is_implied(rule, column, contract.status)
    ]


def _is_implied(rule: Rule, column: ContractColumn | None, status: str) -> bool:
    """Whether the rest of the file says it already: types, required columns and keys."""
    plain = Rule(
        id=rule.id,
        kind=rule.kind,
        columns=rule.columns,
        name=rule.name,
        dimension=rule.dimension,
        status="draft" if status == "draft" else "accepted",
    )
    ignored = ("line",)
    same = all(
        getattr(plain, each.name) == getattr(rule, each.name)
        for each in fields(Rule)
        if each.name not in ignored
    )
    if rule.kind == "required":
        return same and column is not None and column.is_required
    return same and (rule.kind in ("fields", "type") or rule.id == "key.unique")


def _block(rule: Rule) -> dict[str, Any]:
    implementation: dict[str, Any] = {
        "rule": rule.kind,
        "columns": list(rule.columns) if len(rule.columns) > 1 else None,
        "exclusiveMinimum" if rule.is_minimum_exclusive else "minimum": _limit(rule.minimum),
        "exclusiveMaximum" if rule.is_maximum_exclusive else "maximum": _limit(rule.maximum),
        "values": list(rule.values) or None,
        "pattern": rule.pattern or None,
        "query" if rule.kind == "query" else "expression": rule.expression or None,
        "reference": rule.reference or None,
        "maxRate": rule.max_rate or None,
        "targetRate": rule.target_rate,
        "maxCount": rule.max_count,
        "baseline": rule.baseline or None,
        "status": rule.status,
    }
    usual = ".".join(["_".join(rule.columns), rule.kind]).lstrip(".")
    return {
        # The standard allows no dots in ids; a rule without one is called by column and kind.
        "id": rule.id if rule.id != usual and _ID.fullmatch(rule.id) else None,
        "name": rule.name or None,
        "description": rule.description or None,
        "dimension": rule.dimension,
        "severity": rule.severity,
        "type": "custom",
        "engine": ENGINE,
        "implementation": {k: v for k, v in implementation.items() if v is not None},
    }


def _limit(text: str) -> Any:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    written = int(number) if number.is_integer() and "e" not in text.lower() else number
    return written if str(written) == text else text
