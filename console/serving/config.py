"""What this process is told to serve: one JSON file, replaced atomically, and the keys beside it.

Used by `main` at the start and by `swapping` whenever the file changes. Invariant: a configuration
that was read is complete and consistent; beyond loopback it is served only with API keys.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from console.errors import ConsoleError, InvalidError, NotFoundError, UsageError
from storage.records.endpoints import EndpointConfig
from storage.workspace import STATE_DIRECTORY, EndpointPaths, Workspace

KEYS: Final = "keys.json"
"""File beside the configuration: `{"keys": [{"name": …, "sha256": hex of the key's SHA-256}]}`."""


class Key(msgspec.Struct, frozen=True):
    """An API key as it is stored: never the key itself."""

    name: str
    sha256: str


class Keys(msgspec.Struct, frozen=True):
    keys: list[Key]

    def accept(self, key: str) -> bool:
        """Whether `key` is one of these; compared in constant time, all of them every time."""
        given = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
        found = [hmac.compare_digest(given, each.sha256.lower()) for each in self.keys]
        return any(found)

    def __bool__(self) -> bool:
        return bool(self.keys)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of an endpoint are."""

    workspace: Workspace
    paths: EndpointPaths

    @classmethod
    def of(cls, root: Path, name: str) -> Place:
        workspace = Workspace(root.resolve())
        return cls(workspace, workspace.endpoint(name))

    @classmethod
    def of_config(cls, config: Path) -> Place:
        """The endpoint whose configuration this file is."""
        directory = config.resolve().parent
        state = directory.parent.parent
        if state.name != STATE_DIRECTORY or directory.parent.name != "endpoints":
            raise UsageError(
                f"{config} is not the configuration of an endpoint: it should be at "
                f"{STATE_DIRECTORY}/endpoints/NAME/config.json of a workspace.",
                hint="Start endpoints with mlops-console endpoint start",
            )
        return cls.of(state.parent, directory.name)

    @property
    def keys(self) -> Path:
        return self.paths.directory / KEYS


def read_config(path: Path) -> EndpointConfig:
    """Return the configuration, checked; raises `ConsoleError` with what is wrong."""
    data = _read(path)
    try:
        config = msgspec.json.decode(data, type=EndpointConfig)
    except msgspec.MsgspecError as error:
        raise InvalidError(f"{path} is not an endpoint configuration: {error}.") from error
    _check_routes(config)
    return config


def read_keys(path: Path) -> Keys:
    """Return the API keys; none when there is no such file."""
    try:
        data = _read(path)
    except NotFoundError:
        return Keys(keys=[])
    try:
        return msgspec.json.decode(data, type=Keys)
    except msgspec.MsgspecError as error:
        raise InvalidError(f"{path} is not a list of API keys: {error}.") from error


def check_exposure(config: EndpointConfig, keys: Keys) -> None:
    """Raise `UsageError` when others could reach the endpoint and it has no API keys."""
    if not is_loopback(config.host) and not keys:
        raise UsageError(
            f"cannot serve {config.name} on {config.host}: beyond this machine an endpoint needs "
            "API keys, and it has none.",
            hint=f"Serve it on 127.0.0.1, or put the SHA-256 of keys into {KEYS} beside its "
            "configuration.",
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class FileWatch:
    """Tells whether a file was replaced since the last look; a missing one is one more state."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._state()

    def has_changed(self) -> bool:
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        return True

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


def _check_routes(config: EndpointConfig) -> None:
    answering = [route for route in config.routes if not route.is_shadow]
    total = sum(route.weight for route in answering)
    versions = [route.version for route in config.routes]
    problem = ""
    if not answering:
        problem = "no route answers"
    elif any(not 0 <= route.weight <= 1 for route in answering) or abs(total - 1) > 1e-6:
        problem = f"its weights sum to {total:g}, not to 1"
    elif len(set(versions)) != len(versions):
        problem = f"a version has two routes ({', '.join(f'v{v}' for v in versions)})"
    elif not 0 <= config.port < 65536:
        problem = f"{config.port} is not a port"
    elif config.limits.in_flight < 1 or config.limits.batch_rows < 1 or config.limits.rows < 1:
        problem = "a limit is below 1"
    elif not config.limits.timeout_s > 0:
        problem = f"its time limit is {config.limits.timeout_s:g} s"
    if problem:
        raise InvalidError(f"endpoint {config.name} cannot be served: {problem}.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist.") from None
    except OSError as error:
        raise ConsoleError(f"cannot read {path}: {error.strerror}.") from error
