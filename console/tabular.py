"""Tables as text for other programs: CSV that a spreadsheet cannot be tricked with, JSON.

Used by the command line and by the console's export. Standard library only.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from console.errors import UsageError

FORMATS = (".csv", ".json")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def as_csv(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV (RFC 4180, lines end in LF); None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([harmless(head) for head in heads])
    writer.writerows(
        [harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return out.getvalue()


def as_json(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as a list of objects."""
    objects = [dict(zip(heads, row, strict=True)) for row in rows]
    return json.dumps(objects, ensure_ascii=False, indent=1) + "\n"


def written(ending: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows in the format of a file's ending, one of `FORMATS`."""
    return as_json(heads, rows) if ending == ".json" else as_csv(heads, rows)


def harmless(cell: str) -> str:
    """A spreadsheet would run a foreign text such as `=cmd|…` as a formula.

    >>> harmless("=1+1"), harmless("-0.5"), harmless("-1e-05"), harmless("plain")
    ("'=1+1", '-0.5', '-1e-05', 'plain')
    """
    is_formula = cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def fault_of(path: str) -> str:
    """Why nothing can be written there; empty when it can."""
    wanted = Path(path).expanduser()
    if wanted.suffix not in FORMATS:
        return "a name that ends in .csv or .json"
    if not wanted.absolute().parent.is_dir():
        return f"there is no directory {wanted.parent}"
    return "it is there already" if wanted.exists() else ""


def write_new(path: str, words: str) -> Path:
    """Write a file that is not there yet; returns where it is."""
    wanted = Path(path).expanduser().absolute()
    try:
        with wanted.open("x", encoding="utf-8") as file:
            file.write(words)
    except OSError as error:
        raise UsageError(f"cannot write {wanted}: {error.strerror}.") from error
    return wanted
