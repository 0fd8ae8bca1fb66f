"""A drafted contract holds for its data, says why, and survives being written and read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.rules.contracts import parse
from console.rules.odcs_writing import write
from console.worker.data.checking import check
from console.worker.data.inferring import draft
from storage.records.contracts import Contract, Rule
from storage.records.sources import CellProblem

Connection = duckdb.DuckDBPyConnection
SAMPLE = Path(__file__).parents[2] / "sample_data"


def by_id(contract: Contract) -> dict[str, Rule]:
    return {rule.id: replace(rule, line=0) for rule in contract.rules}


def same(one: Contract, other: Contract) -> bool:
    plain = [replace(each, rules=(), digest="") for each in (one, other)]
    return plain[0] == plain[1] and by_id(one) == by_id(other)


@pytest.mark.parametrize("name", ["flights/flights-2013-01", "weather-2013", "planes"])
def test_a_draft_holds_for_the_data_it_came_from(name: str, connection: Connection) -> None:
    relation = f"read_parquet('{SAMPLE}/{name}.parquet')"
    found = draft(connection, relation, "t", source=f"{name}.parquet")
    results = check(connection, relation, found.contract)
    assert {result.verdict for result in results} == {"pass"}
    assert {rule.status for rule in found.contract.rules} == {"draft"}
    assert all(rule.description for rule in found.contract.rules if rule.kind != "fields")
    assert same(parse(found.text, "t.yaml"), found.contract)
    assert found.text.startswith(f"# Drafted from {name}.parquet, ")


def test_rules_are_those_that_the_evidence_supports(connection: Connection) -> None:
    relation = f"read_parquet('{SAMPLE}/flights/flights-2013-01.parquet')"
    rules = by_id(draft(connection, relation, "flights").contract)
    carrier = rules["carrier.categories"]
    assert len(carrier.values) == 16
    assert carrier.description == "16 values in 27,004 rows"
    assert rules["carrier.required"].max_rate == 0.0
    departure = rules["dep_time.required"]
    assert 521 / 27004 < departure.max_rate < 0.022
    assert departure.description == "521 of 27,004 are null (1.9 %)"
    assert (rules["year.range"].minimum, rules["year.range"].maximum) == ("2013", "2013")
    distance = rules["distance.range"]
    assert 0 <= float(distance.minimum) < 80
    assert 4983 < float(distance.maximum) < 5600
    assert (rules["row_count"].minimum, rules["row_count"].maximum) == ("13502", "40506")
    assert "tailnum.categories" not in rules
    assert "carrier.unique" not in rules
    assert {rule.severity for rule in rules.values() if rule.kind != "fields"} == {"warn"}


def test_formats_shares_keys_and_freshness_are_recognised(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT uuid()::VARCHAR AS id, i / 2000.0 AS share, "
        "CASE WHEN i % 2 = 0 THEN 'a@b.de' END AS mail, TIMESTAMP '2013-01-01' AS at, "
        "(i - 1000)::DOUBLE AS x, [i] AS list FROM range(2000) AS t(i)"
    )
    rules = by_id(draft(connection, "t", "t", intervals_h=[20, 24, 30]).contract)
    assert rules["id.unique"].description == "2,000 values, all different"
    assert rules["id.pattern"].description == "all 2,000 values are uuid"
    assert rules["mail.pattern"].description == "all 1,000 values are email"
    assert (rules["share.range"].minimum, rules["share.range"].maximum) == ("0", "1")
    assert float(rules["x.range"].minimum) < -1000
    assert rules["at.freshness"].maximum == "48"
    assert "list.required" in rules


def test_cells_of_the_wrong_type_are_tolerated_as_often_as_seen(connection: Connection) -> None:
    connection.execute("CREATE TABLE t AS SELECT i AS x FROM range(1000) AS t(i)")
    problem = CellProblem(column="x", type="BIGINT", count=3, n=1000)
    rule = by_id(draft(connection, "t", "t", problems=[problem]).contract)["x.type"]
    assert 0.003 < rule.max_rate < 0.01
    assert rule.description == "3 of 1,000 values are not BIGINT"


@pytest.mark.parametrize("name", ["flights", "weather", "planes"])
def test_a_written_contract_reads_back(name: str) -> None:
    path = SAMPLE / f"contracts/{name}.odcs.yaml"
    found = parse(path.read_text(), str(path))
    again = parse(write(found), "again.yaml")
    plain = [replace(each, rules=(), digest="") for each in (found, again)]
    assert plain[0] == plain[1]
    assert by_id(found) == by_id(again)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.integers(-(10**12), 10**12),
            st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
            st.none() | st.sampled_from(["a", "b", "it's", "", "a: b", "#", "- x", "null", "1"]),
            st.none() | st.booleans(),
        ),
        max_size=30,
    )
)
def test_any_table_keeps_the_contract_drafted_from_it(
    rows: list[tuple[object, ...]], connection: Connection
) -> None:
    connection.execute("CREATE OR REPLACE TABLE t (i BIGINT, x DOUBLE, s VARCHAR, b BOOLEAN)")
    if rows:
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    found = draft(connection, "t", "t")
    read_back = parse(found.text, "t.yaml")
    assert same(read_back, found.contract)
    results = check(connection, "t", read_back)
    assert {result.verdict for result in results} <= {"pass", "skipped"}
