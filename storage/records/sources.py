"""Where rows came from and what the file turned out to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Format = Literal["csv", "json", "jsonl", "parquet", "arrow", "sql"]
Agreement = Literal["agree", "mismatch", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """One source as it was found: a file, several files of one kind, or a query."""

    source: str
    """As given: a path, a glob, a directory or the text of the query."""
    format: Format
    files: tuple[str, ...] = ()
    """Absolute paths in reading order; empty for a query."""
    extension: str = ""
    """What the name says, e.g. `csv`; empty = the name says nothing."""
    magic: str = ""
    """What the first bytes say, e.g. `parquet`, `gzip`; empty = nothing known (plain text)."""
    content: str = ""
    """What the content turned out to be."""
    agreement: Agreement = "agree"
    """Whether extension, first bytes and content say the same."""
    compression: str = ""
    """`gzip`, `zstd` or empty."""
    encoding: str = ""
    """Text formats: `utf-8`, `utf-16`, `cp1252`, …"""
    encoding_is_guess: bool = False
    delimiter: str = ""
    quote: str = ""
    newline: str = ""
    """`lf`, `crlf`, `cr` or `mixed`."""
    has_header: bool = True
    decimal_mark: str = "."
    null_tokens: tuple[str, ...] = ()
    bytes: int = 0
    """Of the file or files as they lie on disk."""
    sha256: str = ""
    """Of the file; of the list of digests when there are several."""
    rows: int = 0
    notes: tuple[str, ...] = ()
    """What a person should know: renamed columns, tokens read as null, disagreeing names."""

    def shown(self) -> dict[str, str]:
        """The facts worth a line each on a screen, as text."""
        facts = {
            "format": self.format + (f" ({self.compression})" if self.compression else ""),
            "agreement": self.agreement,
            "extension": self.extension,
            "magic": self.magic,
            "content": self.content,
            "files": str(len(self.files)) if len(self.files) > 1 else "",
            "encoding": self.encoding + (" (guessed)" if self.encoding_is_guess else ""),
            "delimiter": {"\t": "tab"}.get(self.delimiter, self.delimiter),
            "quote": self.quote,
            "newline": self.newline,
            "header": {True: "yes", False: "no"}[self.has_header] if self.delimiter else "",
            "decimal_mark": self.decimal_mark if self.delimiter else "",
            "null_tokens": " ".join(token or "(empty)" for token in self.null_tokens),
            "bytes": str(self.bytes),
            "rows": str(self.rows),
            "sha256": self.sha256,
            "notes": "; ".join(self.notes),
        }
        return {name: text for name, text in facts.items() if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellProblem:
    """Values of one column that are not of its type. They are null in the table that was read."""

    column: str
    type: str
    """The DuckDB type that was wanted."""
    count: int
    n: int
    """Rows read."""
    examples: tuple[tuple[int, str], ...] = ()
    """The first of them: row number (1 = first row of data) and the text as it stood there."""
