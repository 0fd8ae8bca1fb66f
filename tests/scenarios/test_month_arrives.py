"""A month of flights arrives broken, is refused with reasons, is mended, and is compared.

Through the command line, with a real agent and real workers, as a data engineer would do it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from console import errors
from tests.conftest import RunningAgent, Said

pytestmark = [pytest.mark.scenario, pytest.mark.process]

Cli = Callable[..., Said]


def write(path: Path, query: str, null: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT csv, HEADER, NULLSTR '{null}')")
    return path


def test_a_month_with_na_strings_and_a_renamed_column_is_refused_mended_and_compared(
    flights_agent: RunningAgent, cli: Cli, tmp_path: Path
) -> None:
    workspace = flights_agent.workspace

    def run(*words: str, code: int = 0) -> Said:
        said = cli(workspace, *words)
        assert said.code == code, f"{words}: {said}"
        return said

    def facts(*words: str) -> Any:
        return json.loads(run(*words, "--json").out)

    run("data", "add", "planes", "planes.parquet")
    for month in ("01", "02", "03"):
        file = f"flights/flights-2013-{month}.parquet"
        run("data", "add", "flights", file, "--append")
    versions = facts("data", "list", "flights")
    assert [(v["version"], v["rows"]) for v in versions] == [(3, 80789), (2, 51955), (1, 27004)]
    assert {v["verdict"] for v in versions} <= {"pass", "warn"}

    # April comes with the text N/A where it means nothing, and somebody renamed a column.
    april = str(workspace.root / "flights/flights-2013-04.parquet")
    renamed = f"SELECT * RENAME (tailnum AS tail_num) FROM '{april}'"
    broken = write(tmp_path / "april.csv", renamed, null="N/A")
    refused = run(
        "data", "add", "flights", str(broken), "--append",
        code=errors.KINDS["refused"].exit_code,
    )  # fmt: skip
    assert "tailnum is missing (tail_num is new: renamed?)" in refused.out
    assert "dep_time" in refused.out
    assert "row 208 'N/A'" in refused.out
    assert "cannot add april.csv to flights: its contract fails in 6 of 62 rules" in refused.err
    assert "--force" in refused.err
    assert "Traceback" not in refused.out + refused.err
    assert facts("data", "list", "flights") == versions, "nothing of it was stored"

    # The same words come without storing anything, as a file for the build server too.
    junit = tmp_path / "contract.xml"
    checked = run(
        "contract", "check", "flights", str(broken), "--junit", str(junit),
        code=errors.KINDS["refused"].exit_code,
    )  # fmt: skip
    assert checked.out.startswith("flights: april.csv  28 330 rows")
    assert 'failures="6"' in junit.read_text()

    # The sender mends the file.
    mended = write(tmp_path / "april.csv", f"SELECT * FROM '{april}'", null="")
    added = run("data", "add", "flights", str(mended), "--append", "--tag", "with-april")
    assert added.out.startswith("added flights@v4: 109 119 rows, +28 330 to the one before")
    assert facts("data", "list", "flights")[0]["version"] == 4

    # What exactly came, and does it matter?
    diff = facts("data", "diff", "flights@v3", "flights@with-april")
    assert (diff["rows_added"], diff["rows_removed"], diff["rows_changed"]) == (28_330, 0, 0)
    assert diff["schema"] == []
    assert diff["before"] == "flights@v3"
    shown = run("data", "diff", "flights@v3..v4").out
    assert shown.startswith("flights@v3 → flights@v4  80 789 → 109 119 rows (+28 330)")
    drift = facts("data", "drift", "flights@v3..v4")
    moved = [column["column"] for column in drift["columns"] if column["is_drifted"]]
    assert moved == ["month"], "a new month moves the month and nothing else"
    shown = run("data", "drift", "flights").out
    assert "1 of 19 columns moved: month" in shown
    assert "26.0 % of its rows lie outside all values of the reference" in shown
    alone = run("data", "drift", "flights@v4", "--delivered").out
    assert alone.startswith("flights@v3 → the rows that came with flights@v4  80 789 → 28 330 rows")

    # The trail is complete: who added what, and the store is whole.
    actions = [entry["action"] for entry in facts("ledger", "show")]
    assert actions.count("data.add") == 5
    assert "data.tag" in actions
    assert run("data", "verify", "flights@v4").out.startswith("flights@v4 is whole")
    assert facts("data", "gc")["removed"] is False
    assert facts("data", "gc", "--remove", "--dry-run")["removed"] is False
