"""Copies text to where the reader can paste it, and says truthfully where it went.

A native tool when there is a local display; else OSC 52, which most terminals take and none
confirms, wrapped for tmux and at most 74 kB, the most that many of them accept; else a file.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from textual.app import App

OSC52_LIMIT_BYTES: Final = 74_000
_TOOLS: Final[Sequence[tuple[str, str, tuple[str, ...]]]] = (
    ("WAYLAND_DISPLAY", "wl-copy", ("wl-copy",)),
    ("DISPLAY", "xclip", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", "xsel", ("xsel", "--clipboard", "--input")),
    ("", "pbcopy", ("pbcopy",)),
)
_TOOL_LIMIT_S: Final = 2.0


def native_tool(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """The command that fills the clipboard of a local display, when there is one."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return None
    for variable, name, command in _TOOLS:
        if (not variable or environ.get(variable)) and shutil.which(name, path=environ.get("PATH")):
            return command
    return None


def osc52(text: str, *, in_tmux: bool) -> str | None:
    """The sequence that asks the terminal to copy; None when the text is too long for it."""
    data = base64.b64encode(text.encode()).decode("ascii")
    if len(data) > OSC52_LIMIT_BYTES:
        return None
    sequence = f"\x1b]52;c;{data}\x07"
    if in_tmux:
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return sequence


def copy_text(
    text: str,
    write: Callable[[str], object] | None,
    *,
    what: str = "text",
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> str:
    """Copy, and return the sentence that says where the text is now.

    `write` sends a sequence to the terminal; None when there is none. `directory` is for the file
    of last resort.
    """
    env = os.environ if environ is None else environ
    tool = native_tool(env)
    if tool is not None and _run(tool, text):
        return f"{what} copied to the clipboard"
    sequence = osc52(text, in_tmux=bool(env.get("TMUX")))
    if sequence is not None and write is not None:
        write(sequence)
        return f"{what} sent to the terminal's clipboard"
    path = _to_file(text, directory)
    return f"{what} is too long for the terminal; written to {path}"


def _run(command: Sequence[str], text: str) -> bool:
    try:
        # The tool goes on in the background to serve the clipboard: its output must not hold us.
        done = subprocess.run(
            command,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TOOL_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _to_file(text: str, directory: Path | None) -> Path:
    descriptor, name = tempfile.mkstemp(prefix="mlops-console-", suffix=".txt", dir=directory)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


def copy(app: App[int] | App[object], text: str, *, what: str = "text") -> str:
    """Copy from a running app; returns the sentence for the toast."""
    driver = app._driver
    return copy_text(text, driver.write if driver is not None else None, what=what)
