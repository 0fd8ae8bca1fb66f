"""What can be done with an endpoint, each with its shell command and its question."""

from __future__ import annotations

from typing import Any

from console import text
from console.tui.acting import Deed
from console.tui.areas.base import Area, Choice
from console.tui.areas.questions import rollback
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from storage.records.endpoints import EndpointView

COMMAND = "mlops-console"


def choices(view: EndpointView | None) -> list[Choice]:
    """The actions menu; without an endpoint the first one can be started."""
    if view is None:
        return [Choice(id="start_endpoint", label="serve a model", key="g",
                       command=f"{COMMAND} endpoint start NAME --model NAME")]  # fmt: skip
    name, model = view.endpoint.name, view.endpoint.model
    is_running = view.endpoint.state in ("ready", "starting")
    return [
        Choice(id="rollback_model", label=f"roll {model} back to the version before", key="b",
               command=f"{COMMAND} model rollback {model}"),
        Choice(id="set_traffic", label="share the traffic between versions", key="t",
               command=f"{COMMAND} endpoint traffic {name} champion=90 latest=10",
               why_not="" if is_running else "it does not run"),
        Choice(id="start_training", label=f"train {model} on the latest data", key="r",
               command=f"{COMMAND} train {model}"),
        Choice(id="stop_endpoint", label=f"stop {name}", key="s", is_destructive=True,
               command=f"{COMMAND} endpoint stop {name}",
               why_not="" if is_running else "it does not run"),
        Choice(id="start_endpoint", label=f"start {name}", key="g",
               command=f"{COMMAND} endpoint start {name}",
               why_not="it runs already" if is_running else ""),
    ]  # fmt: skip


def do(area: Area, view: EndpointView | None, action: str) -> None:
    """Ask what has to be asked, then post it."""
    if view is None:
        _ask_start(area)
        return
    name, model = view.endpoint.name, view.endpoint.model
    if action == "rollback_model":
        question = rollback(model, f"endpoint {name}")
        area.post_message(Area.Acts(area, action, ask=question, model=model))
    elif action == "set_traffic":
        _ask_traffic(area, view)
    elif action == "start_training":
        area.post_message(Area.Acts(area, action, pipeline=model, params={}, data={}))
    elif action == "stop_endpoint":
        question = Question(
            sentence=f"Stop endpoint {name}?",
            facts=(("changes", "requests are refused until it is started again"),
                   ("undo", f"u, or {COMMAND} endpoint start {name}")),
            yes="stop it",
        )  # fmt: skip
        area.post_message(Area.Acts(area, action, ask=question, endpoint=name))
    else:
        area.post_message(Area.Acts(area, action, endpoint=name))


def _ask_start(area: Area) -> None:
    """The first endpoint of a workspace."""
    question = Question(
        sentence="Serve a model?",
        facts=(("changes", "a process answers over HTTP, on this machine only"),),
        fields=(Field(id="endpoint", label="endpoint", is_required=True, hint="its name"),
                Field(id="model", label="model", hint="empty = as the endpoint is called")),
        yes="serve it",
        warns=False,
    )  # fmt: skip
    area.post_message(Area.Acts(area, "start_endpoint", ask=question))


def _ask_traffic(area: Area, view: EndpointView) -> None:
    """A canary in one question: the newest version gets a tenth."""
    from console.tui.dialogs.form import Form

    name = view.endpoint.name
    routes = [route for route in view.endpoint.routes if not route.is_shadow]
    now = ", ".join(f"v{route.version} {text.percent(route.weight, 0)}" for route in routes)
    before = {f"v{route.version}": 100 * route.weight for route in routes}
    undo = Deed(action="set_traffic", arguments={"endpoint": name, "weights": before},
                words=f"share the traffic of {name} as before: {now}")  # fmt: skip
    form = Form(
        f"Share the traffic of {name}",
        (
            Field(id="version", label="version", value="latest", is_required=True,
                  hint="v5, latest, challenger"),
            Field(id="percent", label="percent", value="10", is_required=True,
                  check=_percent_fault),
        ),
        facts=(("now", now), ("rest", "stays with the champion"), ("undo", "u")),
        yes="share it",
    )  # fmt: skip

    def answered(answer: Any) -> None:
        if answer is None:
            return
        share = float(answer.values["percent"])
        weights = {"champion": 100.0 - share, answer.values["version"]: share}
        area.post_message(Area.Acts(area, "set_traffic", endpoint=name, weights=weights, undo=undo))

    area.app.push_screen(form, answered)


def _percent_fault(value: str) -> str:
    try:
        share = float(value)
    except ValueError:
        return "a number from 0 to 100"
    return "" if 0 <= share <= 100 else "a number from 0 to 100"
