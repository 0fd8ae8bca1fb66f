"""Names and texts as parts of an SQL statement: the two functions that quote.

For everybody who has to put an identifier or a text from outside into SQL where a parameter cannot
stand. Invariant: whatever the argument, the result is one identifier or one string.
"""

from __future__ import annotations


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
