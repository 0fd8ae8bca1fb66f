"""Regular expressions that DuckDB's engine (RE2) can run, told apart before any data is read.

Used when contracts are read. Standard library only.
"""

from __future__ import annotations

import re
from typing import Final

FORMATS: Final[dict[str, str]] = {
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "uri": r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+",
    "hostname": r"([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}",
    "ipv4": r"((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)",
    "ipv6": r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*",
    "iso-date": r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])",
}
"""Named formats of texts."""

_IMPOSSIBLE: Final = (
    (r"\(\?=|\(\?!", "it looks ahead"),
    (r"\(\?<=|\(\?<!", "it looks behind"),
    (r"\\[1-9]|\(\?P=|\\k<", "it refers back to a group"),
    (r"\(\?>", "it has an atomic group"),
    (r"[*+?]\+|\{\d+(,\d*)?\}\+", "it has a possessive repetition"),
    (r"\(\?\(", "it has a condition"),
)
_CLASSES = re.compile(r"\\[pP](\{[^}]*\}|[A-Z])|\[\[:\^?\w+:\]\]|\\[QEzCx]")
_ESCAPED = re.compile(r"\\[^1-9a-zA-Z]")
_CLASS = re.compile(r"\[\^?\]?(\[:\^?\w+:\]|[^\]])*\]")


def problem(pattern: str) -> str:
    """Return why a pattern cannot be run, or an empty text.

    >>> problem(r"N[0-9]{1,5}"), problem(r"(?!x)a"), problem("a(b")
    ('', 'it looks ahead', 'missing ), unterminated subpattern at position 1')
    """
    plain = _ESCAPED.sub("_", pattern)
    bare = _CLASS.sub("_", plain)
    for sign, why in _IMPOSSIBLE:
        if re.search(sign, bare):
            return why
    # What RE2 knows and Python does not stands for some character here.
    try:
        re.compile(_CLASSES.sub("x", plain))
    except re.error as error:
        return str(error)
    repeats = re.findall(r"\{(\d+)(?:,(\d*))?\}", bare)
    if any(int(number) > 1000 for pair in repeats for number in pair if number):
        return "it repeats more than 1000 times"
    return ""


def strptime_format(pattern: str) -> str:
    """Turn a date pattern as ODCS writes it (of the JDK) into the one of strptime.

    >>> strptime_format("dd.MM.yyyy"), strptime_format("yyyy-MM-dd'T'HH:mm:ssXXX")
    ('%d.%m.%Y', '%Y-%m-%dT%H:%M:%S%z')
    """
    if "%" in pattern:
        return pattern
    letters = {
        "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m",
        "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "mm": "%M", "ss": "%S",
        "SSSSSS": "%f", "SSS": "%g", "a": "%p", "EEEE": "%A", "EEE": "%a", "XXX": "%z", "XX": "%z",
        "X": "%z", "Z": "%z",
    }  # fmt: skip
    written = []
    for part in re.split(r"('[^']*')", pattern):
        if part.startswith("'"):
            written.append(part[1:-1].replace("%", "%%") or "'")
        else:
            known = re.sub(r"([A-Za-z])\1*", lambda m: letters.get(m.group(0), m.group(0)), part)
            written.append(known)
    return "".join(written)
