"""What can be done with a pipeline: check it, look at its rows, train it."""

from __future__ import annotations

from typing import Any

from console.tui.areas import training_form
from console.tui.areas.base import Area, Choice
from console.tui.dialogs.fields import Field
from console.tui.dialogs.form import Form
from console.wire.pipelines import PipelineView
from storage.records.pipelines import Step

COMMAND = "mlops-console"
ROWS = 50


def choices(view: PipelineView | None, step: Step | None) -> list[Choice]:
    """The actions menu for the chosen pipeline; `step` is the one under the cursor."""
    if view is None:
        return []
    name = view.pipeline.name
    why_not = "" if view.input_version else f"{view.pipeline.input} has no version yet"
    after = f" --step {step.name}" if step is not None else ""
    return [
        Choice(id="train", label=f"train {name}", key="t", why_not=why_not,
               command=f"{COMMAND} train {name}"),
        Choice(id="check", label="check names and types", key="c",
               command=f"{COMMAND} pipeline check {name}", why_not=why_not),
        Choice(id="preview", label="look at rows after a step", key="v", why_not=why_not,
               command=f"{COMMAND} pipeline preview {name}{after}"),
    ]  # fmt: skip


def carry_out(area: Area, action: Choice, view: PipelineView, step: Step | None) -> None:
    """Ask for what is needed, then have it done."""
    if action.id == "check":
        area.post_message(
            area.Acts(area, "preview_pipeline", pipeline=view.pipeline.name, check_only=True)
        )
    elif action.id == "preview":
        _ask_preview(area, view, step)
    elif action.id == "train":
        _ask_training(area, view)


def _ask_preview(area: Area, view: PipelineView, step: Step | None) -> None:
    pipeline = view.pipeline
    names = tuple(each.name for each in pipeline.steps)
    flow = "inference" if step is not None and step.flow == "inference" else "training"
    form = Form(
        f"Rows of {pipeline.name} after a step",
        (
            Field(id="step", label="after", value=step.name if step else "", choices=names,
                  hint="the last step"),
            Field(id="flow", label="flow", value=flow, choices=("training", "inference"),
                  is_required=True),
            Field(id="limit", label="rows", value=str(ROWS), is_required=True, check=_rows_fault),
        ),
        facts=(("reads", f"{pipeline.input} v{view.input_version}; nothing is kept"),),
        yes="look",
    )  # fmt: skip

    def answered(answer: Any) -> None:
        if answer is not None:
            values = answer.values
            area.post_message(
                area.Acts(area, "preview_pipeline", pipeline=pipeline.name, step=values["step"],
                          flow=values["flow"], limit=int(values["limit"]))
            )  # fmt: skip

    area.app.push_screen(form, answered)


def _ask_training(area: Area, view: PipelineView) -> None:
    """A field for the data and one for every declared parameter."""
    pipeline = view.pipeline
    form = Form(
        f"Train {pipeline.name}",
        (
            Field(id="data", label=pipeline.input, value="latest", is_required=True,
                  hint="v7, latest"),
            *training_form.param_fields(pipeline.params),
            training_form.more_field(),
            Field(id="note", label="note", hint="why this run"),
        ),
        facts=(("makes", "a run and the next version, judged by its gates"),),
        yes="train",
    )  # fmt: skip

    def answered(answer: Any) -> None:
        if answer is None:
            return
        values = answer.values
        data = {} if values["data"] == "latest" else {pipeline.input: values["data"]}
        params = training_form.changed_params(pipeline.params, values)
        area.post_message(
            area.Acts(area, "start_training", pipeline=pipeline.name, params=params, data=data,
                      note=values.get("note", ""))
        )  # fmt: skip

    area.app.push_screen(form, answered)


def _rows_fault(value: str) -> str:
    return "" if value.isdigit() and 0 < int(value) <= 1000 else "a number from 1 to 1000"
