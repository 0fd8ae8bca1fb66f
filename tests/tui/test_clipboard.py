"""What is copied gets somewhere, and the sentence says where, never more than is known."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from console.tui.clipboard import OSC52_LIMIT_BYTES, copy_text, native_tool, osc52


def tool(directory: Path, name: str, script: str) -> dict[str, str]:
    """A clipboard tool of our own in an otherwise empty PATH."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{directory}{os.pathsep}{os.defpath}", "DISPLAY": ":0"}


def test_a_local_display_gets_the_native_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = tool(tmp_path, "xclip", f"cat > {tmp_path}/pasted")
    monkeypatch.setenv("PATH", environ["PATH"])
    said = copy_text("flights@v7", None, what="id", environ=environ)
    assert said == "id copied to the clipboard"
    assert (tmp_path / "pasted").read_text() == "flights@v7"


def test_over_ssh_a_display_here_is_not_where_the_reader_sits(tmp_path: Path) -> None:
    environ = tool(tmp_path, "xclip", "exit 0")
    assert native_tool(environ) == ("xclip", "-selection", "clipboard")
    assert native_tool(environ | {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}) is None


def test_a_tool_that_fails_falls_back_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = tool(tmp_path, "xclip", "exit 1")
    monkeypatch.setenv("PATH", environ["PATH"])
    sent: list[str] = []
    said = copy_text("x", sent.append, environ=environ)
    assert said == "text sent to the terminal's clipboard"
    assert base64.b64encode(b"x").decode() in sent[0]


def test_tmux_gets_its_wrapping() -> None:
    assert osc52("hé", in_tmux=False) == "\x1b]52;c;aMOp\x07"
    assert osc52("hé", in_tmux=True) == "\x1bPtmux;\x1b\x1b]52;c;aMOp\x07\x1b\\"


def test_what_is_too_long_goes_to_a_file_and_the_sentence_names_it(tmp_path: Path) -> None:
    text = "x" * OSC52_LIMIT_BYTES
    assert osc52(text, in_tmux=False) is None
    sent: list[str] = []
    said = copy_text(text, sent.append, what="row", environ={"PATH": ""}, directory=tmp_path)
    path = Path(said.rpartition(" ")[2])
    assert not sent and path.read_text() == text
    assert path.stat().st_mode & 0o077 == 0
