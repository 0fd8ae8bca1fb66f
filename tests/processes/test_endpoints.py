"""Endpoints through real processes: served, watched, killed, taken over; no answer is lost."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest

from console.client.client import Client
from console.errors import ConflictError, UnavailableError
from console.wire import endpoints as wire
from console.wire import models as model_wire
from console.wire import people as people_wire
from console.wire.endpoints import AddLabels, EndpointName, SetTraffic, StartEndpoint
from console.wire.models import RollbackModel, SetThreshold
from console.wire.people import ListLedger
from storage.records.endpoints import Label
from storage.workspace import Workspace
from tests.conftest import RunningAgent, Said, start_agent_process, until
from tests.processes.endpoint_process import (
    NAME,
    Caller,
    register,
    requests_of,
    start,
    until_state,
    view,
)
from tests.serving.trained import Trained, train_plain

pytestmark = pytest.mark.process


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Trained, Trained]:
    """Two versions of a model, made once; their objects are copied into each test's workspace."""
    made = Workspace.create(tmp_path_factory.mktemp("trained"))
    return made, train_plain(made, trees=5), train_plain(made, seed=1, trees=6)


@pytest.fixture
def served(
    workspace: Workspace, trained: tuple[Workspace, Trained, Trained]
) -> Iterator[tuple[RunningAgent, Client, Trained]]:
    """An agent whose endpoint answers; two versions are registered, the first one is champion."""
    made, first, second = trained
    shutil.copytree(made.objects, workspace.objects, dirs_exist_ok=True)
    register(workspace, first, second)
    agent = RunningAgent(workspace, start_agent_process(workspace))
    client = Client(workspace, start=False)
    start(client)
    yield agent, client, first
    client.close()
    agent.stop()
    if agent.process.stderr is not None:
        agent.process.stderr.close()


Served = tuple[RunningAgent, Client, Trained]


def url(client: Client) -> str:
    endpoint = view(client).endpoint
    return f"http://{endpoint.host}:{endpoint.port}"


def until_counted(client: Client, n: int) -> None:
    until(lambda: view(client).total_requests >= n, f"{n} requests being counted")


def test_requests_are_counted_and_labels_make_an_accuracy(served: Served) -> None:
    _, client, model = served
    address = url(client)
    answers = [
        httpx.post(f"{address}/predict", json=row | {"request_id": f"r{number}"}).json()
        for number, row in enumerate(model.rows[:40])
    ]
    refused = httpx.post(f"{address}/predict", json=model.rows[0] | {"x0": "text"})
    assert refused.status_code == 422
    until_counted(client, 41)

    labels = tuple(
        Label(
            request_id=f"r{number}",
            endpoint=NAME,
            label=float(answer["decision"]),
            received_at=view(client).endpoint.created_at,
        )
        for number, answer in enumerate(answers)
    )
    client.call(wire.add_labels, AddLabels(endpoint=NAME, labels=labels))

    found = until(lambda: v if (v := view(client)).label_coverage == 1.0 else None, "labels")
    assert found is not None
    assert sum(point.labelled for point in found.accuracy) == 40
    assert {point.realised for point in found.accuracy} == {1.0}
    assert found.total_requests == 41
    (version,) = found.versions
    assert (version.version, version.requests, version.error_ratio) == (1, 41, 0.0)
    assert version.p99_ms is not None and 0.0 < version.p99_ms < 5000.0
    kept = requests_of(client)
    assert {each.request_id for each in kept if each.outcome == "ok"} == {
        f"r{number}" for number in range(40)
    }
    assert [each.status for each in kept if each.outcome == "invalid"] == [422]
    until(lambda: view(client).saturation is not None, "a reading of the load")


def test_killing_the_agent_loses_no_answer_and_counts_none_twice(served: Served) -> None:
    agent, client, model = served
    pid = view(client).endpoint.pid
    with Caller(url(client), model.rows) as caller:
        for target in (60, 160, 260):
            until(lambda n=target: len(caller.answered) >= n, f"{target} answers")
            agent.kill()
            agent.start_again()
        until(lambda: len(caller.answered) >= 320, "320 answers")
    assert caller.failures == []

    until_counted(client, len(caller.answered))

    assert view(client).total_requests == len(caller.answered)
    kept = [each.request_id for each in requests_of(client)]
    assert sorted(kept) == sorted(caller.answered)
    assert sum(point.rate * point.width_s for point in view(client).points[:-1]) <= len(kept)
    assert view(client).endpoint.pid == pid


def test_a_killed_process_comes_back_and_what_it_answered_is_counted(served: Served) -> None:
    _, client, model = served
    before = view(client).endpoint
    with Caller(url(client), model.rows) as caller:
        until(lambda: len(caller.answered) >= 100, "100 answers")
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        until(lambda: caller.failures, "a failure while nobody listens")
        until(lambda: len(caller.answered) >= 150, "answers of the next process")
    until_state(client, "ready")

    after = view(client).endpoint
    assert after.pid != before.pid and after.port == before.port
    # The journal is written five times a second: only answers of that last moment may be missing.
    least = len(caller.answered) - 60
    until(lambda: len(requests_of(client)) >= least, f"{least} requests in the store")
    ids = [each.request_id for each in requests_of(client)]
    assert len(ids) == len(set(ids))
    assert set(ids) <= set(caller.answered)
    ledger = client.call(people_wire.list_ledger, ListLedger())
    (restart,) = [each for each in ledger if each.action == "endpoint.restart"]
    assert "killed by SIGKILL" in restart.summary


def test_rollback_and_threshold_reach_the_process_without_a_failed_request(
    served: Served, cli: Callable[..., Said]
) -> None:
    agent, client, model = served
    with Caller(url(client), model.rows) as caller:
        until(lambda: len(caller.answered) >= 20, "20 answers")
        promoted = cli(
            agent.workspace, "model", "promote", f"{NAME}@v2", "--override", "--reason", "test"
        )
        assert promoted.code == 0, promoted
        until_state(client, "ready")
        assert [route.version for route in view(client).endpoint.routes] == [2]
        client.call(model_wire.rollback_model, RollbackModel(model=NAME))
        client.call(
            model_wire.set_threshold,
            SetThreshold(model=NAME, version="1", value=0.0, reason="say yes to all"),
        )
        until_state(client, "ready")
        answer = httpx.post(f"{url(client)}/predict", json=model.rows[0]).json()
        assert answer["decision"] is True or answer["decision"] == 1
        seen = len(caller.answered)
        until(lambda: len(caller.answered) >= seen + 20, "20 more answers")
    assert caller.failures == []
    marks = [mark.text for mark in view(client).marks]
    assert "v2 champion" in marks and "rollback to v1" in marks


def test_a_canary_gets_its_share_and_both_versions_are_told_apart(served: Served) -> None:
    _, client, model = served
    request = SetTraffic(endpoint=NAME, weights={"champion": 50, "v2": 50}, reason="try v2")
    client.call(wire.set_traffic, request)
    until_state(client, "ready")
    with Caller(url(client), model.rows, pause_s=0.0) as caller:
        until(lambda: len(caller.answered) >= 200, "200 answers")
    assert caller.failures == []
    until_counted(client, len(caller.answered))

    found = {each.version: each for each in view(client).versions}

    assert set(found) == {1, 2}
    assert (found[1].name, found[2].name) == ("champion", "canary")
    assert min(found[1].requests, found[2].requests) > 50


def test_stopping_drains_and_the_next_start_keeps_the_port(served: Served) -> None:
    _, client, _ = served
    before = view(client).endpoint
    client.call(wire.stop_endpoint, EndpointName(endpoint=NAME))
    stopped = until_state(client, "stopped").endpoint
    assert stopped.pid is None and before.pid is not None
    assert not psutil.pid_exists(before.pid)
    with pytest.raises(ConflictError, match="stopped already"):
        client.call(wire.stop_endpoint, EndpointName(endpoint=NAME))

    after = start(client).endpoint

    assert after.port == before.port
    assert after.pid != before.pid


def test_a_port_in_use_is_said_before_anything_is_started(served: Served) -> None:
    _, client, _ = served
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError) as refused:
            client.call(wire.start_endpoint, StartEndpoint(endpoint="other", model=NAME, port=port))
    assert f"port {port} on 127.0.0.1 is in use" in refused.value.message
    assert "--port 0" in refused.value.hint
    assert [each.endpoint.name for each in _all(client)] == [NAME]


def test_an_agent_killed_while_starting_leaves_one_process_not_two(served: Served) -> None:
    agent, client, _ = served
    client.call(wire.stop_endpoint, EndpointName(endpoint=NAME))
    until_state(client, "stopped")
    for _ in range(3):
        client.call(wire.start_endpoint, StartEndpoint(endpoint=NAME))
        agent.kill()
        agent.start_again()
        until_state(client, "ready")
        assert len(_serving(agent.workspace)) == 1
        client.call(wire.stop_endpoint, EndpointName(endpoint=NAME))
        until_state(client, "stopped")
        assert _serving(agent.workspace) == []


def test_a_taken_port_is_waited_for_and_said(served: Served) -> None:
    _, client, _ = served
    endpoint = view(client).endpoint
    client.call(wire.stop_endpoint, EndpointName(endpoint=NAME))
    until_state(client, "stopped")
    in_use = f"port {endpoint.port} .* is in use"
    with (
        socket.create_server((endpoint.host, endpoint.port)),
        pytest.raises(UnavailableError, match=in_use),
    ):
        client.call(wire.start_endpoint, StartEndpoint(endpoint=NAME))
    start(client)
    pid = view(client).endpoint.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        until(lambda: _bind(thief, endpoint.host, endpoint.port), "the port being free")
        thief.listen()
        failed = until(
            lambda: e if "in use" in (e := view(client).endpoint).reason else None, "the reason"
        )
        assert failed is not None and failed.state == "failed"
    assert until_state(client, "ready").endpoint.port == endpoint.port


def test_commands_say_the_same_as_text_and_as_json(
    served: Served, cli: Callable[..., Said]
) -> None:
    agent, client, model = served
    for row in model.rows[:5]:
        httpx.post(f"{url(client)}/predict", json=row)
    until_counted(client, 5)

    def said(*words: str) -> str:
        found = cli(agent.workspace, *words)
        assert found.code == 0, found
        return found.out

    assert f"{url(client)}  v1 champion 100 %" in said("endpoint", "show", NAME)
    assert "5 in all" in said("endpoint", "show", NAME, "--window", "10m")
    assert '"total_requests":5' in said("endpoint", "list", "--json")
    assert said("endpoint", "requests", NAME).count("ok") == 5
    assert "p99_ms" in said("alert", "rules")
    assert "No alert is open." in said("alert", "list")
    assert "1 ready" in said("agent", "status")
    wrong = cli(agent.workspace, "endpoint", "show", "plan")
    assert (wrong.code, wrong.err.splitlines()[-1]) == (4, "Did you mean plain?")


def _serving(workspace: Workspace) -> list[int]:
    """Serving processes of a workspace, whoever started them."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        is_shim = "--" in words
        is_ours = "console.serving.main" in words and str(workspace.root) in words
        if is_ours and not is_shim and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def _bind(taker: socket.socket, host: str, port: int) -> bool:
    try:
        taker.bind((host, port))
    except OSError:
        return False
    return True


def _all(client: Client) -> list[Any]:
    from console.wire.routes import Nothing

    found: list[Any] = client.call(wire.list_endpoints, Nothing())
    return found
