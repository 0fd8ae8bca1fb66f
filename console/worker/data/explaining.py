"""DuckDB's and Arrow's complaints about a file -> one sentence with the row and the way out.

Used by `relations` and `reading`.
"""

from __future__ import annotations

import re

from console.errors import ConsoleError, FailedError, InvalidError, TooLargeError, UnavailableError
from storage.records.sources import SourceFacts

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_COUNTS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_FILE = re.compile(r"^\s*file ?= ?(.+?)\s*$", re.MULTILINE)
_LONG = re.compile(r"Maximum line size of (\d+) bytes exceeded", re.IGNORECASE)
_JSON = re.compile(
    r"Malformed JSON in file .*, at byte (\d+) in (line|record/value) (\d+): ([^.\n]+)"
)
PREFIX = re.compile(r"^(Invalid Input|IO|Conversion|Binder|Parser|Serialization|Catalog) Error: ")
"""How DuckDB's messages begin; people do not need the name of the part that complains."""


def explain(error: Exception, facts: SourceFacts) -> ConsoleError:
    """Return the refusal for what kept a source from being read."""
    text = str(error)
    said = text.splitlines()[0].strip().rstrip(".") if text.strip() else type(error).__name__
    lowered = text.lower()
    if "no space left" in lowered or "max_temp_directory_size" in lowered:
        return UnavailableError(
            f"cannot read {facts.source}: the disk is full ({said}).",
            hint="Free some disk space; nothing was stored.",
        )
    if "out of memory" in lowered or type(error).__name__ == "OutOfMemoryException":
        return FailedError(
            f"cannot read {facts.source}: it does not fit into the memory allowed ({said}).",
            hint="Give the workers more memory, or split the file.",
        )
    if facts.format == "csv" and (refusal := _explain_csv(text, facts)) is not None:
        return refusal
    if broken := _JSON.search(text):
        byte, unit, number, reason = broken.groups()
        where = f"{facts.source}, {'line' if unit == 'line' else 'value'} {number}"
        return InvalidError(
            f"{where}: this is no JSON ({reason} at byte {byte} of it).",
            hint="Correct it there, or ask its sender: an incomplete copy ends like this too.",
            path=facts.source,
        )
    return InvalidError(
        f"cannot read {facts.source} as {facts.format}: {PREFIX.sub('', said)}.",
        hint="Look at the file near that place, then correct it or ask its sender.",
        path=facts.source,
    )


def _explain_csv(text: str, facts: SourceFacts) -> ConsoleError | None:
    named = _FILE.search(text)
    path = named.group(1) if named and len(facts.files) > 1 else facts.source
    found = _LINE.search(text)
    line = int(found.group(1)) if found else 0
    where = f"{path}, line {line}" if line else path
    data = {"path": path, "line": line}
    if counts := _COUNTS.search(text):
        wanted, got = counts.groups()
        return InvalidError(
            f"{where}: has {got} column{'' if got == '1' else 's'} where the others have {wanted}.",
            hint="A missing or unquoted delimiter? Correct the line, or name another delimiter.",
            **data,
        )
    if _LONG.search(text):
        return TooLargeError(
            f"{where}: the row is longer than allowed, most likely because a quote "
            f"({facts.quote}) opened there is never closed.",
            hint="Correct the quote, or allow longer rows with --longest-row MIB.",
            **data,
        )
    if "unterminated quote" in text:
        return InvalidError(
            f"{where}: a quote ({facts.quote}) is opened there and not closed properly.",
            hint="Correct the line, or name another quote character.",
            **data,
        )
    if "Invalid unicode" in text:
        return InvalidError(
            f"{where}: the text is not {facts.encoding}.", hint="Name its encoding.", **data
        )
    if "invalid state" in text:
        return InvalidError(
            f"{where}: its quotes or line ends do not follow the rules of CSV.",
            hint=f"Name another quote character than {facts.quote}, or correct the file.",
            **data,
        )
    return None
