"""Where a run comes from: code, uncommitted changes, environment. Never a reason to fail."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

from console.repository import git
from storage.objects import Objects

PACKAGES = ("scikit-learn", "numpy", "scipy", "pandas", "pyarrow", "duckdb", "joblib")
DIFF_LIMIT_BYTES = 2**20
NEW_FILES = 100
NEW_FILE_BYTES = 2**16
CODE = frozenset({".py", ".sql", ".toml", ".yaml", ".yml", ".sh"})
"""New files of these kinds are kept, others only named: data has versions of its own, and what
lies about in a directory may be secret."""


def environment(estimator_path: str) -> dict[str, str]:
    """Python, platform, processor and versions of what takes part in a fit."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "cores": str(len(os.sched_getaffinity(0))),
        "cpu": cpu_model(),
    }
    top = estimator_path.replace(":", ".").split(".")[0]
    own = [] if top == "sklearn" else importlib.metadata.packages_distributions().get(top, [])
    for name in (*PACKAGES, *own):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cpu_model() -> str:
    """The processor's name, as the kernel tells it; its architecture where it does not."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() in ("model name", "Model"):
                    return " ".join(value.split())
    except OSError:
        pass
    return platform.machine()


def code(root: Path, objects: Objects, estimator_path: str) -> dict[str, str]:
    """Commit and branch of the workspace's repository; uncommitted changes become an object."""
    found = {"estimator": estimator_path}
    commit = git(root, "rev-parse", "HEAD")
    if commit is None:
        return found
    found["commit"] = commit.strip()
    found["branch"] = (git(root, "rev-parse", "--abbrev-ref", "HEAD") or "").strip()
    diff = (git(root, "diff", "HEAD", "--", ".") or "")[:DIFF_LIMIT_BYTES]
    untracked = git(root, "ls-files", "--others", "--exclude-standard", "--", ".") or ""
    new_files = [name for name in untracked.splitlines() if not name.startswith(".mlops/")]
    found["is_dirty"] = "yes" if diff or new_files else "no"
    if diff or new_files:
        added = "".join(_new_file(root, name) for name in new_files[:NEW_FILES])
        found["diff"] = objects.put_bytes((diff + added)[:DIFF_LIMIT_BYTES].encode())
    return found


def _new_file(root: Path, name: str) -> str:
    """A file that git does not know, as a patch; of what is large or no code only its name."""
    path, text = root / name, ""
    try:
        if path.suffix in CODE and path.stat().st_size <= NEW_FILE_BYTES:
            text = path.read_text()
    except (OSError, UnicodeDecodeError):
        pass
    if not text:
        return f"new file, not in the repository: {name}\n"
    lines = text.splitlines()
    head = f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n"
    return head + "".join(f"+{line}\n" for line in lines)
