"""Job states: what may follow what, and what a dead process means."""

from __future__ import annotations

import pytest

from console.errors import ConflictError
from console.rules import lifecycle


def test_a_final_state_is_never_left() -> None:
    for before in lifecycle.FINAL:
        assert not any(lifecycle.can_move(before, after) for after in lifecycle.STATES)


def test_every_state_can_reach_an_end_and_none_follows_itself() -> None:
    assert set(lifecycle.TRANSITIONS) == set(lifecycle.STATES)
    for state in lifecycle.STATES:
        reached, frontier = {state}, [state]
        while frontier:
            for after in lifecycle.TRANSITIONS[frontier.pop()] - reached:
                reached.add(after)  # type: ignore[arg-type]  # keys are checked to be states above
                frontier.append(after)  # type: ignore[arg-type]
        assert reached & lifecycle.FINAL
        assert not lifecycle.can_move(state, state)


def test_a_queued_job_cannot_succeed_without_having_been_started() -> None:
    with pytest.raises(ConflictError) as refused:
        lifecycle.check_move(7, "queued", "succeeded")
    assert refused.value.message == "cannot make job 7 succeeded: it is queued."
    assert "starting" in refused.value.hint


def test_the_way_out_of_an_ended_job_is_a_retry() -> None:
    with pytest.raises(ConflictError) as refused:
        lifecycle.check_move(7, "failed", "running")
    assert "job retry 7" in refused.value.hint
    assert lifecycle.can_retry("lost")
    assert not lifecycle.can_retry("succeeded")
    assert not lifecycle.can_retry("running")
    assert lifecycle.can_cancel("queued")
    assert not lifecycle.can_cancel("lost")


@pytest.mark.parametrize(
    ("exit_code", "signal", "word", "cancelled", "state"),
    [
        (0, None, True, False, "succeeded"),
        (0, None, None, False, "succeeded"),
        (0, None, False, False, "failed"),
        (1, None, True, False, "failed"),
        (None, 9, True, False, "failed"),
        (None, 15, None, True, "cancelled"),
        (None, None, True, False, "succeeded"),
        (None, None, False, False, "failed"),
        (None, None, None, False, "lost"),
        (None, None, None, True, "cancelled"),
        (0, None, True, True, "succeeded"),
    ],
)
def test_the_exit_status_decides_over_the_workers_word(
    exit_code: int | None, signal: int | None, word: bool | None, cancelled: bool, state: str
) -> None:
    assert (
        lifecycle.state_after_exit(
            exit_code=exit_code, signal=signal, ended_well=word, was_cancelled=cancelled
        )
        == state
    )
