"""What can be done with jobs and runs, each with its shell command and its question."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from console.errors import ConsoleError
from console.rules import amounts
from console.rules.lifecycle import FINAL
from console.tui.areas import training_form
from console.tui.areas.base import Area, Choice
from console.tui.areas.jobs.log import LogView
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from console.tui.dialogs.form import Form
from storage.records.jobs import Job
from storage.records.runs import Run

COMMAND = "mlops-console"


def choices(job: Job | None, run: Run | None) -> list[Choice]:
    """The actions menu for what the cursor is on."""
    found: list[Choice] = []
    if run is not None:
        found += _run_choices(run)
    if job is not None:
        found += _job_choices(job, is_training=run is not None)
    found.append(
        Choice(id="start_command", label="run a program as a job", key="p",
               command=f"{COMMAND} job run -- PROGRAM ARGUMENTS")
    )  # fmt: skip
    return found


def _run_choices(run: Run) -> list[Choice]:
    is_ended = run.state in FINAL
    wait = "" if is_ended else "it still runs"
    return [
        Choice(id="retry_with", label=f"train {run.pipeline} with other parameters", key="t",
               command=f"{COMMAND} train {run.pipeline} {training_form.param_words(run.params)}",
               why_not=wait),
        Choice(id="reproduce_run", label=f"reproduce run {run.id}: same data, code and seed",
               key="r", command=f"{COMMAND} run reproduce {run.id}",
               why_not=wait or ("" if run.state == "succeeded" else "it did not succeed")),
        Choice(id="note_run", label="note something about it", key="n",
               command=f"{COMMAND} run note {run.id} TEXT"),
    ]  # fmt: skip


def _job_choices(job: Job, *, is_training: bool) -> list[Choice]:
    is_ended = job.state in FINAL
    found = []
    if not is_ended:
        asked = job.cancel_requested_by
        found.append(
            Choice(id="cancel_job", label=f"stop job {job.id}, {job.title}", key="c",
                   command=f"{COMMAND} job cancel {job.id}", is_destructive=True,
                   why_not=f"{asked} asked for it already" if asked else "")
        )  # fmt: skip
        found += _queued_choices(job) if job.state == "queued" else []
    elif not (is_training and job.state == "succeeded"):
        found.append(
            Choice(id="retry_job", label=f"do job {job.id} again, {job.title}", key="a",
                   command=f"{COMMAND} job retry {job.id}")
        )  # fmt: skip
    return found


def log_copies(log: LogView) -> list[Choice]:
    """What can be copied of a log."""
    return [
        Choice(id="log", label="the log", key="l", detail=log.text()),
        Choice(id="command", label="command", key="c", detail=f"{COMMAND} job logs {log.job_id}"),
    ]


def _queued_choices(job: Job) -> list[Choice]:
    return [
        Choice(id="set_job", label=f"another place in the queue for job {job.id}", key="q",
               command=f"{COMMAND} job set {job.id} --priority {job.priority + 1}")
    ]  # fmt: skip


def carry_out(area: Area, action: Choice, job: Job | None, run: Run | None) -> None:
    """Ask what must be asked, then have it done."""
    if action.id == "start_command":
        _ask_command(area)
    elif action.id == "cancel_job" and job is not None:
        area.post_message(area.Acts(area, "cancel_job", ask=_stop_question(job), id=job.id))
    elif action.id == "set_job" and job is not None:
        _ask_place(area, job)
    elif action.id == "retry_job" and job is not None:
        area.post_message(area.Acts(area, "retry_job", id=job.id, params={}))
    elif action.id == "retry_with" and run is not None:
        _ask_params(area, run)
    elif action.id == "reproduce_run" and run is not None:
        area.post_message(area.Acts(area, "reproduce_run", id=run.id))
    elif action.id == "note_run" and run is not None:
        question = Question(
            sentence=f"Note on run {run.id}",
            fields=(Field(id="note", label="note", value=run.note),),
            yes="keep it",
            warns=False,
        )
        area.post_message(area.Acts(area, "note_run", ask=question, id=run.id))


def _stop_question(job: Job) -> Question:
    changes = (
        "it leaves the queue"
        if job.state == "queued"
        else "it is asked to stop and made to if it does not; what it did so far is lost"
    )
    return Question(
        sentence=f"Stop job {job.id}, {job.title}?",
        facts=(("changes", changes), ("undo", f"{COMMAND} job retry {job.id} starts it anew")),
        yes="stop it",
        no="no, let it run",
    )


def _ask_params(area: Area, run: Run) -> None:
    """The run's own data and seed, with what is typed instead of its parameters."""
    form = Form(
        f"Train {run.pipeline} again with other parameters",
        training_form.param_fields(run.params),
        facts=(("from", f"run {run.id}: its data versions and its seed {run.seed}"),),
        yes="train",
    )

    def answered(answer: Any) -> None:
        if answer is not None:
            params = training_form.changed_params(run.params, answer.values)
            area.post_message(area.Acts(area, "retry_job", id=run.job_id, params=params))

    area.app.push_screen(form, answered)


def _ask_place(area: Area, job: Job) -> None:
    form = Form(
        f"Another place in the queue for job {job.id}, {job.title}",
        (
            Field(id="priority", label="priority", value=str(job.priority), is_required=True,
                  check=_priority_fault),
            Field(id="after", label="after jobs", value=" ".join(map(str, job.after)),
                  check=_after_fault, hint="118 120; empty = none"),
        ),
        facts=(("order", "higher priority goes first, then the lower number"),),
        yes="keep it",
    )  # fmt: skip

    def answered(answer: Any) -> None:
        if answer is not None:
            values = answer.values
            after = tuple(int(word) for word in values["after"].split())
            priority = int(values["priority"])
            area.post_message(area.Acts(area, "set_job", id=job.id, priority=priority, after=after))

    area.app.push_screen(form, answered)


def _priority_fault(value: str) -> str:
    return "" if value.strip().removeprefix("-").isdigit() else "a whole number such as 5"


def _after_fault(value: str) -> str:
    return "" if all(word.isdigit() for word in value.split()) else "numbers of jobs, such as 118"


def _limit_field(id: str, label: str, hint: str, read: Callable[[str], float]) -> Field:
    def fault(value: str) -> str:
        try:
            read(value)
        except ConsoleError as error:
            return error.hint.removesuffix(".").lower()
        return ""

    return Field(id=id, label=label, hint=hint, check=fault)


def _ask_command(area: Area) -> None:
    form = Form(
        "Run a program as a job",
        (
            Field(id="command", label="command", is_required=True, check=_command_fault,
                  hint="python train.py --epochs 3"),
            Field(id="title", label="title", hint="how the queue calls it"),
            _limit_field("memory", "memory", "at most, e.g. 4GB", amounts.memory_bytes),
            _limit_field("time", "time", "at most, e.g. 2h", amounts.seconds),
        ),
        facts=(("where", "in the workspace, without a shell"),),
        yes="queue it",
    )  # fmt: skip

    def answered(answer: Any) -> None:
        if answer is not None:
            command = tuple(shlex.split(answer.values["command"]))
            values = answer.values
            limits: dict[str, Any] = {}
            if values.get("memory", "").strip():
                limits["memory_bytes"] = amounts.memory_bytes(values["memory"].strip())
            if values.get("time", "").strip():
                limits["time_s"] = amounts.seconds(values["time"].strip())
            title = values.get("title", "")
            area.post_message(
                area.Acts(area, "start_command", command=command, title=title, **limits)
            )

    area.app.push_screen(form, answered)


def _command_fault(value: str) -> str:
    try:
        shlex.split(value)
    except ValueError as error:
        return str(error).lower()
    return ""
