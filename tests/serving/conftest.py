"""Trained models once for the session, and one endpoint that most tests only ask questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from storage.records.endpoints import EndpointLimits
from storage.workspace import Workspace
from tests.serving.process import Endpoint, route
from tests.serving.trained import Trained, train_delays

SMALL = EndpointLimits(body_bytes=200_000, rows=500)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace for all endpoints of the session."""
    return Workspace.create(tmp_path_factory.mktemp("serving"))


@pytest.fixture(scope="session")
def first(shop: Workspace) -> Trained:
    return train_delays(shop)


@pytest.fixture(scope="session")
def second(shop: Workspace) -> Trained:
    """Another version: other rows, other scores."""
    return train_delays(shop, seed=3)


@pytest.fixture(scope="session")
def served(shop: Workspace, first: Trained) -> Iterator[Endpoint]:
    """An endpoint with one version; tests must not change it."""
    endpoint = Endpoint(shop, "delays", route(4, first.digest, threshold=0.3), limits=SMALL)
    yield endpoint.start()
    endpoint.end()


@pytest.fixture
def endpoint(shop: Workspace) -> Iterator[Callable[..., Endpoint]]:
    """Make an endpoint of one's own: `endpoint("name", route(…), threads=2)`."""
    made: list[Endpoint] = []

    def make(name: str, *routes: Any, **config: Any) -> Endpoint:
        made.append(Endpoint(shop, name, *routes, **config))
        return made[-1]

    yield make
    for each in made:
        each.end()
