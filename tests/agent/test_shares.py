"""Dividing an endpoint's traffic, and how the division follows aliases and thresholds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from console.agent import shares
from console.agent.context import Agent
from console.agent.rows import endpoints as handlers
from console.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from console.wire.endpoints import EndpointName, KeyName, SetTraffic, StartEndpoint
from storage.records.endpoints import EndpointConfig
from storage.records.models import AliasChange, ModelVersion, ThresholdChange
from storage.tables import endpoints, models, people
from storage.tables.ledger import list_ledger
from tests.agent.endpoint_at_work import agent_with_endpoint, call_of

AT = datetime(2026, 3, 1, tzinfo=UTC)


def version(number: int, *aliases: str, threshold: float = 0.5) -> ModelVersion:
    return ModelVersion(
        model="delays", version=number, digest=f"{number}" * 64, metrics={}, gate_counts={},
        threshold=threshold, aliases=aliases, created_at=AT, created_by="ana",
    )  # fmt: skip


def test_shares_are_normalised_and_named_by_what_they_follow() -> None:
    current = shares.whole(version(4, "champion"), "champion")
    weights = [("v4", version(4, "champion"), 90.0), ("v5", version(5), 10.0)]

    routes = shares.divided(weights, [("v6", version(6))], current)

    assert shares.described(routes) == "v4 champion 90 %, v5 canary 10 %, v6 shadow"
    assert sum(route.weight for route in routes) == pytest.approx(1.0)
    assert shares.change_words(current, routes) == "v6 shadow"


@pytest.mark.parametrize(
    ("weights", "words"),
    [([], "nobody would answer"), ([("v4", -1.0)], "-1 is not a share"), ([("v4", 0.0)], "nobody")],
)
def test_shares_that_cannot_be_are_refused(weights: list[tuple[str, float]], words: str) -> None:
    asked = [(name, version(4), weight) for name, weight in weights]
    with pytest.raises(InvalidError, match=words):
        shares.divided(asked, [], ())


def test_a_canary_that_becomes_champion_takes_all_the_traffic() -> None:
    routes = shares.divided(
        [("champion", version(4, "champion"), 9.0), ("v5", version(5), 1.0)], [], ()
    )

    moved = shares.followed(routes, {4: version(4), 5: version(5, "champion")})

    assert shares.described(moved) == "v5 champion 100 %"


def test_a_new_threshold_is_followed_and_nothing_else_changes() -> None:
    routes = shares.whole(version(4, "champion"), "champion")
    assert shares.followed(routes, {4: version(4, "champion")}) == routes

    (route,) = shares.followed(routes, {4: version(4, "champion", threshold=0.3)})

    assert (route.version, route.threshold) == (4, 0.3)


def test_a_shadow_that_is_promoted_answers_and_shadows_no_more() -> None:
    routes = shares.divided([("champion", version(4, "champion"), 1.0)], [("v5", version(5))], ())
    moved = shares.followed(routes, {4: version(4), 5: version(5, "champion")})
    assert shares.described(moved) == "v5 champion 100 %"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_with_endpoint(tmp_path / "w", versions=2) as made:
        yield made


def written(agent: Agent) -> EndpointConfig:
    text = agent.workspace.endpoint("delays").config.read_bytes()
    return msgspec.json.decode(text, type=EndpointConfig)


async def test_the_configuration_follows_the_champion_and_comes_back(agent: Agent) -> None:
    def move(to: int, previous: int) -> None:
        change = AliasChange(
            model="delays", alias="champion", version=to, previous=previous,
            at=agent.clock.now(), by="ana",
        )  # fmt: skip
        agent.database.write(lambda c: models.record_alias_change(c, change))

    move(2, 1)
    await agent.endpoint_processes.follow_model("delays")
    first = written(agent)
    agent.clock.move(1.0)  # type: ignore[attr-defined]  # the clock of these tests
    move(1, 2)
    await agent.endpoint_processes.follow_model("delays")

    assert [(r.version, r.name, r.weight) for r in first.routes] == [(2, "champion", 1.0)]
    assert [route.version for route in written(agent).routes] == [1]
    assert (first.generation, written(agent).generation) == (2, 3)


async def test_the_configuration_follows_a_threshold(agent: Agent) -> None:
    change = ThresholdChange(
        model="delays", version=1, value=0.31, at=agent.clock.now(), by="ana", figures={}
    )
    agent.database.write(lambda c: models.record_threshold_change(c, change))

    await agent.endpoint_processes.follow_model("delays")

    assert [route.threshold for route in written(agent).routes] == [0.31]


async def test_traffic_is_shared_with_a_reason_in_the_ledger(agent: Agent) -> None:
    request = SetTraffic(endpoint="delays", weights={"champion": 9, "v2": 1}, reason="try it")

    endpoint = await handlers.set_traffic(call_of(agent), request)

    assert shares.described(endpoint.routes) == "v1 champion 90 %, v2 canary 10 %"
    assert written(agent).routes == endpoint.routes
    (entry, *_) = agent.database.read(list_ledger)
    assert (entry.action, entry.actor, entry.detail["reason"]) == (
        "endpoint.traffic", "ana", "try it",
    )  # fmt: skip
    assert entry.detail["mark"] == "v2 10 %"
    watched = SetTraffic(endpoint="delays", weights={}, shadows=("v2",))
    endpoint = await handlers.set_traffic(call_of(agent), watched)
    assert shares.described(endpoint.routes) == "v1 champion 90 %, v2 canary 10 %"


async def test_a_key_is_shown_once_and_kept_as_a_digest(agent: Agent) -> None:
    call = call_of(agent)
    made = await handlers.add_endpoint_key(call, KeyName(endpoint="delays", name="billing"))
    stored = agent.workspace.endpoint("delays").keys

    assert len(made.key) > 40
    assert made.key not in stored.read_text()
    assert hashlib.sha256(made.key.encode()).hexdigest() in stored.read_text()
    assert stored.stat().st_mode & 0o777 == 0o600
    assert not any(made.key in str(entry) for entry in agent.database.read(list_ledger))
    with pytest.raises(ConflictError, match="has a key billing already"):
        await handlers.add_endpoint_key(call, KeyName(endpoint="delays", name="billing"))
    names = await handlers.list_endpoint_keys(call, EndpointName(endpoint="delays"))
    assert names.names == ("billing",)
    await handlers.remove_endpoint_key(call, KeyName(endpoint="delays", name="billing"))
    names = await handlers.list_endpoint_keys(call, EndpointName(endpoint="delays"))
    assert names.names == ()


async def test_what_cannot_be_served_is_refused_in_a_sentence(agent: Agent) -> None:
    call = call_of(agent)
    with pytest.raises(NotFoundError, match="no endpoint 'delay'") as missed:
        await handlers.stop_endpoint(call, EndpointName(endpoint="delay"))
    assert missed.value.hint == "Did you mean delays?"
    with pytest.raises(RefusedError, match="others could reach it there and it has no key"):
        await handlers.start_endpoint(
            call, StartEndpoint(endpoint="other", model="delays", host="0.0.0.0")
        )
    with pytest.raises(ConflictError, match="cannot move endpoint delays"):
        await handlers.start_endpoint(call, StartEndpoint(endpoint="delays", port=9999))
    with pytest.raises(NotFoundError, match="'v7'"):
        await handlers.start_endpoint(call, StartEndpoint(endpoint="delays", version="v7"))
    assert agent.database.read(people.list_people) == []
    assert len(agent.database.read(endpoints.list_endpoints)) == 1
