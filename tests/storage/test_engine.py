"""DuckDB as the agent wants it: settings that hold, errors of the machine in a sentence."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from storage import engine
from storage.engine import Limits
from storage.errors import ConflictError, DamagedError, StorageError, UnavailableError


def test_a_setting_that_does_not_hold_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_same", lambda wanted, actual: wanted != "UTC")
    with pytest.raises(UnavailableError, match="has TimeZone = UTC where UTC was set"):
        engine.connect(tmp_path / "s", tmp_path, Limits(), readable=[], count=2)
    # Every handle was closed: the file can be opened again, with other settings.
    with duckdb.connect(str(tmp_path / "s"), config={"threads": "1"}) as other:
        assert other.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("wanted", "actual", "is_same"),
    [
        ("false", "False", True),
        ("2", "2", True),
        ("2", "4", False),
        ("805306368B", "768.0 MiB", True),
        ("805306368B", "18.8 GiB", False),
        ("/a/b", "/a/b", True),
    ],
)
def test_settings_are_compared_by_what_they_mean(wanted: str, actual: str, is_same: bool) -> None:
    assert engine._same(wanted, actual) is is_same


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (duckdb.IOException("IO Error: Could not set lock on file"), UnavailableError, "another"),
        (duckdb.IOException("IO Error: No space left on device"), UnavailableError, "disk is full"),
        (duckdb.TransactionException("Failed to commit: No space left"), UnavailableError, "full"),
        (duckdb.IOException("IO Error: Permission denied"), UnavailableError, "Permission denied"),
        (duckdb.IOException("file with version number 99"), ConflictError, "another release"),
        (duckdb.Error("Corrupt database file: checksum\nmore"), DamagedError, "is damaged"),
        (duckdb.OutOfMemoryException("5 GiB"), UnavailableError, "more memory"),
    ],
)
def test_what_the_machine_did_is_told_in_a_sentence(
    error: duckdb.Error, kind: type[StorageError], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught, engine.told(Path("/w/store.duckdb")):
        raise error
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_an_error_of_our_own_sql_stays_what_it_is() -> None:
    with pytest.raises(duckdb.CatalogException, match="nowhere") as caught, engine.told(Path("/s")):
        duckdb.connect().execute("SELECT * FROM nowhere")
    assert caught.value.__cause__ is None
