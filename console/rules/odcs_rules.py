"""The constraints and quality blocks of a contract file -> rules.

Used by `contracts.parse`. Three places say what must hold: the constraints of a column (`required`,
`logicalTypeOptions`, `enum`, `relationships` …), the library metrics of the standard, and blocks of
`type: custom, engine: mlops-console` whose `implementation` holds tolerance, severity and status.
Invariant: a block about a constraint that the column also has refines it, it does not double it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from console.rules import patterns
from console.rules.odcs_lines import Lines, Path
from console.rules.odcs_quality import DIMENSIONS, QualityReader, list_of, text_of
from console.rules.rule_limits import check
from storage.records.contracts import ContractColumn, Rule, RuleStatus

if TYPE_CHECKING:
    from open_data_contract_standard.model import (
        DataQuality,
        SchemaObject,
        SchemaProperty,
        ServiceLevelAgreementProperty,
    )

_HOURS: Final = {
    "h": 1.0, "hr": 1.0, "hour": 1.0, "hours": 1.0, "d": 24.0, "day": 24.0, "days": 24.0,
    "m": 1 / 60, "min": 1 / 60, "minute": 1 / 60, "minutes": 1 / 60, "s": 1 / 3600,
    "second": 1 / 3600, "seconds": 1 / 3600, "w": 168.0, "week": 168.0, "weeks": 168.0,
}  # fmt: skip


class RuleReader:
    """Collects the rules of one table."""

    def __init__(self, lines: Lines, default_status: RuleStatus) -> None:
        self._lines = lines
        self._status = default_status
        self._blocks = QualityReader(lines, default_status)
        self._columns: dict[str, ContractColumn] = {}
        self._rules: dict[str, Rule] = {}
        self.unchecked: list[str] = []
        self.blocks: dict[str, Path] = {}
        """Rule id -> the quality block that asks for it or refines it."""

    def read(
        self,
        table: SchemaObject,
        base: Path,
        columns: Sequence[ContractColumn],
        agreements: Sequence[ServiceLevelAgreementProperty],
    ) -> tuple[Rule, ...]:
        self._columns = {column.name: column for column in columns}
        self._add(Rule(id="fields", kind="fields", line=self._lines.at(base)))
        for number, (each, column) in enumerate(zip(table.properties or (), columns, strict=True)):
            self._column(each, column, (*base, "properties", number))
        key = sorted((c.key_position, c.name) for c in columns if c.key_position)
        if key:
            names = tuple(name for _, name in key)
            self._add(Rule(id="key.unique", kind="unique", columns=names, name="primary key"))
        for number, relation in enumerate(table.relationships or ()):
            path = (*base, "relationships", number)
            self._reference(list_of(relation.from_), list_of(relation.to), path)
        for number, quality in enumerate(table.quality or ()):
            self._quality(quality, (), (*base, "quality", number))
        for number, agreement in enumerate(agreements):
            self._agreement(agreement, table, ("slaProperties", number))
        return tuple(self._rules.values())

    # ------------------------------------------------------------------- constraints of a column

    def _column(self, each: SchemaProperty, column: ContractColumn, path: Path) -> None:
        name, line = column.name, self._lines.at(path)
        if column.logical_type != "any":
            self._add(Rule(id=f"{name}.type", kind="type", columns=(name,), line=line))
        if column.is_required:
            self._add(Rule(id=f"{name}.required", kind="required", columns=(name,), line=line))
        if each.unique:
            self._add(Rule(id=f"{name}.unique", kind="unique", columns=(name,), line=line))
        self._options(each, column, (*path, "logicalTypeOptions"))
        if each.enum:
            values = tuple(text_of(value.value) for value in each.enum)
            at = self._lines.at((*path, "enum"))
            self._add(
                Rule(
                    id=f"{name}.categories",
                    kind="categories",
                    columns=(name,),
                    values=values,
                    line=at,
                )
            )
        for number, relation in enumerate(each.relationships or ()):
            self._reference([name], list_of(relation.to), (*path, "relationships", number))
        for number, quality in enumerate(each.quality or ()):
            self._quality(quality, (name,), (*path, "quality", number))

    def _options(self, each: SchemaProperty, column: ContractColumn, path: Path) -> None:
        options = each.logicalTypeOptions or {}
        name, line = column.name, self._lines.at(path)
        low, high = (options.get(f"{key}imum") for key in ("min", "max"))
        under, over = options.get("exclusiveMinimum"), options.get("exclusiveMaximum")
        if any(limit is not None for limit in (low, high, under, over)):
            rule = Rule(
                id=f"{name}.range",
                kind="range",
                columns=(name,),
                minimum=text_of(under if under is not None else low),
                maximum=text_of(over if over is not None else high),
                is_minimum_exclusive=under is not None,
                is_maximum_exclusive=over is not None,
                line=line,
            )
            self._add(rule)
        if "minLength" in options or "maxLength" in options:
            low, high = options.get("minLength"), options.get("maxLength")
            rule = Rule(
                id=f"{name}.length",
                kind="length",
                columns=(name,),
                minimum=text_of(low),
                maximum=text_of(high),
                line=line,
            )
            self._add(rule)
        if "multipleOf" in options:
            self._add(
                Rule(
                    id=f"{name}.multiple",
                    kind="multiple",
                    columns=(name,),
                    minimum=text_of(options["multipleOf"]),
                    line=line,
                )
            )
        pattern = options.get("pattern")
        if not pattern and column.logical_type == "string":
            pattern = patterns.FORMATS.get(str(options.get("format", "")))
        if pattern:
            rule = Rule(
                id=f"{name}.pattern",
                kind="pattern",
                columns=(name,),
                pattern=str(pattern),
                line=self._lines.at((*path, "pattern")),
            )
            self._add(rule)

    def _reference(self, columns: Sequence[str], to: Sequence[str], path: Path) -> None:
        line = self._lines.at(path)
        places = [str(each).rsplit(".", 1) for each in to]
        if not columns or len(places) != len(columns) or any(len(p) != 2 for p in places):
            raise self._lines.refusal(
                line, "a relationship needs as many columns as it refers to", "to: planes.tailnum"
            )
        tables = {place[0] for place in places}
        if len(tables) != 1:
            raise self._lines.refusal(line, "a relationship refers to one table")
        own = tuple(str(name).rsplit(".", 1)[-1] for name in columns)
        target = ",".join(place[1] for place in places)
        self._add(
            Rule(
                id=f"{'_'.join(own)}.reference",
                kind="reference",
                columns=own,
                reference=f"{tables.pop()}.{target}",
                line=line,
            )
        )

    def _agreement(
        self, each: ServiceLevelAgreementProperty, table: SchemaObject, path: Path
    ) -> None:
        line = self._lines.at(path)
        if each.property not in ("freshness", "latency", "fr", "ly"):
            self.unchecked.append(f"line {line}: the service level {each.property}")
            return
        column = str(each.element or "").removeprefix(f"{table.name}.")
        hours = _HOURS.get(str(each.unit or "h").lower())
        if column not in self._columns or hours is None or not isinstance(each.value, int | float):
            raise self._lines.refusal(
                line,
                "freshness needs a number, a unit (h, d …) and a time column as element",
                f"e.g. value: 24, unit: h, element: {table.name}.time",
            )
        rule = Rule(
            id=f"{column}.freshness",
            kind="freshness",
            columns=(column,),
            maximum=text_of(float(each.value) * hours),
            description=each.description or "",
            line=line,
        )
        self._add(rule)

    # ------------------------------------------------------------------- placing a rule

    def _quality(self, quality: DataQuality, columns: tuple[str, ...], path: Path) -> None:
        """Add the rule of a block, or refine the constraint of the column that it is about."""
        rule = self._blocks.read(quality, columns, path)
        if rule is None:
            what = f"engine {quality.engine}" if quality.engine else "text for people"
            about = f" of {columns[0]}" if columns else ""
            line = self._lines.at(path)
            self.unchecked.append(f"line {line}: a quality block{about} ({what})")
            return
        same = [
            each
            for each in self._rules.values()
            if each.kind == rule.kind and each.columns == rule.columns and not each.name
        ]
        if same and not _has_content(rule):
            known = same[0]
            merged = replace(
                rule,
                id=known.id,
                minimum=known.minimum,
                maximum=known.maximum,
                is_minimum_exclusive=known.is_minimum_exclusive,
                is_maximum_exclusive=known.is_maximum_exclusive,
                values=known.values,
                pattern=known.pattern,
                reference=known.reference,
            )
            check(merged, self._columns, self._lines)
            self._rules[known.id] = merged
            self.blocks[known.id] = path
            return
        self.blocks[self._add(rule, is_placed=True)] = path

    def _add(self, rule: Rule, *, is_placed: bool = False) -> str:
        """Keep the rule; returns the id it was given."""
        if not is_placed:
            rule = replace(rule, dimension=DIMENSIONS[rule.kind], status=self._status)
        if not rule.id:
            words = re.sub(r"[^A-Za-z0-9]+", "_", rule.name).strip("_").lower()
            subject = "_".join(rule.columns)
            rule = replace(rule, id=".".join(filter(None, (subject, words or rule.kind))))
        base, number = rule.id, 2
        while rule.id in self._rules:
            rule = replace(rule, id=f"{base}_{number}")
            number += 1
        check(rule, self._columns, self._lines)
        self._rules[rule.id] = rule
        return rule.id


def _has_content(rule: Rule) -> bool:
    """Whether the block says a limit of its own, or only how strict to be."""
    return bool(
        rule.minimum
        or rule.maximum
        or rule.values
        or rule.pattern
        or rule.expression
        or rule.reference
    )
