"""Every path in a workspace, named once.

Anyone may use it: client, agent, worker, serving process. Nothing else in the project spells a
file name under `.mlops/`. Invariant: a string that came from outside becomes part of a path only
after `check_id` accepted it, so no name leads out of the workspace.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.errors import InvalidError, NotFoundError, UnavailableError, from_os_error

STATE_DIRECTORY: Final = ".mlops"
DECLARATION: Final = "mlops.toml"

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_SOCKET_PATH_BYTES: Final = 103
"""The shortest `sun_path` among the systems we run on (macOS: 104 with its final zero)."""


def check_id(text: str, what: str = "name") -> str:
    """Return `text` if it may name a thing and therefore a file, else raise `InvalidError`."""
    if _ID.fullmatch(text) is None:
        shown = text if len(text) <= 80 else text[:77] + "..."
        raise InvalidError(
            f"{what} {shown!r} is not allowed: a {what} has 1 to 64 characters a-z 0-9 . _ - "
            "and starts with a letter or digit.",
            value=shown,
        )
    return text


@dataclass(frozen=True, slots=True)
class JobPaths:
    """The files of one job."""

    directory: Path

    @property
    def spec(self) -> Path:
        """What to do; written before the process is started."""
        return self.directory / "spec.json"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def journal(self) -> Path:
        return self.directory / "journal"

    @property
    def token(self) -> Path:
        """Digest of the token with which its program may report metrics."""
        return self.directory / "token"

    @property
    def identity(self) -> Path:
        """Boot id, pid and start time of the process, written by its shim."""
        return self.directory / "identity.json"

    @property
    def exit(self) -> Path:
        """How it ended, written by its shim."""
        return self.directory / "exit.json"


@dataclass(frozen=True, slots=True)
class EndpointPaths:
    """The files of one endpoint."""

    directory: Path

    @property
    def config(self) -> Path:
        """What to serve; replaced atomically and watched by the serving process."""
        return self.directory / "config.json"

    @property
    def keys(self) -> Path:
        """Names and digests of its API keys; no file = none is needed."""
        return self.directory / "keys.json"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def journal(self) -> Path:
        return self.directory / "journal"

    @property
    def identity(self) -> Path:
        return self.directory / "identity.json"

    @property
    def exit(self) -> Path:
        return self.directory / "exit.json"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A directory with a declaration people edit and a state directory they do not."""

    root: Path
    """Absolute, symlinks resolved: two names of one directory are one workspace."""

    @classmethod
    def find(cls, start: Path, override: Path | str | None = None) -> Workspace:
        """Return the workspace at `override`, or the nearest one at or above `start`.

        `override` may name the directory or its `.mlops`. Raises `NotFoundError`.
        """
        if override is not None and str(override):
            given = Path(override).expanduser().absolute()
            root = given.parent if given.name == STATE_DIRECTORY else given
            if not (root / STATE_DIRECTORY).is_dir():
                raise NotFoundError(
                    f"{given} is not a workspace: it has no {STATE_DIRECTORY} directory.",
                    hint=f"Create one: mlops-console init --workspace {root}",
                    path=str(given),
                )
            return cls(root.resolve())
        here = start.resolve()
        for directory in (here, *here.parents):
            if (directory / STATE_DIRECTORY).is_dir():
                return cls(directory)
        raise NotFoundError(
            f"no workspace here: neither {here} nor a directory above it has {STATE_DIRECTORY}.",
            hint="Create one: mlops-console init",
            path=str(here),
        )

    @classmethod
    def create(cls, path: Path) -> Workspace:
        """Make `path` a workspace; what is already there stays as it is."""
        workspace = cls(path.expanduser().resolve())
        try:
            workspace.root.mkdir(parents=True, exist_ok=True)
            for directory in (
                workspace.state,
                workspace.objects,
                workspace.jobs,
                workspace.endpoints,
                workspace.spool,
            ):
                directory.mkdir(mode=0o700, exist_ok=True)
            ignore = workspace.state / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="ascii")
        except OSError as error:
            raise from_os_error("create a workspace in", workspace.root, error) from error
        return workspace

    @property
    def state(self) -> Path:
        return self.root / STATE_DIRECTORY

    @property
    def declaration(self) -> Path:
        """`mlops.toml`: what people declare and version."""
        return self.root / DECLARATION

    @property
    def store(self) -> Path:
        """The DuckDB file. Nobody but DuckDB may open it: closing any other handle to it would
        drop the lock DuckDB holds."""
        return self.state / "store.duckdb"

    @property
    def store_wal(self) -> Path:
        return self.state / "store.duckdb.wal"

    @property
    def mark(self) -> Path:
        """Store id, epoch and the last committed sequence."""
        return self.state / "store.mark"

    @property
    def salvage(self) -> Path:
        """Copies of database and log, taken before an unclean store is opened."""
        return self.state / "salvage"

    @property
    def backups(self) -> Path:
        return self.state / "backups"

    @property
    def archive(self) -> Path:
        """Parquet files of rows that left the hot tables."""
        return self.state / "archive"

    @property
    def lock(self) -> Path:
        return self.state / "agent.lock"

    @property
    def log(self) -> Path:
        return self.state / "agent.log"

    @property
    def objects(self) -> Path:
        return self.state / "objects"

    @property
    def jobs(self) -> Path:
        return self.state / "jobs"

    @property
    def endpoints(self) -> Path:
        return self.state / "endpoints"

    @property
    def spool(self) -> Path:
        """Where clients leave journals for an agent that is not there."""
        return self.state / "spool"

    @property
    def cache(self) -> Path:
        """What steps of pipelines made; taking it away costs time only."""
        return self.state / "cache"

    @property
    def temp(self) -> Path:
        """What DuckDB spills; worthless after a restart."""
        return self.state / "temp"

    @property
    def tracking_port(self) -> Path:
        """The loopback port where programs report; the next agent takes the same one."""
        return self.state / "tracking.port"

    @property
    def socket(self) -> Path:
        """Where the agent listens.

        When the path is too long for a socket address: a directory of the workspace's owner under
        /tmp, as tmux does. It depends on nothing but the workspace, so that a cron job, a login
        shell and a colleague arrive at the same place.
        """
        inside = self.state / "agent.sock"
        if len(os.fsencode(inside)) <= _SOCKET_PATH_BYTES:
            return inside
        import hashlib  # every command comes by here; few workspaces lie so deep

        name = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:16]
        return Path("/tmp") / f"mlops-console-{self.owner_uid}" / f"{name}.sock"

    @property
    def owner_uid(self) -> int:
        """The Unix user the state directory belongs to."""
        try:
            return self.state.stat().st_uid
        except OSError as error:
            raise from_os_error("read", self.state, error) from error

    def prepare_socket_directory(self) -> Path:
        """Return the socket's path; its directory exists and nobody else can put files there.

        Both ends call it before `bind` or `connect`: /tmp is open to everybody.
        """
        path = self.socket
        directory = path.parent
        if directory == self.state:
            return path
        try:
            if self.owner_uid == os.getuid():
                directory.mkdir(mode=0o711, exist_ok=True)
            found = directory.lstat()
        except OSError as error:
            raise from_os_error("use", directory, error) from error
        is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o022
        if not is_private or found.st_uid != self.owner_uid:
            raise UnavailableError(
                f"cannot trust {directory}: it is not a directory that only the owner of "
                f"{self.root} can write to.",
                hint=f"Look at it (ls -ld {directory}) and remove it, or move the workspace to "
                "a shorter path.",
                path=str(directory),
            )
        return path

    def job(self, job_id: int | str) -> JobPaths:
        return JobPaths(self.jobs / check_id(str(job_id), "job id"))

    def endpoint(self, name: str) -> EndpointPaths:
        return EndpointPaths(self.endpoints / check_id(name, "endpoint name"))
