"""What kind of CSV a text is: delimiter, quote, escape, header, decimal mark.

Used by `formats` on the beginning of a file. Pure: text in, facts out. Invariant: the same text
gives the same answer, and an answer that a person gave is never replaced.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Final

from console.worker.data.options import NULL_TOKENS, ReadOptions

CANDIDATES: Final = (",", "\t", ";", "|")
SAMPLE_LINES: Final = 20_480
CONSISTENT_SHARE: Final = 0.99
"""So many of the sampled rows must have the usual number of columns to call a text CSV."""

_VALUE = re.compile(
    r"[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?%?|\d{4}-\d\d-\d\d.*|\d\d?[./]\d\d?[./]\d{2,4}.*"
    r"|(?i:true|false|nan|[+-]?inf(inity)?)"
)
"""What stands in a cell of data rather than in a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    delimiter: str
    quote: str
    escape: str
    has_header: bool
    decimal_mark: str
    first_row: tuple[str, ...]
    """The cells of the first line, whether it is a header or not."""
    consistent_share: float
    """Rows of the sample with the usual number of columns, 0..1."""

    @property
    def is_table(self) -> bool:
        """Whether the text is CSV beyond doubt."""
        return self.consistent_share >= CONSISTENT_SHARE and len(self.first_row) > 1


def sniff(text: str, options: ReadOptions, *, is_whole: bool) -> Dialect:
    """Describe `text`, the beginning of a file or (`is_whole`) all of it."""
    if not is_whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    quote = options.quote or _quote(text)
    escape = _escape(text, quote)
    choices = [options.delimiter] if options.delimiter else list(CANDIDATES)
    tried = {choice: _rows(text, choice, quote, escape) for choice in choices}
    delimiter = max(choices, key=lambda choice: _score(tried[choice]))
    rows = tried[delimiter]
    first = tuple(rows[0]) if rows else ()
    has_header = options.header if options.header is not None else _is_header(first)
    body = rows[1:] if has_header else rows
    return Dialect(
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        has_header=has_header,
        decimal_mark=options.decimal_mark or _decimal_mark(body, delimiter),
        first_row=first,
        consistent_share=_share(rows),
    )


def column_names(dialect: Dialect) -> tuple[tuple[str, ...], list[str]]:
    """Return usable, distinct column names and a sentence for each that had to be made up."""
    if not dialect.has_header:
        return tuple(f"column_{n}" for n in range(1, len(dialect.first_row) + 1)), []
    names: list[str] = []
    notes: list[str] = []
    taken: set[str] = set()
    for number, cell in enumerate(dialect.first_row, start=1):
        name = wanted = cell.strip() or f"column_{number}"
        if not cell.strip():
            notes.append(f"column {number} has no name and is called {wanted}")
        suffix = 2
        while name.lower() in taken:
            name = f"{wanted}_{suffix}"
            suffix += 1
        if name != wanted:
            notes.append(f"column {number} repeats the name {wanted} and is called {name}")
        taken.add(name.lower())
        names.append(name)
    return tuple(names), notes


def _quote(text: str) -> str:
    if '"' in text:
        return '"'
    apostrophes = re.findall(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|]|\r?$)", text, re.MULTILINE)
    return "'" if len(apostrophes) > text.count("\n") else '"'


def _escape(text: str, quote: str) -> str:
    """Return the backslash only when it stands before quotes inside of cells and none is doubled.

    A cell may also end in a backslash: "C:\\" is followed by a delimiter.
    """
    inside = rf"\\{quote}[^,;\t|\r\n{quote}]"
    doubled = rf"[^,;\t|\r\n{quote}]{quote}{quote}[^,;\t|\r\n{quote}]"
    is_backslash = re.search(inside, text) and not re.search(
        doubled, text.replace(f"\\{quote}", "")
    )
    return "\\" if is_backslash else quote


def _rows(text: str, delimiter: str, quote: str, escape: str) -> list[list[str]]:
    """Split as far as it goes; lines without anything are no rows."""
    is_doubled = escape == quote
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote,
        doublequote=is_doubled,
        escapechar=None if is_doubled else escape,
    )
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in islice(reader, SAMPLE_LINES) if row)
    except csv.Error:
        pass  # a field longer than csv allows: what came before it is the sample
    return rows


def _share(rows: list[list[str]]) -> float:
    if not rows:
        return 0.0
    (_, count), *_ = Counter(map(len, rows)).most_common(1)
    return count / len(rows)


def _score(rows: list[list[str]]) -> tuple[bool, float, int]:
    """More than one column first, then agreement between the rows, then columns."""
    if not rows:
        return False, 0.0, 0
    (width, count), *_ = Counter(map(len, rows)).most_common(1)
    return width > 1, round(count / len(rows), 2), width


def _is_header(first: tuple[str, ...]) -> bool:
    cells = [cell.strip() for cell in first]
    tokens = [token for token in NULL_TOKENS if token]
    return any(cells) and not any(cell in tokens or _VALUE.fullmatch(cell) for cell in cells)


def _decimal_mark(rows: list[list[str]], delimiter: str) -> str:
    if delimiter == ",":
        return "."
    cells = [cell for row in rows[:1000] for cell in row]
    commas = sum(re.fullmatch(r"[+-]?\d+,\d+", cell) is not None for cell in cells)
    points = sum(re.fullmatch(r"[+-]?\d+\.\d+", cell) is not None for cell in cells)
    return "," if commas > points else "."
