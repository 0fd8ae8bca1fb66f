"""What the tests of the store share: a clock, a workspace, an opener, a child process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from storage.database import Database
from storage.engine import Limits
from storage.migrate import Migration
from storage.workspace import Workspace


def core_shape() -> tuple[Migration, ...]:
    schema = resources.files("storage").joinpath("sql", "schema", "0001_core.sql")
    return (Migration(1, "core", schema.read_text(encoding="utf-8")),)


class StepClock:
    """A clock that goes on by a second whenever it is asked."""

    def __init__(self) -> None:
        self._now = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


@pytest.fixture
def core() -> tuple[Migration, ...]:
    """The shape the store needs for itself."""
    return core_shape()


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "w")


@pytest.fixture
def open_store(clock: StepClock) -> Iterator[Callable[..., Database]]:
    """Open a store of the core shape; what is still open at the end is closed."""
    with ExitStack() as stack:

        def open_it(workspace: Workspace, **options: Any) -> Database:
            options = {"migrations": core_shape(), "limits": Limits(readers=2), **options}
            return stack.enter_context(Database.open(workspace, clock=clock, **options))

        yield open_it


@pytest.fixture
def start_child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python on a piece of source; children that are left are killed."""
    with ExitStack() as stack:

        def start(source: str, *args: object) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", source, *map(str, args)],
                stdout=subprocess.PIPE,
                stdin=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start
