"""What a light process loads: a fresh interpreter per entry point, then a look."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import child_environment

HEAVY = {"duckdb", "pandas", "sklearn", "pyarrow", "joblib", "numpy", "scipy"}


def loaded_by(code: str) -> set[str]:
    """Top-level names in `sys.modules` after running `code` in a fresh interpreter."""
    script = f"""{code}
import sys, json
print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=child_environment(),
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "console.client.client",
        "console.wire.table",
        "console.cli.main",
        "console.tui.app",
        "console.rules.verdicts",
        "console.rules.metrics",
        "console.rules.gates",
        "console.rules.latency",
        "console.rules.slo",
        "console.rules.alerts",
        "console.rules.roles",
        "console.rules.declaration",
        "console.text",
        "console.settings",
    ],
)
def test_light_module_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(f"import {module}") & HEAVY


def test_every_row_of_commands_loads_nothing_heavy() -> None:
    code = (
        "import importlib\nfrom console.cli import main\n"
        "for row, _ in main.NOUNS.values(): importlib.import_module(f'console.cli.{row}')"
    )
    assert not loaded_by(code) & (HEAVY | {"textual", "uvicorn", "starlette"})


def test_version_loads_neither_console_nor_store() -> None:
    code = (
        "import sys\nsys.argv = ['mlops-console', '--version']\n"
        "import console.__main__ as m\nm.main()"
    )
    loaded = loaded_by(code)
    assert not loaded & (HEAVY | {"textual", "msgspec", "argparse", "uvicorn"})


def test_the_first_picture_waits_for_nothing_that_talks() -> None:
    """What is loaded when the frame with all its areas has been sent to the terminal."""
    code = """
import asyncio, sys, tempfile
from pathlib import Path
from console.client.client import Client
from console.tui.app import Console
from storage.workspace import Workspace

sent = []
class Watched(Console):
    def _display(self, screen, renderable):
        super()._display(screen, renderable)
        sent.extend(line for line in self.screen._compositor.render_strips())
    def _begin(self):
        assert any("Overview" in strip.text for strip in sent), "asked before it painted"
        self.exit(0)

async def main():
    with tempfile.TemporaryDirectory() as folder:
        app = Watched(Client(Workspace.create(Path(folder))))
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
asyncio.run(main())
assert sent
"""
    assert not loaded_by(code) & (HEAVY | {"msgspec", "http", "tomllib"})


def test_serving_process_does_not_need_the_agent() -> None:
    loaded = loaded_by(
        "import console.serving.main\nimport sys\n"
        "assert not [m for m in sys.modules if m.startswith(('console.agent', 'textual'))]"
    )
    assert "uvicorn" in loaded
