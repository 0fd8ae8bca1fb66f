"""Pages of a stored version: the right rows, as text, from the right chunks, and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from console.agent.page_reader import CELL_CHARS, MOST_ROWS, PageReader
from storage import chunks
from storage.chunking import numbered, write_version
from storage.errors import DamagedError
from storage.objects import Objects
from storage.records.chunks import Manifest


def store(tmp_path: Path, query: str) -> tuple[Objects, Manifest, str]:
    objects = Objects(tmp_path / "objects")
    with duckdb.connect(config={"threads": "2"}) as connection:
        rows = numbered(connection, query, "t")
        manifest = write_version(connection, rows, objects, tmp_path)
    return objects, manifest, objects.put_bytes(chunks.encode(manifest))


def test_a_page_anywhere_has_the_rows_that_belong_there(tmp_path: Path) -> None:
    objects, manifest, digest = store(
        tmp_path, "SELECT i AS id, 'text ' || i AS s FROM range(300000) t(i)"
    )
    assert len(manifest.chunks) > 2
    reader = PageReader(objects)
    for offset in (0, 131_071, 299_990):
        page = reader.page(digest, offset, 20)
        expected = [(str(i), f"text {i}") for i in range(offset, min(offset + 20, 300_000))]
        assert list(page.rows) == expected
        assert (page.offset, page.total) == (offset, 300_000)
    assert page.columns == ("id", "s")
    assert page.types == ("BIGINT", "VARCHAR")


def test_a_page_opens_only_the_chunks_it_lies_in(tmp_path: Path) -> None:
    objects, manifest, digest = store(tmp_path, "SELECT i FROM range(300000) t(i)")
    reader = PageReader(objects)
    for chunk in manifest.chunks[1:]:
        for part in chunk.parts:
            objects.path(part.object).unlink()
    assert reader.page(digest, 0, 10).rows[9] == ("9",)
    with pytest.raises(DamagedError, match="rows 300000 to 300009 cannot be read"):
        reader.page(digest, 299_999, 10)


def test_a_page_is_bounded_in_rows_cells_and_characters(tmp_path: Path) -> None:
    objects, _, tall = store(tmp_path, "SELECT repeat('x', 5000) AS x FROM range(3000)")
    page = PageReader(objects).page(tall, 0, 10**9)
    assert len(page.rows) == MOST_ROWS
    assert page.rows[0][0] == "x" * (CELL_CHARS - 1) + "…"
    wide = ", ".join(f"{i} AS c{i}" for i in range(2000))
    objects, _, digest = store(tmp_path, f"SELECT {wide} FROM range(500)")
    assert len(PageReader(objects).page(digest, 0, 500).rows) == 100


def test_every_value_is_text_and_null_stays_null(tmp_path: Path) -> None:
    objects, _, digest = store(
        tmp_path,
        "SELECT 'NaN'::DOUBLE AS n, NULL::INTEGER AS z, '' AS e, [1, NULL] AS l, "
        "TIMESTAMPTZ '2013-01-01 05:00:00+00' AS t, 1.50::DECIMAL(9, 2) AS d",
    )
    page = PageReader(objects).page(digest, 0, 10)
    assert page.rows == (("nan", None, "", "[1, NULL]", "2013-01-01 05:00:00+00", "1.50"),)


def test_behind_the_last_row_there_is_nothing(tmp_path: Path) -> None:
    objects, _, digest = store(tmp_path, "SELECT 1 AS a")
    reader = PageReader(objects)
    assert reader.page(digest, 1, 10).rows == ()
    assert reader.page(digest, -5, 10).rows == (("1",),)
    objects, _, empty = store(tmp_path, "SELECT 1 AS a WHERE false")
    assert PageReader(objects).page(empty, 0, 10).total == 0
