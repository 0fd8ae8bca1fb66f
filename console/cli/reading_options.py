"""Options that say how a file is to be read; whatever is left out is found out from the file."""

from __future__ import annotations

import argparse
from typing import Any

from console import errors
from console.cli.commands import Argument, argument

READING: tuple[Argument, ...] = (
    argument(
        "--format",
        choices=("csv", "json", "jsonl", "parquet", "arrow"),
        help="what the file is, whatever its name says",
    ),
    argument("--delimiter", metavar="CHAR", help="CSV: between cells; `tab` for a tab"),
    argument("--quote", metavar="CHAR", help="CSV: around cells"),
    argument("--encoding", metavar="NAME", help="utf-8, utf-16, latin-1, cp1252, …"),
    argument("--decimal-mark", choices=(".", ","), help="CSV: of numbers"),
    argument(
        "--null",
        action="append",
        metavar="TEXT",
        help="CSV: a text that means no value; may be repeated (default: NA, N/A, - and nothing)",
    ),
    argument("--header", action="store_true", default=None, help="CSV: the first line has names"),
    argument("--no-header", action="store_false", dest="header", help="CSV: it has data"),
    argument("--longest-row", type=int, metavar="MIB", help="CSV: longer ones are refused (16)"),
    argument(
        "--dense",
        action="store_true",
        help="accept a small file that unfolds to very many cells",
    ),
    argument(
        "--type",
        action="append",
        metavar="COL=TYPE",
        help="read a column as this DuckDB type, e.g. zip=VARCHAR or 'day=DATE %%d/%%m/%%Y'",
    ),
)


def reading_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, as the worker takes them."""
    given = {
        "format": arguments.format,
        "delimiter": arguments.delimiter,
        "quote": arguments.quote,
        "encoding": arguments.encoding,
        "decimal_mark": arguments.decimal_mark,
        "null_tokens": arguments.null,
        "header": arguments.header,
        "max_line_bytes": _row_bytes(arguments.longest_row),
        "max_cells_per_byte": 1_000_000 if arguments.dense else None,
        "types": _types(arguments.type) if arguments.type else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _row_bytes(mib: int | None) -> int | None:
    if mib is not None and not 1 <= mib <= 1024:
        raise errors.UsageError(f"the longest row is 1 to 1024 MiB, not {mib}.")
    return mib * 2**20 if mib else None


def _types(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        column, equals, kind = pair.rpartition("=")
        if not equals or not column or not kind:
            raise errors.UsageError(
                f"{pair!r} names no column and type.", hint="Write it as --type COLUMN=BIGINT."
            )
        found[column] = kind
    return found
