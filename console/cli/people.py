"""`mlops-console people …`: who may do what."""

from __future__ import annotations

from console.cli.commands import Invocation, argument, command
from console.cli.output import Column
from console.wire import people as wire
from console.wire.people import RoleChange
from console.wire.routes import Nothing, Route
from storage.records.people import Person

_ROLES = ("viewer", "data-engineer", "data-scientist", "devops")


@command("list", examples=("mlops-console people list",))
def list_people(invocation: Invocation) -> None:
    """Everybody known to the workspace, with their roles."""
    output = invocation.output

    def people(found: list[Person]) -> None:
        output.table(
            [Column("name"), Column("roles"), Column("granted by"), Column("last seen")],
            [
                (
                    each.name + (" (owner)" if each.is_owner else ""),
                    each.roles,
                    each.granted_by,
                    each.last_seen_at and f"{each.last_seen_at:%Y-%m-%d %H:%M}",
                )
                for each in found
            ],
        )

    output.show(invocation.client.call(wire.list_people, Nothing()), people)


@command(
    "grant",
    argument("name", help="Unix user name"),
    argument("role", choices=_ROLES),
    examples=("mlops-console people grant ben data-engineer",),
)
def grant(invocation: Invocation) -> None:
    """Let a person do what a role allows."""
    _change(invocation, wire.grant_role, "now has")


@command(
    "revoke",
    argument("name", help="Unix user name"),
    argument("role", choices=_ROLES),
    examples=("mlops-console people revoke ben devops",),
)
def revoke(invocation: Invocation) -> None:
    """Take a role away again."""
    _change(invocation, wire.revoke_role, "keeps")


def _change(invocation: Invocation, route: Route[RoleChange, Person], words: str) -> None:
    request = RoleChange(name=invocation.arguments.name, role=invocation.arguments.role)
    person = invocation.client.call(route, request)
    invocation.output.show(
        person,
        lambda p: invocation.output.line(f"{p.name} {words} {', '.join(p.roles) or 'no role'}"),
    )
