"""What needs a person comes first, worst on top; stages stand in the order of work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.agent import overview
from console.agent.context import Agent
from console.agent.needs import needs_of
from console.agent.overview import Facts, Judged
from console.agent.rows.agent import get_overview, get_status
from console.agent.stages import stages_of
from console.wire.routes import Nothing
from storage.records.alerts import Alert
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.endpoints import Endpoint
from storage.records.jobs import Job, Progress
from storage.records.models import GateReport, ModelVersion
from storage.records.people import Approval
from storage.records.results import Result, Verdict
from tests.agent.endpoint_at_work import agent_with_endpoint, ask, call_of, clock_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOTHING = Facts(
    datasets=[], data_versions=[], jobs=[], runs=[], models=[], judged=[], endpoints=[],
    alerts=[], approvals=[], actions=[], people=[],
)  # fmt: skip


def job(number: int, state: str, title: str = "train delays", **more: object) -> Job:
    known = Job(
        id=number, kind="train", title=title, spec={}, state="queued", result={},
        created_at=NOW - timedelta(minutes=9), created_by="ana",
        ended_at=NOW - timedelta(minutes=5),
    )  # fmt: skip
    return replace(known, state=state, **more)


def judged(verdict: Verdict, *aliases: str) -> Judged:
    version = ModelVersion(
        model="delays", version=5, digest="5" * 64, metrics={}, gate_counts={}, verdict=verdict,
        aliases=aliases, created_at=NOW - timedelta(minutes=40), created_by="ana",
    )  # fmt: skip
    results = (
        Result(name="recall", value=0.606, verdict=verdict, reason="recall straddles 0.600",
               n_needed=136_000),
        Result(name="auc", value=0.74, verdict="pass"),
    )  # fmt: skip
    return Judged(
        version=version,
        gates=GateReport(model="delays", version=5, results=results, verdict=verdict, reasons={}),
    )


def alert(number: int, severity: str, minutes: int, state: str = "firing") -> Alert:
    return Alert(
        id=number, rule="drift", kind="drift", endpoint="delays", state=state, severity=severity,
        title=f"alert {number}", result=Result(name="psi"),
        opened_at=NOW - timedelta(minutes=minutes), changed_at=NOW,
    )  # fmt: skip


def test_needs_stand_worst_first_then_newest_first() -> None:
    facts = replace(
        NOTHING,
        alerts=[alert(1, "warn", 1), alert(2, "fail", 30), alert(3, "fail", 2),
                alert(4, "fail", 1, "acknowledged")],
        judged=[judged("inconclusive")],
        jobs=[job(7, "failed", reason="ended with exit code 1")],
    )  # fmt: skip

    found = needs_of(facts, NOW)

    assert [need.target for need in found] == [
        "alert:3", "job:7", "alert:2", "alert:1", "model:delays@v5",
    ]  # fmt: skip
    gate = found[-1]
    assert gate.title == "delays v5: recall straddles 0.600"
    assert gate.detail == "136 000 more judged rows would settle it"
    assert (gate.kind, gate.next) == ("gate", "inspect")


def test_what_was_done_again_or_decided_needs_nobody() -> None:
    facts = replace(
        NOTHING,
        jobs=[job(8, "succeeded"), job(7, "failed"), job(6, "failed", "data add flights",
              ended_at=NOW - timedelta(days=2))],
        judged=[judged("fail", "champion")],
        approvals=[Approval(id=1, action="model.promote", subject="s", requested_by="ben",
                            requested_at=NOW, needs_role="devops", state="approved")],
    )  # fmt: skip
    assert needs_of(facts, NOW) == ()


def test_broken_data_endpoints_and_open_requests_are_named() -> None:
    flights = Dataset(
        name="flights", created_at=NOW, created_by="ben", latest_version=7, latest_at=NOW,
        verdict="warn", version_count=7,
    )  # fmt: skip
    version = DatasetVersion(
        dataset="flights", version=7, digest="7" * 64, rows=10, bytes=1, source_facts={},
        warning_count=2, verdict="warn", created_at=NOW, created_by="ben",
    )  # fmt: skip
    down = Endpoint(
        name="delays", model="delays", port=1, state="failed", desired="started",
        reason="its process was killed by SIGKILL", created_at=NOW, created_by="ana",
    )  # fmt: skip
    asks = Approval(
        id=3, action="model.promote", subject="delays@v5 -> champion", requested_by="ben",
        requested_at=NOW, needs_role="devops",
    )  # fmt: skip
    facts = replace(
        NOTHING, datasets=[flights], data_versions=[version], endpoints=[down], approvals=[asks]
    )

    found = {need.target: need for need in needs_of(facts, NOW)}

    assert found["data:flights@v7"].title == "flights@v7: 2 warnings"
    assert found["endpoint:delays"].detail == "its process was killed by SIGKILL"
    assert found["approval:3"].title == "ben asks for delays@v5 -> champion"
    stages = {stage.stage: stage for stage in stages_of(facts, None, None)}
    assert list(stages) == ["data", "training", "validation", "serving", "monitoring", "pipeline"]
    assert (stages["data"].state, stages["data"].fact) == ("warn", "10 rows, 2 warnings")


def test_a_running_training_shows_how_far_it_is() -> None:
    progress = Progress(done=3, total=5, unit="fold", text="fold 3 of 5, AUC 0.741")
    facts = replace(NOTHING, jobs=[job(118, "running", progress=progress)])
    training = stages_of(facts, None, None)[1]
    assert (training.state, training.latest, training.fact) == (
        "running", "run 118", "fold 3 of 5, AUC 0.741",
    )  # fmt: skip
    assert training.progress_ratio == pytest.approx(0.6)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_with_endpoint(tmp_path / "w") as made:
        yield made


async def test_the_overview_of_a_served_model_has_its_signals(agent: Agent) -> None:
    ask(agent, 200, seconds=10.0)
    clock_of(agent).move(2.0)

    found = await get_overview(call_of(agent), Nothing())

    assert found.endpoint is not None and found.endpoint.total_requests == 200
    serving = next(stage for stage in found.stages if stage.stage == "serving")
    assert (serving.state, serving.latest) == ("ok", "delays v1 100 %")
    assert serving.fact.startswith("20 req/s, p99 2")
    assert not found.is_empty
    assert [(step.name, step.is_done) for step in found.first_steps] == [
        ("add data", False), ("train", False), ("check", False), ("serve", True),
    ]  # fmt: skip
    status = await get_status(call_of(agent), Nothing())
    assert (status.endpoints_ready, status.is_read_only) == (1, False)
    assert status.name == "w"


async def test_an_empty_workspace_shows_four_steps_and_nothing_else(tmp_path: Path) -> None:
    with agent_with_endpoint(tmp_path / "w", declaration="") as agent:
        facts = await agent.read(overview.look)
        assert len(facts.endpoints) == 1
        agent.database.write(lambda c: c.execute("DELETE FROM endpoints"))
        agent.database.write(lambda c: c.execute("DELETE FROM model_versions"))
        agent.database.write(lambda c: c.execute("DELETE FROM models"))

        found = await get_overview(call_of(agent), Nothing())

    assert found.is_empty and found.stages == () and found.needs == ()
    assert [step.is_done for step in found.first_steps] == [False] * 4
    assert all(step.command.startswith("mlops-console ") for step in found.first_steps)
