"""Every route of the wire has a handler, roles on purpose, a sentence and types that travel."""

from __future__ import annotations

import dataclasses
import inspect
import typing

import msgspec
import pytest

from console.agent import server
from console.wire import table
from console.wire.routes import OWNER, Route
from storage.records.people import Role

ROUTES = [pytest.param(route, id=route.name) for route in table.ALL]


def test_names_and_paths_are_unique() -> None:
    assert len(table.BY_NAME) == len(table.ALL)
    assert len({(route.method, route.path) for route in table.ALL}) == len(table.ALL)


def test_every_route_has_a_handler_of_its_types() -> None:
    for name, handler in server.handlers().items():
        route = table.BY_NAME[name]
        hints = typing.get_type_hints(handler, vars(inspect.getmodule(handler)))
        assert inspect.iscoroutinefunction(handler), name
        assert hints["return"] == route.response, name
        given = [hint for parameter, hint in hints.items() if parameter not in ("call", "return")]
        assert given == [route.request], name


@pytest.mark.parametrize("route", ROUTES)
def test_roles_are_known_and_only_people_changes_are_the_owners(
    route: Route[typing.Any, typing.Any],
) -> None:
    assert set(route.roles) <= set(typing.get_args(Role))
    if route.roles == OWNER:
        assert route.path.startswith("/v1/people/")


@pytest.mark.parametrize("route", ROUTES)
def test_reading_is_open_to_viewers_and_changing_is_not(
    route: Route[typing.Any, typing.Any],
) -> None:
    reads = {"get_diff", "verify_data", "compare_runs"}  # a body too large for a query
    guarded = {"list_endpoint_keys"}  # who may knock is for those who operate the door
    if route.name in guarded:
        assert route.method == "GET" and "viewer" not in route.roles
    elif route.method == "GET" or route.name in reads:
        assert "viewer" in route.roles
    else:
        assert "viewer" not in route.roles


@pytest.mark.parametrize("route", ROUTES)
def test_route_says_what_it_is_for_and_names_its_path_fields(
    route: Route[typing.Any, typing.Any],
) -> None:
    assert route.doc.endswith(".") and len(route.doc) < 120
    assert dataclasses.is_dataclass(route.request)
    names = {field.name for field in dataclasses.fields(route.request)}
    assert set(route.path_fields) <= names


@pytest.mark.parametrize("route", ROUTES)
def test_types_travel_as_json(route: Route[typing.Any, typing.Any]) -> None:
    """A schema can be made of both directions: msgspec can encode and decode every field."""
    for kind in (route.request, route.response):
        schema = msgspec.json.schema(kind)
        assert schema
