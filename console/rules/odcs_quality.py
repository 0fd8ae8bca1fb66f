"""One quality block of a contract file -> one rule.

Used by `odcs_rules`. A block is a library metric of the standard, a query, or
`type: custom, engine: mlops-console` whose `implementation` holds limits, tolerance, severity and
status. Invariant: a rule never comes out weaker than the block that asked for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from console.rules.odcs_lines import Lines, Path
from storage.records.contracts import Dimension, Rule, RuleKind, RuleStatus
from storage.records.results import Severity

if TYPE_CHECKING:
    from open_data_contract_standard.model import DataQuality

ENGINE: Final = "mlops-console"
IMPLEMENTATION: Final = frozenset(
    {"rule", "columns", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "values",
     "pattern", "expression", "query", "reference", "maxRate", "targetRate", "maxCount", "baseline",
     "status", "severity"}
)  # fmt: skip
SEVERITIES: Final[dict[str, Severity]] = {
    "info": "info", "low": "info", "warn": "warn", "warning": "warn", "medium": "warn",
    "error": "error", "high": "error", "critical": "critical", "blocker": "critical",
}  # fmt: skip
DIMENSIONS: Final[dict[RuleKind, Dimension]] = {
    "fields": "conformity", "type": "conformity", "required": "completeness",
    "missing": "completeness", "range": "accuracy", "length": "conformity",
    "multiple": "conformity", "categories": "conformity", "pattern": "conformity",
    "expression": "consistency", "unique": "uniqueness", "reference": "consistency",
    "freshness": "timeliness", "row_count": "coverage", "query": "accuracy",
}  # fmt: skip
"""Where a rule belongs when nobody said."""
_BASELINE: Final = re.compile(r"previous|pinned:v?\d+|window:[1-9]\d*")


class QualityReader:
    """Reads the quality blocks of one table."""

    def __init__(self, lines: Lines, default_status: RuleStatus) -> None:
        self._lines = lines
        self._status = default_status

    def read(self, quality: DataQuality, columns: tuple[str, ...], path: Path) -> Rule | None:
        """Return the rule of a block about `columns`, or None for one that is not checked here."""
        line = self._lines.at(path)
        kind = quality.type or ("library" if quality.metric or quality.rule else "text")
        base = Rule(
            id=quality.id or "",
            kind="query",
            columns=columns,
            name=quality.name or "",
            description=quality.description or "",
            severity=self._severity(quality.severity, line),
            status=self._status,
            line=line,
        )
        if kind == "custom" and quality.engine == ENGINE:
            rule = self._custom(quality, base, (*path, "implementation"))
        elif kind == "library":
            rule = self._library(quality, base)
        elif kind == "sql":
            if not quality.query:
                raise self._lines.refusal(line, "a quality block of type sql needs a query")
            low, high = _between(quality)
            rule = replace(base, expression=quality.query, minimum=low, maximum=high)
        else:
            return None
        return replace(rule, dimension=self._dimension(quality, rule, path))

    def _dimension(self, quality: DataQuality, rule: Rule, path: Path) -> Dimension:
        if not quality.dimension:
            return DIMENSIONS[rule.kind]
        if quality.dimension not in get_args(Dimension):
            raise self._lines.refusal(
                self._lines.at((*path, "dimension")),
                f"unknown dimension {quality.dimension!r}",
                f"Known are {', '.join(get_args(Dimension))}.",
            )
        return cast(Dimension, quality.dimension)

    def _custom(self, quality: DataQuality, base: Rule, at: Path) -> Rule:
        given = quality.implementation
        if not isinstance(given, dict):
            raise self._lines.refusal(base.line, "implementation is a mapping with at least rule")
        self._lines.check_names(given, IMPLEMENTATION, at)
        kind = given.get("rule")
        if kind not in get_args(RuleKind):
            raise self._lines.refusal(
                self._lines.at((*at, "rule")),
                f"unknown rule {kind!r}",
                f"Known are {', '.join(get_args(RuleKind))}.",
            )
        columns = tuple(map(str, list_of(given.get("columns")))) or base.columns
        low, high = given.get("minimum"), given.get("maximum")
        under, over = given.get("exclusiveMinimum"), given.get("exclusiveMaximum")
        severity = given.get("severity")
        return replace(
            base,
            kind=cast(RuleKind, kind),
            columns=columns,
            minimum=text_of(under if under is not None else low),
            maximum=text_of(over if over is not None else high),
            is_minimum_exclusive=under is not None,
            is_maximum_exclusive=over is not None,
            values=tuple(text_of(value) for value in given.get("values") or ()),
            pattern=str(given.get("pattern") or ""),
            expression=str(given.get("expression") or given.get("query") or ""),
            reference=str(given.get("reference") or ""),
            max_rate=self._rate(given, "maxRate", at) or 0.0,
            target_rate=self._rate(given, "targetRate", at),
            max_count=self._whole(given, "maxCount", at),
            baseline=self._baseline(given, at),
            status=self._rule_status(given, at),
            severity=self._severity(severity, base.line) if severity else base.severity,
        )

    def _library(self, quality: DataQuality, base: Rule) -> Rule:
        metric = quality.metric or quality.rule
        arguments = quality.arguments or {}
        if metric == "rowCount":
            low, high = _between(quality)
            return replace(base, kind="row_count", columns=(), minimum=low, maximum=high)
        rule = self._tolerated(quality, base)
        if metric == "nullValues":
            return replace(rule, kind="required")
        if metric == "missingValues":
            tokens = tuple("" if v is None else str(v) for v in arguments.get("missingValues", ()))
            return replace(rule, kind="missing", values=tokens)
        if metric == "invalidValues" and arguments.get("validValues"):
            values = tuple(text_of(value) for value in arguments["validValues"])
            return replace(rule, kind="categories", values=values)
        if metric == "invalidValues" and arguments.get("pattern"):
            return replace(rule, kind="pattern", pattern=str(arguments["pattern"]))
        if metric == "duplicateValues":
            columns = tuple(map(str, arguments.get("properties", ()))) or base.columns
            return replace(rule, kind="unique", columns=columns)
        raise self._lines.refusal(
            base.line,
            f"the metric {metric!r} cannot be checked as it stands",
            "Known are nullValues, missingValues, invalidValues (with validValues or pattern), "
            "duplicateValues and rowCount.",
        )

    def _tolerated(self, quality: DataQuality, base: Rule) -> Rule:
        """Read an operator as the number of violations that is tolerated."""
        limits = [
            (quality.mustBe, 0),
            (quality.mustBeLessOrEqualTo, 0),
            (quality.mustBeLessThan, -1),
            (quality.mustBeBetween[1] if quality.mustBeBetween else None, 0),
        ]
        found = [(limit, less) for limit, less in limits if limit is not None]
        if len(found) != 1 or not isinstance(found[0][0], int | float):
            raise self._lines.refusal(
                base.line,
                "a metric that counts violations needs one limit",
                "Use mustBe, mustBeLessThan or mustBeLessOrEqualTo with a number.",
            )
        limit, less = found[0]
        if (quality.unit or "rows") == "percent":
            # "Less than" and "at most" cannot be told apart in measured shares.
            return replace(base, max_rate=min(max(float(limit) / 100, 0.0), 1.0))
        whole = int(limit) + less if float(limit).is_integer() else int(limit)
        return replace(base, max_count=max(whole, 0))

    # ------------------------------------------------------------------- single values

    def _severity(self, given: Any, line: int) -> Severity:
        if not given:
            return "error"
        found = SEVERITIES.get(str(given).lower())
        if found is None:
            raise self._lines.refusal(
                line, f"unknown severity {given!r}", "Known are info, warn, error and critical."
            )
        return found

    def _rate(self, given: Mapping[str, Any], name: str, path: Path) -> float | None:
        value = given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self._lines.refusal(
                self._lines.at((*path, name)), f"{name} is a share between 0 and 1, not {value!r}"
            )
        return float(value)

    def _whole(self, given: Mapping[str, Any], name: str, path: Path) -> int | None:
        value = given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._lines.refusal(
                self._lines.at((*path, name)), f"{name} is a number of rows, not {value!r}"
            )
        return value

    def _baseline(self, given: Mapping[str, Any], path: Path) -> str:
        value = str(given.get("baseline") or "")
        if value and not _BASELINE.fullmatch(value):
            raise self._lines.refusal(
                self._lines.at((*path, "baseline")),
                f"unknown baseline {value!r}",
                "Use previous, pinned:v3 or window:8.",
            )
        return value

    def _rule_status(self, given: Mapping[str, Any], path: Path) -> RuleStatus:
        value = given.get("status") or self._status
        if value not in get_args(RuleStatus):
            raise self._lines.refusal(
                self._lines.at((*path, "status")), f"status is accepted or draft, not {value!r}"
            )
        return cast(RuleStatus, value)


def _between(quality: DataQuality) -> tuple[str, str]:
    """Return the lower and upper limit that an operator stands for."""
    if quality.mustBeBetween:
        return text_of(quality.mustBeBetween[0]), text_of(quality.mustBeBetween[1])
    exact = quality.mustBe
    low = quality.mustBeGreaterOrEqualTo
    high = quality.mustBeLessOrEqualTo
    if quality.mustBeGreaterThan is not None:
        low = quality.mustBeGreaterThan + 1
    if quality.mustBeLessThan is not None:
        high = quality.mustBeLessThan - 1
    return text_of(exact if exact is not None else low), text_of(
        exact if exact is not None else high
    )


def list_of(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def text_of(value: Any) -> str:
    """A limit or category as text; numbers without a needless fraction, booleans as SQL does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
