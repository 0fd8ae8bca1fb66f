"""Where a run comes from: code, uncommitted changes, environment. Never a reason to fail."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from storage.objects import Objects

PACKAGES = ("scikit-learn", "numpy", "scipy", "pandas", "pyarrow", "duckdb", "joblib")
GIT_LIMIT_S = 5.0
DIFF_LIMIT_BYTES = 2**20


def environment(estimator_path: str) -> dict[str, str]:
    """Python, platform, cores and versions of what takes part in a fit."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "cores": str(len(os.sched_getaffinity(0))),
    }
    top = estimator_path.replace(":", ".").split(".")[0]
    own = [] if top == "sklearn" else importlib.metadata.packages_distributions().get(top, [])
    for name in (*PACKAGES, *own):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def code(root: Path, objects: Objects, estimator_path: str) -> dict[str, str]:
    """Commit and branch of the workspace's repository; uncommitted changes become an object."""
    found = {"estimator": estimator_path}
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return found
    found["commit"] = commit.strip()
    found["branch"] = (_git(root, "rev-parse", "--abbrev-ref", "HEAD") or "").strip()
    diff = (_git(root, "diff", "HEAD", "--", ".") or "")[:DIFF_LIMIT_BYTES]
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "--", ".") or ""
    new_files = [name for name in untracked.splitlines() if not name.startswith(".mlops/")]
    found["is_dirty"] = "yes" if diff or new_files else "no"
    if diff or new_files:
        listed = "".join(f"new file, not in the repository: {name}\n" for name in new_files[:100])
        found["diff"] = objects.put_bytes((listed + diff).encode())
    return found


def _git(root: Path, *words: str) -> str | None:
    """What git says; None when there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=GIT_LIMIT_S,
            check=True,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
