"""The signs of the console: one cell each, always beside a word, with an ASCII twin.

Screens name a state; only this module knows its sign, its word and its token. Good states are
quiet: a coloured dot and a grey word. Only a state that needs a person colours its word.

Everything else that is not ASCII has its twin here too: what a terminal that is not UTF-8 shows
for each character that the console draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from console.text import cells
from console.tui.ink import Ink, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How one state is shown."""

    sign: str
    word: str
    token: Ink
    """Of the sign."""
    is_quiet: bool = False
    """The word is grey: nobody has to act."""


def _quiet(sign: str, word: str, token: Ink = "quiet") -> State:
    return State(sign=sign, word=word, token=token, is_quiet=True)


def _loud(sign: str, word: str, token: Ink) -> State:
    return State(sign=sign, word=word, token=token)


STATES: Final[dict[str, State]] = {
    "pass": _quiet("●", "pass", "ok"),
    "ok": _quiet("●", "ok", "ok"),
    "done": _quiet("●", "done", "ok"),
    "succeeded": _quiet("●", "done", "ok"),
    "resolved": _quiet("●", "resolved", "ok"),
    "live": _quiet("●", "live", "ok"),
    "better": _quiet("●", "better", "ok"),
    "warn": _loud("▲", "warn", "warn"),
    "override": _loud("▲", "override", "warn"),
    "degraded": _loud("▲", "degraded", "warn"),
    "fail": _loud("✗", "fail", "fail"),
    "failed": _loud("✗", "failed", "fail"),
    "firing": _loud("✗", "firing", "fail"),
    "lost": _loud("✗", "lost", "fail"),
    "worse": _loud("✗", "worse", "fail"),
    "inconclusive": _loud("◇", "inconclusive", "info"),
    "unclear": _quiet("◇", "unclear", "info"),
    "running": _loud("►", "running", "accent"),
    "starting": _loud("►", "starting", "accent"),
    "queued": _quiet("◌", "queued"),
    "waiting": _quiet("◌", "waiting"),
    "paused": _quiet("‖", "paused"),
    "silenced": _quiet("‖", "silenced"),
    "acknowledged": _quiet("‖", "seen"),
    "cancelled": _quiet("‖", "cancelled"),
    "stale": _loud("~", "stale", "warn"),
    "gone": _loud("~", "agent gone", "warn"),
    "noise": _quiet("≈", "noise"),
    "idle": _quiet("○", "idle"),
    "version": _quiet("○", "version"),
    "marked": _loud("■", "marked", "accent"),
    "baseline": _loud("★", "baseline", "accent"),
}

UNKNOWN: Final = _quiet("?", "unknown")

MARK: Final = "■"
BASELINE: Final = "★"
CURSOR: Final = "▌"
CURSOR_AWAY: Final = "▏"
"""The cursor of a pane without focus."""
SEVERITY: Final = ("fail", "warn", "inconclusive", "running", "pass")
"""Worst first, for sorting."""


def state(name: str) -> State:
    """The look of a state; one that is not known says so rather than fail."""
    return STATES.get(name, UNKNOWN)


def sign(name: str) -> Line:
    """The sign alone, where the word stands in the column's head or beside it."""
    known = state(name)
    return Line((known.sign, known.token))


def said(name: str, word: str | None = None) -> Line:
    """Sign and word: `● pass` with a grey word, `✗ failed` with a red one."""
    known = state(name)
    shown = word if word is not None else (known.word if name in STATES else name)
    return Line(
        (known.sign, known.token), (f" {shown}", "quiet" if known.is_quiet else known.token)
    )


def value_ink(name: str) -> Ink:
    """The ink of a number that a state judges: bold in its colour when it needs a person."""
    known = state(name)
    return "ink" if known.is_quiet else f"{known.token} bold"


# One cell stays one cell, so that every column keeps its place.
_TWINS: Final = str.maketrans(
    {
        "●": "o", "▲": "!", "✗": "x", "◇": "?", "◆": "?", "►": ">", "◌": ".", "‖": "=",
        "≈": "~", "○": ".", "■": "#", "★": "*", "▾": "v", "▴": "^",
        "▌": ">", "▏": " ", "▕": "|", "›": ">", "‹": "<",
        "─": "-", "━": "=", "╸": "=", "╺": "-", "╌": "-", "┈": " ", "│": "|", "┃": "|", "┊": ":",
        "┿": "+", "┼": "+", "┝": "|", "┥": "|", "└": "`", "├": "|", "┬": "-", "┌": ".",
        "▁": ".", "▂": ":", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "#", "█": "#", "▀": "\"",
        "·": "-", "−": "-", "–": "-", "—": "-", "×": "x", "Δ": "d", "°": "'", "µ": "u", "σ": "s",
        "→": ">", "←": "<", "↑": "^", "↓": "v", "↵": "\\", "…": ".", "≥": ">", "≤": "<", "±": "~",
        "≠": "!", "∞": "%", "“": "\"", "”": "\"", "‘": "'", "’": "'", "‚": ",", "„": "\"", " ": " ",
    }
)  # fmt: skip
# Where the width is still free, the fuller twin.
_WORDS: Final = str.maketrans(
    {"≥": ">=", "≤": "<=", "±": "+-", "→": "->", "←": "<-", "≠": "!=", "∞": "inf"}
)


def ascii_cells(text: str) -> str:
    """`text` with every character replaced by one of ASCII, cell for cell."""
    if text.isascii():
        return text
    shown = text.translate(_TWINS)
    return (
        shown if shown.isascii() else "".join([c if c.isascii() else "?" * cells(c) for c in shown])
    )


def ascii_words(line: Line) -> Line:
    """`line` before it is laid out, with `≥` as `>=` and its like."""
    if all(text.isascii() for text, _ in line.spans):
        return line
    return Line.drawn((text.translate(_WORDS), ink) for text, ink in line.spans)
