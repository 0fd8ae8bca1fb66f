"""A profile counts exactly, and live windows count on the same bins."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.rules.binning import NEW, LiveBinner, merged, profile_of, size_of
from console.rules.drift.habits import habit, stretches
from console.worker.data import profile_numbers, profile_source
from console.worker.data.profile import profile_table
from storage.records.profiles import ColumnProfile, Profile

Connection = duckdb.DuckDBPyConnection
FLIGHTS = Path(__file__).parents[2] / "sample_data/flights/flights-2013-01.parquet"


def column(profile: Profile, name: str) -> ColumnProfile:
    return next(each for each in profile.columns if each.name == name)


def table(connection: Connection, sql: str) -> str:
    connection.execute(f"CREATE OR REPLACE TABLE t AS {sql}")
    return "t"


def test_counts_of_flights_are_those_of_sql(connection: Connection) -> None:
    relation = f"read_parquet('{FLIGHTS}')"
    profile = profile_table(connection, relation)
    assert profile.rows == 27004
    delay = column(profile, "dep_delay")
    edges = list(delay.edges)
    expected = connection.execute(
        f"SELECT histogram(dep_delay::DOUBLE, {edges}) FROM {relation}"
    ).fetchall()[0][0]
    assert dict(zip(edges, delay.counts, strict=False)) == {e: expected[e] for e in edges}
    assert sum(delay.counts) + delay.null_count == 27004
    exact = connection.execute(
        f"SELECT quantile_disc(dep_delay, {[n / 256 for n in range(1, 256)]}), "
        f"count(DISTINCT dep_delay), min(dep_delay), max(dep_delay), sum(dep_delay), "
        f"sum(dep_delay * dep_delay), quantile_disc(dep_delay, 0.5) FROM {relation}"
    ).fetchall()[0]
    assert edges == sorted(set(map(float, exact[0])))
    assert (delay.distinct_count, delay.min, delay.max) == exact[1:4]
    assert delay.sum == pytest.approx(exact[4], rel=1e-12)
    assert delay.sum_squares == pytest.approx(exact[5], rel=1e-12)
    assert delay.quantiles[3] == exact[6]
    carrier = column(profile, "carrier")
    by_sql = connection.execute(
        f"SELECT carrier, count(*) AS c FROM {relation} GROUP BY ALL ORDER BY c DESC, carrier"
    ).fetchall()
    assert list(carrier.top) == by_sql
    assert carrier.other_count == 0
    tail = column(profile, "tailnum")
    assert (tail.kind, len(tail.top), tail.null_count) == ("categorical", 200, 155)
    assert sum(n for _, n in tail.top) + tail.other_count + tail.null_count == 27004


def test_habits_tell_what_follows_the_calendar_from_what_does_not(connection: Connection) -> None:
    profile = profile_table(connection, f"read_parquet('{FLIGHTS}')")
    assert all(len(each.habits) >= 6 for each in profile.columns)
    day, distance = column(profile, "day").habits, column(profile, "distance").habits
    assert [each.rows for each in day] == [84, 168, 337, 675, 1350, 2700, 5400]
    # January's 31 days: few flights or many, they lie 11 days from the others, at most 15.5.
    assert all(10 < each.distance < 11 for each in day)
    assert all(15 <= each.furthest <= 15.6 for each in day)
    assert distance[0].distance > 2.5 * distance[-1].distance  # miles
    carrier = column(profile, "carrier").habits
    assert 0 < carrier[-1].distance < carrier[0].distance / 3 < 0.1
    assert carrier[-1].psi < 0.01
    assert column(profile, "tailnum").habits[-1].missing < 0.05


def test_a_sample_of_stretches_is_what_stands_in_its_rows(connection: Connection) -> None:
    rows = 700_000  # more than one piece
    values = np.random.default_rng(0).normal(size=rows)
    arrow = pa.table({"x": values})
    connection.register("arriving", arrow)
    x = column(profile_table(connection, table(connection, "SELECT * FROM arriving")), "x")
    edges = np.array(x.edges)
    expected = [
        habit(replace(x, habits=()), length, np.searchsorted(edges, values[at], side="left"))
        for length, at in reversed(stretches(rows))
    ]
    assert list(x.habits) == expected


def test_few_whole_numbers_have_a_bin_each(connection: Connection) -> None:
    profile = profile_table(
        connection, table(connection, "SELECT (i % 3) * 5 AS x FROM range(10) AS t(i)")
    )
    x = column(profile, "x")
    assert x.edges == (0.0, 5.0, 10.0)
    assert x.counts == (4, 3, 3, 0)
    assert x.sums == (0.0, 15.0, 30.0, 0.0)
    assert x.habits == ()


def test_an_atom_becomes_an_edge(connection: Connection) -> None:
    sql = "SELECT CASE WHEN i % 50 = 0 THEN -1.5 ELSE random() END AS x FROM range(5000) AS t(i)"
    x = column(profile_table(connection, table(connection, sql)), "x")
    assert x.edges[0] == -1.5
    assert x.counts[0] == 100


def test_nulls_nan_and_infinities_are_counted_apart(connection: Connection) -> None:
    sql = (
        "SELECT unnest([1.0, NULL, 'nan'::DOUBLE, 'inf'::DOUBLE, 'inf'::DOUBLE, '-inf'::DOUBLE,"
        " 2.0]) AS x, unnest(['', NULL, 'a', 'a', 'b', '', 'a']) AS s"
    )
    profile = profile_table(connection, table(connection, sql))
    x, s = column(profile, "x"), column(profile, "s")
    counted = (x.null_count, x.nan_count, x.pos_inf_count, x.neg_inf_count, sum(x.counts))
    assert counted == (1, 1, 2, 1, 2)
    assert (x.min, x.max, x.sum, x.sum_squares) == (1.0, 2.0, 3.0, 5.0)
    assert (s.null_count, s.empty_count, s.distinct_count) == (1, 2, 3)
    assert s.top == (("a", 3), ("", 2), ("b", 1))


def test_sums_beyond_the_range_of_numbers_stay_writable(connection: Connection) -> None:
    sql = "SELECT unnest([1e308, 1.5e308, 1.2e308]) AS x, unnest([-1e308, -1e308, 5]) AS y"
    profile = profile_table(connection, table(connection, sql))
    assert all(math.isfinite(each.sum) for each in profile.columns)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(profile)), Profile) == profile


def test_a_column_without_values_has_no_bins(connection: Connection) -> None:
    sql = "SELECT NULL::DOUBLE AS x, NULL::VARCHAR AS s, NULL::TIMESTAMP AS t FROM range(5)"
    for relation in (table(connection, sql), "(SELECT * FROM t WHERE false)"):
        profile = profile_table(connection, relation)
        assert [each.distinct_count for each in profile.columns] == [0, 0, 0]
        assert column(profile, "x").counts == (0,)
        assert column(profile, "x").quantiles == ()
        assert column(profile, "t").min is None


def test_times_are_seconds_since_1970(connection: Connection) -> None:
    sql = (
        "SELECT unnest([TIMESTAMP '2013-01-01', 'infinity', '-infinity', NULL]) AS a, "
        "unnest([DATE '1970-01-02', NULL, NULL, NULL]) AS b, "
        "unnest(['2013-01-01 02:00:00+02'::TIMESTAMPTZ, NULL, NULL, NULL]) AS c"
    )
    profile = profile_table(connection, table(connection, sql))
    a, b, c = profile.columns
    assert (a.kind, a.min, a.pos_inf_count, a.neg_inf_count) == ("timestamp", 1356998400.0, 1, 1)
    assert b.min == 86400.0
    assert c.min == 1356998400.0


def test_kinds_follow_type_and_content(connection: Connection) -> None:
    sql = (
        "SELECT i % 2 = 0 AS flag, md5(i::VARCHAR) AS id, (i % 9)::VARCHAR AS few, [i] AS list, "
        "i::DECIMAL(9, 2) AS money, i::HUGEINT AS huge FROM range(20000) AS t(i)"
    )
    profile = profile_table(connection, table(connection, sql))
    assert [each.kind for each in profile.columns] == [
        "categorical",
        "text",
        "categorical",
        "nested",
        "numeric",
        "numeric",
    ]
    identity = column(profile, "id")
    assert (identity.top, identity.other_count, identity.distinct_is_exact) == ((), 20000, False)
    assert column(profile, "flag").top == (("false", 10000), ("true", 10000))


def test_a_huge_table_is_sampled_for_edges_but_counted_whole(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_numbers, "EXACT_ROWS", 5000)
    monkeypatch.setattr(profile_source, "BATCH_ROWS", 1500)
    sql = "SELECT hash(i) % 100000 / 7.0 AS x FROM range(10000) AS t(i)"
    x = column(profile_table(connection, table(connection, sql)), "x")
    assert sum(x.counts) == 10000
    assert not x.distinct_is_exact
    assert len(x.edges) == 255
    eighths = [sum(x.counts[n : n + 32]) for n in range(0, 256, 32)]
    assert all(900 < count < 1600 for count in eighths)


NUMBERS = st.floats(width=32) | st.none() | st.sampled_from([0.0, -1.0, 999.0])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(NUMBERS, st.sampled_from(["a", "b", "", None])), max_size=60))
def test_any_rows_are_counted_by_profile_and_live_binner_alike(
    rows: list[tuple[float | None, str | None]], connection: Connection
) -> None:
    connection.execute("CREATE OR REPLACE TABLE t (x DOUBLE, s VARCHAR)")
    if rows:
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    profile = profile_table(connection, "t")
    x, s = profile.columns
    finite = [v for v, _ in rows if v is not None and math.isfinite(v)]
    expected = [0] * (len(x.edges) + 1)
    for value in finite:
        expected[bisect_left(x.edges, value)] += 1
    assert list(x.counts) == expected
    assert x.n == x.null_count + x.nan_count + x.pos_inf_count + x.neg_inf_count + sum(x.counts)
    binner = LiveBinner(profile)
    for row in rows:
        binner.add(row)
    window = binner.take()
    assert window["x"] == (*x.counts, len(rows) - len(finite))
    assert window["s"] == (*(n for _, n in s.top), 0, 0, s.null_count)
    connection.execute("CREATE OR REPLACE TABLE u AS SELECT * FROM t ORDER BY random()")
    shuffled = profile_table(connection, "u")
    strip = [replace(c, sums=(), sum=0, sum_squares=0) for c in shuffled.columns]
    assert strip == [replace(c, sums=(), sum=0, sum_squares=0) for c in profile.columns]


def reference() -> Profile:
    return Profile(
        rows=10,
        columns=(
            ColumnProfile(name="x", type="DOUBLE", kind="numeric", n=10, edges=(1.0, 2.0)),
            ColumnProfile(name="at", type="DATE", kind="timestamp", n=10, edges=(86400.0,)),
            ColumnProfile(
                name="c", type="VARCHAR", kind="categorical", n=10, top=(("A", 6), ("true", 4))
            ),
            ColumnProfile(name="t", type="VARCHAR", kind="text", n=10, other_count=10),
        ),
    )


def test_live_values_of_every_kind_have_their_place() -> None:
    binner = LiveBinner(reference())
    seen: list[list[Any]] = [
        [1, "1970-01-01", "A", "hello"],
        [2.5, datetime(1970, 1, 3, tzinfo=UTC), "B", None],
        [math.nan, date(1970, 1, 2), True, "x"],
        ["7", "yesterday", math.nan, "y"],
        [None, None, 5, "z"],
        [True, 86401.0, None, ""],
    ]
    for row in seen:
        binner.add(row)
    assert binner.rows == 6
    window = binner.take()
    assert window == {
        "x": (2, 0, 1, 3),
        "at": (2, 2, 2),
        "c": (1, 1, 0, 2, 2),
        "t": (5, 0, 1),
    }
    assert binner.rows == 0
    assert set(map(sum, binner.take().values())) == {0}
    binner.add_mapping({"c": "A"})
    assert binner.take()["x"] == (0, 0, 0, 1)


def test_an_unlisted_value_is_new_only_when_the_reference_listed_all_it_saw() -> None:
    base = reference().columns[2]
    partial = replace(base, other_count=3)
    for each, expected in ((base, (0, 0, 0, 1, 0)), (partial, (0, 0, 1, 0, 0))):
        binner = LiveBinner(Profile(rows=1, columns=(each,)))
        binner.add(["Z"])
        assert binner.take()["c"] == expected
        assert size_of(each) == 5


def test_windows_add_up_and_become_a_profile() -> None:
    binner = LiveBinner(reference(), ["c", "x"])
    binner.add(["A", 0.5])
    first = binner.take()
    binner.add(["Z", 5.0])
    binner.add([None, None])
    second = binner.take()
    both = merged([first, second])
    assert both == {"c": (1, 0, 0, 1, 1), "x": (1, 0, 1, 1)}
    profile = profile_of(reference(), both)
    assert profile.rows == 3
    c, x = column(profile, "c"), column(profile, "x")
    assert (c.top, c.null_count, c.n) == ((("A", 1), ("true", 0), (NEW, 1)), 1, 3)
    assert (x.counts, x.null_count) == ((1, 0, 1), 1)
