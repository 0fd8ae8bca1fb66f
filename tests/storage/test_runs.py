"""Runs in the store: what a worker's later word replaces, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import duckdb
import pytest

from storage.migrate import migrate, read_migrations
from storage.records.results import Result
from storage.records.runs import Artifact, DataUse, MetricPoint, Run
from storage.tables import runs

AT = datetime(2013, 7, 1, 12, tzinfo=UTC)


def a_run(number: int = 7, **changes: Any) -> Run:
    return replace(
        Run(
            id=number,
            job_id=number,
            pipeline="delays",
            state="running",
            params={"max_iter": 60, "nested": {"a": [1]}},
            data=(DataUse(dataset="flights", version=3, digest="d3"),),
            code={},
            environment={"python": "3.11"},
            started_at=AT,
            metrics={},
            created_by="ana",
        ),
        **changes,
    )


@pytest.fixture
def connection(clock: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        schema = resources.files("storage").joinpath("sql", "schema")
        migrate(con, read_migrations(schema), clock.now)
        yield con


def test_a_run_is_read_as_it_was_written(connection: duckdb.DuckDBPyConnection) -> None:
    runs.record_run(connection, a_run())
    assert runs.get_run(connection, 7) == a_run()
    assert runs.get_run(connection, 8) is None


def test_a_later_report_replaces_figures_and_keeps_what_people_and_the_registry_said(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    runs.record_run(connection, a_run())
    runs.set_run_note(connection, 7, note="odd", tags=("keep",))
    runs.set_run_model(connection, 7, "delays@v1")
    ended = AT + timedelta(seconds=4)
    runs.record_run(
        connection,
        a_run(state="succeeded", metrics={"roc_auc": 0.7}, ended_at=ended, duration_s=4.0),
    )
    found = runs.get_run(connection, 7)
    assert found is not None
    assert (found.state, found.metrics, found.ended_at) == ("succeeded", {"roc_auc": 0.7}, ended)
    assert (found.note, found.tags, found.model) == ("odd", ("keep",), "delays@v1")


def test_what_a_dead_job_left_running_is_ended_with_the_reason(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    runs.record_run(connection, a_run())
    runs.record_run(connection, a_run(9, job_id=7, parent_id=7, state="succeeded"))
    ended = runs.end_unfinished_runs(
        connection, 7, state="failed", error="killed", at=AT + timedelta(seconds=3)
    )
    assert ended == 1
    found = runs.get_run(connection, 7)
    assert found is not None
    assert (found.state, found.error, found.duration_s) == ("failed", "killed", 3.0)


def test_a_candidate_keeps_the_number_it_was_given(connection: duckdb.DuckDBPyConnection) -> None:
    assert runs.run_of_trial(connection, 7, 0) == 7
    first = runs.run_of_trial(connection, 7, 1)
    assert runs.run_of_trial(connection, 7, 1) == first
    assert runs.run_of_trial(connection, 7, 2) != first


def test_only_changed_runs_are_fetched_again(connection: duckdb.DuckDBPyConnection) -> None:
    runs.record_run(connection, a_run(1))
    runs.record_run(connection, a_run(2))
    seen = runs.last_run_revision(connection)
    assert runs.list_changed_runs(connection, seen) == []
    runs.set_run_note(connection, 1, note="look", tags=())
    assert [run.id for run in runs.list_changed_runs(connection, seen)] == [1]


def test_a_detail_holds_results_points_and_files(connection: duckdb.DuckDBPyConnection) -> None:
    runs.record_run(connection, a_run())
    auc = Result(name="roc_auc", value=0.7, n=100)
    by_slice = Result(name="roc_auc", scope="slice:origin=LGA", value=0.6, n=40)
    fold = Result(name="roc_auc", scope="fold:1", value=0.69)
    runs.record_run_results(connection, 7, "slice", (by_slice,))
    runs.record_run_results(connection, 7, "holdout", (replace(auc, value=0.1),))
    runs.record_run_results(connection, 7, "holdout", (auc,))
    runs.record_run_results(connection, 7, "fold", (fold,))
    points = [MetricPoint(metric="valid_log_loss", step=s, value=1.0 / s, at=AT) for s in (1, 2)]
    runs.record_run_points(connection, [(7, point) for point in points])
    runs.record_run_artifact(
        connection, 7, Artifact(name="model", kind="joblib", digest="a", bytes=1)
    )
    newer = Artifact(name="model", kind="joblib", digest="b", bytes=2)
    runs.record_run_artifact(connection, 7, newer)
    detail = runs.get_run_detail(connection, 7)
    assert detail is not None
    assert detail.results == (auc, by_slice)
    assert detail.folds == (fold,)
    assert detail.points == tuple(points)
    assert detail.artifacts == (newer,)
