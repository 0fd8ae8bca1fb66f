"""A new configuration takes over without a failed request; a broken one changes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from storage.objects import Objects
from storage.records.models import ModelManifest
from storage.records.models import SignatureField as Field
from storage.workspace import Workspace
from tests.http import HTTP
from tests.serving.process import Endpoint, route, wait_for
from tests.serving.trained import Trained, put_sample, step

Make = Callable[..., Endpoint]


@pytest.fixture(scope="module")
def canary(shop: Workspace, first: Trained) -> Iterator[Endpoint]:
    """An endpoint that the tests of this file lead from one configuration to the next."""
    endpoint = Endpoint(shop, "swapped", route(1, first.digest)).start()
    yield endpoint
    endpoint.end()


def served_by(endpoint: Endpoint, row: dict[str, Any], count: int = 200) -> dict[str, int]:
    """Which version answers which key."""
    rows = [{**row, "request_id": f"key {i}"} for i in range(count)]
    answers = endpoint.predict({"rows": rows}).json()["predictions"]
    return {each["request_id"]: each["version"] for each in answers}


def reach(endpoint: Endpoint, **changes: Any) -> None:
    endpoint.change(**changes)
    wanted = endpoint.config.generation
    wait_for(lambda: endpoint.generation() == wanted, f"generation {wanted}")


def failures(endpoint: Endpoint) -> list[Any]:
    return [each for each in endpoint.reports("status") if each.state == "failed"]


class Clients:
    """Threads that keep asking until told to stop."""

    def __init__(self, endpoint: Endpoint, row: dict[str, Any], count: int = 4) -> None:
        self.answers: list[tuple[int, int]] = []
        """Status and version."""
        self.faults: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(endpoint.url, row)) for _ in range(count)
        ]

    def _ask(self, url: str, row: dict[str, Any]) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post("/predict", json=row)
                    self.answers.append((answer.status_code, answer.json().get("version", 0)))
                except httpx.HTTPError as error:
                    self.faults.append(error)

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_new_version_takes_over_without_a_failed_request(
    canary: Endpoint, first: Trained, second: Trained
) -> None:
    with Clients(canary, first.rows[0]) as clients:
        wait_for(lambda: len(clients.answers) > 50, "traffic")
        reach(canary, routes=(route(2, second.digest),))
        seen = len(clients.answers)
        wait_for(lambda: len(clients.answers) > seen + 50, "traffic after the swap")
    assert not clients.faults
    assert {status for status, _ in clients.answers} == {200}
    versions = [version for _, version in clients.answers[:50] + clients.answers[-20:]]
    assert set(versions[:50]) == {1}
    assert set(versions[-20:]) == {2}
    score = canary.predict(second.rows[5]).json()["score"]
    assert score == pytest.approx(second.scores[5], abs=1e-9)
    status = wait_for(
        lambda: [
            each
            for each in canary.reports("status")
            if (each.state, each.generation) == ("ready", canary.config.generation)
        ],
        "the report",
    )[-1]
    assert status.self_check == "v2: 300 of 300 sample scores equal"


def test_a_threshold_changes_without_loading_the_model(canary: Endpoint, first: Trained) -> None:
    digest = canary.config.routes[0].digest
    loads = sum(message.startswith("loaded") for message in canary.log_messages())
    score = canary.predict(first.rows[3]).json()["score"]
    for threshold, decision in ((score / 2, True), (score * 2, False)):
        reach(canary, routes=(route(2, digest, threshold=threshold),))
        answer = canary.predict(first.rows[3]).json()
        assert (answer["threshold"], answer["decision"]) == (threshold, decision)
    assert sum(message.startswith("loaded") for message in canary.log_messages()) == loads


def test_a_canary_gets_its_share_and_keeps_its_keys_when_it_grows(
    canary: Endpoint, first: Trained, second: Trained
) -> None:
    def share(weight: float) -> set[str]:
        reach(
            canary,
            routes=(
                route(1, first.digest, 1 - weight),
                route(2, second.digest, weight, name="canary"),
            ),
        )
        return {key for key, version in served_by(canary, first.rows[0]).items() if version == 2}

    small, again, large = share(0.1), share(0.1), share(0.5)
    assert 5 <= len(small) <= 40
    assert small == again
    assert small < large
    assert 70 <= len(large) <= 130
    key = next(iter(small))
    for _ in range(3):
        assert canary.predict({**first.rows[0], "request_id": key}).json()["version"] == 2


def test_a_request_split_between_versions_is_answered_in_its_order(
    canary: Endpoint, first: Trained, second: Trained
) -> None:
    routes = (route(1, first.digest, 0.5), route(2, second.digest, 0.5, name="canary"))
    reach(canary, routes=routes)
    rows = [{**row, "request_id": f"r{i}"} for i, row in enumerate(first.rows[:60])]
    answers = canary.predict({"rows": rows}).json()["predictions"]
    assert [each["request_id"] for each in answers] == [row["request_id"] for row in rows]
    assert {each["version"] for each in answers} == {1, 2}
    for i, each in enumerate(answers):
        if each["version"] == 1:
            assert each["score"] == pytest.approx(first.scores[i], abs=1e-9)


def test_a_shadow_scores_the_same_rows_and_never_answers(
    canary: Endpoint, first: Trained, second: Trained
) -> None:
    shadow = route(2, second.digest, 0.0, is_shadow=True, name="shadow")
    reach(canary, routes=(route(1, first.digest), shadow))
    name = f"shadowed {canary.config.generation}"
    answer = canary.predict({**second.rows[9], "request_id": name}).json()
    assert answer["version"] == 1

    def both() -> list[Any]:
        found = [each for each in canary.reports("request") if each.request_id == name]
        return found if len(found) == 2 else []

    events = {each.is_shadow: each for each in wait_for(both, "both events")}
    assert (events[False].version, events[True].version) == (1, 2)
    assert events[False].score == answer["score"]
    assert events[True].score == pytest.approx(second.scores[9], abs=1e-9)


def _broken(shop: Workspace, trained: Trained, kind: str) -> tuple[Any, str]:
    """A configuration change that cannot be served, and what is said of it."""
    objects = Objects(shop.objects)
    manifest = trained.manifest
    if kind == "missing":
        return {"routes": (route(3, "f" * 64),)}, "cannot serve delays@v3: object ffff"
    if kind == "tampered":
        content = objects.read_bytes(manifest.estimator_digest)
        digest = objects.put_bytes(content + b" ")
        path = objects.path(digest)
        path.chmod(0o600)
        path.write_bytes(content + b"!")
        changed = replace(manifest, estimator_digest=digest)
        return _as_route(objects, changed), "cannot serve delays@v3: object"
    if kind == "other scores":
        scores = [*trained.scores[:-1], 0.123]
        changed = replace(manifest, sample=put_sample(objects, trained.rows, scores))
        return _as_route(objects, changed), "1 of 300 sample rows differ"
    if kind == "changed step":
        steps = (*manifest.steps[:-1], replace(manifest.steps[-1], sql="SELECT * FROM this"))
        return _as_route(objects, replace(manifest, steps=steps)), 'step "clock" is not the one'
    if kind == "mixing rows":
        mixing = step(
            "clock", "SELECT *, count(*) OVER () * 60 + minute AS minute_of_day FROM this"
        )
        changed = replace(manifest, steps=(*manifest.steps[:-1], mixing))
        return _as_route(objects, changed), "other scores than in training"
    if kind == "clashing types":
        fields = tuple(Field(name=f.name, type="string") for f in manifest.inputs)
        changed = replace(manifest, inputs=fields, steps=(), sample="")
        both = (route(1, trained.digest, 0.5), route(3, objects.put_json(changed), 0.5))
        return {"routes": both}, "cannot serve these versions together"
    if kind == "weights":
        return {"routes": (route(1, trained.digest, 0.4),)}, "its weights sum to 0.4, not to 1"
    return {"port": 1}, "the port of a running endpoint cannot change"


def _as_route(objects: Objects, manifest: ModelManifest) -> dict[str, Any]:
    return {"routes": (route(3, objects.put_json(manifest)),)}


@pytest.mark.parametrize(
    "kind",
    [
        "missing", "tampered", "other scores", "changed step", "mixing rows", "clashing types",
        "weights", "port",
    ],
)  # fmt: skip
def test_a_broken_generation_is_reported_and_the_old_one_answers(
    kind: str, shop: Workspace, canary: Endpoint, first: Trained
) -> None:
    good = canary.config
    reach(canary, routes=(route(1, first.digest),))
    serving = canary.generation()
    reported = len(failures(canary))
    changes, said = _broken(shop, first, kind)
    try:
        with Clients(canary, first.rows[0], 1) as clients:
            canary.change(**changes)
            wait_for(lambda: len(failures(canary)) > reported, "a report")
            seen = len(clients.answers)
            wait_for(lambda: len(clients.answers) > seen + 5, "traffic after the report")
        status = failures(canary)[-1]
        assert said in status.reason
        assert f"Generation {serving} still answers." in status.reason
        assert not clients.faults
        assert set(clients.answers) == {(200, 1)}
        assert canary.generation() == serving
    finally:
        canary.write(replace(good, generation=canary.config.generation))


def test_a_torn_configuration_is_reported_and_changes_nothing(canary: Endpoint) -> None:
    reach(canary)
    serving = canary.generation()
    content = canary.paths.config.read_bytes()
    canary.paths.config.write_bytes(content[: len(content) // 2])
    wait_for(
        lambda: any(
            "is not an endpoint configuration" in each.reason for each in failures(canary)[-1:]
        ),
        "a report",
    )
    assert canary.generation() == serving
    canary.paths.config.write_bytes(content)
    wait_for(
        lambda: canary.reports("status")[-1].state == "ready", "a report that all is well again"
    )


def test_api_keys_take_effect_while_it_runs(canary: Endpoint, first: Trained) -> None:
    import hashlib

    keys = canary.paths.directory / "keys.json"
    digest = hashlib.sha256(b"open sesame").hexdigest()
    keys.write_text(json.dumps({"keys": [{"name": "ops", "sha256": digest}]}))
    try:
        wait_for(lambda: canary.predict(first.rows[0]).status_code == 401, "the lock")
        for headers in ({"Authorization": "Bearer open sesame"}, {"X-API-Key": "open sesame"}):
            assert canary.predict(first.rows[0], headers=headers).status_code == 200
        wrong = canary.predict(first.rows[0], headers={"Authorization": "Bearer wrong"})
        assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "Bearer")
        assert HTTP.get(f"{canary.url}/metrics").status_code == 401
        assert HTTP.get(f"{canary.url}/ping").status_code == 200
        assert "sesame" not in canary.log()
    finally:
        keys.unlink()
    wait_for(lambda: canary.predict(first.rows[0]).status_code == 200, "no lock")


def test_versions_with_different_fields_can_share_an_endpoint(
    shop: Workspace, canary: Endpoint, first: Trained, tmp_path: Path
) -> None:
    """A canary may take fewer fields; a request then brings those of both."""
    objects = Objects(shop.objects)
    used = {
        "tailnum",
        "origin",
        "time_hour",
        "carrier",
        "dest",
        "day",
        "hour",
        "minute",
        "distance",
    }
    fields = tuple(field for field in first.manifest.inputs if field.name in used)
    rows = [{k: v for k, v in row.items() if k in used} for row in first.rows]
    narrow = replace(first.manifest, inputs=fields, sample=put_sample(objects, rows, first.scores))
    digest = objects.put_json(narrow)
    reach(canary, routes=(route(1, first.digest, 0.5), route(5, digest, 0.5, name="canary")))
    answers = canary.predict({"rows": first.rows[:40]}).json()["predictions"]
    assert {each["version"] for each in answers} == {1, 5}
    assert [each["score"] for each in answers] == pytest.approx(first.scores[:40], abs=1e-9)
    assert msgspec.json.decode(canary.paths.config.read_bytes())["generation"] > 1
