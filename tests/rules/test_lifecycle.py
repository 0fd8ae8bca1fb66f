"""What the end of a process says about its job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.rules import pace
from console.rules.job_order import cycle
from console.rules.lifecycle import verdict
from storage.records.jobs import Job, ProcessEnd, Progress


def job(**known: Any) -> Job:
    given = {
        "id": 7, "kind": "train", "title": "train delays", "spec": {}, "state": "running",
        "created_at": datetime(2026, 1, 5, tzinfo=UTC), "created_by": "ana", "result": {},
    }  # fmt: skip
    return Job(**{**given, **known})


def end(exit_code: int | None = None, signal: int | None = None, **known: Any) -> ProcessEnd:
    return ProcessEnd(exit_code=exit_code, signal=signal, **known)


LIMITED = {"limits": {"memory_bytes": 2_000_000_000, "time_s": 60.0}}


@pytest.mark.parametrize(
    ("told", "ended", "state", "words"),
    [
        ({}, end(0), "succeeded", ""),
        ({"cancel_requested_by": "ana"}, end(0), "succeeded", ""),
        ({"reason": "no such column."}, end(3), "failed", "no such column."),
        ({}, end(3), "failed", "ended with exit code 3: it printed nothing"),
        ({}, end(signal=11), "failed", "killed by SIGSEGV"),
        ({}, end(signal=9, oom_kills=1), "failed", "killed by the system because the machine was"),
        ({"cancel_requested_by": "ana"}, end(143), "cancelled", "cancelled by ana, stopped"),
        (
            {"cancel_requested_by": "ana"},
            end(signal=9),
            "cancelled",
            "cancelled by ana, killed after ignoring the request",
        ),
        (
            {"cancel_requested_by": "ana"},
            end(signal=15, survivors=("redis (81)", "sh (82)")),
            "cancelled",
            "cancelled by ana, stopped; it left behind redis (81), sh (82)",
        ),
        ({}, end(0, survivors=("redis (81)",)), "succeeded", "it left behind redis (81)"),
        (
            {"spec": LIMITED},
            end(signal=9, stopped_for="memory", used=2.3e9),
            "failed",
            "ended because it used 2.3 GB of memory and may use 2.0 GB. Give it more: "
            "mlops-console job retry 7 --memory 4GB",
        ),
        (
            {"spec": LIMITED},
            end(143, stopped_for="time", used=60.4),
            "failed",
            "ended because it ran for 1 m 00 s and may run for 1 m 00 s. Give it more: "
            "mlops-console job retry 7 --time 120s",
        ),
        (
            {},
            end(1, stopped_for="disk", used=55e6),
            "failed",
            "ended because it filled the disk: 55.0 MB were left. Make room (mlops-console data gc "
            "--remove), then: mlops-console job retry 7",
        ),
        ({}, end(127, stopped_for="start", said="tain.py: No such file"), "failed", "cannot start"),
    ],
)
def test_the_end_of_a_process_decides_over_what_the_job_said(
    told: dict[str, Any], ended: ProcessEnd, state: str, words: str
) -> None:
    found, reason = verdict(job(**told), ended)
    assert found == state
    assert reason.startswith(words) and bool(reason) == bool(words)


def test_a_program_that_fails_is_quoted() -> None:
    _, reason = verdict(job(), end(1), "ModuleNotFoundError: No module named 'torch'")
    assert reason == "ended with exit code 1: ModuleNotFoundError: No module named 'torch'"


def test_a_program_that_fails_on_a_full_disk_may_not_have_been_able_to_say_so() -> None:
    _, reason = verdict(job(), end(1, disk_free_bytes=4096))
    assert reason == "ended with exit code 1: it printed nothing; the disk was full"


def test_pace_is_told_of_what_is_counted_and_the_end_only_when_it_can_be_seen() -> None:
    began = datetime(2026, 1, 5, tzinfo=UTC)
    now = began + timedelta(seconds=100)

    def at(done: float, unit: str = "rows", **known: Any) -> Job:
        told = Progress(done=done, total=1000, unit=unit, at=now)
        return job(started_at=began, progress=told, **known)

    assert pace.rate_words(at(500), now) == "5 rows/s"
    assert pace.left_s(at(500), now) == pytest.approx(100)
    assert pace.rate_words(at(500, "step"), now) == ""
    assert pace.left_s(at(5), now) is None
    assert pace.rate_words(at(500, state="succeeded"), now) == ""


def test_jobs_that_would_wait_for_one_another_are_found() -> None:
    waits: dict[int, list[int]] = {1: [], 2: [1], 3: [2], 4: [2, 3]}
    assert cycle(1, [4], waits.__getitem__) in ([1, 4, 3, 2, 1], [1, 4, 2, 1])
    assert cycle(5, [5], waits.__getitem__) == [5, 5]
    assert cycle(5, [4], waits.__getitem__) == []
