"""How a command is written: one decorated function, its arguments, its examples.

    @command("show", argument("version", help="flights@v3"), examples=("… data show flights",))
    def show(invocation: Invocation) -> None:
        "What is in a data version."

The first line of the docstring is the help. A row module lists nothing: `commands_of` finds the
decorated functions, so a command exists as soon as its function does.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.cli.output import Output
    from console.client.client import Client
    from storage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Argument:
    """One call of `ArgumentParser.add_argument`."""

    names: tuple[str, ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Command:
    """One verb of a noun; verb `""` is a noun used alone, as in `mlops-console doctor`."""

    verb: str
    run: Callable[[Invocation], int | None]
    arguments: tuple[Argument, ...]
    examples: tuple[str, ...]
    summary: str
    description: str


@dataclass(slots=True)
class Invocation:
    """What a command is given. Workspace and client are opened when first asked for."""

    arguments: argparse.Namespace
    output: Output
    workspace_option: str | None
    start_agent: bool = True
    _workspace: Workspace | None = field(default=None)
    _client: Client | None = field(default=None)

    @property
    def workspace(self) -> Workspace:
        """The workspace of --workspace, MLOPS_WORKSPACE or the directory; raises when none."""
        if self._workspace is None:
            from storage.workspace import Workspace

            self._workspace = Workspace.find(Path.cwd(), self.workspace_option)
        return self._workspace

    @property
    def client(self) -> Client:
        if self._client is None:
            from console.client.client import Client

            self._client = Client(self.workspace, start=self.start_agent)
        return self._client

    def close(self) -> None:
        """Let go of the agent, if it was talked to."""
        if self._client is not None:
            self._client.close()

    def __getattr__(self, name: str) -> Any:
        """`invocation.version` is the argument `version`."""
        return getattr(self.arguments, name)


def argument(*names: str, **options: Any) -> Argument:
    """An argument or option, written as for argparse."""
    return Argument(names, options)


def command(
    verb: str, *arguments: Argument, examples: tuple[str, ...] = ()
) -> Callable[[Callable[[Invocation], int | None]], Callable[[Invocation], int | None]]:
    """Make a function the command `verb` of its module's noun."""

    def mark(
        function: Callable[[Invocation], int | None],
    ) -> Callable[[Invocation], int | None]:
        text = inspect.getdoc(function) or ""
        summary, _, rest = text.partition("\n")
        function.__dict__["command"] = Command(
            verb, function, arguments, examples, summary.strip(), rest.strip()
        )
        return function

    return mark


def commands_of(module: ModuleType) -> list[Command]:
    """The commands of a row, in the order they are written."""
    found = [
        value.__dict__["command"]
        for value in vars(module).values()
        if inspect.isfunction(value) and "command" in value.__dict__
    ]
    return sorted(found, key=lambda each: each.run.__code__.co_firstlineno)
