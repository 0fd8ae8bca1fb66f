"""Where things are in a workspace, and which strings may name them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from storage.errors import InvalidError, NotFoundError, UnavailableError
from storage.workspace import Workspace, check_id


def test_the_nearest_workspace_above_is_found(tmp_path: Path) -> None:
    outer, inner = Workspace.create(tmp_path), Workspace.create(tmp_path / "a" / "b")
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir()
    assert Workspace.find(deep) == inner
    assert Workspace.find(tmp_path / "a") == outer


def test_two_names_of_a_directory_are_one_workspace(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Workspace.find(tmp_path / "link") == workspace
    assert Workspace.find(Path("/"), tmp_path / "link" / ".mlops") == workspace


def test_an_override_is_taken_as_it_is(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w")
    assert Workspace.find(Path("/"), str(tmp_path / "w")) == workspace
    (tmp_path / "w" / "sub").mkdir()
    with pytest.raises(NotFoundError, match="is not a workspace"):
        Workspace.find(tmp_path / "w", tmp_path / "w" / "sub")


def test_no_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        Workspace.find(tmp_path)
    assert str(tmp_path) in caught.value.message
    assert caught.value.hint == "Create one: mlops-console init"


def test_creating_again_keeps_what_is_there(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    (workspace.state / ".gitignore").write_text("*\n!keep\n")
    (workspace.objects / "x").write_text("x")
    assert Workspace.create(tmp_path) == workspace
    assert (workspace.state / ".gitignore").read_text() == "*\n!keep\n"
    assert (workspace.objects / "x").exists()


def test_the_state_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    assert workspace.state.stat().st_mode & 0o777 == 0o700
    assert (workspace.state / ".gitignore").read_text() == "*\n"


def test_a_place_that_cannot_hold_a_workspace_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match=r"cannot create a workspace in .*file/w"):
        Workspace.create(tmp_path / "file" / "w")


@pytest.mark.parametrize("text", ["a", "0", "churn-v2", "a.b_c-d", "x" * 64])
def test_ids_may_be(text: str) -> None:
    assert check_id(text) == text


@pytest.mark.parametrize(
    "text", ["", "A", ".a", "-a", "a/b", "a b", "..", "a\n", "x" * 65, "é", "a\0", "٣"]
)
def test_ids_may_not_be(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="is not allowed"):
        check_id(text)
    with pytest.raises(InvalidError, match="endpoint name"):
        Workspace(tmp_path).endpoint(text)


def test_the_files_of_a_job_are_under_its_id(tmp_path: Path) -> None:
    job = Workspace(tmp_path).job(41)
    assert job.directory == tmp_path / ".mlops" / "jobs" / "41"
    assert {job.spec.name, job.log.name, job.journal.name, job.exit.name, job.identity.name} == {
        "spec.json",
        "log",
        "journal",
        "exit.json",
        "identity.json",
    }


def test_the_socket_is_in_the_workspace_when_its_path_is_short(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    assert workspace.socket == workspace.state / "agent.sock"
    assert workspace.prepare_socket_directory() == workspace.socket


def test_a_long_path_gets_a_short_socket_that_can_be_bound(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ("long-" * 20) / ("name-" * 10))
    path = workspace.prepare_socket_directory()
    assert path == Workspace.find(workspace.root).socket
    assert path != Workspace.create(tmp_path / ("long-" * 20) / ("other-" * 10)).socket
    assert not path.parent.stat().st_mode & 0o022
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            assert path.is_socket()
    finally:
        path.unlink(missing_ok=True)


def test_a_socket_directory_others_can_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.create(tmp_path / "w")
    open_to_all = tmp_path / "runtime"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setattr(Workspace, "socket", open_to_all / "agent.sock")
    with pytest.raises(UnavailableError, match="cannot trust"):
        workspace.prepare_socket_directory()
    open_to_all.chmod(0o700)
    assert workspace.prepare_socket_directory() == open_to_all / "agent.sock"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UnavailableError, match="permission denied"):
        Workspace.create(tmp_path / "w")
