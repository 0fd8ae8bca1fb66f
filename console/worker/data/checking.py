"""A contract against a table: every rule becomes a result with its rate, interval and examples.

Jobs that add, check or compare data call `check`. Few scans: all row rules in one, then one
statement for each key, reference and query, then example rows of what was violated.
Invariant: a rule that cannot be run is a result with the verdict `error` and a reason, never an
exception and never a silent pass.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import duckdb

from console.rules import contract_sql as sql
from console.rules.contract_trends import Earlier, baseline_rows, usual
from console.rules.intervals import clopper_pearson, newcombe, wilson
from console.rules.verdicts import CENSUS, WORST_FIRST, judge
from console.text import percent
from console.worker.data.casting import Wanted
from console.worker.data.expressions import problem_of, problem_of_query
from console.worker.data.running import Watch, execute
from storage.chunk_files import NumberedRows
from storage.records.contracts import Contract, LogicalType, Rule
from storage.records.results import Result
from storage.records.sources import CellProblem
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXAMPLES: Final = 20
NOTHING: Final = Earlier()
"""The first version has nothing before it."""
RULE: Final = "rule"
"""Key in a result's detail: the id of the rule, by which results of versions belong together."""
_TYPES: Final[dict[LogicalType, str]] = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "time": "TIME",
}


def wanted(contract: Contract) -> dict[str, Wanted]:
    """Return the types to read columns as; typed sources keep types of the same family unless the
    contract names a physical one."""
    types = {}
    for column in contract.columns:
        physical = column.physical_type or _TYPES.get(column.logical_type, "")
        if physical:
            types[column.name] = Wanted(
                type=physical, format=column.format, is_exact=bool(column.physical_type)
            )
    return types


def check(
    connection: DuckDBPyConnection,
    relation: str,
    contract: Contract,
    *,
    rows: NumberedRows | None = None,
    problems: Sequence[CellProblem] = (),
    earlier: Earlier = NOTHING,
    tables: Mapping[str, str] | None = None,
    now: datetime | None = None,
    watch: Watch | None = None,
) -> tuple[Result, ...]:
    """Check what stands after FROM in `relation`; results come worst first.

    `rows` gives row numbers to examples at no cost, `problems` are the cells that reading could
    not turn into their type, `earlier` what versions before were found to be (for trends and
    relative limits), `tables` what references point to (name -> relation).
    """
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    run = _Run(
        connection=connection,
        relation=relation,
        contract=contract,
        types={str(row[0]): str(row[1]) for row in described},
        rows=rows,
        problems={problem.column: problem for problem in problems},
        earlier=earlier,
        tables=dict(tables or {}),
        now=now or datetime.now(UTC),
    )
    counts = run.scan(watch)
    results = [run.result(rule, counts) for rule in contract.rules]
    return tuple(sorted(results, key=lambda result: WORST_FIRST.index(result.verdict)))


@dataclass(slots=True)
class _Run:
    """One check on its way."""

    connection: DuckDBPyConnection
    relation: str
    contract: Contract
    types: dict[str, str]
    rows: NumberedRows | None
    problems: dict[str, CellProblem]
    earlier: Earlier
    tables: dict[str, str]
    now: datetime
    n: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    """Rule id -> why it could not be run."""

    def scan(self, watch: Watch | None) -> dict[str, int]:
        """Count the violations of all row rules at once, or one by one to find the broken one."""
        usable = []
        for rule in self.contract.rules:
            is_condition = rule.kind == "expression" and sql.has_columns(rule, self.types)
            why = problem_of(self.connection, rule.expression, self.types) if is_condition else ""
            if why:
                self.failures[rule.id] = why
            else:
                usable.append(rule)
        statement, counted = sql.scan(
            replace(self.contract, rules=tuple(usable)), self.types, self.relation
        )
        try:
            row = execute(self.connection, statement, watch)[0]
        except duckdb.Error:
            return self._one_by_one(counted)
        self.n = int(row[0])
        return {each.rule.id: int(c or 0) for each, c in zip(counted, row[1:], strict=True)}

    def _one_by_one(self, counted: Sequence[sql.Counted]) -> dict[str, int]:
        found = {}
        self.n = int(self._value(f"SELECT count(*) FROM {self.relation}"))
        for each in counted:
            try:
                value = self._value(f"SELECT {each.sql} FROM {self.relation}")
                found[each.rule.id] = int(value or 0)
            except duckdb.Error as error:
                self.failures[each.rule.id] = _first_line(error)
        return found

    def _value(self, statement: str) -> Any:
        return execute(self.connection, statement)[0][0]

    # ------------------------------------------------------------------- one rule

    def result(self, rule: Rule, counts: Mapping[str, int]) -> Result:
        """Return the judged result of a rule, whatever its kind."""
        if rule.kind == "fields":
            return self._fields(rule)
        missing = [name for name in rule.columns if name not in self.types]
        if missing:
            return self._not_run(rule, "skipped", f"there is no column {', '.join(missing)}")
        if rule.id in self.failures:
            return self._not_run(rule, "error", self.failures[rule.id])
        try:
            if rule.kind == "type":
                return self._type(rule)
            if rule.kind == "row_count":
                return self._row_count(rule)
            if self.n == 0:
                return self._not_run(rule, "skipped", "there are no rows")
            if rule.kind == "freshness":
                return self._freshness(rule)
            if rule.kind == "query":
                return self._query(rule)
            if rule.kind == "reference" and sql.reference_table(rule) not in self.tables:
                table = sql.reference_table(rule)
                return self._not_run(rule, "skipped", f"the table {table} is not here")
            if rule.kind == "unique":
                count = int(self._value(sql.duplicates(rule, self.relation)))
            elif rule.kind == "reference":
                count = int(self._value(sql.orphans(rule, self.relation, self._target(rule))))
            elif sql.has_many_values(rule):
                count = int(self._value(sql.uncategorised(rule, self.types, self.relation)))
            else:
                count = counts[rule.id]
            return self._rate(rule, count, self._examples(rule) if count else ())
        except duckdb.Error as error:
            return self._not_run(rule, "error", _first_line(error))

    def _target(self, rule: Rule) -> str:
        return self.tables[sql.reference_table(rule)]

    def _base(self, rule: Rule) -> Result:
        before = self.earlier.previous.get(rule.id)
        draft = rule.status == "draft" and rule.severity in ("error", "critical")
        return Result(
            name=rule.name or rule.kind.replace("_", " "),
            scope=f"column:{', '.join(rule.columns)}" if rule.columns else "",
            n=self.n,
            direction="le",
            severity="warn" if draft else rule.severity,
            previous=before.value if before else None,
            detail=((RULE, rule.id), ("dimension", rule.dimension), CENSUS),
        )

    def _not_run(self, rule: Rule, verdict: str, reason: str) -> Result:
        base = self._base(rule)
        if verdict == "skipped":
            return replace(base, verdict="skipped", reason=reason)
        return replace(base, verdict="error", reason=reason)

    def _rate(self, rule: Rule, count: int, examples: tuple[tuple[str, str], ...]) -> Result:
        """A share of rows. All rows were looked at, so the share is exact for this table; the
        interval describes the process that made it."""
        is_critical = rule.severity == "critical"
        interval = clopper_pearson if is_critical else wilson
        low, high = interval(count, self.n)
        limit = rule.max_rate if rule.max_count is None else rule.max_count / self.n
        base = self._base(rule)
        result = replace(
            base,
            value=count / self.n,
            ci_low=low,
            ci_high=high,
            ci_method="clopper-pearson" if is_critical else "wilson",
            threshold=limit,
            target=rule.target_rate,
            unit="%",
            detail=(
                *base.detail,
                ("rows", f"{count:,} of {self.n:,}"),
                *self._trend(rule, count),
                *examples,
            ),
        )
        return judge(result)

    def _trend(self, rule: Rule, count: int) -> tuple[tuple[str, str], ...]:
        """How it changed since the version before, and what is usual over many."""
        usually = usual(self.earlier.rates.get(rule.id, ()), count, self.n)
        facts = (("usual", usually),) if usually else ()
        before = self.earlier.previous.get(rule.id)
        if before is None or before.value is None or not before.n:
            return facts
        known = round(before.value * before.n)
        change, low, high = newcombe(count, self.n, known, before.n)
        words = f"{percent(change)}, 95 % from {percent(low)} to {percent(high)}"
        return (("change", words), *facts)

    def _examples(self, rule: Rule) -> tuple[tuple[str, str], ...]:
        """Some violating rows as (row number, what stands there)."""
        if self.rows is not None:
            numbered, position = self.rows.relation, self.rows.position
        else:
            position = quote("row number")
            source = f"SELECT *, row_number() OVER () - 1 AS {position} FROM {self.relation}"
            numbered = f"({source})"
        subject = rule.columns or self._mentioned(rule)
        key = [name for name in self.contract.key if name in self.types and name not in subject]
        shown = (*subject, *key)
        target = self._target(rule) if rule.kind == "reference" else ""
        statement = sql.examples(
            rule, self.types, numbered, position, shown, target=target, limit=EXAMPLES
        )
        return tuple(
            (
                f"row {row:,}",
                ", ".join(
                    f"{name} = {_shown(value)}" for name, value in zip(shown, values, strict=True)
                ),
            )
            for row, *values in execute(self.connection, statement)
        )

    def _mentioned(self, rule: Rule) -> tuple[str, ...]:
        words = rule.expression.replace('"', " ")
        return tuple(name for name in self.types if name in words)[:6]

    # ------------------------------------------------------------------- kinds that are no rate

    def _fields(self, rule: Rule) -> Result:
        agreed = [column.name for column in self.contract.columns]
        found = list(self.types)
        missing = [name for name in agreed if name not in self.types]
        extra = [name for name in found if name not in agreed]
        match = self.contract.fields_match
        wrong = []
        if match != "partial" and match != "superset":
            wrong += [_missing(name, extra) for name in missing]
        if match in ("exact", "equal", "superset"):
            wrong += [f"{name} was not agreed" for name in extra]
        if match == "exact" and not wrong and found != agreed:
            wrong.append("the columns are in another order")
        if match == "partial" and len(missing) == len(agreed):
            wrong.append("none of the agreed columns is there")
        note = (("not in the contract", ", ".join(extra[:20])),) if extra and not wrong else ()
        result = replace(
            self._base(rule), value=float(len(wrong)), n=len(found), threshold=0.0, unit="columns"
        )
        judged = judge(replace(result, detail=(*result.detail, *note)))
        return replace(judged, reason="; ".join(wrong) if wrong else "all agreed columns are there")

    def _type(self, rule: Rule) -> Result:
        name = rule.columns[0]
        column = next(each for each in self.contract.columns if each.name == name)
        problem = self.problems.get(name)
        if problem is not None:
            examples = tuple((f"row {row:,}", repr(text)) for row, text in problem.examples)
            if self.n == 0:
                self.n = problem.n
            return self._rate(rule, problem.count, examples)
        actual = self.types[name]
        if sql.fits(actual, column.logical_type):
            return self._rate(rule, 0, ()) if self.n else self._same_type(rule, actual)
        result = judge(replace(self._base(rule), value=1.0, threshold=rule.max_rate, unit="%"))
        wanted_type = column.physical_type or column.logical_type
        return replace(result, reason=f"the column is {actual}, agreed was {wanted_type}")

    def _same_type(self, rule: Rule, actual: str) -> Result:
        result = judge(replace(self._base(rule), value=0.0, threshold=0.0, unit="%"))
        return replace(result, reason=f"the column is {actual}")

    def _row_count(self, rule: Rule) -> Result:
        low = float(rule.minimum) if rule.minimum else None
        high = float(rule.maximum) if rule.maximum else None
        if rule.baseline:
            rows, why = baseline_rows(rule.baseline, self.earlier.delivered)
            if rows is None:
                return self._not_run(rule, "skipped", why)
            low = low * rows if low is not None else None
            high = high * rows if high is not None else None
        base = self._base(rule)
        before = float(self.earlier.delivered[0][1]) if self.earlier.delivered else None
        return judge(
            replace(
                base,
                value=float(self.n),
                previous=before,
                direction="in",
                threshold=low,
                threshold_high=high,
                unit="rows",
            )
        )

    def _freshness(self, rule: Rule) -> Result:
        now = self.now.astimezone(UTC).replace(tzinfo=None)
        seconds, future = execute(
            self.connection, sql.latest(rule, self.relation, now.isoformat(" "))
        )[0]
        if seconds is None:
            return self._not_run(rule, "error", f"{rule.columns[0]} holds no time")
        base = self._base(rule)
        late = ((("rows in the future", f"{future:,}"),)) if future else ()
        return judge(
            replace(
                base,
                value=float(seconds) / 3600,
                threshold=float(rule.maximum),
                unit="h",
                detail=(*base.detail, *late),
            )
        )

    def _query(self, rule: Rule) -> Result:
        statement = sql.query(rule, self.relation)
        if why := problem_of_query(self.connection, statement):
            return self._not_run(rule, "error", why)
        value = self._value(statement)
        if value is None:
            return self._not_run(rule, "error", "the query returned nothing")
        return judge(
            replace(
                self._base(rule),
                value=float(value),
                direction="in",
                threshold=float(rule.minimum) if rule.minimum else None,
                threshold_high=float(rule.maximum) if rule.maximum else None,
            )
        )


def _missing(name: str, extra: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, extra, 1, 0.5)
    return f"{name} is missing" + (f" ({near[0]} is new: renamed?)" if near else "")


def _shown(value: Any) -> str:
    return "null" if value is None else repr(value)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].strip().rstrip(".")
