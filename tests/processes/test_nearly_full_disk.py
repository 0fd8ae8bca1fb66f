"""On a disk that is nearly full people still see everything and can make room; nothing is begun."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import child_environment

pytestmark = pytest.mark.process

STORY = """
import sys
from pathlib import Path

from console import errors
from console.client.client import Client
from console.wire import datasets as wire
from console.wire.datasets import AddData, CollectGarbage
from console.wire.routes import Nothing
from storage.errors import StorageError
from storage.workspace import Workspace
from tests.conftest import RunningAgent, start_agent_process

root = Path(sys.argv[1])
workspace = Workspace.create(root / "w")
(root / "small.csv").write_text("a,b\\n1,2\\n")
RunningAgent(workspace, start_agent_process(workspace)).stop()
with (root / "filler").open("wb") as file:
    file.write(bytes(75 << 20))
running = RunningAgent(workspace, start_agent_process(workspace))
try:
    client = Client(workspace, start=False)
    print("datasets", client.call(wire.list_datasets, Nothing()))
    request = AddData(dataset="t", files=(str(root / "small.csv"),), options={})
    try:
        client.call(wire.add_data, request)
    except (errors.ConsoleError, StorageError) as refusal:
        print("refused", refusal.kind, refusal.message)
    for dry_run in (True, False):
        found = client.call(wire.collect_garbage, CollectGarbage(dry_run=dry_run))
        print("removed", found.removed)
    client.close()
finally:
    running.stop()
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a disk of its own")
def test_a_nearly_full_disk_is_read_and_cleaned_but_nothing_is_begun(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = tmp_path / "story.py"
    script.write_text(STORY)
    mount = f"mount -t tmpfs -o size=100m tmpfs {disk} && exec {sys.executable} {script} {disk}"
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", mount],
        capture_output=True,
        text=True,
        timeout=120,
        env=child_environment(),
        check=False,
    )
    if "datasets" not in done.stdout and "mount" in done.stderr:
        pytest.skip(f"no disk of its own here: {done.stderr.strip()}")
    lines = done.stdout.splitlines()
    assert lines[:1] == ["datasets []"], done.stderr
    assert lines[1].startswith("refused unavailable cannot add to t: it may need")
    assert lines[2:] == ["removed False", "removed True"]
