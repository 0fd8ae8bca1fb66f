"""The content of one dataset version: an ordered list of row chunks in the object store.

A manifest is independent of the name of the dataset: equal rows in equal order with equal columns
give an equal manifest digest, whoever adds them and from whatever file.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.records.datasets import SchemaColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Parquet file with all or some columns of a chunk."""

    object: str
    """Object digest of the file."""
    bytes: int
    columns: tuple[int, ...] = ()
    """Positions of the columns in the manifest's schema that are taken from it; empty = all."""
    names: tuple[str, ...] = ()
    """What these columns are called inside the file, in the same order; empty = as in the schema.
    Differs after a column was renamed: the rows are not written again for that."""
    is_patch: bool = False
    """Beside each column the file says in which rows it holds the value; in the others that of the
    parts before stays. So a few changes here and there do not store the column again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Consecutive rows of a chunk that lie in files of their own."""

    rows: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Consecutive rows. Equal digest = equal rows in equal order and of equal types."""

    digest: str
    """Over the column types and the hash of every row; does not depend on the Parquet writer."""
    rows: int
    parts: tuple[Part, ...]
    """One file, or several when a version changed only some columns of the chunk before."""
    head: tuple[Piece, ...] = ()
    """Its first rows, when they were the end of the table before rows were appended; `parts` then
    have the others."""

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All rows in their order."""
        others = self.rows - sum(piece.rows for piece in self.head)
        return (*self.head, Piece(rows=others, parts=self.parts))

    @property
    def files(self) -> tuple[Part, ...]:
        return tuple(part for piece in self.pieces for part in piece.parts)

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a dataset version consists of; stored as one JSON object."""

    algorithm: str
    """Recipe of chunk digests and cuts with a fingerprint of DuckDB's hash function: digests are
    compared only between manifests of the same algorithm."""
    columns: tuple[SchemaColumn, ...]
    chunks: tuple[Chunk, ...]
    rows: int
    target_rows: int
    """A chunk is cut on average after so many rows."""
    digest: str
    """Identity of the content: over algorithm, columns and chunk digests."""

    @property
    def bytes(self) -> int:
        """On disk, a file that several chunks share counted once."""
        return sum({part.object: part.bytes for c in self.chunks for part in c.files}.values())

    @property
    def objects(self) -> frozenset[str]:
        """Everything in the object store that must stay for this version to be readable."""
        return frozenset(part.object for chunk in self.chunks for part in chunk.files)
