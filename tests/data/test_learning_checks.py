"""What would spoil a model is found in its data, and said with numbers."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import pytest

from console.worker.data.leakage import leakage
from console.worker.data.learning_checks import (
    class_balance,
    contamination,
    dead_columns,
    duplicates,
    group_overlap,
    time_order,
)
from storage.records.results import Result

Connection = duckdb.DuckDBPyConnection
FLIGHTS = Path(__file__).parents[2] / "sample_data/flights/flights-2013-01.parquet"


def named(results: tuple[Result, ...], name: str) -> Result:
    return next(each for each in results if each.name == name)


def test_test_rows_that_were_trained_on_are_counted(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE train AS SELECT i, i / 7.0 AS x, "
        "CASE WHEN i = 3 THEN NULL ELSE 'a' END AS s, i % 2 AS y FROM range(1000) AS t(i)"
    )
    connection.execute(
        "CREATE TABLE test AS SELECT i, x * (1 + 1e-14) AS x, s, y FROM train WHERE i < 10 "
        "UNION ALL SELECT i, i / 7.0, 'a', 0 FROM range(1000, 1990) AS t(i)"
    )
    shared, conflicting = contamination(connection, "train", "test", ["i", "x", "s"], label="y")
    assert shared.value == 0.01
    assert shared.verdict == "fail"
    assert conflicting.value == 0.0
    assert conflicting.verdict == "pass"
    connection.execute("UPDATE test SET y = 1 - y WHERE i = 4")
    assert contamination(connection, "train", "test", ["i", "x", "s"], label="y")[1].value == 0.001
    assert (
        contamination(connection, "train", "(FROM test WHERE i > 20)", ["i"])[0].verdict == "pass"
    )
    assert contamination(connection, "train", "(FROM test LIMIT 0)", ["i"])[0].verdict == "skipped"


def test_groups_and_times_must_not_reach_over_the_split(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE train AS SELECT i AS g, DATE '2013-01-01' + i::INT AS d FROM range(10) t(i)"
    )
    connection.execute(
        "CREATE TABLE test AS SELECT i AS g, DATE '2013-01-01' + i::INT AS d FROM range(8, 18) t(i)"
    )
    overlap = group_overlap(connection, "train", "test", "g")
    assert (overlap.value, overlap.verdict) == (0.2, "fail")
    early = time_order(connection, "train", "test", "d")
    assert (early.value, early.verdict) == (0.2, "fail")
    assert time_order(connection, "train", "(FROM test WHERE g > 9)", "d").verdict == "pass"


def test_repeated_rows_are_found_exactly_and_nearly(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT * FROM (VALUES ('A b', 1.0001, 1), ('A b', 1.0001, 1), "
        "(' a  B', 1.0004, 1), ('c', 5.0, 2), (NULL, NULL, NULL), (NULL, NULL, NULL)) AS t(s, x, i)"
    )
    exact, near = duplicates(connection, "t")
    assert (exact.value, near.value) == (2 / 6, 3 / 6)
    assert (exact.verdict, exact.severity) == ("warn", "warn")
    assert ("largest group", "3 rows") in near.detail


def test_classes_are_counted_and_compared_with_before(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT CASE WHEN i < 20 THEN 'rare' WHEN i < 500 THEN 'b' ELSE 'a' END "
        "AS y FROM range(1000) AS t(i) UNION ALL SELECT NULL"
    )
    results = class_balance(connection, "t", "y")
    assert named(results, "rows of the rarest class").value == 20
    assert named(results, "rows of the rarest class").verdict == "warn"
    assert named(results, "imbalance").value == 25.0
    shares = [0.5, 0.48, 0.02]
    effective = math.exp(-sum(p * math.log(p) for p in shares))
    assert dict(named(results, "imbalance").detail)["effective classes"] == f"{effective:.3f}"
    assert named(results, "share of rare").value == 0.02
    later = class_balance(connection, "(FROM t WHERE y != 'rare')", "y", "t")
    assert named(later, "share of a").previous == 0.5
    moved = named(later, "class shares moved").value
    assert moved == pytest.approx((abs(500 / 980 - 0.5) + abs(480 / 980 - 0.48) + 0.02) / 2)
    assert class_balance(connection, "(FROM t WHERE y IS NULL)", "y")[0].verdict == "error"


def test_constants_and_ids_teach_nothing(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT i AS id, md5(i::VARCHAR) AS token, 7 AS same, NULL::INT AS none, "
        "i % 10 AS good, i / 3.0 AS measure FROM range(1000) AS t(i)"
    )
    found = {result.scope: result.reason for result in dead_columns(connection, "t")}
    assert set(found) == {"column:id", "column:token", "column:same", "column:none"}
    assert found["column:same"] == "it has one value only"
    assert found["column:none"] == "it has no value at all"
    assert "an id, not a feature" in found["column:token"]
    assert "column:id" not in {r.scope for r in dead_columns(connection, "t", keys=["id"])}


def test_a_feature_that_tells_the_label_alone_is_found(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT hash(i) % 2 = 0 AS y, "
        "CASE WHEN hash(i) % 2 = 0 THEN 5.0 ELSE -5.0 END + (hash(i * 3) % 100) / 100.0 AS leak, "
        "CASE WHEN hash(i) % 2 = 0 THEN 'yes' ELSE 'no' END AS word, "
        "(hash(i * 5) % 1000)::DOUBLE AS noise, "
        "CASE WHEN hash(i) % 2 = 0 THEN NULL ELSE 1 END AS late, "
        "(hash(i * 7) % 5000)::VARCHAR AS many FROM range(4000) AS t(i)"
    )
    results = leakage(connection, "t", "y", ["leak", "word", "noise", "late", "many"])
    found = {result.scope.removeprefix("column:"): result for result in results}
    assert found["leak"].value == found["word"].value == found["late is null"].value == 1.0
    assert {found[name].verdict for name in ("leak", "word", "late is null")} == {"fail"}
    assert "known only afterwards?" in found["word"].reason
    for name in ("noise", "many"):
        assert found[name].value is not None
        assert found[name].value < 0.55
        assert found[name].verdict == "pass"
    assert leakage(connection, "t", "y", ["leak", "noise"]) == leakage(
        connection, "t", "y", ["leak", "noise"]
    )


def test_leakage_of_classes_numbers_and_empty_labels(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT chr(65 + (i % 3)::INT) AS y, i % 3 AS same, i * 1.0 AS amount, "
        "(i * 2 + hash(i) % 5)::DOUBLE AS twice, hash(i) % 97 AS noise FROM range(3000) AS t(i)"
    )
    classes = {r.scope: r for r in leakage(connection, "t", "y", ["same", "noise"])}
    assert classes["column:same"].value == 1.0
    assert classes["column:noise"].verdict == "pass"
    numbers = {r.scope: r for r in leakage(connection, "t", "amount", ["twice", "noise"])}
    assert numbers["column:twice"].name == "leakage (R²)"
    assert numbers["column:twice"].value is not None
    assert numbers["column:twice"].value > 0.99
    assert numbers["column:noise"].verdict == "pass"
    single = leakage(connection, "(SELECT 'A' AS y, noise FROM t)", "y", ["noise"])
    assert single[0].verdict == "skipped"


def test_arrival_delay_is_not_leaked_by_honest_features_of_flights(connection: Connection) -> None:
    relation = f"(SELECT *, arr_delay > 15 AS late FROM '{FLIGHTS}')"
    results = leakage(
        connection, relation, "late", ["dep_delay", "distance", "carrier", "arr_delay"]
    )
    scores = {result.scope: result.value for result in results}
    assert scores["column:arr_delay"] == 1.0
    assert 0.85 < scores["column:dep_delay"] < 0.95
    assert scores["column:carrier"] < 0.7
