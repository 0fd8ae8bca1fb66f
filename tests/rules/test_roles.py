"""Roles: who may do what."""

from __future__ import annotations

from console.rules import roles


def test_any_one_of_the_needed_roles_suffices() -> None:
    assert roles.allows(["viewer", "devops"], ("devops", "data-engineer"))
    assert not roles.allows(["viewer"], ("devops", "data-engineer"))
    assert not roles.allows([], ("viewer",))


def test_what_needs_no_role_is_open_to_the_owner_only() -> None:
    assert not roles.allows(list(roles.ROLES), ())
    assert roles.allows([], (), is_owner=True)
    assert roles.allows([], ("devops",), is_owner=True)


def test_an_unknown_role_allows_nothing_even_when_asked_for_by_name() -> None:
    assert not roles.allows(["root"], ("root",))


def test_nobody_decides_their_own_request_not_even_the_owner() -> None:
    assert roles.may_decide("cleo", ["devops"], requested_by="ana", needs_role="devops")
    assert not roles.may_decide("ben", ["viewer"], requested_by="ana", needs_role="devops")
    assert not roles.may_decide("ana", ["devops"], requested_by="ana", needs_role="devops")
    assert not roles.may_decide("ana", [], requested_by="ana", needs_role="devops", is_owner=True)
    assert roles.may_decide("olga", [], requested_by="ana", needs_role="devops", is_owner=True)


def test_needed_roles_read_as_words() -> None:
    assert roles.needed_words(()) == "the owner"
    assert roles.needed_words(("devops",)) == "devops"
    assert roles.needed_words(("devops", "data-engineer")) == "data-engineer or devops"
    assert roles.needed_words(roles.ROLES) == "any role"
    assert set(roles.MEANING) == set(roles.ROLES)
