"""What a terminal would leave of a printed line, and how far a program is by it.

Programs rewrite a line with carriage returns (tqdm, pip, wget, Keras) and colour it with escape
sequences. Pure and quick: the agent reads the last line of every running program with it.
"""

from __future__ import annotations

import re

from console import text
from storage.records.jobs import Progress

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_OF = re.compile(r"(?<![\d.:/])(\d+)\s*(?:/|of)\s*(\d+)(?![\d.:/])")
_PERCENT = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d+)?)\s?%")
_BAR = re.compile(r"[|\[]?[#=█▉▊▋▌▍▎▏━─╸╺>\-.·░▒▓ ]{6,}[|\]]?")
_LEADING = re.compile(r"^\d{1,3}(?:\.\d+)?\s?%\s*")
LONGEST = 200


def last_state(line: str) -> str:
    """What is left of a line that was rewritten with carriage returns, without its colours.

    >>> last_state("1/3\\r2/3\\r3/3\\r")
    '3/3'
    """
    last = line.rstrip("\r").rpartition("\r")[2]
    return _ESCAPES.sub("", last) if "\x1b" in last else last


def progress_of(tail: str) -> Progress | None:
    """The progress that the last printed line tells; None when nothing was printed.

    >>> progress_of("epoch\\n 37%|###      | 37/100 [00:11<00:19]").done
    37.0
    """
    lines = [last_state(line) for line in tail.split("\n")]
    line = next((each for each in reversed(lines) if each.strip()), "")
    if not line:
        return None
    done, total = _share(line)
    cleaned = text.clean(line)
    shown = " ".join(_BAR.sub(" ", cleaned).split())
    # The share stands beside the words already.
    shown = (_LEADING.sub("", shown) if total else shown) or shown or cleaned.strip()
    return Progress(done=done, total=total, text=shown[:LONGEST])


def _share(line: str) -> tuple[float, float]:
    for found in _OF.finditer(line):
        done, total = float(found[1]), float(found[2])
        if total > 0 and done <= total:
            return done, total
    percent = _PERCENT.search(line)
    if percent and float(percent[1]) <= 100:
        return float(percent[1]), 100.0
    return 0.0, 0.0
