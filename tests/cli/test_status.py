"""`status` is the overview in words, and the same facts as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.conftest import RunningAgent, Said


def test_an_empty_workspace_is_told_its_first_steps(
    agent: RunningAgent, cli: Callable[..., Said]
) -> None:
    told = cli(agent.workspace, "status")
    assert told.code == 0 and "first steps" in told.out and "data add" in told.out
    document = json.loads(cli(agent.workspace, "status", "--json").out)
    assert document["is_empty"] is True
    assert [step["is_done"] for step in document["first_steps"]] == [False] * 4


def test_a_failed_job_needs_somebody(agent: RunningAgent, cli: Callable[..., Said]) -> None:
    assert cli(agent.workspace, "job", "run", "--", "false").code != 0
    needs = json.loads(cli(agent.workspace, "status", "--json").out)["needs"]
    assert [need["kind"] for need in needs] == ["job"]
