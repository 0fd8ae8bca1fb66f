"""The same steps in training and serving: order, one row in one row out, clear refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from console.errors import ConsoleError, DamagedError, InvalidError
from console.flow.apply import Flow
from console.rules.declaration import step_digest
from storage.records.pipelines import Step

JOIN = """
    SELECT this.* EXCLUDE (time_hour), w.temp, w.wind_speed, p.seats
    FROM this
    LEFT JOIN weather AS w ON w.origin = this.origin AND w.time_hour = this.time_hour
    LEFT JOIN planes AS p USING (tailnum)
"""
LABEL = "SELECT *, arr_delay > 15 AS late FROM this WHERE arr_delay IS NOT NULL"

PER_ROW = {
    "join": JOIN,
    "from first": "FROM this SELECT *, hour * 60 + minute AS minute_of_day",
    "cte": "WITH a AS (SELECT *, hour * 60 AS h FROM this), b AS (SELECT *, h + 1 AS g FROM a) "
    "SELECT b.*, temp FROM b LEFT JOIN weather USING (origin, time_hour)",
    "subquery": "SELECT t.*, t.hour + 1 AS next FROM (SELECT * FROM this AS x) AS t",
    "asof": "SELECT this.*, w.temp FROM this ASOF LEFT JOIN weather AS w "
    "ON w.origin = this.origin AND this.time_hour >= w.time_hour",
    "summary of a reference": "SELECT *, (SELECT avg(temp) FROM weather AS w "
    "WHERE w.origin = this.origin) AS mean_temp FROM this",
    "window": "SELECT *, count(*) OVER (PARTITION BY origin) AS rivals FROM this",
    "aggregate": "SELECT max(distance) AS far, any_value(origin) AS origin FROM this",
    "pattern": "SELECT COLUMNS('d.*') FROM this",
    "self join": "SELECT a.*, b.hour AS same FROM this AS a JOIN this AS b ON a.day = b.day",
    "order and limit": "SELECT * FROM this ORDER BY distance LIMIT 5",
    "distinct": "SELECT DISTINCT origin, dest FROM this",
}


def step(sql: str, flow: str = "both", name: str = "s") -> Step:
    made = Step(name=name, flow=flow, sql=sql)  # type: ignore[arg-type]  # a literal of three
    return replace(made, digest=step_digest(made))


@pytest.mark.parametrize("kind", PER_ROW)
def test_a_row_gets_the_same_alone_and_in_a_batch(
    kind: str, requests: pa.Table, references: dict[str, pa.Table]
) -> None:
    rows = requests.slice(100, 40)
    flow = Flow([step(PER_ROW[kind])], references)
    together = flow.run(rows)
    alone = [flow.run(rows.slice(i, 1)).to_pylist()[0] for i in range(rows.num_rows)]
    assert together.to_pylist() == alone


def test_rows_come_out_in_the_order_they_went_in(
    requests: pa.Table, references: dict[str, pa.Table]
) -> None:
    rows = requests.take(pa.array(np.random.default_rng(7).permutation(3000)))
    made = Flow([step(JOIN), step(PER_ROW["from first"], name="t")], references).run(rows)
    for column in ("flight", "tailnum", "day"):
        assert made.column(column).to_pylist() == rows.column(column).to_pylist()


def test_training_and_inference_give_a_row_the_same_features(
    flights: pa.Table, requests: pa.Table, references: dict[str, pa.Table]
) -> None:
    steps = [step(LABEL, "training", "label"), step(JOIN), step(PER_ROW["window"], name="w")]
    rows = slice(0, 2000)
    trained = Flow(steps, references).trace(flights[rows], "training")
    served = Flow(steps, references).run(requests[rows])
    assert trained.rows is not None and 0 < len(trained.rows) < 2000
    assert "late" in trained.table.column_names
    features = served.column_names
    assert trained.table.select(features).to_pylist() == served.take(trained.rows).to_pylist()


def test_a_training_step_that_merges_rows_says_that_it_lost_track(flights: pa.Table) -> None:
    by_day = step("SELECT day, count(*) AS n FROM this GROUP BY day ORDER BY day", "training")
    traced = Flow([by_day], {}).trace(flights, "training")
    assert traced.rows is None
    assert traced.table.num_rows == 31
    assert sum(traced.table.column("n").to_pylist()) == flights.num_rows


def test_features_are_arrays_in_request_order(
    requests: pa.Table, references: dict[str, pa.Table]
) -> None:
    rows = requests.slice(0, 300)
    flow = Flow([step(JOIN)], references)
    made = flow.features(rows, ["seats", "hour", "carrier"], ["number", "number", "category"])
    table = flow.run(rows)
    assert made["carrier"] == table.column("carrier").to_pylist()
    assert made["hour"].dtype == np.float64
    seats = table.column("seats").to_pylist()
    assert None in seats
    assert [None if np.isnan(x) else x for x in made["seats"]] == seats


def test_a_dropped_row_is_refused_with_row_and_step(
    requests: pa.Table, references: dict[str, pa.Table]
) -> None:
    rows = requests.slice(0, 50)
    first_short = next(i for i, d in enumerate(rows.column("distance").to_pylist()) if d <= 1000)
    flow = Flow(
        [step(JOIN, name="join"), step("FROM this WHERE distance > 1000", name="far")], references
    )
    with pytest.raises(InvalidError) as caught:
        flow.features(rows, ["hour"], ["number"])
    assert f'row {first_short}: step "far" makes no row of it' in caught.value.message
    assert "LEFT JOIN" in caught.value.hint


def test_a_multiplied_row_is_refused(requests: pa.Table, references: dict[str, pa.Table]) -> None:
    sql = "SELECT this.* FROM this JOIN weather AS w ON w.origin = this.origin AND w.day = this.day"
    with pytest.raises(InvalidError, match=r'row 0: step "s" makes \d+ rows of it'):
        Flow([step(sql)], references).run(requests.slice(0, 3))


def test_rows_that_only_a_reference_has_are_refused(
    requests: pa.Table, references: dict[str, pa.Table]
) -> None:
    sql = "SELECT this.* FROM this FULL JOIN planes USING (tailnum)"
    with pytest.raises(InvalidError, match="exactly once"):
        Flow([step(sql)], references).run(requests.slice(0, 3))


def test_a_value_a_step_cannot_use_names_the_row(requests: pa.Table) -> None:
    rows = requests.slice(0, 20).set_column(8, "tailnum", pa.array(["7"] * 13 + ["x7"] + ["7"] * 6))
    flow = Flow([step("SELECT CAST(tailnum AS INTEGER) AS t FROM this", name="number")], {})
    with pytest.raises(InvalidError, match=r'row 13: step "number" cannot use it'):
        flow.features(rows, ["t"], ["number"])


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT tempp FROM this", 'step "s" cannot be prepared: .*tempp'),
        ("SELECT * FROM wether", 'step "s" cannot be prepared: .*wether'),
        ("SELEC 1", 'step "s" is not one SELECT'),
        ("SELECT 1; SELECT 2", 'step "s" has 2 statements'),
        ("DROP TABLE weather", 'step "s" is not one SELECT'),
        ("SELECT * FROM read_csv('/etc/passwd')", 'step "s" cannot be prepared'),
    ],
)
def test_a_step_that_cannot_run_is_refused_by_name(
    sql: str, said: str, requests: pa.Table, references: dict[str, pa.Table]
) -> None:
    with pytest.raises(InvalidError, match=said):
        Flow([step(sql)], references).run(requests.slice(0, 1))


def test_a_changed_step_is_refused() -> None:
    changed = replace(step("SELECT * FROM this"), sql="SELECT 1 AS x FROM this")
    with pytest.raises(DamagedError, match='step "s" is not the one'):
        Flow([changed], {})


def test_a_feature_the_steps_do_not_make_is_named(requests: pa.Table) -> None:
    with pytest.raises(InvalidError, match='do not make the column "temp"'):
        Flow([step("SELECT hour FROM this")], {}).features(requests[:1], ["temp"], ["number"])


def test_needed_columns_are_those_the_features_come_from(
    requests: pa.Table, references: dict[str, pa.Table]
) -> None:
    flow = Flow([step(JOIN)], references)
    needed = flow.needed(requests.slice(0, 20), ["temp", "seats", "carrier"])
    assert needed == ("carrier", "tailnum", "origin", "time_hour")


PYTHON = """
import pandas as pd
import pyarrow as pa

def shift(frame):
    frame = frame[frame["hour"] >= 0].sort_values("distance")
    return frame.assign(shifted=frame["hour"] + 1)

def keep(table: pa.Table) -> pa.Table:
    return table.select(["hour", "carrier"])

def drop(frame):
    return frame.iloc[:-1]

def reset(frame):
    return frame.iloc[:-1].reset_index(drop=True)

def fail(frame):
    raise KeyError("speed")
"""


def function(name: str, source: str = PYTHON) -> Step:
    made = Step(name=name, function=f"features.own:{name}", source=source)
    return replace(made, digest=step_digest(made))


def test_a_python_step_may_reorder_rows_and_stand_between_sql_steps(requests: pa.Table) -> None:
    rows = requests.slice(0, 50)
    steps = [
        step("SELECT *, hour AS h FROM this", name="a"),
        function("shift"),
        step("SELECT shifted * 2 AS twice, flight FROM this", name="b"),
    ]
    flow = Flow(steps, {})
    made = flow.run(rows)
    assert made.column("flight").to_pylist() == rows.column("flight").to_pylist()
    assert made.column("twice").to_pylist() == [
        2 * (h + 1) for h in rows.column("hour").to_pylist()
    ]
    assert flow.features(rows[7:8], ["twice"], ["number"])["twice"][0] == made["twice"][7].as_py()


def test_a_python_step_may_take_arrow(requests: pa.Table) -> None:
    made = Flow([function("keep")], {}).features(
        requests[:4], ["hour", "carrier"], ["number", "category"]
    )
    assert made["carrier"] == requests["carrier"][:4].to_pylist()


def test_types_given_to_a_python_step_do_not_depend_on_the_batch(requests: pa.Table) -> None:
    source = "def kinds(frame):\n    return frame.assign(kind=str(dict(frame.dtypes)))\n"
    flow = Flow([function("kinds", source)], {})
    nothing = requests[:1].set_column(0, "month", pa.array([None], pa.int64()))
    assert flow.run(nothing)["kind"][0] == flow.run(requests[:9])["kind"][0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("drop", r'row 4: step "drop" makes no row of it'),
        ("reset", r'step "reset" .* returned 4 rows for 5 and lost the index'),
        ("fail", r"step \"fail\" .*ended with KeyError: 'speed' \([\w/]+\.py, line \d+\)"),
        ("missing", r'has no function "missing"'),
    ],
)
def test_a_python_step_that_breaks_the_rule_is_named(
    name: str, said: str, requests: pa.Table
) -> None:
    with pytest.raises(ConsoleError, match=said):
        Flow([function(name)], {}).run(requests[:5])


def test_the_recorded_text_of_a_python_step_runs_not_the_file(
    tmp_path: Path, requests: pa.Table
) -> None:
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "own.py").write_text("raise SystemExit('the file was imported')")
    made = Flow([function("keep")], {}, root=tmp_path).run(requests[:2])
    assert made.column_names == ["hour", "carrier"]
