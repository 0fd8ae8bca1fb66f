"""What makes a table bad to learn from: contamination, duplicates, imbalance, dead columns.

Jobs that prepare or judge training data call these; each returns results like any other check.
Leakage has a module of its own. Invariant: every row is looked at, nothing is changed or copied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from console.rules.contract_sql import family_of
from console.rules.intervals import wilson
from console.rules.verdicts import CENSUS, judge
from console.worker.data.running import execute
from storage.records.results import Result
from storage.sql_text import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CONTAMINATION_LIMIT: Final = 0.001
FEW_CLASS_ROWS: Final = 30
"""A class with fewer rows makes every metric per class inconclusive."""
ID_SHARE: Final = 0.95
_TEXTS: Final = ("string",)


def contamination(
    connection: DuckDBPyConnection,
    train: str,
    test: str,
    features: Sequence[str],
    *,
    label: str = "",
) -> tuple[Result, ...]:
    """Test rows whose features occur in the training rows, and those with another label there.

    Floating point features count as equal when 12 significant digits agree.
    """
    types = types_of(connection, test)
    values = ", ".join(_rounded(name, types[name], 12) for name in features)
    known = f"(SELECT DISTINCT hash({values}) AS h FROM {train})"
    n, shared = execute(
        connection,
        f"SELECT count(*), count_if(h IN (FROM {known})) FROM (SELECT hash({values}) AS h "
        f"FROM {test})",
    )[0]
    found = [_rate("contamination", "", int(shared or 0), int(n), CONTAMINATION_LIMIT)]
    if label:
        own = quote(label)
        conflicting = execute(
            connection,
            f"SELECT count(DISTINCT t.id) FROM (SELECT row_number() OVER () AS id, {own} AS y, "
            f"hash({values}) AS h FROM {test}) AS t JOIN (SELECT DISTINCT {own} AS y, "
            f"hash({values}) AS h FROM {train}) AS r ON t.h = r.h AND t.y IS DISTINCT FROM r.y",
        )[0][0]
        found.append(_rate("conflicting labels", f"column:{label}", int(conflicting), int(n), 0.0))
    return tuple(found)


def group_overlap(connection: DuckDBPyConnection, train: str, test: str, group: str) -> Result:
    """Test rows whose group (customer, patient …) also occurs in training."""
    column = quote(group)
    n, shared = execute(
        connection,
        f"SELECT count(*), count_if({column} IN (SELECT {column} FROM {train})) FROM {test}",
    )[0]
    return _rate("group overlap", f"column:{group}", int(shared or 0), int(n), 0.0)


def time_order(connection: DuckDBPyConnection, train: str, test: str, column: str) -> Result:
    """Test rows that are not later than the last training row."""
    time = quote(column)
    n, early = execute(
        connection,
        f"SELECT count(*), count_if({time} <= (SELECT max({time}) FROM {train})) FROM {test}",
    )[0]
    return _rate("test before train", f"column:{column}", int(early or 0), int(n), 0.0)


def duplicates(connection: DuckDBPyConnection, relation: str) -> tuple[Result, ...]:
    """Rows that repeat an earlier one: exactly, and nearly (texts without case and spaces, numbers
    to three digits)."""
    types = types_of(connection, relation)
    exact = ", ".join(quote(name) for name in types)
    near = ", ".join(_near(name, kind) for name, kind in types.items())
    return tuple(
        _repeated(connection, relation, name, values)
        for name, values in (("duplicate rows", exact), ("near duplicates", near))
    )


def class_balance(
    connection: DuckDBPyConnection, relation: str, label: str, before: str = ""
) -> tuple[Result, ...]:
    """Share of each class, how uneven they are, and how far they moved since the table `before`."""
    counts = _classes(connection, relation, label)
    earlier = _classes(connection, before, label) if before else {}
    n = sum(counts.values())
    if not n:
        empty = Result(name="class balance", scope=f"column:{label}", verdict="error")
        return (replace(empty, reason="the label has no values"),)
    scope = f"column:{label}"
    shares = [
        replace(
            _share(f"share of {value}", scope, count, n),
            previous=_before(earlier, value),
            verdict="pass",
            severity="info",
        )
        for value, count in counts.items()
    ]
    least, most = min(counts.values()), max(counts.values())
    entropy = -sum(c / n * math.log(c / n) for c in counts.values())
    smallest = judge(
        Result(
            name="rows of the rarest class",
            scope=scope,
            value=float(least),
            n=n,
            threshold=float(FEW_CLASS_ROWS),
            severity="warn",
            detail=(CENSUS,),
        )
    )
    uneven = Result(
        verdict="pass",
        severity="info",
        name="imbalance",
        scope=scope,
        value=most / least,
        n=n,
        reason=f"the largest of {len(counts)} classes has {most / least:.3g} times the rows of the "
        f"smallest; they count as {math.exp(entropy):.2f} equal classes",
        detail=(("effective classes", f"{math.exp(entropy):.3f}"),),
    )
    moved = [_moved(counts, earlier, scope)] if earlier else []
    return (smallest, uneven, *moved, *shares)


def dead_columns(
    connection: DuckDBPyConnection, relation: str, keys: Sequence[str] = ()
) -> tuple[Result, ...]:
    """Columns that teach nothing: one value only, or a different one in nearly every row."""
    types = types_of(connection, relation)
    parts = ", ".join(f"count({quote(c)}), approx_count_distinct({quote(c)})" for c in types)
    row = execute(connection, f"SELECT count(*), {parts} FROM {relation}")[0]
    n = int(row[0])
    found = []
    for number, (name, kind) in enumerate(types.items()):
        filled, about = int(row[1 + 2 * number]), int(row[2 + 2 * number])
        is_suspect = about > 0.8 * ID_SHARE * filled and family_of(kind) in ("string", "integer")
        if about > 1 and (name in keys or not is_suspect):
            continue
        sql = f"SELECT count(DISTINCT {quote(name)}) FROM {relation}"
        distinct = int(execute(connection, sql)[0][0])
        if distinct <= 1:
            reason = "it has no value at all" if not distinct else "it has one value only"
        elif filled > FEW_CLASS_ROWS and distinct > ID_SHARE * filled:
            reason = f"{distinct:,} different values in {filled:,} rows: an id, not a feature"
        else:
            continue
        base = Result(name="dead column", scope=f"column:{name}", value=float(distinct), n=n)
        found.append(replace(base, verdict="warn", severity="warn", reason=reason))
    return tuple(found)


# --------------------------------------------------------------------------- helpers


def types_of(connection: DuckDBPyConnection, relation: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _rounded(name: str, kind: str, digits: int) -> str:
    column = quote(name)
    if family_of(kind) != "number":
        return f"CAST({column} AS VARCHAR)"
    value = f"CAST({column} AS DOUBLE)"
    scale = f"({digits - 1} - floor(log10(abs({value})))::INTEGER)"
    return (
        f"CASE WHEN {value} = 0 THEN 0.0 WHEN isfinite({value}) "
        f"THEN round({value}, {scale}) ELSE {value} END"
    )


def _near(name: str, kind: str) -> str:
    family = family_of(kind)
    if family in _TEXTS:
        return f"regexp_replace(lower(trim(CAST({quote(name)} AS VARCHAR))), '\\s+', ' ', 'g')"
    return _rounded(name, "DOUBLE" if family == "integer" else kind, 3)


def _repeated(connection: DuckDBPyConnection, relation: str, name: str, values: str) -> Result:
    n, repeats, largest = execute(
        connection,
        f"SELECT coalesce(sum(c), 0), coalesce(sum(c - 1), 0), coalesce(max(c), 0) FROM "
        f"(SELECT count(*) AS c FROM (SELECT hash({values}) AS h FROM {relation}) GROUP BY h)",
    )[0]
    result = _rate(name, "", int(repeats), int(n), 0.0, severity="warn")
    return replace(result, detail=(*result.detail, ("largest group", f"{int(largest):,} rows")))


def _rate(
    name: str, scope: str, count: int, n: int, limit: float, *, severity: str = "error"
) -> Result:
    result = replace(
        _share(name, scope, count, n),
        threshold=limit,
        direction="le",
        severity="warn" if severity == "warn" else "error",
    )
    return judge(result) if n else replace(result, verdict="skipped", reason="there are no rows")


def _share(name: str, scope: str, count: int, n: int) -> Result:
    low, high = wilson(count, n)
    return Result(
        name=name,
        scope=scope,
        value=count / n if n else None,
        n=n,
        ci_low=low,
        ci_high=high,
        ci_method="wilson",
        unit="%",
        detail=(CENSUS, ("rows", f"{count:,} of {n:,}")),
    )


def _classes(connection: DuckDBPyConnection, relation: str, label: str) -> dict[str, int]:
    """Rows per class, the largest first."""
    counted = execute(
        connection,
        f"SELECT CAST({quote(label)} AS VARCHAR), count(*) FROM {relation} "
        f"WHERE {quote(label)} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    return {str(value): int(count) for value, count in counted}


def _before(earlier: dict[str, int], value: str) -> float | None:
    return earlier.get(value, 0) / sum(earlier.values()) if earlier else None


def _moved(counts: dict[str, int], earlier: dict[str, int], scope: str) -> Result:
    """Total variation distance between the shares of now and before: half the sum of changes."""
    n, m = sum(counts.values()), sum(earlier.values())
    values = earlier.keys() | counts.keys()
    distance = sum(abs(counts.get(v, 0) / n - earlier.get(v, 0) / m) for v in values) / 2
    return Result(
        verdict="pass",
        severity="info",
        name="class shares moved",
        scope=scope,
        value=distance,
        n=n,
        n_ref=m,
        unit="%",
        reason="total variation distance to the version before",
    )
