"""What `endpoint`, `label`, `alert` and `agent` refuse: one sentence, before any agent runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from console.cli.endpoint_views import spark
from console.cli.endpoints import seconds
from console.errors import KINDS, UsageError
from storage.workspace import Workspace
from tests.conftest import Said, run_command

Cli = Callable[..., Said]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("90s", 90.0), ("30m", 1800.0), ("6h", 21600.0), ("7d", 604800.0), ("45", 45.0)],
)
def test_a_window_is_written_with_its_unit(words: str, wanted: float) -> None:
    assert seconds(words) == wanted


@pytest.mark.parametrize("words", ["", "-5m", "soon", "3 weeks", "0s", "nan"])
def test_what_is_no_length_of_time_is_said(words: str) -> None:
    with pytest.raises(UsageError, match="is not a length of time"):
        seconds(words)


def test_bars_keep_gaps_and_survive_zeros() -> None:
    assert spark([0.0, 0.0]) == "▁▁"
    assert spark([None, 2.0, 1.0, None]) == " █▄ "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,truth\n1,1\n", "wanted are request_id and label"),
        ("request_id,label\nr1,\n", "request_id or label is missing in line 2"),
        ("request_id,label\nr1,1\nr2,maybe\n", "the label 'maybe' in line 3"),
        ("request_id,label\n", "no label was given"),
    ],
)
def test_a_label_file_with_a_fault_names_line_and_column(
    workspace: Workspace, cli: Cli, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    found = cli(workspace, "label", "add", "delays", "--file", str(path))
    assert found.code in (KINDS["usage"].exit_code, KINDS["invalid"].exit_code)
    assert said in found.err
    assert "Traceback" not in found.err
    assert not workspace.socket.exists()


def test_labels_as_json_lines_name_the_line(workspace: Workspace, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text('{"request_id": "r1", "label": 1}\n{"request_id": \n')
    found = cli(workspace, "label", "add", "delays", "--file", str(path))
    assert found.code == KINDS["invalid"].exit_code
    assert "line 2 is not JSON" in found.err


def test_a_share_that_is_none_is_refused_with_an_example(workspace: Workspace, cli: Cli) -> None:
    found = cli(workspace, "endpoint", "traffic", "delays", "v5:10")
    assert found.code == KINDS["usage"].exit_code
    assert "'v5:10' is not a share" in found.err and "champion=90 v5=10" in found.err


def test_the_status_of_an_agent_that_is_not_there_starts_none(
    workspace: Workspace, cli: Cli
) -> None:
    found = cli(workspace, "agent", "status")
    assert found.code == KINDS["unavailable"].exit_code
    assert "not running" in found.out
    stopped = cli(workspace, "agent", "stop", "--json")
    assert stopped.code == 0 and "was not running" in stopped.out
    assert not workspace.socket.exists()
    assert "never ran here" in cli(workspace, "agent", "logs").err


@pytest.mark.process
def test_an_agent_is_started_described_and_stopped(workspace: Workspace) -> None:
    cli = run_command
    started = cli(workspace, "agent", "start")
    assert started.code == 0 and started.out.startswith("the agent runs, pid ")
    assert '"endpoints_ready":0' in cli(workspace, "agent", "status", "--json").out
    assert "ready in" in cli(workspace, "agent", "logs").out
    stopped = cli(workspace, "agent", "stop")
    assert stopped.code == 0 and "the agent leaves" in stopped.out
    assert cli(workspace, "agent", "status").code == KINDS["unavailable"].exit_code
