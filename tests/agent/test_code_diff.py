"""What two runs were made with: data, declaration, code, in a real repository."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from console.agent import code_diff
from console.agent.code_diff import Side
from console.repository import between, git
from console.worker.training import provenance
from storage.objects import Objects
from storage.records.runs import DataUse, RunDiff
from tests.rules.test_run_comparison import BASE

PIPELINE = {
    "name": "delays",
    "params": {"max_iter": 60},
    "steps": [{"name": "features", "sql": "SELECT a,\n  b\nFROM this\n"}],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two commits of `train.py`, and a change after them."""
    made = tmp_path_factory.mktemp("repository")
    _git(made, "init", "-q")
    for words in ("depth = 3\n", "depth = 4\n"):
        (made / "train.py").write_text(words)
        _git(made, "add", "-A")
        _git(made, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "change")
    (made / "train.py").write_text("depth = 5\n")
    return made


def _git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


def commit(root: Path, name: str) -> str:
    return (git(root, "rev-parse", name) or "").strip()


def compared(root: Path, before: Side, after: Side) -> RunDiff:
    return code_diff.diff(root, Objects(root / "objects"), before, after)


def test_commits_are_compared_and_uncommitted_changes_too(root: Path) -> None:
    objects = Objects(root / "objects")
    first = replace(BASE, code={"commit": commit(root, "HEAD~1")})
    second = replace(BASE, id=118, code=provenance.code(root, objects, "sklearn.dummy.X"))
    found = compared(root, Side(first, PIPELINE), Side(second, PIPELINE))
    assert "-depth = 3" in found.code and "+depth = 4" in found.code
    assert "++depth = 5" in found.uncommitted and "--depth = 4" not in found.code
    assert (found.data, found.declaration, found.notes) == ((), "", ())
    assert "+depth = 5" in code_diff.kept_changes(objects, second)
    again = compared(root, Side(second, PIPELINE), Side(second, PIPELINE))
    assert (again.code, again.uncommitted) == ("", "")


def test_declaration_and_data_are_told_line_by_line(root: Path) -> None:
    data = (DataUse(dataset="flights", version=4, digest="e"),
            DataUse(dataset="planes", version=1, digest="p", role="reference"))  # fmt: skip
    other = replace(BASE, id=118, data=data)
    steps = [{"name": "features", "sql": "SELECT a,\n  b, c\nFROM this\n"}]
    changed = PIPELINE | {"params": {"max_iter": 90}, "steps": steps}
    found = compared(root, Side(BASE, PIPELINE), Side(other, changed))
    assert found.data == (("flights", 3, 4), ("planes", 0, 1))
    lines = found.declaration.splitlines()
    assert "-params.max_iter = 60" in lines and "+params.max_iter = 90" in lines
    assert "-      b" in lines and "+      b, c" in lines


def test_what_cannot_be_compared_is_said(root: Path) -> None:
    lost = replace(BASE, code={"commit": "f" * 40, "diff": "0" * 64})
    outside = replace(BASE, id=118, code={})
    found = compared(root, Side(lost, {}), Side(outside, {}))
    assert found.notes == (
        "run 118 was not made in a git repository: its code is not known",
        "the uncommitted changes of run 117 are lost",
    )
    known = replace(BASE, id=119, code={"commit": commit(root, "HEAD")})
    found = compared(root, Side(lost, {}), Side(known, {}))
    assert found.notes[0].startswith("git does not know ffffffffffff or")


def test_only_commits_reach_git(root: Path) -> None:
    assert between(root, "--output=/tmp/x", "HEAD") is None
    assert git(root / "nowhere", "status") is None


def test_the_processor_is_part_of_a_run() -> None:
    found = provenance.environment("sklearn.dummy.DummyClassifier")
    assert found["cpu"] and found["cpu"] == found["cpu"].strip()


def test_a_file_that_git_does_not_know_is_kept_and_data_only_named(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x",
         "--allow-empty")  # fmt: skip
    (tmp_path / "features.py").write_text("def add(frame):\n    return frame\n")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1\0\0")
    (tmp_path / ".env").write_text("TOKEN=secret\n")
    (tmp_path / "broken.py").write_bytes(b"\xff\xfe")
    (tmp_path / "large.py").write_text("a = 1\n" * provenance.NEW_FILE_BYTES)
    objects = Objects(tmp_path / ".mlops" / "objects")
    found = provenance.code(tmp_path, objects, "sklearn.dummy.X")
    kept = code_diff.kept_changes(objects, replace(BASE, code=found))
    assert "+++ b/features.py\n@@ -0,0 +1,2 @@\n+def add(frame):\n+    return frame\n" in kept
    assert "new file, not in the repository: rows.parquet" in kept
    for name in ("large.py", "broken.py", ".env"):
        assert f"new file, not in the repository: {name}" in kept
    assert "secret" not in kept
    assert found["is_dirty"] == "yes" and len(kept) < 1000
