"""States a job can be in and the moves between them.

The agent asks here before it writes a state; standard library only. Invariant: a final state is
never left. Running the same thing again is a new job that names the old one (`retry_of`).
"""

from __future__ import annotations

from typing import Final, get_args

from console.errors import ConflictError
from storage.records.jobs import FINAL_STATES, JobState

STATES: Final[tuple[JobState, ...]] = get_args(JobState)
FINAL: Final[frozenset[str]] = FINAL_STATES
ACTIVE: Final[frozenset[str]] = frozenset({"starting", "running"})
"""A process exists, or did a moment ago."""

TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    # failed: a job it waits for did not succeed, or its process could not be started at all
    "queued": frozenset({"starting", "failed", "cancelled"}),
    # Any end may follow at once: the agent can have been away while the job ran from start to end.
    "starting": frozenset({"running", "succeeded", "failed", "cancelled", "lost"}),
    "running": frozenset({"succeeded", "failed", "cancelled", "lost"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
    "lost": frozenset(),
}


def is_final(state: str) -> bool:
    return state in FINAL


def can_move(before: str, after: str) -> bool:
    """True when `after` may follow `before`; staying is not a move."""
    return after in TRANSITIONS.get(before, frozenset())


def check_move(job_id: int, before: str, after: str) -> None:
    """Refuse an illegal move with a sentence that says what the job is and what it could become."""
    if can_move(before, after):
        return
    possible = sorted(TRANSITIONS.get(before, frozenset()))
    way_out = (
        f"From {before} it can become {', '.join(possible)}."
        if possible
        else f"Run it again with `mlops-console job retry {job_id}`."
    )
    raise ConflictError(
        f"cannot make job {job_id} {after}: it is {before}.",
        hint=way_out,
        job=job_id,
        state=before,
    )


def can_cancel(state: str) -> bool:
    """A job that has not ended can be asked to stop."""
    return state not in FINAL


def can_retry(state: str) -> bool:
    """Only what ended without success is worth another try."""
    return state in FINAL and state != "succeeded"


def state_after_exit(
    *, exit_code: int | None, signal: int | None, ended_well: bool | None, was_cancelled: bool
) -> JobState:
    """The final state of a job whose process is gone, from what is known of its end.

    The exit status decides over the worker's own word: a worker that reported success and then
    crashed has not succeeded. Without an exit status (it ended while no agent was its parent) the
    worker's last word counts; without either the job is lost. `ended_well` is that word, None when
    the journal has none.
    """
    if exit_code is None and signal is None:
        if ended_well is None:
            return "cancelled" if was_cancelled else "lost"
        return "succeeded" if ended_well else ("cancelled" if was_cancelled else "failed")
    if exit_code == 0 and ended_well is not False:
        return "succeeded"
    return "cancelled" if was_cancelled else "failed"
