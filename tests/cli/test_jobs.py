"""Jobs from the shell: any program, its log, its exit code, its end."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from console.cli.params import read_params
from console.errors import KINDS, UsageError
from tests.conftest import RunningAgent, Said, until

pytestmark = pytest.mark.process


def test_a_program_runs_as_a_job_and_its_exit_code_is_the_commands(
    agent: RunningAgent, cli: Callable[..., Said]
) -> None:
    done = cli(
        agent.workspace, "job", "run", "--", "bash", "-c", "printf '1/2\\r2/2\\n'; echo bye; exit 3"
    )
    assert done.code == 3
    assert "ended with exit code 3" in done.err
    logged = cli(agent.workspace, "job", "logs", "1")
    assert logged.out.splitlines() == ["2/2", "bye"]
    followed = cli(agent.workspace, "job", "logs", "--follow", "1")
    assert followed.code == KINDS["failed"].exit_code
    assert followed.out == logged.out


def test_a_job_is_cancelled_and_says_by_whom(agent: RunningAgent, cli: Callable[..., Said]) -> None:
    queued = cli(agent.workspace, "--json", "job", "run", "--detach", "--", "sleep", "60")
    number = json.loads(queued.out)["id"]
    cli(agent.workspace, "job", "cancel", str(number))

    def state() -> dict[str, object] | None:
        job: dict[str, object] = json.loads(
            cli(agent.workspace, "--json", "job", "show", str(number)).out
        )
        return job if job["state"] == "cancelled" else None

    job = until(state, "the end of the job")
    assert str(job["reason"]).startswith("cancelled by ")
    assert "cancelled" in cli(agent.workspace, "job", "list").out
    again = cli(agent.workspace, "job", "cancel", str(number))
    assert again.code == KINDS["conflict"].exit_code


def test_text_and_json_say_the_same(agent: RunningAgent, cli: Callable[..., Said]) -> None:
    cli(agent.workspace, "job", "run", "--title", "greet", "--", "echo", "hello")
    listed = json.loads(cli(agent.workspace, "--json", "job", "list").out)
    assert [job["title"] for job in listed] == ["greet"]
    assert "greet" in cli(agent.workspace, "job", "list").out
    unknown = cli(agent.workspace, "--json", "job", "show", "99")
    assert (unknown.code, unknown.out) == (KINDS["not_found"].exit_code, "")
    assert json.loads(unknown.err)["message"] == "there is no job 99."


def test_parameters_are_read_as_json_where_that_reads() -> None:
    assert read_params(["a=1", "b=0.5", "c=None", "d=[1, 2]", "e=log=x", "f=True"]) == {
        "a": 1,
        "b": 0.5,
        "c": None,
        "d": [1, 2],
        "e": "log=x",
        "f": True,
    }
    with pytest.raises(UsageError):
        read_params(["max_iter"])
