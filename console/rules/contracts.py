"""An Open Data Contract Standard file -> the typed contract that is checked.

`parse` is for anybody who is handed the text of a contract; the package of the standard behind it
costs a tenth of a second and is imported there. Invariant: what is misspelled, contradicts itself
or can never be checked is refused with its line before any data is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from console.rules.odcs_lines import Lines, Path
from console.rules.odcs_rules import RuleReader
from console.rules.patterns import strptime_format
from storage.records.contracts import Contract, ContractColumn, FieldsMatch, LogicalType

if TYPE_CHECKING:
    from open_data_contract_standard.model import (
        OpenDataContractStandard,
        SchemaObject,
        SchemaProperty,
    )

_LOGICAL: Final[dict[str, LogicalType]] = {
    name: name for name in get_args(LogicalType) if name != "any"
} | {"map": "object", "vector": "array"}
_SETTINGS: Final = ("nullTokens", "decimalMark", "encoding", "fieldsMatch")
"""`customProperties` of the contract or its table that say how files of it are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A contract together with the document it stands in, for who wants to change that."""

    contract: Contract
    lines: Lines
    columns: Mapping[str, Path]
    """Column -> its property."""
    blocks: Mapping[str, Path]
    """Rule id -> its quality block; rules that other parts of the file ask for have none."""


def parse(text: str, file: str, table: str = "") -> Contract:
    """Read the contract in `text`; `file` is only named in refusals.

    A file that describes several tables needs `table`. Raises `InvalidError` with file and line.
    """
    return opened(text, file, table).contract


def opened(text: str, file: str, table: str = "") -> Opened:
    """Read the contract in `text` and keep where its parts stand; see `parse`."""
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    lines = Lines(text, file)
    lines.check_fields(OpenDataContractStandard)
    try:
        found = OpenDataContractStandard.model_validate(lines.document)
    except ValidationError as error:
        first = error.errors()[0]
        path = tuple(first["loc"])
        where = ".".join(str(step) for step in path)
        raise lines.refusal(lines.at(path), f"{where}: {first['msg'].lower()}") from error
    _check_head(found, lines)
    position, chosen = _table(found, lines, table)
    base: Path = ("schema", position)
    settings = _settings(found, chosen, lines, base)
    reader = RuleReader(lines, default_status="draft" if found.status == "draft" else "accepted")
    columns = tuple(_columns(chosen, lines, base))
    rules = reader.read(chosen, base, columns, found.slaProperties or ())
    contract = Contract(
        id=str(found.id),
        name=chosen.name or str(found.name or found.id),
        version=str(found.version),
        api_version=str(found.apiVersion),
        status=found.status or "active",
        description=chosen.description
        or (found.description.purpose if found.description else "")
        or "",
        columns=columns,
        rules=rules,
        null_tokens=settings.get("nullTokens"),
        decimal_mark=settings.get("decimalMark", ""),
        encoding=settings.get("encoding", ""),
        fields_match=settings.get("fieldsMatch", "subset"),
        unchecked=tuple(reader.unchecked),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
    places = {column.name: (*base, "properties", number) for number, column in enumerate(columns)}
    return Opened(contract=contract, lines=lines, columns=places, blocks=reader.blocks)


def _check_head(found: OpenDataContractStandard, lines: Lines) -> None:
    for name in ("apiVersion", "kind", "id", "version"):
        if not getattr(found, name):
            raise lines.refusal(1, f"{name} is missing", f"Begin with {name}: …")
    if found.kind != "DataContract":
        raise lines.refusal(lines.at(("kind",)), f"kind is {found.kind!r}, not DataContract")
    if not str(found.apiVersion).startswith("v3."):
        raise lines.refusal(
            lines.at(("apiVersion",)),
            f"apiVersion {found.apiVersion} is not one of the versions v3.x that are read here",
            "Convert it, e.g. with datacontract-cli.",
        )


def _table(found: OpenDataContractStandard, lines: Lines, table: str) -> tuple[int, SchemaObject]:
    objects = found.schema_ or []
    names = [each.name or "" for each in objects]
    if table and table in names:
        position = names.index(table)
    elif len(objects) == 1:
        position = 0
    else:
        listed = ", ".join(names) or "none"
        raise lines.refusal(
            lines.at(("schema",)),
            f"it describes {len(objects)} tables ({listed}), one is needed",
            "Split it into a file per table.",
        )
    chosen = objects[position]
    if not chosen.properties:
        raise lines.refusal(lines.at(("schema", position)), "the table has no properties")
    return position, chosen


def _columns(table: SchemaObject, lines: Lines, base: Path) -> Iterator[ContractColumn]:
    seen: dict[str, int] = {}
    keys = sum(bool(each.primaryKey) for each in table.properties or ())
    for number, each in enumerate(table.properties or ()):
        path = (*base, "properties", number)
        line = lines.at(path)
        if not each.name:
            raise lines.refusal(line, "a property has no name")
        if each.name.lower() in seen:
            raise lines.refusal(line, f"column {each.name} is described twice")
        seen[each.name.lower()] = line
        logical = each.logicalType or "any"
        if logical != "any" and logical not in _LOGICAL:
            raise lines.refusal(
                lines.at((*path, "logicalType")),
                f"{each.name} has the unknown logicalType {logical!r}",
                f"Known are {', '.join(sorted(_LOGICAL))}.",
            )
        position = each.primaryKeyPosition or -1
        yield ContractColumn(
            name=each.physicalName or each.name,
            logical_type="any" if logical == "any" else _LOGICAL[logical],
            physical_type=_physical(each),
            description=each.description or "",
            format=_format(each),
            is_required=bool(each.required or each.primaryKey),
            key_position=(position if position > 0 else (1 if keys == 1 else number + 1))
            if each.primaryKey
            else 0,
        )


def _physical(column: SchemaProperty) -> str:
    if column.physicalType:
        return column.physicalType
    options = column.logicalTypeOptions or {}
    return "TIMESTAMP WITH TIME ZONE" if options.get("timezone") is True else ""


def _format(column: SchemaProperty) -> str:
    pattern = (column.logicalTypeOptions or {}).get("format")
    if column.logicalType not in ("date", "timestamp", "time") or not pattern:
        return ""
    return strptime_format(str(pattern))


def _settings(
    found: OpenDataContractStandard, table: SchemaObject, lines: Lines, base: Path
) -> Mapping[str, Any]:
    settings: dict[str, Any] = {}
    for properties, path in (
        (found.customProperties or (), ("customProperties",)),
        (table.customProperties or (), (*base, "customProperties")),
    ):
        for number, each in enumerate(properties):
            if each.property in _SETTINGS:
                line = lines.at((*path, number))
                settings[each.property] = _setting(each.property, each.value, lines, line)
    return settings


def _setting(name: str, value: Any, lines: Lines, line: int) -> Any:
    if name == "nullTokens":
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        raise lines.refusal(line, "nullTokens is a list of texts", "e.g. value: ['NA', '']")
    allowed = {"decimalMark": (".", ","), "fieldsMatch": get_args(FieldsMatch)}.get(name)
    if not isinstance(value, str) or (allowed and value not in allowed):
        hint = f"One of {', '.join(allowed)}." if allowed else ""
        raise lines.refusal(line, f"{name} cannot be {value!r}", hint)
    return cast(Any, value)
