"""What a file is, by its name and by its first and last bytes.

Used by `formats` only. Pure: bytes and names in, words out.
"""

from __future__ import annotations

from typing import Final

from storage.records.sources import Format

EXTENSIONS: Final[dict[str, str]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
    ".xlsx": "excel",
    ".xls": "excel",
    ".avro": "avro",
    ".orc": "orc",
    ".db": "database",
    ".duckdb": "duckdb",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".html": "html",
    ".htm": "html",
    ".xml": "xml",
    ".pdf": "pdf",
    ".pkl": "pickle",
    ".pickle": "pickle",
}
COMPRESSIONS: Final = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}

READABLE: Final[dict[str, Format]] = {
    "csv": "csv",
    "json": "json",
    "jsonl": "jsonl",
    "parquet": "parquet",
    "arrow": "arrow",
}

_STARTS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"PAR1", "parquet"),
    (b"PARE", "encrypted parquet"),
    (b"ARROW1", "arrow"),
    (b"FEA1", "feather 1"),
    (b"\xff\xff\xff\xff", "arrow"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Obj\x01", "avro"),
    (b"ORC", "orc"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"%PDF", "pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old excel"),
    (b"\x7fELF", "program"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"\x89HDF", "hdf5"),
    (b"\x80\x04\x95", "pickle"),
    (b"\x80\x05\x95", "pickle"),
)
BOMS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

FOREIGN: Final[dict[str, tuple[str, str]]] = {
    "excel": ("an Excel workbook", "Export the sheet as CSV or Parquet first."),
    "old excel": ("an old Excel workbook", "Export the sheet as CSV or Parquet first."),
    "zip": ("a zip archive", "Unpack it and add the files in it."),
    "7z": ("a 7-Zip archive", "Unpack it and add the files in it."),
    "bzip2": ("compressed with bzip2", "Unpack it (bunzip2), or compress it with gzip or zstd."),
    "xz": ("compressed with xz", "Unpack it (unxz), or compress it with gzip or zstd."),
    "avro": ("an Avro file", "Convert it to Parquet first."),
    "orc": ("an ORC file", "Convert it to Parquet first."),
    "feather 1": ("a Feather file of version 1", "Write it again as Feather 2 (pyarrow ≥ 1)."),
    "encrypted parquet": ("an encrypted Parquet file", "Decrypt it first."),
    "sqlite": ("an SQLite database", "Export the table as CSV or Parquet first."),
    "duckdb": ("a DuckDB database", "Export the table: COPY t TO 't.parquet'."),
    "pdf": ("a PDF document", "Ask the sender for the table itself."),
    "image": ("an image", "Give a file with a table."),
    "program": ("a program", "Give a file with a table."),
    "hdf5": ("an HDF5 file", "Convert it to Parquet first."),
    "pickle": ("a Python pickle, which may run code when it is opened", "Write it as Parquet."),
    "html": (
        "a web page (HTML), often an error or login page saved under the name of the data",
        "Open it in an editor, then download the data again.",
    ),
    "xml": ("an XML document", "Convert it to CSV or Parquet first."),
}
"""What is recognised but not read: what to call it, and the way out."""


def by_name(name: str) -> tuple[str, str]:
    """Return (kind, compression) that a file name claims; each empty when it claims nothing.

    >>> by_name("flights.csv.gz"), by_name("notes.txt"), by_name("x.PARQUET")
    (('csv', 'gzip'), ('', ''), ('parquet', ''))
    """
    lowered = name.lower()
    compression = ""
    for suffix, kind in COMPRESSIONS.items():
        if lowered.endswith(suffix):
            compression = kind
            lowered = lowered.removesuffix(suffix)
            break
    for suffix, kind in EXTENSIONS.items():
        if lowered.endswith(suffix):
            return kind, compression
    return "", compression


def by_bytes(head: bytes) -> str:
    """Return what the first bytes are a signature of; empty = nothing known, perhaps text."""
    if head.startswith(b"PK\x03\x04"):
        return "excel" if b"xl/" in head or b"[Content_Types].xml" in head else "zip"
    if head[8:12] == b"DUCK":
        return "duckdb"
    for start, kind in _STARTS:
        if head.startswith(start) and not _is_utf32(head):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "html"
    return "xml" if text.startswith(b"<?xml") else ""


def bom(head: bytes) -> str:
    """Return the encoding that a byte order mark announces, or an empty text."""
    return next((encoding for mark, encoding in BOMS if head.startswith(mark)), "")


def _is_utf32(head: bytes) -> bool:
    return head.startswith(b"\xff\xfe\x00\x00")
