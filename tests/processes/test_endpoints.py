"""Endpoints through real processes: served, watched, killed, taken over; no answer is lost."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import psutil
import pytest

from console.client.client import Client
from console.errors import ConflictError, UnavailableError
from console.wire import endpoints as wire
from console.wire import models as model_wire
from console.wire import people as people_wire
from console.wire.endpoints import AddLabels, SetTraffic, StartEndpoint
from console.wire.models import RollbackModel, SetThreshold
from console.wire.people import ListLedger
from console.wire.routes import Nothing
from storage.records.endpoints import Label
from storage.workspace import Workspace
from tests.conftest import RunningAgent, Said, agent_in, until
from tests.http import HTTP
from tests.processes.endpoint_process import Caller, Served, register
from tests.serving.trained import Trained, train_plain

pytestmark = pytest.mark.process


NAMES = [f"plain-{number}" for number in range(10)]
"""Models that are alike, one for each test, so that all share an agent."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningAgent, Trained]]:
    """An agent that knows the models; each has two versions, the first one is champion."""
    workspace = Workspace.create(tmp_path_factory.mktemp("endpoints"))
    first, second = train_plain(workspace, trees=5), train_plain(workspace, seed=1, trees=6)
    register(workspace, NAMES, first, second)
    with agent_in(workspace) as agent:
        yield agent, first


@pytest.fixture
def served(shop: tuple[RunningAgent, Trained]) -> Iterator[Served]:
    """An endpoint that answers and belongs to the test."""
    agent, model = shop
    with closing(Client(agent.workspace, start=False)) as client:
        taken = {each.endpoint.name for each in client.call(wire.list_endpoints, Nothing())}
        name = next(name for name in NAMES if name not in taken)
        made = Served(agent, client, model, name)
        made.start()
        yield made
        with suppress(ConflictError):  # it may be stopped already
            made.stop()


def test_commands_say_the_same_as_text_and_as_json(
    served: Served, cli: Callable[..., Said]
) -> None:
    agent = served.agent
    for row in served.model.rows[:5]:
        HTTP.post(f"{served.url}/predict", json=row)
    served.until_counted(5)

    def said(*words: str) -> str:
        found = cli(agent.workspace, *words)
        assert found.code == 0, found
        return found.out

    assert f"{served.url}  v1 champion 100 %" in said("endpoint", "show", served.name)
    assert "5 in all" in said("endpoint", "show", served.name, "--window", "10m")
    assert '"total_requests":5' in said("endpoint", "list", "--json")
    assert said("endpoint", "requests", served.name).count("ok") == 5
    assert "p99_ms" in said("alert", "rules")
    assert "No alert is open." in said("alert", "list")
    assert "1 ready" in said("agent", "status")
    wrong = cli(agent.workspace, "endpoint", "show", f"{served.name}x")
    assert (wrong.code, wrong.err.splitlines()[-1]) == (4, f"Did you mean {served.name}?")


def test_requests_are_counted_and_labels_make_an_accuracy(served: Served) -> None:
    client, model, address = served.client, served.model, served.url
    answers = [
        HTTP.post(f"{address}/predict", json=row | {"request_id": f"r{number}"}).json()
        for number, row in enumerate(model.rows[:40])
    ]
    refused = HTTP.post(f"{address}/predict", json=model.rows[0] | {"x0": "text"})
    assert refused.status_code == 422
    served.until_counted(41)

    labels = tuple(
        Label(
            request_id=f"r{number}",
            endpoint=served.name,
            label=float(answer["decision"]),
            received_at=served.endpoint.created_at,
        )
        for number, answer in enumerate(answers)
    )
    client.call(wire.add_labels, AddLabels(endpoint=served.name, labels=labels))

    found = until(lambda: v if (v := served.view()).label_coverage == 1.0 else None, "labels")
    assert found is not None
    assert sum(point.labelled for point in found.accuracy) == 40
    assert {point.realised for point in found.accuracy} == {1.0}
    assert found.total_requests == 41
    (version,) = found.versions
    assert (version.version, version.requests, version.error_ratio) == (1, 41, 0.0)
    assert version.p99_ms is not None and 0.0 < version.p99_ms < 5000.0
    kept = served.requests
    assert {each.request_id for each in kept if each.outcome == "ok"} == {
        f"r{number}" for number in range(40)
    }
    assert [each.status for each in kept if each.outcome == "invalid"] == [422]
    until(lambda: served.view().saturation is not None, "a reading of the load")


def test_killing_the_agent_loses_no_answer_and_counts_none_twice(served: Served) -> None:
    agent, model = served.agent, served.model
    pid = served.endpoint.pid
    with Caller(served.url, model.rows) as caller:
        for target in (60, 160, 260):
            until(lambda n=target: len(caller.answered) >= n, f"{target} answers")
            agent.kill()
            agent.start_again()
        until(lambda: len(caller.answered) >= 320, "320 answers")
    assert caller.failures == []

    served.until_counted(len(caller.answered))

    assert served.view().total_requests == len(caller.answered)
    kept = [each.request_id for each in served.requests]
    assert sorted(kept) == sorted(caller.answered)
    assert sum(point.rate * point.width_s for point in served.view().points[:-1]) <= len(kept)
    assert served.endpoint.pid == pid


def test_a_killed_process_comes_back_and_what_it_answered_is_counted(served: Served) -> None:
    client, model = served.client, served.model
    before = served.endpoint
    with Caller(served.url, model.rows) as caller:
        until(lambda: len(caller.answered) >= 100, "100 answers")
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        until(lambda: caller.failures, "a failure while nobody listens")
        until(lambda: len(caller.answered) >= 150, "answers of the next process")
    served.until("ready")

    after = served.endpoint
    assert after.pid != before.pid and after.port == before.port
    # The journal is written five times a second: only answers of that last moment may be missing.
    least = len(caller.answered) - 60
    until(lambda: len(served.requests) >= least, f"{least} requests in the store")
    ids = [each.request_id for each in served.requests]
    assert len(ids) == len(set(ids))
    assert set(ids) <= set(caller.answered)
    ledger = client.call(people_wire.list_ledger, ListLedger())
    subject = f"endpoint {served.name}"
    (restart,) = [e for e in ledger if (e.action, e.subject) == ("endpoint.restart", subject)]
    assert "killed by SIGKILL" in restart.summary


def test_rollback_and_threshold_reach_the_process_without_a_failed_request(
    served: Served, cli: Callable[..., Said]
) -> None:
    agent, client, model = served.agent, served.client, served.model
    with Caller(served.url, model.rows) as caller:
        until(lambda: len(caller.answered) >= 20, "20 answers")
        second = f"{served.name}@v2"
        words = ("model", "promote", second, "--override", "--reason", "test")
        promoted = cli(agent.workspace, *words)
        assert promoted.code == 0, promoted
        served.until("ready")
        assert [route.version for route in served.endpoint.routes] == [2]
        client.call(model_wire.rollback_model, RollbackModel(model=served.name))
        client.call(
            model_wire.set_threshold,
            SetThreshold(model=served.name, version="1", value=0.0, reason="say yes to all"),
        )
        served.until("ready")
        answer = HTTP.post(f"{served.url}/predict", json=model.rows[0]).json()
        assert answer["decision"] is True or answer["decision"] == 1
        seen = len(caller.answered)
        until(lambda: len(caller.answered) >= seen + 20, "20 more answers")
    assert caller.failures == []
    marks = [mark.text for mark in served.view().marks]
    assert "v2 champion" in marks and "rollback to v1" in marks


def test_a_canary_gets_its_share_and_both_versions_are_told_apart(served: Served) -> None:
    client, model = served.client, served.model
    request = SetTraffic(endpoint=served.name, weights={"champion": 50, "v2": 50}, reason="try v2")
    client.call(wire.set_traffic, request)
    served.until("ready")
    with Caller(served.url, model.rows, pause_s=0.0) as caller:
        until(lambda: len(caller.answered) >= 200, "200 answers")
    assert caller.failures == []
    served.until_counted(len(caller.answered))

    found = {each.version: each for each in served.view().versions}

    assert set(found) == {1, 2}
    assert (found[1].name, found[2].name) == ("champion", "canary")
    assert min(found[1].requests, found[2].requests) > 50


def test_stopping_drains_and_the_next_start_keeps_the_port(served: Served) -> None:
    before = served.endpoint
    served.stop()
    stopped = served.until("stopped").endpoint
    assert stopped.pid is None and before.pid is not None
    assert not psutil.pid_exists(before.pid)
    with pytest.raises(ConflictError, match="stopped already"):
        served.stop()

    after = served.start().endpoint

    assert after.port == before.port
    assert after.pid != before.pid


def test_a_port_in_use_is_said_before_anything_is_started(served: Served) -> None:
    client = served.client
    before = [each.endpoint.name for each in client.call(wire.list_endpoints, Nothing())]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError) as refused:
            request = StartEndpoint(endpoint="other", model=served.name, port=port)
            client.call(wire.start_endpoint, request)
    assert f"port {port} on 127.0.0.1 is in use" in refused.value.message
    assert "--port 0" in refused.value.hint
    after = [each.endpoint.name for each in client.call(wire.list_endpoints, Nothing())]
    assert after == before and "other" not in after


def test_an_agent_killed_while_starting_leaves_one_process_not_two(served: Served) -> None:
    agent, client = served.agent, served.client
    served.stop()
    served.until("stopped")
    for _ in range(2):
        client.call(wire.start_endpoint, StartEndpoint(endpoint=served.name))
        agent.kill()
        agent.start_again()
        served.until("ready")
        assert len(_serving(served)) == 1
        served.stop()
        served.until("stopped")
        assert _serving(served) == []


def test_a_taken_port_is_waited_for_and_said(served: Served) -> None:
    client = served.client
    endpoint = served.endpoint
    served.stop()
    served.until("stopped")
    in_use = f"port {endpoint.port} .* is in use"
    with (
        socket.create_server((endpoint.host, endpoint.port)),
        pytest.raises(UnavailableError, match=in_use),
    ):
        client.call(wire.start_endpoint, StartEndpoint(endpoint=served.name))
    served.start()
    pid = served.endpoint.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        until(lambda: _bind(thief, endpoint.host, endpoint.port), "the port being free")
        thief.listen()
        failed = until(
            lambda: e if "in use" in (e := served.endpoint).reason else None, "the reason"
        )
        assert failed is not None and failed.state == "failed"
    assert served.until("ready").endpoint.port == endpoint.port


def _serving(served: Served) -> list[int]:
    """Serving processes of an endpoint, whoever started them."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        is_shim = "--" in words
        root = str(served.agent.workspace.root)
        is_ours = {"console.serving.main", root, served.name} <= set(words)
        if is_ours and not is_shim and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def _bind(taker: socket.socket, host: str, port: int) -> bool:
    try:
        taker.bind((host, port))
    except OSError:
        return False
    return True
