"""The log of one job: the end of it while it is followed, any stretch of it when it is read.

The view keeps what was read and says what to read next; it fetches nothing. Invariant: bytes are
taken over once and in order, whatever order the answers come in.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from console.rules.terminal_lines import last_state
from console.text import clean, clean_lines
from console.tui.ink import Ink, Line
from console.tui.keymaps import bind
from console.tui.look import Look
from console.tui.widgets.painted import Painted
from storage.records.jobs import LogChunk

LINES_AT_MOST = 20_000
REST_AT_MOST = 4096
_TIME = re.compile(r"\d\d:\d\d:\d\d(?=\s)")
_BAD = re.compile(r"(?:^|\s)(?:Traceback|FATAL|ERROR|error:|[\w.]*(?:Error|Exception)\b)")
_WARNING = re.compile(r"(?:^|\s)(?:WARN(?:ING)?\b|warning:|[\w.]*Warning\b)")


class LogView(Painted, can_focus=True):
    """Lines of a log, the newest at the bottom."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("down", "scroll(1)"),
        bind("up", "scroll(-1)"),
        bind("page-down", "page(1)"),
        bind("page-up", "page(-1)"),
        bind("first", "ends(False)"),
        bind("last", "ends(True)"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.job_id = 0
        self.is_following = True
        self.is_final = False
        self.end = -1
        """Byte after the last one taken over; -1 = nothing was read yet."""
        self.skipped_bytes = 0
        """What was printed before the first line that is kept."""
        self._lines: deque[str] = deque(maxlen=LINES_AT_MOST)
        self._rest = ""
        self._top = 0

    def open(self, job_id: int) -> None:
        """Another job's log: what is here goes."""
        self.job_id = job_id
        self.is_following, self.is_final = True, False
        self.end, self.skipped_bytes = -1, 0
        self._lines.clear()
        self._rest, self._top = "", 0
        self.repaint()

    def take(self, chunk: LogChunk) -> bool:
        """Take over what is new in a stretch; True when something was."""
        self.is_final = chunk.is_final
        fresh = self._fresh(chunk)
        if self.end < 0:
            self.skipped_bytes = chunk.start
            if chunk.start:  # most likely in the middle of a line
                fresh = fresh.partition("\n")[2]
        self.end = max(self.end, chunk.end)
        if not fresh:
            self.repaint()
            return False
        whole, newline, self._rest = (self._rest + fresh).rpartition("\n")
        if newline:
            self._lines.extend(_shown_lines(whole))
        # Of a bar that is written over and over only the last state counts, and a line of a
        # million characters is nothing to read.
        self._rest = self._rest.rstrip("\r").rpartition("\r")[2][-REST_AT_MOST:]
        self._stay()
        self.repaint()
        return True

    def _fresh(self, chunk: LogChunk) -> str:
        if self.end < 0 or chunk.start >= self.end:
            return chunk.text
        known = self.end - chunk.start
        return chunk.text.encode()[known:].decode("utf-8", "replace")

    @property
    def line_count(self) -> int:
        return len(self._lines) + bool(self._rest)

    def follow(self, is_following: bool) -> None:
        """Stay at the end of what is printed, or where the reader is."""
        self.is_following = is_following
        self._stay()
        self.repaint()

    def _stay(self) -> None:
        if self.is_following:
            self._top = max(0, self.line_count - max(1, self.size.height))

    def lines(self, width: int, height: int, look: Look) -> Sequence[Line]:
        self._stay()
        if not self.line_count:
            nothing = "It printed nothing." if self.is_final else "Nothing printed yet."
            return [Line("  ", (nothing if self.end >= 0 else "·", "quiet"))]
        every = [*self._lines, *([clean(last_state(self._rest))] if self._rest else [])]
        return [_inked(line).cut(width) for line in every[self._top : self._top + height]]

    def wanted_height(self, width: int) -> int:
        return max(1, self.line_count)

    def on_resize(self) -> None:
        self._stay()

    def on_focus(self) -> None:
        self.repaint()

    def text(self) -> str:
        """Everything that is kept, for the clipboard."""
        return "\n".join([*self._lines, self._rest]).rstrip("\n")

    # ------------------------------------------------------------------ moving

    def _move(self, top: int) -> None:
        most = max(0, self.line_count - self.size.height)
        self._top = min(max(0, top), most)
        self.is_following = self._top == most
        self.repaint()

    def action_scroll(self, rows: int) -> None:
        self._move(self._top + rows)

    def action_page(self, pages: int) -> None:
        self._move(self._top + pages * max(1, self.size.height - 1))

    def action_ends(self, is_last: bool) -> None:
        self._move(self.line_count if is_last else 0)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._move(self._top + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._move(self._top - 3)


def _shown_lines(text: str) -> list[str]:
    """Lines as a terminal would leave them: of a line written over and over, its last state."""
    return clean_lines("\n".join(last_state(line) for line in text.split("\n")))


def _inked(line: str) -> Line:
    """The time in quiet; a line that tells of trouble in its colour."""
    ink: Ink = "fail" if _BAD.search(line) else "warn" if _WARNING.search(line) else "ink"
    found = _TIME.match(line)
    if found is None:
        return Line("  ", (line, ink))
    return Line("  ", (found.group(), "quiet"), (line[found.end() :], ink))
