"""Amounts as people type them: lengths of time and sizes of memory.

Used by the command line and by the console's forms; standard library only.
"""

from __future__ import annotations

import string

from console import errors

_UNITS_BYTES = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
                "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}  # fmt: skip
_BY_LETTERS = {name.lower(): size for name, size in _UNITS_BYTES.items()} | {
    "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
}  # fmt: skip
UNITS_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
LEAST_MEMORY_BYTES = 16 * 2**20


def memory_bytes(words: str) -> int:
    """`512MB`, `1.5GiB`, `4g` or plain bytes.

    >>> memory_bytes("512MB"), memory_bytes("1.5 GiB")
    (512000000, 1610612736)
    """
    number, unit = _parted(words)
    size = number * _BY_LETTERS.get(unit.lower(), 0)
    if not size < float("inf") or size < LEAST_MEMORY_BYTES:
        raise errors.UsageError(
            f"{words!r} is no size of memory that a job can run in.",
            hint="Write it as 512MB or 4GB.",
        )
    return int(size)


def seconds(words: str) -> float:
    """`90s`, `30m`, `6h`, `7d` or plain seconds.

    >>> seconds("30m"), seconds("45")
    (1800.0, 45.0)
    """
    number, unit = _parted(words)
    value = number * UNITS_S.get(unit or "s", 0.0)
    if not 0.0 < value < float("inf"):
        raise errors.UsageError(
            f"{words!r} is not a length of time.", hint="Write it as 90s, 30m, 6h or 7d."
        )
    return value


def _parted(words: str) -> tuple[float, str]:
    """Number and unit; 0 where there is no number."""
    number = words.rstrip(string.ascii_letters + " ")
    try:
        return float(number), words[len(number) :].strip()
    except ValueError:
        return 0.0, ""
