"""Words and numbers for people: one way to write each, on every screen and in every command.

Anything that prints may call this (the command line and the console); it needs the standard
library only. Two invariants: what `clean` returns can be sent to a terminal as it is, and `cells`
is the width that text takes there.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

MINUS: Final = "−"
"""True minus, for screens; `for_copy` turns it into the one that programs read."""
MISSING: Final = "–"
"""Not measured. Never a blank: a blank could also be zero, false or absent."""
REPLACEMENT: Final = "�"
ABSENT: Final = "absent"
"""A key that one configuration has and this one lacks."""

Align = Literal["left", "right", "center"]

# --------------------------------------------------------------------------- foreign text

_LINE_ENDS = frozenset("\n\r\x0b\x0c\x85\u2028\u2029")
_JAMO = re.compile("[\u1161-\u11ff\ud7b0-\ud7fb]")  # join the letter before them
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_ACCENTS = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_STACKED = re.compile(f"({_ACCENTS}{{3}}){_ACCENTS}+")
# Widths that Unicode changed after the tables of Python 3.11; Textual measures with the newer ones.
_WIDE_SINCE = ((0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF), (0x1D300, 0x1D376))


class _Shown(dict[int, str]):
    """code point -> what is shown for it, filled as characters are met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if char in _LINE_ENDS:
            shown = "↵"
        elif char == "\t" or category == "Zs":
            shown = " "
        elif 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x1F3FB <= code <= 0x1F3FF:
            shown = ""  # selectors and skin tones only change the width of what stands before
        elif category[0] == "C" or char in _INVISIBLE or 0x180B <= code <= 0x180F:
            shown = REPLACEMENT
        else:
            shown = char
        self[code] = shown
        return shown


class _Widths(dict[str, int]):
    """character -> terminal cells, filled as characters are met."""

    def __missing__(self, char: str) -> int:
        code = ord(char)
        if unicodedata.category(char)[0] == "M" or _JAMO.match(char):
            width = 0
        elif unicodedata.east_asian_width(char) in "WF":
            width = 2
        else:
            width = 2 if any(low <= code <= high for low, high in _WIDE_SINCE) else 1
        self[char] = width
        return width


_SHOWN = _Shown()
_WIDTHS = _Widths()


def clean(text: str) -> str:
    """Foreign text made harmless: one line, nothing that a terminal could act upon.

    Control, format, surrogate, private-use and unassigned characters become `�`, a line end `↵`,
    other spaces a space; selectors vanish and at most three accents stay on one letter. Plain
    text comes back as the same object.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = text.translate(_SHOWN)
    return shown if shown.isascii() else _STACKED.sub(r"\1", shown)


def clean_lines(text: str, *, tab: int = 4) -> list[str]:
    """The lines of foreign text (a log, a message), each made harmless, tabs expanded."""
    return [clean(line.expandtabs(tab)) for line in text.splitlines()]


def cells(text: str) -> int:
    """Terminal cells that cleaned text takes (0 for accents, 2 for wide characters)."""
    if text.isascii():
        return len(text)
    widths = _WIDTHS
    return sum([widths[char] for char in text])


def split_at(text: str, width: int) -> tuple[str, str]:
    """`text` in two: as many characters as fit in `width` cells, and the rest."""
    if text.isascii():
        return text[:width], text[width:]
    used = 0
    for index, char in enumerate(text):
        used += _WIDTHS[char]
        if used > width:
            return text[:index], text[index:]
    return text, ""


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells; a cut one ends in `ellipsis`."""
    if cells(text) <= width:
        return text
    if width <= cells(ellipsis):
        return ellipsis[:width] if width > 0 else ""
    return split_at(text, width - cells(ellipsis))[0] + ellipsis


def pad(text: str, width: int, align: Align = "left") -> str:
    """`text` in exactly `width` cells, cut or filled with spaces."""
    text = cut(text, width)
    space = width - cells(text)
    if align == "right":
        return " " * space + text
    if align == "center":
        return " " * (space // 2) + text + " " * (space - space // 2)
    return text + " " * space


def for_copy(text: str) -> str:
    """A number or row as another program reads it: ASCII minus, no space between thousands."""
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d))", "", text.replace(MINUS, "-").replace(MISSING, ""))


# --------------------------------------------------------------------------- numbers


def _unknown(value: float | None) -> bool:
    return value is None or value != value


def fixed(value: float | None, decimals: int = 3) -> str:
    """A number with a fixed count of decimals, thousands apart: `0.606`, `1 018.2`, `−0.010`.

    None and NaN are `–`. A value that rounds to zero has no sign.
    """
    if value is None or value != value:
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else MINUS + "∞"
    text = f"{abs(value):,.{decimals}f}".replace(",", " ")
    negative = value < 0 and any(digit in text for digit in "123456789")
    return MINUS + text if negative else text


def count(value: float | None) -> str:
    """A count: `195 583`; from a million on two decimals and a unit, `1.20 M`."""
    if value is None or value != value:
        return MISSING
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if abs(value) >= size:
            return f"{fixed(value / size, 2)} {unit}"
    return fixed(value, 0)


def percent(ratio: float | None, decimals: int | None = None) -> str:
    """A ratio as percent: 0.029 is `2.9 %`. Below one percent two decimals, unless told; what is
    not zero never looks like it.

    >>> percent(0.029), percent(0.002), percent(1 / 28_834), percent(0.0)
    ('2.9 %', '0.20 %', '0.003 %', '0.0 %')
    """
    if ratio is None or ratio != ratio:
        return MISSING
    if decimals is None:
        decimals = 2 if 0 < abs(ratio) < 0.01 else 1
        if 0 < abs(ratio) < 0.0001:
            decimals = min(-math.floor(math.log10(abs(ratio) * 100)), 12)
    return f"{fixed(ratio * 100, decimals)} %"


def delta(value: float | None, decimals: int = 3) -> str:
    """A difference, always signed: `+0.012`, `−0.019`; exactly none is `0`."""
    if value is None or value != value:
        return MISSING
    if value == 0:
        return "0"
    text = fixed(value, decimals)
    return text if text.startswith(MINUS) else f"+{text}"


def latency(value_ms: float | None) -> str:
    """Milliseconds: whole from 10 on, one decimal below."""
    if value_ms is None or value_ms != value_ms:
        return MISSING
    return fixed(value_ms, 0 if abs(value_ms) >= 9.95 else 1)


def interval(low: float | None, high: float | None, decimals: int = 3) -> str:
    """Two limits: `0.596 to 0.616`."""
    if _unknown(low) and _unknown(high):
        return MISSING
    return f"{fixed(low, decimals)} to {fixed(high, decimals)}"


def plus_minus(half_width: float | None, decimals: int = 3) -> str:
    """Half an interval where width is short: `± 0.010`."""
    return MISSING if half_width is None else f"± {fixed(half_width, decimals)}"


def general(value: float, digits: int = 4) -> str:
    """A number of unknown scale in few characters: `0.1`, `1e-06`, `12 345`."""
    if value != value or math.isinf(value):
        return fixed(value)
    if value == int(value) and abs(value) < 1e15:
        return fixed(value, 0)
    return f"{value:.{digits}g}".replace("-", MINUS)


def byte_size(value_bytes: float | None) -> str:
    """Storage in decimal units: `512 B`, `0.7 MB`, `41.2 MB`."""
    if value_bytes is None or value_bytes != value_bytes:
        return MISSING
    if abs(value_bytes) < 1000:
        return f"{fixed(value_bytes, 0)} B"
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if abs(value_bytes) < size * 999.95:
            return f"{fixed(value_bytes / size, 1)} {unit}"
    return f"{fixed(value_bytes / 1e12, 1)} TB"


def plain_value(value: object) -> str:
    """A configuration value with false, 0, the empty text and nothing kept apart."""
    if value is None:
        return MISSING
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int | float):
        return general(float(value)) if isinstance(value, float) else fixed(value, 0)
    text = clean(str(value))
    return text if text else '""'


def counted(number: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 warning`, `2 warnings`, `28 293 rows`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *head, tail = list(words) or [""]
    return f"{', '.join(head)} {last} {tail}" if head else tail


# --------------------------------------------------------------------------- time

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def age(seconds: float | None, *, short: bool = False) -> str:
    """How long ago, in one unit: `12 min`; in age columns `12 m`."""
    if seconds is None or seconds != seconds:
        return MISSING
    seconds = max(0.0, seconds)
    if seconds < 60:
        return f"{int(seconds)} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} {'m' if short else 'min'}"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h"
    if seconds < 400 * 86400:
        return f"{int(seconds // 86400)} d"
    return f"{int(seconds // (365.25 * 86400))} y"


def duration(seconds: float | None) -> str:
    """How long something took, at most two units: `320 ms`, `4.2 s`, `2 m 55 s`, `6 h 12 m`."""
    if seconds is None or seconds != seconds:
        return MISSING
    seconds = max(0.0, seconds)
    if 0 < seconds < 0.9995:
        return f"{fixed(seconds * 1000, 0)} ms"
    if seconds < 9.95:
        return f"{fixed(seconds, 1)} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def clock(at: datetime | None, now: datetime, *, seconds: bool = True) -> str:
    """A time as briefly as it stays clear: `09:41:07`, `Fri 17:40`, `02 Nov`, `02 Nov 2012`.

    Both times must be in the zone in which they shall be shown.
    """
    if at is None:
        return MISSING
    if at.date() == now.date():
        return f"{at:%H:%M:%S}" if seconds else f"{at:%H:%M}"
    if 0 < (now.date() - at.date()).days < 7:
        return f"{_DAYS[at.weekday()]} {at:%H:%M}"
    day = f"{at.day:02d} {_MONTHS[at.month - 1]}"
    return day if at.year == now.year else f"{day} {at.year}"
