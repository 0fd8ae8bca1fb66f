"""What the reader decided becomes one call; its answer a sentence and, where there is one, undo."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from console import errors
from console.client.client import Client
from console.tui.acting import Deed, carry_out
from console.wire.models import Promotion
from storage.records.models import AliasChange, ThresholdChange
from tests.tui.areas.invented import ALERT, APPROVAL, BEN, ENDPOINT, JOB

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass
class Line:
    """Answers every call and keeps it."""

    answer: Any
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def call(self, route: Any, request: Any, *, timeout_s: float) -> Any:
        self.calls.append((route.name, request))
        return self.answer


def do(answer: Any, action: str, **arguments: Any) -> tuple[Line, Any]:
    line = Line(answer)
    return line, carry_out(cast(Client, line), action, arguments)


def test_a_promotion_is_taken_back_by_pointing_the_alias_back() -> None:
    change = AliasChange(model="delays", alias="champion", version=5, previous=4, at=NOW, by="ana")
    line, done = do(
        Promotion(change=change, message="delays@v5 is champion now."), "promote_model",
        model="delays", version="5", override=False, reason="",
    )  # fmt: skip
    assert line.calls[0][0] == "promote_model" and line.calls[0][1].version == "5"
    assert done.sentence == "delays@v5 is champion now"
    assert done.undo.action == "rollback_model"
    assert done.undo.arguments["version"] == "4" and "v4" in done.undo.words


def test_what_waits_for_somebody_else_has_nothing_to_take_back() -> None:
    waiting = Promotion(approval=APPROVAL, message="ben must say yes")
    _, done = do(waiting, "promote_model", model="delays", version="5")
    assert done.undo is None


def test_a_threshold_goes_back_to_what_it_was() -> None:
    change = ThresholdChange(
        model="delays", version=5, value=0.3, previous=0.34, at=NOW, by="ana", figures={}
    )
    line, done = do(change, "set_threshold", model="delays", version="5", value=0.3, reason="why")
    assert line.calls[0][1].value == 0.3
    assert done.sentence == "delays@v5 says yes from 0.3 on now"
    assert done.undo.arguments["value"] == 0.34 and done.undo.arguments["reason"] == "taken back"


def test_roles_are_given_and_taken() -> None:
    _, done = do(BEN, "grant_role", name="ben", role="data-engineer")
    assert done.sentence == "ben may act as data-engineer now"
    assert done.undo == Deed(
        action="revoke_role", arguments={"name": "ben", "role": "data-engineer"},
        words="take data-engineer from ben again",
    )  # fmt: skip


def test_the_area_may_know_the_way_back_itself() -> None:
    undo = Deed(action="set_traffic", arguments={}, words="as before")
    line, done = do(
        ENDPOINT, "set_traffic", endpoint="delays", weights={"v5": 100.0}, undo=undo
    )  # fmt: skip
    assert done.undo is undo and not hasattr(line.calls[0][1], "undo")
    assert done.sentence == "endpoint delays is ready, v4 90 % and v5 10 %"


def test_a_job_and_an_alert_say_their_state() -> None:
    _, job = do(JOB, "start_training", pipeline="delays", params={}, data={})
    _, alert = do(ALERT, "acknowledge_alert", id="56")
    assert job.sentence == "job 118 running: train delays" and job.undo is None
    assert alert.sentence == "alert 56 is firing"


def test_an_unknown_action_and_a_wrong_value_are_refused_in_words() -> None:
    with pytest.raises(errors.ConsoleError, match="there is no action 'fly'"):
        do(None, "fly")
    with pytest.raises(errors.UsageError, match="cannot acknowledge alert"):
        do(ALERT, "acknowledge_alert", id="many")
