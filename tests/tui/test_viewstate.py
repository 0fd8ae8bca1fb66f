"""What the reader arranged comes back; a broken file is never a reason not to start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.tui.viewstate import ViewState, state_path


def test_it_comes_back_for_the_size_it_was_arranged_at(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "views.json"
    ViewState.load(path).put("wide", "jobs.runs", sort=["auc"], hidden=["took"])
    ViewState.load(path).put("wide", "jobs.runs", filter="state:done")
    again = ViewState.load(path)
    assert again.get("wide", "jobs.runs") == {
        "sort": ["auc"],
        "hidden": ["took"],
        "filter": "state:done",
    }
    assert again.get("narrow", "jobs.runs") == {}


def test_reset_forgets_one_size_only(tmp_path: Path) -> None:
    state = ViewState(tmp_path / "views.json")
    state.put("wide", "jobs", left=30)
    state.put("narrow", "jobs", left=20)
    state.reset("wide")
    again = ViewState.load(tmp_path / "views.json")
    assert again.get("wide", "jobs") == {} and again.get("narrow", "jobs") == {"left": 20}


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '{"views": 3}', '{"views": {"wide": {"jobs": 5}}}', "\x00\xff"]
)
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "views.json"
    path.write_bytes(content.encode("latin-1"))
    state = ViewState.load(path)
    assert state.get("wide", "jobs") == {}
    state.put("wide", "jobs", left=30)
    assert json.loads(path.read_text())["views"]["wide"]["jobs"] == {"left": 30}


def test_a_directory_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    state = ViewState.load(tmp_path / "file" / "views.json")
    state.put("wide", "jobs", left=30)
    assert state.get("wide", "jobs") == {"left": 30}
    assert state.problem


def test_the_place_follows_the_standard() -> None:
    assert state_path({"XDG_STATE_HOME": "/x"}) == Path("/x/mlops-console/views.json")
    assert state_path({"XDG_STATE_HOME": "relative", "HOME": "/h"}) == Path(
        "/h/.local/state/mlops-console/views.json"
    )
