"""Opens the console: settings, terminal, workspace, then the app. Without a terminal, words."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from console import errors, settings
from console.tui.terminal import Terminal, no_terminal_message, survey
from storage.errors import StorageError
from storage.workspace import Workspace

if TYPE_CHECKING:
    import argparse


def open_console(words: list[str]) -> int:
    """Run the console until it is left; returns the exit code."""
    options = _options(words)
    try:
        chosen = settings.load(
            {
                "theme": options.theme,
                "keys": options.keys,
                "charts": options.charts,
                "read_only": options.read_only or None,
            }
        ).settings
        terminal = survey(wanted_theme=_theme(chosen), wanted_charts=chosen.charts)
        if not terminal.is_interactive:
            print(no_terminal_message("mlops-console"))
            return 0
        return _run(options, chosen, terminal)
    except (errors.ConsoleError, StorageError) as refusal:
        print(refusal, file=sys.stderr)
        return errors.KINDS[refusal.kind].exit_code
    except Exception:
        from console.cli.main import keep_traceback
        from console.tui.host import DEFECT

        print(DEFECT.format(place=keep_traceback()), file=sys.stderr)
        return errors.KINDS["internal"].exit_code


def _run(options: argparse.Namespace, chosen: settings.Settings, terminal: Terminal) -> int:
    from console.client.client import Client
    from console.tui.app import Console
    from console.tui.viewstate import ViewState

    given = options.workspace or os.environ.get("MLOPS_WORKSPACE")
    pending: tuple[str, dict[str, object]] | None = None
    try:
        workspace = Workspace.find(Path.cwd(), given)
    except StorageError:
        if given:
            raise
        begun = _welcome(chosen, terminal)
        if begun is None:
            return 0
        workspace, pending = begun
    while True:
        app = Console(
            Client(workspace),
            terminal,
            is_read_only=chosen.read_only,
            pending=pending,
            theme=_theme(chosen),
            keys=chosen.keys,
            views=ViewState.load(),
        )
        app.run(mouse=chosen.mouse)
        code = app.return_code or 0
        if app.defect:
            print(app.defect, file=sys.stderr)
        if not app.wants_demo:
            return code
        from console.cli.demo import prepare_for_console

        workspace, pending = prepare_for_console(), None


def _welcome(
    chosen: settings.Settings, terminal: Terminal
) -> tuple[Workspace, tuple[str, dict[str, object]] | None] | None:
    """Ask how to begin and do it: the workspace, and what is to be done first in it."""
    from console.cli.workspaces import make_workspace
    from console.tui.welcome import Welcome

    asked = Welcome(Path.cwd(), terminal, theme=_theme(chosen), keys=chosen.keys)
    asked.run(mouse=chosen.mouse)
    wanted = asked.chosen
    if wanted is None:
        return None
    if wanted.what == "open":
        return Workspace.find(wanted.path, wanted.path), None
    if wanted.what == "demo":
        from console.cli.demo import prepare_for_console

        return prepare_for_console(), None
    workspace, _ = make_workspace(wanted.path, wanted.file, wanted.dataset)
    if wanted.file is None:
        return workspace, None
    request: dict[str, object] = {
        "dataset": wanted.dataset,
        "files": (str(wanted.file),),
        "options": {},
    }
    return workspace, ("add_data", request)


def _theme(chosen: settings.Settings) -> str:
    return "" if chosen.theme == "auto" else chosen.theme


def _options(words: list[str]) -> argparse.Namespace:
    import argparse

    parser = argparse.ArgumentParser(prog="mlops-console", add_help=False)
    parser.add_argument("--workspace", "-W")
    parser.add_argument("--theme")
    parser.add_argument("--keys")
    parser.add_argument("--charts")
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--quiet", "-q", action="store_true")
    return parser.parse_args(words)
