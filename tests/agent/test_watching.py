"""What the agent makes of traffic: figures with intervals, alerts that fire, wait and clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from console.agent import endpoint_drift, endpoint_view
from console.agent.context import Agent
from console.agent.rows import alerts as handlers
from console.agent.rows import endpoints as endpoint_handlers
from console.agent.watching import Watching
from console.errors import ConflictError, InvalidError
from console.wire import alerts as wire
from console.wire.alerts import AcknowledgeAlert, AlertId, ListAlerts, SilenceAlert
from console.wire.endpoints import AddLabels, EndpointWindow
from storage.records.alerts import Alert
from storage.records.endpoints import Endpoint, EndpointView, Label, RequestEvent
from storage.tables import endpoints
from tests.agent.endpoint_at_work import (
    DECLARATION,
    agent_with_endpoint,
    ask,
    call_of,
    clock_of,
)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_with_endpoint(tmp_path / "w") as made:
        yield made


def endpoint_of(agent: Agent) -> Endpoint:
    found = agent.database.read(lambda c: endpoints.get_endpoint(c, "delays"))
    assert found is not None
    return found


async def view(agent: Agent, window_s: float = 600.0) -> EndpointView:
    agent.caches.clear()
    window = EndpointWindow(endpoint="delays", window_s=window_s, points=60)
    return await endpoint_view.view(agent, endpoint_of(agent), window)


async def tell(agent: Agent, events: list[RequestEvent], *, wrong: int) -> None:
    """The truth about requests: the first `wrong` of them were decided wrongly."""
    labels = tuple(
        Label(
            request_id=each.request_id,
            endpoint="delays",
            label=float(bool(each.decision) != (number < wrong)),
            received_at=each.at,
        )
        for number, each in enumerate(events)
    )
    await endpoint_handlers.add_labels(call_of(agent), AddLabels(endpoint="delays", labels=labels))


async def open_alerts(agent: Agent) -> list[Alert]:
    return await handlers.list_alerts(call_of(agent), ListAlerts(state="open"))


async def test_the_view_counts_rates_errors_and_latency_of_the_window(agent: Agent) -> None:
    ask(agent, 300, seconds=10.0)
    ask(agent, 100, seconds=10.0, outcome="error", latency_ms=60.0)
    clock_of(agent).move(1.6)

    found = await view(agent)

    assert found.total_requests == 400
    assert [point.rate for point in found.points] == [30.0, 10.0, 0.0]
    assert [point.error_ratio for point in found.points] == [0.0, 1.0, None]
    assert found.now is not None and found.now.rate == 10.0
    assert found.points[0].p50_ms == pytest.approx(20.0, rel=0.03)
    assert found.points[1].p99_ms == pytest.approx(66.0, rel=0.03)
    assert found.points[0].positive_ratio == 0.5
    assert found.slo_burn is not None and found.slo_burn > 10


async def test_accuracy_stands_beside_its_estimate_and_matures_with_the_labels(
    agent: Agent,
) -> None:
    events = ask(agent, 200, seconds=20.0)
    (before,) = (await view(agent)).accuracy
    assert (before.n, before.labelled, before.realised, before.is_mature) == (200, 0, None, False)
    assert before.estimated == pytest.approx(0.8, abs=0.01)
    assert before.estimated_low is not None and before.estimated_low < 0.8

    await tell(agent, events, wrong=40)
    clock_of(agent).move(300.0)
    await Watching(agent).tick()

    found = await view(agent)
    (point,) = found.accuracy
    assert point.labelled == 200
    assert point.realised == pytest.approx(0.8, abs=0.01)
    assert point.realised_low is not None and point.realised_low < 0.8 < (point.realised_high or 0)
    assert point.is_mature
    assert (found.accuracy_metric, found.accuracy_must, found.accuracy_reference) == (
        "recall", 0.5, 0.8,
    )  # fmt: skip
    assert found.label_coverage == 1.0


async def test_a_column_that_moves_is_named_with_its_size(agent: Agent) -> None:
    ask(agent, 1000, seconds=60.0, humid=62.0)

    report = await endpoint_drift.report(agent, endpoint_of(agent), window_s=120.0)

    first = report.columns[0]
    assert (first.column, first.verdict, first.is_drifted) == ("humid", "fail", True)
    assert first.primary.value is not None and first.primary.value > 0.25
    assert {each.verdict for each in report.columns[1:]} == {"pass"}
    assert report.rows_after == 1000


async def test_an_alert_needs_two_bad_looks_and_three_good_ones_to_clear(agent: Agent) -> None:
    watching = Watching(agent)

    async def look(humid: float) -> list[Alert]:
        ask(agent, 600, seconds=60.0, humid=humid)
        await watching.tick()
        return await open_alerts(agent)

    assert await look(80.0) == []
    (alert,) = await look(80.0)
    assert (alert.kind, alert.column, alert.state) == ("drift", "humid", "firing")
    assert "humid moved, PSI" in alert.title
    assert alert.value is not None and alert.limit == 0.25 and alert.value > alert.limit

    detail = await handlers.get_alert(call_of(agent), AlertId(id=alert.id))
    kinds = [step.kind for step in detail.causes]
    assert kinds == ["alert", "column", "data", "version"]
    column = detail.causes[1]
    assert column.target == "drift:delays/humid" and column.before and column.after
    assert "delays@v1 was trained on flights@v1" in detail.causes[3].title
    assert any(remedy.command.startswith("mlops-console ") for remedy in detail.remedies)

    # The first look still holds a minute of what moved.
    for _ in range(3):
        assert [each.id for each in await look(50.0)] == [alert.id]
    assert await look(50.0) == []
    (line, *_) = (await handlers.get_alert(call_of(agent), AlertId(id=alert.id))).events
    assert line.state == "resolved"

    # What comes back within half an hour is the same alert again.
    await look(80.0)
    assert [each.id for each in await look(80.0)] == [alert.id]


async def test_alerts_are_taken_and_silenced_by_people_and_wake_up_again(agent: Agent) -> None:
    watching = Watching(agent)
    for _ in range(2):
        ask(agent, 600, seconds=60.0, humid=80.0)
        await watching.tick()
    (alert,) = await open_alerts(agent)
    call = call_of(agent, "ben")

    taken = await handlers.acknowledge_alert(call, AcknowledgeAlert(id=alert.id, note="looking"))
    assert (taken.state, taken.acknowledged_by, taken.note) == ("acknowledged", "ben", "looking")
    ask(agent, 600, seconds=60.0, humid=80.0)
    await watching.tick()
    assert [each.state for each in await open_alerts(agent)] == ["acknowledged"]

    silenced = await handlers.silence_alert(call, SilenceAlert(id=alert.id, minutes=10))
    assert silenced.silenced_until == agent.clock.now() + timedelta(minutes=10)
    with pytest.raises(InvalidError, match="cannot be silenced for"):
        await handlers.silence_alert(call, SilenceAlert(id=alert.id, minutes=-1))
    clock_of(agent).move(601.0)
    await watching.tick()
    assert [each.state for each in await open_alerts(agent)] == ["firing"]
    events = (await handlers.get_alert(call, AlertId(id=alert.id))).events
    assert events[0].text == "the silence is over"


async def test_three_columns_that_move_together_are_one_incident(agent: Agent) -> None:
    from console.agent import judging
    from console.agent.incidents import Incidents

    ask(agent, 600, seconds=60.0, humid=80.0)
    endpoint = endpoint_of(agent)
    rule = next(each for each in judging.rules_for(agent, endpoint) if each.kind == "drift")
    (humid, *_) = await judging.judge(agent, endpoint, rule)
    moved = [replace(humid, column=name, title=f"{name} moved") for name in ("a", "b", "c", "d")]
    incidents = Incidents(agent)

    assert await incidents.take(endpoint, rule, moved, []) is None
    alert = await incidents.take(endpoint, rule, moved, [])

    assert alert is not None
    assert alert.title.startswith("a, b and 2 more moved")
    assert [each.id for each in await open_alerts(agent)] == [alert.id]


async def test_an_alert_about_a_version_ends_when_another_one_answers(agent: Agent) -> None:
    watching = Watching(agent)
    for _ in range(2):
        ask(agent, 600, seconds=60.0, humid=80.0)
        await watching.tick()
    (alert,) = await open_alerts(agent)
    assert alert.version == 1
    route = replace(endpoint_of(agent).routes[0], version=2)
    agent.database.write(
        lambda c: endpoints.set_endpoint_routes(c, "delays", routes=(route,), generation=2)
    )
    ask(agent, 600, seconds=60.0, humid=80.0, version=2)
    await watching.tick()

    assert await open_alerts(agent) == []
    detail = await handlers.get_alert(call_of(agent), AlertId(id=alert.id))
    assert detail.events[0].text == (
        "v2 answers now and is held against its own training data, not that of v1"
    )

    # The new version is looked at anew: it takes two looks of its own.
    ask(agent, 600, seconds=60.0, humid=80.0, version=2)
    await watching.tick()
    (again,) = await open_alerts(agent)
    assert (again.version, again.id != alert.id) == (2, True)


async def test_too_few_requests_never_fire(agent: Agent) -> None:
    watching = Watching(agent)
    for _ in range(4):
        ask(agent, 40, seconds=60.0, humid=90.0, latency_ms=900.0, outcome="error")
        await watching.tick()
    assert await open_alerts(agent) == []
    said = await handlers.test_alert(call_of(agent), wire.TestAlert(endpoint="delays"))
    drift = [each for each in said if each.kind == "drift"]
    assert drift and {each.result.verdict for each in drift} == {"inconclusive"}


async def test_slow_and_failing_answers_fire_and_point_at_the_last_change(agent: Agent) -> None:
    watching = Watching(agent)
    for _ in range(3):
        ask(agent, 400, seconds=30.0, latency_ms=900.0, outcome="error")
        await watching.tick()

    found = {each.kind: each for each in await open_alerts(agent)}

    assert {"latency", "errors"} <= set(found)
    assert found["errors"].value == 1.0
    assert (
        "p99 of delays" in found["latency"].title and "must be ≤ 100 ms" in found["latency"].title
    )


async def test_a_stopped_endpoint_has_no_open_alert(agent: Agent) -> None:
    watching = Watching(agent)
    for _ in range(2):
        ask(agent, 600, seconds=60.0, humid=80.0)
        await watching.tick()
    (alert,) = await open_alerts(agent)
    agent.database.write(lambda c: endpoints.set_endpoint_desired(c, "delays", "stopped"))
    clock_of(agent).move(10.0)

    await watching.tick()

    assert await open_alerts(agent) == []
    with pytest.raises(ConflictError, match="resolved already"):
        await handlers.acknowledge_alert(call_of(agent), AcknowledgeAlert(id=alert.id))


async def test_declared_limits_reach_the_process_under_the_next_generation(agent: Agent) -> None:
    changed = DECLARATION.replace("100.0", "250.0", 1)
    changed = changed.replace('model = "delays"', 'model = "delays"\nlimits = { in_flight = 8 }')
    agent.workspace.declaration.write_text(changed)

    await Watching(agent).tick()

    found = endpoint_of(agent)
    assert (found.latency_limit_ms, found.limits.in_flight, found.generation) == (250.0, 8, 2)
    assert '"in_flight": 8' in agent.workspace.endpoint("delays").config.read_text()


async def test_a_disk_that_fills_up_is_said_once_and_again_when_there_is_room(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free = {"bytes": 10 * 2**30}
    monkeypatch.setattr(type(agent.database), "free_bytes", property(lambda _: free["bytes"]))
    caplog.set_level("INFO", logger="console.agent")
    watching = Watching(agent)
    for size in (10 * 2**30, 2**30, 2**30, 10 * 2**30):
        free["bytes"] = size
        clock_of(agent).move(11.0)
        await watching.tick()

    said = [each.getMessage() for each in caplog.records if "the disk of" in each.getMessage()]
    assert len(said) == 2
    assert "is getting full, 1024 MiB are free" in said[0]
    assert "has room again" in said[1]
