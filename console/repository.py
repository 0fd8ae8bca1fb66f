"""What git says about a directory; never a reason to fail.

Used by workers (what a run was made with) and by the agent (what changed between two runs).
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

GIT_LIMIT_S = 5.0
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def git(root: Path, *words: str) -> str | None:
    """What a git command prints; None when there is no git or repository, or it fails."""
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


def between(root: Path, before: str, after: str) -> str | None:
    """What changed below the directory from one commit to another; None when git cannot say."""
    if not (_COMMIT.fullmatch(before) and _COMMIT.fullmatch(after)):
        return None
    return git(root, "diff", "--no-color", "--no-ext-diff", before, after, "--", ".")
