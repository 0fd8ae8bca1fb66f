"""Three independent answers to "what is this file": its name, its first bytes, its content.

The content decides; where the answers differ the facts say so and `refuse_mismatch` turns it into a
refusal. Nothing is read as data here. Invariant: a file that cannot be read as a table ends in one
sentence with the way out, never in a guess.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console.errors import InvalidError, TooLargeError
from console.worker.data.dialect import Dialect, column_names, sniff
from console.worker.data.options import ReadOptions
from console.worker.data.scanning import BytesRead, Scan, Stamp, open_unpacked, scan, sha256_of
from console.worker.data.signatures import FOREIGN, READABLE, bom, by_bytes, by_name
from storage.errors import from_os_error
from storage.records.sources import SourceFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD_BYTES: Final = 1 << 16
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
_FAMILY: Final = {"jsonl": "json"}
_CP1252_HOLES: Final = frozenset(b"\x81\x8d\x8f\x90\x9d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One file and what is needed to read it."""

    path: Path
    facts: SourceFacts
    stamp: Stamp
    columns: tuple[str, ...] = ()
    """Of CSV: the header, made usable."""
    dialect: Dialect | None = None
    needs_transcoding: bool = False
    """The text is not plain UTF-8 with one kind of line end."""
    lines: int = 0
    """Line ends of a CSV file; about its rows."""
    longest_line: int = 0
    """About so many bytes; small when no line is longer than a MiB."""


def inspect(path: Path, options: ReadOptions, tell: BytesRead | None = None) -> Inspected:
    """Look at one file; a text file is read to its end once, telling `tell` of each block.

    Raises `InvalidError`.
    """
    stamp = Stamp.of(path)
    head, tail = _ends(path)
    if not head:
        raise InvalidError(
            f"{path} is empty (0 bytes).", hint="Check how it was made or copied.", path=str(path)
        )
    extension, claimed_compression = by_name(path.name)
    magic = by_bytes(head)
    compression = magic if magic in ("gzip", "zstd") else ""
    if compression:
        head = _unpacked_head(path, compression)
        magic_inside = by_bytes(head)
        if magic_inside in ("parquet", "arrow"):
            raise InvalidError(
                f"{path} is a {magic_inside} file inside {compression}.",
                hint="Unpack it first: the format is compressed already.",
                path=str(path),
            )
    else:
        magic_inside = magic
    _refuse_foreign(path, magic_inside)
    base = SourceFacts(
        source=str(path),
        format="csv",
        files=(str(path),),
        extension=extension,
        magic=magic,
        compression=compression,
        bytes=stamp.bytes,
    )
    if magic_inside in ("parquet", "arrow"):
        _check_complete(path, magic_inside, head, tail)
        facts = replace(
            base, format=READABLE[magic_inside], content=magic_inside, sha256=sha256_of(path)
        )
        found = Inspected(path=path, facts=facts, stamp=stamp)
    else:
        found = _inspect_text(path, base, head, stamp, options, tell)
    return replace(found, facts=_compared(found.facts, claimed_compression))


def refuse_mismatch(facts: SourceFacts, options: ReadOptions) -> None:
    """Raise `InvalidError` when name and content disagree and nobody said that it is meant."""
    if facts.agreement == "agree" or options.format:
        return
    raise InvalidError(
        f"{facts.source}: {facts.notes[-1]}.",
        hint=f"Rename it, or say that it is meant: --format {facts.format}.",
        path=facts.source,
        extension=facts.extension,
        magic=facts.magic,
        content=facts.content,
    )


def _ends(path: Path) -> tuple[bytes, bytes]:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(max(file.seek(0, 2) - 16, 0))
            return head, file.read()
    except OSError as error:
        raise from_os_error("read", path, error) from error


def _unpacked_head(path: Path, compression: str) -> bytes:
    try:
        with open_unpacked(path, compression) as file:
            head = file.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise InvalidError(
            f"cannot unpack {path}: the {compression} data is broken at its beginning.",
            hint="The file is incomplete or damaged: copy or download it again.",
            path=str(path),
        ) from error
    if not head:
        raise InvalidError(f"{path} unpacks to nothing (0 bytes).", path=str(path))
    return head


def _refuse_foreign(path: Path, magic: str) -> None:
    if magic in FOREIGN:
        what, hint = FOREIGN[magic]
        raise InvalidError(
            f"cannot read {path}: it is {what}.", hint=hint, path=str(path), magic=magic
        )
    if magic in ("gzip", "zstd"):
        raise InvalidError(
            f"cannot read {path}: it is compressed twice.", hint="Unpack it once.", path=str(path)
        )


def _check_complete(path: Path, magic: str, head: bytes, tail: bytes) -> None:
    signature = b"PAR1" if magic == "parquet" else b"ARROW1"
    is_stream = head.startswith(b"\xff\xff\xff\xff")
    if is_stream or tail.endswith(signature):
        return
    raise InvalidError(
        f"{path} begins like a {magic} file but its end is missing: it is truncated at "
        f"{path.stat().st_size:,} bytes.",
        hint="Copy or download it again.",
        path=str(path),
    )


def _inspect_text(
    path: Path,
    base: SourceFacts,
    head: bytes,
    stamp: Stamp,
    options: ReadOptions,
    tell: BytesRead | None,
) -> Inspected:
    if not head.strip(_BLANK) and stamp.bytes <= len(head):
        raise InvalidError(
            f"{path} holds nothing but line ends and spaces ({stamp.bytes:,} bytes).",
            hint="Check how it was made or copied.",
            path=str(path),
        )
    marked = bom(head)
    wide = marked in ("utf-16", "utf-32") or _normal(options.encoding).startswith(
        ("utf-16", "utf-32")
    )
    found = scan(path, base.compression, is_utf16=wide, tell=tell)
    encoding, is_guess = _encoding(path, head, found, marked, options)
    sample = _sample(path, base.compression, encoding, options.sample_bytes)
    is_whole = found.text_bytes <= options.sample_bytes
    dialect = sniff(sample, options, is_whole=is_whole)
    content = options.format or _content(sample, dialect, base.extension)
    if content not in READABLE:
        raise InvalidError(
            f"cannot tell what {path} is: text, but no JSON, and its lines have no steady number "
            "of columns with , tab ; or | between them.",
            hint="Say what it is, e.g. --format csv --delimiter ';'.",
            path=str(path),
        )
    facts = replace(
        base,
        format=READABLE[content],
        content=content,
        encoding=encoding,
        encoding_is_guess=is_guess,
        newline=found.newline,
        sha256=found.sha256,
    )
    if is_guess:
        note = f"its text is no UTF-8 and was read as {encoding}, a guess: --encoding names another"
        facts = replace(facts, notes=(note,))
    transcode = encoding != "utf-8" or found.newline == "mixed"
    if content == "csv" and found.longest_line > options.max_line_bytes and not found.cr:
        raise TooLargeError(
            f"{path}, line {found.longest_line_number}: the row is longer than "
            f"{options.max_line_bytes:,} bytes, most likely because a quote ({dialect.quote}) "
            "opened there is never closed.",
            hint="Correct the quote, or allow longer rows with --longest-row MIB.",
            path=str(path),
            line=found.longest_line_number,
        )
    if content != "csv":
        transcode = transcode or marked == "utf-8"
        return Inspected(path=path, facts=facts, stamp=stamp, needs_transcoding=transcode)
    names, notes = column_names(dialect)
    facts = replace(
        facts,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        has_header=dialect.has_header,
        decimal_mark=dialect.decimal_mark,
        notes=(*facts.notes, *notes),
    )
    return Inspected(
        path=path,
        facts=facts,
        stamp=stamp,
        columns=names,
        dialect=dialect,
        longest_line=found.longest_line,
        lines=found.lf or found.cr,
        needs_transcoding=transcode,
    )


def _encoding(
    path: Path, head: bytes, found: Scan, marked: str, options: ReadOptions
) -> tuple[str, bool]:
    """Return (encoding, is a guess); raises `InvalidError` for binary files."""
    if options.encoding:
        return _checked_encoding(options.encoding), False
    if marked in ("utf-16", "utf-32"):
        return marked, False
    if found.nul_count:
        share = found.nul_count / found.text_bytes
        if 0.3 < share < 0.6 and found.text_bytes % 2 == 0:
            order = "utf-16-le" if found.first_nul % 2 else "utf-16-be"
            return order, True
        raise InvalidError(
            f"{path} is binary: {found.nul_count:,} NUL bytes, the first at byte "
            f"{found.first_nul:,}.",
            hint="If it is text in another encoding, name it: --encoding utf-16.",
            path=str(path),
            nul_count=found.nul_count,
        )
    if found.is_utf8:
        return "utf-8", False
    return ("latin-1" if _CP1252_HOLES & frozenset(head) else "cp1252"), True


def _checked_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError as error:
        raise InvalidError(
            f"there is no encoding {name!r}.", hint="Use utf-8, utf-16, latin-1 or cp1252."
        ) from error
    return _normal(name)


def _normal(name: str) -> str:
    lowered = name.lower().replace("_", "-")
    aliases = {"utf8": "utf-8", "utf-8-sig": "utf-8", "utf16": "utf-16", "latin1": "latin-1"}
    return aliases.get(lowered, lowered)


def _sample(path: Path, compression: str, encoding: str, size: int) -> str:
    with open_unpacked(path, compression) as file:
        raw = file.read(size)
    # What a cut in the middle of a character leaves is dropped with the last line anyway.
    return raw.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")


def _content(sample: str, dialect: Dialect, extension: str) -> str:
    text = sample.lstrip()
    if text[:1] in ("{", "[") and (kind := _json_kind(text)):
        return kind
    if dialect.is_table or (extension == "csv" and dialect.first_row):
        return "csv"
    return extension if extension in ("json", "jsonl") else ""


def _json_kind(text: str) -> str:
    """Return `json`, `jsonl` or nothing for a text that starts with a bracket."""
    first, _, rest = text.partition("\n")
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        # An array or object over several lines; a table starts with a bracket by chance only.
        is_json = text[1:].lstrip()[:1] in '{["]}-0123456789tfn'
        return "json" if is_json and (text[0] == "[" or '"' in text[:200]) else ""
    return "jsonl" if isinstance(value, dict) and (rest.strip() or text[0] == "{") else "json"


def _compared(facts: SourceFacts, claimed_compression: str) -> SourceFacts:
    name = _FAMILY.get(facts.extension, facts.extension)
    content = _FAMILY.get(facts.content, facts.content)
    notes = list(facts.notes)
    if name and name != content:
        notes.append(f"its name says {facts.extension}, its content is {facts.content}")
    elif claimed_compression != facts.compression:
        said = claimed_compression or "no compression"
        notes.append(f"its name says {said}, its content has {facts.compression or 'none'}")
    else:
        return facts
    return replace(facts, agreement="mismatch", notes=tuple(notes))


def combined(source: str, found: Iterable[SourceFacts]) -> SourceFacts:
    """Make one set of facts of several files of one kind, with the dialect of the first."""
    each = list(found)
    if len(each) == 1:
        return replace(each[0], source=source)
    digest = hashlib.sha256("\n".join(facts.sha256 for facts in each).encode()).hexdigest()
    notes = [note for facts in each for note in facts.notes]
    return replace(
        each[0],
        source=source,
        files=tuple(path for facts in each for path in facts.files),
        bytes=sum(facts.bytes for facts in each),
        sha256=digest,
        notes=tuple(dict.fromkeys(notes)),
    )
