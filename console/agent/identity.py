"""Who is calling, as proven by the operating system.

The Unix socket tells the process id, user and group of its other end (SO_PEERCRED); nothing the
caller writes is believed. The user who owns the workspace directory is its owner.
"""

from __future__ import annotations

import pwd
import socket
import struct
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from storage.records.people import Person
from storage.tables import people

if TYPE_CHECKING:
    import asyncio

    from duckdb import DuckDBPyConnection

ALL_ROLES = ("data-engineer", "data-scientist", "devops", "viewer")
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end of a connection."""

    pid: int
    uid: int


class PeerProtocol(HttpToolsProtocol):
    """HTTP on a Unix socket that tells the application who is calling."""

    _peer: Peer | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family == socket.AF_UNIX:
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid, uid, _gid = _CREDENTIALS.unpack(raw)
            self._peer = Peer(pid=pid, uid=uid)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope["peer"] = self._peer


def user_name(uid: int) -> str:
    """The Unix name of a user, `uid-1001` when the system knows none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def recognise(connection: DuckDBPyConnection, uid: int, *, owner_uid: int, now: datetime) -> Person:
    """Return the person behind `uid`, introducing them at their first call.

    The owner may do everything; others start as viewers and are granted roles.
    A name taken by another user id is never reused: the newcomer is known as `name-uid`.
    """
    known = people.get_person_by_uid(connection, uid)
    if known is not None:
        return known
    name = user_name(uid)
    same_name = people.get_person(connection, name)
    is_owner = uid == owner_uid
    if same_name is not None and same_name.uid is None:
        person = replace(same_name, uid=uid, is_owner=is_owner, last_seen_at=now)
    else:
        person = Person(
            name=name if same_name is None else f"{name}-{uid}",
            uid=uid,
            roles=ALL_ROLES if is_owner else ("viewer",),  # type: ignore[arg-type]
            is_owner=is_owner,
            granted_by="the workspace's ownership" if is_owner else "first call",
            granted_at=now,
            last_seen_at=now,
        )
    people.set_person(connection, person)
    return person
