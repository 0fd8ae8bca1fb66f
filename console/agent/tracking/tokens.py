"""The token with which a job's program may report: 256 random bits, told to the program alone.

Its digest lies in the job's directory, so the next agent knows it too. Invariant: a token opens one
job's own runs, and only while that job has not ended.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from storage.workspace import Workspace

PREFIX = "mlj"
"""Lets a token that leaked be recognised as one."""
_TOKEN = re.compile(rf"{PREFIX}_(\d{{1,18}})_([\w-]{{43}})", re.ASCII)


def make(workspace: Workspace, job_id: int) -> str:
    """Make a job's token, remember its digest and return it; nobody can be told it again."""
    token = f"{PREFIX}_{job_id}_{secrets.token_urlsafe(32)}"
    path = workspace.job(job_id).token
    path.touch(mode=0o600)
    path.write_text(_digest(token), encoding="ascii")
    return token


def job_of(workspace: Workspace, token: str) -> int | None:
    """The job whose token this is; None for any other text."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    job_id = int(found[1])
    try:
        known = workspace.job(job_id).token.read_text(encoding="ascii")
    except OSError:
        return None
    return job_id if hmac.compare_digest(known, _digest(token)) else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
