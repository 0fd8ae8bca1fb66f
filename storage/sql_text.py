"""Names, texts and files as parts of an SQL statement: the functions that quote.

For everybody who has to put an identifier or a text from outside into SQL where a parameter cannot
stand. Invariant: whatever the argument, the result is one identifier or one string.
"""

from __future__ import annotations

import glob
from pathlib import Path


def quote(name: str) -> str:
    """Return `name` as an SQL identifier.

    >>> print(quote('a "b"'))
    "a ""b""\"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as an SQL string.

    >>> print(literal("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def one_file(path: Path) -> str:
    """Return `path` as an SQL string that names this file only where DuckDB takes patterns.

    >>> print(one_file(Path("/data/may[1].csv")))
    '/data/may[[]1].csv'
    """
    return literal(glob.escape(str(path)))
