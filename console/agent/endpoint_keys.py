"""API keys of endpoints: made here, shown once, kept as digests where the serving process looks.

Invariant: a key has 256 random bits and is never written anywhere; the file changes as a whole.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import msgspec

from console import errors
from storage.durable import replace_file
from storage.errors import from_os_error
from storage.workspace import EndpointPaths, check_id

PREFIX = "mlk_"
"""Lets a key that leaked be recognised as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    keys: tuple[Key, ...]


def read(paths: EndpointPaths) -> tuple[Key, ...]:
    """The keys of an endpoint; none when it has no file."""
    try:
        return msgspec.json.decode(paths.keys.read_bytes(), type=_File).keys
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise from_os_error("read", paths.keys, error) from error
    except msgspec.MsgspecError as error:
        raise errors.DamagedError(f"{paths.keys} is not a list of keys: {error}.") from error


def add(paths: EndpointPaths, endpoint: str, name: str) -> str:
    """Make a key and return it; nobody can be told it again."""
    known = read(paths)
    check_id(name, "key name")
    if any(each.name == name for each in known):
        raise errors.ConflictError(
            f"endpoint {endpoint} has a key {name} already.",
            hint=f"Remove it first: mlops-console endpoint key remove {endpoint} {name}",
        )
    key = PREFIX + secrets.token_urlsafe(32)
    digest = hashlib.sha256(key.encode()).hexdigest()
    _write(paths, (*known, Key(name=name, sha256=digest)))
    return key


def remove(paths: EndpointPaths, endpoint: str, name: str) -> None:
    known = read(paths)
    kept = tuple(each for each in known if each.name != name)
    if kept == known:
        names = ", ".join(each.name for each in known) or "none"
        raise errors.NotFoundError(f"endpoint {endpoint} has no key {name}; it has {names}.")
    _write(paths, kept)


def _write(paths: EndpointPaths, keys: tuple[Key, ...]) -> None:
    try:
        paths.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(paths.keys, msgspec.json.encode(_File(keys=keys)))
    except OSError as error:
        raise from_os_error("write", paths.keys, error) from error
