"""One pass over the bytes of a file: digest, encoding, NUL bytes, line ends.

Used by `formats` and `reading`. Memory stays at a few MiB whatever the size of the file.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from console.errors import ConflictError, InvalidError, TooLargeError
from storage.errors import from_os_error

BLOCK_BYTES: Final = 1 << 20
MOST_UNFOLDED: Final = 200
"""A compressed file may unfold to so many times its size once it is over the next limit."""
SAFE_UNFOLDED_BYTES: Final = 1 << 30

BytesRead = Callable[[int], None]
"""Called with the bytes of a file that were looked at, block by block."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when somebody writes to a file."""

    device: int
    inode: int
    bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        try:
            found = path.stat()
        except OSError as error:
            raise from_os_error("read", path, error) from error
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def check(self, path: Path) -> None:
        """Raise `ConflictError` when the file is not as it was."""
        now = Stamp.of(path)
        if now != self:
            raise ConflictError(
                f"{path} changed while it was read ({self.bytes:,} bytes before, {now.bytes:,} "
                "bytes now); nothing was stored.",
                hint="Try again when whoever writes it has finished.",
                path=str(path),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one pass over a text file found. Counts are of the unpacked content."""

    sha256: str
    """Of the file as it lies on disk."""
    text_bytes: int
    is_utf8: bool
    invalid_at: int
    """Byte where UTF-8 breaks; −1 = nowhere."""
    nul_count: int
    first_nul: int
    lf: int
    crlf: int
    cr: int
    """Carriage returns without a line feed."""
    longest_line: int
    """Bytes; exact for lines of more than a block, else at most a block."""
    longest_line_number: int

    @property
    def newline(self) -> str:
        kinds = {"crlf": self.crlf, "lf": self.lf - self.crlf, "cr": self.cr}
        present = [kind for kind, count in kinds.items() if count]
        if len(present) == 1:
            return present[0]
        # A lone carriage return among proper line ends is part of some text, not a line end.
        if "cr" in present and self.lf:
            present.remove("cr")
        return present[0] if len(present) == 1 else ("mixed" if present else "lf")


def sha256_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise from_os_error("read", path, error) from error


def open_unpacked(path: Path, compression: str) -> IO[bytes]:
    """Open the content of a plain, gzip or zstd file for reading."""
    try:
        if compression == "gzip":
            return cast("IO[bytes]", gzip.open(path, "rb"))
        if compression == "zstd":
            import pyarrow as pa

            stream: Any = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
            return cast("IO[bytes]", stream)
        return path.open("rb")
    except OSError as error:
        raise from_os_error("read", path, error) from error


def blocks(path: Path, compression: str) -> Iterator[bytes]:
    """Yield the content in blocks; raises `InvalidError` where a compressed file is broken."""
    packed = path.stat().st_size
    unfolded = 0
    with open_unpacked(path, compression) as file:
        while True:
            try:
                block = file.read(BLOCK_BYTES)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise _broken(path, compression, unfolded) from error
            except OSError as error:
                if error.errno is None:  # said by the decompressor, not by the system
                    raise _broken(path, compression, unfolded) from error
                raise from_os_error("read", path, error) from error
            if not block:
                return
            unfolded += len(block)
            if compression and unfolded > max(packed * MOST_UNFOLDED, SAFE_UNFOLDED_BYTES):
                raise TooLargeError(
                    f"{path} unfolds to more than {MOST_UNFOLDED} times its {packed:,} bytes: "
                    "this looks like a decompression bomb.",
                    hint="Unpack it yourself and add the unpacked file if it is what you expect.",
                    path=str(path),
                )
            yield block


def scan(
    path: Path, compression: str, *, is_utf16: bool = False, tell: BytesRead | None = None
) -> Scan:
    """Read the whole file once."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    digest = hashlib.sha256()
    position = nul_count = lf = crlf = cr_all = 0
    invalid_at = first_nul = -1
    longest = longest_number = line_start = 0
    last = b""
    for block in blocks(path, compression):
        if not compression:
            digest.update(block)
        if invalid_at < 0 and not is_utf16:
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                invalid_at = position - pending + error.start
        nuls = block.count(0)
        if nuls and first_nul < 0:
            first_nul = position + block.index(0)
        nul_count += nuls
        end = position + (block.find(b"\n") if b"\n" in block else len(block))
        if end - line_start > longest:  # only a line over a border between blocks can be long
            longest, longest_number = end - line_start, lf + 1
        if b"\n" in block:
            line_start = position + block.rfind(b"\n") + 1
        lf += block.count(b"\n")
        crlf += block.count(b"\r\n") + (last == b"\r" and block[:1] == b"\n")
        cr_all += block.count(b"\r")
        last = block[-1:]
        position += len(block)
        if tell is not None and not compression:
            tell(len(block))
    if invalid_at < 0 and not is_utf16 and decoder.getstate()[0]:
        invalid_at = position - len(decoder.getstate()[0])
    return Scan(
        sha256=sha256_of(path) if compression else digest.hexdigest(),
        text_bytes=position,
        is_utf8=invalid_at < 0 and not is_utf16,
        invalid_at=invalid_at,
        nul_count=nul_count,
        first_nul=first_nul,
        lf=lf,
        crlf=crlf,
        cr=cr_all - crlf,
        longest_line=longest,
        longest_line_number=longest_number,
    )


def transcode(path: Path, compression: str, encoding: str, target: Path) -> None:
    """Write the text as UTF-8 with \\n line ends, without a byte order mark, to `target`."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    held = ""
    position = 0
    try:
        with target.open("w", encoding="utf-8", newline="") as out:
            for block in blocks(path, compression):
                text = held + decoder.decode(block)
                held = "\r" if text.endswith("\r") else ""
                out.write(text.removesuffix("\r").replace("\r\n", "\n"))
                position += len(block)
            out.write(held + decoder.decode(b"", final=True))
    except UnicodeError as error:
        where = position + (error.start if isinstance(error, UnicodeDecodeError) else 0)
        raise InvalidError(
            f"cannot read {path} as {encoding}: the bytes at {where:,} are none of its characters.",
            hint="Give the right one, e.g. --encoding cp1252.",
            path=str(path),
            encoding=encoding,
        ) from error
    except OSError as error:
        raise from_os_error("write", target, error) from error


def _broken(path: Path, compression: str, unfolded: int) -> InvalidError:
    return InvalidError(
        f"cannot unpack {path}: the {compression} data ends or breaks after {unfolded:,} bytes "
        "of content.",
        hint="The file is incomplete or damaged: copy or download it again.",
        path=str(path),
    )
