"""A contract against data: rates, intervals, verdicts, rows; never an exception for bad data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from console.rules.contract_trends import Earlier
from console.rules.contracts import parse
from console.rules.intervals import clopper_pearson, wilson
from console.worker.data.checking import check, wanted
from console.worker.data.options import ReadOptions
from console.worker.data.reading import read
from storage.records.contracts import Contract, Rule
from storage.records.results import Result

Connection = duckdb.DuckDBPyConnection
SAMPLE = Path(__file__).parents[2] / "sample_data"
HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: t\nversion: 1.0.0\n"


def contract(*columns: str, rules: tuple[Rule, ...] = (), **fields: Any) -> Contract:
    """`name type` per column; `rules` replace those that types alone give."""
    listed = "".join(
        f"      - {{name: {name}, logicalType: {kind}}}\n"
        for name, kind in (column.split() for column in columns)
    )
    found = parse(f"{HEAD}schema:\n  - name: t\n    properties:\n{listed}", "t.yaml")
    return replace(found, rules=rules or found.rules, **fields)


def sample(name: str) -> Contract:
    path = SAMPLE / f"contracts/{name}.odcs.yaml"
    return parse(path.read_text(), str(path))


def of(results: tuple[Result, ...], rule_id: str) -> Result:
    return next(each for each in results if dict(each.detail).get("rule") == rule_id)


@pytest.fixture
def verify(connection: Connection) -> Callable[..., Result]:
    """Check one rule against the rows of a query."""

    def run(rule: Rule, query: str, **arguments: Any) -> Result:
        connection.execute(f"CREATE OR REPLACE TABLE t AS {query}")
        columns = [f"{row[0]} string" for row in connection.execute("DESCRIBE t").fetchall()]
        agreed = contract(*columns, rules=(rule,))
        return check(connection, "t", agreed, **arguments)[0]

    return run


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_of_flights_keeps_its_contract(
    month: int, connection: Connection, tmp_path: Path
) -> None:
    agreed = sample("flights")
    path = SAMPLE / f"flights/flights-2013-{month:02}.parquet"
    reading = read(connection, path, scratch=tmp_path, wanted=wanted(agreed))
    assert reading.problems == ()
    tables = {"planes": f"read_parquet('{SAMPLE}/planes.parquet')"}
    results = check(connection, reading.relation, agreed, rows=reading.rows, tables=tables)
    assert {each.verdict for each in results} <= {"pass", "warn"}
    assert len(results) == len(agreed.rules)


def test_the_february_file_with_na_keeps_its_contract_with_warnings(
    connection: Connection, tmp_path: Path
) -> None:
    agreed = sample("flights")
    path = SAMPLE / "flights/flights-2013-02.csv"
    options = ReadOptions(null_tokens=agreed.null_tokens)
    reading = read(connection, path, options, scratch=tmp_path, wanted=wanted(agreed))
    results = check(connection, reading.relation, agreed, rows=reading.rows)
    assert {each.verdict for each in results} == {"pass", "warn", "skipped"}
    cancelled = of(results, "dep_time.required")
    assert cancelled.verdict == "warn"
    assert cancelled.value == 1261 / 24951
    assert (cancelled.ci_low, cancelled.ci_high) == wilson(1261, 24951)
    assert "misses the target" in cancelled.reason
    assert of(results, "tailnum.reference").reason == "the table planes is not here"
    rows = [detail for detail in cancelled.detail if detail[0].startswith("row ")]
    assert len(rows) == 20
    assert rows[0][1].startswith("dep_time = null, time_hour = '2013-02-")


def test_without_null_tokens_na_is_reported_in_each_numeric_column(
    connection: Connection, tmp_path: Path
) -> None:
    agreed = sample("flights")
    path = SAMPLE / "flights/flights-2013-02.csv"
    options = ReadOptions(null_tokens=("",))
    reading = read(connection, path, options, scratch=tmp_path, wanted=wanted(agreed))
    results = check(
        connection, reading.relation, agreed, rows=reading.rows, problems=reading.problems
    )
    failed = {each.scope for each in results if each.verdict == "fail" and each.name == "type"}
    assert failed == {"column:dep_time", "column:dep_delay", "column:arr_time",
                      "column:arr_delay", "column:air_time"}  # fmt: skip
    departure = of(results, "dep_time.type")
    assert departure.value == 1261 / 24951
    assert dict(departure.detail)["rows"] == "1,261 of 24,951"
    assert next(value for label, value in departure.detail if label.startswith("row ")) == "'NA'"


def test_a_renamed_column_is_missing_and_its_new_name_is_suggested(
    connection: Connection, tmp_path: Path
) -> None:
    agreed = sample("flights")
    path = SAMPLE / "flights/flights-2013-03.parquet"
    reading = read(connection, path, scratch=tmp_path, wanted=wanted(agreed))
    renamed = f"(SELECT * RENAME (dep_delay AS departure_delay) FROM {reading.relation})"
    results = check(connection, renamed, agreed)
    fields = of(results, "fields")
    assert fields.verdict == "fail"
    assert fields.reason == (
        "dep_delay is missing (departure_delay is new: renamed?); departure_delay was not agreed"
    )
    assert of(results, "dep_delay.range").verdict == "skipped"
    assert of(results, "dep_delay.range").reason == "there is no column dep_delay"
    assert of(results, "delay_agrees").verdict == "error"
    assert of(results, "delay_agrees").reason == "there is no column dep_delay"


@pytest.mark.parametrize(
    ("rule", "query", "count"),
    [
        (Rule(id="r", kind="required", columns=("x",)), "SELECT unnest([1, NULL, 3]) AS x", 1),
        (Rule(id="r", kind="required", columns=("x", "y")),
         "SELECT unnest([1, NULL, 3]) AS x, unnest([NULL, NULL, 3]) AS y", 2),
        (Rule(id="r", kind="missing", columns=("x",), values=("", "?")),
         "SELECT unnest(['a', '', '?', NULL]) AS x", 3),
        (Rule(id="r", kind="missing", columns=("x",)),
         "SELECT unnest([1.0::DOUBLE, 'nan', 'inf', NULL]) AS x", 3),
        (Rule(id="r", kind="range", columns=("x",), minimum="0", maximum="10"),
         "SELECT unnest([-1, 0, 10, 11, NULL]) AS x", 2),
        (Rule(id="r", kind="range", columns=("x",), minimum="0", maximum="10",
              is_minimum_exclusive=True, is_maximum_exclusive=True),
         "SELECT unnest([-1.0, 0, 5, 10, 11]) AS x", 4),
        (Rule(id="r", kind="range", columns=("x",), minimum="0", maximum="10"),
         "SELECT unnest([5.0::DOUBLE, 'nan', 'inf', '-inf']) AS x", 3),
        (Rule(id="r", kind="range", columns=("x",), minimum="2013-01-01"),
         "SELECT unnest([DATE '2012-12-31', '2013-01-01']) AS x", 1),
        (Rule(id="r", kind="range", columns=("x",), maximum="2013-01-01 12:00:00"),
         "SELECT unnest([TIMESTAMP '2013-01-01 12:00:00', '2013-01-01 12:00:01']) AS x", 1),
        (Rule(id="r", kind="range", columns=("x",), maximum="1e3"),
         "SELECT unnest([999.5, 1000.5]) AS x", 1),
        (Rule(id="r", kind="length", columns=("x",), minimum="2", maximum="3"),
         "SELECT unnest(['a', 'äö', 'abc', 'abcd', NULL]) AS x", 2),
        (Rule(id="r", kind="length", columns=("x",), minimum="1"),
         "SELECT unnest([[], [1]]) AS x", 1),
        (Rule(id="r", kind="multiple", columns=("x",), minimum="10"),
         "SELECT unnest([10, 15, 0, -20]) AS x", 1),
        (Rule(id="r", kind="multiple", columns=("x",), minimum="0.1"),
         "SELECT unnest([0.3::DOUBLE, 0.35]) AS x", 1),
        (Rule(id="r", kind="categories", columns=("x",), values=("a", "it's")),
         "SELECT unnest(['a', 'it''s', 'c', NULL]) AS x", 1),
        (Rule(id="r", kind="categories", columns=("x",), values=("1", "2")),
         "SELECT unnest([1, 2, 3]) AS x", 1),
        (Rule(id="r", kind="categories", columns=("x",), values=("true",)),
         "SELECT unnest([true, false]) AS x", 1),
        (Rule(id="r", kind="categories", columns=("x",), values=tuple(map(str, range(100)))),
         "SELECT (i % 103)::VARCHAR AS x FROM range(1030) AS t(i)", 30),
        (Rule(id="r", kind="pattern", columns=("x",), pattern="[a-z]+'?"),
         "SELECT unnest(['abc', 'ab1', '', 'a''', NULL]) AS x", 2),
        (Rule(id="r", kind="expression", expression="x < y -- strictly"),
         "SELECT unnest([1, 2, NULL]) AS x, unnest([2, 2, 2]) AS y", 1),
        (Rule(id="r", kind="unique", columns=("x",)),
         "SELECT unnest([1, 1, 1, 2, NULL, NULL]) AS x", 2),
        (Rule(id="r", kind="unique", columns=("x", "y")),
         "SELECT unnest([1, 1, 1]) AS x, unnest([1, 1, 2]) AS y", 1),
    ],
)  # fmt: skip
def test_each_kind_of_rule_counts_its_violations(
    rule: Rule, query: str, count: int, verify: Callable[..., Result], connection: Connection
) -> None:
    result = verify(rule, query)
    assert result.value is not None
    assert round(result.value * result.n) == count
    assert result.verdict == "fail"
    shown = [label for label, _ in result.detail if label.startswith("row ")]
    assert shown
    tolerant = verify(replace(rule, max_count=count), query)
    assert tolerant.verdict == "pass"


def test_examples_are_violating_rows_with_their_numbers(verify: Callable[..., Result]) -> None:
    rule = Rule(id="r", kind="range", columns=("x",), maximum="5")
    result = verify(rule, "SELECT i AS x FROM range(1, 1001) AS t(i)")
    shown = [(label, value) for label, value in result.detail if label.startswith("row ")]
    assert len(shown) == 20
    for label, value in shown:
        number = int(label.removeprefix("row ").replace(",", ""))
        assert value == f"x = '{number}'"
        assert number > 5
    again = verify(rule, "SELECT i AS x FROM range(1, 1001) AS t(i)")
    assert again.detail == result.detail


def test_duplicates_are_shown_together(verify: Callable[..., Result]) -> None:
    rule = Rule(id="r", kind="unique", columns=("x",))
    result = verify(rule, "SELECT unnest([5, 6, 5, 7, 6]) AS x")
    shown = [detail for detail in result.detail if detail[0].startswith("row ")]
    assert shown == [
        ("row 1", "x = '5'"), ("row 2", "x = '6'"), ("row 3", "x = '5'"), ("row 5", "x = '6'"),
    ]  # fmt: skip


def test_a_foreign_key_needs_its_table(verify: Callable[..., Result]) -> None:
    rule = Rule(id="r", kind="reference", columns=("x",), reference="parents.k")
    query = "SELECT unnest([1, 2, 3, NULL]) AS x"
    assert verify(rule, query).verdict == "skipped"
    result = verify(rule, query, tables={"parents": "(SELECT unnest([1, 2]) AS k)"})
    assert (result.value, result.verdict) == (0.25, "fail")
    assert ("row 3", "x = '3'") in result.detail


def test_tolerance_target_severity_and_status_decide_the_verdict(
    verify: Callable[..., Result],
) -> None:
    query = "SELECT CASE WHEN i < 30 THEN NULL ELSE i END AS x FROM range(1000) AS t(i)"
    base = Rule(id="r", kind="required", columns=("x",))
    verdicts = {
        "none": verify(base, query).verdict,
        "tolerated": verify(replace(base, max_rate=0.05), query).verdict,
        "target": verify(replace(base, max_rate=0.05, target_rate=0.01), query).verdict,
        "warn": verify(replace(base, severity="warn"), query).verdict,
        "info": verify(replace(base, severity="info"), query).verdict,
        "draft": verify(replace(base, status="draft", severity="critical"), query).verdict,
        "critical": verify(replace(base, severity="critical"), query).verdict,
    }
    assert verdicts == {
        "none": "fail",
        "tolerated": "pass",
        "target": "warn",
        "warn": "warn",
        "info": "warn",
        "draft": "warn",
        "critical": "fail",
    }
    critical = verify(replace(base, severity="critical"), query)
    assert critical.ci_method == "clopper-pearson"
    assert (critical.ci_low, critical.ci_high) == clopper_pearson(30, 1000)


def test_the_change_since_the_version_before_has_an_interval(verify: Callable[..., Result]) -> None:
    rule = Rule(id="r", kind="required", columns=("x",), max_rate=0.5)
    before = verify(rule, "SELECT CASE WHEN i < 10 THEN NULL ELSE i END AS x FROM range(1000) t(i)")
    now = verify(
        rule,
        "SELECT CASE WHEN i < 60 THEN NULL ELSE i END AS x FROM range(1000) t(i)",
        earlier=Earlier(previous={"r": before}),
    )
    assert now.previous == 0.01
    assert dict(now.detail)["change"].startswith("5.0 %, 95 % from 3.")
    assert "usual" not in dict(now.detail), "one version tells no habit"


def test_over_many_versions_a_rate_says_what_is_usual_and_the_contract_still_decides(
    verify: Callable[..., Result],
) -> None:
    rule = Rule(id="r", kind="required", columns=("x",), max_rate=0.5)
    query = "SELECT CASE WHEN i < {} THEN NULL ELSE i END AS x FROM range(1000) t(i)"
    rates = {"r": [(9 + i % 3, 1000) for i in range(10)]}
    calm = verify(rule, query.format(10), earlier=Earlier(rates=rates))
    assert dict(calm.detail)["usual"] == "0.64 % to 1.3 % over 10 versions"
    loud = verify(rule, query.format(60), earlier=Earlier(rates=rates))
    assert dict(loud.detail)["usual"].endswith("over 10 versions; this one is above")
    assert loud.verdict == "pass"


def test_row_counts_are_checked_absolutely_and_against_the_version_before(
    verify: Callable[..., Result],
) -> None:
    query = "SELECT i AS x FROM range(100) AS t(i)"
    band = Rule(id="r", kind="row_count", minimum="50", maximum="99")
    assert verify(band, query).verdict == "fail"
    assert verify(replace(band, maximum="100"), query).verdict == "pass"
    assert verify(replace(band, maximum=""), query).verdict == "pass"
    relative = replace(band, minimum="0.5", maximum="1.5", baseline="previous")
    assert verify(relative, query).verdict == "skipped"
    assert verify(relative, query, earlier=Earlier(delivered=[(1, 80)])).verdict == "pass"
    assert verify(relative, query, earlier=Earlier(delivered=[(1, 300)])).verdict == "fail"
    many = Earlier(delivered=[(4, 9000), (3, 90), (2, 110), (1, 9000)])
    assert verify(relative, query, earlier=many).verdict == "fail"
    assert verify(replace(relative, baseline="window:3"), query, earlier=many).verdict == "pass"
    assert verify(replace(relative, baseline="pinned:v2"), query, earlier=many).verdict == "pass"
    gone = verify(replace(relative, baseline="pinned:v7"), query, earlier=many)
    assert (gone.verdict, gone.reason) == ("skipped", "there is no version v7 to compare with")


def test_freshness_is_measured_from_the_newest_time(verify: Callable[..., Result]) -> None:
    rule = Rule(id="r", kind="freshness", columns=("x",), maximum="24")
    query = "SELECT unnest([TIMESTAMP '2013-01-01', '2013-01-02 12:00:00', NULL]) AS x"
    at = datetime(2013, 1, 3, tzinfo=UTC)
    result = verify(rule, query, now=at)
    assert (result.value, result.verdict) == (12.0, "pass")
    late = verify(rule, query, now=datetime(2013, 1, 9, tzinfo=UTC))
    assert (late.value, late.verdict) == (156.0, "fail")
    future = verify(rule, query, now=datetime(2013, 1, 2, tzinfo=UTC))
    assert ("rows in the future", "1") in future.detail
    zoned = "SELECT '2013-01-02 12:00:00+02'::TIMESTAMPTZ AS x"
    assert verify(rule, zoned, now=at).value == 14.0
    assert verify(rule, "SELECT NULL::TIMESTAMP AS x", now=at).verdict == "error"


def test_a_query_is_compared_with_its_limits(verify: Callable[..., Result]) -> None:
    rule = Rule(id="r", kind="query", columns=("x",), minimum="1", maximum="2",
                expression="SELECT avg(${property}) FROM {object};")  # fmt: skip
    assert verify(rule, "SELECT unnest([1, 2]) AS x").value == 1.5
    assert verify(rule, "SELECT unnest([1, 9]) AS x").verdict == "fail"
    for broken in ("SELECT FROM", "DROP TABLE t", "SELECT nothing FROM {object}", "SELECT NULL"):
        result = verify(replace(rule, expression=broken), "SELECT 1 AS x")
        assert result.verdict == "error"
        assert "\n" not in result.reason


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("x >", "the expression is no SQL condition"),
        ("x > 0) OR (1 = 1", "the expression is no SQL condition"),
        ("nothing > 0", "there is no column nothing"),
        ("x > (SELECT 1)", "the expression has a subquery"),
        ("x > 0; DROP TABLE t", "the expression is no SQL condition"),
        ("getenv('HOME') = 'x'", "the expression may not use getenv"),
        ("row_number() OVER () > 0", "the expression may not use"),
        ("x > 'text'", "Conversion Error"),
    ],
)
def test_an_expression_that_cannot_be_run_is_an_error_result(
    expression: str, reason: str, connection: Connection
) -> None:
    connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    rules = (
        Rule(id="bad", kind="expression", expression=expression),
        Rule(id="good", kind="range", columns=("x",), minimum="5"),
    )
    results = check(connection, "t", contract("x integer", rules=rules))
    assert of(results, "bad").verdict == "error"
    assert reason in of(results, "bad").reason
    assert of(results, "good").verdict == "fail"


def test_an_empty_table_is_skipped_not_passed(connection: Connection) -> None:
    connection.execute("CREATE TABLE t AS SELECT 1 AS x WHERE false")
    rules = (
        Rule(id="range", kind="range", columns=("x",), minimum="5"),
        Rule(id="count", kind="row_count", minimum="1"),
        Rule(id="type", kind="type", columns=("x",)),
    )
    results = check(connection, "t", contract("x integer", rules=rules))
    assert {r.reason: r.verdict for r in results}["there are no rows"] == "skipped"
    assert of(results, "count").verdict == "fail"
    assert of(results, "type").verdict == "pass"


@pytest.mark.parametrize(
    ("match", "columns", "verdict"),
    [
        ("subset", "1 AS a, 2 AS b, 3 AS c", "pass"),
        ("subset", "1 AS a", "fail"),
        ("equal", "2 AS b, 1 AS a", "pass"),
        ("equal", "1 AS a, 2 AS b, 3 AS c", "fail"),
        ("exact", "1 AS a, 2 AS b", "pass"),
        ("exact", "2 AS b, 1 AS a", "fail"),
        ("superset", "1 AS a", "pass"),
        ("superset", "1 AS a, 3 AS c", "fail"),
        ("partial", "1 AS a, 3 AS c", "pass"),
        ("partial", "3 AS c", "fail"),
    ],
)
def test_columns_are_matched_as_agreed(
    match: Any, columns: str, verdict: str, connection: Connection
) -> None:
    agreed = contract("a integer", "b integer", fields_match=match)
    results = check(connection, f"(SELECT {columns})", agreed)
    assert of(results, "fields").verdict == verdict


def test_a_stored_type_that_is_not_the_agreed_one_fails(connection: Connection) -> None:
    results = check(connection, "(SELECT 'x' AS a, 1 AS b)", contract("a integer", "b number"))
    assert of(results, "a.type").verdict == "fail"
    assert of(results, "a.type").reason == "the column is VARCHAR, agreed was integer"
    assert of(results, "b.type").verdict == "pass"


def test_results_come_worst_first(connection: Connection) -> None:
    rules = (
        Rule(id="1", kind="range", columns=("a",), minimum="0"),
        Rule(id="2", kind="range", columns=("a",), minimum="5", severity="warn"),
        Rule(id="3", kind="range", columns=("a",), minimum="5"),
        Rule(id="4", kind="expression", expression="("),
        Rule(id="5", kind="range", columns=("gone",), minimum="5"),
    )
    results = check(connection, "(SELECT 1 AS a)", contract("a integer", rules=rules))
    assert [each.verdict for each in results] == ["fail", "error", "warn", "pass", "skipped"]
