"""Pipelines: the declared flow as a graph, whether it is stale, checks, previews, training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.tui.areas import training_form
from console.tui.areas.pipelines import flow
from console.tui.snapshots.pipelines import Snapshot
from console.wire.pipelines import PipelineView
from storage.records.jobs import Job
from storage.records.pipelines import Pipeline, Split, Step
from storage.records.runs import DataUse
from tests.tui.areas.invented_runs import JOBS, NOW, RUNS, ago, job
from tests.tui.areas.shown import seen

LABEL = Step(name="label", flow="training", sql="-- the truth\nSELECT *\nFROM this", source="l.sql")
FEATURES = Step(name="features", sql="SELECT origin\nFROM this", source="features.sql")
PIPELINE = Pipeline(
    name="delays",
    description="Will it be late?",
    input="flights",
    references=("weather", "planes"),
    steps=(LABEL, FEATURES),
    target="late",
    split=Split(kind="time", column="time_hour", holdout_ratio=0.2, folds=3),
    estimator="sklearn.ensemble.HistGradientBoostingClassifier",
    params={"max_depth": 6, "learning_rate": 0.1},
    metrics=("roc_auc", "recall"),
    slices=("origin",),
    seed=2013,
    digest="d1",
)
VIEW = PipelineView(
    pipeline=PIPELINE,
    runs=tuple(
        replace(
            run,
            pipeline_digest="d1",
            data=(DataUse(dataset="flights", version=run.data[0].version - 1, digest="x"),),
        )
        for run in RUNS
    ),
    input_version=7,
    champion="delays@v4",
    last_run_at=ago(minutes=7),
    is_stale=True,
)


def look(id: int, result: dict[str, Any], *, is_check: bool, **more: Any) -> Job:
    spec = {"pipeline": {"name": "delays", "digest": "d1"}, "check_only": is_check,
            "step": "" if is_check else "features", "flow": "training"}  # fmt: skip
    found = job(id, "preview", "pipeline check delays", ended_at=NOW)
    return replace(found, spec=spec, result=result, **more)


def columns(*names: str) -> list[list[str]]:
    return [[name, "int64"] for name in names]


CHECK = look(
    122,
    {
        "flows": {
            "training": [
                {"name": "", "columns": columns("a", "b")},
                {"name": "label", "columns": columns("a", "b", "late")},
                {"name": "features", "columns": columns("a", "late")},
            ],
            "inference": [
                {"name": "", "columns": columns("a", "b")},
                {"name": "features", "columns": columns("a")},
            ],
        },
        "features": [["a", "int64"]],
    },
    is_check=True,
)
PREVIEW = look(
    123,
    {"columns": [["origin", "string"], ["late", "int64"], ["temp", "double"]],
     "rows": [["EWR", "1", "5.25"], [None, "0", "39"]], "rows_in": 5000, "rows_out": 4873},
    is_check=False,
)  # fmt: skip


def snapshot(**changes: Any) -> Snapshot:
    return replace(Snapshot(views=(VIEW,), looks=(CHECK,), trainings=(), at=NOW), **changes)


async def test_a_pipeline_says_whether_it_is_stale_and_why() -> None:
    async with seen("pipelines", snapshot()) as it:
        screen = await it.text()
        row = it.row(screen, "~ stale")
        assert "delays" in row and "flights v7" in row and "AUC ↑ 0.744" in row and "v4" in row
        assert "flights v7 is 1 version newer than what run 117 saw" in screen


def test_a_changed_declaration_is_the_reason_when_it_is() -> None:
    changed = replace(VIEW, pipeline=replace(PIPELINE, digest="d2"))
    assert flow.reason(changed) == "the declaration changed since run 117"
    assert flow.freshness(replace(VIEW, runs=())) == ("idle", "not trained")
    assert flow.freshness(replace(VIEW, input_version=None)) == ("idle", "no data")
    assert flow.freshness(replace(VIEW, is_stale=False)) == ("ok", "fresh")


async def test_the_graph_shows_which_flow_passes_every_station() -> None:
    async with seen("pipelines", snapshot(), size=(110, 30)) as it:
        screen = await it.text()
        assert it.row(screen, "├ label").count("●") == 1
        assert it.row(screen, "├ features").count("●") == 2
        assert "the last 20 % held out by time_hour, 3 folds in the rest" in screen
        assert "HistGradientBoostingClassifier, 2 parameters, seed 2013" in screen
        answer = it.row(screen, "└ answer")
        assert answer.index("│") < answer.index("●") and "delays@v4 answers" in answer
        assert "+1 → 3" in it.row(screen, "├ label")
        assert "● names and types fit, 1 feature" in screen


async def test_a_check_of_another_declaration_does_not_count() -> None:
    changed = replace(VIEW, pipeline=replace(PIPELINE, digest="d2"))
    async with seen("pipelines", snapshot(views=(changed,)), size=(110, 30)) as it:
        screen = await it.text()
        assert "~ changed since its last check" in screen and "+1 →" not in screen


async def test_a_failed_check_says_what_is_wrong() -> None:
    failed = replace(CHECK, state="failed", reason='there is no column "humd".', result={})
    async with seen("pipelines", snapshot(looks=(failed,)), size=(110, 30)) as it:
        assert '✗ there is no column "humd".' in await it.text()


async def test_enter_opens_the_text_of_a_step_and_esc_leads_back() -> None:
    async with seen("pipelines", snapshot()) as it:
        screen = await it.press("enter", "j", "j", "enter")
        assert "label l.sql" in screen and "training only" in screen
        assert "SELECT *" in screen and "Last runs" not in screen
        assert "├ label" in await it.press("escape")


async def test_enter_on_input_answer_and_runs_goes_where_they_live() -> None:
    async with seen("pipelines", snapshot(), size=(120, 40)) as it:
        await it.press("enter", "enter")
        assert it.app.jumps == ["data:flights"]
        await it.press("end", "enter")
        assert it.app.jumps[-1] == "model:delays@v4"
        await it.press("tab", "j", "enter")
        assert it.app.jumps[-1] == "run:117"


async def test_a_training_that_runs_is_told_beside_the_runs() -> None:
    running = replace(JOBS[0], spec={"pipeline": {"name": "delays"}})
    async with seen("pipelines", snapshot(trainings=(running,))) as it:
        assert "► fold 3 of 5" in it.row(await it.text(), "Last runs")


async def test_rows_of_a_preview_open_when_they_come() -> None:
    async with seen("pipelines", snapshot()) as it:
        screen = await it.show(snapshot(looks=(PREVIEW, CHECK)))
        assert "Rows after features, training" in screen and "5 000 rows in, 4 873 out" in screen
        assert it.row(screen, "EWR").split()[-2:] == ["1", "5.25"]
        assert it.row(screen, "39.00").split()[-3:] == ["–", "0", "39.00"]
        assert "├ label" in await it.press("escape")
        assert "├ label" in await it.show(snapshot(looks=(PREVIEW, CHECK)))


async def test_an_old_preview_does_not_open_by_itself() -> None:
    async with seen("pipelines", snapshot(looks=(PREVIEW,))) as it:
        assert "├ label" in await it.text()


async def test_checking_and_previewing_ask_for_what_they_need() -> None:
    async with seen("pipelines", snapshot()) as it:
        await it.press("x", "c")
        assert it.app.acts == [("preview_pipeline", {"pipeline": "delays", "check_only": True})]
        screen = await it.press("enter", "j", "j", "x", "v")
        assert "Rows of delays after a step" in screen and "label" in screen
        await it.press("escape", "y")
        action, arguments = it.app.acts[-1]
        assert action == "preview_pipeline"
        assert arguments == {"pipeline": "delays", "step": "label", "flow": "training", "limit": 50}


async def test_training_sends_what_was_changed_in_the_form_of_declared_parameters() -> None:
    async with seen("pipelines", snapshot()) as it:
        screen = await it.press("x", "t")
        assert "Train delays" in screen and "learning_r" in screen and "0.1" in screen
        await it.press("tab", "end", "backspace", "8", "escape", "y")
        assert it.app.acts == [
            ("start_training",
             {"pipeline": "delays", "params": {"max_depth": 8}, "data": {}, "note": ""}),
        ]  # fmt: skip


def test_other_parameters_are_typed_as_name_and_value() -> None:
    field = training_form.more_field()
    assert field.check is not None
    assert field.check("depth=4 rate") == "rate is not name=value"
    assert field.check("depth=4 loss=log") == ""
    typed = {field.id: "depth=4 loss=log rate=0.5"}
    assert training_form.changed_params({}, typed) == {"depth": 4, "loss": "log", "rate": 0.5}


async def test_without_data_nothing_can_be_trained_and_it_is_said_why() -> None:
    async with seen("pipelines", snapshot(views=(replace(VIEW, input_version=None),))) as it:
        found = {choice.id: choice for choice in it.app.area.actions()}
        assert found["train"].why_not == "flights has no version yet"


async def test_nothing_declared_says_where_to_declare() -> None:
    async with seen("pipelines", snapshot(views=())) as it:
        screen = await it.text()
        assert "No pipeline is declared." in screen and "mlops-console pipeline check" in screen
        assert "Last runs" not in screen
        assert "├ label" in await it.show(snapshot())


async def test_wide_terminals_show_the_text_of_the_station_at_the_cursor() -> None:
    async with seen("pipelines", snapshot(looks=(PREVIEW, CHECK)), size=(160, 45)) as it:
        screen = await it.press("tab", "j", "j")
        assert "-- the truth" in screen and "Rows after features" in screen and "EWR" in screen


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 36)])
async def test_it_opens_at_every_size(size: tuple[int, int]) -> None:
    async with seen("pipelines", snapshot(), size=size) as it:
        assert "delays" in await it.text()
        assert "SELECT" in await it.press("enter", "j", "j", "enter")
