"""Starting, stopping and being killed: one sentence when it cannot, nothing lost when it could."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.rules.declaration import step_digest
from storage.objects import Objects
from storage.records.endpoints import EndpointLimits
from storage.records.pipelines import Step
from storage.workspace import Workspace
from tests.http import HTTP
from tests.serving.process import Endpoint, route, wait_for
from tests.serving.trained import Trained, train_plain

pytestmark = pytest.mark.process
Make = Callable[..., Endpoint]

SLOW = """
import pathlib, time

def wait(frame):
    while not pathlib.Path("open").exists():
        time.sleep(0.005)
    return frame
"""


@pytest.fixture(scope="module")
def slow(shop: Workspace, first: Trained) -> str:
    """A model whose last step waits for a file, without the samples that would wait at the load."""
    held = Step(name="held", function="held:wait", source=SLOW)
    held = replace(held, digest=step_digest(held))
    manifest = replace(first.manifest, steps=(*first.manifest.steps, held), sample="")
    return Objects(shop.objects).put_json(manifest)


def ask_beside(endpoint: Endpoint, row: dict[str, Any]) -> tuple[threading.Thread, list[Any]]:
    """Ask in a thread; the answer, or what went wrong, is in the list afterwards."""
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(endpoint.predict(row))
        except httpx.HTTPError as error:
            answers.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, answers


def in_flight(endpoint: Endpoint) -> int:
    return int(endpoint.health()["in_flight"])


def test_sigterm_answers_what_is_in_flight_and_then_leaves(
    shop: Workspace, endpoint: Make, slow: str, first: Trained
) -> None:
    door = shop.root / "open"
    limits = EndpointLimits(timeout_s=20.0)
    held = endpoint("drained", route(1, slow), limits=limits).start()
    thread, answers = ask_beside(held, {**first.rows[0], "request_id": "last one"})
    wait_for(lambda: in_flight(held) == 1, "a request in flight")
    assert held.process is not None
    held.process.send_signal(signal.SIGTERM)
    wait_for(lambda: held.reports("status")[-1].state == "draining", "the drain")
    assert held.process.poll() is None
    door.touch()
    try:
        assert held.process.wait(timeout=20) == 0
    finally:
        door.unlink()
    thread.join()
    assert answers[0].status_code == 200
    assert answers[0].json()["score"] == pytest.approx(first.scores[0], abs=1e-9)
    (event,) = held.reports("request")
    assert (event.request_id, event.outcome) == ("last one", "ok")


def test_too_many_requests_and_too_slow_ones_are_told_so(
    shop: Workspace, endpoint: Make, slow: str, first: Trained
) -> None:
    door = shop.root / "open"
    limits = EndpointLimits(timeout_s=1.0, in_flight=1)
    held = endpoint("held", route(1, slow), limits=limits).start()
    try:
        thread, answers = ask_beside(held, {**first.rows[0], "request_id": "slow"})
        wait_for(lambda: in_flight(held) == 1, "a request in flight")
        refused = held.predict(first.rows[1])
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert "1 requests are in flight" in refused.json()["error"]["message"]
        thread.join()
        assert answers[0].status_code == 504
        assert "no answer within 1 s" in answers[0].json()["error"]["message"]
        outcomes = wait_for(
            lambda: len(held.reports("request")) == 2 and held.reports("request"), "both events"
        )
        assert {each.outcome for each in outcomes} == {"overload", "timeout"}
        assert all(each.score is None for each in outcomes)
    finally:
        door.touch()
        held.end()
        door.unlink()


def test_kill_9_loses_nothing_that_was_flushed(endpoint: Make, first: Trained) -> None:
    killed = endpoint("killed", route(1, first.digest)).start()
    label = {"request_id": "promised", "label": 1}
    rows = [{**row, "request_id": f"k{i}"} for i, row in enumerate(first.rows[:50])]
    assert killed.predict({"rows": rows}).status_code == 200
    wait_for(lambda: len(killed.reports("request")) == 50, "50 events on disk")
    assert HTTP.post(f"{killed.url}/feedback", json=label).status_code == 200
    killed.stop(signal.SIGKILL)
    assert {each.request_id for each in killed.reports("request")} == {f"k{i}" for i in range(50)}
    assert [each.request_id for each in killed.reports("label")] == ["promised"]
    killed.start()  # The same port, at once.
    assert killed.predict(first.rows[0]).json()["score"] == pytest.approx(first.scores[0], abs=1e-9)
    assert killed.stop() == 0
    assert len(killed.reports("request")) == 51


def run_to_its_end(broken: Endpoint) -> tuple[int, str]:
    broken.start(wait=False)
    assert broken.process is not None
    return broken.process.wait(timeout=30), broken.log_messages()[-1]


def test_a_port_in_use_is_one_sentence(endpoint: Make, first: Trained) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = run_to_its_end(endpoint("taken", route(1, first.digest), port=port))
    assert code == 8
    assert said.startswith(f"cannot serve taken on 127.0.0.1:{port}: the port is in use")
    assert "--port 0" in said


def test_a_tampered_model_is_refused_at_the_start(tmp_path: Path, first: Trained) -> None:
    workspace = Workspace.create(tmp_path)
    trained = train_plain(workspace, trees=3)
    path = Objects(workspace.objects).path(trained.manifest.estimator_digest)
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    broken = Endpoint(workspace, "broken", route(1, trained.digest))
    code, said = run_to_its_end(broken)
    assert code == 9
    assert "cannot serve delays@v1: object" in said and "does not match its name" in said
    status = broken.reports("status")[-1]
    assert (status.state, status.generation) == ("failed", 0)
    assert "does not match its name" in status.reason


def test_beyond_loopback_it_wants_keys(endpoint: Make, first: Trained) -> None:
    code, said = run_to_its_end(endpoint("open", route(1, first.digest), host="0.0.0.0"))
    assert code == 2
    assert "beyond this machine an endpoint needs API keys" in said


def test_a_broken_configuration_is_one_sentence(endpoint: Make, first: Trained) -> None:
    torn = endpoint("torn", route(1, first.digest))
    torn.paths.config.write_text('{"name": "torn"')
    code, said = run_to_its_end(torn)
    assert code == 3
    assert "is not an endpoint configuration" in said
    torn.paths.config.unlink()
    code, said = run_to_its_end(torn)
    assert (code, said) == (4, f"{torn.paths.config} does not exist.")


def test_it_can_be_started_by_the_path_of_its_configuration(
    shop: Workspace, tmp_path: Path
) -> None:
    stray = tmp_path / "config.json"
    stray.write_text("{}")
    command = [sys.executable, "-m", "console.serving.main", "--workspace-config", str(stray)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "is not the configuration of an endpoint" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_what_it_writes_is_for_its_owner_only(served: Endpoint) -> None:
    for path in served.paths.journal.iterdir():
        assert path.stat().st_mode & 0o077 == 0
